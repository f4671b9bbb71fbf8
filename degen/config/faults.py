"""Faults that Pydantic finds, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PLAIN = {
    "missing": "is missing",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "string_type": "should be a text in quotes",
    "tuple_type": "should be a list, such as [1, 2]",
    "list_type": "should be a list, such as [1, 2]",
    "dict_type": "should be a group of keys",
    "model_type": "should be a group of keys",
    "dataclass_type": "should be a group of keys",
}
"""Words for a fault, by its type."""


def plain(fault: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, to stand after its name, such as `should be a number`."""
    said = _PLAIN.get(fault["type"])
    return said or str(fault["msg"]).removeprefix("Value error, ").replace("Input should", "should")
