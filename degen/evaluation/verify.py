"""Verification of runs on disk: whole files that belong to one run and give the result that stands there.

    manifest     each file that degen wrote has the size and the SHA-256 that the manifest states
    owner        checkpoints name the hash of the run's configuration
    shapes       item embeddings, bias, counts and ids have one row per item
    epochs       lines of metrics.jsonl, last and best epoch, and the epoch of test.json agree
    outputs      exports, figures and reports inside the run are as their commands wrote them
    result       test.json is what best.safetensors gives on the log, whose fingerprint is the run's
    ranks        ranks.npy and tied.npy give the metrics of test.json

The last one needs the log, and seconds; `quick=True` leaves it out. A run of an older version has no
manifest, which a note says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.config.decisive import run_identity
from degen.config.settle import settle
from degen.data.catalog import find
from degen.errors import UserError
from degen.evaluation.ranking import ranking_metrics
from degen.evaluation.restore import restore, unknown_variant
from degen.evaluation.stored_ranks import own_ranks
from degen.files.outputs import MANIFEST, changed_outputs
from degen.model.weights import StoredTensors, reading
from degen.runs import directory
from degen.runs.best import best_epoch
from degen.runs.directory import RunDirectory, collect_runs
from degen.runs.lock import output_folders
from degen.runs.manifest import Manifest, refuse_strange

ROUNDING = 1e-9
"""Difference of a metric that is none: it was computed in another order."""

MOVED = 2
"""Number of users whose ranks another device or number of threads may change by its rounding."""


@dataclass
class Verified:
    """Findings about a run.

    Attributes
    ----------
    run, state
        path, and `finished`, `extending` or `unfinished`; `damaged` where the configuration cannot be read.
    epochs, files
        number of lines of `metrics.jsonl`, and of files that the manifest lists.
    faults
        sentences about what is off; empty for a run that is whole.
    notes
        sentences about what could not be checked.
    """

    run: str
    state: str = "damaged"
    epochs: int | None = None
    files: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Return whether nothing is off."""
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """Return what was found, with `whole`."""
        return {**asdict(self), "whole": self.whole}


def verify(*paths: str | Path, quick: bool = False) -> list[Verified]:
    """Verify the runs at and below `paths`; nothing is changed.

    Parameters
    ----------
    paths
        runs, folders of runs, or folders of studies.
    quick
        whether to leave out the log and the result, which takes most of the time.

    Raises
    ------
    UserError
        if a path does not exist or holds no run.

    Examples
    --------
    >>> from degen import train
    >>> run = train("sasrec", "synthetic", "runs/verified", users=60, items=30, epochs=1, dim=8, threads=1)
    >>> [(one.state, one.whole) for one in verify(run.path)]
    [('finished', True)]
    """
    return [_verified(run, quick) for run in collect_runs(map(Path, paths))]


def _verified(run: RunDirectory, quick: bool) -> Verified:
    found = Verified(str(run.path))
    checks: list[Callable[[RunDirectory, Verified], None]] = [_manifest, _configuration, _shapes, _epochs]
    if not run.path.joinpath(directory.CONFIG).is_file():
        found.faults.append(f"{run.path / directory.CONFIG} is not a file")
        return found
    for check in checks:
        _attempt(check, run, found)
    if not quick and found.whole:
        _attempt(_result, run, found)
    elif not quick:
        found.notes.append("test.json was not computed again, since something is off already")
    _attempt(_ranks, run, found)
    _attempt(_outputs, run, found)
    return found


def _attempt(check: Callable[[RunDirectory, Verified], None], run: RunDirectory, found: Verified) -> None:
    """Make a check; what it raises is off, and is said once."""
    try:
        check(run, found)
    except UserError as error:
        if str(error) not in found.faults:
            found.faults.append(str(error))


def _manifest(run: RunDirectory, found: Verified) -> None:
    if not (run.path / MANIFEST).exists():
        found.notes.append("it has no manifest, since an older version wrote it: checksums are not known")
        return
    manifest = Manifest.read(run.path)
    found.files = len(manifest.names)
    for name in sorted(manifest.names):
        if fault := manifest.fault(name):
            found.faults.append(f"{run.path / name} {fault}")


def _configuration(run: RunDirectory, found: Verified) -> None:
    """Read the configuration and what every run states, and compare the owners of the checkpoints."""
    _ = run.variant, run.dataset, run.seed, run.definition, run.environment
    found.state = "extending" if run.extending else run.state
    if run.recorded:
        return
    identity = Manifest.read(run.path).config or run_identity(settle(run.path / directory.CONFIG))
    nameless = []
    for name in (directory.LAST, directory.BEST, directory.PRETRAIN):
        path = run.path / name
        if path.exists():
            with reading(path, "is damaged") as stored:
                refuse_strange(path, stored.metadata, identity)
                nameless += [] if "config" in stored.metadata else [name]
    if nameless:
        found.notes.append(f"{', '.join(nameless)} do not name their run, since an older version wrote them")


def _shapes(run: RunDirectory, found: Verified) -> None:
    """Compare the numbers of rows of all that has one per item."""
    if not run.has_embeddings:
        return
    n, V = len(run.items), run.item_embeddings
    flat = (directory.ITEM_BIAS, directory.ITEM_FREQUENCY)
    rows: dict[str, npt.NDArray[Any]] = {directory.ITEM_EMBEDDINGS: V}
    rows |= {name: run.array(name) for name in flat if (run.path / name).exists()}
    rows |= {
        f"{directory.EMBEDDINGS}/e{epoch:03d}.npy": run.embeddings_of(epoch) for epoch in run.kept_epochs
    }
    for name, array in rows.items():
        if len(array) != n or array.ndim != (1 if name in flat else 2):
            found.faults.append(
                f"{run.path / name} has shape {list(array.shape)}, and items.txt lists {n} items"
            )
    best = run.path / directory.BEST
    if best.exists():
        with reading(best, "is damaged") as stored:
            weights = stored.read("item_embeddings").numpy()
        if V.shape[1:] != weights.shape[1:] or not np.array_equal(weights[1 : len(V) + 1], V):
            found.faults.append(f"{run.path / directory.ITEM_EMBEDDINGS} is not V of best.safetensors")


def _epochs(run: RunDirectory, found: Verified) -> None:
    """Compare the numbers of epochs that files state."""
    rows = run.metrics
    _ = run.trace, run.pretraining
    found.epochs = len(rows)
    numbers = [row["epoch"] for row in rows]
    if numbers != sorted(set(numbers)) or (not run.recorded and numbers != list(range(1, len(rows) + 1))):
        found.faults.append(f"{run.path / directory.METRICS} has lines of epochs out of order")
    known = {name: _epoch_of(run.path / name) for name in (directory.LAST, directory.BEST)}
    last, best = known[directory.LAST], known[directory.BEST]
    if run.state == "finished" and run.test.get("epoch") not in numbers:
        found.faults.append(f"{run.path / directory.TEST} is of an epoch that metrics.jsonl lacks")
    if last is not None and not last <= len(rows) <= last + (run.state != "finished" or run.extending):
        found.faults.append(
            f"{run.path / directory.LAST} is of epoch {last}, and metrics.jsonl has {len(rows)} lines"
        )
    if best is not None and run.state == "finished" and best != run.test.get("epoch"):
        found.faults.append(
            f"{run.path / directory.BEST} is of epoch {best}, and test.json of {run.test.get('epoch')}"
        )
    elif best is not None and best != best_epoch(run) and best_epoch(run) != last:
        found.faults.append(
            f"{run.path / directory.BEST} is of epoch {best}, and by its lines {best_epoch(run)} is the best"
        )


def _epoch_of(path: Path) -> int | None:
    if not path.exists():
        return None
    with reading(path, "is damaged"):
        return int(StoredTensors(path).metadata["epoch"])


def distance(metrics: Mapping[str, Any], test: Mapping[str, Any]) -> float:
    """Return the largest difference between metrics and those of `test.json`."""
    common = [name for name in metrics if "@" in name and name in test]
    return max((abs(metrics[name] - float(test[name])) for name in common), default=0.0)


def _result(run: RunDirectory, found: Verified) -> None:
    """Compute `test.json` again from the best weights and the log."""
    if run.recorded or run.state != "finished":
        return
    if (missing := _missing_log(settle(run.path / directory.CONFIG).data.dataset)) is not None:
        found.notes.append(f"the log {missing} is not here: test.json was not computed again")
        return
    if (unknown := unknown_variant(run)) is not None:
        found.notes.append(f"{unknown}; test.json was not computed again")
        return
    restored, test = restore(run, "cpu"), run.test
    again = restored.metrics("test")
    if again["users"] != test.get("users", again["users"]):
        found.faults.append(
            f"{run.path / directory.TEST} counts {test['users']} users, and the log has {again['users']}"
        )
    if (apart := distance(again, test)) > MOVED / again["users"]:
        found.faults.append(
            f"{run.path / directory.TEST} is not what best.safetensors gives: metrics differ by {apart:.2g}"
        )
    elif apart > ROUNDING:
        found.notes.append(f"metrics computed again differ by {apart:.2g}, as on another device or version")


def _ranks(run: RunDirectory, found: Verified) -> None:
    """Compare the metrics that the run's own ranks give with `test.json`."""
    if run.state != "finished" or run.extending or not (run.path / directory.RANKS).exists():
        return
    ranks, test = own_ranks(run), run.test
    if ranks is None or len(ranks) != test.get("users") or distance(ranking_metrics(ranks), test) > ROUNDING:
        found.faults.append(f"{run.path / directory.RANKS} does not give the metrics of test.json")


def _outputs(run: RunDirectory, found: Verified) -> None:
    """Compare what other commands wrote into the run with their lists; files of the user's are in none."""
    for folder in (run.path, *output_folders(run.path)):
        for path in changed_outputs(folder):
            found.faults.append(f"{path} was changed since degen wrote it; write it again with `force=True`")


def _missing_log(dataset: str) -> str | None:
    """Return the log that a configuration names, if it is not on this machine."""
    try:
        find(dataset)
    except UserError:
        return dataset
    return None
