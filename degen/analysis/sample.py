"""Some of the items, where all are too many to draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]


def sample_by_frequency(frequency: Int, most: int, seed: int = 0) -> Int:
    """Return at most `most` rows, ascending, int64 [≤ most]: all, or of each range of frequency its share.

    A systematic sample of the items in the order of their frequency: every stretch of that order keeps its
    share to within one item. Which of equally frequent items are taken is drawn.

    Parameters
    ----------
    frequency
        int [n].
    most
        how many, 1 or more.
    seed
        of the draws.
    """
    n = len(frequency)
    if n <= most:
        return np.arange(n)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(n)
    rare_to_frequent = shuffled[np.argsort(frequency[shuffled], kind="stable")]
    places = np.floor((np.arange(most) + rng.random()) * n / most).astype(np.int64)
    return np.sort(rare_to_frequent[places])
