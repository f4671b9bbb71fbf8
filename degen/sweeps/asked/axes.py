"""An axis of a study: a key of the configuration, or keys that are set together, with their values."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from degen.config.key import Group
from degen.config.lists import parse_values
from degen.config.settle import DROPOUTS, Values, by_group
from degen.sweeps.cells import full_key


class Axis(Group):
    """A key of the configuration, or keys that are set together, with the values that it takes."""

    key: str | tuple[str, ...]
    values: tuple[Any, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("values"), str):
            first = given["key"] if isinstance(given["key"], str) else given["key"][0]
            values = tuple(parse_values(first.rpartition(".")[2], given["values"]))
            return {**given, "values": values}
        return given

    @field_validator("key")
    @classmethod
    def _with_groups(cls, key: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for name in (key,) if isinstance(key, str) else key:
            by_group({name.rpartition(".")[2]: 0})  # refuses an unknown one
        return full_key(key) if isinstance(key, str) else tuple(map(full_key, key))

    @property
    def name(self) -> str:
        """Key by which the axis is called in tables: the first, where several are set together."""
        return self.key if isinstance(self.key, str) else self.key[0]

    @property
    def sets(self) -> set[str]:
        """Keys that the axis sets, without their groups."""
        keys = {key.rpartition(".")[2] for key in ((self.key,) if isinstance(self.key, str) else self.key)}
        return keys - {"dropout"} | (set(DROPOUTS) if "dropout" in keys else set())

    def at(self, value: Any) -> Values:
        """Return the settings of one of the values."""
        return by_group(dict.fromkeys(self.sets, value))
