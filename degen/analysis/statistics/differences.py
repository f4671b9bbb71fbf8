"""Intervals for measures, and tests of differences: over seeds, over items and over users.

    over_seeds          an interval for the mean over seeds
    over_items          an interval for a measure of one matrix, from a jackknife over items
    compare_seeds       two variants with several seeds each: Welch's t, or a bootstrap over many seeds
    compare_matrices    two matrices over the same items: a paired jackknife over items
    compare_users       two models on the same users: a paired t test over users

Another seed gives other embeddings and another accuracy. Where a side has one seed only, that noise is
unknown. Then nothing is marked as different, however narrow an interval over items or users is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from degen.analysis.passes.arrays import Float
from degen.analysis.statistics.jackknife import Jackknife, standard_error
from degen.analysis.statistics.significance import contrast, holm, student, t_contrast
from degen.analysis.values import Interval, Undefined
from degen.errors import UserError

SEED_NOISE_UNKNOWN = "seed noise unknown"


@dataclass(frozen=True)
class Comparison:
    """A measure on two sides.

    Attributes
    ----------
    measure
        its name.
    a, b
        the values; means where a side has several seeds.
    difference
        b - a.
    interval
        of the difference, or None where its noise is unknown.
    noise
        source of the interval's noise, and what is unknown, such as `items; seed noise unknown`.
    method
        name of the method that gave interval and p.
    p, adjusted_p
        two-sided p-value of no difference, before and after Holm's correction over all measures compared.
        None without a test.
    marked
        whether the difference exceeds the noise of seeds: `adjusted_p` is at most 1 - level.
    """

    measure: str
    a: float
    b: float
    difference: float
    interval: tuple[float, float] | None
    noise: str
    method: str
    p: float | None = None
    adjusted_p: float | None = None
    marked: bool = False


def over_seeds(values: Sequence[float], level: float = 0.95, seed: int = 0) -> Interval:
    """Return the mean over seeds with its interval: Student's t up to 10 seeds, else a bootstrap of t.

    Raises
    ------
    Undefined
        with fewer than two seeds, or where a value is not finite.
    """
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < 2:
        raise Undefined(
            f"{SEED_NOISE_UNKNOWN}: an interval over seeds needs at least 2, there is {len(sample)}"
        )
    if not np.isfinite(sample).all():
        raise Undefined("an interval over seeds needs a finite value for each of them")
    found = contrast([sample], [1.0], level, seed)
    return Interval(found.value, *found.interval, found.standard_error, "seeds", found.method)


def over_items(judged: Jackknife, measure: str, level: float = 0.95) -> Interval:
    """Return a measure of one matrix with its interval over items.

    Raises
    ------
    Undefined
        if the jackknife does not judge the measure.
    """
    if measure not in judged.replicates:
        raise Undefined(f"{measure}: {judged.reasons.get(measure, 'it was not measured')}")
    value, error = judged.values[measure], standard_error(judged.replicates[measure])
    half = student(level, len(judged.replicates[measure]) - 1) * error
    return Interval(value, value - half, value + half, error, "items", _jackknife_of(judged, measure))


def compare_seeds(
    a: Mapping[str, Sequence[float | None]],
    b: Mapping[str, Sequence[float | None]],
    level: float = 0.95,
    seed: int = 0,
) -> list[Comparison]:
    """Compare two variants measure by measure, from the values for their seeds.

    Parameters
    ----------
    a, b
        by measure, a value for each seed; sides may have different numbers of seeds. None where a measure has
        no value.
    level
        of intervals, and 1 minus that of marks.
    seed
        of the bootstrap.

    Returns
    -------
    One for each measure that both have, in the order of `a`.
    """
    both = [name for name in a if name in b]
    return _holm([_over_seeds(name, [a[name], b[name]], level, seed) for name in both], level)


def _over_seeds(name: str, sides: Sequence[Any], level: float, seed: int) -> Comparison:
    a, b = (np.array(values, dtype=np.float64) for values in sides)  # None becomes NaN
    means = float(a.mean()), float(b.mean())
    plain = Comparison(name, *means, means[1] - means[0], None, SEED_NOISE_UNKNOWN, "")
    if not np.isfinite([*a, *b]).all():
        return replace(plain, noise="no finite value for each seed")
    if min(len(a), len(b)) < 2:
        return plain
    found = contrast([a, b], [-1.0, 1.0], level, seed)
    if found.p is None:
        return replace(plain, noise="seeds; they do not differ")
    return replace(plain, interval=found.interval, noise="seeds", method=found.method, p=found.p)


def compare_matrices(a: Jackknife, b: Jackknife, level: float = 0.95) -> list[Comparison]:
    """Compare two matrices over the same items, in the same order, measure by measure.

    Both jackknives must have left out the same groups. The noise is that of items: nothing is marked, because
    another seed would have given other matrices.

    Raises
    ------
    UserError
        if the numbers of groups differ.
    """
    found = []
    for name in (name for name in a.values if name in b.values):
        values = float(a.values[name]), float(b.values[name])
        difference = values[1] - values[0]
        compared = Comparison(name, *values, difference, None, SEED_NOISE_UNKNOWN, "")
        if name in a.replicates and name in b.replicates:
            compared = replace(compared, **_paired(a, b, name, difference, level))
        found.append(compared)
    return found


def _paired(a: Jackknife, b: Jackknife, name: str, difference: float, level: float) -> dict[str, Any]:
    first, second = a.replicates[name], b.replicates[name]
    if len(first) != len(second):
        raise UserError(
            f"one matrix was measured without each of {len(first)} groups of items, the other {len(second)}"
        )
    half = student(level, len(first) - 1) * standard_error(second - first)
    return {
        "interval": (difference - half, difference + half),
        "noise": f"items; {SEED_NOISE_UNKNOWN}",
        "method": f"paired {_jackknife_of(a, name)}",
    }


def _jackknife_of(judged: Jackknife, measure: str) -> str:
    return f"jackknife over {len(judged.replicates[measure])} groups of items"


def compare_users(a: Mapping[str, Float], b: Mapping[str, Float], level: float = 0.95) -> list[Comparison]:
    """Compare two models by what each user gets from them, such as NDCG@10, with a paired t test over users.

    Parameters
    ----------
    a, b
        by measure, float64 [users], in the same order.

    Returns
    -------
    One for each measure that both have. p concerns these two models on users like these. Nothing is marked,
    because another seed would have given other models.

    Raises
    ------
    UserError
        if the numbers of users differ, or there are fewer than two.
    """
    return _holm([_over_users(name, a[name], b[name], level) for name in a if name in b], level)


def _over_users(name: str, a: Float, b: Float, level: float) -> Comparison:
    if len(a) != len(b) or len(a) < 2:
        raise UserError(
            f"{len(a)} users and {len(b)}; a paired comparison needs the same users, two at least"
        )
    means = float(a.mean()), float(b.mean())
    found = t_contrast([b - a], [1.0], level)
    noise = f"users; {SEED_NOISE_UNKNOWN}"
    if found.p is None:
        return Comparison(name, *means, found.value, None, noise, "")
    return Comparison(name, *means, found.value, found.interval, noise, "paired t", found.p)


def _holm(found: Sequence[Comparison], level: float) -> list[Comparison]:
    """Adjust the p-values, and mark the differences that exceed the noise of seeds."""
    adjusted = iter(holm([comparison.p for comparison in found if comparison.p is not None]))
    judged = []
    for comparison in found:
        p = None if comparison.p is None else float(next(adjusted))
        marked = p is not None and p <= 1 - level and comparison.noise == "seeds"
        judged.append(replace(comparison, adjusted_p=p, marked=marked))
    return judged
