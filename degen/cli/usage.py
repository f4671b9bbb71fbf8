"""Mistakes in the form of a command: an unknown command or option, a value of the wrong type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from degen.errors import nearest


def usage_sentence(error: Exception) -> str | None:
    """Return what is wrong in one sentence; None for an exception that is about something else.

    Typer brings its own copy of Click, so that exceptions are known by what they have, not by their class.
    """
    message = getattr(error, "format_message", None)
    if message is None or type(error).__name__ == "NoArgsIsHelpError":
        return None
    context = getattr(error, "ctx", None)
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption" and context is not None:
        # The dashes would make any two short names alike.
        names = [flag[2:] for flag in _flags(context)]
        advice = nearest(str(option).strip("-"), names, f"`degen {context.info_name} --help` lists them")
        advice = advice.replace("mean '", "mean '--")
        return f"{context.info_name} has no option {option}{advice}"
    sentence = " ".join(str(message()).split()).rstrip(".").replace(". Did you", "; did you")
    sentence = sentence.replace("Input should", "it should")
    if context is not None and context.info_name == "train" and "unable to parse string as a" in sentence:
        sentence += "; several values of a key are for `degen sweep`"
    return sentence[:1].lower() + sentence[1:]


def _flags(context: Any) -> Iterator[str]:
    for parameter in context.command.params:
        if parameter.param_type_name == "option":
            yield from (flag for flag in (*parameter.opts, *parameter.secondary_opts) if flag[:2] == "--")
