"""The rule by which each core measure is judged on two sides: which one is more isotropic, if any.

The rule:

unknown       a side has no finite value; or the measure has no more isotropic end (a narrow cone has hubs,
              but a collapse into two directions has none); or it depends on the number of dimensions, in
              which the sides differ
same          the difference is below a hundredth of the measure's scale (`degen.analysis.core.scale`),
              however certain it is
within noise  the difference is larger, and lies within the known noise: neither proven nor disproven
a, b          otherwise: the side that is more isotropic

The known noise is that of seeds where both sides have several: Welch's p after Holm's correction over the
judged core measures is above 0.05. Else it is that of items, from a paired jackknife: the 95 % interval of
the difference holds 0, without a correction. Else nothing is known, and only the hundredth counts. That is
also so for a measure that was sampled (more than 25,000 rows); its standard error is below the hundredth.
The noise between trainings of a side with one training is unknown; the verdict says so instead of guessing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from degen.analysis.core import CORE, NEEDS_FREQUENCY, ON_DIMENSIONS, scale
from degen.analysis.registry import MEASURES
from degen.analysis.statistics.differences import Comparison
from degen.analysis.statistics.significance import holm

Better = Literal["a", "b", "same", "within noise", "unknown"]

LEAST = 0.01
"""Smallest share of a measure's scale that counts as a difference."""

_LEVEL = 0.05
_EQUAL = 1e-9


@dataclass(frozen=True)
class Two:
    """The two sides of a verdict.

    Attributes
    ----------
    a, b
        their names.
    dimensions
        numbers of columns of their matrices.
    trainings
        numbers of matrices, each from a training of its own.
    """

    a: str
    b: str
    dimensions: tuple[int, int]
    trainings: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Judged:
    """A core measure on two sides.

    Attributes
    ----------
    comparison
        values, difference and interval.
    better
        the more isotropic side, `same`, `within noise` or `unknown`.
    reason
        explains what is no side; empty for a side.
    """

    comparison: Comparison
    better: Better
    reason: str = ""

    @property
    def measure(self) -> str:
        """Name of the measure."""
        return self.comparison.measure

    @property
    def points_to(self) -> Literal["a", "b"]:
        """The side that would be more isotropic if the difference were no noise."""
        return "b" if (self.comparison.difference > 0) == (MEASURES[self.measure].arrow == "↑") else "a"


def judged(sides: Two, comparisons: Sequence[Comparison]) -> tuple[Judged, ...]:
    """Return the core measures among `comparisons`, in the order of `CORE`, each with its better side.

    The measure of rare items is left out where no side has it: then frequencies are not known.
    """
    found = {one.measure: one for one in comparisons if one.measure in CORE}
    rare = found.get(NEEDS_FREQUENCY)
    if rare is not None and not (math.isfinite(rare.a) or math.isfinite(rare.b)):
        del found[NEEDS_FREQUENCY]
    core = [found[name] for name in CORE if name in found]
    open_ = [one for one in core if not _not_comparable(sides, one)]
    tested = [one for one in open_ if one.p is not None]
    p = dict(zip((one.measure for one in tested), holm([one.p or 0.0 for one in tested]), strict=True))
    return tuple(_judged(sides, one, p.get(one.measure)) for one in core)


def more_isotropic(sides: Two, one: Comparison) -> Better:
    """Return the more isotropic side by any measure, by the rule for core ones and its own `adjusted_p`.

    A hundredth of the larger value counts where the measure is not a core one, and those are not compared
    between matrices of different numbers of dimensions.
    """
    return _judged(sides, one, one.adjusted_p).better


def _judged(sides: Two, one: Comparison, p: float | None) -> Judged:
    if reason := _not_comparable(sides, one):
        return Judged(one, "unknown", reason)
    if abs(one.difference) <= _EQUAL * max(abs(one.a), abs(one.b)):
        return Judged(one, "same", "equal")
    if abs(one.difference) < LEAST * scale(one.measure, one.a, one.b):
        return Judged(one, "same", "the difference is below a hundredth of its scale")
    holds_0 = one.interval is not None and one.interval[0] <= 0 <= one.interval[1]
    if holds_0 if p is None else p > _LEVEL:
        return Judged(one, "within noise", f"within the noise of {one.noise.partition(';')[0]}")
    found = Judged(one, "a")
    return replace(found, better=found.points_to)


def _not_comparable(sides: Two, one: Comparison) -> str:
    """Return the reason why a measure cannot favour a side; empty if it can."""
    missing = [name for name, value in ((sides.a, one.a), (sides.b, one.b)) if not math.isfinite(value)]
    if missing:
        return f"no value for {' and '.join(missing)}"
    if one.measure not in MEASURES or not MEASURES[one.measure].arrow:
        return "neither end is more isotropic"
    depends = one.measure in ON_DIMENSIONS or one.measure not in CORE
    if depends and sides.dimensions[0] != sides.dimensions[1]:
        return f"depends on the number of dimensions, {sides.dimensions[0]} and {sides.dimensions[1]}"
    return ""
