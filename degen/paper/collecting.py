"""Results of the targets in the paper's layout: tables with the published values, figures, verdicts.

OUT/results/<target>.csv     a row per run, as the study's `results.csv`
OUT/results/<target>.tex     the published value beside ours, ± half of the 95 % interval, number of seeds
OUT/results/<target>.json    verdicts of the target
OUT/figures/<target>…        the figure, as PDF and PNG, with its numbers as CSV
OUT/verdicts.md              verdicts of all targets that have been collected
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import UserError
from degen.files.outputs import in_own_folders, output_path
from degen.files.parse import read_json
from degen.files.writing import write_json, write_text
from degen.paper.comparison import comparison, in_order
from degen.paper.degeneration import degeneration_table, measure_runs
from degen.paper.drawing import draw_target
from degen.paper.judging.verdicts import Judgement, judge
from degen.paper.measured import Measured, measured, with_measures
from degen.paper.targets import NAMES, Target, target
from degen.runs.directory import FIGURES
from degen.runs.study import PLAN, STUDY
from degen.tables.csv_file import write_rows
from degen.tables.latex import tabular
from degen.tables.markdown import markdown
from degen.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from degen.sweeps.collect import Collected
    from degen.sweeps.study import Study

RESULTS = "results"
VERDICTS = "verdicts.md"

_HEAD = """\
# Verdicts

Each claim of the paper, tested on the runs of this folder. A verdict needs two seeds, and rests on 95 %
intervals over seeds, paired by seed. Where a claim is about several numbers, the weakest counts. p-values
that follow "p =" are adjusted for the claims of a section on a dataset (Holm). Permutation tests and bounds
of ranges are not adjusted.
"""
_LATEX_HEAD = "% Needs \\usepackage{booktabs}.\n"


@dataclass
class Collection:
    """Tables, verdicts, files and notes of the targets that were collected."""

    tables: list[Table] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The same in lists and dictionaries, without the tables."""
        return {
            "verdicts": [asdict(judgement) for judgement in self.judgements],
            "files": [str(path) for path in self.files],
            "notes": self.notes,
        }


def collect_targets(
    out: Path,
    names: Sequence[str] | None = None,
    done: Mapping[str, Collected] | None = None,
    *,
    accept_versions: bool = False,
) -> Collection:
    """Collect the targets that have been run, and write their tables, figures and verdicts.

    Parameters
    ----------
    out
        folder of the paper's studies.
    names
        targets to collect; by default all that have a plan.
    done
        by target, what `degen.sweeps.collect.collect` has just made of its study.
    accept_versions
        as in `degen.sweeps.collect.collect`, for the other targets.

    Raises
    ------
    UserError
        if no such target has been run.
    """
    wanted = NAMES if names is None else names
    present = [name for name in wanted if (out / name / PLAN).exists()]
    if not present:
        raise UserError(f"no target has been run in {out}; `degen paper run fig7` runs one")
    with in_own_folders():
        return _collect_all(present, out, done or {}, accept_versions)


def _collect_all(
    present: Sequence[str], out: Path, done: Mapping[str, Collected], accept_versions: bool
) -> Collection:
    from degen.sweeps.collect import collect  # brings pandas

    collection = Collection()
    for name in present:
        found = done.get(name) or collect(out / name, accept_versions=accept_versions)
        _collect(target(name), out, collection, found)
    collection.files.append(_write_verdicts(out))
    return collection


def _collect(target: Target, out: Path, collection: Collection, collected: Collected) -> None:
    from degen.sweeps.study import Study

    folder = out / target.name
    collection.notes += [f"{target.name}: {note}" for note in collected.notes]
    if collected.results.empty:
        return
    rows, study = measured(folder), Study.from_toml(folder / STUDY)
    stem = out / RESULTS / target.name
    if target.measured:
        rows, tables = _measured(target, rows, study, folder, stem, collection)
    else:
        write_rows(stem.with_name(f"{target.name}.csv"), [dict(row.row) for row in rows])
        tables = [comparison(target, rows, study.metrics, collected.left_out)]
    collection.files.append(stem.with_name(f"{target.name}.csv"))
    judgements = judge(target, rows, study, collected.left_out)
    for table in tables:
        path = stem.with_name(f"{table.name}.tex")
        write_text(path, _LATEX_HEAD + tabular(table), output_path)
        collection.files.append(path)
    judged = [asdict(judgement) for judgement in judgements]
    write_json(stem.with_name(f"{target.name}.json"), judged, output_path)
    collection.tables += tables
    collection.judgements += judgements
    drawn = draw_target(target, rows, folder, out / FIGURES)
    collection.files += drawn.files
    collection.notes += [f"{target.name}: {note}" for note in drawn.notes]


def _measured(
    target: Target, rows: Sequence[Measured], study: Study, folder: Path, stem: Path, collection: Collection
) -> tuple[list[Measured], list[Table]]:
    """Return the runs of a target with their measures and the tables of these; write the measures as CSV."""
    rows = in_order(rows)
    notes: list[str] = []
    measures = measure_runs(target, rows, folder, study.common_epoch, notes)
    collection.notes += [f"{target.name}: {note}" for note in notes]
    write_rows(stem.with_name(f"{target.name}.csv"), measures)
    tables = [degeneration_table(target, measures, moment) for moment in ("best", "common")]
    return with_measures(rows, measures), [table for table in tables if len(table.columns) > 2]


def verdict_table(judgements: Sequence[Judgement]) -> Table:
    """Return the verdicts with the numbers behind them."""
    titles = ["claim", "dataset", "verdict", "measured"]
    lines = [
        [Cell(one.claim), Cell(one.dataset), Cell(one.verdict), Cell(one.measured)] for one in judgements
    ]
    return Table("verdicts", "", [Column(title, "text") for title in titles], lines)


def _write_verdicts(out: Path) -> Path:
    """Write the verdicts of every target that has been collected, in the order of the paper."""
    parts = [_HEAD]
    for name in NAMES:
        path = out / RESULTS / f"{name}.json"
        if not path.exists():
            continue
        try:
            judgements = [Judgement(**values) for values in read_json(path)]
        except (ValueError, TypeError) as error:
            raise UserError(f"{path} cannot be read ({error}); delete it and collect again") from error
        about = target(name)
        found = (
            markdown(verdict_table(judgements)) if judgements else "No claim of this target can be judged."
        )
        parts.append(f"\n## {about.source}: {about.title}\n\n{found}\n")
    write_text(out / VERDICTS, "".join(parts), output_path)
    return out / VERDICTS
