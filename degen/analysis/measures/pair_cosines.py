"""Means over all pairs of rows: every pair in blocks, or random pairs with a standard error.

    c          cosines of m pairs i ≠ j, drawn independently: repeats cost nothing but a little precision
    E c, E c²  known exactly from pass 1, so that the noise that y = f(c) shares with them can be taken off

m is 10⁶ unless the rows of so many pairs would not fit: then as many as fill 2²⁵ numbers. Rows are picked
block by block, in order, from whatever holds them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from degen.analysis.measures.isotropy import at_least, average_cosine, mean_squared_cosine
from degen.analysis.passes.arrays import Array, Float, namespace, to_numpy, unit_rows
from degen.analysis.passes.buckets import Codes
from degen.analysis.passes.rows import Int, Rows

PAIRS = 1_000_000
"""Random pairs at most."""

_FEWEST = 1000
"""Random pairs at least."""

_NUMBERS = 2**25
"""Numbers of the rows that random pairs are made of, at most: 256 MB."""

_PIECE = 2**16
"""Pairs whose cosines are summed at once."""


def upper_blocks(n: int, block: int) -> Iterator[tuple[slice, slice]]:
    """Yield the blocks on and above the diagonal of an n × n matrix."""
    starts = range(0, n, block)
    slices = [slice(start, min(start + block, n)) for start in starts]
    for index, rows in enumerate(slices):
        for columns in slices[index:]:
            yield rows, columns


def all_rows(V: Rows) -> Array:
    """Return the whole matrix in float64, [n, d]."""
    blocks = [block for _, block in V.blocks()]
    return namespace(blocks[0]).concatenate(blocks)


def all_unit_rows(V: Rows) -> Array:
    """Return the rows that are not zero at length 1, float64 [m, d]."""
    units, alive, _ = unit_rows(all_rows(V))
    return units[alive]


def random_cosines(V: Rows) -> Float:
    """Return the cosines of random pairs of rows that are not zero, float64; drawn once, by `V.seed`.

    Raises
    ------
    Undefined
        if fewer than two rows are not zero.
    """
    if "random cosines" not in V.shared:
        V.shared["random cosines"] = _drawn_cosines(V)
    found: Float = V.shared["random cosines"]
    return found


def _drawn_cosines(V: Rows) -> Float:
    m = at_least(V, 2)
    alive = np.flatnonzero(V.norms > 0)
    most = min(PAIRS, V.exact_rows * (V.exact_rows - 1) // 2)
    if m * V.d > _NUMBERS:
        most = min(most, _NUMBERS // (2 * V.d))
    pairs = max(most, _FEWEST)
    rng = np.random.default_rng(V.seed)
    first, second = rng.integers(m, size=pairs), rng.integers(m - 1, size=pairs)
    second += second >= first
    used, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    units, filled = np.empty((len(used), V.d)), 0
    for rows, block in V.picked(alive[used]):
        units[filled : filled + len(rows)] = to_numpy(unit_rows(block)[0])
        filled += len(rows)
    return _cosines(units, places[:pairs], places[pairs:])


def _cosines(units: Float, first: Int, second: Int) -> Float:
    starts = range(0, len(first), _PIECE)
    pieces = [slice(start, start + _PIECE) for start in starts]
    return np.concatenate([(units[first[piece]] * units[second[piece]]).sum(axis=1) for piece in pieces])


def estimated_mean(V: Rows, y: Float) -> tuple[float, float]:
    """Return the mean over all pairs of `y`, a function of `random_cosines`, and its standard error.

    The control variates c - E c and c² - E c² are regressed out.
    """
    cosines = random_cosines(V)
    controls = np.stack(
        [np.ones_like(y), cosines - average_cosine(V), cosines**2 - mean_squared_cosine(V)], 1
    )
    solution = np.linalg.lstsq(controls, y, rcond=None)[0]
    residual = y - controls @ solution
    return float(solution[0]), math.sqrt(float(residual @ residual) / (len(y) - 3) / len(y))


def sampled_pairs(V: Rows) -> str:
    """Return how many of how many pairs were drawn, in words."""
    m = V.moments.alive
    return f"{len(random_cosines(V)):,} of {m * (m - 1) // 2:,} pairs"


def means_without(V: Rows, group: Codes, groups: int, of: Callable[[Array], Array]) -> Float:
    """Return the mean over pairs i < j of a function of cos(vᵢ, vⱼ), without the rows of each group.

    Parameters
    ----------
    V
        few enough rows that all pairs can be visited; zero rows are left out.
    group, groups
        [n], which group each row is in, and how many groups there are.
    of
        of a block of cosines, element by element.

    Returns
    -------
    float64 [groups], NaN where no pair is left.
    """
    units, alive, _ = unit_rows(all_rows(V))
    members = [np.flatnonzero((group == own) & np.asarray(alive.tolist())) for own in range(groups)]
    sums, pairs = np.zeros((groups, groups)), np.zeros((groups, groups))
    for first, rows in enumerate(members):
        for second, columns in enumerate(members[: first + 1]):
            block = of(units[rows] @ units[columns].T)
            if first == second:
                sums[first, first] = float(block.sum() - namespace(block).trace(block)) / 2
                pairs[first, first] = len(rows) * (len(rows) - 1) / 2
            else:
                sums[first, second], pairs[first, second] = float(block.sum()), len(rows) * len(columns)
    rest = [
        np.delete(np.delete(np.stack([sums, pairs]), own, 1), own, 2).sum((1, 2)) for own in range(groups)
    ]
    return np.array([total / count if count else np.nan for total, count in rest])
