"""A progress bar and a line an epoch for a run, on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from degen.cli.reading import reading_bar
from degen.config.schema import Config
from degen.data.load import Dataset
from degen.training.run import Progress


class Bar(Progress):
    """Shows a run as it trains; the `Progress` that `degen.training.loop.train` tells of its steps.

    On a terminal: a bar over all steps with the losses and the time left, moved when there are fresh losses,
    and before it one for reading the log. Elsewhere, as in a log file: a line an epoch.

    Parameters
    ----------
    quiet
        show nothing.
    beside
        the bar in whose display this one stands, where several runs train at once.
    label
        what its lines begin with.
    """

    def __init__(self, quiet: bool = False, beside: Bar | None = None, label: str = ""):
        self.quiet, self.label = quiet, label
        self.console: Console = beside.console if beside else Console(stderr=True, quiet=quiet)
        self.bar: RichProgress = beside.bar if beside else _display(self.console, quiet)
        self.task: TaskID | None = None
        self.steps_per_epoch = 0
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
        self.stop_on, self.steps_per_epoch = config.training.stop_on, steps_per_epoch
        name = f"{config.objective.variant} {self.label}".strip()
        self.task = self.bar.add_task(name, total=total, completed=epochs_done * steps_per_epoch, losses="")

    def step(self, epoch: int, step: int, losses: dict[str, Any]) -> None:
        """Move the bar; show fresh losses where there are any."""
        assert self.task is not None
        if losses:
            done = (epoch - 1) * self.steps_per_epoch + step
            self.bar.update(self.task, completed=done, losses=f"epoch {epoch}  loss {losses['loss']:.4f}")

    def epoch(self, row: dict[str, Any]) -> None:
        """Print the epoch's line."""
        stopping = f"valid_{self.stop_on}"
        self._say(
            f"  {self._lead}epoch {row['epoch']:3d}  loss {row['loss']:.4f}  HR@5 {row['valid_HR@5']:.4f}  "
            f"{self.stop_on} {row[stopping]:.4f}  uniformity {row['uniformity']:.3f}  "
            f"σ₂/σ₁ {row['sigma2_ratio']:.3f}  "
            f"{row['samples_per_second']:,.0f} samples/s"
        )

    def end(self, test: dict[str, Any]) -> None:
        """Take the bar away and print the test result."""
        if self.task is not None:
            self.bar.remove_task(self.task)
        self._say(
            f"  {self._lead}test, best epoch {test['epoch']}: HR@5 {test['HR@5']:.4f}  "
            f"NDCG@10 {test['NDCG@10']:.4f}"
        )

    @property
    def _lead(self) -> str:
        return f"{self.label}  " if self.label else ""

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _display(console: Console, quiet: bool) -> RichProgress:
    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(compact=True),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
    )


@contextmanager
def bars(configs: Sequence[Config], *, quiet: bool = False) -> Iterator[list[Progress]]:
    """Show runs that train at once, or one: their progress, in one display."""
    with Bar(quiet) as first:
        if len(configs) == 1:
            yield [first]
            return
        first.reading.close()
        labels = [f"seed {config.training.seed}" for config in configs]
        yield [Bar(quiet, beside=first, label=label) for label in labels]
