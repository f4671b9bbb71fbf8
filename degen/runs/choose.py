"""Choose the runs that paths mean, and name what sets them apart.

One rule holds in every command:

1. The runs of one dataset form a group.
2. The runs of one variant with the same settings form a series. They repeat one experiment with other seeds.
3. A series has the name of its variant. Where a variant has several series, the settings in which they
   differ are added: `duorec λ 0.02`, `sasrec item_optimizer=sgd`. A setting that changes only together with
   one that is named already is left out, so `recipe=official` stands for all that the recipe sets.
   Dropout rates that are equal in every run are one setting: `duorec dropout=0.1`.
4. How long and on what a run trained, and what was recorded of it, does not part its seeds. It names two runs
   that are otherwise the same.
5. Runs that agree in everything, seed included, are copies. They form a group for each parent folder; copies
   inside one folder have their own names added, `scl in trial-2`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from degen.errors import UserError
from degen.files.writing import file_names
from degen.runs.directory import METRICS, TEST, RunDirectory, collect_runs
from degen.runs.manifest import refuse_changed, refuse_edited
from degen.variant_names import in_paper_order

Series = dict[str, list[RunDirectory]]
"""The runs of each series by its name, in the order of tables and figures; seeds rise."""

_GROUPS = ("objective", "baseline", "model", "training", "data")
"""Groups of `config.toml` whose keys are settings, in the order in which they name a series."""

_IDENTITY = {"variant", "seed", "dataset", "name", "fingerprint"}
"""Keys that say which run it is, but for `fingerprint`: it stands last, because other keys explain it."""

_CIRCUMSTANCES = {
    *("epochs", "patience", "min_epochs", "max_steps"),
    *("device", "precision", "threads", "deterministic", "cuda_graph", "engine", "item_block"),
    *("keep_embeddings", "trace_gradients", "tensorboard"),
}
"""Keys of those groups that are no settings: how long and on what a run trained, and what it recorded."""

_DROPOUT, _RATES = "dropout", 3
"""One name for the three rates of dropout, where they are equal in every run."""

_SYMBOLS = {"lambda": "λ", "temperature": "τ", "gamma": "γ"}


class _OfRun(Protocol):
    """A run, or what belongs to one."""

    @property
    def dataset(self) -> str: ...

    @property
    def seed(self) -> int: ...

    @property
    def definition(self) -> str: ...


_OF_BASELINES = ("fixed", "recbole")
"""Recipes of the baselines, which name a series by themselves."""

K = TypeVar("K")
S = TypeVar("S", bound=_OfRun)


def run_name(run: RunDirectory, series: str | None = None) -> str:
    """Return the name of a run that stands alone: dataset, variant or series, and seed."""
    return f"{run.dataset}-{series or run.variant}-s{run.seed}"


def recipe_of(run: RunDirectory) -> str:
    """Return the recipe of a run, the default where its configuration names none."""
    return str(_value(run, "objective", "recipe"))


def damage(run: RunDirectory, *, names_only: bool = False) -> UserError | None:
    """Return the error of a run whose files cannot be read, with `names_only` of what names it; else None."""
    try:
        _ = run.variant, run.dataset, run.seed, run.definition
        refuse_edited(run.path)
        if not names_only:
            _ = run.metrics, run.pretraining, run.trace, run.environment
            _ = run.test if run.state == "finished" else None
            refuse_changed(run.path, (METRICS, TEST))
    except UserError as error:
        return error
    return None


def without_damaged(
    runs: Sequence[RunDirectory], paths: Sequence[Path], notes: list[str], *, names_only: bool = False
) -> list[RunDirectory]:
    """Return the runs without damaged ones, which `notes` name; raise for one of `paths`, or for the last."""
    damaged = {run.path: error for run in runs if (error := damage(run, names_only=names_only))}
    for path, error in damaged.items():
        if path in paths or len(damaged) == len(runs):
            raise error
        notes.append(f"left out: {error}")
    return [run for run in runs if run.path not in damaged]


def only_runs(paths: Sequence[Path], need: str, notes: list[str]) -> list[RunDirectory]:
    """Return the runs that `collect_runs` finds, without damaged ones, which `notes` name.

    `need` says why files will not do: `dynamics need runs`.
    """
    for path in paths:
        if path.is_file():
            raise UserError(f"{path} is a file, and {need}; give a run or a folder of runs")
    return without_damaged(collect_runs(paths), paths, notes)


def select_runs(runs: Sequence[RunDirectory]) -> dict[str, Series]:
    """Return the series of each group of runs, by the rule above."""
    return {name: by_variant(members) for name, members in group_runs(runs).items()}


def group_runs(runs: Sequence[RunDirectory]) -> dict[str, list[RunDirectory]]:
    """Return the runs of each dataset; of each folder, where a dataset has copies of a run in several."""
    result: dict[str, list[RunDirectory]] = {}
    for name, members in _by(runs, lambda run: run.dataset).items():
        series = map(_by_settings, _by(members, lambda run: run.variant).values())
        copies = any(_seed_twice(repeated) for found in series for repeated in found.values())
        folders = _by(members, lambda run: run.path.parent)
        if not copies or len(folders) == 1:
            result[name] = members
            continue
        names = file_names(name if folder.name == name else f"{name}-{folder.name}" for folder in folders)
        result |= zip(names, folders.values(), strict=True)
    return result


def _by(runs: Iterable[RunDirectory], key: Callable[[RunDirectory], K]) -> dict[K, list[RunDirectory]]:
    found: dict[K, list[RunDirectory]] = {}
    for run in runs:
        found.setdefault(key(run), []).append(run)
    return found


def by_variant(runs: Sequence[RunDirectory]) -> Series:
    """Return the runs of each series in a group by rising seed, the variants in the paper's order."""
    result: Series = {}
    variants = _by(sorted(runs, key=lambda run: run.seed), lambda run: run.variant)
    for variant in in_paper_order(run.variant for run in runs):
        for setting, repeated in _by_settings(variants[variant]).items():
            library = "recbole" if recipe_of(repeated[0]) == "recbole" else ""
            setting = setting if library in setting else f"{library}, {setting}".rstrip(", ")
            name = f"{variant} {setting}".rstrip()
            if _seed_twice(repeated):
                folders = [run.path.name for run in repeated]
                unique = len(set(folders)) == len(folders)
                result |= {f"{name} in {run.path.name if unique else run.path}": [run] for run in repeated}
            else:
                result[name] = repeated
    return result


def by_definition(groups: Mapping[str, Mapping[str, Sequence[S]]]) -> dict[str, dict[str, list[S]]]:
    """Part groups whose runs measured alignment and uniformity by different definitions."""
    parted: dict[str, dict[str, list[S]]] = {}
    for name, series in groups.items():
        definitions = sorted({member.definition for members in series.values() for member in members})
        for definition in definitions:
            part = {
                label: kept
                for label, members in series.items()
                if (kept := [member for member in members if member.definition == definition])
            }
            parted[name if len(definitions) == 1 else f"{name} ({definition} definition)"] = part
    return parted


def one_seed(series: Mapping[str, Sequence[S]], seed: int | None, notes: list[str]) -> dict[str, S]:
    """Return the member of each series with `seed`, or with its lowest; say in `notes` what was left out."""
    wanted = {name: [run for run in runs if seed in (None, run.seed)] for name, runs in series.items()}
    chosen = {name: runs[0] for name, runs in wanted.items() if runs}
    seeds = ", ".join(map(str, sorted({run.seed for members in series.values() for run in members})))
    if not chosen:
        dataset = next(iter(series.values()))[0].dataset
        raise UserError(f"no run of {dataset} has seed {seed}; `seed` takes {seeds}")
    notes += [f"{name} has no run with seed {seed}: left out" for name in series if name not in chosen]
    if seed is None and any(len(members) > 1 for members in series.values()):
        notes.append(f"several seeds ({seeds}): drawn is the lowest of each variant")
    return chosen


Settings = dict[str, Any]
"""Values of the settings that name a part of the runs of one variant, by key."""

_Parts = list[tuple[Settings, list[RunDirectory]]]


def settings_apart(runs: Sequence[RunDirectory]) -> dict[Path, Settings]:
    """Return for each run the settings by which its series differs from others of its dataset and variant."""
    found: dict[Path, Settings] = {}
    for members in _by(runs, lambda run: (run.dataset, run.variant)).values():
        found |= {run.path: settings for settings, part in _parts(members) for run in part}
    return found


def _by_settings(runs: Sequence[RunDirectory]) -> Series:
    """Part the runs of one variant by their settings, which name the parts; empty where there is one."""
    return {
        ", ".join(setting_text(key, value) for key, value in settings.items()): members
        for settings, members in _parts(runs)
    }


def _parts(runs: Sequence[RunDirectory]) -> _Parts:
    settings = _keys(runs, _GROUPS, _IDENTITY | _CIRCUMSTANCES)
    if all(_value(run, "data", "fingerprint") for run in runs):
        settings.append(("data", "fingerprint"))
    parts: _Parts = []
    for setting, members in _parted(runs, settings):
        if not _seed_twice(members):
            parts.append((setting, members))
            continue
        circumstances = _keys(members, (*_GROUPS, "evaluation", "monitor"), _IDENTITY)
        parts += [(setting | finer, kept) for finer, kept in _parted(members, circumstances)]
    return parts


def _parted(runs: Sequence[RunDirectory], keys: Iterable[tuple[str, str]]) -> _Parts:
    """Part runs by those of `keys` that tell them apart, each only where the ones before it do not."""
    values: list[list[Any]] = [[] for _ in runs]
    named: list[str] = []
    for group, key in keys:
        finer = [[*known, _value(run, group, key)] for known, run in zip(values, runs, strict=True)]
        if len(set(map(repr, finer))) > len(set(map(repr, values))):
            values, named = finer, [*named, key]
    parts: dict[str, tuple[Settings, list[RunDirectory]]] = {}
    for found, run in sorted(zip(values, runs, strict=True), key=lambda pair: list(map(_order, pair[0]))):
        parts.setdefault(repr(found), (dict(zip(named, found, strict=True)), []))[1].append(run)
    return list(parts.values())


def _keys(runs: Sequence[RunDirectory], groups: Sequence[str], without: set[str]) -> list[tuple[str, str]]:
    """Return the keys that any of the runs sets, with their groups, as their files have them."""
    every = ((group, key) for group in groups for run in runs for key in run.config.get(group, {}))
    found = list(dict.fromkeys((group, key) for group, key in every if key not in without))
    dropouts = [(group, key) for group, key in found if group == "model" and key.endswith("_dropout")]
    if len(dropouts) == _RATES and all(
        len({_value(run, *dropout) for dropout in dropouts}) == 1 for run in runs
    ):
        found.insert(found.index(dropouts[0]), ("model", _DROPOUT))
    return found


def _value(run: RunDirectory, group: str, key: str) -> Any:
    """Return a setting of a run, and its default where the run does not have it."""
    values = run.config.get(group, {})
    key = "hidden_dropout" if key == _DROPOUT else key
    if (group, key) == ("evaluation", "ties"):
        return run.ties
    return values[key] if key in values else _defaults().get(group, {}).get(key)


@cache
def _defaults() -> dict[str, dict[str, Any]]:
    from degen.config.schema import Config  # brings pydantic, which most choices do without

    return Config().model_dump()


def _order(value: Any) -> tuple[float, str]:
    """Return a sorting key: numbers by size, then words."""
    number = isinstance(value, int | float)
    return (float(value), "") if number else (math.inf, str(value))


def setting_title(key: str) -> str:
    """Return the symbol of a key, or the key: `λ`, `item_optimizer`."""
    return _SYMBOLS.get(key, key)


def setting_value(key: str, value: Any) -> str:
    """Return the value of a setting as text; a fingerprint is cut to 8 digits."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text[:8] if key == "fingerprint" else text


def setting_text(key: str, value: Any) -> str:
    """Return a setting in words: `λ 0.02`, `item_optimizer=sgd`; a baseline's recipe stands by itself."""
    if key == "recipe" and value in _OF_BASELINES:
        return str(value)
    return f"{setting_title(key)}{' ' if key in _SYMBOLS else '='}{setting_value(key, value)}"


def _seed_twice(runs: Sequence[RunDirectory]) -> bool:
    return len({run.seed for run in runs}) < len(runs)
