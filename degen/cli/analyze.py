"""`degen analyze`: every measure of degeneration of matrices and runs, as a table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.matrix_options import Frequency, Key, SkipRows
from degen.cli.output import JsonFlag, Output, QuietFlag
from degen.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from degen.analysis.result import Analysis

_MOST_COLUMNS = 6


def analyze(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH…", help="Runs, folders above runs, or matrix files.", show_default=False
        ),
    ] = None,
    measures: Annotated[
        str | None,
        typer.Option(
            "--measures", help="Measures and groups, by comma.  \\[default: all]", show_default=False
        ),
    ] = None,
    list_measures: Annotated[
        bool, typer.Option("--list", help="Show every measure: formula, range, meaning, cost, source.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="With --list: as a page in Markdown.")] = False,
    frequency: Frequency = None,
    key: Key = None,
    skip_rows: SkipRows = None,
    drop_nonfinite: Annotated[
        bool, typer.Option("--drop-nonfinite", help="Leave rows with NaN or infinity out, and count them.")
    ] = False,
    with_model: Annotated[
        bool,
        typer.Option(
            "--with-model", help="For runs: also measure what needs the model and its log (test users)."
        ),
    ] = False,
    seeds: Annotated[
        bool,
        typer.Option(
            "--seeds", help="Runs of a variant with several seeds as one column: mean and interval."
        ),
    ] = False,
    jackknife: Annotated[
        bool, typer.Option("--jackknife", help="Intervals over items, by leaving groups of them out.")
    ] = False,
    exact_rows: Annotated[
        int | None,
        typer.Option(
            "--exact-rows",
            help="Up to how many rows all pairs are visited; above: a sample.  \\[default: 25000]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is sampled.")] = 0,
    engine: Annotated[str, typer.Option("--engine", help="auto, numpy, torch or dask.")] = "auto",
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="For dask: the cluster's, such as tcp://host:8786.  \\[default: threads here]",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", help="auto, cpu, cuda or cuda:N; a GPU is used by torch.")
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            help="CPU threads.  \\[default: 1 for NumPy, all for PyTorch]",
            show_default=False,
        ),
    ] = None,
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="A Python module with measures of yours: it is imported, so all in it runs.",
            show_default=False,
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Also write this CSV.", show_default=False)
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option("--latex", help="Also write this LaTeX table (booktabs).", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Also write analysis.json, .csv and .tex into this folder.", show_default=False
        ),
    ] = None,
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Measure degeneration: spectrum, isotropy, neighbours, health, and by popularity, a column a matrix.

    Arrows point to where a matrix is more isotropic. What is sampled says so, with its standard error; a
    measure without a value says why. With --json an object for one matrix, a list for several.

    [bold]Examples[/bold]

      degen analyze runs/clothing

      degen analyze vectors.npy --frequency counts.txt --measures spectrum,average_cosine --csv measures.csv

      degen analyze --list
    """
    _use_threads(threads)
    from degen.studies.analyze import Wanted, analyze_paths, import_measures

    output = Output(as_json, quiet)
    import_measures(modules or [])
    if list_measures:
        _list(measures, markdown, output)
        return
    if markdown:
        raise UserError("--markdown writes the page of measures; add --list")
    if not paths:
        raise UserError("nothing to analyze; give runs or matrix files, or --list to see the measures")
    sizes = {} if exact_rows is None else {"exact_rows": exact_rows}
    wanted = Wanted(
        measures=measures,
        frequency=frequency,
        key=key,
        skip_rows=skip_rows,
        drop_nonfinite=drop_nonfinite,
        seed=seed,
        engine=engine,
        device=device,
        with_model=with_model,
        jackknife=jackknife,
        seeds=seeds,
        modules=modules or (),
        **sizes,
    )
    from degen.analysis.passes.dask_rows import connected
    from degen.cli.reading import reading_bar

    if scheduler is not None and engine != "dask":
        raise UserError("--scheduler is for Dask; add --engine dask")
    with reading_bar(quiet), connected(scheduler):
        found = analyze_paths(paths, wanted)
    for note in found.notes:
        output.note(note)
    written = _write(found.analyses, csv, latex, out)
    from degen.studies.measure_tables import measures_table
    from degen.tables.terminal import print_table

    flat = [analysis.flat() for analysis in found.analyses]
    if not output.result(flat[0] if len(flat) == 1 else flat):
        for start in range(0, len(flat), _MOST_COLUMNS):
            some = found.analyses[start : start + _MOST_COLUMNS]
            print_table(measures_table(some, remarks=len(some) <= 2))
    for path in written:
        output.note(f"written: {path}")


def _use_threads(threads: int | None) -> None:
    """Set the threads of NumPy's products and of PyTorch, before they are loaded.

    The products here are small: with several threads most of the time goes by in their waiting for one
    another, and on a busy machine nearly all of it.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if threads is not None:
        for library in ("OMP", "MKL", "OPENBLAS"):
            os.environ[f"{library}_NUM_THREADS"] = str(threads)


def _write(
    analyses: Sequence[Analysis], csv: Path | None, latex: Path | None, out: Path | None
) -> list[Path]:
    from degen.files import write_json
    from degen.studies.measure_tables import write_csv, write_latex

    tables = [path for path in (csv, out and out / "analysis.csv") if path is not None]
    texts = [path for path in (latex, out and out / "analysis.tex") if path is not None]
    for path in tables:
        write_csv(path, analyses)
    for path in texts:
        write_latex(path, analyses)
    if out is None:
        return tables + texts
    write_json(out / "analysis.json", [analysis.flat() for analysis in analyses])
    return [*tables, *texts, out / "analysis.json"]


def _list(measures: str | None, markdown: bool, output: Output) -> None:
    from degen.analysis.listing import chosen_measures, chosen_profiles
    from degen.studies.measure_tables import FACTS, facts, page, sections

    chosen = chosen_measures(measures), chosen_profiles(measures)
    found = {
        title: [
            {"measure": own.name, "arrow": own.arrow, **dict(zip(FACTS, facts(own), strict=True))}
            for own in members
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
