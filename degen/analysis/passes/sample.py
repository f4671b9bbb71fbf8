"""Some of the items, where all are too many to draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]


def sample_rows(frequency: npt.NDArray[np.int64] | None, n: int, k: int, seed: int = 0) -> Rows:
    """Return `k` of `n` rows by rising frequency, [min(n, k)]: all, or one of each of k neighbourhoods.

    The neighbourhoods are equal stretches of the order by frequency, so that rare and frequent items keep
    their shares.

    Parameters
    ----------
    frequency
        int [n], or None for the order of the rows.
    n, k
        how many rows there are, and how many are wanted.
    seed
        of which neighbour is taken.
    """
    order = np.arange(n) if frequency is None else np.argsort(frequency, kind="stable")
    if k >= n:
        return order
    edges = np.arange(k + 1) * n // k
    drawn = np.random.default_rng(seed).integers(edges[:-1], edges[1:])
    return np.asarray(order[drawn])
