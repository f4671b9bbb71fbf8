"""Measures of an item bias b, which some baselines add to the scores h·v and which is no part of V.

    bias_frequency_spearman   Spearman's correlation of b with how often items occur in training
    bias_variance_share       Var(b) / mean over users of the variance of their scores over the items

A bias can take up what popularity otherwise puts into V, its mean row above all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from degen.analysis.correlation import spearman
from degen.analysis.values import Undefined
from degen.embeddings.content import Counts
from degen.embeddings.item_matrix import ItemMatrix
from degen.runs.directory import ITEM_BIAS, ITEM_EMBEDDINGS

Float = npt.NDArray[np.float64]


def bias_values(opened: ItemMatrix, frequency: Counts | None, h: npt.ArrayLike | None) -> dict[str, float]:
    """Return the measures of the bias of a run's best epoch; none for another matrix, or without a bias.

    Parameters
    ----------
    frequency
        int64 `[n_items]`, by default the run's own.
    h
        representations `[n_users, d]`, needed for the share of the variance.
    """
    run = opened.run
    if run is None or opened.path.name != ITEM_EMBEDDINGS or not (run.path / ITEM_BIAS).exists():
        return {}
    b = run.array(ITEM_BIAS).astype(np.float64)
    counts = run.item_frequency if frequency is None else np.asarray(frequency)
    found = {}
    try:
        found["bias_frequency_spearman"] = spearman(b, counts)
    except Undefined:  # a bias that has not moved yet
        return {}
    if h is not None:
        share = variance_share(np.asarray(h, np.float64), run.item_embeddings.astype(np.float64), b)
        found["bias_variance_share"] = share
    return found


def variance_share(h: Float, V: Float, b: Float) -> float:
    """Return Var(b) / mean over users of Var(h·v + b) over the items, in O((users + items) d²).

    Parameters
    ----------
    h, V, b
        float64 `[n_users, d]`, `[n_items, d]` and `[n_items]`.

    Notes
    -----
    Range: 0 to infinity; 1 where the scores vary by the bias alone, above 1 where V works against it.
    """
    both = np.cov(np.column_stack([V, b]), rowvar=False, bias=True)
    queries = np.column_stack([h, np.ones(len(h))])
    return float(both[-1, -1] / np.mean(((queries @ both) * queries).sum(axis=1)))
