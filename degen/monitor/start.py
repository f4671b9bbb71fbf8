"""Start of a recorded run: checks of its arguments, and the files that do not change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tomli_w

from degen.errors import UserError
from degen.files import writing
from degen.files.digest import DIGITS, json_hash
from degen.files.writing import why_no_line
from degen.runs import directory, extension
from degen.runs.directory import RunDirectory
from degen.runs.environment import environment
from degen.runs.lock import remove_run
from degen.runs.manifest import kept, refuse_damaged

Counts = npt.NDArray[np.int64]
Groups = dict[str, dict[str, Any]]

_FREE_TO_CHANGE = ("keep_embeddings", "tensorboard")

_CHECKED = (directory.METRICS, directory.ITEM_EMBEDDINGS, directory.TEST)
"""Files whose checksums are compared before a run goes on."""


def at_least(least: int, **arguments: int | None) -> None:
    """Refuse arguments that are given and too small."""
    for name, number in arguments.items():
        if number is not None and number < least:
            raise UserError(f"`{name}` is {number}; give {least} or more")


def names(out: Path, **given: Any) -> dict[str, Any]:
    """Return `dataset`, `variant` and `seed` as given, or as read from a path `<dataset>/<variant>-s<seed>`.

    A folder of another form names the variant; the seed is 0 then.
    """
    found = re.fullmatch(r"(.+)-s(\d+)", out.name)
    variant, seed = (found[1], int(found[2])) if found else (out.name, 0)
    read = {"dataset": out.parent.name, "variant": variant, "seed": seed}
    return read | {name: value for name, value in given.items() if value is not None}


def groups(named: dict[str, Any], training: dict[str, Any], probe: dict[str, Any], best: Any) -> Groups:
    """Return the groups of `config.toml`, with the keys of `degen train` as far as it has them.

    The group `[monitor]` marks a recorded run. Keys that are None are left out.
    """
    config = {
        "data": {"dataset": named["dataset"], "name": named["dataset"]},
        "objective": {"variant": named["variant"]},
        "training": {"seed": named["seed"], **training},
        "evaluation": {"definition": "paper", **probe},
        "monitor": best,
    }
    return {
        group: {key: value for key, value in keys.items() if value is not None}
        for group, keys in config.items()
    }


def whole_numbers(item_frequency: Any) -> Counts:
    """Return how often each item occurs, int64 [n_items], of two or more whole numbers, each 0 or more."""
    counts = np.asarray(item_frequency)
    valid = counts.dtype.kind in "iuf" and counts.ndim == 1 and len(counts) >= 2
    if not valid or not (np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts))).all():
        raise UserError(
            f"item_frequency, {counts.dtype} {list(counts.shape)}, must hold one whole number, 0 or more, "
            "for each of at least two items"
        )
    return counts.astype(np.int64)


def item_ids(items: Sequence[Any] | None, n: int) -> list[str]:
    """Return the n unique ids of the items as strings without line breaks, by default their row numbers."""
    ids = [str(item) for item in (range(n) if items is None else items)]
    if len(ids) != n:
        raise UserError(f"items has {len(ids)} ids and item_frequency {n} counts; give one of each per item")
    if len(set(ids)) < n:
        raise UserError("items has two equal ids; give each item an id of its own")
    for name in ids:
        if fault := why_no_line(name):
            raise UserError(f"items has the id {name!r}, which {fault}; give each item an id in one line")
    return ids


def begin(
    out: Path, config: Groups, items: list[str], frequency: Counts, *, resume: bool, overwrite: bool
) -> list[dict[str, Any]]:
    """Write the fixed files of a run into `out`; return the lines of epochs that were recorded earlier."""
    rows: list[dict[str, Any]] = []
    manifest = kept(out)
    if overwrite:
        remove_run(out)
        manifest.config = ""
    elif resume and directory.is_run(out):
        _check_same(RunDirectory(out), config, items, frequency)
        rows = directory.read_metrics(out)
        for number, row in enumerate(rows, start=1):
            if not all(isinstance(row.get(key), int) for key in ("epoch", "best_epoch")):
                raise UserError(
                    f"{out / directory.METRICS} line {number} lacks epoch or best_epoch; start anew with "
                    "`overwrite=True`"
                )
        refuse_damaged(manifest, _CHECKED)
        extension.settle(out)
    writing.remove_leftovers(out)
    manifest.config = manifest.config or _identity(config)
    writing.write_text(out / directory.CONFIG, tomli_w.dumps(config))
    writing.write_json(out / directory.ENVIRONMENT, environment())
    writing.write_lines(out / directory.ITEMS, items)
    writing.write_array(out / directory.ITEM_FREQUENCY, frequency)
    return rows


def _identity(config: Groups) -> str:
    """Return the hash of what may not change when the run is resumed."""
    fixed = {
        group: {key: value for key, value in keys.items() if key not in _FREE_TO_CHANGE}
        for group, keys in config.items()
    }
    return json_hash(fixed)[:DIGITS]


def _check_same(run: RunDirectory, config: Groups, items: list[str], frequency: Counts) -> None:
    mend = "resume with the same, or start anew with `overwrite=True`"
    for group, keys in config.items():
        before = run.config.get(group, {})
        for key in sorted((keys.keys() | before.keys()) - set(_FREE_TO_CHANGE)):
            old, new = before.get(key), keys.get(key)
            if old != new:
                raise UserError(f"{run.path} was started with {group}.{key} = {old!r}, not {new!r}; {mend}")
    begun = run.path / directory.METRICS
    whole = begun.exists() or all(
        (run.path / name).exists() for name in (directory.ITEMS, directory.ITEM_FREQUENCY)
    )
    if not whole:  # killed before its first epoch
        return
    if run.items != items or not np.array_equal(run.item_frequency, frequency):
        raise UserError(f"{run.path} was started with other items or another item_frequency; {mend}")
