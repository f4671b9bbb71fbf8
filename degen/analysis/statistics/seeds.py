"""Means over seeds, an epoch at a time.

Seeds stop at different epochs. A mean that loses a seed on the way would jump, so it ends where the first
one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np


def mean_by_epoch(runs: Sequence[Sequence[Mapping[str, Any]]], keys: Iterable[str]) -> list[dict[str, Any]]:
    """Return one row an epoch that every run has, in order: `epoch` and the mean of each of `keys`.

    Parameters
    ----------
    runs
        at least one; the rows of each hold `epoch`, once each, and numbers or None.
    keys
        what to average; None where one run has None or lacks the key.
    """
    by_epoch = [{row["epoch"]: row for row in rows} for rows in runs]
    common = sorted(set.intersection(*(set(rows) for rows in by_epoch)))
    names = list(keys)
    return [{"epoch": epoch, **_means([rows[epoch] for rows in by_epoch], names)} for epoch in common]


def _means(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, float | None]:
    return {key: _mean([row.get(key) for row in rows]) for key in keys}


def _mean(values: Sequence[Any]) -> float | None:
    return None if any(value is None for value in values) else float(np.mean(values))
