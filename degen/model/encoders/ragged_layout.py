"""Memory layout of ragged histories for the fast engine: sorted by length, in a few groups of equal width.

    lengths 3 1 2 7 9 1   ─►   groups of width 1 (two sequences), 2, 3, 8 and 9
                               tokens: a | b | c c | d d d | e e e e e e e · | f f f f f f f f f

Linear layers, norms and activations see one flat tensor of tokens with almost no padding; attention sees
each group as a rectangle, which is a view of the same memory. The median history of the paper's logs has 4
items and is not padded to 50. A few tokens of slack at the end round their number, so that the steps of an
epoch ask for memory in few sizes and find again what they freed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from degen.data.sequences import PAD, ragged_positions

WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50)
"""Widths of the groups; a longer history gets a group as wide as the longest one."""

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """`size` sequences of `width` tokens: from row `first` of the sorted ones, from flat token `token`."""

    first: int
    size: int
    width: int
    token: int

    @property
    def sequences(self) -> slice:
        """The group's rows among the sorted sequences."""
        return slice(self.first, self.first + self.size)

    @property
    def tokens(self) -> slice:
        """The group's rows among the flat tokens."""
        return slice(self.token, self.token + self.size * self.width)


@dataclass(frozen=True)
class Layout:
    """Places of all tokens of a batch of histories.

    `order` is the input's sequence numbers sorted by length, `length` their lengths, both int64 `[S]`; the
    groups are in ascending width. `bidirectional`: whether attention sees the tokens after a query too.
    """

    order: Int
    length: Int
    groups: tuple[Group, ...]
    bidirectional: bool = False

    @classmethod
    def of(cls, length: Int, *, bidirectional: bool = False) -> Layout:
        """Sort the sequences and cut them into groups."""
        order = np.argsort(length, kind="stable")
        ordered = length[order]
        longest = int(ordered[-1])
        widths = [width for width in WIDTHS if width < longest] + [longest]
        edges = [0, *np.searchsorted(ordered, widths, side="right").tolist()]
        groups, token = [], 0
        for first, end, width in zip(edges, edges[1:], widths, strict=False):
            if end > first:
                groups.append(Group(first, end - first, width, token))
                token += (end - first) * width
        return cls(order, ordered, tuple(groups), bidirectional)

    @cached_property
    def width(self) -> Int:
        """int64 `[S]`: the width of the group of each sorted sequence."""
        return np.repeat([g.width for g in self.groups], [g.size for g in self.groups])

    @cached_property
    def start(self) -> Int:
        """int64 `[S]`: the first token of each sorted sequence."""
        return np.cumsum(self.width) - self.width

    @property
    def used(self) -> int:
        """Tokens of all groups; those after them are slack, which nothing reads."""
        last = self.groups[-1]
        return last.token + last.size * last.width

    @cached_property
    def n_tokens(self) -> int:
        """`used`, rounded up."""
        return round_up(self.used)

    @cached_property
    def position(self) -> Int:
        """int64 `[n_tokens]`: the position of each token in its sequence, padding included; 0 for slack."""
        return self._with_slack([np.tile(np.arange(g.width), g.size) for g in self.groups])

    @cached_property
    def sequence(self) -> Int:
        """int64 `[n_tokens]`: the input's sequence number of each token; 0 for slack."""
        return self._with_slack([np.repeat(self.order, self.width)])

    def _with_slack(self, pieces: list[Int]) -> Int:
        return np.concatenate([*pieces, np.zeros(self.n_tokens - self.used, dtype=np.int64)])

    @cached_property
    def last(self) -> Int:
        """int64 `[S]`: the token that is each sorted sequence's last item."""
        return self.start + self.length - 1

    @cached_property
    def back(self) -> Int:
        """int64 `[S]`: where each of the input's sequences is among the sorted ones."""
        back = np.empty_like(self.order)
        back[self.order] = np.arange(len(self.order))
        return back

    def tokens_at(self, sequence: Int, position: Int) -> Int:
        """The tokens at positions of the input's sequences, all int64 `[P]`, then slack of token 0."""
        tokens = self.start[self.back[sequence]] + position
        return np.concatenate([tokens, np.zeros(round_up(len(tokens)) - len(tokens), dtype=np.int64)])

    def spread(self, items: Tensor) -> Tensor:
        """Spread the flat items `[N]` of the input over tokens `[n_tokens]`; the rest is padding."""
        input_length = self.length[self.back]
        input_start = np.cumsum(input_length) - input_length
        source = ragged_positions(input_start[self.order], self.length)
        target = ragged_positions(self.start, self.length)
        tokens = items.new_full((self.n_tokens,), PAD)
        tokens[on(items.device, target)] = items[on(items.device, source)]
        return tokens


def round_up(n: int) -> int:
    """`n`, or a little more: one of sixteen sizes between powers of two, so that freed memory fits again."""
    step: int = 2 ** max(n.bit_length() - 5, 0)
    return -(-n // step) * step


def on(device: torch.device, array: npt.NDArray[Any]) -> Tensor:
    """Copy an array to a device."""
    return torch.from_numpy(array).to(device, non_blocking=True)
