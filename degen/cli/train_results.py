"""Results of `degen train`: a table of its runs, and means and deviations over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from degen.cli.options import Typed
from degen.cli.output import Output

MEASURES = ("HR@5", "NDCG@5", "HR@10", "NDCG@10")
"""Test metrics that are printed at the end."""


def print_results(results: list[dict[str, Any]], output: Output, *, several_seeds: bool) -> None:
    """Print the table, or JSON; of several seeds also the means over them."""
    summaries = over_seeds(results) if several_seeds else []
    runs: Any = results if len(results) > 1 else results[0]
    if output.result({"runs": results, "over_seeds": summaries} if several_seeds else runs):
        return
    output.table(list(results[0]), [list(result.values()) for result in results])
    if several_seeds:
        rows = [
            [row["variant"], str(row["seeds"]), *(_spread(row[name], row[f"{name}_sd"]) for name in MEASURES)]
            for row in summaries
        ]
        output.table(["variant", "seeds", *MEASURES], rows, "mean ± standard deviation")


def over_seeds(results: Sequence[Typed]) -> list[Typed]:
    """Return mean and sample standard deviation of each metric over the seeds of each variant.

    The deviation of a single seed is None.
    """
    summaries = []
    for variant in dict.fromkeys(result["variant"] for result in results):
        of_variant = [result for result in results if result["variant"] == variant]
        summary: Typed = {"variant": variant, "dataset": of_variant[0]["dataset"], "seeds": len(of_variant)}
        for name in MEASURES:
            values = [float(result[name]) for result in of_variant]
            summary[name] = statistics.fmean(values)
            summary[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
        summaries.append(summary)
    return summaries


def _spread(mean: float, deviation: float | None) -> str:
    return f"{mean:.4f}" if deviation is None else f"{mean:.4f} ± {deviation:.4f}"
