"""Help of the commands: short signs of values, and paragraphs that break where the terminal ends."""

from __future__ import annotations

import inspect
import re
from functools import partial
from pathlib import Path
from typing import Any, get_args

_SIGNS = {str: "TEXT", int: "N", float: "X", Path: "PATH"}
"""Sign of a value that an option takes, by its type, where the option has none of its own."""


class PlainHelp:
    """Commands whose options show a short sign of their value, and whose flags show none."""

    def get_params(self, context: Any) -> list[Any]:
        """Return the options and arguments with their signs."""
        parameters: list[Any] = super().get_params(context)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""  # `--json <bool>` would look as if it took a value
            elif parameter.param_type_name == "argument":
                parameter.display_type_rich = _nothing  # its name says it
                parameter.get_usage_pieces = partial(_usage, parameter)  # `{RUN}` would look like a sign
            elif parameter.metavar is None:
                parameter.metavar = _sign(parameter)
        return parameters


def argument_sign(parameter: Any) -> str:
    """Return an argument as it stands in the line of usage, in brackets where it may be left out."""
    word = str(parameter.metavar or parameter.name.upper())
    return word if parameter.required else f"[{word}]"


def _usage(parameter: Any, ctx: Any) -> list[str]:
    return [argument_sign(parameter)]


def _nothing(ctx: Any) -> None:
    """Return no type beside the name of an argument."""


def _sign(parameter: Any) -> str | None:
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    inner = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    return next((_SIGNS[kind] for kind in inner if kind in _SIGNS), None)


def flowing(text: str) -> str:
    r"""Return a docstring with a line per paragraph; indented lines, such as examples, stay as they are.

    >>> flowing("One.\n\nTwo\nlines.\n\n  degen demo\n  degen runs")
    'One.\n\nTwo lines.\n\n  degen demo\n\n  degen runs'
    """
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    found: list[str] = []
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        found += lines if lines[0].startswith(" ") else [" ".join(line.strip() for line in lines)]
    return "\n\n".join(found)
