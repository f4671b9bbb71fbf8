"""The words of the command line in messages that speak of Python arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from degen.config.schema import Config
from degen.config.settle import OPTIONS

_ARGUMENT = re.compile(r"`((?:\w+\.)?\w+)(?:=([^`]*))?`")


def as_typed(message: str, command: Any) -> str:
    """Return `message` with options of a click command, or its sub-commands, for the arguments in backticks.

    `out` becomes --out, `resume=True` --resume, `stack=False` --no-stack, `device='cpu'` --device cpu, and a
    key of the configuration that has no option of its own --set group.key=value. Other words in backticks
    stay.
    """
    options = dict(_options(command))

    def typed(match: re.Match[str]) -> str:
        name, value = match.group(1), match.group(2)
        group, _, key = name.rpartition(".")
        option, negative = options.get(key, (None, None))
        if option is None or (group and group not in Config.model_fields):
            return _assignment(group, key, value) or match.group(0)
        if value in ("True", "False"):
            return option if value == "True" else negative or f"no {option}"
        return option if value is None else f"{option} {value.strip(chr(39))}"

    return _ARGUMENT.sub(typed, message)


def _assignment(group: str, key: str, value: str | None) -> str | None:
    """Return `--set group.key=value` for a key of the configuration; None for anything else."""
    for name, field in Config.model_fields.items():
        if group in ("", name) and key in getattr(field.annotation, "model_fields", {}):
            return f"--set {name}.{key}={'…' if value is None else value.strip(chr(39))}"
    return None


def _options(command: Any) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """Yield the arguments of a command and its sub-commands: name, option, and the option that negates it."""
    yield from ((key, (option, None)) for key, option in OPTIONS.items())
    for inner in getattr(command, "commands", {}).values():
        yield from _options(inner)
    for parameter in command.params:
        if parameter.param_type_name == "option":
            yield parameter.name, (max(parameter.opts, key=len), next(iter(parameter.secondary_opts), None))
