"""Initial weights of the baselines, drawn from a generator of their own."""

from __future__ import annotations

import math

import torch
from torch import Tensor


@torch.no_grad()
def xavier_normal(weight: Tensor, generator: torch.Generator) -> None:
    """Fill a matrix `[out, in]` with normal numbers of variance 2 / (in + out) (Glorot & Bengio 2010)."""
    weight.normal_(0, math.sqrt(2 / sum(weight.shape)), generator=generator)


@torch.no_grad()
def xavier_uniform(weight: Tensor, generator: torch.Generator) -> None:
    """Fill a matrix `[out, in]` with uniform numbers of variance 2 / (in + out)."""
    bound = math.sqrt(6 / sum(weight.shape))
    weight.uniform_(-bound, bound, generator=generator)
