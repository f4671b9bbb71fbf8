"""Progress of a sweep on stderr or in a notebook: a bar, and a line for each run that ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, TextColumn

from degen.bars import bar_display
from degen.errors import counted
from degen.runs.choose import setting_text
from degen.runs.directory import RunDirectory
from degen.runs.study import PlannedRun, read_failure
from degen.shown import shown
from degen.sweeps.status import Status


@contextmanager
def sweep_bar(
    out: Path, quiet: bool, worded: Callable[[str], str] = str
) -> Iterator[Callable[[Status], None]]:
    """Show the state of a sweep: a bar on a terminal, and a line for each run that is done or has failed.

    `worded` puts the options of a command in place of the arguments that a failure names.
    """
    console = Console(stderr=True, quiet=quiet)
    bar = bar_display(console, quiet, MofNCompleteColumn(), TextColumn("{task.fields[told]}", markup=False))
    known: set[str] | None = None
    begun, before = time.monotonic(), 0

    with bar:
        task = bar.add_task("runs", total=None, told="")

        def show(status: Status) -> None:
            nonlocal known, before
            if known is None:
                known, before = {planned.name for planned in status.done}, len(status.done)
                if known:
                    _say(console, f"{before} of {counted(status.total, 'run')} done already")
            for planned in status.done:
                if planned.name not in known:
                    _say(console, f"  done    {name_of(planned)}: {_result(planned)}")
            for planned in status.failed:
                if planned.name not in known:
                    sentence, _ = read_failure(out, planned.name)
                    _say(console, f"  failed  {name_of(planned)}: {worded(sentence)}")
            known |= {planned.name for planned in (*status.done, *status.failed)}
            epochs = counted(status.epochs(), "epoch")
            told = f"{len(status.running)} running ({epochs}), {len(status.failed)} failed"
            left = _left(status, len(status.done) - before, time.monotonic() - begun)
            bar.update(task, total=status.total, completed=len(status.done), told=told + left)

        yield show


def _say(console: Console, text: str) -> None:
    console.print(shown(text), markup=False, highlight=False, soft_wrap=True)


def _left(status: Status, finished: int, seconds: float) -> str:
    """Return the time that is left, from the runs that were finished since the start."""
    if not finished:
        return ""
    minutes = seconds / finished * (len(status.running) / 2 + len(status.free)) / 60
    return f", about {minutes:.0f} min left" if minutes < 90 else f", about {minutes / 60:.1f} h left"


def name_of(planned: PlannedRun) -> str:
    """Return a run in words: dataset, control or variant, the values of its axes, seed."""
    axes = ((key.rpartition(".")[2], value) for key, value in planned.axes.items())
    settings = [setting_text(key, value) for key, value in axes if key != "variant"]
    method = planned.control or planned.variant
    return " ".join([planned.dataset, method, *settings, f"seed {planned.seed}"])


def _result(planned: PlannedRun) -> str:
    run = RunDirectory(planned.run)
    test = run.test
    return f"best epoch {test['epoch']} of {len(run.metrics)}, test NDCG@10 {test['NDCG@10']:.4f}"
