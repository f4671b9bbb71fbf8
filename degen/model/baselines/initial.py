"""Initial weights of the baselines, drawn from a generator of their own."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

STREAM = 7
"""Keeps the draws of layers beside the encoder's apart from its own, which the same seed decides."""


@torch.no_grad()
def xavier_normal(weight: Tensor, generator: torch.Generator) -> None:
    """Fill a matrix `[out, in]` with normal numbers of variance 2 / (in + out) (Glorot & Bengio 2010)."""
    weight.normal_(0, math.sqrt(2 / sum(weight.shape)), generator=generator)


@torch.no_grad()
def xavier_uniform(weight: Tensor, generator: torch.Generator) -> None:
    """Fill a matrix `[out, in]` with uniform numbers of variance 2 / (in + out)."""
    bound = math.sqrt(6 / sum(weight.shape))
    weight.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def normal_linear(layer: nn.Linear, std: float, seed: int) -> None:
    """Draw the weights of a layer beside the encoder's from N(0, std²) by a seed; its bias starts at 0."""
    # PyTorch's generator reads 32 bits of a seed, and equal seeds would repeat the encoder's draws.
    (own,) = np.random.SeedSequence([seed, STREAM]).generate_state(1).tolist()
    layer.weight.normal_(0, std, generator=torch.Generator().manual_seed(own))
    layer.bias.zero_()
