"""A sweep visits every row once, in order, in pieces, with what is given of it, and joins in any grouping."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from degen.analysis.passes.sweep import READ, sweep


class Told:
    """Rows by slices, which remembers what it was asked for."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.asked = values, values.shape, values.dtype, []

    def __len__(self):
        return len(self.values)

    def __getitem__(self, place):
        self.asked.append((place.start, place.stop))
        return self.values[place]


def visit(block, start, *given):
    assert block.dtype in (np.float64, torch.float64)
    rows = np.arange(start, start + len(block))
    sums = np.asarray(block).sum(axis=0)
    return sums, (rows, np.asarray(block)[:, :1] * 2, *given)


@pytest.mark.parametrize("n", [1, READ, READ + 1, 20_000])
@pytest.mark.parametrize("kind", [Told, torch.from_numpy, np.asfortranarray])
def test_every_row_is_visited_once_in_order(n, kind, rng):
    V = rng.normal(size=(n, 3)).astype(np.float32)
    counts = rng.integers(9, size=n)
    sums, [rows, doubled, given] = sweep(kind(V), visit, lambda parts: np.sum(parts, axis=0), (counts,), 100)
    np.testing.assert_allclose(sums, V.astype(np.float64).sum(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(rows, np.arange(100, 100 + n))
    np.testing.assert_array_equal(doubled, 2 * V[:, :1].astype(np.float64))
    np.testing.assert_array_equal(given, counts)


def test_rows_are_read_in_blocks_and_visited_in_smaller_ones():
    values, sizes = Told(np.ones((20_000, 64))), []

    def note(block, start):
        sizes.append(len(block))
        return len(block), ()

    total, columns = sweep(values, note, sum)
    assert (total, columns) == (20_000, [])
    assert values.asked == [(0, 8192), (8192, 16384), (16384, 20_000)]
    assert max(sizes) * 64 * 8 <= 2**19


@pytest.mark.parametrize(("d", "most"), [(3, 30_000), (700, 2)])
def test_parts_are_joined_before_they_are_many(d, most):
    joined = []

    def join(parts):
        joined.append(len(parts))
        return sum(parts)

    total, _ = sweep(np.ones((5_000, d)), lambda block, start: (len(block), ()), join)
    assert total == 5_000
    assert max(joined) <= most
