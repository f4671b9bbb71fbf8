"""`degen compare`: differences of degeneration between runs or matrices, with their uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.options import FILES, LOOK, Measures, RunsOrFiles, Typed, default, takes
from degen.cli.output import Output

if TYPE_CHECKING:
    from degen.studies.compare import SideComparison

_P = "p (Holm)"


@takes(writes=True, files=FILES, look=LOOK)
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
    from degen.embeddings.file_options import FileOptions
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
    sides = [side for compared in results for side in compared.comparisons]
    marked = any(row.marked for side in sides for row in side.measures)
    output.line(LEGEND + ("; * difference exceeds the noise of seeds" if marked else ""))
    output.line(*written)


def _print(name: str, side: SideComparison, output: Output) -> None:
    """Print a table of all measures of a side, and one of how alike the two are."""
    from degen.analysis.listing import line
    from degen.tables.numbers import NOTHING, between, number

    rows = [
        {
            "measure": f"{row.measure} {line(row.measure).arrow}".rstrip() + (" *" if row.marked else ""),
            side.base: number(row.a),
            side.other: number(row.b),
            "difference": number(row.difference),
            "interval": None if row.interval is None else between(*row.interval),
            "noise of": row.noise,
            _P: number(row.adjusted_p),
        }
        for row in (*side.measures, *side.users)
    ]
    # There is no p without several seeds per side.
    columns = [key for key in rows[0] if key != _P or any(row[_P] != NOTHING for row in rows)]
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
