"""Dropout masks, drawn at random in training or fed in by a test.

A mask is asked for by site (such as `layer0.attention`) and by the rows that the fast engine holds at that
moment. Random masks ignore both. A fed mask is stated once for the padded layout, and each engine cuts from
it what it computes. So tests compare the fast engine with the plain one while dropout is on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

Cut = Callable[[Tensor], Tensor]
"""From a site's mask in padded layout to the rows at hand."""


class Dropout(Protocol):
    """Anything that gives scaled keep masks."""

    def mask(self, site: str, shape: tuple[int, ...], rate: float, cut: Cut, like: Tensor) -> Tensor:
        """Return a tensor of `shape`: 0 where an entry is dropped, 1 / (1 - rate) where it is kept."""
        ...


class RandomDropout:
    """Independent Bernoulli masks from a seed of their own.

    On the CPU one random bit decides an entry at rate 1/2, 16 bits otherwise; drawing them as whole words
    from NumPy's SFC64 takes a tenth of the time of one Bernoulli draw per entry. The scale uses the rate that
    16 bits can express, so that the expectation is exact. On CUDA `generator`, the device's own, draws.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu"):
        self.device = torch.device(device)
        self._words = np.random.SFC64(seed)
        self.generator = torch.Generator(self.device).manual_seed(seed) if self.device.type != "cpu" else None

    def start_anew(self) -> None:
        """Put a new generator of the same seed, at the start of its stream, in the place of the device's."""
        if self.generator is not None:
            seed = self.generator.initial_seed()
            self.generator = torch.Generator(self.device).manual_seed(seed)

    def mask(self, site: str, shape: tuple[int, ...], rate: float, cut: Cut, like: Tensor) -> Tensor:
        """Draw a mask; `site` and `cut` do not matter here."""
        if self.generator is not None:
            mask = torch.empty(shape, dtype=like.dtype, device=self.device)
            return mask.bernoulli_(1 - rate, generator=self.generator).mul_(1 / (1 - rate))
        size = int(np.prod(shape))
        if rate == 0.5:
            bits = np.unpackbits(self._words.random_raw(-(-size // 64)).view(np.uint8), count=size)
            return torch.from_numpy(bits).view(shape).to(like.dtype).mul_(2)
        dropped = min(round(rate * 2**16), 2**16 - 1)  # a rate below 1 keeps something
        words = self._words.random_raw(-(-size // 4)).view(np.uint16)[:size]
        return torch.from_numpy(words >= dropped).view(shape).to(like.dtype).mul_(1 / (1 - dropped / 2**16))


class FedDropout:
    """Masks stated by the caller: `keep(site)` is bool in padded layout, True where an entry stays."""

    def __init__(self, keep: Callable[[str], Tensor]):
        self._keep = keep

    def mask(self, site: str, shape: tuple[int, ...], rate: float, cut: Cut, like: Tensor) -> Tensor:
        """Cut the rows at hand from the stated mask and scale them."""
        return cut(self._keep(site)).reshape(shape).to(like) / (1 - rate)
