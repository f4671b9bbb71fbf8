"""degen's own trainer, taking turns: `degen_worker.py LOG VARIANT`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from train import Steps, make_trainer
from turns import Turns, serve

from degen import __version__
from degen.data.sequences import leave_one_out
from degen.evaluation.evaluate import split_ranks
from degen.evaluation.ranking import ranking_metrics


def main() -> None:
    """Prepare, then train or evaluate in turns."""
    turns = Turns()
    log, variant = sys.argv[1:]
    trainer, dataset = make_trainer(
        {"data": {"dataset": log}, "objective": {"variant": variant}, "training": {"device": "cpu"}}
    )
    test = leave_one_out(dataset.sequences, "test")

    def evaluate() -> int:
        ranks = split_ranks(trainer.encoder, test, trainer.config.evaluation.score_block)
        ranking_metrics(ranks)
        return len(ranks)

    serve(turns, {"degen": __version__}, Steps(trainer), evaluate)


if __name__ == "__main__":
    main()
