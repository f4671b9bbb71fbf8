r"""A report for a paper: tables in booktabs, figures as PDF, and one file that takes them all in.

DIR/report.tex                  \newcommand{\degenreport}{DIR}\input{DIR/report.tex} in a document with
                                the packages booktabs and graphicx
DIR/<group>/core.tex …          a tabular each, the best bold, the second underlined
DIR/<group>/svd-….pdf …         figures, with their numbers as CSV beside them
DIR/runs.tex, versions.tex      settings, versions and devices
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from degen.analysis.listing import line
from degen.files.outputs import output_path
from degen.files.writing import file_names, write_text
from degen.reports import tables
from degen.reports.contents import Group, Report, Subject
from degen.reports.measure_rows import core_table, measures_table
from degen.studies.figure_files import FigureOptions
from degen.studies.over_epochs.uniformity import draw_uniformity
from degen.studies.svd import SvdOptions, draw_svd
from degen.tables.latex import escape, tabular
from degen.tables.table import Table
from degen.version import __version__

_HEAD = rf"""% Written by degen {__version__}. Needs \usepackage{{booktabs,graphicx}} and, before it,
% \newcommand{{\degenreport}}{{path/to/this/folder}}, for \input{{path/to/this/folder/report.tex}}
\providecommand{{\degenreport}}{{.}}
"""

# Only what is wider than the page is made smaller.
_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"

_SVD = "item embeddings on their first two singular directions, coloured by frequency, and singular values"
_WAYS = "alignment and uniformity of h over training, by the {} definition; ring: first epoch, square: last"
_EPOCHS = "alignment and uniformity of h, and validation HR@5, over epochs, by the {} definition"


def write_latex(report: Report, folder: Path, of_files: SvdOptions | None = None) -> list[Path]:
    """Write `report.tex` with its tables and figures into `folder` and return all paths, `report.tex` first.

    `of_files` are the frequencies and key of matrix files, as `gather` had them.
    """
    parts, written = [], []
    names = file_names(group.name for group in report.groups)
    for name, group in zip(names, report.groups, strict=True):
        for path, part in (*_write_tables(group, folder / name), *_draw(group, folder / name, of_files)):
            written.append(path)
            parts += [part] if part else []
    for table in (tables.runs_table(report), tables.versions_table(report)):
        if table is not None:
            path = folder / f"{table.name}.tex"
            write_text(path, tabular(table), output_path)
            written.append(path)
            parts.append(_table_float(table.name, f"{table.caption}. {table.note}".strip(), path.name))
    whole = folder / "report.tex"
    write_text(whole, _HEAD + "\n" + "\n".join(parts), output_path)
    return [whole, *written]


def _write_tables(group: Group, folder: Path) -> Iterator[tuple[Path, str]]:
    """Write a group's tables and yield each file with what takes it in."""
    first = [core_table(group), tables.claims_table(group)]
    accuracy = [tables.accuracy_table(group), tables.seeds_table(group)]
    every = [*first, *accuracy, *by_kind(measures_table(group))]
    wanted = [table for table in every if table is not None]
    for stem, table in zip(file_names(table.name for table in wanted), wanted, strict=True):
        path = folder / f"{stem}.tex"
        write_text(path, tabular(table), output_path)
        caption = f"{table.caption}. {table.note}".strip()
        yield path, _table_float(f"{folder.name}-{stem}", caption, f"{folder.name}/{path.name}")


def by_kind(measures: Table | None) -> Iterator[Table]:
    """Yield a table for each group of measures, in words: all together fit on no page.

    Measures of some of the items, by popularity, are left to the HTML.
    """
    if measures is None:
        return
    for heading, rows in measures.rows_by_section().items():
        own = [row for row in rows if "@" not in row[1].text]
        if not own:
            continue
        name, caption = (
            f"{measures.name}-{line(own[0][1].text).group}",
            f"{measures.caption}: {heading.lower()}",
        )
        shown = [[row[0], *row[2:]] for row in own]
        columns = [measures.columns[0], *measures.columns[2:]]
        yield replace(measures, name=name, caption=caption, columns=columns, rows=shown, sections=())


def _draw(group: Group, folder: Path, of_files: SvdOptions | None) -> Iterator[tuple[Path, str]]:
    """Draw a group's figures and yield each file with what takes it in; nothing does for numbers as CSV."""
    look = FigureOptions(out=folder, formats="pdf", plain_names=True)
    files: list[tuple[Path, str]] = []
    if drawn := [subject for subject in group.subjects if subject.cloud is not None]:
        options = of_files if any(subject.variant is None for subject in drawn) else None
        files += [(path, _SVD) for path in draw_svd(_paths(drawn), options, look).files]
    if trained := [subject for subject in group.subjects if subject.epochs]:
        for path in draw_uniformity(_paths(trained), look=look).files:
            caption = _EPOCHS if path.stem.endswith("-epochs") else _WAYS
            files.append((path, caption.format(group.definition)))
    for path, caption in files:
        taken = path.suffix == ".pdf"
        whole = f"{group.name}: {caption}"
        yield path, _figure_float(path.stem, whole, f"{folder.name}/{path.name}") if taken else ""


def _paths(subjects: Sequence[Subject]) -> list[Path]:
    return [subject.path for subject in subjects]


def _table_float(label: str, caption: str, file: str) -> str:
    return rf"""\begin{{table*}}[tb]
\centering\small
\caption{{{escape(caption)}}}
\label{{tab:degen-{label}}}
{_FITTED}{{\input{{\degenreport/{file}}}}}
\end{{table*}}
"""


def _figure_float(label: str, caption: str, file: str) -> str:
    return rf"""\begin{{figure*}}[tb]
\centering
\includegraphics[width=\linewidth]{{\degenreport/{file}}}
\caption{{{escape(caption)}.}}
\label{{fig:degen-{label}}}
\end{{figure*}}
"""
