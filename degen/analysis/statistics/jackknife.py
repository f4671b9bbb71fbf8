"""Standard errors of measures over the choice of items, by a delete-a-group jackknife.

    θ₋ⱼ the measure without group j of G of the items, θ̄ their mean
    standard error² = (G - 1)/G Σⱼ (θ₋ⱼ - θ̄)²                      Shao and Tu 1995, chapter 2

The groups are drawn with a seed. Two matrices over the same items, in the same order, leave out the same
items, so that `differences.compare_matrices` can take the error of their difference from differences.

A bootstrap would not do: it repeats rows, and a repeated row is a pair at distance 0, which lifts uniformity,
lowers ranks and is its own nearest neighbour.

Moments of groups add up, so measures of pass 1 need no further look at the rows. Measures of all pairs need
one visit of the pairs (`pair_cosines.means_without`). Buckets keep the cuts of all items.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from degen.analysis.passes.arrays import Array, Float
from degen.analysis.passes.buckets import Buckets, Codes
from degen.analysis.passes.first_pass import Moments, block_moments, total
from degen.analysis.passes.rows import Int, Rows
from degen.analysis.registry import MEASURES, PROFILES
from degen.analysis.result import Analysis
from degen.analysis.values import Undefined

GROUPS = 20
"""Number of groups of items, of which one at a time is left out."""

MOST_ROWS = 200_000
"""Largest number of rows to read again for each group; of more, only measures of pass 1 are judged."""

_EIGENVALUES = 1e-7
"""Roots of eigenvalues of VᵀV below this share of the first are rounding noise."""


@dataclass(frozen=True, eq=False)
class Jackknife:
    """Measures of a matrix, and of the matrix without each group of its items.

    Attributes
    ----------
    values
        by measure, profiles as `norm_mean@tail`; only those that have a value.
    replicates
        float64 [G] by measure: values without each group, of the measures that a jackknife judges.
    reasons
        reasons why measures are not judged.
    """

    values: Mapping[str, float]
    replicates: Mapping[str, Float]
    reasons: Mapping[str, str]


def standard_error(replicates: Float) -> float:
    """Return the jackknife's standard error of a measure from its values without each group, float64 [G]."""
    groups, rest = len(replicates), replicates - replicates.mean()
    exponent = int(
        np.frexp(np.abs(rest).max())[1]
    )  # squares of huge or tiny numbers would overflow or vanish
    return math.ldexp(math.sqrt((groups - 1) / groups * (np.ldexp(rest, -exponent) ** 2).sum()), exponent)


def jackknife(
    V: Rows | Array,
    analysis: Analysis | None = None,
    *,
    groups: int = GROUPS,
    seed: int = 0,
    most_rows: int = MOST_ROWS,
) -> Jackknife:
    """Take measures, and the profiles where there are frequencies, without each group of the items.

    Parameters
    ----------
    V
        the matrix, at least two rows per group.
    analysis
        measures of it, by default all that a jackknife judges. Measures that do not change smoothly with the
        items (`Measure.jackknife`) are not judged.
    groups, seed, most_rows
        number of groups, of nearly one size, seed of their draw, and `MOST_ROWS`.

    Raises
    ------
    Undefined
        if there are fewer than two rows per group.
    """
    rows = Rows.of(V)
    if analysis is None:
        judged = [measure for measure in MEASURES.values() if measure.jackknife]
        analysis = Analysis.of(rows, judged, list(PROFILES.values()))
    found: dict[str, list[float]] = {name: [] for name in analysis.values}
    exact = [MEASURES[name] for name in found if name in MEASURES and name not in analysis.standard_errors]
    measures = [measure for measure in exact if measure.jackknife is True]
    taken = {name.partition("@")[0] for name in analysis.values if "@" in name}
    profiles = [entry for name, entry in PROFILES.items() if name in taken]
    reasons = dict(analysis.reasons)
    for measure in exact:
        if callable(measure.jackknife):
            found[measure.name] = list(measure.jackknife(rows, drawn_groups(len(rows), groups, seed), groups))
    for rest in leave_out(rows, groups, seed, most_rows):
        without = Analysis.of(rest, measures, profiles)
        reasons |= without.reasons
        for name in found.keys() & without.values.keys():
            found[name].append(without.values[name])
    joined = {name: np.array([*replicates, analysis.values[name]]) for name, replicates in found.items()}
    finite = {name: x[:-1] for name, x in joined.items() if len(x) > groups and np.isfinite(x).all()}
    for name in found.keys() - finite.keys():
        reasons[name] = _why_not(name, analysis, reasons, len(rows) > most_rows)
    return Jackknife(analysis.values, finite, reasons)


def _why_not(name: str, analysis: Analysis, reasons: Mapping[str, str], large: bool) -> str:
    if name in analysis.standard_errors:
        return "it was sampled, and has the sample's standard error"
    if not (name.partition("@")[0] in PROFILES or (name in MEASURES and MEASURES[name].jackknife)):
        return "leaving out items tells nothing of counts, extremes, neighbours and recommendations"
    if large:
        return too_dear(analysis.rows)
    return reasons.get(name, "it has no finite value without some of the items")


def too_dear(n: int) -> str:
    """Return why a jackknife does not read a matrix of `n` rows again."""
    return f"{n:,} rows would be read again for each group of items left out"


def drawn_groups(n: int, groups: int = GROUPS, seed: int = 0) -> Codes:
    """Return the group of each of `n` rows, drawn with `seed`; the sizes of groups differ by one at most."""
    if groups < 2 or n < 2 * groups:
        raise Undefined(f"a jackknife over {groups} groups of items needs {2 * groups} rows, there are {n}")
    return np.random.default_rng(seed).permutation(np.arange(n) % groups).astype(np.int16)


def leave_out(rows: Rows, groups: int = GROUPS, seed: int = 0, most_rows: int = MOST_ROWS) -> Iterator[Rows]:
    """Yield the matrix without each of `groups` groups of its rows, drawn with `seed`."""
    n = len(rows)
    group = drawn_groups(n, groups, seed)
    codes, n_codes = rows.groups or (np.zeros(n, dtype=np.int16), 1)
    visit = partial(_visit_groups, groups=groups, n_codes=n_codes)
    parts, _ = rows.sweep(visit, _joined, (group, codes))
    for left_out in range(groups):
        kept = np.flatnonzero(group != left_out)
        yield Remainder(
            _Picked(rows.values, kept, readable=n <= most_rows),
            None if rows.frequency is None else rows.frequency[kept],
            rows.representations,
            rows.exact_rows,
            rows.seed,
            whole=rows,
            kept=kept,
            known=total(part for code, moments in enumerate(parts) if code != left_out for part in moments),
        )


def _visit_groups(
    block: Array, start: int, group: Codes, codes: Codes, *, groups: int, n_codes: int
) -> tuple[list[list[Moments]], tuple[()]]:
    """Return the moments of the rows of each group, as a list with one part, or none."""
    inside = [np.flatnonzero(group == which) for which in range(groups)]
    return [[block_moments(block[at], codes[at], n_codes)[0]] if len(at) else [] for at in inside], ()


def _joined(parts: Sequence[Sequence[Sequence[Moments]]]) -> list[list[Moments]]:
    by_group = [[moments for part in group for moments in part] for group in zip(*parts, strict=True)]
    return [[total(moments)] if moments else [] for moments in by_group]


@dataclass(frozen=True, eq=False, kw_only=True)
class Remainder(Rows):
    """Some of the rows of a matrix, with their moments.

    Attributes
    ----------
    whole
        the full matrix.
    kept
        int64: the rows of it, ascending.
    known
        their moments.
    """

    whole: Rows
    kept: Int
    known: Moments

    def take(self, rows: Int) -> Rows:
        """Return some of the rows, ascending, as a matrix of their own."""
        return self.whole.take(self.kept[rows])

    @cached_property
    def rank_tolerance(self) -> float:
        """The tolerance of the full matrix; without pass 2, that of roots of eigenvalues."""
        tolerance = self.whole.rank_tolerance
        return tolerance if self.values.readable else max(tolerance, _EIGENVALUES)

    @cached_property
    def head_mid_tail(self) -> Buckets | None:
        """The buckets of the full matrix, of which one may be empty."""
        return self.whole.head_mid_tail and self.whole.head_mid_tail.take(self.kept)

    @cached_property
    def deciles(self) -> Buckets | None:
        """The buckets of the full matrix, of which one may be empty."""
        return self.whole.deciles and self.whole.deciles.take(self.kept)

    @cached_property
    def groups(self) -> tuple[Codes, int] | None:
        """The groups of the full matrix."""
        return self.whole.groups and (self.whole.groups[0][self.kept], self.whole.groups[1])

    @cached_property
    def _first_pass(self) -> tuple[Moments, Float]:
        return self.known, self.whole.norms[self.kept]

    def _refined(self, values: Float, gram: Any) -> Float:
        if self.values.readable:
            return super()._refined(values, gram)
        return np.ldexp(values[: min(len(self), self.d)], self.moments.exponent)


class _Picked:
    """Some rows of a matrix, ascending, that are read by slices and never copied as a whole."""

    def __init__(self, values: Array, kept: Int, *, readable: bool):
        self.values, self.kept, self.readable = values, kept, readable
        self.shape, self.dtype = (len(kept), values.shape[1]), values.dtype

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, part: slice) -> Array:
        if not self.readable:
            raise Undefined(too_dear(len(self)))
        rows = self.kept[part]
        return self.values[int(rows[0]) : int(rows[-1]) + 1][rows - rows[0]]
