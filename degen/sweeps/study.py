"""A study: the axes, datasets and seeds whose product are the cells to train, typed or read from a file.

    [study]                                  [base]
    figure = "curve"                         objective = {variant = "duorec"}
    datasets = ["beauty"]                    training = {epochs = 60}
    seeds = "0-2"                            [axis.lambda]
    metrics = ["HR@5", "NDCG@5"]             key = "objective.lambda"
    common_epoch = 20                        values = [0.1, 0.2, 0.3]        # or ".1:.3:.1"
                                             [per_dataset.ml-1m]
    zip = false                              model = {dropout = 0.1}
    random = 10                              [control.sasrec]
    random_seed = 0                          objective = {variant = "sasrec"}

`key` may also be `dropout`, or a list of keys that are set together. Later groups override earlier ones:
base, dataset, axes, control.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from degen.config.faults import plain
from degen.config.key import Group
from degen.config.key_names import groups_renamed, key_named
from degen.config.lists import parse_seeds
from degen.config.schema import Config, RankingMetric
from degen.config.settle import read_toml
from degen.errors import UserError, nearest
from degen.sweeps.asked.axes import Axis
from degen.sweeps.cells import Cell
from degen.sweeps.resolve import Identify, asked_once, read_log, resolved

MOST_CELLS = 100_000
"""Maximum number of cells; more are a typing error."""

MOST_COMBINATIONS = 10**18
"""Maximum number of combinations to draw from, which a machine word counts."""

Figure = Literal["curve", "heatmap", "bars", "svd", "trajectory", "table"]


class Study(Group):
    """Axes, datasets and seeds, and what all cells have in common."""

    figure: Figure | None = None
    metrics: tuple[RankingMetric, ...] = ("HR@5", "NDCG@5", "HR@10", "NDCG@10")
    datasets: tuple[str, ...] = Field(("synthetic",), min_length=1)
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    common_epoch: int | None = Field(None, ge=1)
    zip: bool = False
    random: int | None = Field(None, ge=1)
    random_seed: int = Field(0, ge=0)
    base: dict[str, dict[str, Any]] = Field({})
    axes: dict[str, Axis] = Field({})
    per_dataset: dict[str, dict[str, dict[str, Any]]] = Field({})
    controls: dict[str, dict[str, dict[str, Any]]] = Field({})
    paper: dict[str, Any] = Field({})

    @field_validator("seeds", mode="before")
    @classmethod
    def _typed_seeds(cls, seeds: Any) -> Any:
        return tuple(parse_seeds(str(seeds))) if isinstance(seeds, str | int) else seeds

    @field_validator("base", mode="before")
    @classmethod
    def _present_names(cls, groups: Any) -> Any:
        return groups_renamed(groups) if isinstance(groups, dict) else groups

    @field_validator("per_dataset", "controls", mode="before")
    @classmethod
    def _present_names_of_each(cls, each: Any) -> Any:
        if not isinstance(each, dict):
            return each
        return {name: groups_renamed(own) if isinstance(own, dict) else own for name, own in each.items()}

    @model_validator(mode="after")
    def _one_axis_for_a_key(self) -> Study:
        named: dict[str, str] = {}
        for label, axis in self.axes.items():
            for key in axis.sets:
                if key in named:
                    raise UserError(
                        f"two axes set `{key}`: {named[key]} and {label}; leave one of them out, or set keys "
                        "together by one axis"
                    )
                named[key] = label
        lengths = {label: len(axis.values) for label, axis in self.axes.items()}
        if self.zip and len(set(lengths.values())) > 1:
            told = ", ".join(f"{label} {length}" for label, length in lengths.items())
            raise UserError(f"`zip=True` takes axes of one length, and these have {told} values")
        return self

    @model_validator(mode="after")
    def _seeds_are_a_list(self) -> Study:
        fixed = [self.base, *self.per_dataset.values(), *self.controls.values()]
        given = [list(axis.values) for axis in self.axes.values() if "seed" in axis.sets]
        given += [[groups["training"]["seed"]] for groups in fixed if "seed" in groups.get("training", {})]
        if given:
            raise UserError(
                f"a study has `seeds`, a list, in place of one `seed`; write `seeds={given[0]!r}`"
            )
        return self

    @classmethod
    def from_toml(cls, path: Path) -> Study:
        """Read a study from a file.

        Raises
        ------
        UserError
            where the file is not TOML or a key is unknown; the message names both.
        """
        groups = read_toml(path, str(path))
        try:
            return cls.of_groups(groups)
        except UserError as error:
            # In a file they are keys, not options, and groups have names in the singular.
            said = str(error).replace("`axes.", "`axis.").replace("`controls.", "`control.")
            raise UserError(f"{path}: {said.replace('`', chr(39))}") from None

    @classmethod
    def of_groups(cls, groups: dict[str, Any]) -> Study:
        """Return the study of the groups that a file has."""
        known = {
            "study": None,
            "base": "base",
            "axis": "axes",
            "per_dataset": "per_dataset",
            "control": "controls",
            "paper": "paper",
        }
        for group, keys in groups.items():
            if not isinstance(keys, dict):
                raise UserError(f"'{group}' is outside a group; put it under [study]")
            if group not in known:
                raise UserError(f"unknown group [{group}]{nearest(group, known)}")
        given = {name: keys for group, keys in groups.items() if (name := known[group])}
        for values in (given.get("base", {}), *given.get("per_dataset", {}).values()):
            _check_keys(values)
        for values in given.get("controls", {}).values():
            _check_keys(values)
        return cls.of_values({**groups.get("study", {}), **given})

    @classmethod
    def of_values(cls, values: dict[str, Any]) -> Study:
        """Return the study of the fields given, and explain the first fault in one sentence."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            if first["type"] == "extra_forbidden":
                raise UserError(f"unknown key '{name}'{nearest(name, cls.model_fields)}") from None
            if first["type"] == "too_short":
                raise UserError(f"`{name}` is an empty list; give a value") from None
            if first["type"] == "missing":
                place, _, lacking = name.rpartition(".")
                raise UserError(
                    f"`{place or 'study'}` lacks `{lacking}`; it has {_keys(first['input'])}"
                ) from None
            message = plain(first)
            raise UserError(f"`{name}` {message}; got {first['input']!r}") from None

    def toml(self) -> str:
        """Return the study as a file that `from_toml` reads."""
        values = self.model_dump(mode="json", exclude_none=True)
        groups = {
            "base": values.pop("base"),
            "axis": values.pop("axes"),
            "per_dataset": values.pop("per_dataset"),
            "control": values.pop("controls"),
            "paper": values.pop("paper"),
        }
        return tomli_w.dumps({"study": values, **{name: keys for name, keys in groups.items() if keys}})

    def combinations(self) -> list[dict[str, Any]]:
        """Return the value of each axis by its label, for every cell of one dataset, controls apart."""
        lists = [axis.values for axis in self.axes.values()]
        count = len(lists[0]) if self.zip and lists else prod(map(len, lists))
        cells = count if self.random is None else min(self.random, count)
        if cells > MOST_CELLS:
            raise UserError(f"these axes have {cells:,} cells; {MOST_CELLS:,} at most, so draw with `random`")
        if count > MOST_COMBINATIONS:
            raise UserError(f"these axes have {count:.1e} combinations; {MOST_COMBINATIONS:.0e} at most")
        numbers: Iterable[int] = range(count)
        if self.random is not None:
            numbers = sorted(random.Random(self.random_seed).sample(range(count), cells))
        return [dict(zip(self.axes, self._combination(number), strict=True)) for number in numbers]

    def _combination(self, number: int) -> list[Any]:
        """Return the values of one of the combinations, of which the last axis changes first."""
        lists, places = [axis.values for axis in self.axes.values()], list[int]()
        if self.zip:
            return [values[number] for values in lists]
        for values in reversed(lists):
            number, place = divmod(number, len(values))
            places.insert(0, place)
        return [values[place] for values, place in zip(lists, places, strict=True)]

    def cells(self, identify: Identify | None = None) -> list[Cell]:
        """Return the cells, each once, by dataset in the order of the axes; controls stand last.

        Every configuration is resolved and every log is read, so that nothing is trained before all is known
        to be in order. Axes that a variant has no use for do not multiply its cells.

        Parameters
        ----------
        identify
            returns name and fingerprint of a log; by default it is loaded.

        Raises
        ------
        UserError
            for an unknown key, a value out of range, a log that cannot be read, or an axis without effect.
        """
        identify = asked_once(identify or read_log)
        found: dict[tuple[str, str], Cell] = {}
        used: set[str] = set()
        for control in (None, *self.controls):
            for dataset in self.datasets:
                for combination in self.combinations():
                    cell = resolved(self, dataset, combination, control, identify)
                    used |= set(cell.axes)
                    found.setdefault((cell.dataset, cell.id), cell)
        for axis in self.axes.values():
            if axis.name not in used:
                bare = axis.name.rpartition(".")[2]
                raise UserError(
                    f"only controls have a use for `{bare}`, and they set it themselves; leave the axis out"
                )
        order = {name: number for number, name in enumerate(dict.fromkeys(c.dataset for c in found.values()))}
        return sorted(found.values(), key=lambda cell: order[cell.dataset])


def _keys(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)


@cache
def _known_keys() -> dict[str, set[str]]:
    return {group: set(keys) for group, keys in Config().model_dump().items()}


def _check_keys(values: Any) -> None:
    """Refuse groups and keys that the configuration does not have."""
    known = _known_keys()
    for group, keys in values.items():
        if home := next((name for name, own in known.items() if key_named(group) in own), None):
            raise UserError(f"'{group}' is a key of the group {home}; write {home} = {{{group} = …}}")
        if group not in known:
            raise UserError(f"unknown group '{group}'{nearest(group, known)}")
        if not isinstance(keys, dict):
            raise UserError(f"'{group}' is a group of keys; write {group} = {{key = value}}")
        own = known[group] | ({"dropout"} if group == "model" else set())
        for key in map(key_named, keys):
            if key not in own:
                raise UserError(f"unknown key {group}.{key}{nearest(key, own)}")
