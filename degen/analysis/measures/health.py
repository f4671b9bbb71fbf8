"""Health of a matrix: zero, tiny, repeated and non-finite rows, and the lengths of all rows."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.arrays import Array, is_tensor, namespace, to_numpy
from degen.analysis.passes.rows import BLOCK, Rows
from degen.analysis.registry import measure
from degen.analysis.values import Undefined

_measure = partial(measure, "health", range=(0, math.inf), cost="O(n d)")


def finite_rows(values: Array) -> npt.NDArray[np.bool_]:
    """Return which rows of a matrix [n, d] hold neither NaN nor infinity, bool [n]."""
    kept = []
    for start in range(0, values.shape[0], BLOCK):
        block = values[start : start + BLOCK]
        block = block if is_tensor(block) else np.asarray(block)
        kept.append(to_numpy(namespace(block).isfinite(block).all(axis=1)))
    return np.concatenate(kept)


@_measure(
    meaning="rows with NaN or infinity; 0 is healthy",
    source="count",
)
def nonfinite_rows(V: Rows) -> float:
    """Return how many rows hold NaN or infinity."""
    return 0.0 if V.finite else float((~finite_rows(V.values)).sum())


@_measure(
    meaning="rows of zeros, as of padding or of items never trained",
    source="count",
)
def zero_rows(V: Rows) -> float:
    """Return how many rows are zero, which measures of directions leave out."""
    return float(len(V) - V.moments.alive)


@_measure(
    meaning="rows far shorter than the others, whose direction says little; 0 is healthy",
    source="count of norms below a share of the median norm",
    name="low_norm_rows",
    also={"low_norm_rows_10": {"share": 0.1}},
)
def low_norm_rows(V: Rows, share: float = 0.01) -> float:
    """Return how many rows are shorter than `share` of the median, zero rows included.

    Relative, never absolute: rows drawn with standard deviation 0.02 have a norm of 0.16 in 64 dimensions.
    """
    return float((V.norms < share * np.median(V.norms)).sum())


@_measure(
    meaning="rows that repeat an earlier one: items that no score tells apart",
    source="count of equal rows but the first of each, by a hash of their numbers",
    cost="O(n d + n log n)",
)
def duplicate_rows(V: Rows) -> float:
    """Return how many rows repeat an earlier one exactly; 0 and -0 are equal."""
    if not V.finite:
        _ = V.moments  # raises, and names the row
    _, [hashes] = V.sweep(_visit_hashes, list)
    hashes.sort()
    return float((hashes[1:] == hashes[:-1]).sum())


def _visit_hashes(block: Array, start: int) -> tuple[None, tuple[npt.NDArray[np.uint64]]]:
    """Hash each row of a block."""
    bits = (to_numpy(block) + 0.0).view(np.uint64)  # + 0 makes -0 a 0
    weights = np.random.default_rng(0).integers(1, 2**63, size=bits.shape[1], dtype=np.uint64) | np.uint64(1)
    # Unmixed (by the finalizer of MurmurHash3), opposite changes of two numbers would cancel.
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        bits ^= bits >> np.uint64(33)
        bits *= np.uint64(factor)
    return None, ((bits * weights).sum(axis=1, dtype=np.uint64),)


@_measure(
    meaning="how long the rows are, whatever their directions; inner products grow with it",
    source="mean of ‖v‖",
    jackknife=True,
)
def norm_mean(V: Rows) -> float:
    """Return the mean norm of the rows."""
    exponent = V.moments.exponent  # without it, the sum of many huge norms would overflow
    return float(np.ldexp(np.ldexp(V.norms, -exponent).mean(), exponent))


@_measure(
    meaning="how long the rows are, whatever their directions; a few long rows do not move it",
    source="median of ‖v‖",
    jackknife=True,
)
def norm_median(V: Rows) -> float:
    """Return the median norm of the rows."""
    return float(np.median(V.norms))


@_measure(
    meaning="0 where all rows are of one length",
    source="standard deviation (divisor n) over mean of ‖v‖",
    jackknife=True,
    undefined="for a matrix of zeros",
)
def norm_cv(V: Rows) -> float:
    """Return the coefficient of variation of the norms."""
    mean = norm_mean(V)
    if mean == 0:
        raise Undefined("a matrix of zeros has no relative spread of norms")
    # A power of two changes no digit, and lengths near the smallest double can be divided then.
    up = -np.frexp(mean)[1]
    return float((np.ldexp(V.norms, up) / np.ldexp(mean, up)).std())
