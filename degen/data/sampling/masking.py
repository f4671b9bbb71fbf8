"""Masked sequences for models that predict hidden items from both sides (cloze task).

    row        a b c d e          the items of one user, oldest first
    masked     a ▢ c d ▢          an item is hidden behind the mask token with probability ρ
    targets      b     e          predicted from h at their positions

`MaskRule` states who is hidden: BERT4Rec's rows with their mask-last-only copies (Sun et al., CIKM 2019), and
S3Rec's, whose last item is always hidden (Zhou et al., CIKM 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from degen.data.sampling.histories import Histories, Int
from degen.data.sequences import HELD_OUT, Samples, ragged_positions

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MaskedRows:
    """Rows `[S]` with hidden items, and the places that are predicted.

    `sequence` and `position`, int64 `[P]`, are row and position of each place, row after row, and `targets`,
    int64 `[P]`, the items that were there. A place may be hidden without being predicted.
    """

    histories: Histories
    sequence: Int
    position: Int
    targets: Int

    def part(self, rows: slice) -> tuple[MaskedRows, slice]:
        """Return a contiguous part of the rows, and the slice of the places that are in it."""
        first, end, _ = rows.indices(len(self.histories))
        places = slice(*np.searchsorted(self.sequence, [first, max(first, end)]).tolist())
        sequence, position = self.sequence[places] - first, self.position[places]
        return MaskedRows(self.histories[rows], sequence, position, self.targets[places]), places


@dataclass(frozen=True)
class MaskRule:
    """Rule of who is hidden in a row, and who of these is predicted.

    Attributes
    ----------
    rate
        ρ, the probability that an item is hidden.
    at_least_one
        whether a row without a hidden item gets one, drawn uniformly.
    always_last
        whether the last item of a row is always hidden, besides others.
    last_only
        probability that the last item of a row is hidden and no other.
    by_batch
        whether `last_only` is decided once per batch instead of once per row.
    first_counts
        whether the first position of a row is predicted where it is hidden.
    most
        maximum number of predicted places per row, the last ones; None for all.
    """

    rate: float
    at_least_one: bool = False
    always_last: bool = False
    last_only: float = 0.0
    by_batch: bool = False
    first_counts: bool = True
    most: int | None = None

    def draw(self, length: Int, rng: np.random.Generator) -> tuple[Bool, Bool]:
        """Draw the hidden and the predicted places of rows of `length`, int64 `[S]`; bool `[N]` each."""
        end = np.cumsum(length)
        hidden = rng.random(int(length.sum())) < self.rate
        some = end - length + rng.integers(length)
        if self.always_last:
            hidden[end - 1] = True
        if self.at_least_one:
            hidden[some[np.add.reduceat(hidden, end - length) == 0]] = True
        chosen = rng.random(1 if self.by_batch else len(length)) < self.last_only
        last_only = np.broadcast_to(chosen, len(length))
        hidden &= ~np.repeat(last_only, length)
        hidden[end[last_only] - 1] = True
        return hidden, self._predicted(hidden, length)

    def expected(self, length: Int) -> float:
        """Return the expected number of predicted places of rows of `length`, without regard to `most`."""
        rate, first = self.rate, 1.0 - self.rate
        places = rate * length
        if self.always_last:
            places = places + first
        if self.at_least_one and not self.always_last:
            places = places + first**length
        if not self.first_counts:
            places = places - np.where(self.always_last & (length == 1), 1.0, rate)
        last = 1.0 if self.first_counts else (length > 1).astype(float)
        return float((self.last_only * last + (1 - self.last_only) * places).sum())

    def _predicted(self, hidden: Bool, length: Int) -> Bool:
        predicted, end = hidden.copy(), np.cumsum(length)
        if not self.first_counts:
            predicted[end - length] = False
        if self.most is not None:
            so_far = np.cumsum(predicted)
            left: Int = np.repeat(so_far[end - 1], length) - so_far  # predicted places after this one
            predicted &= left < self.most
        return predicted


def mask_rows(rows: Histories, rule: MaskRule, mask_token: int, rng: np.random.Generator) -> MaskedRows:
    """Hide items of non-empty rows by a rule."""
    hidden, predicted = rule.draw(rows.length, rng)
    items = np.where(hidden, mask_token, rows.items)
    return MaskedRows(
        Histories(items, rows.length),
        rows.sequence[predicted],
        rows.position[predicted],
        rows.items[predicted],
    )


class MaskAppended(NamedTuple):
    """Places of histories with the mask token after each of them.

    Item `source[i]` of the flat histories goes to place `target[i]` of the flat result, int64 `[K]` each; the
    last place of each sequence is the mask's. `length`, int64 `[S]`, counts it.
    """

    source: Int
    target: Int
    length: Int


def append_mask(length: Int, max_length: int) -> MaskAppended:
    """Find the places of histories of `length`, int64 `[S]`, whose last `max_length - 1` items stay.

    RecBole 1.2.1 drops the oldest item of every history instead, also of those that have room for it, so that
    all positions are one below those of training.
    """
    kept = np.minimum(length, max_length - 1)
    ends = np.cumsum(length)
    return MaskAppended(
        ragged_positions(ends - kept, kept), ragged_positions(np.cumsum(kept + 1) - kept - 1, kept), kept + 1
    )


def whole_rows(items: Int, offsets: Int, max_length: int) -> Samples:
    """Return the training part of each user as one row, cut to its last `max_length` actions.

    `items` and `offsets` are those of `degen.data.sequences.Sequences`. A row is stated as a sample: its
    history is the training part. The target after it, the validation item, is not part of the row.
    """
    end = offsets[1:] - HELD_OUT
    return Samples(items, end, np.minimum(end - offsets[:-1], max_length))


def prefix_rows(items: Int, offsets: Int, max_length: int) -> Samples:
    """Return every prefix of each user's training part as a row, the whole part among them.

    Rows are stated as in `whole_rows`. All but the whole parts are histories of training samples.
    """
    count = np.diff(offsets) - HELD_OUT
    end = ragged_positions(offsets[:-1] + 1, count)
    return Samples(items, end, np.minimum(end - np.repeat(offsets[:-1], count), max_length))
