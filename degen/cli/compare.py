"""`degen compare`: differences of degeneration between runs or matrices, with their uncertainty."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.options import (
    FILES,
    LOOK,
    Measures,
    RunsOrFiles,
    Typed,
    default,
    takes,
)
from degen.cli.output import Output

if TYPE_CHECKING:
    from degen.analysis.statistics.differences import Comparison
    from degen.studies.compare import SideComparison

_P = "p (Holm)"


@takes(files=FILES, look=LOOK)
def compare(
    paths: RunsOrFiles,
    against: Annotated[
        str | None,
        typer.Option("--against", help="Run, variant or matrix to compare with." + default("the first")),
    ] = None,
    measures: Measures = None,
    profiles: Annotated[
        str | None,
        typer.Option(
            "--profiles",
            help="Profiles to draw by popularity, separated by commas."
            + default("cosine, norm, angle, first direction"),
        ),
    ] = None,
    *,
    files: Typed,
    look: Typed,
    output: Output,
) -> None:
    """Compare how degenerate item embeddings are: differences of all measures with intervals, and figures.

    With several seeds per variant, intervals are over seeds, and differences that exceed the noise of seeds
    are marked * (Holm's correction over the measures). With one seed that noise is unknown: nothing is
    marked, and intervals are over items, paired. Figures: spectra, measures by popularity, and the clouds of
    plot-svd.

    [bold]Examples[/bold]

      degen compare runs/clothing

      degen compare runs/beauty/sasrec-s0 runs/beauty/duorec-s0 --measures spectrum,isotropy

      degen compare ours.npy theirs.pth --frequency counts.txt --against theirs
    """
    from degen.embeddings.select import FileOptions
    from degen.studies.compare_figures import SHOWN, CompareOptions, draw_comparison
    from degen.studies.figure_files import FigureOptions
    from degen.studies.measure_tables import LEGEND

    drawn_profiles = tuple(name.strip() for name in (profiles or "").split(",") if name.strip()) or SHOWN
    options = CompareOptions(measures, against, drawn_profiles, FileOptions(**files))
    drawn, results = draw_comparison(paths, options, FigureOptions(**look), output.note)
    output.note(*drawn.notes)
    written = [str(path) for path in drawn.files]
    if output.result({"files": written, "rows": drawn.rows, "notes": drawn.notes}):
        return
    for compared in results:
        for side in compared.comparisons:
            _print(compared.name, side, output)
    measures = [row for compared in results for side in compared.comparisons for row in side.measures]
    marks = "; * difference exceeds the noise of seeds" if any(row.marked for row in measures) else ""
    output.line(LEGEND + marks)
    output.line(*written)


def _print(name: str, side: SideComparison, output: Output) -> None:
    """Print a table of all measures of a side, and one of how alike the two are."""
    from degen.tables.numbers import number

    rows = [_row(side, comparison) for comparison in (*side.measures, *side.users)]
    # There is no p without several seeds per side.
    columns = [key for key in rows[0] if key != _P or any(row[_P] is not None for row in rows)]
    output.table(
        columns,
        [[row[key] for key in columns] for row in rows],
        title=f"{name}: {side.other} compared with {side.base}",
        right=(side.base, side.other, "difference", "interval", _P),
    )
    if side.alike:
        output.table(
            ["similarity", "value"],
            [[name, number(value)] for name, value in side.alike.items()],
            title=f"{name}: {side.other} and {side.base}",
            right=("value",),
        )


def _row(side: SideComparison, compared: Comparison) -> dict[str, str | None]:
    from degen.analysis.listing import line
    from degen.tables.numbers import between

    marked = " *" if compared.marked else ""
    return {
        "measure": f"{compared.measure} {line(compared.measure).arrow}".rstrip() + marked,
        side.base: _number(compared.a),
        side.other: _number(compared.b),
        "difference": _number(compared.difference),
        "interval": None if compared.interval is None else between(*compared.interval),
        "noise of": compared.noise,
        _P: _number(compared.adjusted_p),
    }


def _number(value: float | None) -> str | None:
    from degen.tables.numbers import number

    return None if value is None or math.isnan(value) else number(value)
