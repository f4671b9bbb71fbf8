"""A report as files: the HTML page, and tables and figures for LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from degen.errors import UserError
from degen.files.outputs import refuse_foreign
from degen.files.writing import refuse_file, writable
from degen.reports.contents import Report
from degen.reports.gather import Watch, gather
from degen.reports.html import write_html
from degen.reports.latex import write_latex
from degen.studies.analysis_options import AnalysisOptions
from degen.studies.svd import SvdOptions


@dataclass(frozen=True)
class WrittenReport:
    """The files of a report, the page first, its notes for the user, and warnings about its runs."""

    files: list[Path]
    notes: list[str]
    warnings: list[str]


def write_report(
    paths: Sequence[Path],
    options: AnalysisOptions | None = None,
    out: Path | None = None,
    latex: Path | None = None,
    *,
    watch: Watch = lambda what, done, total: None,
    worded: Callable[[str], str] = str,
) -> WrittenReport:
    """Measure what lies at `paths`, and write the report of it.

    Parameters
    ----------
    out
        file of the page; by default `report.html` under the path, beside a file, or here for several paths.
    latex
        folder for `report.tex`, its tables and its figures; by default none are written.
    watch
        called with what is measured now, and how many were measured.
    worded
        puts the options of a command in place of the arguments that notes name.

    Raises
    ------
    UserError
        if `out` or `latex` cannot be what they name, and as `gather`; nothing is measured in the first case.
    """
    page = _page(paths, out)
    if latex is not None:
        refuse_file("latex", latex)
    refuse_foreign(page)
    if all(path.exists() for path in paths):  # else `gather` says which is not, and no folder is made
        writable(page.parent)
    options = options or AnalysisOptions()
    found = _worded(gather(paths, options, watch), worded)
    written = [write_html(found, page)]
    if latex is not None:
        written += write_latex(found, latex, SvdOptions(replace(options.files, finite=True)))
    of_groups = {group.name: [*group.notes, *group.claim_notes] for group in found.groups}
    notes = [f"{name}: {note}" for name, several in of_groups.items() for note in several]
    warned = [warning for group in found.groups for warning in group.warnings]
    return WrittenReport(written, [*found.notes, *notes], warned)


def _page(paths: Sequence[Path], out: Path | None) -> Path:
    """Return the file to write: by default under the path, beside a file, and here for several paths."""
    folder = Path() if len(paths) > 1 else paths[0] if paths[0].is_dir() else paths[0].parent
    path = out or folder / "report.html"
    if path.is_dir():
        raise UserError(f"`out` {path} is a folder; name the file to write, such as {path / 'report.html'}")
    if path.suffix.lower() not in ("", ".html", ".htm"):
        raise UserError(f"`out` {path}: a report is HTML; name it {path.with_suffix('.html')}")
    return path


def _worded(report: Report, worded: Callable[[str], str]) -> Report:
    """Return a report with its notes in other words."""

    def typed(notes: Sequence[str]) -> list[str]:
        return [worded(note) for note in notes]

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
