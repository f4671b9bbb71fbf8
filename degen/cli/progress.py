"""A progress bar and a line an epoch for a run, on stderr."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from degen.cli.reading import reading_bar
from degen.data.load import Dataset
from degen.schema import Config
from degen.training.loop import Progress


class Bar(Progress):
    """Shows a run as it trains; the `Progress` that `degen.training.loop.train` tells of its steps.

    On a terminal: a bar over all steps with the losses and the time left, and before it one for reading the
    log. Elsewhere, as in a log file: a line an epoch.
    """

    def __init__(self, quiet: bool = False):
        self.quiet = quiet
        self.console = Console(stderr=True, quiet=quiet)
        self.bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
            transient=True,
        )
        self.task: TaskID | None = None
        self.steps = 0
        self.reading = ExitStack()

    def __enter__(self) -> Bar:
        self.reading.enter_context(reading_bar(self.quiet))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reading.close()
        self.bar.stop()

    def begin(self, dataset: Dataset, config: Config, epochs_done: int, steps_per_epoch: int) -> None:
        """Announce the run and set the bar up."""
        self.reading.close()
        self.bar.start()
        sequences = dataset.sequences
        self._say(
            f"{config.objective.variant} on {dataset.name}: "
            f"{sequences.n_users:,} users, {sequences.n_items:,} items, "
            f"{len(sequences.items):,} actions; recipe {config.objective.recipe}, seed {config.training.seed}"
            + (f"; going on after epoch {epochs_done}" if epochs_done else "")
        )
        for note in dataset.notes:
            self._say(f"  {note}")
        total = config.training.epochs * steps_per_epoch
        if config.training.max_steps is not None:
            total = min(total, config.training.max_steps)
        self.stop_on, self.steps = config.training.stop_on, epochs_done * steps_per_epoch
        self.task = self.bar.add_task(config.objective.variant, total=total, completed=self.steps, losses="")

    def step(self, epoch: int, step: int, losses: dict[str, Any]) -> None:
        """Move the bar; show fresh losses where there are any."""
        assert self.task is not None
        self.steps += 1
        self.bar.update(self.task, completed=self.steps)
        if losses:
            self.bar.update(self.task, losses=f"epoch {epoch}  loss {losses['loss']:.4f}")

    def epoch(self, row: dict[str, Any]) -> None:
        """Print the epoch's line."""
        stopping = f"valid_{self.stop_on}"
        self._say(
            f"  epoch {row['epoch']:3d}  loss {row['loss']:.4f}  HR@5 {row['valid_HR@5']:.4f}  "
            f"{self.stop_on} {row[stopping]:.4f}  uniformity {row['uniformity']:.3f}  "
            f"σ₂/σ₁ {row['sigma2_ratio']:.3f}  "
            f"{row['samples_per_second']:,.0f} samples/s"
        )

    def end(self, test: dict[str, Any]) -> None:
        """Take the bar away and print the test result."""
        if self.task is not None:
            self.bar.remove_task(self.task)
        self._say(
            f"  test, best epoch {test['epoch']}: HR@5 {test['HR@5']:.4f}  NDCG@10 {test['NDCG@10']:.4f}"
        )

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
