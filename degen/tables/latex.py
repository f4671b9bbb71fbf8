r"""A table as a LaTeX `tabular` in the style of booktabs."""

from __future__ import annotations

from degen.tables.latex_text import code, escape
from degen.tables.table import Cell, Column, Table

_ALIGNED = {"number": "r", "text": "l", "key": "l", "sentence": r"p{.36\textwidth}"}
_MARKED = {"best": r"\textbf{%s}", "second": r"\underline{%s}"}


def tabular(table: Table) -> str:
    r"""Return a `tabular` with its footnotes below it, for `\input`: the best in bold, the second underlined.

    The caption and the note are left to the environment around it.
    """
    lines = [
        rf"\begin{{tabular}}{{{''.join(_ALIGNED[column.kind] for column in table.columns)}}}",
        r"\toprule",
    ]
    lines.append(_row([escape(column.title) for column in table.columns]))
    for heading, rows in table.rows_by_section().items():
        lines.append(r"\midrule")
        if heading:
            lines.append(rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{escape(heading)}}}}} \\")
        lines += [_row([_cell(*pair) for pair in zip(row, table.columns, strict=True)]) for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [
        rf"\par\footnotesize $^{{{place}}}$ {escape(text)}" for place, text in enumerate(table.footnotes, 1)
    ]
    return "\n".join([*lines, ""])


def _row(cells: list[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _cell(cell: Cell, column: Column) -> str:
    text = code(cell.text) if column.kind == "key" else escape(cell.text)
    if column.kind == "number" and text.startswith("-") and text != "--":
        text = f"$-${text[1:]}"
    text = _MARKED.get(cell.mark, "%s") % text
    if cell.arrow:
        text += f" {escape(cell.arrow)}"
    return text + (f"$^{{{cell.footnote}}}$" if cell.footnote else "")
