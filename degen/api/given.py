"""Inputs of the functions for notebooks: runs and paths, seeds, names of variants, lists of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from degen.config.lists import each_once, parse_seeds
from degen.config.settle import by_group
from degen.data.reading.columns import parse_columns
from degen.errors import UserError, in_words
from degen.runs.directory import RunDirectory

Given = str | Path | RunDirectory
"""A run, the path of one, of a folder above runs, or of a matrix file."""


def as_paths(inputs: Sequence[Given | Iterable[Given]], function: str) -> list[Path]:
    """Return the paths of runs, folders and files, which are given one by one or in a list.

    Raises
    ------
    UserError
        where there is none, or something else is among them.
    """
    several: list[Any] = []
    for given in inputs:
        several += given if isinstance(given, list | tuple) else [given]
    if not several:
        raise UserError(f"`{function}` needs a run, a folder of runs or a matrix file; it was given none")
    for given in several:
        if not isinstance(given, str | Path | RunDirectory):
            raise UserError(
                f"`{function}` takes runs and paths, not {in_words(given)}; measure an array by "
                "`degen.analyze(V)`, or compare arrays by name, `degen.compare({'a': A, 'b': B})`"
            )
    return [given.path if isinstance(given, RunDirectory) else Path(given) for given in several]


def path_given(argument: str, value: Any) -> Path | None:
    """Return the path that an argument names; None where it is None."""
    if value is None or isinstance(value, str | Path):
        return None if value is None else Path(value)
    raise UserError(f"`{argument}` is a path, not {in_words(value)}")


def names_given(argument: str, value: Any) -> str | None:
    """Return names that are given in a list or in text with commas as text; None where there are none."""
    if value is None or isinstance(value, str):
        return value
    names = list(value) if many(value) else [value]
    if not names or not all(isinstance(name, str) for name in names):
        raise UserError(f"`{argument}` is a list of names, or text with commas; got {in_words(value)}")
    return ",".join(names)


def many(value: Any) -> bool:
    """Return whether a value is a list of values: no text, no mapping, and none by itself."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def seeds_given(seeds: Any) -> list[int]:
    """Return the seeds of a list or a range.

    Raises
    ------
    UserError
        for one number, text, and anything else that is no list of whole numbers.
    """
    if isinstance(seeds, str):
        numbers = parse_seeds(seeds)
        raise UserError(f"`seeds` is a list of whole numbers, not text; write `seeds={numbers}`")
    if isinstance(seeds, int):
        raise UserError(
            f"`seeds={seeds}` is one number; write `seeds=range({max(seeds, 1)})` for so many seeds, or "
            f"`seeds=[{seeds}]` for this one"
        )
    several = list(seeds) if many(seeds) else [seeds]
    if not several or not all(isinstance(seed, Integral) and not isinstance(seed, bool) for seed in several):
        raise UserError(f"`seeds` is a list of whole numbers, such as `seeds=[0, 1, 2]`; got {seeds!r}")
    return each_once("seeds", [int(seed) for seed in several])


def one_variant(variant: Any) -> str:
    """Return the name of one variant; a `UserError` says which function trains several."""
    if isinstance(variant, str) and "," not in variant:
        return variant
    names = variant.split(",") if isinstance(variant, str) else list(variant) if many(variant) else None
    if names is None:
        raise UserError(f"`variant` is the name of a variant, such as 'scl'; got {variant!r}")
    names = [name.strip() if isinstance(name, str) else name for name in names]
    raise UserError(f"`variant` is one name; train several by `degen.train_many({names!r}, …)`")


def several_variants(variants: Any, argument: str = "variants") -> list[str]:
    """Return the names of variants, given one by one in a list; text is one name.

    Raises
    ------
    UserError
        for names in one text, anything else that is no list of names, and a variant that is named twice.
    """
    from degen.model.variants import ALIASES

    names = list(variants) if many(variants) else [variants]
    if not names or not all(isinstance(name, str) for name in names):
        raise UserError(f"`{argument}` is a list of names, such as `['sasrec', 'scl']`; got {variants!r}")
    if commas := [name for name in names if "," in name]:
        apart = [word.strip() for name in names for word in name.split(",")]
        raise UserError(f"`{argument}` has commas in {commas[0]!r}; write a list of names: `{apart!r}`")
    each_once(argument, [ALIASES.get(name.strip().lower(), name.strip().lower()) for name in names])
    return names


def settings_given(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return keys of the configuration by group; `columns` may be text, as on the command line."""
    if isinstance(columns := settings.get("columns"), str):
        settings = {**settings, "columns": parse_columns(columns)}
    return by_group(dict(settings))
