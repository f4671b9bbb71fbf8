"""The embedded dataset: a seeded interaction log in which item embeddings degenerate as they do on Amazon's logs.

    generate(users, items, seed) ─► Sequences, in time and memory linear in the actions

    catalogue    popularity of rank r ∝ 1 / r^exponent; clusters of about 64 items; each item has a few successors in its cluster
    users        5 actions and a heavy tail, about 8 on average; each moves between two clusters of their own
    an action    mostly a successor of the last item or of the one before; else any member of the current cluster
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from degen.data.sequences import Sequences
from degen.errors import UserError

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]

MIN_ACTIONS = 5
MAX_ACTIONS = 200
LENGTH_SCALE = float(os.environ.get("G_LS",5.0))
LENGTH_SHAPE = 2.5
CLUSTER_SIZE = 64
ZIPF_EXPONENT = float(os.environ.get("G_ZE",1.0))
ZIPF_OFFSET = float(os.environ.get("G_ZO",0))
SUCCESSORS = int(os.environ.get("G_S",3))
FOLLOW = float(os.environ.get("G_F",.6))
FROM_BEFORE = float(os.environ.get("G_B",.35))
SWITCH = float(os.environ.get("G_SW",.15))
HOMES = 2


@dataclass(frozen=True)
class _Catalogue:
    """Items sorted by cluster; position p in that order is item `member[p]`."""

    member: Int
    bounds: Int
    cumulative: Float
    successors: Int

    def draw(self, clusters: Int, rng: np.random.Generator) -> Int:
        return _draw(self.bounds, self.cumulative, clusters, rng)


def generate(users: int = 2500, items: int = 2576, seed: int = 0) -> Sequences:
    """Return a log of `users` users over a catalogue of `items` items; the same arguments give the same log."""
    _check(users, items)
    rng = np.random.default_rng(seed)
    catalogue = _catalogue(items, rng)
    lengths = _lengths(users, rng)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    positions = _walk(catalogue, lengths, offsets[:-1], rng)
    positions = _everything_occurs(positions, catalogue, rng)
    return Sequences(
        items=catalogue.member[positions] + 1,
        offsets=offsets,
        item_ids=_names("item", items),
        user_ids=_names("user", users),
    )


def _check(users: int, items: int) -> None:
    for option, value in (("--users", users), ("--items", items)):
        if value < 1:
            raise UserError(f"{option} is {value}; give at least 1")


def _names(kind: str, count: int) -> list[str]:
    width = max(5, len(str(count)))
    return [f"{kind}-{number:0{width}d}" for number in range(1, count + 1)]


def _lengths(users: int, rng: np.random.Generator) -> Int:
    excess = LENGTH_SCALE * rng.pareto(LENGTH_SHAPE, users)
    return np.minimum(MIN_ACTIONS + excess, MAX_ACTIONS).astype(np.int64)


def _catalogue(items: int, rng: np.random.Generator) -> _Catalogue:
    n_clusters = max(1, round(items / CLUSTER_SIZE))
    popularity = (rng.permutation(items) + 1.0+ZIPF_OFFSET) ** -ZIPF_EXPONENT
    cluster = rng.permutation(items) % n_clusters
    member = np.argsort(cluster, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(cluster, minlength=n_clusters))])
    cumulative = np.concatenate([[0.0], np.cumsum(popularity[member])])
    own = np.repeat(cluster[member], SUCCESSORS)
    successors = _draw(bounds, cumulative, own, rng).reshape(items, SUCCESSORS)
    return _Catalogue(member, bounds, cumulative, successors)


def _draw(bounds: Int, cumulative: Float, clusters: Int, rng: np.random.Generator) -> Int:
    low, high = bounds[clusters], bounds[clusters + 1]
    mass = cumulative[low] + rng.random(len(clusters)) * (cumulative[high] - cumulative[low])
    return np.clip(np.searchsorted(cumulative, mass, side="right") - 1, low, high - 1)


def _walk(catalogue: _Catalogue, lengths: Int, starts: Int, rng: np.random.Generator) -> Int:
    order = np.argsort(-lengths, kind="stable")
    n_clusters = len(catalogue.bounds) - 1
    u = rng.random((len(order), HOMES))
    homes = np.searchsorted(catalogue.cumulative[catalogue.bounds[1:]], u*catalogue.cumulative[-1]) if os.environ.get("G_CM") else (u*n_clusters).astype(np.int64)
    ends = np.searchsorted(-lengths[order], -np.arange(1, lengths.max() + 1), side="right")
    current = np.zeros(len(order), dtype=np.int64)
    positions = np.empty(lengths.sum(), dtype=np.int64)
    last = catalogue.draw(homes[:, 0], rng)
    before = last
    positions[starts[order]] = last
    for step, active in enumerate(ends[1:].tolist(), start=1):
        a = active
        current = current[:a] ^ (rng.random(a) < SWITCH)
        explore = catalogue.draw(homes[np.arange(a), current], rng)
        source = np.where(rng.random(a) < FROM_BEFORE, before[:a], last[:a])
        nxt = catalogue.successors[source, rng.integers(SUCCESSORS, size=a)]
        new = np.where(rng.random(a) < FOLLOW, nxt, explore)
        positions[starts[order[:a]] + step] = new
        before, last = last[:a], new
    return positions


def _everything_occurs(positions: Int, catalogue: _Catalogue, rng: np.random.Generator) -> Int:
    if os.environ.get("G_NOFIX"): return positions
    n = len(catalogue.member)
    count = np.bincount(positions, minlength=n)
    shuffled = rng.permutation(len(positions))
    # the first occurrence (in shuffled order) of every item stays
    _, first = np.unique(positions[shuffled], return_index=True)
    spare = np.ones(len(positions), dtype=bool); spare[first] = False
    spare = shuffled[spare]
    missing = np.flatnonzero(count == 0)
    cl = lambda p: np.searchsorted(catalogue.bounds, p, side="right") - 1
    # rank within cluster
    sc = cl(positions[spare]); o = np.argsort(sc, kind="stable"); spare = spare[o]; sc = sc[o]
    mc = cl(missing)
    k = np.arange(len(missing)) - np.searchsorted(mc, mc)
    lo = np.searchsorted(sc, mc); hi = np.searchsorted(sc, mc, side="right")
    ok = lo + k < hi
    positions = positions.copy()
    positions[spare[(lo + k)[ok]]] = missing[ok]
    return positions
