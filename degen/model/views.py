"""All views of a batch through the encoder in one pass, and a variant's contrast on them (Eq. 12-14)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from degen.data.sampling.histories import Histories, Int
from degen.data.sampling.source import join_histories
from degen.data.sampling.windows import Windows
from degen.errors import UserError
from degen.model.declaration import Variant
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.interface import Encoder
from degen.model.encoders.ragged_layout import on


def encode(
    encoder: Encoder,
    histories: Histories,
    dropout: Dropout | None = None,
    at: tuple[Int, Int] | None = None,
) -> Tensor:
    """Encode histories, on the encoder's device: h `[S, d]`, or `[P, d]` at given sequences and positions."""
    device = encoder.item_embeddings.device
    if len(histories) == 0:  # a process's part of a batch smaller than the number of processes
        return encoder.nothing
    items = torch.from_numpy(histories.items).to(device, non_blocking=True)
    places = None if at is None else (torch.from_numpy(at[0]), torch.from_numpy(at[1]))
    lengths = torch.from_numpy(histories.length)
    if encoder.needs_users:
        users = histories.users
        if users.max() >= encoder.n_users:
            raise UserError(
                f"user number {users.max()} is none of the {encoder.n_users} users that the model was made "
                "for; train it on a log that has the user"
            )
        return encoder(items, lengths, dropout, places, on(device, users))  # type: ignore[no-any-return]
    return encoder(items, lengths, dropout, places)  # type: ignore[no-any-return]


def encode_windows(encoder: Encoder, windows: Windows, dropout: Dropout | None = None) -> Tensor:
    """Encode the samples of some windows, `[n, d]`: each window once, however many samples it holds.

    With dropout, the samples of a window share their masks.
    """
    if windows.shared:
        return encode(encoder, windows.histories, dropout, (windows.sequence, windows.position))
    alone = encode(encoder, windows.histories, dropout)  # the last positions only, which is cheaper
    return alone[on(alone.device, windows.sequence)]


def encode_views(
    encoder: Encoder, views: dict[str, Histories], dropout: Dropout | None = None
) -> dict[str, Tensor]:
    """Encode all views, `[B, d]` each, in one pass; each view has its own dropout masks (Eq. 12).

    The plain engine encodes them one after another.
    """
    if encoder.engine == "plain":
        return {name: encode(encoder, histories, dropout) for name, histories in views.items()}
    stacked = encode(encoder, join_histories(list(views.values())), dropout)
    ends = np.cumsum([len(histories) for histories in views.values()]).tolist()
    pieces = torch.tensor_split(stacked, ends[:-1])
    return dict(zip(views, pieces, strict=True))


def contrast(variant: Variant, encoded: dict[str, Tensor], targets: Tensor, **settings: object) -> Tensor:
    """Add up the variant's loss over its pairs; 0 for a variant without pairs.

    `settings` are those of `contrastive_loss`.
    """
    terms = [
        variant.loss(encoded[first], encoded[second], targets, **settings) for first, second in variant.pairs
    ]
    return torch.stack(terms).sum() if terms else encoded["h"].new_zeros(())
