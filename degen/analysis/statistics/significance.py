"""Tests of means: Student's and Welch's t, a bootstrap of t, and Holm's correction for many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from degen.analysis.passes.arrays import Float

FEW = 10
"""Size of a sample up to which its mean is taken to be normal; larger ones are bootstrapped."""

_DRAWS = 9999
_SAME = 1e-12
"""A standard error below this share of the largest number is rounding: nothing varies."""


@dataclass(frozen=True)
class Contrast:
    """A mean, or a difference of two, with its interval and the p-value of 0, None where nothing varies."""

    value: float
    standard_error: float
    interval: tuple[float, float]
    p: float | None
    method: str


def contrast(
    samples: Sequence[Float], signs: Sequence[float], level: float = 0.95, seed: int = 0
) -> Contrast:
    """Test Σ sign · mean over independent samples: by t where one is small, else by a bootstrap of t."""
    few = min(map(len, samples)) <= FEW
    return t_contrast(samples, signs, level) if few else bootstrap_contrast(samples, signs, level, seed)


def t_contrast(samples: Sequence[Float], signs: Sequence[float], level: float = 0.95) -> Contrast:
    """Test Σ sign · mean over independent samples of at least two numbers: Student's t, or Welch's for two.

    Degrees of freedom as in Welch 1947 and Satterthwaite 1946; for one sample its size minus one.
    """
    from scipy.special import stdtr

    value, variances, error = _moments(samples, signs)
    if error == 0:
        return Contrast(value, 0.0, (value, value), None, "")
    squares = sum(v**2 / (len(x) - 1) for v, x in zip(variances, samples, strict=True))
    degrees = error**4 / squares
    half = student(level, degrees) * error
    method = "Student's t" if len(samples) == 1 else "Welch's t"
    p = float(2 * stdtr(degrees, -abs(value / error)))
    return Contrast(value, error, (value - half, value + half), p, method)


def bootstrap_contrast(
    samples: Sequence[Float], signs: Sequence[float], level: float = 0.95, seed: int = 0
) -> Contrast:
    """Test Σ sign · mean over independent samples by a symmetric bootstrap of t (Hall 1988)."""
    value, _, error = _moments(samples, signs)
    if error == 0:
        return Contrast(value, 0.0, (value, value), None, "")
    drawn = _drawn_t(samples, signs, seed)
    half = float(np.quantile(drawn, level)) * error
    p = float((1 + (drawn >= abs(value) / error).sum()) / (1 + len(drawn)))
    return Contrast(value, error, (value - half, value + half), p, "bootstrap of t")


def _moments(samples: Sequence[Float], signs: Sequence[float]) -> tuple[float, list[float], float]:
    """Return the contrast, the variance of each mean, and the standard error, 0 where nothing varies."""
    value = sum(sign * float(x.mean()) for sign, x in zip(signs, samples, strict=True))
    variances = [float(x.var(ddof=1)) / len(x) for x in samples]
    error = math.sqrt(sum(variances))
    return value, variances, error if error > _SAME * max(abs(x).max() for x in samples) else 0.0


def _drawn_t(samples: Sequence[Float], signs: Sequence[float], seed: int) -> Float:
    """Return |t| of numbers drawn with repeats, about the samples' own means, float64 [draws]."""
    generator = np.random.default_rng(seed)
    moved, variance = np.zeros(_DRAWS), np.zeros(_DRAWS)
    for sign, x in zip(signs, samples, strict=True):
        drawn = x[generator.integers(len(x), size=(_DRAWS, len(x)))]
        moved += sign * (drawn.mean(axis=1) - x.mean())
        variance += drawn.var(axis=1, ddof=1) / len(x)
    # A draw that repeats one number has no spread; it counts as infinitely far out.
    far = np.full(_DRAWS, math.inf)
    return np.asarray(np.divide(abs(moved), np.sqrt(variance), out=far, where=variance > 0))


def holm(p: Sequence[float]) -> Float:
    """Return p-values adjusted for the number of tests, float64, in the order given.

    The chance of any false mark stays below the level, however the tests depend on one another. Source: Holm
    1979.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = steps.clip(max=1)
    return adjusted


def student(level: float, degrees: float) -> float:
    """Return the half-width, in standard errors, of the interval that holds `level` of Student's t."""
    from scipy.special import stdtrit  # `scipy.stats` has the same numbers, and takes half a second to import

    return float(stdtrit(degrees, (1 + level) / 2))
