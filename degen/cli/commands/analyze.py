"""`degen analyze`: every measure of degeneration of runs and matrix files, as a table."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from degen.cli.options import FILES, Group, Measures, Typed, default, option, takes
from degen.cli.output import Output
from degen.config.facts import sentence
from degen.errors import UserError

_MOST_COLUMNS = 6
_NAMES, _COLUMN = 32, 20
"""Characters of the names of measures, and of a column of values."""


MEASURING: Group = {
    "drop_nonfinite": option(
        bool, "--drop-nonfinite", "Leave out rows with NaN or infinity, and count them.", False
    ),
    "with_model": option(
        bool, "--with-model", "For runs: add measures that need the model and its test users.", False
    ),
    "seeds": option(bool, "--seeds", "Show the seeds of a variant as one column: mean and interval.", False),
    "jackknife": option(bool, "--jackknife", "Add jackknife intervals over items.", False),
    "exact_rows": option(
        int | None,
        "--exact-rows",
        "Maximum number of rows of which all pairs are measured; of more, a sample." + default("25000"),
    ),
    "seed": option(int, "--seed", "Seed of the samples.", 0, min=0),
    "engine": option(str, "--engine", "Array library: auto, numpy, torch or dask.", "auto"),
    "device": option(str, "--device", sentence("device"), "auto"),
    "modules": option(
        list[str] | None,
        "--import",
        "Python module with measures of your own; importing it executes it. Repeatable.",
        metavar="MODULE",
    ),
}
"""Options of the measuring, as in `AnalysisOptions`."""

TABLES: Group = {
    "csv": option(Path | None, "--csv", "Also write this CSV file."),
    "latex": option(Path | None, "--latex", "Also write this LaTeX table (booktabs)."),
    "out": option(Path | None, "--out", "Also write analysis.json, .csv and .tex into this folder."),
}
"""Options of the files to write."""


@takes(writes=True, files=FILES, measuring=MEASURING, tables=TABLES)
def analyze(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH…", help="Runs, folders of runs, or matrix files.", show_default=False),
    ] = None,
    measures: Measures = None,
    list_measures: Annotated[
        bool, typer.Option("--list", help="List the measures: formula, range, meaning, cost, source.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --list: print a page in Markdown.")
    ] = False,
    *,
    files: Typed,
    measuring: Typed,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Dask cluster, such as tcp://host:8786." + default("threads of this machine"),
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Number of CPU threads." + default("1 for NumPy, all for PyTorch")),
    ] = None,
    tables: Typed,
    output: Output,
) -> None:
    """Measure degeneration: spectrum, isotropy, neighbours, health and popularity, in a column per matrix.

    Arrows show the direction in which a matrix is more isotropic. Sampled values have a standard error, and
    missing values a reason. --json prints an object for one matrix, and a list for several.

    [bold]Examples[/bold]

      degen analyze runs/clothing

      degen analyze vectors.npy --frequency counts.txt --measures spectrum,average_cosine --csv measures.csv

      degen analyze --list
    """
    _use_threads(threads)
    from degen.studies.analysis_options import import_measures

    import_measures(measuring["modules"] or [])
    if list_measures:
        _list(measures, markdown, output)
        return
    if markdown:
        raise UserError("--markdown prints the page of measures; add --list")
    if not paths:
        raise UserError("nothing to analyze; give runs or matrix files, or see the measures with --list")
    if scheduler is not None and measuring["engine"] != "dask":
        raise UserError("--scheduler is for Dask; add --engine dask")
    _measure(paths, {"measures": measures, **files, **measuring}, scheduler, tables, output)


def _measure(paths: list[Path], typed: Typed, scheduler: str | None, tables: Typed, output: Output) -> None:
    from degen.analysis.passes.dask_rows import connected
    from degen.bars import reading_bar
    from degen.files.outputs import output_path
    from degen.files.writing import write_json
    from degen.studies.analysis_options import AnalysisOptions
    from degen.studies.analyze import analyze_paths
    from degen.studies.measure_tables import measures_table, write_csv, write_latex

    wanted = AnalysisOptions(**{name: value for name, value in typed.items() if value is not None})
    with reading_bar(output.quiet), connected(scheduler):
        found = analyze_paths(paths, wanted)
    output.note(*found.notes)
    csv, latex, out = tables["csv"], tables["latex"], tables["out"]
    written = [write_csv(path, found.analyses) for path in (csv, out and out / "analysis.csv") if path]
    written += [write_latex(path, found.analyses) for path in (latex, out and out / "analysis.tex") if path]
    flat = [analysis.flat() for analysis in found.analyses]
    if out is not None:
        write_json(out / "analysis.json", flat, output_path)
        written.append(out / "analysis.json")
    if not output.result(flat[0] if len(flat) == 1 else flat):
        most = _columns_that_fit()
        for start in range(0, len(flat), most):
            some = found.analyses[start : start + most]
            few = len(flat) == 1 or (len(some) <= 2 and most == _MOST_COLUMNS)
            output.show(measures_table(some, remarks=few))
    output.note(*(f"written: {path}" for path in written))


def _columns_that_fit() -> int:
    """Return how many matrices a table can show side by side; on a narrow terminal fewer."""
    if not sys.stdout.isatty():
        return _MOST_COLUMNS
    room = shutil.get_terminal_size().columns - _NAMES
    return max(1, min(_MOST_COLUMNS, room // _COLUMN))


def _use_threads(threads: int | None) -> None:
    # NumPy and PyTorch read these when they are loaded. The matrix products of the measures are small: more
    # threads than one would mostly wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if threads is not None:
        os.environ |= dict.fromkeys(
            ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads)
        )


def _list(measures: str | None, markdown: bool, output: Output) -> None:
    from degen.analysis.listing import chosen_measures, chosen_profiles
    from degen.studies.measure_tables import FACTS, facts, page, sections

    chosen = chosen_measures(measures), chosen_profiles(measures)
    found = {
        title: [
            {"measure": entry.name, "arrow": entry.arrow, **dict(zip(FACTS, facts(entry), strict=True))}
            for entry in members
        ]
        for title, members in sections(*chosen).items()
    }
    if output.result([{"group": title, **row} for title, rows in found.items() for row in rows]):
        return
    if markdown:
        output.line(page(*chosen))
        return
    for title, rows in found.items():
        output.table(list(rows[0]), [list(row.values()) for row in rows], title=title)
