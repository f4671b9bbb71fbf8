r"""A table as a LaTeX `tabular` in the style of booktabs, and any text, safe in LaTeX.

`\input` of what degen writes needs no package for its letters.
"""

from __future__ import annotations

from degen.tables.table import Cell, Column, Table

_ALIGNED = {"number": "r", "text": "l", "key": "l", "sentence": r"p{.36\textwidth}"}
_MARKED = {"best": r"\textbf{%s}", "second": r"\underline{%s}"}
_MATH = {
    "±": r"\pm",
    "√": r"\surd",
    "∞": r"\infty",
    "μ": r"\mu",
    "−": "-",
    "²": "^2",
    "₁": "_1",
    "₂": "_2",
    "ᵢ": "_i",
    "σ": r"\sigma",
    "λ": r"\lambda",
    "τ": r"\tau",
    "κ": r"\kappa",
    "·": r"\cdot",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
}
_SYMBOLS = {
    "\\": r"\textbackslash{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # After the end of a row these two would be read as its options.
    "[": "{[}",
    "*": "{*}",
    "–": "--",
    **{character: f"${command}$" for character, command in _MATH.items()},
}
_LAST_LETTER = 0x17F
"""The last of the accented Latin letters, which every engine sets."""


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
    text = rf"\texttt{{{escape(cell.text)}}}" if column.kind == "key" else escape(cell.text)
    if column.kind == "number" and text.startswith("-") and text != "--":
        text = f"$-${text[1:]}"
    text = _MARKED.get(cell.mark, "%s") % text
    if cell.arrow:
        text += f" {escape(cell.arrow)}"
    return text + (f"$^{{{cell.footnote}}}$" if cell.footnote else "")


def escape(text: str) -> str:
    r"""Return text on one line, safe in LaTeX; characters that not every engine can set appear by number.

    >>> print(escape("50 % of σ₂_x"), escape("日"))
    50 \% of $\sigma$$_2$\_x \texttt{U+65E5}
    """
    return "".join(_escaped(character) for character in " ".join(text.split()))


def _escaped(character: str) -> str:
    if character in _SYMBOLS:
        return _SYMBOLS[character]
    if not character.isprintable() or ord(character) > _LAST_LETTER:
        return rf"\texttt{{U+{ord(character):04X}}}"
    return character
