"""Measures by popularity: the cone of rare items, and what correlates with frequency.

    profiles    one number per bucket of items: norms, cosines, angles, share of the first direction
    scalars     correlations of frequency with norm, first coordinate and cosine to the axis; tail and head

In a degenerated matrix the cosine within the tail is far above that within the head. The tail lies near the
axis of all items, with nearly all of its length along the first singular direction.

    û = v / ‖v‖, S_b = Σ û over the m_b rows of bucket b that are not zero

Every mean cosine within and between buckets is a closed form of these sums.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.correlation import pearson, spearman
from degen.analysis.measures.cone import no_axis
from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.buckets import Buckets, Int
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import measure, profile
from degen.analysis.values import Undefined

_measure = partial(measure, "popularity", range=(-1, 1), needs=("frequency",), jackknife=True)

_REPEATED = 1e-9
"""The first direction is not determined where σ₁ - σ₂ is below this share of σ₁."""


@profile(
    range=(0, math.inf),
    meaning="how long the bucket's rows are; inner products grow with it",
    source="mean of ‖v‖",
    cost="O(n d)",
)
def norm_mean(V: Rows, buckets: Buckets) -> Float:
    """Return the mean norm of the rows of each bucket, zero rows included."""
    exponent = V.moments.exponent  # without it, the sum of many huge norms would overflow
    return np.asarray(np.ldexp(buckets.means(np.ldexp(V.norms, -exponent)), exponent))


@profile(
    range=(0, math.inf),
    meaning="how long the bucket's rows are; a few long rows do not move it",
    source="median of ‖v‖",
    cost="O(n log n)",
)
def norm_median(V: Rows, buckets: Buckets) -> Float:
    """Return the median norm of the rows of each bucket, zero rows included."""
    inside = [V.norms[buckets.codes == code] for code in range(len(buckets.names))]
    return np.array([np.median(norms) if len(norms) else np.nan for norms in inside])


@profile(
    range=(-1, 1),
    meaning="lower is more isotropic: 1 where the bucket's rows point one way",
    source="(‖S_b‖² - m_b) / (m_b (m_b - 1))",
    cost="O(n d)",
)
def average_cosine(V: Rows, buckets: Buckets) -> Float:
    """Return the mean cosine over the pairs of rows within each bucket; NaN with fewer than two rows."""
    return np.diag(bucket_cosines(V, buckets)).copy()


@profile(
    range=(-1, 1),
    meaning="lower is more isotropic: 1 where the bucket's rows point where all others do",
    source="S_b · (S - S_b) / (m_b (m - m_b))",
    cost="O(n d)",
)
def average_cosine_to_others(V: Rows, buckets: Buckets) -> Float:
    """Return the mean cosine over the pairs of a row in each bucket and a row in another."""
    m, S = V.unit_sums(buckets)
    others = S.sum(axis=0) - S
    return _ratio((S * others).sum(axis=1), m * (m.sum() - m))


@profile(
    range=(0, 1),
    meaning="lower is more isotropic: 1/√m for m directions at random, 1 a single direction",
    source="‖S_b‖ / m_b",
    cost="O(n d)",
)
def mean_resultant_length(V: Rows, buckets: Buckets) -> Float:
    """Return the mean resultant length of the rows of each bucket."""
    m, S = V.unit_sums(buckets)
    return _ratio(np.linalg.norm(S, axis=1), m)


@profile(
    range=(0, 180),
    meaning="higher is more isotropic: degrees between a row and the mean direction of all items",
    source="mean over rows; axis Σ û of all items",
    cost="O(n d²)",
)
def cone_angle_mean(V: Rows, buckets: Buckets) -> Float:
    """Return the mean angle of each bucket's rows to the axis of all items, degrees; NaN without an axis."""
    if no_axis(V):
        return np.full(len(buckets.names), np.nan)
    return buckets.means(V.projected.unit_angles)


@profile(
    range=(0, 1),
    meaning="lower is more isotropic: 1 where the bucket lies on the first singular direction of all",
    source="Σ (v · w₁)² / Σ ‖v‖²",
    cost="O(n d²)",
)
def first_direction_share(V: Rows, buckets: Buckets) -> Float:
    """Return the share of the squared length of each bucket's rows along the first singular direction w₁."""
    scale = V.norms.max() or 1.0  # squares of huge numbers would overflow
    along = buckets.sums((first_coordinates(V) / scale) ** 2)
    return _ratio(along, buckets.sums((V.norms / scale) ** 2))


def bucket_cosines(V: Rows | Array, buckets: Buckets) -> Float:
    """Return the mean cosine over the pairs of rows of every two buckets, float64 [b, b], symmetric.

    On the diagonal over the pairs i < j within a bucket; NaN where there is no pair. Zero rows are left out.
    """
    m, S = Rows.of(V).unit_sums(buckets)
    selves = np.diag(m)  # pairs of a row with itself, of cosine 1
    return _ratio(S @ S.T - selves, np.outer(m, m) - selves)


def _ratio(sums: Float, counts: Float | Int) -> Float:
    """Return sums / counts, NaN where nothing was counted."""
    ratio: Float = np.divide(sums, counts, out=np.full(np.shape(sums), np.nan), where=counts > 0)
    return ratio


@_measure(
    meaning="0 where lengths do not follow popularity; standard error about 1.03/√(n - 3) near 0",
    source="Spearman's rank correlation, average ranks for ties",
    cost="O(n d + n log n)",
    undefined="if frequencies or norms are all equal",
)
def spearman_norm(V: Rows) -> float:
    """Return the rank correlation of an item's frequency with the norm of its row."""
    return spearman(V.norms, _counts(V))


@_measure(
    meaning="-1 where the rarer an item, the further along the first direction: a cone of rare items",
    source="Spearman's rank correlation, average ranks; sign by which first coordinates add up to at least 0",
    cost="O(n d² + n log n)",
    undefined="if frequencies or coordinates are all equal, or the first singular value repeats",
)
def spearman_first_coordinate(V: Rows) -> float:
    """Return the rank correlation of an item's frequency with its first coordinate, v · w₁."""
    return spearman(first_coordinates(V), _counts(V))


@_measure(
    meaning="-1 where the rarer an item, the nearer it lies to the axis of all items: the clearest sign",
    source="Spearman's rank correlation, average ranks; axis Σ û",
    cost="O(n d² + n log n)",
    undefined="if frequencies or cosines are all equal, or the rows have no axis",
)
def spearman_axis_cosine(V: Rows) -> float:
    """Return the rank correlation of an item's frequency with its row's cosine to the axis; no zero rows."""
    if no_axis(V):
        raise Undefined("the rows add up to nothing: there is no axis to lie near to")
    angles, alive = V.projected.unit_angles, np.isfinite(V.projected.unit_angles)
    if alive.all():
        return -spearman(angles, _counts(V))
    return -spearman(angles[alive], _counts(V)[alive])


@_measure(
    meaning="0 where lengths do not follow popularity",
    source="Pearson's correlation of ‖v‖ with log(1 + frequency)",
    cost="O(n d)",
    undefined="if frequencies or norms are all equal",
)
def pearson_norm(V: Rows) -> float:
    """Return the linear correlation of the norm of an item's row with log(1 + its frequency)."""
    return pearson(V.norms, np.log1p(_counts(V).astype(np.float64)))


@_measure(
    meaning="1 where the first direction orders items by popularity alone",
    source="cos(u₁, frequency), after Lin et al., WSDM 2025; sign by which u₁ adds up to at least 0",
    cost="O(n d²)",
    undefined="if no item occurs, every row is zero, or the first singular value repeats",
)
def popularity_alignment(V: Rows) -> float:
    """Return the cosine of the first left singular vector, u₁ of V, with the frequencies."""
    u, f = first_coordinates(V), _counts(V).astype(np.float64)
    scale = np.abs(u).max()
    if scale == 0 or not f.any():
        raise Undefined("popularity alignment needs rows that are not zero and items that occur")
    u = u / scale
    return float(u @ f / (np.linalg.norm(u) * np.linalg.norm(f)))


@_measure(
    meaning="lower is more isotropic: 1 is a single direction; rare items degenerate first",
    source="mean cosine within a bucket, closed form",
    cost="O(n d)",
    name="tail_average_cosine",
    also={
        "head_average_cosine": {"first": "head", "second": "head"},
        "head_tail_average_cosine": {"first": "head", "second": "tail"},
    },
    undefined="if there is no such pair",
)
def average_cosine_between(V: Rows, first: str = "tail", second: str = "tail") -> float:
    """Return the mean cosine of pairs of an item of bucket `first` with one of bucket `second`."""
    if V.head_mid_tail is None or not {first, second} <= set(V.head_mid_tail.names):
        raise Undefined(f"no items are in {first} or {second}: too few differ in how often they occur")
    a, b = V.head_mid_tail.names.index(first), V.head_mid_tail.names.index(second)
    cosine = float(bucket_cosines(V, V.head_mid_tail)[a, b])
    if math.isnan(cosine):
        raise Undefined(f"{first} and {second} have no pair of rows that are not zero")
    return cosine


def first_coordinates(V: Rows) -> Float:
    """Return v · w₁ of every row, float64 [n], with a sum of at least 0; `Undefined` where σ₁ repeats."""
    first, *rest = V.axes.raw_values
    if rest and first - rest[0] <= _REPEATED * first:
        raise Undefined("the first singular value repeats, or all are 0: there is no first direction")
    return np.asarray(V.projected.coordinates[:, 0])


def _counts(V: Rows) -> npt.NDArray[Any]:
    return np.asarray(V.frequency)
