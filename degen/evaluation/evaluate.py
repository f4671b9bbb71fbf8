"""A model over a split: sequence representations and the ranks of all targets, in blocks of users."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from degen.data.histories import Histories
from degen.data.sequences import Samples
from degen.evaluation.ranking import Ranks, target_ranks
from degen.model.encoder import SequenceEncoder, score_items
from degen.model.views import encode

ENCODE_BLOCK = 2048


@torch.no_grad()
def representations(encoder: SequenceEncoder, samples: Samples) -> Tensor:
    """h `[n_samples, d]` of every sample's history, without dropout, on the encoder's device."""
    return torch.cat(
        [encode(encoder, Histories(*samples.histories(rows))) for rows in _blocks(len(samples), ENCODE_BLOCK)]
    )


@torch.no_grad()
def split_ranks(encoder: SequenceEncoder, samples: Samples, score_block: int = 256) -> Ranks:
    """Rank every sample's target among all real items, float64 `[n_samples]`.

    At most `score_block` x n_items scores are held at once. Items of the history stay in the ranking.
    """
    h = representations(encoder, samples)
    V = encoder.real_item_embeddings()
    targets = torch.from_numpy(samples.targets - 1).to(h.device)  # item i is column i - 1
    return np.concatenate(
        [
            target_ranks(score_items(h[start : start + score_block], V), targets[start : start + score_block])
            for start in range(0, len(samples), score_block)
        ]
    )


def _blocks(n: int, size: int) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    for start in range(0, n, size):
        yield np.arange(start, min(start + size, n))
