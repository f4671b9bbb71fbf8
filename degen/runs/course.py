"""Warnings about the course of a run, from the lines of `metrics.jsonl` and its configuration.

    collapsed          uniformity of h above -0.2 at the best epoch, by the paper's definition (Eq. 7)
    still improving    the best epoch is the last one, and `epochs` ended the run
    disagreeing        after the best epoch the loss falls, and validation has lost a tenth of its best value
    filtered           the core filter dropped more than half of the actions

Uniformity has no threshold where a run measures it by the definition of the released code: that one takes raw
vectors, whose lengths it depends on. Such a run is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from degen.errors import UserError
from degen.runs.best import best_row
from degen.runs.directory import RunDirectory

Row = Mapping[str, Any]

COLLAPSED = -0.2
"""Uniformity above which nearly all h point the same way: it is the value where all cosines are 0.95."""

LOST, AFTER = 0.1, 5
"""Share of the best validation value that is lost, and the least number of epochs over which it is.

The loss goes on falling in most runs that stop early, and validation loses 1 to 3 % in the ten epochs of
patience on Beauty and Clothing: that is no disagreement. The median of the last epochs is compared, so that
one low value does not count.
"""


FILTERED = "the core filter dropped"
"""Begin of the warning about a log, which all runs on it have in common."""

MOST_WARNED = 3
"""Number of runs whose warnings are told; of more, they are counted."""


def collapsed(best: Row, definition: str) -> str | None:
    """Return a warning where h has collapsed at the best epoch.

    >>> collapsed({"epoch": 3, "uniformity": -0.05}, "paper")[:40]
    'h has collapsed: uniformity of h, the se'
    """
    value = best.get("uniformity")
    if definition != "paper" or value is None or value <= COLLAPSED:
        return None
    return (
        f"h has collapsed: uniformity of h, the sequence representations, is {value:.3f} at the best epoch, "
        f"{best['epoch']} (0 is a single point, and above {COLLAPSED} nearly all sequences point the same "
        "way); more steps often spread it: a smaller `batch_size`, or longer training"
    )


def still_improving(rows: Sequence[Row], best: Row, settings: Mapping[str, Any]) -> str | None:
    """Return a warning where `epochs` ended a run whose best epoch is its last one.

    A run of one epoch, or one that `max_steps` limits, is a trial. Early stopping never ends a run there.
    """
    last = rows[-1]["epoch"]
    if len(rows) < 2 or settings.get("max_steps") or last != settings.get("epochs") or best["epoch"] != last:
        return None
    return (
        f"the best epoch is the last one ({last}), so validation was still improving; go on with "
        "`resume=True` and a larger `epochs`"
    )


def disagreeing(rows: Sequence[Row], best: Row, metric: str) -> str | None:
    """Return a warning where the loss falls after the best epoch while validation falls far.

    `metric` is the one that stops the run, such as `NDCG@10`.
    """
    later = [row for row in rows if row["epoch"] > best["epoch"]]
    last, key = rows[-1], f"valid_{metric}"
    loss = "recommendation_loss" if "recommendation_loss" in last else "loss"
    values = [row[key] for row in later[-AFTER:] if row.get(key) is not None]
    if len(later) < AFTER or len(values) < AFTER or best.get(loss) is None or last.get(loss) is None:
        return None
    now = median(values)
    if last[loss] >= best[loss] or now >= (1 - LOST) * best[key]:
        return None
    return (
        f"training and validation disagree: from epoch {best['epoch']} to {last['epoch']} the loss fell from "
        f"{best[loss]:.3f} to {last[loss]:.3f}, and validation {metric} from {best[key]:.4f} to {now:.4f}; "
        f"the test is of epoch {best['epoch']}; try more `dropout` or a smaller `dim`"
    )


def filtered(read: int | None, left: int) -> str | None:
    """Return a warning where the core filter dropped more than half of the actions of a log."""
    if not read or 2 * left >= read:
        return None
    return (
        f"{FILTERED} {1 - left / read:.0%} of the actions ({left:,} of {read:,} are left); "
        "lower `min_user` and `min_item` to keep more (0 turns them off)"
    )


def warnings_about(
    rows: Sequence[Row], settings: Mapping[str, Any], definition: str, best: Row | None = None
) -> list[str]:
    """Return the warnings about a run that has ended.

    Parameters
    ----------
    rows
        lines of `metrics.jsonl`.
    settings
        keys of `[training]`.
    definition
        definition of uniformity, `paper` or `official`.
    best
        line of the best epoch; by default the one that the settings choose.
    """
    if not rows:
        return []
    metric = settings.get("stop_on", "NDCG@10")
    best = best or best_row([dict(row) for row in rows], metric, settings.get("stop_decimals"))
    found = (
        collapsed(best, definition),
        still_improving(rows, best, settings),
        disagreeing(rows, best, metric) if best.get(f"valid_{metric}") is not None else None,
    )
    return [warning for warning in found if warning is not None]


def warnings_of(run: RunDirectory) -> list[str]:
    """Return the warnings about a finished run on disk; none for another, or where its lines do not tell."""
    if run.state != "finished" or run.extending:
        return []
    rows, settings = run.metrics, run.config.get("training", {})
    best = next((row for row in rows if row["epoch"] == run.test.get("epoch")), None)
    try:
        return warnings_about(rows, settings, run.definition, best)
    except UserError:  # no line has the metric that chooses the best epoch
        return []


def told(warned: Mapping[str, Sequence[str]]) -> list[str]:
    """Return warnings behind the names of their runs; where many runs have some, only how many.

    >>> told({"sasrec-s0": ["h has collapsed"], "scl-s0": []})
    ['sasrec-s0: h has collapsed']
    """
    found = {name: own for name, own in warned.items() if own}
    if len(found) > MOST_WARNED:
        return [f"{len(found)} of these runs have warnings; `degen runs --json` lists them"]
    return [f"{name}: {sentence}" for name, own in found.items() for sentence in own]
