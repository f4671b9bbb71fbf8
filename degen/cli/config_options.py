"""Command-line options that set keys of the configuration; their help is the key's own sentence."""

from __future__ import annotations

import tomllib
from typing import Any

import typer

from degen.config.schema import Config
from degen.config.settle import OPTIONS, Values, choices_of, default_of, merge, sentence
from degen.errors import UserError, nearest

WIDEST = 18
"""Characters of choices that an option's help lists; more would be cut off, and are left to its sentence."""


def key_option(path: str, panel: str | None = None) -> Any:
    """A typer option for the configuration key `group.key`; unset means that file, recipe or default
    decides.
    """
    group, key = path.split(".")
    default, choices = default_of(group, key), "|".join(choices_of(group, key))
    return typer.Option(
        OPTIONS[key],
        help=sentence(group, key),
        metavar=choices if 0 < len(choices) <= WIDEST else None,
        rich_help_panel=panel or group.capitalize(),
        show_default=False if default in (None, "", False) else str(default),
    )


def parse_assignments(assignments: list[str]) -> Values:
    """Parse `--set group.key=value`, the value as TOML; a bare word is taken as a string.

    Raises
    ------
    UserError
        for anything that has not that form.
    """
    values: Values = {}
    for text in assignments:
        path, equals, raw = text.partition("=")
        group, dot, key = path.strip().partition(".")
        if not equals or not dot:
            raise UserError(
                f"--set {text}: write it as group.key=value, for example --set training.adam_eps=1e-6"
            )
        if group not in Config.model_fields:
            raise UserError(f"--set {text}: unknown group '{group}'{nearest(group, Config.model_fields)}")
        values = merge(values, {group: {key: _toml_value(raw.strip())}})
    return values


def _toml_value(raw: str) -> Any:
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw
