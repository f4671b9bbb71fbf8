"""The table of results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cureslib.methods import METHODS

Row = dict[str, Any]

COLUMNS = {
    "NDCG@10_all": "NDCG@10",
    "NDCG@10_head": "head",
    "NDCG@10_mid": "mid",
    "NDCG@10_tail": "tail",
    "HR@10_all": "HR@10",
    "HR@10_tail": "tail",
    "average_cosine": "average cosine",
    "average_cosine_tail": "of the tail",
    "effective_rank": "effective rank",
    "sigma2_ratio": "σ₂/σ₁",
}

HEADING = """\
# Mitigations of degeneration, side by side

Written by `experiments/cures/collect.py` from the runs of `experiments/cures/run.py`.
[cures.csv](cures.csv) has a row per run.

- Metrics are of the test split at the best validation epoch. Head, mid and tail are targets by their
  frequency in training (about 20, 30 and 50 % of the items).
- The geometry is that of the items that are scored, without centring.
- `difference` is NDCG@10 minus that of sasrec with the same seed, ± two standard errors, paired over
  users (for the lowest seed).
- all-but-the-top and whitening map sasrec's items after training; the encoder stays as trained.
  Whitening's centred spectrum is perfect by construction.

[Mitigations](../../docs/explanation/mitigations.md#what-came-out-of-one-seed) says what follows from the
tables.
"""

ONE_SEED = "\nOne seed per method: the noise of seeds is unknown, and nothing is marked.\n"
SEVERAL = (
    "\nMeans over seeds, ± half of the 95 % interval (Student's t up to 10 seeds, beyond a bootstrap of t).\n"
)


def page(summaries: Sequence[Row], rows: Sequence[Row]) -> str:
    """Return the page: one table per dataset, of means over seeds."""
    parts = [HEADING, SEVERAL if any(row["seeds"] > 1 for row in summaries) else ONE_SEED]
    if any(row["state"] != "finished" for row in summaries):
        parts.append("\nA method with * has runs that were stopped before their end.\n")
    for dataset in dict.fromkeys(row["dataset"] for row in summaries):
        own = [row for row in summaries if row["dataset"] == dataset]
        parts += [f"\n## {dataset}\n", _table(own, rows)]
    parts.append(f"\n{_seconds(rows)}\n")
    return "\n".join(parts)


def _table(summaries: Sequence[Row], rows: Sequence[Row]) -> str:
    head = ["method", "kind", "best epoch", *COLUMNS.values(), "difference"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in summaries:
        name = row["method"] + ("" if row["state"] == "finished" else " *")
        cells = [name, row["kind"], f"{row['best_epoch']:g}", *(_cell(row, key) for key in COLUMNS)]
        lines.append("| " + " | ".join([*cells, _difference(row, rows)]) + " |")
    return "\n".join(lines)


def _cell(row: Row, key: str) -> str:
    digits = 1 if key == "effective_rank" else 4 if "@" in key else 2
    if row[key] is None:
        return "–"
    half = row[f"{key}_half"]
    return f"{row[key]:.{digits}f}" + ("" if half is None else f" ± {half:.{digits}f}")


def _difference(summary: Row, rows: Sequence[Row]) -> str:
    own = [row for row in rows if (row["dataset"], row["method"]) == (summary["dataset"], summary["method"])]
    first = min(own, key=lambda row: row["seed"])
    if first["difference"] is None or summary["method"] == "sasrec":
        return "–"
    return f"{first['difference']:+.4f} ± {2 * first['difference_se']:.4f}"


def _seconds(rows: Sequence[Row]) -> str:
    """Return the fastest epoch of each method beside the baseline's: the least disturbed by other work."""
    ratios = []
    for name in METHODS:
        pairs = [
            row["epoch_seconds"] / base["epoch_seconds"]
            for row in rows
            for base in rows
            if row["method"] == name
            and base["method"] == "sasrec"
            and (row["dataset"], row["seed"]) == (base["dataset"], base["seed"])
        ]
        if pairs and name != "sasrec":
            ratios.append(f"{name} {sum(pairs) / len(pairs):.2f}")
    return "Seconds of the fastest epoch, as multiples of sasrec's: " + ", ".join(ratios) + "."
