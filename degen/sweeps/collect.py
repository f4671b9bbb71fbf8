"""Collect the results of a study: `results.csv`, `summary.csv`, `summary.tex` and figures.

Only finished cells are read, so a study may be collected at any time; what is missing is named. Cells whose
version or commit of degen, log or convention of ties differs from most others are left out unless they are
accepted, and then their rows say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import UserError, counted
from degen.files.outputs import in_own_folders, output_path, refuse_foreign
from degen.files.writing import write_text
from degen.runs.choose import damage
from degen.runs.directory import FIGURES, RunDirectory
from degen.runs.study import RESULTS, PlannedRun, is_study, read_failure, read_plan, read_study
from degen.sweeps.results.figures_by_axes import draw_study
from degen.sweeps.results.result_rows import (
    GEOMETRY,
    RANKING,
    axis_columns,
    common_epoch,
    finished,
    machines_note,
    mark_differing,
    metric_columns,
    recorded_measures,
    result_row,
)
from degen.sweeps.results.summary import free_axes, summarize, summary_table
from degen.tables.csv_file import plain_text, write_rows
from degen.tables.latex import tabular
from degen.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

SUMMARY, LATEX = "summary.csv", "summary.tex"
METRICS = ("HR@5", "NDCG@5", "HR@10", "NDCG@10")

_LATEX_HEAD = "% Needs \\usepackage{booktabs}. Means over seeds ± half of the 95 % interval (Student's t).\n"


@dataclass(frozen=True)
class Collected:
    """The results of a study.

    Attributes
    ----------
    results, summary
        the tables of `results.csv` and `summary.csv`.
    axes
        columns of the axes that vary, each with its key of the configuration.
    metrics
        ranking metrics of the study, the first ones first.
    missing
        names `<id>-s<seed>` of the runs that are not finished.
    failed
        by name, the sentence of each run that failed.
    left_out
        by dataset and method, why finished runs are not among the results.
    notes
        sentences about what was left out.
    files
        what was written.
    """

    results: pd.DataFrame
    summary: pd.DataFrame
    axes: Mapping[str, str]
    metrics: Sequence[str]
    missing: list[str]
    failed: dict[str, str]
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def table(self, width: int | None = 80) -> Table:
        """Return the summary for people, in at most `width` characters where that is possible."""
        return summary_table(self.summary, self.axes, self.metrics, width)


def collect(out: Path, *, accept_versions: bool = False, figures: bool = True) -> Collected:
    """Read the finished runs of the study in `out`, and write its tables and figures there.

    Parameters
    ----------
    out
        folder of the study.
    accept_versions
        keep cells whose version or commit of degen, log or convention of ties differs from most others;
        `differs` says so.
    figures
        draw them too.

    Raises
    ------
    UserError
        if `out` is no study.
    """
    if not is_study(out):
        raise UserError(f"{out} is not the folder of a study: it holds no study.toml with plan.jsonl")
    study, plan = read_study(out).get("study", {}), read_plan(out)
    found = {planned.name: (planned, finished(planned, out)) for planned in plan}
    done = [(planned, facts) for planned, facts in found.values() if facts is not None]
    broken = {planned.name: error for planned, _ in done if (error := damage(RunDirectory(planned.run)))}
    done = [(planned, facts) for planned, facts in done if planned.name not in broken]
    left = [name for name, (_, facts) in found.items() if facts is None]
    failed = {name: sentence for name in left if (sentence := read_failure(out, name)[0])}
    missing = [name for name in left if name not in failed]
    notes = [f"{name} failed: {sentence}" for name, sentence in failed.items()]
    notes += [f"{name} is left out: {error}" for name, error in broken.items()]
    if missing:
        notes.append(f"{len(missing)} of {counted(len(plan), 'run')} are not finished")
    axes = axis_columns(plan)
    rows = _rows(study.get("name", out.resolve().name), study, done, axes)
    kept = [row for row in rows if accept_versions or not row["differs"]]
    left_out = {}
    for row in (row for row in rows if row not in kept):
        why = f"differs from most runs in {row['differs']}"
        left_out[row["dataset"], row["control"] or row["variant"]] = why
        notes.append(f"{row['cell']}-s{row['seed']} {why}: left out; `accept_versions=True` keeps it")
    notes += filter(None, [machines_note(kept)])
    with in_own_folders():
        return _written(out, study, kept, axes, _Remarks(missing, failed, left_out, notes), figures)


@dataclass(frozen=True)
class _Remarks:
    missing: list[str]
    failed: dict[str, str]
    left_out: dict[tuple[str, str], str]
    notes: list[str]


def _rows(
    name: str,
    study: Mapping[str, Any],
    done: Sequence[tuple[PlannedRun, Mapping[str, Any]]],
    axes: Mapping[str, str],
) -> list[dict[str, Any]]:
    by_dataset: dict[str, list[Path]] = {}
    for planned, _ in done:
        by_dataset.setdefault(planned.dataset, []).append(planned.run)
    given = study.get("common_epoch")
    common = {dataset: common_epoch(runs, given) for dataset, runs in by_dataset.items()}
    ranking, geometry = _ranking(study), [*GEOMETRY, *recorded_measures(planned.run for planned, _ in done)]
    rows = [
        result_row(planned, name, axes, common[planned.dataset], found, ranking, geometry)
        for planned, found in done
    ]
    configs = [RunDirectory(planned.run).config for planned, _ in done]
    logs = [str(config.get("data", {}).get("fingerprint", "")) for config in configs]
    mark_differing(rows, logs, ties="evaluation.ties" not in axes.values())
    return rows


def _ranking(study: Mapping[str, Any]) -> list[str]:
    """Return the ranking metrics of the tables: HR and NDCG, and further ones that the study names."""
    return list(dict.fromkeys([*RANKING, *study.get("metrics", METRICS)]))


def _written(
    out: Path,
    study: Mapping[str, Any],
    rows: list[dict[str, Any]],
    axes: Mapping[str, str],
    remarks: _Remarks,
    figures: bool,
) -> Collected:
    import pandas as pd

    about = vars(remarks)
    metrics = list(study.get("metrics", METRICS))
    if not rows:
        empty = pd.DataFrame()
        remarks.notes.append(f"no run of {out} is finished: nothing to collect")
        return Collected(empty, empty, {}, metrics, **about)
    # Before the first is written: tables of two collections are never mixed.
    refuse_foreign(out / RESULTS, out / SUMMARY, out / LATEX)
    files = [write_rows(out / RESULTS, rows, digits=None)]
    results = read_results(out / RESULTS)
    best = [name.removeprefix("best_") for name in rows[0] if name.startswith("best_")]
    geometry = [name for name in best if name != "epoch"]
    summary = summarize(results, list(axes), metric_columns(_ranking(study), geometry))
    files.append(write_rows(out / SUMMARY, _plain(summary), digits=None))
    free = free_axes(results, axes)
    table = summary_table(summary, free, metrics, width=None)
    write_text(out / LATEX, _LATEX_HEAD + tabular(table), output_path)
    files.append(out / LATEX)
    if figures:
        drawn = draw_study(results, free, metrics, out / FIGURES, study.get("figure"))
        files += drawn.files
        remarks.notes.extend(drawn.notes)
    return Collected(results, summary, free, metrics, files=files, **about)


def read_results(path: Path) -> pd.DataFrame:
    """Return `results.csv` as a table: ids and names as text, no control as an empty one."""
    import pandas as pd

    keys = ("study", "dataset", "variant", "control", "cell")
    text = (*keys, "differs", "ties", "device", "cpu", "torch", "version")
    types = dict.fromkeys((*text, "commit"), "str")
    table = pd.read_csv(path, dtype=types).fillna(dict.fromkeys((*text, "commit"), ""))
    return table.assign(**{name: table[name].map(plain_text) for name in text if name in table})


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table with None in place of NaN, as CSV files have them."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]
