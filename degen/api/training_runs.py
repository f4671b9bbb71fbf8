"""Training and opening of runs as functions for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.api.given import one_variant, seeds_given, settings_given, several_variants
from degen.config.schema import Config
from degen.config.settle import merge, settle
from degen.errors import DegenWarning, UserError
from degen.runs.directory import RunDirectory, find_runs

if TYPE_CHECKING:
    from degen.training.run import Progress


def train(
    variant: str,
    dataset: str | Path,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | Progress = False,
    **settings: Any,
) -> RunDirectory:
    """Train a variant on a dataset and return its run.

    Parameters
    ----------
    variant
        name of a variant, such as `scl`.
    dataset
        name in the catalogue, or path to an interaction log.
    out
        the run directory; by default `runs/<dataset>/<variant>-s<seed>`.
    resume, overwrite
        as in `degen.training.loop.train`.
    progress
        whether to show what `degen train` shows: a line per epoch, and a bar on a terminal, or in a notebook
        with ipywidgets; or callbacks for steps and epochs.
    **settings
        any key of the configuration without its group, such as `epochs=5, lam=0.05, dropout=0.3`.

    Warns
    -----
    DegenWarning
        if a setting changes nothing for the variant. Also if h has collapsed, the best epoch is the last one,
        training and validation disagree, or the core filter dropped most of the log (`degen.runs.course`);
        with `progress=True` these are shown instead.

    Raises
    ------
    UserError
        if the data cannot be read, a setting is invalid, or `out` holds a run already.

    Examples
    --------
    >>> run = train("scl", "synthetic", "runs/tour/scl", users=60, items=30, epochs=1, dim=8, threads=1)
    >>> run.state, run.test["users"]
    ('finished', 60)
    """
    from degen.build import run_place, without_effect
    from degen.training.plan import train_many

    variant, watched = one_variant(variant), _checked(progress)
    named = {"objective": {"variant": variant}, "data": {"dataset": str(dataset)}}
    typed = settings_given(settings)
    config = settle(options=merge(typed, named))
    for sentence in without_effect([variant], typed):
        warnings.warn(sentence, DegenWarning, stacklevel=2)
    run_dir = Path(out) if out is not None else run_place(config)
    watching = _watching([config], watched)
    return train_many([config], [run_dir], resume=resume, overwrite=overwrite, **watching)[0]


def _checked(progress: Any) -> bool | Progress:
    """Return what shows the progress; a `UserError` says what it can be."""
    if progress is None or isinstance(progress, bool | np.bool_):
        return bool(progress)
    if not hasattr(progress, "begin"):
        raise UserError(
            "`progress` is True, False, or callbacks of the class `degen.training.run.Progress`; "
            f"got {progress!r}"
        )
    watching: Progress = progress
    return watching


def _watching(configs: list[Config], progress: bool | Progress) -> dict[str, Any]:
    """Return the options of `degen.training.plan.train_many` that show what is asked for."""
    if progress is False:
        return {}
    if progress is not True:
        return {"progress": lambda _: nullcontext([progress])}
    from degen.bars import Showing, bars, reading_bar

    show = partial(bars, showing=Showing.of(configs))
    return {"progress": show, "reading": partial(reading_bar, False)}


def train_many(
    variants: str | Iterable[str],
    dataset: str | Path,
    out: str | Path | None = None,
    *,
    seeds: Iterable[int] = (0,),
    workers: int = 1,
    stack: bool | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> list[RunDirectory]:
    """Train variants with several seeds, and return their runs: all seeds of the first variant, and so on.

    Parameters
    ----------
    variants, dataset
        names of variants, and a name in the catalogue or the path of an interaction log.
    out
        folder above the runs, each `<variant>-s<seed>`; by default `runs/<dataset>`.
    seeds
        seeds of the training.
    workers
        number of runs that train side by side on the CPU, each in a child process with one thread, or with
        `threads`.
    stack, resume, overwrite
        as in `degen.training.plan.train_many`.
    progress
        whether to show what `degen train` shows, as in `train`.
    **settings
        any key of the configuration without its group.

    Raises
    ------
    UserError
        as `train`, which also tells of the warnings; a run that fails leaves the others alone.

    Examples
    --------
    >>> log = {"users": 60, "items": 30, "epochs": 1, "dim": 8, "threads": 1}
    >>> runs = train_many(["sasrec", "scl"], "synthetic", "runs/tour-many", seeds=[0, 1], **log)
    >>> [run.path.name for run in runs]
    ['sasrec-s0', 'sasrec-s1', 'scl-s0', 'scl-s1']
    """
    from degen.build import options_with_use, run_place, without_effect
    from degen.training import plan

    names, every_seed, watched = several_variants(variants), seeds_given(seeds), _checked(progress)
    shared, configs = settings_given(settings), list[Config]()
    for sentence in without_effect(names, shared):
        warnings.warn(sentence, DegenWarning, stacklevel=2)
    for name, own in zip(names, options_with_use(names, shared), strict=True):
        typed = merge(own, {"objective": {"variant": name}, "data": {"dataset": str(dataset)}})
        configs += [settle(options=merge(typed, {"training": {"seed": seed}})) for seed in every_seed]
    folder = None if out is None else Path(out)
    run_dirs = [run_place(config, above=folder) for config in configs]
    options: dict[str, Any] = {"resume": resume, "overwrite": overwrite, **_watching(configs, watched)}
    return plan.train_many(configs, run_dirs, workers=workers, stack=stack, **options)


def open_run(path: str | Path) -> RunDirectory:
    """Open one run directory.

    Raises
    ------
    UserError
        if `path` is not a run.
    """
    found = find_runs(Path(path))
    if len(found) != 1 or found[0].path != Path(path):
        raise UserError(f"{path} is a folder above runs, not a run; name one, such as {found[0].path}")
    return found[0]
