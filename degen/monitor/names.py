"""Translation of metric names of other tools into those of a run directory.

HR@K is the Recall@K, Hit@K or hit rate of other tools; all are equal if each user has one target.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from degen.errors import UserError

_RANKING = {
    "hr": "HR",
    "hit": "HR",
    "hits": "HR",
    "hitrate": "HR",
    "recall": "HR",
    "ndcg": "NDCG",
    "mrr": "MRR",
}
_SPLIT = re.compile(r"(valid|validation|val|dev|test)[_/.\s-]+(.+)", re.IGNORECASE)
_AT = re.compile(r"([a-z]+(?:[_ ]rate)?)(?:@|_at_|_)(\d+)", re.IGNORECASE)


def epoch_key(name: str) -> str:
    """Return the key of `metrics.jsonl`; a ranking metric without a split counts as validation.

    >>> epoch_key("hit@10"), epoch_key("val_recall@10"), epoch_key("test_ndcg@5"), epoch_key("loss")
    ('valid_HR@10', 'valid_HR@10', 'test_NDCG@5', 'loss')
    """
    split, metric = _parse(name)
    if metric is None:
        return name
    return f"{'test' if split == 'test' else 'valid'}_{metric}"


def final_key(name: str) -> str:
    """Return the key of `test.json` for a metric of the test split; other names stay as they are.

    >>> final_key("hit@10"), final_key("test_recall@10"), final_key("loss")
    ('HR@10', 'HR@10', 'loss')
    """
    split, metric = _parse(name)
    return metric if metric is not None and split in ("", "test") else name


def _parse(name: str) -> tuple[str, str | None]:
    """Return the split, in lower case, and the ranking metric under degen's name, None for other metrics."""
    found = _SPLIT.fullmatch(name)
    split, rest = (found[1].lower(), found[2]) if found else ("", name)
    at = _AT.fullmatch(rest)
    family = re.sub("[_ ]", "", at[1].lower()) if at else ""
    return split, f"{_RANKING[family]}@{int(at[2])}" if at and family in _RANKING else None


def renamed(metrics: Mapping[str, Any], key: Callable[[str], str]) -> dict[str, float]:
    """Return `metrics` as finite Python numbers, under the names that `key` gives them.

    Two names of one metric must have equal values.
    """
    named: dict[str, float] = {}
    came_from: dict[str, str] = {}
    for name, value in metrics.items():
        if not isinstance(name, str):
            raise UserError(f"metrics has the key {name!r}; name metrics by strings, such as 'NDCG@10'")
        new, number = key(name), _number(name, value)
        if named.setdefault(new, number) != number:
            raise UserError(
                f"metrics has {came_from[new]!r} = {named[new]} and {name!r} = {number}, which are both "
                f"{new}; leave one of them out"
            )
        came_from.setdefault(new, name)
    return named


def _number(name: str, value: Any) -> float:
    """Return the number in `value`, also if it is an array of one element; whole numbers stay whole."""
    try:
        value = value.item() if hasattr(value, "item") else value
        number = value if isinstance(value, int) else float(value)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"metrics[{name!r}] is {value!r}; give one number") from None
    if not math.isfinite(number):
        raise UserError(f"metrics[{name!r}] is {number}; leave out what is not finite")
    return number
