"""Means over pairs of rows: over all pairs in blocks, or over random pairs with a standard error.

    c          cosines of m pairs i ≠ j, drawn independently; a repeated pair costs a little precision
    E c, E c²  known exactly from the first pass; they serve as control variates for y = f(c)

m is 10⁶, or as many pairs as have rows of 2²⁵ numbers. Rows are read block by block, in order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from degen.analysis.measures.isotropy import at_least, average_cosine, mean_squared_cosine
from degen.analysis.passes.arrays import Array, Float, namespace, to_numpy, unit_rows
from degen.analysis.passes.buckets import Codes
from degen.analysis.passes.rows import Rows
from degen.files.memory import check_fits

PAIRS = 1_000_000
"""Largest number of random pairs."""

_FEWEST = 1000
"""Least number of random pairs."""

_NUMBERS = 2**25
"""Largest number of entries in the rows of random pairs: 256 MB in float64."""

_PIECE = 2**16
"""Number of pairs whose cosines are computed at once."""


def upper_blocks(n: int, block: int) -> Iterator[tuple[slice, slice]]:
    """Yield the blocks on and above the diagonal of an n × n matrix."""
    starts = range(0, n, block)
    slices = [slice(start, min(start + block, n)) for start in starts]
    for index, rows in enumerate(slices):
        for columns in slices[index:]:
            yield rows, columns


def all_rows(V: Rows) -> Array:
    """Return the whole matrix in float64, [n, d]."""
    n, d = len(V), V.d
    check_fits(3 * 8 * n * d, f"{V.name} with all its {n:,} rows in float64", "give a lower `exact_rows`")
    blocks = [block for _, block in V.blocks()]
    return namespace(blocks[0]).concatenate(blocks)


def all_unit_rows(V: Rows) -> Array:
    """Return the rows that are not zero at length 1, float64 [m, d]."""
    units, alive, _ = unit_rows(all_rows(V))
    return units[alive]


def random_cosines(V: Rows) -> Float:
    """Return the cosines of random pairs of rows that are not zero, float64; drawn once, by `V.seed`."""
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
    first, second = places[:pairs], places[pairs:]
    pieces = [slice(start, start + _PIECE) for start in range(0, pairs, _PIECE)]
    return np.concatenate([(units[first[piece]] * units[second[piece]]).sum(axis=1) for piece in pieces])


def estimated_mean(V: Rows, y: Float) -> tuple[float, float]:
    """Return the mean over all pairs of `y`, a function of `random_cosines`, and its standard error.

    c - E c and c² - E c² have mean 0 and correlate with `y`. Regressing `y` on them removes the noise that it
    shares with them.
    """
    cosines = random_cosines(V)
    controls = np.stack(
        [np.ones_like(y), cosines - average_cosine(V), cosines**2 - mean_squared_cosine(V)], 1
    )
    solution = np.linalg.lstsq(controls, y, rcond=None)[0]
    residual = y - controls @ solution
    return float(solution[0]), math.sqrt(float(residual @ residual) / (len(y) - 3) / len(y))


def sampled_pairs(V: Rows) -> str:
    """Return in words how many pairs were drawn, and of how many."""
    m = V.moments.alive
    return f"{len(random_cosines(V)):,} of {m * (m - 1) // 2:,} pairs"


def means_without(V: Rows, group: Codes, groups: int, of: Callable[[Array], Array]) -> Float:
    """Return the mean over pairs i < j of a function `of` cos(vᵢ, vⱼ), without the rows of each group.

    Float64 [groups], NaN where no pair is left; zero rows are left out. `group` [n] has the group of each
    row. All pairs are visited once, for the sums over the pairs of every two groups. To leave a group out is
    to leave out its sums.
    """
    units, alive, _ = unit_rows(all_rows(V))
    members = [np.flatnonzero((group == code) & np.asarray(alive.tolist())) for code in range(groups)]
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
        np.delete(np.delete(np.stack([sums, pairs]), code, 1), code, 2).sum((1, 2)) for code in range(groups)
    ]
    return np.array([total / count if count else np.nan for total, count in rest])
