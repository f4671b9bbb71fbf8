r"""Text in LaTeX: `\input` of what degen writes needs no package for its letters."""

from __future__ import annotations

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


def escape(text: str) -> str:
    r"""Return text on one line, safe in LaTeX; characters that not every engine can set appear by number.

    >>> print(escape("50 % of σ₂_x"), escape("日"))
    50 \% of $\sigma$$_2$\_x \texttt{U+65E5}
    """
    return "".join(_escaped(character) for character in " ".join(text.split()))


def code(text: str) -> str:
    r"""Return a key as code, exactly as it is typed.

    >>> print(code("norm_mean@tail"))
    \texttt{norm\_mean@tail}
    """
    return rf"\texttt{{{escape(text)}}}"


def _escaped(character: str) -> str:
    if character in _SYMBOLS:
        return _SYMBOLS[character]
    if not character.isprintable() or ord(character) > _LAST_LETTER:
        return rf"\texttt{{U+{ord(character):04X}}}"
    return character
