"""The sweep of settings as a function for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.api.given import many, path_given, seeds_given, several_variants
from degen.config.facts import KEYS, value_type
from degen.config.key_names import key_named
from degen.config.lists import each_once, parse_values
from degen.config.settle import by_group
from degen.data.reading.columns import parse_columns
from degen.errors import DegenWarning, UserError
from degen.modules import import_modules

if TYPE_CHECKING:
    from degen.sweeps.collect import Collected
    from degen.sweeps.study import Study


def sweep(
    study: str | Path | None = None,
    *,
    variant: str | Iterable[str] | None = None,
    dataset: str | Path | Iterable[str | Path] | None = None,
    seeds: Iterable[int] | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    threads: int = 1,
    modules: Iterable[str] = (),
    progress: bool = False,
    **settings: Any,
) -> Collected:
    """Train every combination of settings and seeds, as `degen sweep` does, and return the results.

    The same call continues a study that was stopped, and trains nothing twice.

    Parameters
    ----------
    study, out
        study file (TOML) or folder of a study that the others override; folder of the study, by default
        `runs/` and the name of the file.
    variant, dataset, seeds
        one or several; by default `duorec`, `synthetic` and [0]. A dataset may be the path of a log.
    workers, threads
        number of workers, by default as many as there are cores for, and of CPU threads of each.
    modules, progress
        modules with variants or measures of your own, which workers import; whether to show a line per run.
    **settings
        any key of the configuration without its group: a list is an axis, such as `lam=[0, 0.1]`, one value
        is common to all. Further the options of `degen.sweeps.run.run_study`, and `zip`, `random` and
        `random_seed` of `degen.sweeps.study.Study`.

    Returns
    -------
    Tables `results` (a row per run with its axes, and measures at the best and the common epoch) and
    `summary` (per cell their means over seeds, with intervals), `files`, `missing`, `failed`.

    Raises
    ------
    UserError
        if a setting is invalid, or `out` holds something else. A `DegenWarning` tells of failed runs.
    degen.sweeps.run.Stopped
        after Ctrl-C, when the epochs at work are finished.

    Examples
    --------
    >>> small = {"users": 60, "items": 30, "dim": 8, "epochs": 1}
    >>> found = sweep(lam=[0, 0.1], seeds=[0], out="runs/tour-lam", **small)
    >>> found.results["lambda"].tolist(), found.missing, found.failed
    ([0.0, 0.1], [], {})
    """
    import_modules(modules)
    work = {name: settings.pop(name) for name in _WORK if name in settings}
    file, place = path_given("study", study), path_given("out", out)
    asked, folder = _asked(file, place, variant, dataset, seeds, settings)
    found, told = _results(asked, folder, progress, {"workers": workers, "threads": threads, **work})
    for sentence in told:
        warnings.warn(sentence, DegenWarning, stacklevel=2)
    return found


def _results(study: Study, folder: Path, progress: bool, work: dict[str, Any]) -> tuple[Collected, list[str]]:
    """Train a study and return its results, with the sentences to warn of."""
    from degen.sweeps.bar import sweep_bar
    from degen.sweeps.collect import collect
    from degen.sweeps.run import run_study

    told: list[str] = []
    with sweep_bar(folder, quiet=False) if progress else nullcontext(lambda status: None) as watch:
        ended = run_study(study, folder, watch=watch, note=told.append, **work)
    found = ended.collected or collect(folder, accept_versions=bool(work.get("accept_versions")))
    return found, told + [f"{name} failed: {sentence}" for name, sentence in found.failed.items()]


def _asked(
    file: Path | None, out: Path | None, variant: Any, dataset: Any, seeds: Any, settings: dict[str, Any]
) -> tuple[Study, Path]:
    """Return the study of a file and of what was given besides, and its folder."""
    from degen.model.variants import named_variants
    from degen.sweeps.asked.lists import study_folder, study_of_lists

    if file is not None and not (file.exists() or file.suffix or file.name != str(file)):
        raise UserError(
            f"the first argument is a study file or a study's folder, and there is no {file}; a variant is "
            f"given as `variant={str(file)!r}`"
        )
    choice = {name: settings.pop(name) for name in _CHOICE if name in settings}
    by_group(dict.fromkeys(settings))  # refuses an unknown one
    values = {key_named(key): _listed(key_named(key), value) for key, value in settings.items()}
    if variant is not None:
        values = {"variant": named_variants(several_variants(variant, "variant")), **values}
    study = study_of_lists(
        values,
        file=file,
        datasets=None if dataset is None else [str(name) for name in _listed("dataset", dataset)],
        seeds=None if seeds is None else seeds_given(seeds),
        choice=choice,
    )
    return study, study_folder(file, out)


_CHOICE: tuple[str, ...] = ("zip", "random", "random_seed")
"""Fields of a study that choose among the combinations."""

_WORK = ("engine", "scheduler", "cells", "extend", "oversubscribe", "sbatch", "accept_versions")
"""Options of `run_study` besides workers and threads."""


def _listed(key: str, value: Any) -> list[Any]:
    """Return the values of a setting: those of a list or of a range in text, or the one value."""
    if key == "columns" and isinstance(value, str):
        return [parse_columns(value)]
    if many(value):
        return each_once(key, [number.item() if hasattr(number, "item") else number for number in value])
    numbers = key in KEYS and value_type(key) in (int, float)
    return parse_values(key, value) if isinstance(value, str) and numbers else [value]
