"""What a recommender shows: how much of the catalogue, how evenly, and to which items' benefit.

All from how many lists each item is in; with lists of the k best for every user of a split these are the
counterpart of hubness for a model in use.
"""

from __future__ import annotations

import numpy as np

from degen.analysis.passes.buckets import Buckets, Float, Int
from degen.analysis.registry import Undefined


def catalogue_coverage(counts: Int) -> float:
    """Return the share of the items that are in at least one list.

    Parameters
    ----------
    counts
        int [n]: how many lists each item is in.

    Notes
    -----
    Range: 0 to 1; 1 shows every item to somebody. Bounded by users times k over n.
    Source: Ge et al., RecSys 2010.
    """
    return float((counts > 0).mean())


def gini(counts: Int) -> float:
    """Return the Gini index of how often items are shown: mean difference of two items over twice the mean.

    Parameters
    ----------
    counts
        int [n]: how many lists each item is in.

    Raises
    ------
    Undefined
        if nothing is shown.

    Notes
    -----
    Range: 0 to 1 - 1/n; 0 shows all items equally often, the upper end one item only.
    Source: Gini 1912; for recommendations Fleder and Hosanagar, Management Science 2009.
    """
    total, n = counts.sum(), len(counts)
    if total == 0:
        raise Undefined("nothing is recommended: there is no inequality to measure")
    place = np.arange(1, n + 1)
    return float(2 * (place @ np.sort(counts)) / (n * total) - (n + 1) / n)


def exposure(counts: Int, buckets: Buckets) -> Float:
    """Return the share of all places in lists that each bucket's items take, float64 [buckets].

    Raises
    ------
    Undefined
        if nothing is shown.

    Notes
    -----
    Range: 0 to 1, in sum 1; compare with the share of the interactions that is the bucket's.
    """
    if not counts.any():
        raise Undefined("nothing is recommended: no bucket takes a share of it")
    return buckets.sums(counts / counts.sum())
