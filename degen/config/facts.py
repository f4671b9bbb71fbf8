"""Facts of the configuration's keys, read from the schema: options, sentences, defaults, choices."""

from __future__ import annotations

from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from degen.config.key import Group
from degen.config.schema import Config


def group_of(name: str) -> type[Group]:
    """Return the class of a group, such as `ModelConfig` for `model`."""
    return Config.model_fields[name].annotation  # type: ignore[return-value]


KEYS: dict[str, tuple[str, FieldInfo]] = {
    key: (group, field)
    for group in Config.model_fields
    for key, field in group_of(group).model_fields.items()
}
"""The group and the field of each key; no key is in two groups."""


def about(key: str, fact: str) -> Any:
    """Return one of the facts that the schema states of a key: `option`, `unset`, `metavar` or `panel`."""
    return KEYS[key][1].json_schema_extra[fact]  # type: ignore[index]


OPTIONS: dict[str, str] = {key: option for key in KEYS if (option := about(key, "option"))}
"""Keys with an option of their own on the command line; the others are set by `--set group.key=value`."""


def sentence(key: str) -> str:
    """Return the sentence that says what a key is."""
    return str(KEYS[key][1].description)


def value_type(key: str) -> Any:
    """Return the type of a key's value on the command line: int, float, bool, or str for anything else."""
    annotation = KEYS[key][1].annotation
    types = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return types[0] if types[0] in (int, float, bool) else str


def choices_of(key: str) -> tuple[str, ...]:
    """Return the values that a key can take, if they are a few words; else an empty tuple."""
    annotation = KEYS[key][1].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()
