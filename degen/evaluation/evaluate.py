"""A model over a split: sequence representations and the ranks of all targets, in blocks of users."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from degen.data.sampling.histories import Int
from degen.data.sampling.windows import share_windows
from degen.data.sequences import Samples
from degen.evaluation.ranking import Ranks, ranks_over_blocks, target_ranks
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.encoders.ragged_layout import on
from degen.model.losses.blocked_softmax import MOST_SCORES
from degen.model.precision import float32_products
from degen.model.scores import Scores, score_items
from degen.model.views import encode_windows

ENCODE_BLOCK = 1024
"""Samples encoded at once; with histories of 50 items that takes less memory than a step of DuoRec."""

GPU_TOKENS = 2**25
"""Numbers of the tokens `[n_tokens, d]` that a GPU encodes at once, where those are more: 128 MiB for each
tensor of this size, of which a layer holds a dozen.
"""

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
    V = encoder.item_embeddings
    h, size = V.new_empty(len(rows), V.shape[1]), encode_block(encoder)
    with float32_products("fp32", V.device):
        for block in (order[start : start + size] for start in range(0, len(rows), size)):
            h[on(h.device, block)] = encode_windows(encoder, share_windows(samples, rows[block]))
    return h


def encode_block(encoder: SequenceEncoder) -> int:
    """How many samples are encoded at once: a GPU, which wants much to do at a time, takes more."""
    positions = encoder.position_embeddings
    room = GPU_TOKENS // positions.numel() if positions.device.type == "cuda" else 0
    return max(ENCODE_BLOCK, room)


@torch.no_grad()
def split_ranks(
    encoder: SequenceEncoder, samples: Samples, score_block: int = 256, scores: Scores = "dot"
) -> Ranks:
    """Rank every sample's target among all real items, float64 `[n_samples]`, by the scores that the variant
    is trained with.

    Items of the history stay in the ranking. The scores of `score_block` users at once are held where they
    are `MOST_SCORES` or fewer, else those of `ITEM_BLOCK` items at a time: memory does not grow with the
    catalogue. A GPU ranks as many users at once as `MOST_SCORES` has room for.
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
    most = MOST_SCORES[h.device.type]
    at_once = max(score_block, most // len(V)) if h.device.type == "cuda" else score_block
    ranks = np.empty(len(samples))
    with float32_products("fp32", h.device):
        for start in range(0, len(samples), at_once):
            users = slice(start, start + at_once)
            if at_once * len(V) <= most:
                ranks[users] = target_ranks(score_items(h[users], V, scores), targets[users])
            else:
                ranks[users] = ranks_over_blocks(h[users], V, targets[users], ITEM_BLOCK, scores)
    return ranks
