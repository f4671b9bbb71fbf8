"""Costs and gains of `--batch-by users` beside the default.

    python experiments/bench/batch_by.py tokens --dataset beauty
    python experiments/bench/batch_by.py runs runs/beauty-official runs/beauty-users

`tokens` counts the items that the encoder reads in an epoch, over all views of a variant. `runs` sets trained
runs side by side: accuracy, and the seconds of training and evaluation up to the best epoch. They come from

    degen train --config experiments/paper_runs/beauty.toml --variant sasrec,duorec --recipe official \
        --out runs/beauty-official --resume
    degen train --config experiments/paper_runs/beauty-users.toml --variant sasrec,duorec --recipe official \
        --out runs/beauty-users --resume
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from degen.build import load_data
from degen.config.settle import by_group, settle
from degen.data.load import Dataset
from degen.errors import one_sentence
from degen.model.variants import VARIANTS
from degen.runs.directory import RunDirectory, find_runs
from degen.training.trainer import Trainer


@torch.no_grad()
def tokens_of_an_epoch(dataset: Dataset, variant: str, batch_by: str) -> int:
    """Items that pass through the encoder in one epoch, counted on a model of two dimensions."""
    settings = {
        "variant": variant,
        "batch_by": batch_by,
        "dim": 2,
        "feed_forward": 2,
        "layers": 1,
        "heads": 1,
    }
    trainer = Trainer(settle(options=by_group(settings)), dataset, torch.device("cpu"))
    read: list[int] = []
    trainer.encoder.register_forward_pre_hook(lambda _, arguments: read.append(len(arguments[0])))
    epoch = trainer.epoch(1)
    for batch in epoch.batches:
        trainer.batching.encode(trainer.encoder, batch, epoch.rng, epoch.dropout, slice(0, len(batch)))
    return sum(read)


def count(name: str) -> list[dict[str, Any]]:
    """Tokens of an epoch of each variant, both ways."""
    dataset = load_data(settle(options={"data": {"dataset": name}}).data)
    rows = []
    for variant in VARIANTS:
        samples, users = (tokens_of_an_epoch(dataset, variant, way) for way in ("samples", "users"))
        rows.append(
            {
                "dataset": name,
                "variant": variant,
                "samples": samples,
                "users": users,
                "share": users / samples,
            }
        )
    return rows


def describe(run: RunDirectory) -> dict[str, Any]:
    """One finished run: what its batches are of, its accuracy, and how long it took to be best."""
    lines, training = run.metrics, run.config["training"]
    best = run.test["epoch"]
    to_best = [line["train_seconds"] + line["eval_seconds"] for line in lines if line["epoch"] <= best]
    return {
        "variant": run.variant,
        "batch_by": training.get("batch_by", "samples"),
        "batch_size": training["batch_size"],
        "epochs": len(lines),
        "best_epoch": best,
        "seconds_to_best": round(sum(to_best)),
        "valid_NDCG@10": next(line["valid_NDCG@10"] for line in lines if line["epoch"] == best),
        "HR@5": run.test["HR@5"],
        "NDCG@10": run.test["NDCG@10"],
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """Format rows of the same keys as a table."""
    cells = [
        [f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows
    ]
    lines = [list(rows[0]), ["---"] * len(rows[0]), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Parse, count or compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("tokens").add_argument("--dataset", default="synthetic")
    actions.add_parser("runs").add_argument("paths", nargs="+", type=Path)
    arguments = parser.parse_args()
    if arguments.action == "tokens":
        rows = count(arguments.dataset)
    else:
        runs = [run for path in arguments.paths for run in find_runs(path)]
        rows = [describe(run) for run in runs if run.state == "finished"]
    if not rows:
        parser.error("none of these runs is finished; go on with `degen train … --resume`")
    print(json.dumps(rows) if arguments.json else markdown(rows))


if __name__ == "__main__":
    with one_sentence("batch_by"):
        main()
