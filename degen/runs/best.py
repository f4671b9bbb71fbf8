"""The best epoch of a run, and the epochs that runs have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from degen.errors import UserError
from degen.runs.directory import RunDirectory


def best_row(rows: Sequence[dict[str, Any]], stop_on: str, decimals: int | None = None) -> dict[str, Any]:
    """Return the line of `metrics.jsonl` with the highest `valid_<stop_on>`, the earliest of equals.

    The metric is rounded to `decimals` before lines are compared; None compares the full value.
    """

    def score(row: dict[str, Any]) -> float:
        value = row.get(f"valid_{stop_on}")
        if not isinstance(value, int | float):
            raise UserError(
                f"the line of epoch {row.get('epoch')} in metrics.jsonl lacks valid_{stop_on}, which chooses "
                "the best epoch; train again with `overwrite=True`"
            )
        return value if decimals is None else round(value, decimals)

    return max(rows, key=score)


def best_epoch(run: RunDirectory) -> int | None:
    """Return the epoch of `item_embeddings.npy`: the best one so far, by the metric that the run stops on.

    None where neither `test.json` nor the lines of `metrics.jsonl` tell; those of `degen.Monitor` name it.
    """
    if run.state == "finished" and isinstance(run.test.get("epoch"), int):
        return int(run.test["epoch"])
    rows = run.metrics
    if rows and isinstance(rows[-1].get("best_epoch"), int):
        return int(rows[-1]["best_epoch"])
    settings = run.config.get("training", {})
    stop_on = settings.get("stop_on", "NDCG@10")
    scored = [row for row in rows if isinstance(row.get(f"valid_{stop_on}"), int | float)]
    return int(best_row(scored, stop_on, settings.get("stop_decimals"))["epoch"]) if scored else None


def common_epoch(runs: Sequence[RunDirectory]) -> int | None:
    """Return the last epoch whose item embeddings all of the runs kept, or None."""
    kept = [set(run.kept_epochs) for run in runs]
    return max(set.intersection(*kept), default=None) if kept else None
