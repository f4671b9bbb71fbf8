"""A model over a split: sequence representations and the ranks of all targets, in blocks of users."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from degen.data.histories import Int
from degen.data.sequences import Samples
from degen.data.windows import share_windows
from degen.evaluation.ranking import Ranks, ranks_over_blocks, target_ranks
from degen.model.blocked import MOST_SCORES
from degen.model.cures import Scores
from degen.model.encoder import SequenceEncoder, score_items
from degen.model.layout import on
from degen.model.views import encode_windows

ENCODE_BLOCK = 1024
"""Samples encoded at once; with histories of 50 items that takes less memory than a step of DuoRec."""

ITEM_BLOCK = 8192
"""Items of such a block: with 256 users 8 MiB of scores, which stay near the cores."""


@torch.no_grad()
def representations(encoder: SequenceEncoder, samples: Samples, rows: Int | None = None) -> Tensor:
    """h `[n, d]` of the histories of samples `rows`, int64 `[n]`, or of all, without dropout, on the
    encoder's device.

    Samples that share a window (several of one user's, up to the maximum length) cost one sequence.
    """
    rows = np.arange(len(samples)) if rows is None else rows
    order = np.argsort(samples.end[rows] - samples.length[rows], kind="stable")  # sharers are neighbours
    blocks = [rows[order[start : start + ENCODE_BLOCK]] for start in range(0, len(rows), ENCODE_BLOCK)]
    encoded = torch.cat([encode_windows(encoder, share_windows(samples, block)) for block in blocks])
    h = torch.empty_like(encoded)
    h[on(encoded.device, order)] = encoded
    return h


@torch.no_grad()
def split_ranks(
    encoder: SequenceEncoder, samples: Samples, score_block: int = 256, scores: Scores = "dot"
) -> Ranks:
    """Rank every sample's target among all real items, float64 `[n_samples]`, by the scores that the variant
    is trained with.

    Items of the history stay in the ranking. The scores of `score_block` users at once are held where they
    are `MOST_SCORES` or fewer, else those of `ITEM_BLOCK` items at a time: memory does not grow with the
    catalogue.
    """
    h = representations(encoder, samples)
    return rank_targets(h, encoder.real_item_embeddings(), samples, score_block, scores)


@torch.no_grad()
def rank_targets(
    h: Tensor, V: Tensor, samples: Samples, score_block: int = 256, scores: Scores = "dot"
) -> Ranks:
    """The same, from the samples' representations `[n_samples, d]` and the items that are scored, `[n_items,
    d]`.
    """
    targets = torch.from_numpy(samples.targets - 1).to(h.device)  # item i is column i - 1
    blocks = [slice(start, start + score_block) for start in range(0, len(samples), score_block)]
    if score_block * len(V) <= MOST_SCORES:
        ranks = [target_ranks(score_items(h[users], V, scores), targets[users]) for users in blocks]
    else:
        ranks = [ranks_over_blocks(h[users], V, targets[users], ITEM_BLOCK, scores) for users in blocks]
    return np.concatenate(ranks)
