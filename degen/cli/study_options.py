"""The study that `degen sweep` is given: a file, options with several values, or both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from degen.cli.options import Group, Typed, default, key_option, option, split_assignment
from degen.config.facts import KEYS, OPTIONS, value_type
from degen.config.lists import parse_seeds, parse_values
from degen.config.settle import by_group
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.sweeps.study import Study

APART = ("variant", "dataset", "seed", "engine")
"""Keys without an option here: `--engine` starts workers, and `--set model.engine=…` is the encoder's."""


def list_option(key: str) -> tuple[Any, None]:
    """Return the option of a key as text, for several values."""
    annotation, _ = key_option(key)
    (about,) = annotation.__metadata__
    flag = value_type(key) is bool
    about.default, about.param_decls = OPTIONS[key], ()  # Typer shows a name in both places twice
    about.metavar = "true,false" if flag else about.metavar or "VALUES"
    return Annotated[str | None, about], None


SETTINGS: Group = {
    **{key: list_option(key) for key in OPTIONS if key not in APART},
    "dropout": option(
        str | None,
        "--dropout",
        "Embedding, hidden and attention dropout together.",
        rich_help_panel="Model",
        metavar="VALUES",
    ),
}
"""Options of keys of the configuration, each with several values."""

CHOICE: Group = {
    "zip": option(bool, "--zip", "Take the lists of values in step, instead of every combination.", False),
    "random": option(int | None, "--random", "Draw this many of the combinations."),
    "random_seed": option(int | None, "--random-seed", "Seed of the draw." + default("0")),
}
"""Options that choose among the combinations."""


def typed_study(
    file: Path | None,
    variant: list[str] | None,
    dataset: str | None,
    seeds: str | None,
    keys: Typed,
    assign: list[str],
    choice: Typed,
) -> Study:
    """Return the study of a file and of the options, which override it (`study_of_lists`)."""
    from degen.cli.commands.train import _variants
    from degen.sweeps.asked.lists import study_of_lists

    named = {"variant": [each["variant"] for each in _variants(variant)]} if variant else {}
    return study_of_lists(
        {**named, **_typed_values(keys, assign)},
        file=file,
        datasets=None if dataset is None else [name.strip() for name in dataset.split(",")],
        seeds=None if seeds is None else parse_seeds(seeds),
        choice=choice,
    )


def _typed_values(keys: Typed, assign: list[str]) -> dict[str, list[Any]]:
    """Return the values of each key that was typed, by an option or by `--set`."""
    from degen.data.reading.columns import parse_columns

    typed: dict[str, list[Any]] = {}
    for key, text in keys.items():
        if text is None or key == "threads":
            continue
        typed[key] = [parse_columns(text)] if key == "columns" else parse_values(key, text)
    for text in assign:
        group, key, values = split_assignment(text)
        by_group({key: None})
        if KEYS[key][0] != group:
            raise UserError(f"--set {text}: '{key}' is in the group {KEYS[key][0]}, not {group}")
        if key in typed:
            raise UserError(f"two options set {group}.{key}; give one of them")
        typed[key] = parse_values(key, values)
    return typed
