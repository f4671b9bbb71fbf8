"""`degen report`: runs and their measures as one HTML file, and as tables for LaTeX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from degen.cli.options import FILES, Measures, RunsOrFiles, Typed, default, takes
from degen.cli.output import Output
from degen.errors import UserError


@takes(writes=True, files=FILES)
def report(
    paths: RunsOrFiles,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write." + default("report.html under PATH")),
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option("--latex", help="Also write report.tex with its tables and figures to this folder."),
    ] = None,
    measures: Measures = None,
    *,
    files: Typed,
    output: Output,
) -> None:
    """Write one self-contained HTML file: runs, claims, items, spectra, measures, training.

    The file is self-contained and works offline. Unfinished runs are shown up to their last epoch.

    [bold]Examples[/bold]

      degen report runs/clothing

      degen report runs --out report.html --latex paper/tables
    """
    from degen.bars import counting_bar
    from degen.embeddings.file_options import FileOptions
    from degen.files.outputs import refuse_foreign
    from degen.report.gather import gather
    from degen.report.html import write_html
    from degen.report.latex import write_latex
    from degen.studies.analysis_options import AnalysisOptions
    from degen.studies.svd import SvdOptions

    # By default under the path, beside it if it is a file, and here if there are several.
    folder = Path() if len(paths) > 1 else paths[0] if paths[0].is_dir() else paths[0].parent
    path = out or folder / "report.html"
    if path.is_dir():
        raise UserError(f"--out {path} is a folder; name the file to write, such as {path / 'report.html'}")
    refuse_foreign(path)
    wanted = AnalysisOptions(measures=measures, **files)
    with counting_bar(output.quiet) as watch:
        found = gather(paths, wanted, watch)
    written = [write_html(found, path)]
    if latex is not None:
        written += write_latex(found, latex, SvdOptions(FileOptions(**files)))
    of_groups = {group.name: [*group.notes, *group.claim_notes] for group in found.groups}
    notes = [*found.notes, *(f"{name}: {note}" for name, several in of_groups.items() for note in several)]
    output.note(*notes)
    if not output.result({"files": [str(file) for file in written], "notes": notes}):
        output.line(*written)
