"""How a configuration is settled: defaults < recipe < file < options.

The keys and their defaults stand in `degen.config.schema`. An unknown key is an error that names the nearest
known one. A settled configuration, written as `config.toml`, repeats its run.
"""

from __future__ import annotations

import tomllib
from functools import reduce
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from degen.config.schema import Config, Group
from degen.errors import UserError, nearest

Values = dict[str, dict[str, Any]]

NOTED = ("name", "fingerprint")
"""Keys of `[data]` that training fills in."""

DROPOUTS = ("embedding_dropout", "hidden_dropout", "attention_dropout")

OFFICIAL: Values = {
    "objective": {"reduction": "mean", "same_target_negatives": True, "padding_class": True},
    # It ends after *more than* 10 validations without improvement, and compares rounded values.
    "training": {"epochs": 50, "stop_on": "MRR@10", "patience": 11, "stop_decimals": 4},
    "evaluation": {"definition": "official"},
}
"""What `--recipe official` sets: where the authors' released code differs from their paper."""

_LIKE_THEIR_KEY = """
    dataset input_format min_user min_item core users items data_seed columns
    dim layers heads max_length embedding_dropout hidden_dropout attention_dropout engine
    variant recipe temperature similarity rec_loss sampling negatives negatives_exclude
    seed epochs patience stop_on max_steps steps_per_epoch batch_size batch_by learning_rate item_updates
    item_optimizer item_learning_rate item_momentum
    device precision threads deterministic keep_embeddings trace_gradients tensorboard
"""
OPTIONS = {key: "--" + key.replace("_", "-") for key in _LIKE_THEIR_KEY.split()} | {
    "contrast_weight": "--lambda",
    "cure_weight": "--gamma",
}
"""Keys with an option of their own on the command line; the others go by `--set group.key=value`."""


def option_name(group: str, key: str) -> str:
    """What to type for a key: `contrast_weight` is `--lambda`, `adam_eps` is `--set training.adam_eps=…`."""
    return OPTIONS.get(key, f"--set {group}.{key}=…")


def sentence(group: str, key: str) -> str:
    """The sentence that says what a key is."""
    return str(_group(group).model_fields[key].description)


def default_of(group: str, key: str) -> Any:
    """The default of a key; None where it is settled elsewhere."""
    return _group(group).model_fields[key].default


def choices_of(group: str, key: str) -> tuple[Any, ...]:
    """The values of a key that has a few of them; none of any other."""
    annotation = _group(group).model_fields[key].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _group(name: str) -> type[Group]:
    return Config.model_fields[name].annotation  # type: ignore[return-value]


def by_group(flat: dict[str, Any]) -> Values:
    """Sort keys given without their groups; `dropout` stands for those of the three dropouts that are not
    given.

    Raises
    ------
    UserError
        for a key that no group has, naming the nearest.
    """
    flat = dict(flat)
    if (dropout := flat.pop("dropout", None)) is not None:
        flat = {**dict.fromkeys(DROPOUTS, dropout), **flat}
    home = {key: group for group in Config.model_fields for key in _group(group).model_fields}
    values: Values = {}
    for key, value in flat.items():
        if key not in home:
            raise UserError(f"unknown setting '{key}'{nearest(key, [*home, 'dropout'])}")
        values.setdefault(home[key], {})[key] = value
    return values


def settle(file: Path | None = None, options: Values | None = None) -> Config:
    """Put defaults, recipe, configuration file and options together, the later ones winning.

    A recipe named by the file stands below the file's own keys; one named by an option stands above the
    whole file.

    Raises
    ------
    UserError
        for a file that is not TOML, an unknown key or a value out of range; names the key, its option and
        what it takes.
    """
    given, typed = read_toml(file) if file else {}, options or {}
    if typed.get(
        "data"
    ):  # another log, or read in another way: what training noted of the file's no longer holds
        given = {**given, "data": {k: v for k, v in given.get("data", {}).items() if k not in NOTED}}
    layers = [_recipe(given), given, _recipe(typed), typed]
    try:
        return _absolute(Config.model_validate(reduce(merge, layers)))
    except ValidationError as error:
        raise UserError(_explain(error, file, given, typed)) from None


def _absolute(config: Config) -> Config:
    """Put the absolute path of a log in place of a relative one, so that the run can be repeated from
    anywhere.
    """
    path = Path(config.data.dataset)
    if not path.is_file():
        return config
    return config.model_copy(
        update={"data": config.data.model_copy(update={"dataset": str(path.absolute())})}
    )


def _recipe(values: Values) -> Values:
    """What the recipe named in `values` sets; nothing where none is named."""
    recipe = values.get("objective", {}).get("recipe")
    if recipe == "official":
        return OFFICIAL
    if recipe == "paper":
        defaults = Config().model_dump()
        return {group: {key: defaults[group][key] for key in keys} for group, keys in OFFICIAL.items()}
    return {}


def read_toml(path: Path) -> Values:
    """Read a configuration file into its groups."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"--config {path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"--config {path} is not readable TOML: {error}") from None
    for group, keys in values.items():
        if not isinstance(keys, dict):
            raise UserError(f"{path}: '{group}' stands outside a group; put it under one of {_group_names()}")
    return values


def merge(base: Values, over: Values) -> Values:
    """Return `base` with the keys of `over` put over it, group by group."""
    return {group: {**base.get(group, {}), **over.get(group, {})} for group in {**base, **over}}


def _group_names() -> str:
    return ", ".join(f"[{name}]" for name in Config.model_fields)


def _explain(error: ValidationError, file: Path | None, given: Values, typed: Values) -> str:
    """One sentence for the first thing that is wrong; it names the file only where the file said it."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    prefix = f"{file}: " if _states(given, place) and not _states(typed, place) else ""
    if first["type"] == "extra_forbidden":
        if len(place) == 1:
            return f"{prefix}unknown group [{place[0]}]{nearest(place[0], Config.model_fields)}"
        return f"{prefix}unknown key {'.'.join(place)}{nearest(place[1], _group(place[0]).model_fields)}"
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if len(place) < 2:
        return f"{prefix}{message}"
    if first["type"] == "string_pattern_mismatch":
        message = f"should be as in: {sentence(place[0], place[1]).rstrip('.')}"
    if first["type"] == "literal_error":
        expected = str(first.get("ctx", {}).get("expected", ""))
        message += nearest(
            str(first["input"]), [choice.strip("' ") for choice in expected.replace(" or ", ", ").split(",")]
        )
    return (
        f"{prefix}{place[0]}.{place[1]} ({option_name(place[0], place[1])}) {message}; got {first['input']!r}"
    )


def _states(values: Values, place: list[str]) -> bool:
    """Whether `values` holds the group, or the group's key, that an error is about; anything at all where it
    is about several groups.
    """
    if not place:
        return bool(values)
    keys = values.get(place[0], {})
    return place[0] in values and (len(place) == 1 or place[1] in keys)
