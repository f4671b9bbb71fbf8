"""Ranks of the users' test targets on disk; no model is run to read them.

    RUN/            ranks.npy tied.npy users.txt      written by training, with test.json
    RUN/export/     ranks.npy tied.npy users.txt …    written by `degen export`, for any run

Row i belongs to line i of `users.txt`. A rank is the mean of those that a tied target may have. `tied.npy`
has the number of other items with the same score, which gives the first and the last of these ranks.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from degen.errors import UserError, one_of
from degen.evaluation.ranking import TIES, Float, Ranks, Ties, discounted_gain, hits, ndcg
from degen.files.parse import Unreadable, read_text
from degen.files.writing import write_array
from degen.runs.directory import EXPORT, RANKS, TIED, USERS, RunDirectory
from degen.runs.manifest import refuse_changed


def write_ranks(folder: Path, ranks: Ranks) -> None:
    """Write `ranks.npy` and `tied.npy` of a run, `[n_users]` each.

    `ranks.npy` is int32 where all ranks are whole, float32 where some are halves that it holds exactly, and
    float64 otherwise. `tied.npy` is int32.
    """
    mean = ranks.mean
    kinds: tuple[type[np.generic], ...] = (np.int32, np.float32)
    exact = (small for kind in kinds if ((small := mean.astype(kind)) == mean).all())
    write_array(folder / RANKS, next(exact, mean))
    write_array(folder / TIED, ranks.tied.astype(np.int32))


def known_ranks(run: RunDirectory, notes: list[str]) -> Ranks | None:
    """Return the ranks of a finished run's test targets, its own or exported ones; None where there are none.

    Ranks of another split, or of an older best epoch, do not give the NDCG@10 of `test.json`: they are not
    taken, and `notes` says so.
    """
    wanted = run.test.get("NDCG@10") if run.state == "finished" else None
    said = []
    for folder in _folders(run):
        try:
            ranks = _stored(run, folder)
        except UserError as error:
            said.append(str(error))
            continue
        if wanted is not None and ranks is not None and abs(ndcg(ranks, 10) - wanted) <= 1e-9:
            return ranks
        said.append(
            f"{run.path / folder / RANKS} does not give the NDCG@10 of test.json; "
            f"`degen export {run.path}` renews it"
        )
    notes += said
    return None


def own_ranks(run: RunDirectory) -> Ranks | None:
    """Return the ranks that training wrote into a run; None where the files do not fit together.

    Raises
    ------
    UserError
        if a file is missing or damaged.
    """
    return _stored(run, "")


def has_ranks(run: RunDirectory) -> bool:
    """Return whether there are files of ranks, be they old or damaged."""
    return bool(_folders(run))


def _folders(run: RunDirectory) -> list[str]:
    """Return the folders below a run that hold ranks, its own first."""
    return [folder for folder in ("", EXPORT) if (run.path / folder / RANKS).exists()]


def _array(run: RunDirectory, folder: str, name: str) -> npt.NDArray[Any]:
    return np.asarray(run.array(f"{folder}/{name}" if folder else name))


def _stored(run: RunDirectory, folder: str) -> Ranks | None:
    """Return the ranks that a folder holds; None where they are of the wrong shape, or of different exports.

    Exports of older versions have no file of ties: their ranks are the mean ones.
    """
    if not folder:
        refuse_changed(run.path, (RANKS, TIED))
    mean = _array(run, folder, RANKS).astype(np.float64)
    if mean.ndim != 1:
        return None
    if not (run.path / folder / TIED).exists():
        return Ranks.of(mean)
    tied = _array(run, folder, TIED).astype(np.int64)
    ties = cast("Ties", one_of("evaluation.ties", run.ties, TIES))
    return Ranks(mean - 1 - tied / 2, tied, ties) if tied.shape == mean.shape else None


def other_ties(runs: Iterable[RunDirectory]) -> list[str]:
    """Return a sentence where runs that are compared count ties by different conventions, else nothing."""
    found = {run.ties: run.path for run in runs}
    if len(found) < 2:
        return []
    counts = ", ".join(f"{path} by `evaluation.ties={ties!r}`" for ties, path in found.items())
    return [f"metrics of different conventions are compared: {counts}; they agree where no scores are tied"]


def ranked_users(run: RunDirectory) -> list[str]:
    """Return the ids of the users in the order of the ranks; a `UserError` unless there is one per rank."""
    for folder in _folders(run)[:-1]:
        with suppress(UserError):
            return _users(run, folder)
    return _users(run, _folders(run)[-1])


def _users(run: RunDirectory, folder: str) -> list[str]:
    path, mend = run.path / folder / USERS, f"`degen export {run.path}` writes both again"
    try:
        users = read_text(path).split("\n")[:-1]
    except Unreadable as error:
        raise UserError(f"{path} cannot be read as text ({error}); {mend}") from error
    if len(users) != (n := len(_array(run, folder, RANKS))):
        raise UserError(f"{path} lists {len(users)} users, but {RANKS} has {n} ranks; {mend}")
    return users


def user_accuracy(ranks: Ranks) -> dict[str, Float]:
    """Return HR and NDCG at 5 and 10 of each user, float64 `[n_users]` by metric."""
    found: dict[str, Float] = {}
    for k in (5, 10):
        found |= {f"HR@{k}": hits(ranks, k), f"NDCG@{k}": discounted_gain(ranks, k)}
    return found
