"""Ranks of the users' test targets, as `degen export RUN` has written them; no model is run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import numpy as np

from degen.errors import UserError, one_of
from degen.evaluation.ranking import TIES, Float, Ranks, Ties, discounted_gain, hits, ndcg
from degen.files.parse import Unreadable, read_text
from degen.runs.directory import EXPORT, RunDirectory

RANKS = "ranks.npy"
BETTER, TIED = "better.npy", "tied.npy"
USERS = "users.txt"


def known_ranks(run: RunDirectory, notes: list[str]) -> Ranks | None:
    """Return the ranks of the users' test targets that `degen export RUN` wrote, or None.

    Ranks of another split, or of an older best epoch, do not give the NDCG@10 of `test.json`: they are not
    taken, and `notes` says so.
    """
    path = run.path / EXPORT / RANKS
    if not path.exists():
        return None
    ranks = _stored(run)
    wanted = run.test.get("NDCG@10") if run.state == "finished" else None
    if wanted is None or ranks is None or abs(ndcg(ranks, 10) - wanted) > 1e-9:
        notes.append(f"{path} does not give the NDCG@10 of test.json; `degen export {run.path}` renews it")
        return None
    return ranks


def _stored(run: RunDirectory) -> Ranks | None:
    """Return the ranks that the files hold; None where they are of the wrong shape, or of different exports.

    Exports of older versions have no files of ties: their ranks are the mean ones.
    """
    mean = np.asarray(run.array(f"{EXPORT}/{RANKS}"), dtype=np.float64)
    if mean.ndim != 1:
        return None
    if not all((run.path / EXPORT / name).exists() for name in (BETTER, TIED)):
        return Ranks.of(mean)
    better, tied = (np.asarray(run.array(f"{EXPORT}/{name}")) for name in (BETTER, TIED))
    ties = cast("Ties", one_of("evaluation.ties", run.ties, TIES))
    ranks = Ranks(better.astype(np.float64), tied.astype(np.int64), ties)
    return ranks if better.shape == tied.shape == mean.shape and (ranks.mean == mean).all() else None


def other_ties(runs: Iterable[RunDirectory]) -> list[str]:
    """Return a sentence where runs that are compared count ties by different conventions, else nothing."""
    found = {run.ties: run.path for run in runs}
    if len(found) < 2:
        return []
    counts = ", ".join(f"{path} by `evaluation.ties={ties!r}`" for ties, path in found.items())
    return [f"metrics of different conventions are compared: {counts}; they agree where no scores are tied"]


def exported_users(run: RunDirectory) -> list[str]:
    """Return the ids of the users in the order of the ranks; a `UserError` unless there is one per rank."""
    path, mend = run.path / EXPORT / USERS, f"`degen export {run.path}` writes both again"
    try:
        users = read_text(path).split("\n")[:-1]
    except Unreadable as error:
        raise UserError(f"{path} cannot be read as text ({error}); {mend}") from error
    if len(users) != (n := len(run.array(f"{EXPORT}/{RANKS}"))):
        raise UserError(f"{path} lists {len(users)} users, but {RANKS} has {n} ranks; {mend}")
    return users


def user_accuracy(ranks: Ranks) -> dict[str, Float]:
    """Return HR and NDCG at 5 and 10 of each user, float64 `[n_users]` by metric."""
    found: dict[str, Float] = {}
    for k in (5, 10):
        found |= {f"HR@{k}": hits(ranks, k), f"NDCG@{k}": discounted_gain(ranks, k)}
    return found
