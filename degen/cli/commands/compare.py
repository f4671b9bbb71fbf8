"""`degen compare`: the verdict on two or more matrices or runs, their differences, and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.cli.failing import ANSWER, end_by
from degen.cli.options import (
    FILES,
    LOOK,
    Group,
    Measures,
    Modules,
    RunsOrFiles,
    Typed,
    default,
    option,
    takes,
)
from degen.cli.output import Output
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.studies.compare import SideComparison
    from degen.studies.comparing.compare_paths import Compared, CompareOptions
    from degen.studies.comparing.conditions import Condition
    from degen.studies.figure_files import FigureFiles, FigureOptions
    from degen.tables.table import Table


SIDES: Group = {
    "against": option(
        str | None, "--against", "Run, variant or matrix to compare with." + default("the first")
    ),
    "profiles": option(
        str | None,
        "--profiles",
        "Profiles to draw by popularity, separated by commas."
        + default("cosine, norm, angle, first direction"),
    ),
}
"""Options of the sides and of their figures."""

DRAWING: Group = {
    "no_figures": option(bool, "--no-figures", "Draw no figures and write no files; much quicker.", False),
    **LOOK,
}
"""Options of the figures."""


@takes(writes=True, answer=ANSWER, sides=SIDES, files=FILES, look=DRAWING)
def compare(
    paths: RunsOrFiles,
    measures: Measures = None,
    modules: Modules = None,
    *,
    answer: Typed,
    sides: Typed,
    files: Typed,
    look: Typed,
    output: Output,
) -> None:
    """Say which item embeddings are more isotropic, with the differences of their measures, and draw them.

    The first path is the base, unless --against names another. Two folders with the seeds of one variant each
    are two sides, also of different logs.

    The verdict comes first, from the core measures; then their table; then figures: spectra, measures by
    popularity, and the clouds of plot-svd. With several seeds per side, differences are judged by the noise
    between seeds (Holm's correction). With one, that noise is unknown, and intervals are over items, paired.

    Only the core measures are taken, which is quicker, unless --all, --measures or --json asks for more.
    --json with --measures core has the verdict and the core measures alone.

    Exit codes: 0; 2 for a mistake; 3 where a condition of --fail-if holds, such as "average_cosine > 0.5"
    for the second side, or "change(average_cosine) > 0.1" for the difference.

    [bold]Examples[/bold]

      degen compare jan.npy feb.npy --frequency counts.txt

      degen compare jan.npy feb.npy --no-figures --fail-if "effective_rank < 30"

      degen compare runs/clothing --all

      degen compare runs-of-january runs-of-february

      degen compare runs/sasrec-s0 runs/duorec-s0 --measures spectrum
    """
    from degen.modules import import_modules
    from degen.studies.comparing.compare_paths import compare_paths
    from degen.studies.comparing.conditions import parse_conditions
    from degen.studies.comparing.failing import ACCURACY, judged_comparisons

    import_modules(modules or [])
    conditions = parse_conditions(answer["fail_if"] or [], ACCURACY, changes=True)
    every = answer["every"] or output.as_json
    options, core = _options(measures, every, conditions, sides, files)
    drawing = _Drawing.of(paths, options, look)
    found = compare_paths(paths, options, output.note, drawing.folder if drawing else None)
    if not output.as_json:
        _print(found, answer["every"] or not core, output)
        if core:
            output.paragraph(f"--all shows every measure{', also in the CSV file' if drawing else ''}.")
    drawn = None if drawing is None else drawing.draw(found, output)
    judgement = judged_comparisons(conditions, found.datasets)
    failed = {"failed": judgement.failed} if conditions else {}
    if not output.result(_result(found, drawn) | failed) and drawn is not None:
        output.line(*drawn.files)
    end_by(judgement)


def _options(
    measures: str | None, every: bool, conditions: Sequence[Condition], sides: Typed, files: Typed
) -> tuple[CompareOptions, bool]:
    """Return what to measure, and whether that is the core alone, besides what conditions need."""
    from degen.analysis.listing import CORE_NAME
    from degen.config.lists import names_in
    from degen.embeddings.file_options import FileOptions
    from degen.studies.comparing.compare_paths import SHOWN, CompareOptions
    from degen.studies.comparing.conditions import with_conditions

    chosen = measures or (None if every else CORE_NAME)
    measured, core = with_conditions(chosen, conditions), chosen == CORE_NAME
    profiles = tuple(names_in(sides["profiles"]))
    return CompareOptions(
        measured, sides["against"], profiles or SHOWN, FileOptions(**files), not core, conditions
    ), core


@dataclass(frozen=True)
class _Drawing:
    """The figures of a comparison, whose libraries are loaded only where some are drawn."""

    paths: list[Path]
    options: CompareOptions
    look: FigureOptions
    folder: Path

    @classmethod
    def of(cls, paths: list[Path], options: CompareOptions, look: Typed) -> _Drawing | None:
        """Check the look before anything is measured; return None where no figures are wanted."""
        if look["no_figures"]:
            _refuse_look(look)
            return None
        from degen.studies.figure_files import FigureOptions, output_folder

        figures = FigureOptions(**{name: look[name] for name in LOOK})
        return cls(paths, options, figures, output_folder(paths, figures.out))

    def draw(self, found: Compared, output: Output) -> FigureFiles:
        """Draw and write what was found; tell what could not be drawn."""
        from degen.studies.compare_figures import draw_comparison

        drawn = draw_comparison(self.paths, found.datasets, self.options, self.look, output.note)
        output.note(*(note for note in drawn.notes if note not in found.notes))
        return drawn


def _refuse_look(look: Typed) -> None:
    """Refuse options of figures where none are drawn."""
    for name, (_, value) in LOOK.items():
        if look[name] != value:
            raise UserError(f"`{name}` is about figures, and `no_figures` draws none; leave one of them out")


def _result(found: Compared, drawn: FigureFiles | None) -> dict[str, Any]:
    told = found if drawn is None else found.with_figures(drawn.files, drawn.notes)
    return {
        "files": [str(path) for path in told.files],
        "rows": told.rows,
        "notes": told.notes,
        "verdicts": told.verdicts,
    }


def _print(found: Compared, every: bool, output: Output) -> None:
    """Print the verdict on each side and its tables, one for several sides; then notes that are news."""
    from degen.analysis.statistics.differences import SEED_NOISE_UNKNOWN
    from degen.studies.comparing import comparison_tables as tables

    for dataset in found.datasets:
        called = f"{dataset.name}: " if len(found.datasets) > 1 else ""
        shown = [_shown(side, every) for side in dataset.comparisons]
        if len(shown) > 1 and not every:
            shown = [*([] for _ in shown[1:]), [tables.sides_table(dataset)]]
        for side, several in zip(dataset.comparisons, shown, strict=True):
            output.paragraph(called + side.verdict.text, called + side.verdict.headline)
            for table in several:
                output.line("")
                output.show(table)
            output.line("")
    output.note(*(note for note in found.notes if not note.startswith(SEED_NOISE_UNKNOWN)))


def _shown(side: SideComparison, every: bool) -> list[Table]:
    """Return the table of core measures or of all, and that of accuracy where it is known."""
    from degen.studies.comparing import comparison_tables as tables

    accuracy = tables.accuracy_table(side, every=every)
    alike = tables.similarity_table(side) if every else None
    first = tables.all_table(side) if every else tables.core_table(side)
    return [table for table in (first, accuracy, alike) if table is not None]
