"""The table of results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cureslib.methods import METHODS

Row = dict[str, Any]

COLUMNS = {
    "NDCG@10_all": "NDCG@10",
    "NDCG@10_head": "NDCG@10, head",
    "NDCG@10_mid": "NDCG@10, mid",
    "NDCG@10_tail": "NDCG@10, tail",
    "HR@10_all": "HR@10",
    "HR@10_tail": "HR@10, tail",
    "average_cosine": "cosine, all",
    "average_cosine_tail": "cosine, tail",
    "effective_rank": "effective rank",
    "sigma2_ratio": "σ₂/σ₁",
}

TITLE = "# Do mitigations of degeneration cost accuracy?\n"

HEADING = """\
A method is above or below where its `difference` is: NDCG@10 minus that of sasrec with the same seed, ± two
standard errors, paired over users (for the lowest seed). This is not corrected for the number of methods.

- Metrics are of the test split at the best validation epoch. Head, mid and tail are targets by their
  frequency in training (about 20, 30 and 50 % of the items).
- The geometry is that of the items that are scored, without centring.
- all-but-the-top and whitening map sasrec's items after training; the encoder stays as trained.
  Whitening's centred spectrum is perfect by construction.

[Mitigations](../../docs/explanation/mitigations.md#what-came-out-of-one-seed) says what follows from the
tables.
"""

END = """
## Reproduce

```bash
python experiments/cures/run.py                # beauty and clothing, one seed; goes on where it was stopped
python experiments/cures/collect.py runs/cures
```

Numbers: [`cures.csv`](cures.csv), a row per run.

## What this does not show

- Another seed may change each number: the interval over users says how far two sets of weights differ.
- Each mitigation has its own default weight, and none was tuned.
"""

ONE_SEED = "\nOne seed per method: the noise of seeds is unknown, and nothing is marked.\n"
SEVERAL = (
    "\nMeans over seeds, ± half of the 95 % interval (Student's t up to 10 seeds, beyond a bootstrap of t).\n"
)


def page(summaries: Sequence[Row], rows: Sequence[Row]) -> str:
    """Return the page: one table per dataset, of means over seeds."""
    seeds = SEVERAL if any(row["seeds"] > 1 for row in summaries) else ONE_SEED
    parts = [TITLE, *_answers(summaries, rows), "", HEADING, seeds]
    if any(row["state"] != "finished" for row in summaries):
        parts.append("\nA method with * has runs that were stopped before their end.\n")
    for dataset in dict.fromkeys(row["dataset"] for row in summaries):
        own = [row for row in summaries if row["dataset"] == dataset]
        parts += [f"\n## {dataset}\n", _table(own, rows)]
    parts += [f"\n{_seconds(rows)}", END]
    return "\n".join(parts)


def _answers(summaries: Sequence[Row], rows: Sequence[Row]) -> list[str]:
    """Return a sentence per dataset: which methods are above sasrec, and which below, in the lowest seed."""
    sentences = []
    for dataset in dict.fromkeys(row["dataset"] for row in summaries):
        sides: dict[str, list[str]] = {"above": [], "below": []}
        for row in summaries:
            first = _first(row, rows)
            if row["dataset"] != dataset or first["difference"] is None:
                continue
            if abs(first["difference"]) > 2 * first["difference_se"]:
                sides["above" if first["difference"] > 0 else "below"].append(row["method"])
        above, below = (", ".join(names) or "none" for names in sides.values())
        about = f"In one seed on {dataset.title()}, NDCG@10 is above SASRec's with {above}."
        sentences.append(f"{about} It is below with {below}.")
    return sentences


def _first(summary: Row, rows: Sequence[Row]) -> Row:
    """Return the run of a summary's method with the lowest seed."""
    own = [row for row in rows if (row["dataset"], row["method"]) == (summary["dataset"], summary["method"])]
    return min(own, key=lambda row: row["seed"])


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
    return f"{row[key]:z.{digits}f}" + ("" if half is None else f" ± {half:.{digits}f}")


def _difference(summary: Row, rows: Sequence[Row]) -> str:
    first = _first(summary, rows)
    if first["difference"] is None or summary["method"] == "sasrec":
        return "–"
    return f"{first['difference']:+z.4f} ± {2 * first['difference_se']:.4f}"


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
