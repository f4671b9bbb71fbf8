"""`degen compare`: how much more degenerate one is than another, and how surely."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.figures import Formats, Out, StyleOption, Width
from degen.cli.matrix_options import Frequency, Key, SkipRows
from degen.cli.output import JsonFlag, Output, QuietFlag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from degen.analysis.statistics.differences import Comparison
    from degen.studies.compare import Against, Compared

_P = "p (Holm)"


def compare(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH…", help="Runs, folders above runs, or matrix files.", show_default=False
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="What all are compared against.  \\[default: the first]", show_default=False
        ),
    ] = None,
    measures: Annotated[
        str | None,
        typer.Option(
            "--measures", help="Measures and groups, by comma.  \\[default: all]", show_default=False
        ),
    ] = None,
    profiles: Annotated[
        str | None,
        typer.Option(
            "--profiles",
            help="What to draw by popularity, by comma.  \\[default: cosine, norm, angle, first direction]",
            show_default=False,
        ),
    ] = None,
    frequency: Frequency = None,
    key: Key = None,
    skip_rows: SkipRows = None,
    out: Out = None,
    width: Width = None,
    style: StyleOption = "paper",
    formats: Formats = "pdf,png",
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Compare how degenerate item embeddings are: all measures with differences and their noise, and figures.

    Several seeds of a variant give the noise of seeds, and differences beyond it are marked *, after Holm's
    correction over the measures. With one seed a side that noise is unknown and nothing is marked; intervals
    are then over items, paired. Figures: spectra, measures by popularity, and the clouds of plot-svd.

    [bold]Examples[/bold]

      degen compare runs/clothing

      degen compare runs/beauty/sasrec-s0 runs/beauty/duorec-s0 --measures spectrum,isotropy

      degen compare ours.npy theirs.pth --frequency counts.txt --against theirs
    """
    from degen.studies.compare_figures import SHOWN, CompareOptions, draw_comparison
    from degen.studies.figure_files import FigureOptions
    from degen.studies.sides import FileOptions

    output = Output(as_json, quiet)
    drawn_profiles = tuple(name.strip() for name in (profiles or "").split(",") if name.strip()) or SHOWN
    options = CompareOptions(measures, against, drawn_profiles, FileOptions(key, skip_rows, frequency))
    drawn, results = draw_comparison(paths, options, FigureOptions(out, width, style, formats), output.note)
    for note in drawn.notes:
        output.note(note)
    files = [str(path) for path in drawn.files]
    if output.result({"files": files, "rows": drawn.rows, "notes": drawn.notes}):
        return
    for compared in results:
        for one in compared.against:
            _print(compared.name, one, output)
    _print_legend(results, output)
    for file in files:
        output.line(file)


def _print(name: str, one: Against, output: Output) -> None:
    """A table of all measures of a side, and one of how alike the two are."""
    from degen.tables.numbers import number

    rows = [_row(one, comparison) for comparison in (*one.measures, *one.users)]
    # Without several seeds a side there is no p.
    columns = [key for key in rows[0] if key != _P or any(row[_P] is not None for row in rows)]
    output.table(
        columns,
        [[row[key] for key in columns] for row in rows],
        title=f"{name}: {one.other} beside {one.base}",
        right=(one.base, one.other, "difference", "interval", _P),
    )
    if one.alike:
        output.table(
            ["how alike", "value"],
            [[name, number(value)] for name, value in one.alike.items()],
            title=f"{name}: {one.other} and {one.base}",
            right=("value",),
        )


def _row(against: Against, one: Comparison) -> dict[str, str | None]:
    from degen.analysis.listing import line
    from degen.tables.numbers import between

    marked = " *" if one.marked else ""
    return {
        "measure": f"{one.measure} {line(one.measure).arrow}".rstrip() + marked,
        against.base: _number(one.a),
        against.other: _number(one.b),
        "difference": _number(one.difference),
        "interval": None if one.interval is None else between(*one.interval),
        "noise of": one.noise,
        _P: _number(one.adjusted_p),
    }


def _number(value: float | None) -> str | None:
    from degen.tables.numbers import number

    return None if value is None or math.isnan(value) else number(value)


def _print_legend(results: Sequence[Compared], output: Output) -> None:
    from degen.studies.measure_tables import LEGEND

    found = [one for compared in results for against in compared.against for one in against.measures]
    marks = "; * differs beyond the noise of seeds" if any(one.marked for one in found) else ""
    output.line(LEGEND + marks)
