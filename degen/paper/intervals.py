"""Intervals over seeds, and the verdict that they allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from degen.studies.claims import Verdict, verdict_of, weakest
from degen.sweeps.results.summary import interval_over_seeds

Numbers = Mapping[str, Sequence[float]]
"""Margins over seeds by what they are of; a positive margin meets the claim."""

Found = tuple[Verdict, str, int]
"""Verdict, the numbers in words, and the number of seeds."""


def over_seeds(margins: Numbers, unit: str = "") -> Found:
    """Judge margins by their intervals over seeds; the weakest verdict counts.

    >>> over_seeds({"HR@5": [0.011, 0.013, 0.012]})
    ('holds', 'HR@5 +0.0120 ± 0.0025 (95 % interval, n = 3 seeds)', 3)
    >>> over_seeds({"HR@5": [0.011]})
    ('not judged', 'one seed: not judged; HR@5 +0.0110', 1)
    """
    seeds = min(map(len, margins.values()), default=0)
    if seeds == 0:
        return "not judged", "not measured", 0
    if seeds == 1:
        values = ", ".join(f"{name} {numbers[0]:+.4f}" for name, numbers in margins.items())
        return "not judged", f"one seed: not judged; {values}{unit}", 1
    verdicts, words = [], []
    for name, numbers in margins.items():
        mean, half = interval(numbers)
        verdicts.append(verdict_of(mean, half))
        words.append(f"{name} {mean:+.4f} ± {half:.4f}")
    return weakest(verdicts), f"{', '.join(words)}{unit} (95 % interval, n = {seeds} seeds)", seeds


def interval(numbers: Sequence[float]) -> tuple[float, float]:
    """Return the mean of two or more numbers, and half of its 95 % interval by Student's t."""
    low, high = interval_over_seeds(numbers)
    return float(np.mean(numbers)), (high - low) / 2
