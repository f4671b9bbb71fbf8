"""Ranks of the users' test targets, as `degen export RUN` has written them; no model is run."""

from __future__ import annotations

import numpy as np

from degen.evaluation.ranking import Ranks, discounted_gain, ndcg
from degen.runs.directory import EXPORT, RunDirectory

RANKS = "ranks.npy"
USERS = "users.txt"


def known_ranks(run: RunDirectory, notes: list[str]) -> Ranks | None:
    """Return the ranks of the users' test targets that `degen export RUN` wrote, or None.

    Ranks of another split, or of an older best epoch, do not give the NDCG@10 of `test.json`: they are not
    taken, and `notes` says so.
    """
    path = run.path / EXPORT / RANKS
    if not path.exists():
        return None
    ranks = np.asarray(run.array(f"{EXPORT}/{RANKS}"), dtype=np.float64)
    wanted = run.test.get("NDCG@10") if run.state == "finished" else None
    if wanted is None or ranks.ndim != 1 or abs(ndcg(ranks, 10) - wanted) > 1e-9:
        notes.append(f"{path} does not give the NDCG@10 of test.json; `degen export {run.path}` renews it")
        return None
    return ranks


def exported_users(run: RunDirectory) -> list[str]:
    """Return the ids of the users, in the order of the ranks."""
    return (run.path / EXPORT / USERS).read_text(encoding="utf-8").splitlines()


def user_accuracy(ranks: Ranks) -> dict[str, Ranks]:
    """Return HR and NDCG at 5 and 10 of each user, float64 `[n_users]` by metric."""
    found: dict[str, Ranks] = {}
    for k in (5, 10):
        found |= {f"HR@{k}": (ranks <= k).astype(np.float64), f"NDCG@{k}": discounted_gain(ranks, k)}
    return found
