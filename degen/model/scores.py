"""Scores of items: dot products of h and V (Eq. 10), or their cosines."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

Scores = Literal["dot", "cosine"]


def scored_rows(x: Tensor, scores: Scores) -> Tensor:
    """Rows `[…, d]` as they enter the product with others: as they are, or at length 1 for cosine scores.

    Training on cosines times a scale, here 16, is NISER's (P. Gupta et al., "NISER: normalized item and
    session representations to handle popularity bias", CIKM workshop 2019): the length of a row then
    carries nothing, and Eq. 4's push is orthogonal to the item that it pushes.
    """
    return x if scores == "dot" else functional.normalize(x, dim=-1)


def score_items(h: Tensor, V: Tensor, scores: Scores = "dot") -> Tensor:
    """Eq. 10 without its softmax: scores `[B, n_items]` of sequence representations `[B, d]` and items
    `[n_items, d]`, or their cosines.
    """
    return scored_rows(h, scores) @ scored_rows(V, scores).T
