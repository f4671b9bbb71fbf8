"""Parameters for tests of encoders: at their first values too much is zero or one to be a test."""

from __future__ import annotations

from typing import Any

import torch

from degen.model.encoders.encoder import SequenceEncoder


@torch.no_grad()
def scatter(encoder: SequenceEncoder, seed: int = 0) -> None:
    """Put every parameter far from its first value."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in encoder.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.copy_(1 + 0.2 * noise if name.endswith("norm.weight") else 0.4 * noise)


def small_encoder(
    model: type[SequenceEncoder], n_items: int, dtype: torch.dtype, *, seed: int, **settings: Any
) -> SequenceEncoder:
    """Make a small encoder whose parameters are all far from their first values, so that each matters."""
    encoder = model(n_items, dim=8, feed_forward=12, **settings)
    scatter(encoder, seed)
    return encoder.to(dtype)
