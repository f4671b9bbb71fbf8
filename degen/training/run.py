"""A run on its way: what each epoch measures and writes, and how the run begins and ends."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import torch

from degen.analysis.passes.rows import Rows
from degen.config.schema import Config
from degen.data.load import Dataset
from degen.data.sequences import Samples, item_frequency, leave_one_out
from degen.errors import DegenWarning, UserError
from degen.evaluation.evaluate import split_ranks
from degen.evaluation.ranking import Ranks, ranking_metrics
from degen.evaluation.restore import describe, load_best
from degen.evaluation.stored_ranks import write_ranks
from degen.files import writing
from degen.model.encoders.interface import Encoder
from degen.runs import directory, extension
from degen.runs.best import best_row
from degen.runs.course import filtered, warnings_about
from degen.runs.directory import RunDirectory
from degen.tensorboard import Board, write_run_projector
from degen.training import checkpoint, resumption
from degen.training.epoch import Epoch
from degen.training.recording.probe import Probe
from degen.training.recording.trace import Tracer
from degen.training.trainer import Trainer

Row = dict[str, Any]


class Interrupted(Exception):
    """Training was stopped by Ctrl-C; `epochs` whole epochs are on disk."""

    def __init__(self, out: Path, epochs: int):
        super().__init__(f"stopped after {epochs} whole epochs")
        self.out, self.epochs = out, epochs


class Progress:
    """Callbacks while a run goes on: override the ones you need; these do nothing, but for `warn`."""

    def begin(self, dataset: Dataset, config: Config, epochs_done: int, steps_per_epoch: int) -> None:
        """The log is loaded and training is about to start, or to go on after `epochs_done`."""

    def pretrain(self, row: Row) -> None:
        """A pass of pre-training is done and written; `row` is its line of `pretrain.jsonl`."""

    def step(self, epoch: int, step: int, losses: Row) -> None:
        """A step is done; `losses` are the epoch's means so far, fresh about once a second."""

    def epoch(self, row: Row) -> None:
        """An epoch is done and written; `row` is its line of `metrics.jsonl`."""

    def end(self, test: Row) -> None:
        """The run is whole; `test` is its `test.json`."""

    def warn(self, sentence: str) -> None:
        """Warn of what a user should know about the run; by default as a `DegenWarning` of Python's."""
        warnings.warn(sentence, DegenWarning, stacklevel=2)


def note_data(config: Config, dataset: Dataset) -> Config:
    """Put name and fingerprint of the loaded log into a configuration."""
    known = {"name": dataset.name, "fingerprint": dataset.fingerprint}
    return config.model_copy(update={"data": config.data.model_copy(update=known)})


class Run:
    """A trainer with its validation split, its probe and its folder.

    With several processes each ranks its part of the users, and the main one measures the probe and writes.
    """

    def __init__(self, trainer: Trainer, dataset: Dataset, out: Path, progress: Progress):
        self.trainer, self.dataset, self.out, self.progress = trainer, dataset, out, progress
        self.config, self.world = trainer.config, trainer.world
        evaluation = self.config.evaluation
        self.valid = leave_one_out(dataset.sequences, "valid", self.config.model.max_length)
        self.probe = Probe.draw(
            trainer.source, evaluation.probe_samples, evaluation.probe_seed, evaluation.definition
        )
        self.rows: list[Row] = []
        self.steps = 0
        traced = self.config.training.trace_gradients
        self.tracer = Tracer(trainer, item_frequency(dataset.sequences)) if traced else None
        self.board: Board | None = None

    def begin(self, *, stacked: bool = False) -> None:
        """Read the state that an earlier process left, and write the files that do not change.

        What the state refuses is raised before anything is written.
        """
        done, self.steps = checkpoint.load_last(self.trainer.encoder, self.trainer.optimizer, self.out)
        self.rows = checkpoint.read_rows(self.out, done)
        if self.steps < done * self.trainer.steps_per_epoch and not self.finished:
            raise UserError(
                f"the last epoch of {self.out} was cut short by `max_steps`, and no epoch can follow it; "
                "resume with the same `max_steps`, or train anew with `overwrite=True`"
            )
        if self.tracer is not None:
            self.tracer.begin(checkpoint.read_rows(self.out, done, directory.TRACE))
        with self.world.together():
            if self.world.main:
                self._begin_writing(done, stacked)
        self.progress.begin(self.dataset, self.config, done, self.trainer.steps_per_epoch)

    def _begin_writing(self, done: int, stacked: bool) -> None:
        extension.begin(self.out, done)
        checkpoint.describe(self.config, self.out, stacked=stacked)
        directory.write_metrics(self.out, self.rows)
        writing.write_lines(self.out / directory.ITEMS, self.dataset.sequences.item_ids)
        writing.write_lines(self.out / directory.USERS, self.dataset.sequences.user_ids)
        writing.write_array(self.out / directory.ITEM_FREQUENCY, item_frequency(self.dataset.sequences))
        if self.config.training.tensorboard:
            self.board = Board(self.out / directory.TENSORBOARD, first_epoch=done + 1)
        if done and self.best()["epoch"] == done and not self._has_best(done):
            checkpoint.save_best(self.trainer.encoder, self.out, done)

    def _has_best(self, epoch: int) -> bool:
        """Return whether the best epoch's files are there: a kill may have come between `last` and `best`."""
        path = extension.folder_of_best(self.out) / directory.BEST
        return extension.is_under_way(self.out) and path.exists() and checkpoint.epoch_of(path) == epoch

    def best(self) -> Row:
        """Line of the best epoch so far."""
        return best_row(self.rows, self.config.training.stop_on, self.config.training.stop_decimals)

    @property
    def finished(self) -> bool:
        """Return whether epochs, steps or patience have run out."""
        return resumption.has_ended(self.config.training, self.rows, self.steps)

    def show(self, epoch: Epoch, step: int, fresh: bool) -> None:
        """Report a step, with the epoch's losses where `fresh`."""
        self.progress.step(len(self.rows) + 1, step, epoch.mean_losses() if fresh else {})

    def close_epoch(self, epoch: Epoch, train_seconds: float) -> None:
        """Measure the epoch that was trained, and write it; it does not count yet."""
        losses, measured = epoch.mean_losses(), time.perf_counter()
        ranks = self._ranks(self.trainer.encoder, self.valid)
        row: Row = {
            "epoch": len(self.rows) + 1,
            **losses,
            **{f"valid_{name}": value for name, value in ranking_metrics(ranks).items()},
            **(self.probe.measure(self.trainer.encoder, self.trainer.variant) if self.world.main else {}),
            "train_seconds": round(train_seconds, 3),
            "eval_seconds": round(time.perf_counter() - measured, 3),
            "samples_per_second": round(epoch.samples / train_seconds, 1),
        }
        self.rows.append(row)
        if self.tracer is not None:
            self.tracer.measure(row["epoch"])
        if self.world.main:
            self._write(row)

    def count_epoch(self) -> None:
        """Make the epoch count that `close_epoch` has written."""
        if not self.world.main:
            return
        row = self.rows[-1]
        writing.move(self.out / directory.NEXT, self.out / directory.LAST)
        if self.best() is row:
            checkpoint.save_best(self.trainer.encoder, self.out, row["epoch"])

    def report_epoch(self) -> None:
        """Tell of the epoch that counts now."""
        if self.world.main:
            self.progress.epoch(self.rows[-1])

    @property
    def steps_now(self) -> int:
        """Number of steps of the next epoch."""
        steps, most = self.trainer.steps_per_epoch, self.config.training.max_steps
        return steps if most is None else min(steps, most - self.steps)

    def _write(self, row: Row) -> None:
        """Write the epoch, as `next.safetensors` and lines beyond those that count."""
        encoder, number = self.trainer.encoder, row["epoch"]
        every = self.config.training.keep_embeddings
        if every and number % every == 0:
            checkpoint.save_embeddings(encoder, self.out / directory.EMBEDDINGS / f"e{number:03d}.npy")
        if self.board is not None:
            self.board.epoch(row, Rows(encoder.real_item_embeddings().detach()))
        directory.write_metrics(self.out, self.rows)
        if self.tracer is not None:
            directory.write_metrics(self.out, self.tracer.rows, directory.TRACE)
        optimizer, name = self.trainer.optimizer, directory.NEXT
        checkpoint.save_last(encoder, optimizer, self.out, number, self.steps, name)

    def test(self) -> None:
        """Rank the test targets with the best epoch's weights; write their ranks, and `test.json` last.

        The weights replace the last epoch's in memory, and the log is not loaded again: both can be large.
        """
        with self.world.together():  # nobody reads the best epoch before it is written
            pass
        encoder = self.trainer.encoder
        epoch = load_best(encoder, self.out, extension.folder_of_best(self.out))
        samples = leave_one_out(self.dataset.sequences, "test", self.config.model.max_length)
        ranks = self._ranks(encoder, samples)
        test = describe(ranks, epoch, "test")
        with self.world.together():
            if self.world.main:
                place = extension.place_of_result(self.out)
                write_ranks(place, ranks)
                writing.write_json(place / directory.TEST, test)
                extension.end(self.out)
                if self.board is not None:
                    write_run_projector(RunDirectory(self.out))
                self.progress.end(test)
                settings = self.config.training.model_dump()
                self._warn(
                    *warnings_about(self.rows, settings, self.config.evaluation.definition),
                    filtered(self.dataset.actions_read, len(self.dataset.sequences.items)),
                )

    def _warn(self, *sentences: str | None) -> None:
        for sentence in filter(None, sentences):
            self.progress.warn(sentence)

    def _ranks(self, encoder: Encoder, samples: Samples) -> Ranks:
        """Rank every target; each process ranks its part of the users."""
        part, settings = self.world.part(len(samples)), self.config.evaluation
        share = Samples(samples.items, samples.end[part], samples.length[part], samples.offsets)
        ranks = split_ranks(encoder, share, settings.score_block, self.trainer.variant.scores)
        better, tied = (
            self.world.gather_rows(torch.from_numpy(counts), len(samples)).numpy()
            for counts in (ranks.better, ranks.tied)
        )
        return Ranks(better, tied, settings.ties)
