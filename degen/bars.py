"""Progress on stderr or in a notebook: a bar and lines of a run, and bars for long logs and measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from degen.progress import watched
from degen.shown import shown

if TYPE_CHECKING:
    from degen.config.schema import Config
    from degen.data.load import Dataset
    from degen.training.run import Progress
else:
    Progress = object  # its methods are all overridden; commands that only read a log do without PyTorch


@dataclass
class Showing:
    """State that the bars of several runs share.

    Attributes
    ----------
    quiet
        whether nothing is shown.
    places
        number of each run among all that are trained, from 1, by variant and seed; empty for one run.
    worded
        puts the options of a command in place of the arguments that a warning names.
    warns
        whether warnings about a run are shown.
    said
        notes and warnings about a log that stand there already: each is said once, though all runs share it.
    """

    quiet: bool = False
    places: Mapping[tuple[str, int], int] = field(default_factory=dict)
    worded: Callable[[str], str] = str
    warns: bool = True
    said: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, configs: Sequence[Config], **about: Any) -> Showing:
        """Return what the bars of all `configs` have in common."""
        names = [(config.objective.variant, config.training.seed) for config in configs]
        places = {name: place for place, name in enumerate(names, start=1)} if len(names) > 1 else {}
        return cls(places=places, **about)

    def place(self, config: Config) -> str:
        """Return `2 of 6` for the second of six runs; empty for one run."""
        place = self.places.get((config.objective.variant, config.training.seed))
        return "" if place is None else f"{place} of {len(self.places)}"


class Bar(Progress):
    """Progress of a run: a bar over all steps with the losses and the time left, and a line per epoch.

    The bar is shown on a terminal and in a notebook only, after one for reading the log. Where several runs
    train at once, `beside` is the bar whose display this one shares, and `label` begins its lines.
    """

    def __init__(self, showing: Showing | None = None, beside: Bar | None = None, label: str = ""):
        self.showing = showing or Showing()
        self.label, self.lead = label, f"{label}  " if label else ""
        quiet = self.showing.quiet
        self.console: Console = beside.console if beside else Console(stderr=True, quiet=quiet)
        columns = (
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}", markup=False),
            TimeRemainingColumn(compact=True),
        )
        self.bar: RichProgress = beside.bar if beside else bar_display(self.console, quiet, *columns)
        self.task: TaskID | None = None
        self.steps_per_epoch = 0
        self.reading = ExitStack()

    def __enter__(self) -> Bar:
        self.reading.enter_context(reading_bar(self.showing.quiet))
        return self

    def __exit__(self, *error: object) -> None:
        self.reading.close()
        self.bar.stop()

    def begin(self, dataset: Dataset, config: Config, epochs_done: int, steps_per_epoch: int) -> None:
        """Announce the run and set up the bar."""
        self.reading.close()
        self.bar.start()
        sequences = dataset.sequences
        place = self.showing.place(config)
        self._say(
            f"{place}{': ' if place else ''}{config.objective.variant} on {dataset.name}: "
            f"{sequences.n_users:,} users, {sequences.n_items:,} items, "
            f"{len(sequences.items):,} actions; recipe {config.objective.recipe}, seed {config.training.seed}"
            + (f"; continuing after epoch {epochs_done}" if epochs_done else "")
        )
        for note in dataset.notes:
            if note not in self.showing.said:
                self._say(f"  {note}")
        self.showing.said.update(dataset.notes)
        total = config.training.epochs * steps_per_epoch
        if config.training.max_steps is not None:
            total = min(total, config.training.max_steps)
        self.stop_on, self.steps_per_epoch = config.training.stop_on, steps_per_epoch
        variant = config.objective.variant
        name = self.label if self.label.startswith(variant) else f"{variant} {self.label}".strip()
        name = f"{place} {name}".strip()
        self.task = self.bar.add_task(
            shown(name), total=total, completed=epochs_done * steps_per_epoch, losses=""
        )

    def pretrain(self, row: dict[str, Any]) -> None:
        """Print the line of a pass of pre-training."""
        self._say(
            f"  {self.lead}pre-training {row['epoch']:3d}  loss {row['masked_item_loss']:.4f}  "
            f"σ₂/σ₁ {row['sigma2_ratio']:.3f}  {row['samples_per_second']:,.0f} masked items/s"
        )

    def step(self, epoch: int, step: int, losses: dict[str, Any]) -> None:
        """Move the bar and show the losses, if there are new ones."""
        assert self.task is not None
        if losses:
            done = (epoch - 1) * self.steps_per_epoch + step
            self.bar.update(self.task, completed=done, losses=f"epoch {epoch}  loss {losses['loss']:.4f}")

    def epoch(self, row: dict[str, Any]) -> None:
        """Print the line of an epoch."""
        stopping = f"valid_{self.stop_on}"
        self._say(
            f"  {self.lead}epoch {row['epoch']:3d}  loss {row['loss']:.4f}  HR@5 {row['valid_HR@5']:.4f}  "
            f"{self.stop_on} {row[stopping]:.4f}  uniformity of h {row['uniformity']:.3f}  "
            f"σ₂/σ₁ {row['sigma2_ratio']:.3f}  "
            f"{row['samples_per_second']:,.0f} samples/s"
        )

    def end(self, test: dict[str, Any]) -> None:
        """Remove the bar and print the test result."""
        if self.task is not None:
            self.bar.remove_task(self.task)
        self._say(
            f"  {self.lead}test, best epoch {test['epoch']}: HR@5 {test['HR@5']:.4f}  "
            f"NDCG@10 {test['NDCG@10']:.4f}"
        )

    def warn(self, sentence: str) -> None:
        """Print a warning about the run; one about its log once, where several runs have it."""
        from degen.runs.course import FILTERED  # brings NumPy, which commands on other things do without

        if self.showing.warns and sentence not in self.showing.said:
            if sentence.startswith(FILTERED):
                self.showing.said.add(sentence)
            self._say(f"  {self.lead}warning: {self.showing.worded(sentence)}")

    def _say(self, text: str) -> None:
        self.console.print(shown(text), markup=False, highlight=False, soft_wrap=True)


def bar_display(console: Console, quiet: bool, *columns: ProgressColumn) -> RichProgress:
    """Return bars with `columns` after them, which are shown on a terminal or in a notebook only."""
    first = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24))
    # Without ipywidgets a notebook cannot redraw a bar, and rich would warn of that at every step.
    shown_here = console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)
    return RichProgress(*first, *columns, console=console, disable=quiet or not shown_here, transient=True)


@contextmanager
def bars(configs: Sequence[Config], *, showing: Showing | None = None) -> Iterator[list[Progress]]:
    """Show the progress of one run, or of several that train at once, in one display."""
    with Bar(showing) as first:
        if len(configs) == 1:
            yield [first]
            return
        first.reading.close()
        several = len({config.objective.variant for config in configs}) > 1
        labels = [
            f"{config.objective.variant} " * several + f"seed {config.training.seed}" for config in configs
        ]
        yield [Bar(first.showing, beside=first, label=label) for label in labels]


@contextmanager
def reading_bar(quiet: bool) -> Iterator[None]:
    """Show a bar on a terminal for each stage of reading or writing a log; it leaves nothing behind."""
    columns = (TaskProgressColumn(), TimeRemainingColumn(compact=True))
    bar = bar_display(Console(stderr=True, quiet=quiet), quiet, *columns)
    task: TaskID | None = None

    def show(what: str, done: int, total: int) -> None:
        nonlocal task
        if task is None or bar.tasks[0].description != what:
            if task is not None:
                bar.remove_task(task)
            # A stage of unknown length has a total of 0, and a bar that moves to and fro.
            task = bar.add_task(what, total=total or None)
        bar.update(task, completed=done, total=total or None)

    with bar, watched(show):
        yield


@contextmanager
def counting_bar(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Show on a terminal what is measured and how many are done; it leaves nothing behind."""
    with bar_display(Console(stderr=True), quiet, MofNCompleteColumn()) as bar:
        task = bar.add_task("reading", total=None)

        def watch(what: str, done: int, total: int) -> None:
            bar.update(task, description=shown(what), completed=done, total=total)

        yield watch
