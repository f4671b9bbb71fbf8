"""`degen report`: what was run and measured, as one HTML file, and as tables for LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from degen.cli.matrix_options import Frequency, Key, SkipRows
from degen.cli.output import JsonFlag, Output, QuietFlag
from degen.errors import UserError


def report(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH…", help="Runs, folders above runs, or matrix files.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The file to write.  \\[default: report.html under PATH]", show_default=False
        ),
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option(
            "--latex", help="Folder for report.tex, its tables and its figures, too.", show_default=False
        ),
    ] = None,
    frequency: Frequency = None,
    key: Key = None,
    skip_rows: SkipRows = None,
    measures: Annotated[
        str | None,
        typer.Option(
            "--measures", help="Measures and groups, by comma.  \\[default: all]", show_default=False
        ),
    ] = None,
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write one self-contained HTML file: runs, claims, items, spectra, measures, training.

    It loads nothing and needs no network. Unfinished runs are shown as far as they are.

    [bold]Examples[/bold]

      degen report runs/clothing

      degen report runs --out report.html --latex paper/tables
    """
    from degen.report.gather import gather
    from degen.report.html import write_html
    from degen.report.latex import write_latex
    from degen.studies.analyze import Wanted
    from degen.studies.svd import SvdOptions

    output = Output(as_json, quiet)
    place = out or _beside(paths)
    if place.is_dir():
        raise UserError(f"--out {place} is a folder; name the file to write, such as {place / 'report.html'}")
    wanted = Wanted(measures=measures, frequency=frequency, key=key, skip_rows=skip_rows)
    with _progress(output) as watch:
        found = gather(paths, wanted, watch)
    files = [write_html(found, place)]
    if latex is not None:
        files += write_latex(found, latex, SvdOptions(frequency, key, skip_rows=skip_rows))
    notes = [f"{group.name}: {note}" for group in found.groups for note in group.notes]
    for note in notes:
        output.note(note)
    if not output.result({"files": [str(path) for path in files], "notes": notes}):
        for path in files:
            output.line(str(path))


def _beside(paths: list[Path]) -> Path:
    """Return `report.html` under the one path, beside it if it is a file, here if there are several."""
    folder = Path() if len(paths) > 1 else paths[0] if paths[0].is_dir() else paths[0].parent
    return folder / "report.html"


@contextmanager
def _progress(output: Output) -> Iterator[Callable[[str, int, int], None]]:
    """Show on a terminal what is measured now; nothing is left behind."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = output.stderr
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
    off = output.quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=off, transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def watch(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield watch
