"""How far a long log is: read, put in order, written. On stderr, and only on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reading_bar(quiet: bool) -> Iterator[None]:
    """Show a bar for each thing that is done with a log within the block; nothing of it is left behind."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from degen.progress import watched

    console = Console(stderr=True, quiet=quiet)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
    )
    task: TaskID | None = None

    def show(what: str, done: int, total: int) -> None:
        nonlocal task
        if task is None or bar.tasks[0].description != what:
            if task is not None:
                bar.remove_task(task)
            # What takes nobody knows how long has a total of 0, and a bar that moves to and fro.
            task = bar.add_task(what, total=total or None)
        bar.update(task, completed=done, total=total or None)

    with bar, watched(show):
        yield
