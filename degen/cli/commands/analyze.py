"""`degen analyze`: every measure of degeneration of runs and matrix files, as a table."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.failing import ANSWER, end_by
from degen.cli.options import FILES, Group, Measures, Modules, Typed, default, option, takes
from degen.cli.output import Output
from degen.cli.wording import as_typed
from degen.config.facts import sentence
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.analysis.result import Analysis
    from degen.studies.analyze import Analyzed
    from degen.studies.comparing.conditions import Condition

_MOST_COLUMNS = 6
_MOST_PLACED = 4
"""Number of matrices each of which has a sentence that places it."""
_NAMES, _COLUMN, _BARE = 32, 20, 12
"""Characters of the names of measures, of a column of values, and of one of values without errors."""


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
    "modules": (Modules, None),
}
"""Options of the measuring, as in `AnalysisOptions`."""

LISTING: Group = {
    "list_measures": option(
        bool, "--list", "List the measures: formula, range, meaning, cost, source.", False
    ),
    "markdown": option(bool, "--markdown", "With --list: print a page in Markdown.", False),
}
"""Options of the list of measures."""

TABLES: Group = {
    "csv": option(Path | None, "--csv", "Also write this CSV file."),
    "latex": option(Path | None, "--latex", "Also write this LaTeX table (booktabs)."),
    "out": option(Path | None, "--out", "Also write analysis.json, .csv and .tex into this folder."),
}
"""Options of the files to write."""


@takes(writes=True, answer=ANSWER, listing=LISTING, files=FILES, measuring=MEASURING, tables=TABLES)
def analyze(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH…", help="Runs, folders of runs, or matrix files.", show_default=False),
    ] = None,
    measures: Measures = None,
    *,
    answer: Typed,
    listing: Typed,
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
    """Measure degeneration: 8 core measures, or all of them with --all, in a column per matrix.

    Arrows show the direction in which a matrix is more isotropic. Sampled values have a standard error, and
    missing values a reason. Only the core measures are taken, which is quicker, unless --all, --measures,
    --json, --csv, --latex or --out asks for more. --json prints an object for one matrix, and a list for
    several.

    Exit codes: 0; 2 for a mistake; 3 where a condition of --fail-if holds for a matrix.

    [bold]Examples[/bold]

      degen analyze runs/clothing

      degen analyze items.npy --frequency counts.txt --all --csv measures.csv

      degen analyze items.npy --fail-if "average_cosine > 0.5"

      degen analyze --list
    """
    _use_threads(threads)
    from degen.modules import import_modules

    import_modules(measuring["modules"] or [])
    if listing["list_measures"]:
        _list(measures, listing["markdown"], output)
        return
    if listing["markdown"]:
        raise UserError("--markdown prints the page of measures; add --list")
    if not paths:
        raise UserError("nothing to analyze; give runs or matrix files, or see the measures with --list")
    if scheduler is not None and measuring["engine"] != "dask":
        raise UserError("--scheduler is for Dask; add --engine dask")
    _analyze(paths, {"measures": measures, **files, **measuring}, scheduler, answer, tables, output)


def _analyze(
    paths: list[Path], typed: Typed, scheduler: str | None, answer: Typed, tables: Typed, output: Output
) -> None:
    from degen.files.writing import refuse_file
    from degen.studies.comparing.conditions import parse_conditions, with_conditions

    if tables["out"] is not None:
        refuse_file("out", tables["out"])
    conditions = parse_conditions(answer["fail_if"] or [], changes=False)
    show = "all" if answer["every"] else "chosen" if typed["measures"] else "core"
    every = show != "core" or output.as_json or any(tables.values()) or typed["with_model"]
    measures = with_conditions(typed["measures"] or (None if every else _core()), conditions)
    found = _measured(paths, typed | {"measures": measures}, scheduler, output)
    _write_and_print(found, conditions, show, tables, output)


def _core() -> str:
    """Return the measures that the short table has: the core set, and those of the user's own."""
    from degen.analysis.listing import CORE_NAME
    from degen.analysis.registry import own_measures

    return ",".join([CORE_NAME, *own_measures()])


def _measured(paths: list[Path], typed: Typed, scheduler: str | None, output: Output) -> Analyzed:
    from degen.analysis.passes.dask_rows import connected
    from degen.bars import reading_bar
    from degen.studies.analysis_options import AnalysisOptions
    from degen.studies.analyze import analyze_paths

    wanted = AnalysisOptions(**{name: value for name, value in typed.items() if value is not None})
    with reading_bar(output.quiet), connected(scheduler):
        found = analyze_paths(paths, wanted)
    output.note(*found.notes)
    return found


def _write_and_print(
    found: Analyzed, conditions: list[Condition], show: str, tables: Typed, output: Output
) -> None:
    from degen.files.outputs import output_path
    from degen.files.writing import write_json
    from degen.studies.comparing.failing import judged_analyses
    from degen.studies.measure_tables import write_csv, write_latex

    analyses, csv, latex, out = found.analyses, tables["csv"], tables["latex"], tables["out"]
    written = [write_csv(path, analyses) for path in (csv, out and out / "analysis.csv") if path]
    written += [write_latex(path, analyses) for path in (latex, out and out / "analysis.tex") if path]
    flat = [analysis.flat() for analysis in analyses]
    if out is not None:
        write_json(out / "analysis.json", flat, output_path)
        written.append(out / "analysis.json")
    judgement, failed = judged_analyses(conditions, analyses)
    if conditions:
        flat = [values | {"failed": sentences} for values, sentences in zip(flat, failed, strict=True)]
    flat = [_with_warnings(values, found.warnings) for values in flat]
    if not output.result(flat[0] if len(flat) == 1 else flat):
        _print(analyses, show, output)
        _warn(found.warnings, output)
    output.note(*(f"written: {path}" for path in written))
    end_by(judgement)


def _print(analyses: list[Analysis], show: str, output: Output) -> None:
    """Print the core measures and a line that places them, all measures, or those chosen."""
    from degen.analysis.core import ORIENTATION, placed
    from degen.studies.measure_tables import core_first_table, core_table, measures_table

    table = {"core": core_table, "all": core_first_table, "chosen": measures_table}[show]
    most = _columns_that_fit(show == "core" and not any(one.standard_errors for one in analyses))
    for start in range(0, len(analyses), most):
        some = analyses[start : start + most]
        few = len(analyses) == 1 or (len(some) <= 2 and most == _MOST_COLUMNS)
        output.show(table(some, remarks=few))
    if show == "core":
        output.line("")
        output.paragraph(f"{ORIENTATION} --all shows every measure.")
        cosines = {analysis.name: analysis.values.get("average_cosine") for analysis in analyses}
        for name, cosine in cosines.items() if len(cosines) <= _MOST_PLACED else ():
            if cosine is not None:
                output.paragraph(placed(name, cosine))


def _with_warnings(values: dict[str, Any], warnings: dict[str, list[str]]) -> dict[str, Any]:
    """Return a result for JSON with the warnings about its run, if it is of one."""
    return values | ({"warnings": warnings[values["name"]]} if values["name"] in warnings else {})


def _warn(warnings: dict[str, list[str]], output: Output) -> None:
    """Print what the training of the runs warned of: the table is of items, and says nothing of h."""
    from degen.runs.course import told

    for warning in told(warnings):
        output.line("")
        output.paragraph(as_typed(f"Warning: {warning}."), "Warning:")


def _columns_that_fit(bare: bool) -> int:
    """Return how many matrices a table can show side by side; on a narrow terminal fewer.

    `bare` values have no error behind them.
    """
    if not sys.stdout.isatty():
        return _MOST_COLUMNS
    room = shutil.get_terminal_size().columns - _NAMES
    return max(1, min(_MOST_COLUMNS, room // (_BARE if bare else _COLUMN)))


def _use_threads(threads: int | None) -> None:
    # NumPy and PyTorch read these when they are loaded. The matrix products of the measures are small: more
    # threads than one would mostly wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if threads is not None:
        os.environ |= dict.fromkeys(
            ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads)
        )


def _list(measures: str | None, markdown: bool, output: Output) -> None:
    from degen.analysis.core import CORE
    from degen.analysis.listing import chosen_measures, chosen_profiles
    from degen.studies.measure_tables import (
        CORE_HEADING,
        CORE_TITLES,
        FACTS,
        core_rows,
        facts,
        page,
        sections,
    )

    chosen = chosen_measures(measures), chosen_profiles(measures)
    found: dict[str, list[dict[str, str | None]]] = {}
    for title, members in sections(*chosen).items():
        found[title] = [
            {"measure": entry.name, "arrow": entry.arrow, **dict(zip(FACTS, facts(entry), strict=True))}
            for entry in members
        ]
        for row, entry in zip(found[title], members, strict=True) if output.as_json else ():
            row["core"] = CORE.get(entry.name) if entry in chosen[0] else None
    if output.result([{"group": title, **row} for title, rows in found.items() for row in rows]):
        return
    if markdown:
        output.line(page(*chosen))
        return
    if core := core_rows(chosen[0]):
        output.table(CORE_TITLES, core, title=CORE_HEADING)
    for title, rows in found.items():
        output.table(list(rows[0]), [list(row.values()) for row in rows], title=title)
