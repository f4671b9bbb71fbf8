"""`degen compare`: the verdict on two or more matrices or runs, their differences, and figures."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from degen.studies.compare import SideComparison
    from degen.studies.comparing.compare_paths import Compared
    from degen.studies.figure_files import FigureFiles
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


@takes(writes=True, answer=ANSWER, sides=SIDES, files=FILES, look=LOOK)
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

    Exit codes: 0; 2 for a mistake; 3 where a condition of --fail-if holds, such as "average_cosine > 0.5"
    for the second side, or "change(average_cosine) > 0.1" for the difference.

    [bold]Examples[/bold]

      degen compare jan.npy feb.npy --frequency counts.txt

      degen compare jan.npy feb.npy --fail-if "change(average_cosine) > 0.05"

      degen compare runs/clothing --all

      degen compare runs-of-january runs-of-february

      degen compare runs/sasrec-s0 runs/duorec-s0 --measures spectrum
    """
    from degen.embeddings.file_options import FileOptions
    from degen.modules import import_modules
    from degen.studies.compare_figures import draw_comparison
    from degen.studies.comparing.compare_paths import SHOWN, CompareOptions, compare_paths
    from degen.studies.comparing.conditions import parse_conditions, with_conditions
    from degen.studies.comparing.failing import ACCURACY, judged_comparisons
    from degen.studies.figure_files import FigureOptions, output_folder

    import_modules(modules or [])
    conditions = parse_conditions(answer["fail_if"] or [], ACCURACY, changes=True)
    profiles = tuple(name.strip() for name in (sides["profiles"] or "").split(",") if name.strip())
    measured = with_conditions(measures, conditions)
    options = CompareOptions(measured, sides["against"], profiles or SHOWN, FileOptions(**files))
    figures = FigureOptions(**look)
    found = compare_paths(paths, options, output.note, output_folder(paths, figures.out))
    if not output.as_json:
        _print(found, answer["every"] or measures is not None, output)
    drawn = draw_comparison(paths, found.datasets, options, figures, output.note)
    output.note(*(note for note in drawn.notes if note not in found.notes))
    judgement = judged_comparisons(conditions, found.datasets)
    failed = {"failed": judgement.failed} if conditions else {}
    if not output.result(_result(found, drawn) | failed):
        output.line(*drawn.files)
    end_by(judgement)


def _result(found: Compared, drawn: FigureFiles) -> dict[str, Any]:
    from degen.studies.comparing.comparison_rows import comparison_rows, verdict_rows

    return {
        "files": [str(path) for path in drawn.files],
        "rows": [row for dataset in found.datasets for row in comparison_rows(dataset)],
        "notes": list(dict.fromkeys([*found.notes, *drawn.notes])),
        "verdicts": [row for dataset in found.datasets for row in verdict_rows(dataset)],
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
