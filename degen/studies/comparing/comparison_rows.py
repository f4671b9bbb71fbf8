"""Comparisons as flat rows, for JSON and CSV."""

from __future__ import annotations

import math
from typing import Any

from degen.analysis.statistics.differences import Comparison
from degen.studies.compare import DatasetComparison, SideComparison
from degen.studies.comparing.judged import Better, more_isotropic

_OUTCOMES = {"a": "more collapsed", "b": "more isotropic"}


def comparison_rows(dataset: DatasetComparison) -> list[dict[str, Any]]:
    """Return a flat row for every measure, accuracy and likeness of every side, for CSV and JSON.

    `more_isotropic` is the name of a side, `same`, `within noise` or `unknown`.
    """
    rows = []
    for side in dataset.comparisons:
        about = {"dataset": dataset.name, "against": side.base, "side": side.other}
        for comparison in side.measures:
            row = about | {"kind": "embeddings"} | _flat(comparison)
            rows.append(row | {"more_isotropic": named(side, better(side, comparison))})
        rows += [about | {"kind": "users"} | _flat(comparison) for comparison in side.users]
        alike = [{"kind": "alike", "measure": name, "value": value} for name, value in side.alike.items()]
        rows += [about | row for row in alike]
    return rows


def verdict_rows(dataset: DatasetComparison) -> list[dict[str, Any]]:
    """Return the verdict on every side as a flat row.

    `outcome` is about `side`: `more isotropic`, `more collapsed`, `same`, `within noise`, `mixed`
    or `unknown`.
    """
    return [
        {
            "dataset": dataset.name,
            "against": side.base,
            "side": side.other,
            "outcome": _OUTCOMES.get(side.verdict.outcome, side.verdict.outcome),
            "text": side.verdict.text,
        }
        for side in dataset.comparisons
    ]


def better(side: SideComparison, comparison: Comparison) -> Better:
    """Return the more isotropic side by a measure: as the verdict has it, where it has it."""
    if any(one.measure == comparison.measure for one in side.verdict.measures):
        return side.verdict.better(comparison.measure)
    return more_isotropic(side.sides, comparison)


def named(side: SideComparison, found: Better) -> str:
    """Return the name of a side; other values stay."""
    return {"a": side.base, "b": side.other}.get(found, found)


def _flat(comparison: Comparison) -> dict[str, Any]:
    low, high = comparison.interval or (None, None)
    return {
        "measure": comparison.measure,
        "against_value": _finite(comparison.a),
        "value": _finite(comparison.b),
        "difference": _finite(comparison.difference),
        "low": low,
        "high": high,
        "noise": comparison.noise,
        "method": comparison.method,
        "p": comparison.p,
        "adjusted_p": comparison.adjusted_p,
        "marked": comparison.marked,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
