"""Pre-training: the first of two stages of a run, whose model the epochs then fine-tune.

    pre-training ─► pretrain.safetensors, pretrain.jsonl ─► fine-tuning with fresh moments ─► the usual files

This is no second trainer. The stage is declared as a variant (`Variant.stages`) and made by the same
`Trainer`, which shares the run's model. Its batching hides items and encodes the rows both ways, its loss is
one with sampled negatives, and the steps of a pass are those of `degen.training.epoch.Epoch`. The stage
differs in what a pass writes: there is nothing to rank yet, so that a line of `pretrain.jsonl` has the loss
and the spectrum of V.

The draws of a pass depend on seed and number alone. So a run that is killed within the stage goes on from
the last `pretrain.safetensors`, and one that is killed after it from the last epoch, to the same bits. The
optimiser of the epochs is another object and begins without moments.

`--steps-per-epoch` also cuts passes short. `--max-steps` counts steps of fine-tuning only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from degen.analysis.result import summarize
from degen.config.schema import Config
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.encoders.interface import Encoder
from degen.model.precision import float32_products
from degen.runs import directory
from degen.training import checkpoint
from degen.training.epoch import Epoch
from degen.training.run import Run
from degen.training.trainer import Trainer

Row = dict[str, Any]

STREAM = 5
"""Keeps the draws of a pass apart from those of the epoch with its number."""


def pretrain(run: Run, stop_if_asked: Callable[[], None]) -> None:
    """Pre-train the model of a run that has begun, in place, or load it where that is done.

    Nothing happens to a variant of one stage, or where an epoch of fine-tuning is on disk.

    Parameters
    ----------
    stop_if_asked
        called after each step; it may raise to end the stage, whose last checkpoint stays.

    Raises
    ------
    UserError
        if the loss is not finite, or the stage's files are damaged.
    """
    stage = run.trainer.variant.stages.get(run.config.objective.recipe)
    if stage is None or run.rows:
        return
    encoder, out, passes = run.trainer.encoder, run.out, run.config.baseline.pretrain_epochs
    with _bidirectional(encoder):
        trainer = Trainer(
            _config_of_stage(run.config),
            run.dataset,
            run.trainer.device,
            run.world,
            run.trainer.source,
            variant=stage,
            encoder=encoder,
        )
        done, steps = checkpoint.load_last(encoder, trainer.optimizer, out, directory.PRETRAIN)
        rows = checkpoint.read_rows(out, done, directory.PRETRAIN_METRICS)
        if not done:
            checkpoint.save_embeddings(encoder, out / directory.INITIAL_EMBEDDINGS)
        for number in range(done + 1, passes + 1):
            rows.append(_pass(trainer, number, stop_if_asked))
            directory.write_metrics(out, rows, directory.PRETRAIN_METRICS)
            steps += trainer.steps_per_epoch
            due = number % run.config.baseline.pretrain_every == 0 or number == passes
            with _saved(trainer, out, number, steps, due):
                run.progress.pretrain(rows[-1])


@contextmanager
def _saved(trainer: Trainer, out: Path, number: int, steps: int, due: bool) -> Iterator[None]:
    """Write the checkpoint of a pass before a block where it is due, else where the block asks to stop."""

    def save() -> None:
        checkpoint.save_embeddings(trainer.encoder, out / directory.PRETRAIN_EMBEDDINGS)
        checkpoint.save_last(trainer.encoder, trainer.optimizer, out, number, steps, directory.PRETRAIN)

    if due:
        save()
    try:
        yield
    except (Exception, KeyboardInterrupt):
        if not due:
            save()
        raise


def _pass(trainer: Trainer, number: int, stop_if_asked: Callable[[], None]) -> Row:
    """Train a pass over the rows, from 1, and return its line of `pretrain.jsonl`."""
    started = time.perf_counter()
    epoch = Epoch(trainer, np.random.SeedSequence([trainer.config.training.seed, number, STREAM]))
    with float32_products(trainer.precision, trainer.device):
        for _ in range(trainer.steps_per_epoch):
            epoch.step()
            stop_if_asked()
    loss = epoch.mean_losses()["recommendation_loss"]  # waits for the device, so that the clock is right
    seconds = time.perf_counter() - started
    return {
        "epoch": number,
        "masked_item_loss": loss,
        "targets": epoch.samples,
        **summarize(trainer.encoder.real_item_embeddings()),
        "train_seconds": round(seconds, 3),
        "samples_per_second": round(epoch.samples / seconds, 1),
    }


def _config_of_stage(config: Config) -> Config:
    """Return the configuration with the stage's loss: of each hidden item against one outside the user's."""
    loss = {"rec_loss": "bpr", "sampling": "in-batch", "negatives": 1, "negatives_exclude": "history"}
    return config.model_copy(
        update={
            "objective": config.objective.model_copy(update={**loss, "padding_class": False}),
            "training": config.training.model_copy(update={"batch_by": "samples", "trace_gradients": False}),
        }
    )


@contextmanager
def _bidirectional(encoder: Encoder) -> Iterator[None]:
    """Let positions see both sides for a block, in which the table's gradient is as the stage needs it."""
    assert isinstance(encoder, SequenceEncoder)
    sparse, encoder.sparse_items, encoder.bidirectional = encoder.sparse_items, False, True
    try:
        yield
    finally:
        encoder.sparse_items, encoder.bidirectional = sparse, False
