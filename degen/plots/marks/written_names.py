"""Names from files in figures, letter by letter: never as mathematics, without signs that cannot be seen.

Matplotlib sets what stands between two dollar signs as a formula, and raises an error where it is none. The
formulas that degen itself writes are listed here; any other dollar sign is a letter of a name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matplotlib.text import Text

from degen.plots.style import symbol_size
from degen.shown import shown_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMULAS = frozenset(
    (
        "$i$",
        r"$\sigma_i\,/\,\sigma_1$",
        r"$\sigma_1 u_1$",
        r"$\sigma_2 u_2$",
        r"$\sigma_2 / \sigma_1$",
    )
)
"""Formulas in labels of degen's own."""

_FORMULA = re.compile(r"\$[^$]*\$")
_OF_TICKS = r"$\mathdefault{"


def write_names_plainly(figure: Figure) -> None:
    """Set every text of a figure that holds another formula than degen's or an axis's as it is written.

    Texts with indices are set so large that these stay legible (`symbol_size`).
    """
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        written = text.get_text()
        if written and (plain := shown_lines(written)) != written:
            text.set_text(plain)
        if "$" in written:
            formulas = _FORMULA.findall(written)
            own = all(formula in FORMULAS or formula.startswith(_OF_TICKS) for formula in formulas)
            text.set_parse_math(own)
            if own and any(sign in formula for formula in formulas for sign in "_^"):
                text.set_fontsize(max(float(text.get_fontsize()), symbol_size()))
