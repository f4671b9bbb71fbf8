"""Generate the embedded dataset, a log on which item embeddings degenerate as they do on Amazon's.

    generate(users, items, seed) ─► Sequences, the same for the same three numbers

    catalogue   popularity ∝ 1 / rank (Zipf); clusters of about 64 items, independent of popularity; each item
                has four successors in its cluster
    users       at least 5 actions, with a heavy tail, 8 on average; each user has two clusters
    an action   with probability 0.4 a successor of the last item or, as likely, of the item before it;
                otherwise any item of the user's present cluster, by popularity; rarely a repeated item

Half of the successors follow two actions later, and the cluster shows only in the whole history. A Markov
chain from the last item to the next misses both. An encoder of sequences can learn them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from degen.data.sequences import Sequences
from degen.errors import UserError

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]

FEWEST_ACTIONS, MOST_ACTIONS = 5, 200
TAIL_SCALE, TAIL_SHAPE = 5.0, 2.5
"""Actions beyond the fifth have a Lomax distribution: P(more than x) = (1 + x / scale)^-shape."""

CLUSTER_SIZE = 64
SUCCESSORS = 4
FOLLOW = 0.4
"""Share of actions that are a successor of an earlier item. The others come from the cluster at large."""

FROM_BEFORE = 0.5
"""Share of these that succeed the item before the last one."""

HOMES = 2
"""Number of clusters per user."""

SWITCH = 0.2
"""Probability, at each action, that the user moves to the next of their clusters."""

TRIES = 5
"""Maximum number of draws of an action until it is an item that is new to the user."""


@dataclass(frozen=True)
class _Catalogue:
    """Items sorted by cluster. The position of an item in that order is called its place.

    `item` is the item at each place, `[n_items]`, 1 … n_items. Cluster c has the places `bounds[c]` to
    `bounds[c + 1] - 1`. `cumulative`, `[n_items + 1]`, is the total popularity of all places before each.
    """

    item: Int
    bounds: Int
    cumulative: Float

    def draw(self, clusters: Int, rng: np.random.Generator) -> Int:
        """Draw a place from each of `clusters`, by popularity."""
        low, high = self.bounds[clusters], self.bounds[clusters + 1]
        before, after = self.cumulative[low], self.cumulative[high]
        drawn = before + rng.random(len(clusters)) * (after - before)
        # Rounding may put `drawn` on a border; the clip keeps it in its cluster.
        return np.clip(np.searchsorted(self.cumulative, drawn, side="right") - 1, low, high - 1)


def generate(users: int = 2500, items: int = 2576, seed: int = 0) -> Sequences:
    """Return a log of `users` users over `items` items.

    Every item occurs if there are clearly more actions (about 8 per user) than items. Otherwise some stay in
    `item_ids` without an action. The number of an item is independent of its popularity and its cluster. Time
    and memory grow with the number of actions. Numbers below 1 and a seed below 0 raise a `UserError`.
    """
    for what, value, least in (("users", users, 1), ("items", items, 1), ("the seed", seed, 0)):
        if value < least:
            raise UserError(f"{what} of the synthetic dataset must be at least {least}; got {value}")
    rng = np.random.default_rng(seed)
    n_clusters = max(1, round(items / CLUSTER_SIZE))
    numbers = rng.permutation(items) + 1
    bounds = np.linspace(0, items, n_clusters + 1).astype(np.int64)
    popularity = 1 / (rng.permutation(items) + 1)
    catalogue = _Catalogue(numbers, bounds, np.concatenate([[0.0], np.cumsum(popularity)]))
    # The successors of each place, [n_items, SUCCESSORS], are drawn from its cluster by popularity.
    clusters = np.repeat(np.arange(n_clusters), np.diff(bounds))
    successors = catalogue.draw(np.repeat(clusters, SUCCESSORS), rng).reshape(-1, SUCCESSORS)
    beyond = TAIL_SCALE * rng.pareto(TAIL_SHAPE, users)
    lengths = np.minimum(FEWEST_ACTIONS + beyond, MOST_ACTIONS).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = _walk(catalogue, successors, lengths, offsets[:-1], rng)
    _let_every_item_occur(places, catalogue, rng)
    return Sequences(catalogue.item[places], offsets, _names("item", items), _names("user", users))


def _names(kind: str, count: int) -> list[str]:
    width = max(5, len(str(count)))
    return [f"{kind}-{number:0{width}d}" for number in range(1, count + 1)]


def _walk(catalogue: _Catalogue, successors: Int, lengths: Int, starts: Int, rng: np.random.Generator) -> Int:
    """Return the place of every action, int64 `[n_actions]`; those of user u begin at `starts[u]`."""
    # All users act at once, step by step. Sorted by length, those who still act are always the first ones.
    by_length = np.argsort(-lengths, kind="stable")
    starts, ends = starts[by_length], lengths[by_length]
    homes = rng.integers(len(catalogue.bounds) - 1, size=(len(lengths), HOMES))
    home = np.zeros(len(lengths), dtype=np.int64)
    places = np.empty(int(lengths.sum()), dtype=np.int64)
    places[starts] = catalogue.draw(homes[:, 0], rng)
    for step in range(1, int(ends[0])):
        active = int(np.searchsorted(-ends, -step))
        home = (home[:active] + (rng.random(active) < SWITCH)) % HOMES
        clusters = homes[np.arange(active), home]
        taken = places[starts[:active, None] + np.arange(step)]
        places[starts[:active] + step] = _next(catalogue, successors, clusters, taken, rng)
    return places


def _next(catalogue: _Catalogue, successors: Int, clusters: Int, taken: Int, rng: np.random.Generator) -> Int:
    """Draw each user's next place, int64 `[n]`, if possible none of the `taken` ones, int64 `[n, step]`."""
    chosen = np.empty(len(taken), dtype=np.int64)
    rows = np.arange(len(taken))
    for _ in range(TRIES):
        recent = taken[rows, -2:]
        source = np.where(rng.random(len(rows)) < FROM_BEFORE, recent[:, 0], recent[:, -1])
        follower = successors[source, rng.integers(SUCCESSORS, size=len(rows))]
        anyone = catalogue.draw(clusters[rows], rng)
        chosen[rows] = np.where(rng.random(len(rows)) < FOLLOW, follower, anyone)
        rows = rows[(taken[rows] == chosen[rows, None]).any(axis=1)]
    return chosen


def _let_every_item_occur(places: Int, catalogue: _Catalogue, rng: np.random.Generator) -> None:
    """Give each place without an action one that a place of its cluster can spare; changes `places`."""
    shuffled = rng.permutation(len(places))
    occurring, first = np.unique(places[shuffled], return_index=True)
    missing = np.setdiff1d(np.arange(len(catalogue.item)), occurring)
    spare = np.delete(shuffled, first)
    # Both are sorted by cluster, and the k-th missing place of a cluster takes its k-th spare action.
    spare = spare[np.argsort(_cluster(catalogue, places[spare]), kind="stable")]
    receiving, giving = _cluster(catalogue, missing), _cluster(catalogue, places[spare])
    k = np.arange(len(missing)) - np.searchsorted(receiving, receiving)
    index = np.searchsorted(giving, receiving) + k
    served = index < np.searchsorted(giving, receiving, side="right")
    places[spare[index[served]]] = missing[served]


def _cluster(catalogue: _Catalogue, places: Int) -> Int:
    return np.searchsorted(catalogue.bounds, places, side="right") - 1
