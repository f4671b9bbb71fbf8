"""Numbers of a table from windows: median, lowest and highest, and ratios of windows of one round."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchlib.turns import Answer, Outcome


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, lowest, highest and number of values."""
    return {
        "median": statistics.median(values),
        "lowest": min(values),
        "highest": max(values),
        "windows": len(values),
    }


def rates(windows: Sequence[Answer]) -> list[float]:
    """Samples a second of each window."""
    return [window["samples"] / window["seconds"] for window in windows]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """Return how many times as fast ours are, round by round."""
    return spread([our / their for our, their in zip(ours, theirs, strict=True)])


def compare(outcomes: Mapping[str, Outcome], against: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Rates of all who finished, the ratios asked for, and the reasons of those who failed.

    Parameters
    ----------
    outcomes
        of `interleave`.
    against
        for each peer the names of ours that it is compared with.

    Returns
    -------
    `rates` by name; `ratios` as `{peer: {ours: …}}`; `failures` and `facts` by name; `evaluation_seconds` of
    those whose windows tell them.
    """
    rate = {name: rates(outcome.windows) for name, outcome in outcomes.items() if outcome.failure is None}
    return {
        "rates": {name: spread(values) for name, values in rate.items()},
        "ratios": {
            peer: {our: ratios(rate[our], rate[peer]) for our in ours if our in rate}
            for peer, ours in against.items()
            if peer in rate
        },
        "failures": {name: o.failure for name, o in outcomes.items() if o.failure is not None},
        "facts": {name: outcome.facts for name, outcome in outcomes.items()},
        "evaluation_seconds": {
            name: spread([window["evaluation_seconds"] for window in outcome.windows])
            for name, outcome in outcomes.items()
            if name in rate and "evaluation_seconds" in outcome.windows[0]
        },
    }
