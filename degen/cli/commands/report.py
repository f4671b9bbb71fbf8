"""`degen report`: runs and their measures as one HTML file, and as tables for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.options import FILES, Measures, Modules, RunsOrFiles, Typed, default, takes
from degen.cli.output import Output
from degen.cli.wording import as_typed
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.reports.contents import Report


@takes(writes=True, files=FILES)
def report(
    paths: RunsOrFiles,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write." + default("report.html under PATH")),
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option("--latex", help="Also write report.tex, its tables and its figures into this folder."),
    ] = None,
    measures: Measures = None,
    modules: Modules = None,
    *,
    files: Typed,
    output: Output,
) -> None:
    """Write one HTML file that compares runs and matrices: verdicts, measures, figures, claims.

    The file is self-contained and works offline. It opens with the findings; settings and versions come last.
    Unfinished runs are shown up to their last epoch and not compared. Damaged runs are left out and named.

    [bold]Examples[/bold]

      degen report runs/clothing

      degen report jan.npy feb.npy --out months.html

      degen report runs --out report.html --latex paper/tables
    """
    from degen.bars import counting_bar
    from degen.embeddings.file_options import FileOptions
    from degen.files.outputs import refuse_foreign
    from degen.files.writing import writable
    from degen.reports.gather import gather
    from degen.reports.html import write_html
    from degen.reports.latex import write_latex
    from degen.studies.analysis_options import AnalysisOptions
    from degen.studies.svd import SvdOptions

    path = _page(paths, out)
    if latex is not None and latex.is_file():
        raise UserError(f"--latex {latex} is a file; name a folder for report.tex")
    refuse_foreign(path)
    writable(path.parent)
    wanted = AnalysisOptions(measures=measures, modules=modules or (), **files)
    with counting_bar(output.quiet) as watch:
        found = gather(paths, wanted, watch)
    found = _typed(found)
    written = [write_html(found, path)]
    if latex is not None:
        written += write_latex(found, latex, SvdOptions(FileOptions(**files)))
    of_groups = {group.name: [*group.notes, *group.claim_notes] for group in found.groups}
    notes = [*found.notes, *(f"{name}: {note}" for name, several in of_groups.items() for note in several)]
    warned = [warning for group in found.groups for warning in group.warnings]
    output.note(*(f"warning: {warning}" for warning in warned), *notes)
    if not output.result({"files": [str(file) for file in written], "notes": notes, "warnings": warned}):
        output.line(*written)


def _page(paths: Sequence[Path], out: Path | None) -> Path:
    """Return the file to write: by default under the path, beside a file, and here for several paths."""
    folder = Path() if len(paths) > 1 else paths[0] if paths[0].is_dir() else paths[0].parent
    path = out or folder / "report.html"
    if path.is_dir():
        raise UserError(f"--out {path} is a folder; name the file to write, such as {path / 'report.html'}")
    if path.suffix.lower() not in ("", ".html", ".htm"):
        raise UserError(f"--out {path}: a report is HTML; name it {path.with_suffix('.html')}")
    return path


def _typed(report: Report) -> Report:
    """Return a report whose notes name options of the command line."""

    def typed(notes: Sequence[str]) -> list[str]:
        return [as_typed(note) for note in notes]

    groups = [
        replace(
            group,
            notes=typed(group.notes),
            claim_notes=typed(group.claim_notes),
            warnings=typed(group.warnings),
        )
        for group in report.groups
    ]
    return replace(report, groups=groups, notes=typed(report.notes))
