"""Mistakes in the form of a command: an unknown command or option, a value of the wrong type."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from degen.cli.synonyms import COMMANDS, OPTIONS
from degen.errors import UserError, close_to

_TRUE = {"true", "false", "yes", "no", "on", "off", "1", "0"}

_MOST_WORDS = 16
"""Maximum number of words in a name with blanks, so that thousands of paths are looked at in no time."""


def usage_sentence(error: Exception) -> str | None:
    """Return what is wrong in one sentence; None for an exception that is about something else.

    Typer brings its own copy of Click, so that exceptions are known by what they have, not by their class.
    """
    message = getattr(error, "format_message", None)
    kind, context = type(error).__name__, getattr(error, "ctx", None)
    if message is None or kind == "NoArgsIsHelpError":
        return None
    sentence = " ".join(str(message()).split()).rstrip(".")
    if context is None:
        return _without_context(sentence, str(getattr(error, "option_name", "")))
    if kind == "NoSuchOption":
        return _no_option(str(getattr(error, "option_name", "")), context)
    if kind == "MissingParameter":
        return _missing(error, context)
    if word := re.match(r"No such command '(.*?)'", sentence):
        return _no_command(word[1], context)
    if words := re.match(r"Got unexpected extra argument(?:\(s\)|s)? \((.*)\)", sentence):
        return _extra(words[1].split(" ")[0], context)
    return sentence[:1].lower() + sentence[1:].replace("Input should", "it should")


def refuse_no_numbers(command: Any, path: str, words: Sequence[str]) -> None:
    """Refuse a word that is no number after an option that takes one.

    Typer's own words would not say what was typed, and it takes 0-2 for -2.

    Raises
    ------
    UserError
        with the mend where several values were given.
    """
    kinds = {flag: _kind(parameter) for parameter in _options(command) for flag in parameter.opts}
    for place, word in enumerate(words):
        if word == "--":
            return
        flag, equals, value = word.partition("=")
        kind = kinds.get(flag)
        if flag in kinds and kind is not bool and not equals:
            _refuse_spaces(flag, words[place + 1 :], path)
            if kind not in (int, float):
                _refuse_blanks(flag, words[place + 1 :])
        if kind not in (int, float) or (not equals and place + 1 == len(words)):
            continue
        value = value if equals else words[place + 1]
        try:
            kind(value)
        except ValueError:
            raise UserError(_no_number(flag, value, kind, path, kinds)) from None


def _refuse_spaces(flag: str, after: Sequence[str], path: str) -> None:
    """Refuse several numbers after an option with blanks between them."""
    numbers = list(takewhile(re.compile(r"-?\d*\.?\d+(e-?\d+)?").fullmatch, after))
    if len(numbers) < 2 or Path(numbers[1]).exists():
        return
    listed = f"{flag} {','.join(numbers)}"
    if path.endswith("sweep"):
        raise UserError(f"values are separated by commas; write {listed}")
    more = f"; `degen sweep {listed}` trains a run per value" if path.endswith("train") else ""
    raise UserError(f"{flag} takes one value, not {' '.join(numbers)}{more}")


def _refuse_blanks(flag: str, after: Sequence[str]) -> None:
    """Refuse names after an option with blanks between them, as in `user=a, item=b` and `sasrec duorec`."""
    listed = list(after[:1])
    for word in after[1:]:
        of_list = flag == "--columns" and "=" in word
        of_list |= flag in ("--variant", "-v") and _meant(word.strip(",")) == "--variant"
        if word.startswith("-") or not (of_list or listed[-1].endswith(",") or word.startswith(",")):
            break
        listed.append(word)
    if len(listed) > 1:
        together = ",".join(word.strip(",") for word in listed)
        raise UserError(f"values are separated by commas alone; write {flag} {together}")


def refuse_unquoted(words: Sequence[str]) -> None:
    """Refuse words that together are the name of a file with blanks, where quotes were forgotten.

    Raises
    ------
    UserError
        with the name in quotes, unless each word is a file by itself.
    """
    there = list(map(os.path.exists, words))
    for start in range(len(words)):
        for stop in range(start + 2, min(start + _MOST_WORDS, len(words)) + 1):
            if words[stop - 1].startswith("-"):
                break
            name = " ".join(words[start:stop])
            if not all(there[start:stop]) and os.path.exists(name):
                raise UserError(f"the name of {name!r} has blanks; write it in quotes, as here")


def _kind(parameter: Any) -> type | None:
    """Return the type of an option's value, by this Typer or an older one."""
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is not None:
        return getattr(descriptor, "annotation", None)
    names = {"integer": int, "float": float, "integer range": int, "float range": float}
    return names.get(getattr(getattr(parameter, "type", None), "name", ""))


def _no_number(flag: str, value: str, kind: type, path: str, kinds: dict[str, Any]) -> str:
    whole = "whole number" if kind is int else "number"
    if value.startswith("--"):
        return f"{flag} takes a {whole}, and '{value}' follows it; write the number between them"
    said = f"{flag} takes one {whole}, not '{value}'"
    if re.fullmatch(r"-?\d*\.?\d+([-,:]\d*\.?\d+)+", value):
        if flag == "--seed" and "--seeds" in kinds:
            return f"{said}; several seeds are given by --seeds {value}"
        if path.endswith("train"):
            return f"{said}; `degen sweep {flag} {value}` trains a run per value"
    return said


def _no_option(option: str, context: Any) -> str:
    # The dashes would make any two short names alike.
    names = ["help", *(flag[2:] for parameter in _options(context.command) for flag in _long(parameter))]
    bare = option.strip("-").partition("=")[0].replace("_", "-").lower()
    path = _path(context)
    close = next((name for name in OPTIONS.get(bare, ()) if name in names), None) or close_to(bare, names)
    if bare in ("v", "version"):
        return f"there is no option {option} here; `degen --version` prints the version"
    advice = f"did you mean --{close}?" if close else f"`{path} --help` lists them"
    return f"{path.removeprefix('degen ')} has no option {option}; {advice}"


def _no_command(word: str, context: Any) -> str:
    path, names = _path(context), sorted(_visible(context.command))
    if word in ("help", "-help", "--help", "h"):
        after = sys.argv[sys.argv.index(word) + 1 :] if word in sys.argv else []
        asked = after[0] if after and after[0] in names else names[0]
        return f"help is an option; write `{path} --help`, or `{path} {asked} --help` for one command"
    if word == "degen":
        return "degen is named twice; leave out the second"
    bare = word.replace("_", "-").lower()
    unknown = f"no such command '{word}'"
    meant = f"degen {COMMANDS.get(bare, '')}"
    if bare in COMMANDS and meant.startswith(f"{path} "):
        return f"{unknown}; did you mean `{meant}`?"
    if path == "degen paper" and (target := _target(bare)):
        return f"{unknown}; did you mean `degen paper run {target}`?"
    if close := close_to(bare, names):
        return f"{unknown}; did you mean `{path} {close}`?"
    if Path(word).exists():
        return f"a command comes before paths; `degen analyze {word}` measures a matrix or runs"
    return f"{unknown}; `{path} --help` lists them"


def _target(word: str) -> str | None:
    from degen.paper.targets import NAMES

    return close_to(word, NAMES)


def _extra(word: str, context: Any) -> str:
    path = _path(context)
    if word.lower() in _TRUE:
        return f"flags such as --json take no value; leave out '{word}'"
    if word == "help":
        return f"help is an option; write `{path} --help`"
    if context.info_name in ("train", "demo", "sweep") and (meant := _meant(word)):
        return f"'{word}' has no option before it; write `{path} {meant} {word}`"
    if "," in word or not any(
        parameter.param_type_name == "argument" for parameter in context.command.params
    ):
        return f"`{path}` takes no '{word}'; `{path} --help` shows what it takes"
    return f"`{path}` takes fewer words than that; leave out '{word}', or see `{path} --help`"


def _meant(word: str) -> str | None:
    """Return the option that a bare word was meant for."""
    from degen.data.catalog import CATALOG
    from degen.variant_names import BASELINE_LABELS, VARIANT_LABELS

    if word.lower() in {*VARIANT_LABELS, *BASELINE_LABELS, "all"}:
        return "--variant"
    return "--dataset" if word.lower() in CATALOG or Path(word).is_file() else None


def _missing(error: Any, context: Any) -> str:
    """Return what is missing, what it is, and the first example of the command's help."""
    path, parameter = _path(context), getattr(error, "param", None)
    name = getattr(parameter, "metavar", None) or str(getattr(parameter, "name", "")).upper()
    about = str(getattr(parameter, "help", "") or "").rstrip(".")
    example = next(iter(examples(context.command.help or "")), None)
    told = f" ({about[:1].lower() + about[1:]})" if about else ""
    return f"`{path}` needs {name}{told}" + (f", for example `{example}`" if example else "")


def examples(text: str) -> list[str]:
    """Return the commands that a help text shows, without settings of the environment before them."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if re.match(r"(?:[A-Z_]+=\S+ )*degen ", line)]


def _without_context(sentence: str, option: str) -> str:
    if "does not take a value" in sentence:
        return f"{option} is a flag and takes no value; write {option} alone"
    if "requires an argument" in sentence:
        return f"{option} needs a value after it"
    return sentence[:1].lower() + sentence[1:]


def _path(context: Any) -> str:
    """Return the command as it is typed, such as `degen data stats`."""
    parts = []
    while context is not None:
        parts.append(context.info_name)
        context = context.parent
    return " ".join(["degen", *reversed(parts[:-1])])


def _visible(group: Any) -> Iterator[str]:
    yield from (name for name, command in group.commands.items() if not command.hidden)


def _options(command: Any) -> Iterator[Any]:
    yield from (parameter for parameter in command.params if parameter.param_type_name == "option")


def _long(parameter: Any) -> Iterator[str]:
    yield from (flag for flag in (*parameter.opts, *parameter.secondary_opts) if flag[:2] == "--")
