"""Options of the command line in messages that name Python arguments.

Errors and notes of the package name arguments in backticks, so that a notebook reads of arguments. The
commands pass every message through `as_typed` before they print it, so that a terminal reads of options:

    `out`                        --out
    `resume=True`                --resume
    `stack=False`                --no-stack
    `device='cpu'`               --device cpu
    `training.epochs=5`          --epochs 5
    `training.item_block=0`      --set training.item_block=0, for a key without an option of its own
    `import MODULE`              --import MODULE, and other code that an option stands for

Anything else in backticks stays as it is: file names, commands, arguments that no command has.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

from degen.config.facts import KEYS, OPTIONS
from degen.config.key_names import key_named

_ARGUMENT = re.compile(r"`((?:\w+\.)?\w+)(?:=([^`]*))?`")
_CODE = {"`import MODULE`": "--import MODULE", "`degen.analysis.MEASURES`": "--list"}
"""Python code in messages that is no argument, and the option of the same meaning."""


def as_typed(message: str) -> str:
    """Return `message` with options in place of the arguments that it names in backticks.

    >>> as_typed("train on with `resume=True`, or with a lower `lam`")
    'train on with --resume, or with a lower --lambda'
    """
    for code, option in _CODE.items():
        message = message.replace(code, option)
    return _ARGUMENT.sub(_typed, message)


def _typed(match: re.Match[str]) -> str:
    argument, value = match.groups()
    group, _, name = key_named(argument).rpartition(".")
    if group and KEYS.get(name, ("", None))[0] != group:
        return match[0]
    option, negative = _options().get(name, (None, None))
    if option is None:
        if name not in KEYS:
            return match[0]
        return f"--set {KEYS[name][0]}.{name}={'…' if value is None else _value(value)}"
    if value in ("True", "False"):
        return option if value == "True" else negative or f"no {option}"
    return option if value is None else f"{option} {_value(value)}"


def _value(code: str) -> str:
    """Return what a shell takes for a value that is written in Python: `['a', 'b']` is a,b."""
    try:
        value = ast.literal_eval(code)
    except (SyntaxError, ValueError):
        return code
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        value = [f"{name}={column}" for name, column in value.items()]
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    return shlex.quote(value) if isinstance(value, str) and "…" not in value else str(value)


@cache
def _options() -> dict[str, tuple[str, str | None]]:
    """Return the option of each argument of the commands, and the option that negates it, if there is one."""
    from typer.main import get_command

    from degen.cli.app import app

    found: dict[str, tuple[str, str | None]] = {key: (option, None) for key, option in OPTIONS.items()}
    for parameter in _parameters(get_command(app)):
        option, _ = found.get(parameter.name, (max(parameter.opts, key=len), None))
        found[parameter.name] = option, next(iter(parameter.secondary_opts), None)
    return found


def _parameters(command: Any) -> Iterator[Any]:
    """Yield the options of a command and of its sub-commands."""
    yield from (parameter for parameter in command.params if parameter.param_type_name == "option")
    for inner in getattr(command, "commands", {}).values():
        yield from _parameters(inner)
