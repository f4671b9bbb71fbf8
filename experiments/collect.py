"""Gather finished and unfinished runs into tables, one row per run and one row per epoch.

    python experiments/collect.py runs/beauty runs/beauty-official --name beauty --common-epoch 10

writes `experiments/results/<name>.csv` and `<name>-epochs.csv`, and prints the first as Markdown. A row of
the first holds one run: test metrics and geometry of its best epoch, validation and geometry at the common
epoch. Where ranks are on disk, it also holds the difference from sasrec's accuracy, paired over
users. A run without `test.json` is evaluated at the best epoch it has; its state says so.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from degen.analysis.statistics.differences import compare_users
from degen.errors import one_sentence
from degen.evaluation.restore import restore
from degen.evaluation.stored_ranks import known_ranks, user_accuracy
from degen.model.variants import VARIANTS
from degen.runs.directory import ENVIRONMENT, RunDirectory, collect_runs

METRICS = ("HR@5", "HR@10", "NDCG@5", "NDCG@10")
GEOMETRY = ("sigma2_ratio", "effective_rank", "average_cosine", "uniformity", "alignment")


def row_of(run: RunDirectory, common_epoch: int) -> dict[str, Any]:
    """Describe one run."""
    lines = {line["epoch"]: line for line in run.metrics}
    test = run.test if run.state == "finished" else restore(run, "cpu").metrics("test")
    best = lines[test["epoch"]]
    environment = json.loads((run.path / ENVIRONMENT).read_text(encoding="utf-8"))
    common = lines.get(common_epoch)
    return {
        "dataset": run.dataset,
        "recipe": run.config["objective"]["recipe"],
        "variant": run.variant,
        "batch_by": run.config["training"].get("batch_by", "samples"),
        "seed": run.seed,
        "state": run.state,
        "epochs": len(lines),
        "best_epoch": test["epoch"],
        **{name: test[name] for name in METRICS},
        **{name: best[name] for name in GEOMETRY},
        **(
            {f"e{common_epoch}_{name}": common[name] for name in ("valid_NDCG@10", *GEOMETRY)}
            if common
            else {}
        ),
        "lambda": run.config["objective"]["lambda"],
        "train_seconds": round(sum(line["train_seconds"] for line in lines.values())),
        "device": environment["device"],
        "threads": environment["threads"],
        "torch": environment["torch"],
        "commit": environment["commit"],
    }


def beside_sasrec(runs: list[RunDirectory]) -> dict[Path, dict[str, float]]:
    """HR@10 and NDCG@10 of each run less those of its folder's sasrec with the same seed, with the half width
    of a 95 % interval, paired over users; for runs whose ranks are on disk.
    """
    notes: list[str] = []
    ranks = {run.path: known for run in runs if (known := known_ranks(run, notes)) is not None}
    baselines = {(run.path.parent, run.seed): run.path for run in runs if run.variant == "sasrec"}
    found: dict[Path, dict[str, float]] = {}
    for run in runs:
        baseline = baselines.get((run.path.parent, run.seed))
        if baseline in (None, run.path) or not {baseline, run.path} <= ranks.keys():
            continue
        compared = compare_users(user_accuracy(ranks[baseline]), user_accuracy(ranks[run.path]))
        found[run.path] = {
            key: value
            for one in compared
            if one.measure in ("HR@10", "NDCG@10") and one.interval is not None
            for key, value in (
                (f"{one.measure}_less_sasrec", one.difference),
                (f"{one.measure}_half_width", (one.interval[1] - one.interval[0]) / 2),
            )
        }
    for note in notes:
        print(note)
    return found


def markdown(table: pd.DataFrame) -> str:
    """Format a table as Markdown, floats with four decimals."""
    cells = table.map(lambda value: f"{value:.4f}" if isinstance(value, float) else str(value))
    lines = [table.columns, ["---"] * len(table.columns), *cells.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Parse, gather, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--common-epoch", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    order = list(VARIANTS)
    runs = sorted(
        collect_runs(arguments.paths), key=lambda run: (str(run.path.parent), order.index(run.variant))
    )
    differences = beside_sasrec(runs)
    rows = [row_of(run, arguments.common_epoch) | differences.get(run.path, {}) for run in runs]
    table = pd.DataFrame(rows)
    epochs = pd.DataFrame(
        [
            {
                "dataset": run.dataset,
                "recipe": run.config["objective"]["recipe"],
                "variant": run.variant,
                "seed": run.seed,
                **line,
            }
            for run in runs
            for line in run.metrics
        ]
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.out / f"{arguments.name}.csv", index=False)
    epochs.to_csv(arguments.out / f"{arguments.name}-epochs.csv", index=False)
    shown = ["variant", "seed", "recipe", "batch_by", "state", "epochs", "best_epoch", *METRICS, *GEOMETRY]
    print(markdown(table[shown]))
    common = [name for name in table if name.startswith(f"e{arguments.common_epoch}_")]
    if common:
        print()
        print(markdown(table[["variant", "seed", "recipe", *common]]))


if __name__ == "__main__":
    with one_sentence("collect"):
        main()
