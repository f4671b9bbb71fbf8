"""Resolution of a configuration: options override the file, which overrides the recipe and the defaults.

The keys and their defaults are in `degen.config.schema`. An unknown key is an error that names the nearest
known one. A resolved configuration, written as `config.toml`, repeats its run.
"""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from degen.config.baseline import RECIPES, is_baseline, recipes_of, without_unused
from degen.config.facts import KEYS, choices_of, group_of, sentence
from degen.config.faults import plain
from degen.config.key_names import FORMER, OTHER, argument, groups_renamed, renamed
from degen.config.schema import Config
from degen.errors import UserError, nearest
from degen.files import parse

Values = dict[str, dict[str, Any]]

NOTED = ("name", "fingerprint")
"""Keys of `[data]` that training records."""

DROPOUTS = ("embedding_dropout", "hidden_dropout", "attention_dropout")

TIES_BEFORE = "half"
"""The way in which runs counted ties before `evaluation.ties` was a key."""

OFFICIAL: Values = {
    "objective": {"reduction": "mean", "same_target_negatives": True, "padding_class": True},
    # The released code stops after *more than* 10 validations without improvement, of rounded values.
    "training": {"epochs": 50, "stop_on": "MRR@10", "patience": 11, "stop_decimals": 4},
    "evaluation": {"definition": "official"},
}
"""Keys that `--recipe official` sets, where the authors' released code differs from their paper."""


def by_group(flat: dict[str, Any]) -> Values:
    """Sort keys given without their groups into the groups.

    `dropout` sets the embedding, hidden and attention dropout, except those that are given themselves.

    Raises
    ------
    UserError
        if no group has such a key, or `dropout` is out of range; the message names the nearest key.
    """
    flat = renamed(flat, OTHER)
    if (dropout := flat.pop("dropout", None)) is not None:
        _check_dropout(dropout)
        flat = {**dict.fromkeys(DROPOUTS, dropout), **flat}
    values: Values = {}
    for key, value in flat.items():
        if key not in KEYS:
            known = [*map(argument, KEYS), *FORMER, "dropout"]
            near = nearest(key, known, "no key of the configuration is like it")
            raise UserError(f"unknown setting '{key}'{near}")
        values.setdefault(KEYS[key][0], {})[key] = value
    return values


def _check_dropout(rate: Any) -> None:
    """Refuse a rate that its keys would refuse, under the name that it was given by."""
    try:
        group_of("model").model_validate(dict.fromkeys(DROPOUTS, rate))
    except ValidationError as error:
        raise UserError(f"`dropout` {plain(error.errors()[0])}; got {rate!r}") from None


def settle(file: Path | None = None, options: Values | None = None) -> Config:
    """Resolve a configuration from defaults, recipe, configuration file and options; later ones override.

    The keys of a file override the recipe that the file names. A recipe named by an option overrides the
    whole file.

    Raises
    ------
    UserError
        if the file is not TOML, a key is unknown, or a value is out of range; the message names the key and
        the values that it takes.
    """
    given, typed = _as_then(_read_toml(file)) if file else {}, groups_renamed(options or {})
    variant, typed = _used_by_variant(given, typed)
    if typed.get("data"):  # another log, or another way to read it: what training noted no longer holds
        given = {**given, "data": {k: v for k, v in given.get("data", {}).items() if k not in NOTED}}
    layers = [*_recipe_layers(variant, given, typed), typed]
    try:
        config = Config.model_validate(reduce(merge, layers))
    except ValidationError as error:
        raise UserError(_explain(error, file, given, typed)) from None
    path = Path(config.data.dataset)
    if not path.is_file():
        return config
    # An absolute path lets the run be repeated from any folder.
    data = config.data.model_copy(update={"dataset": str(path.absolute())})
    return config.model_copy(update={"data": data})


def _as_then(values: Values) -> Values:
    """Return a file's keys, and the way to count ties where an older version of degen resolved them all.

    A resolved configuration has every key of `[evaluation]`. One without `ties` was written before there was
    such a key, when ties counted by half.
    """
    evaluation = values.get("evaluation", {})
    if "ties" in evaluation or group_of("evaluation").model_fields.keys() - {"ties"} - evaluation.keys():
        return values
    return {**values, "evaluation": {**evaluation, "ties": TIES_BEFORE}}


def _used_by_variant(given: Values, typed: Values) -> tuple[str, Values]:
    """Return the variant, and the options; raise where it has no such recipe, or no use for an option."""
    named = {**given.get("objective", {}), **typed.get("objective", {})}
    variant = str(named.get("variant", KEYS["variant"][1].default))
    recipe, known = named.get("recipe"), recipes_of(variant)
    if recipe in choices_of("recipe") and recipe not in known:
        raise UserError(
            f"`recipe='{recipe}'` is not one of {variant}'s; it has `recipe='{known[0]}'` and "
            f"`recipe='{known[1]}'`"
        )
    kept, unused = without_unused(variant, typed)
    if unused:
        raise UserError(f"{variant} has no use for `{unused[0]}`; leave it out")
    return variant, kept


def _recipe_layers(variant: str, given: Values, typed: Values) -> list[Values]:
    """Return the file and the recipes that stand under and over it, the lowest first."""
    if not is_baseline(variant):
        return [_recipe(given), given, _recipe(typed)]
    of_file = given.get("objective", {})
    recipe = of_file.get("recipe", recipes_of(variant)[0])
    other = typed.get("objective", {}).get("recipe")
    if other is None and str(of_file.get("variant", variant)).lower() != variant.strip().lower():
        other = recipe  # the file's keys are those of another model
    return [_of_baseline(variant, recipe), given, *([_of_baseline(variant, other)] if other else [])]


def _of_baseline(variant: str, recipe: str) -> Values:
    """Return the keys that any recipe of a baseline sets, with the values of this one."""
    recipes, defaults = RECIPES[variant.strip().lower()], Config().model_dump()
    every = reduce(merge, recipes.values())
    plain = {group: {key: defaults[group][key] for key in keys} for group, keys in every.items()}
    return merge(merge(plain, recipes.get(recipe, {})), {"objective": {"recipe": recipe}})


def _recipe(values: Values) -> Values:
    """Return the keys that the recipe named in `values` sets; empty if none is named."""
    recipe = values.get("objective", {}).get("recipe")
    if recipe == "official":
        return OFFICIAL
    if recipe == "paper":
        defaults = Config().model_dump()
        return {group: {key: defaults[group][key] for key in keys} for group, keys in OFFICIAL.items()}
    return {}


def _read_toml(path: Path) -> Values:
    """Read a configuration file into its groups."""
    values = read_toml(path, f"`config` {path}")
    for group, keys in values.items():
        if not isinstance(keys, dict):
            groups = ", ".join(f"[{name}]" for name in Config.model_fields)
            raise UserError(f"{path}: '{group}' is outside a group; put it under one of {groups}")
    try:
        return groups_renamed(values)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def read_toml(path: Path, name: str) -> dict[str, Any]:
    """Read a TOML file that errors call by `name`.

    Raises
    ------
    UserError
        if there is no such file, or it is not TOML.
    """
    if not path.exists():
        raise UserError(f"{name}: there is no such file")
    try:
        return parse.read_toml(path)
    except parse.Unreadable as error:
        raise UserError(f"{name} cannot be read: {error}") from None


def merge(base: Values, over: Values) -> Values:
    """Return `base` with the keys of `over` put over it, group by group."""
    return {group: {**base.get(group, {}), **over.get(group, {})} for group in {**base, **over}}


def _explain(error: ValidationError, file: Path | None, given: Values, typed: Values) -> str:
    """Explain the first fault in one sentence, which names the file only if the value is from the file."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    prefix = f"{file}: " if _holds(given, location) and not _holds(typed, location) else ""
    group, key = [*location, "", ""][:2]
    if first["type"] == "extra_forbidden" and not key:
        return f"{prefix}unknown group [{group}]{nearest(group, Config.model_fields)}"
    if first["type"] == "extra_forbidden":
        return f"{prefix}unknown key {'.'.join(location)}{nearest(key, group_of(group).model_fields)}"
    message = plain(first)
    if not key:
        return f"{prefix}{message}"
    if first["type"] == "string_pattern_mismatch":
        message = f"should be as in: {sentence(key).rstrip('.')}"
    message = f"{prefix}{group}.{key} (`{argument(key)}`) {message}; got {first['input']!r}"
    return message + (
        nearest(str(first["input"]), choices_of(key)) if first["type"] == "literal_error" else ""
    )


def _holds(values: Values, location: list[str]) -> bool:
    """True if `values` holds the group or the key of an error; for an error of several groups, any key."""
    if not location:
        return bool(values)
    keys = values.get(location[0], {})
    return location[0] in values and (len(location) == 1 or location[1] in keys)
