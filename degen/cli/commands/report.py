"""`degen report`: runs and their measures as one HTML file, and as tables for LaTeX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from degen.cli.options import FILES, Measures, Modules, RunsOrFiles, Typed, default, takes
from degen.cli.output import Output
from degen.cli.wording import as_typed


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
    from degen.reports.write import write_report
    from degen.studies.analysis_options import AnalysisOptions

    wanted = AnalysisOptions(measures=measures, modules=modules or (), **files)
    with counting_bar(output.quiet) as watch:
        written = write_report(paths, wanted, out, latex, watch=watch, worded=as_typed)
    output.note(*(f"warning: {warning}" for warning in written.warnings), *written.notes)
    named = [str(file) for file in written.files]
    if not output.result({"files": named, "notes": written.notes, "warnings": written.warnings}):
        output.line(*written.files)
