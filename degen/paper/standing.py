"""State of the targets on disk: runs done, at work, failed and missing, and the hours that are left.

    OUT/cells/                     the run directories, which targets share
    OUT/<target>/                  a target's study: plan, results, figures (`degen.sweeps`)
    OUT/results/ OUT/figures/      tables and figures in the paper's layout (`degen.paper.collecting`)
    OUT/verdicts.md                verdicts on the claims

A run that another target has trained already counts as done for every target that wants it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from degen.data.catalog import CATALOG, SYNTHETIC, here
from degen.files.parse import read_json
from degen.paper.launch import earlier_runs
from degen.paper.targets import Target, targets
from degen.runs.study import DONE, PlannedRun

Key = tuple[str, str, int]
"""A run in any plan: dataset, id of its cell, seed."""


@dataclass(frozen=True)
class Standing:
    """Runs of a target on a dataset; a run is a cell with a seed.

    `hours` is the time that one worker needs for the runs that are left, by the speed of those done on the
    dataset; None where none is done. `here` tells whether the log is on this machine.
    """

    target: str
    dataset: str
    runs: int
    done: int
    running: int
    failed: int
    hours: float | None
    here: bool

    @property
    def missing(self) -> int:
        """Number of runs that nobody has begun."""
        return self.runs - self.done - self.running - self.failed


def standings(out: Path) -> list[Standing]:
    """Return the state of every target on each of its datasets, in the order of the paper.

    Raises
    ------
    UserError
        if a plan in the folder cannot be read.
    """
    known = targets()
    plans = {target.name: earlier_runs(out / target.name) for target in known}
    seconds = _seconds(out, plans)
    planned = {_key(entry): entry for plan in plans.values() for entry in plan}
    found = []
    for target in known:
        own = {entry.dataset for entry in plans[target.name]}
        for dataset in dict.fromkeys([*target.datasets, *sorted(own)]):
            wanted = [entry for entry in plans[target.name] if entry.dataset == dataset]
            found.append(_standing(out, target, dataset, wanted, planned, seconds))
    return found


def _key(entry: PlannedRun) -> Key:
    return entry.dataset, entry.id, entry.seed


def _seconds(out: Path, plans: Mapping[str, Iterable[PlannedRun]]) -> dict[Key, float]:
    """Return the seconds of every run that is done for some target."""
    found: dict[Key, float] = {}
    for name, plan in plans.items():
        for entry in plan:
            path = out / name / DONE / entry.name
            if path.exists():
                found[_key(entry)] = _taken(path)
    return found


def _taken(done: Path) -> float:
    """Return the seconds that a run took; 0 where its file does not say."""
    try:
        return float(read_json(done)["seconds"])
    except (ValueError, KeyError, TypeError):
        return 0.0


def _standing(
    out: Path,
    target: Target,
    dataset: str,
    wanted: list[PlannedRun],
    planned: Mapping[Key, PlannedRun],
    seconds: Mapping[Key, float],
) -> Standing:
    present = dataset not in CATALOG or dataset == SYNTHETIC or here(CATALOG[dataset]) is not None
    keys, running, failed = {_key(entry) for entry in wanted}, 0, 0
    if wanted:
        from degen.sweeps.status import read_status

        status = read_status(out / target.name, wanted)
        failed = len(status.failed)
        running = sum(_key(entry) not in seconds for entry in status.running)
        runs = len(keys)
    else:
        runs = target.cells * len(target.seeds)
        if any(key[0] == dataset for key in seconds):
            keys = _keys(target, dataset, planned)
    done = len(keys & seconds.keys())
    hours = _hours(dataset, runs - done - failed, keys - seconds.keys(), planned, seconds)
    return Standing(target.name, dataset, runs, done, running, failed, hours, present)


def _keys(target: Target, dataset: str, planned: Mapping[Key, PlannedRun]) -> set[Key]:
    """Return the runs of a target that has no plan yet, with the log's fingerprint from another plan."""
    data = next(entry.config["data"] for entry in planned.values() if entry.dataset == dataset)
    study = target.study([dataset])
    cells = study.cells(lambda config: (dataset, str(data.get("fingerprint", ""))))
    return {(dataset, cell.id, seed) for cell in cells for seed in study.seeds}


def _hours(
    dataset: str,
    left: int,
    keys: Iterable[Key],
    planned: Mapping[Key, PlannedRun],
    seconds: Mapping[Key, float],
) -> float | None:
    """Return the hours of the runs that are left: the mean of their variant's, else of the dataset's."""
    if left == 0:
        return 0.0
    by_variant: dict[Any, list[float]] = {}
    for key, value in seconds.items():
        if key[0] == dataset:
            by_variant.setdefault(planned[key].variant, []).append(value)
            by_variant.setdefault(None, []).append(value)
    if not by_variant:
        return None
    known = [mean(by_variant.get(planned[key].variant, by_variant[None])) for key in keys if key in planned]
    known += [mean(by_variant[None])] * (left - len(known))
    return sum(known) / 3600
