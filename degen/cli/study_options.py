"""The study that `degen sweep` is given: a file, options with several values, or both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from degen.cli.options import Group, Typed, default, key_option, option, split_assignment
from degen.config.facts import KEYS, OPTIONS, value_type
from degen.config.lists import parse_seeds, parse_values
from degen.config.settle import DROPOUTS, by_group, merge
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
    """Return the study of a file and of the options.

    Options override the file's base, datasets and axes. Its controls stay as they are.

    Raises
    ------
    UserError
        if an option sets some of the keys that an axis of the file sets together.
    """
    from degen.cli.commands.train import _variants
    from degen.runs.study import STUDY
    from degen.sweeps.study import Study

    given: dict[str, Any] = {}
    if file is not None:
        path = file / STUDY if file.is_dir() else file
        in_file = Study.from_toml(path)
        given = in_file.model_dump(exclude_defaults=True)
    variants = [named["variant"] for named in _variants(variant)] if variant else []
    typed = {**({"variant": variants} if variants else {}), **_typed_values(keys, assign)}
    axes: dict[str, Any] = {}
    base: dict[str, Any] = {}
    for key, values in typed.items():
        if len(values) > 1:
            axes[key] = {"key": key, "values": values}
        else:
            base[key] = values[0]
    _refuse_both(axes, base)
    if file is not None:
        _override(given, in_file, {*axes, *base})
    given["axes"] = {**given.get("axes", {}), **axes}
    given["base"] = merge(given.get("base", {}), by_group(base))
    if dataset is not None:
        given["datasets"] = [name.strip() for name in dataset.split(",")]
    if seeds is not None:
        given["seeds"] = parse_seeds(seeds)
    given |= {key: value for key, value in choice.items() if value is not None and value is not False}
    return Study.of_values(given)


def _override(given: dict[str, Any], in_file: Study, typed: set[str]) -> None:
    """Take keys that were typed out of the base, the datasets and the axes of a file's study, `given`."""
    from degen.sweeps.resolve import spread_dropout

    keys = typed - {"dropout"} | (set(DROPOUTS) if "dropout" in typed else set())

    def others(values: Any) -> dict[str, dict[str, Any]]:
        groups = spread_dropout(values).items()
        return {group: {key: value for key, value in own.items() if key not in keys} for group, own in groups}

    kept = {}
    for label, axis in in_file.axes.items():
        if some := axis.sets & keys:
            if rest := axis.sets - keys:
                raise UserError(
                    f"`{min(some)}` and `{min(rest)}` are set together by the axis {label} of the file; "
                    + ("give `dropout`" if axis.sets == set(DROPOUTS) else "change the axis there")
                )
        else:
            kept[label] = given["axes"][label]
    given["axes"], given["base"] = kept, others(given.get("base", {}))
    given["per_dataset"] = {name: others(values) for name, values in given.get("per_dataset", {}).items()}


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


def _refuse_both(axes: dict[str, Any], base: dict[str, Any]) -> None:
    """Refuse `dropout` beside one of the three that it sets, where one of them has several values."""
    for key in DROPOUTS:
        typed = {key, "dropout"}
        if typed <= {*axes, *base} and typed & {*axes}:
            raise UserError(f"`dropout` sets `{key}` too; give one of the two")
