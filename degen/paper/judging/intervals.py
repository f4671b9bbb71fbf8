"""Intervals and tests over seeds, and the verdict that they allow.

A claim may have several margins, such as one per metric. It holds where all of them are positive beyond
chance, so that its p-value is the largest of theirs. It does not hold where one of them is negative beyond
chance; that p-value is the smallest of the negative ones times the number of margins (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from degen.analysis.statistics.significance import holm, t_contrast
from degen.paper.measured import Measured
from degen.studies.claims import Verdict, verdict_of, weakest
from degen.sweeps.results.summary import interval_over_seeds

Numbers = Mapping[str, Sequence[float]]
"""Margins over seeds by what they are of; a positive margin meets the claim."""

LEVEL = 0.05
"""Largest p-value, adjusted for the number of claims, at which a claim is decided."""

NOT_TRAINED = "not trained: "
"""Beginning of a finding that lacks methods without any run."""

LeftOut = Mapping[tuple[str, str], str]
"""By dataset and method: why runs that are there were left out."""


class Found(NamedTuple):
    """Verdict, the numbers in words, and the number of seeds.

    `p` is None where nothing was tested; `alone` is `p` before it was adjusted; `aside` decides nothing;
    `lacking` names methods without runs; `margins` are the numbers of each seed.
    """

    verdict: Verdict
    measured: str
    seeds: int
    p: float | None = None
    aside: str = ""
    lacking: tuple[str, ...] = ()
    alone: float | None = None
    margins: Numbers | None = None


Claims = list[tuple[str, Found]]
"""Claims of a target, each with what was found about it."""


def over_seeds(margins: Numbers, unit: str = "") -> Found:
    """Judge margins by their intervals over seeds; the weakest verdict counts.

    >>> over_seeds({"HR@5": [0.011, 0.013, 0.012]})[:3]
    ('holds', 'HR@5 +0.0120 ± 0.0025 (95 % interval, n = 3 seeds)', 3)
    >>> over_seeds({"HR@5": [0.011]})[:3]
    ('not judged', 'one seed: not judged; HR@5 +0.0110', 1)
    """
    seeds = min(map(len, margins.values()), default=0)
    if seeds == 0:
        return Found("not judged", "not measured", 0)
    most = max(map(len, margins.values()))
    counts = {name: f" (n = {len(numbers)})" if seeds < most else "" for name, numbers in margins.items()}
    if seeds == 1:
        values = ", ".join(f"{name} {np.mean(own):+.4f}{counts[name]}" for name, own in margins.items())
        return Found("not judged", f"one seed: not judged; {values}{unit}", 1, margins=margins)
    verdicts, words, tests = [], [], []
    for name, numbers in margins.items():
        (mean, half), p = interval(numbers), p_of(numbers)
        # Equal numbers have an interval of no width, which says nothing about other seeds.
        verdicts.append(verdict_of(mean, half) if p < 1 else "within noise")
        words.append(f"{name} {mean:+.4f} ± {half:.4f}{counts[name]}")
        tests.append((mean, p))
    number = f"{seeds} to {most}" if seeds < most else seeds
    measured = f"{', '.join(words)}{unit} (95 % interval, n = {number} seeds)"
    return Found(weakest(verdicts), measured, seeds, p_of_all(tests), margins=margins)


def not_trained(needed: Iterable[str], rows: Iterable[Measured]) -> Found | None:
    """Return the finding that methods of a claim have no run, in the order of their names; else None."""
    lacking = sorted(set(needed) - {row.method for row in rows})
    names = ", ".join(lacking)
    return Found("not judged", NOT_TRAINED + names, 0, lacking=tuple(lacking)) if lacking else None


def reason(found: Found, dataset: str, left_out: LeftOut) -> Found:
    """Return a finding that tells methods whose runs were left out from those that are not trained."""
    told = [f"left out: {name} ({why})" for name in found.lacking if (why := left_out.get((dataset, name)))]
    if not told:
        return found
    without = [name for name in found.lacking if (dataset, name) not in left_out]
    told += [NOT_TRAINED + ", ".join(without)] if without else []
    return found._replace(measured="; ".join(told))


def adjusted(found: Sequence[Found]) -> list[Found]:
    """Return findings judged together: each p-value is adjusted for the number of claims (Holm).

    A finding without a p-value stays as it is, and counts as no test.
    """
    tested = [one.p for one in found if one.p is not None]
    values = iter(holm(tested).tolist())
    return [one if one.p is None else _adjusted(one, next(values), len(tested)) for one in found]


def _adjusted(found: Found, p: float, claims: int) -> Found:
    words = f"{found.measured}; p = {found.p:.2g}"
    if claims > 1:
        words += f", {p:.2g} for {claims} claims (Holm)"
    verdict = found.verdict if p <= LEVEL else "within noise"
    return found._replace(verdict=verdict, measured=words, p=p, alone=found.p)


def p_of(numbers: Sequence[float]) -> float:
    """Return the two-sided p-value of a mean of zero by Student's t: 1 where nothing varies."""
    p = t_contrast([np.asarray(numbers, dtype=np.float64)], [1.0]).p
    return 1.0 if p is None else p


def p_of_all(tests: Sequence[tuple[float, float]]) -> float:
    """Return the p-value of a claim from means and p-values of its margins, as the module says."""
    against = [p for mean, p in tests if mean < 0]
    return min(1.0, len(tests) * min(against)) if against else max(p for _, p in tests)


def interval(numbers: Sequence[float]) -> tuple[float, float]:
    """Return the mean of two or more numbers, and half of its 95 % interval by Student's t."""
    low, high = interval_over_seeds(numbers)
    return float(np.mean(numbers)), (high - low) / 2
