"""Several seeds on the command line: what `--seeds` takes, and what is said over them."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from typing import Any

from degen.errors import UserError

Result = dict[str, Any]

MOST_SEEDS = 10_000
"""Of a range; more is a slip of the hand."""


def parse_seeds(text: str) -> list[int]:
    """Turn `0-7` or `0,3,5`, or both together, into seeds in the order given.

    Raises
    ------
    UserError
        for anything else, a range that goes down, or a seed named twice.

    >>> parse_seeds("0-2,7")
    [0, 1, 2, 7]
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if found is None:
            raise UserError(f"--seeds {text}: write numbers and ranges, such as 0-7 or 0,3,5")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise UserError(f"--seeds {text}: the range {part.strip()} goes down; write {last}-{first}")
        if last - first >= MOST_SEEDS:
            raise UserError(f"--seeds {text}: that is {last - first + 1:,} runs; {MOST_SEEDS:,} at most")
        seeds.extend(range(first, last + 1))
    if len(set(seeds)) < len(seeds):
        raise UserError(f"--seeds {text}: a seed stands there twice; name each once")
    return seeds


def over_seeds(results: Sequence[Result], measures: Sequence[str]) -> list[Result]:
    """Mean and standard deviation (of a sample, n - 1) of each measure over the seeds of each variant.

    The deviation of a single seed is None.
    """
    summaries = []
    for variant in dict.fromkeys(result["variant"] for result in results):
        own = [result for result in results if result["variant"] == variant]
        summary: Result = {"variant": variant, "dataset": own[0]["dataset"], "seeds": len(own)}
        for name in measures:
            values = [float(result[name]) for result in own]
            summary[name] = statistics.fmean(values)
            summary[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
        summaries.append(summary)
    return summaries


def summary_rows(summaries: Sequence[Result], measures: Sequence[str]) -> list[list[str]]:
    """Cells of a table: variant, number of seeds, and `mean ± deviation` of each measure."""
    return [
        [one["variant"], str(one["seeds"]), *(_spread(one[name], one[f"{name}_sd"]) for name in measures)]
        for one in summaries
    ]


def _spread(mean: float, deviation: float | None) -> str:
    return f"{mean:.4f}" if deviation is None else f"{mean:.4f} ± {deviation:.4f}"
