"""Values that the paper publishes.

`table2.csv` holds Table 2 as it is printed, misprints included, under the names that the methods have here.
Table 1 stands with the datasets (`degen.data.catalog`). The figures show curves and clouds without numbers.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

METRICS = ("HR@5", "HR@10", "NDCG@5", "NDCG@10")
"""Metrics of Table 2, in its order."""

METHODS = ("bpr-mf", "gru4rec", "caser", "sasrec", "bert4rec", "s3rec-mip", "cl4srec", "duorec")
"""Methods of Table 2 in its order."""

_DEVIATION = "duorec_std"


@cache
def table2() -> dict[tuple[str, str], dict[str, float]]:
    """Return the metrics of each block of Table 2, by dataset and method, in the order of the table."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in _rows():
        for method in METHODS:
            found.setdefault((row["dataset"], method), {})[row["metric"]] = float(row[method])
    return found


@cache
def deviations() -> dict[str, dict[str, float]]:
    """Return the standard deviation that Table 2 gives for DuoRec, by dataset and metric."""
    found: dict[str, dict[str, float]] = {}
    for row in _rows():
        found.setdefault(row["dataset"], {})[row["metric"]] = float(row[_DEVIATION])
    return found


def _rows() -> list[dict[str, str]]:
    text = files(__name__).joinpath("table2.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
