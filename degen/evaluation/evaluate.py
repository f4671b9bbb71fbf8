"""Sequence representations of a split, and the place of each target among all items, in blocks of users.

A place is the number of items scored strictly higher, and that of other items scored the same (`Ranks`).
Scores are compared as they are computed: some libraries' products of equal rows of V differ by rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from degen.data.sampling.histories import Int
from degen.data.sampling.source import SampleHistories
from degen.data.sampling.windows import share_windows
from degen.data.sequences import Samples, ragged_positions
from degen.errors import UserError
from degen.evaluation.ranking import Ranks, Ties
from degen.model.encoders.interface import Encoder
from degen.model.encoders.ragged_layout import on
from degen.model.losses.blocked_softmax import MOST_SCORES
from degen.model.precision import float32_products
from degen.model.scores import Scores, score_items
from degen.model.views import encode, encode_windows

ENCODE_BLOCK = 1024
"""Samples encoded at once. With histories of 50 items that takes less memory than a step of DuoRec."""

GPU_TOKENS = 2**25
"""Numbers in the token matrix `[n_tokens, d]` that a GPU encodes at once, if that allows more samples.

A tensor of this size takes 128 MiB, and a layer holds a dozen of them.
"""

ITEM_BLOCK = 8192
"""Items scored at once where all would be too many: 8 MiB of scores for 256 users, which fit the cache."""


@torch.no_grad()
def representations(encoder: Encoder, samples: Samples, rows: Int | None = None) -> Tensor:
    """Return h `[n, d]` of the histories of samples, without dropout, on the encoder's device.

    Samples of a user that fit one window of the maximum length are encoded as one sequence.

    Parameters
    ----------
    rows
        int64 `[n]`: which of the samples, in any order; by default all.
    """
    rows = np.arange(len(samples)) if rows is None else rows
    order = np.argsort(samples.end[rows] - samples.length[rows], kind="stable")  # neighbours share a window
    V, size = encoder.item_embeddings, ENCODE_BLOCK
    h = V.new_empty(len(rows), V.shape[1])
    if V.device.type == "cuda":  # a GPU is only busy with more samples
        size = max(size, GPU_TOKENS // (encoder.max_length * V.shape[1]))
    with float32_products("fp32", V.device):
        for block in (order[start : start + size] for start in range(0, len(rows), size)):
            h[on(h.device, block)] = _encode(encoder, samples, rows[block])
    return h


def _encode(encoder: Encoder, samples: Samples, rows: Int) -> Tensor:
    if encoder.causal:
        return encode_windows(encoder, share_windows(samples, rows))
    return encode(encoder, SampleHistories(samples, rows))


@torch.no_grad()
def split_ranks(
    encoder: Encoder,
    samples: Samples,
    score_block: int = 256,
    scores: Scores = "dot",
    *,
    ties: Ties = "expected",
) -> Ranks:
    """Rank the target of each sample among all items; padding is not ranked. Metrics count ties as `ties`.

    Items of the history stay in the ranking. `score_block` users are ranked at once, a GPU ranks more if
    their scores fit `MOST_SCORES`. Where the scores of all items do not fit, `ITEM_BLOCK` items are scored at
    a time, so that memory does not grow with the catalogue.

    Raises
    ------
    UserError
        if a score is NaN.
    """
    h = representations(encoder, samples)
    h, V = encoder.query(h), encoder.scored_items()
    return rank_targets(h, V, samples, score_block, scores, ties=ties)


@torch.no_grad()
def rank_targets(
    h: Tensor,
    V: Tensor,
    samples: Samples,
    score_block: int = 256,
    scores: Scores = "dot",
    *,
    exclude_history: bool = False,
    ties: Ties = "expected",
) -> Ranks:
    """Rank as `split_ranks` does, given representations h `[n_samples, d]` and items V `[n_items, d]`.

    `exclude_history` takes all earlier items of a sample's user out of the ranking, but for its target.
    """
    targets = torch.from_numpy(samples.targets - 1).to(h.device)  # item i is column i - 1
    most = MOST_SCORES[h.device.type]
    at_once = max(score_block, most // len(V)) if h.device.type == "cuda" else score_block
    better, tied = np.empty(len(samples)), np.empty(len(samples), dtype=np.int64)
    with float32_products("fp32", h.device):
        for start in range(0, len(samples), at_once):
            users = slice(start, start + at_once)
            left_out = _earlier_items(samples, users, h.device) if exclude_history else None
            if at_once * len(V) <= most:
                of_users = _without(score_items(h[users], V, scores), left_out)
                part = target_ranks(of_users, targets[users])
            else:
                part = ranks_over_blocks(h[users], V, targets[users], ITEM_BLOCK, scores, left_out)
            better[users], tied[users] = part.better, part.tied
    return Ranks(better, tied, ties)


def _earlier_items(samples: Samples, part: slice, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return row and column, int64 `[N]` each, of the scores of all earlier items of users, without targets.

    Rows count from the start of `part`.
    """
    if samples.offsets is None:
        raise ValueError("these samples do not know their users: make them with `offsets`")
    numbers = np.arange(len(samples))[part]
    end = samples.end[numbers].astype(np.int64)
    start = samples.offsets[samples.users(numbers)]
    items = samples.items[ragged_positions(start, end - start)]
    rows = np.repeat(np.arange(len(numbers)), end - start)
    other = items != samples.items[end][rows]
    return on(device, rows[other]), on(device, items[other] - 1)


def _without(scores: Tensor, left_out: tuple[Tensor, Tensor] | None, first: int = 0) -> Tensor:
    """Set the scores `[B, n]` of items that are left out to -∞, in place; column 0 is item `first`."""
    if left_out is not None:
        rows, columns = left_out
        here = (columns >= first) & (columns < first + scores.shape[1])
        scores[rows[here], columns[here] - first] = -math.inf
    return scores


def target_ranks(scores: Tensor, targets: Tensor) -> Ranks:
    """Return the place of each row's target among all columns.

    Parameters
    ----------
    scores
        `[B, n_items]`, higher is better.
    targets
        int64 `[B]`: columns of `scores`.

    Raises
    ------
    UserError
        if a score is NaN. Comparisons with NaN are false, so that such a target would rank first.
    """
    return _ranks(*_count(scores, scores.gather(1, targets[:, None])))


def ranks_over_blocks(
    h: Tensor,
    V: Tensor,
    targets: Tensor,
    block: int,
    scores: Scores = "dot",
    left_out: tuple[Tensor, Tensor] | None = None,
) -> Ranks:
    """Rank as `target_ranks` does, holding `[B, block]` scores at a time.

    The scores of h `[B, d]` and V `[n_items, d]` are computed twice, once to pick the targets' scores and
    once to compare with them. Both products have the same shape, so that a target's score equals itself to
    the bit. `left_out` are rows and columns of scores that do not count, none of them a target's.
    """
    slices = [slice(start, start + block) for start in range(0, len(V), block)]
    target_scores = h.new_empty(len(h), 1)
    for items in slices:
        in_block = (targets >= items.start) & (targets < items.stop)
        if in_block.any():
            columns = targets[in_block] - items.start
            target_scores[in_block] = score_items(h, V[items], scores)[in_block].gather(1, columns[:, None])
    counts = [
        _count(_without(score_items(h, V[items], scores), left_out, items.start), target_scores)
        for items in slices
    ]
    return _ranks(*(np.sum(count, axis=0) for count in zip(*counts, strict=True)))


def _ranks(higher: npt.NDArray[Any], equal: npt.NDArray[Any]) -> Ranks:
    """Return ranks from the numbers of items scored higher and the same, the target itself among these."""
    return Ranks(higher.astype(np.float64), equal.astype(np.int64) - 1)


def _count(scores: Tensor, target_scores: Tensor) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Count the scores of each row that are higher than its target's `[B, 1]`, and those that equal it."""
    if scores.amax().isnan():  # the maximum is NaN if any score is
        raise UserError("a score is NaN: training diverged; try a lower `learning_rate` or `lam`")
    if scores.device.type != "cpu":
        higher, equal = (scores > target_scores).sum(1), (scores == target_scores).sum(1)
        return higher.cpu().numpy(), equal.cpu().numpy()
    # NumPy counts the true values of a row ten times as fast as PyTorch sums them.
    pairs = list(zip(scores.numpy(), target_scores.numpy(), strict=True))
    counts = [[np.count_nonzero(compare(*pair)) for pair in pairs] for compare in (np.greater, np.equal)]
    return np.array(counts[0]), np.array(counts[1])
