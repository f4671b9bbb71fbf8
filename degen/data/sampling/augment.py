"""CL4SRec's augmentations: crop, mask and reorder (Xie et al., ICDE 2022), on batches of ragged histories.

    crop      keep one contiguous window of ⌊rate · n⌋ items, at least 1; every start is equally likely
    mask      replace ⌊rate · n⌋ items by the mask token; every choice of positions is equally likely
    reorder   shuffle one contiguous window of ⌊rate · n⌋ items; every start and order is equally likely

The functions return new histories and never change those they are given. (The authors' released code masks
and reorders its stored training data in place, so that masks accumulate from epoch to epoch.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from degen.data.sampling.histories import Histories

Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Augmentations:
    """The rates of the three operations, between 0 and 1, and the token that `mask` writes."""

    crop_rate: float
    mask_rate: float
    reorder_rate: float
    mask_token: int

    @property
    def operations(self) -> tuple[Callable[[Histories, np.random.Generator], Histories], ...]:
        """The three operations with their rates filled in, as functions of histories and a generator."""
        return (
            lambda histories, rng: crop(histories, self.crop_rate, rng),
            lambda histories, rng: mask(histories, self.mask_rate, self.mask_token, rng),
            lambda histories, rng: reorder(histories, self.reorder_rate, rng),
        )


def _share(length: Int, rate: float) -> Int:
    # In floating point, rate · n may fall just below the whole number that it is: 0.29 · 100 = 28.999….
    share: Int = np.floor(length * rate + 1e-9).astype(np.int64)
    return share


def _window(histories: Histories, width: Int, rng: np.random.Generator) -> Bool:
    """Draw a window of `width` items in each sequence; return whether each item is in it, bool `[N]`."""
    start = rng.integers(0, histories.length - width + 1)
    first, width_of_item = np.repeat(start, histories.length), np.repeat(width, histories.length)
    position = histories.position
    return (position >= first) & (position < first + width_of_item)


def crop(histories: Histories, rate: float, rng: np.random.Generator) -> Histories:
    """Keep a window of max(1, ⌊rate · n⌋) items of each sequence."""
    width = np.maximum(_share(histories.length, rate), 1)
    return Histories(histories.items[_window(histories, width, rng)], width)


def mask(histories: Histories, rate: float, mask_token: int, rng: np.random.Generator) -> Histories:
    """Replace ⌊rate · n⌋ items of each sequence by `mask_token`."""
    count = _share(histories.length, rate)
    # The positions of the `count` smallest of n random keys are a uniform choice of positions.
    order = np.lexsort((rng.random(len(histories.items)), histories.sequence))
    chosen = order[histories.position < np.repeat(count, histories.length)]
    items = histories.items.copy()
    items[chosen] = mask_token
    return Histories(items, histories.length)


def reorder(histories: Histories, rate: float, rng: np.random.Generator) -> Histories:
    """Shuffle a window of ⌊rate · n⌋ items of each sequence."""
    window = np.flatnonzero(_window(histories, _share(histories.length, rate), rng))
    order = np.lexsort((rng.random(len(window)), histories.sequence[window]))
    items = histories.items.copy()
    items[window] = histories.items[window[order]]
    return Histories(items, histories.length)


def two_augmentations(
    histories: Histories, augmentations: Augmentations, rng: np.random.Generator
) -> tuple[Histories, Histories]:
    """Apply two different operations to each sequence, every ordered pair of them being equally likely.

    A sequence of one item stays as it is.
    """
    n_operations = len(augmentations.operations)
    first = rng.integers(0, n_operations, size=len(histories))
    second = (first + rng.integers(1, n_operations, size=len(histories))) % n_operations
    return tuple(_apply(histories, choice, augmentations, rng) for choice in (first, second))  # type: ignore[return-value]


def _apply(
    histories: Histories, choice: Int, augmentations: Augmentations, rng: np.random.Generator
) -> Histories:
    """Apply operation `choice[i]` to sequence i."""
    # Each operation is applied to the whole batch, then one outcome is picked per sequence.
    outcomes = [histories, *(operation(histories, rng) for operation in augmentations.operations)]
    picked = np.where(histories.length > 1, choice + 1, 0)
    length = np.choose(picked, [outcome.length for outcome in outcomes])
    items = np.empty(int(length.sum()), dtype=np.int64)
    target = np.repeat(picked, length)
    for number, outcome in enumerate(outcomes):
        items[target == number] = outcome.items[np.repeat(picked == number, outcome.length)]
    return Histories(items, length)
