"""Other names of keys: those of earlier versions, which are still read, and those of Python's arguments.

    key                 before             in Python
    objective.lambda    contrast_weight    lam, lambda_ (lambda is a word of the language)
    objective.gamma     cure_weight        gamma

New files have the keys of the first column. Files of earlier versions are read as if they had them, and what
is hashed has the former names, so that the identity of a run and the id of a cell stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from degen.errors import UserError

FORMER = {"contrast_weight": "lambda", "cure_weight": "gamma"}
"""Keys of `[objective]` by their former names."""

ARGUMENTS = {"lambda": "lam"}
"""Python's argument for a key whose name Python does not take."""

OTHER = {**FORMER, "lam": "lambda", "lambda_": "lambda"}
"""Keys by all their other names."""

_HASHED = {f"objective.{key}": f"objective.{former}" for former, key in FORMER.items()}


def key_named(name: str) -> str:
    """Return the key that a name stands for, with or without its group; one that is not known stays.

    >>> key_named("lam"), key_named("objective.cure_weight"), key_named("epochs")
    ('lambda', 'objective.gamma', 'epochs')
    """
    group, dot, bare = name.rpartition(".")
    return f"{group}{dot}{OTHER.get(bare, bare)}"


def argument(key: str) -> str:
    """Return the Python argument that sets a key."""
    return ARGUMENTS.get(key, key)


def renamed(keys: Mapping[str, Any], names: Mapping[str, str] = FORMER) -> dict[str, Any]:
    """Return the values of a group with the keys' present names.

    Raises
    ------
    UserError
        if a key is given two values, by two of its names.
    """
    found: dict[str, Any] = {}
    given: dict[str, str] = {}
    for name, value in keys.items():
        key = names.get(name, name)
        if key in given and found[key] != value:
            raise UserError(f"`{given[key]}` and `{name}` are names of one setting; give one of the two")
        given[key] = name
        found[key] = value
    return found


def groups_renamed(groups: Mapping[str, Any]) -> dict[str, Any]:
    """Return groups of keys with the present names; what is no group of keys stays as it is."""
    return {
        group: renamed(keys) if group == "objective" and isinstance(keys, dict) else keys
        for group, keys in groups.items()
    }


def with_former(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, with or without groups, with their former names besides, for readers of JSON."""
    former = {
        f"{group}{name}": settings[f"{group}{key}"]
        for group in ("", "objective.")
        for name, key in FORMER.items()
        if f"{group}{key}" in settings
    }
    return {**settings, **former}


def hashed_name(key: str) -> str:
    """Return the name, with its group, under which a key is hashed."""
    return _HASHED.get(key, key)
