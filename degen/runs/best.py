"""The best epoch of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def best_row(rows: Sequence[dict[str, Any]], stop_on: str, decimals: int | None = None) -> dict[str, Any]:
    """Return the line of `metrics.jsonl` with the highest validation metric, the earliest of equals.

    Parameters
    ----------
    rows
        lines of one run in the order of their epochs, at least one, each with `valid_<stop_on>`.
    stop_on
        ranking metric that decides, such as `NDCG@10`.
    decimals
        decimals to which the metric is rounded before lines are compared; None compares the full value.
    """

    def score(row: dict[str, Any]) -> float:
        value: float = row[f"valid_{stop_on}"]
        return value if decimals is None else round(value, decimals)

    return max(rows, key=score)
