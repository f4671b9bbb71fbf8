"""Best epoch of a recorded run, whose embeddings are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from degen.errors import UserError, nearest

Row = dict[str, Any]

DEFAULT = "valid_NDCG@10"


@dataclass(frozen=True)
class Best:
    """The metric that decides, by default `valid_NDCG@10`, and whether larger or smaller is better."""

    metric: str | None
    mode: Literal["max", "min"]

    def __post_init__(self) -> None:
        if self.mode not in ("max", "min"):
            raise UserError(f"`mode` takes 'max' or 'min', not {self.mode!r}")

    @property
    def key(self) -> str:
        """The key of `metrics.jsonl` that is compared."""
        return self.metric or DEFAULT

    def check(self, row: Row) -> None:
        """Refuse a line with validation metrics but without the one that was asked for."""
        validated = any(key.startswith("valid_") for key in row)
        if self.metric is not None and validated and self.metric not in row:
            raise UserError(
                f"metrics lacks '{self.metric}', which picks the best epoch{nearest(self.metric, row)}"
            )

    def epoch(self, row: Row, before: list[Row], dropped: list[Row]) -> int:
        """Return the best epoch up to `row`, the earliest of equals; the latest until a line has the metric.

        `before` are the lines of the epochs before it, each with its `best_epoch`, and `dropped` those that
        `row` and its successors replace. If the best epoch is among these, the embeddings of earlier epochs
        are gone, so the search for the best starts again at `row`.
        """
        number: int = row["epoch"]
        if not before or (dropped and dropped[-1]["best_epoch"] >= number):
            return number
        kept: int = before[-1]["best_epoch"]
        sign = 1 if self.mode == "max" else -1
        score = next(other.get(self.key) for other in before if other["epoch"] == kept)
        if score is None or (self.key in row and sign * row[self.key] > sign * score):
            return number
        return kept
