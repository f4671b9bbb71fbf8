"""Result of a finished run that goes on: the old one stays in its place until the new one is whole.

    extension/begun.json       the run was finished, and goes on to more epochs
    extension/<file>           files of a better epoch: best.safetensors, item_embeddings.npy, item_bias.npy;
                               ranks.npy and tied.npy of the new result
    extension/test.json        the new result is whole; the files above take their places, test.json last

A kill leaves the old result readable. One that falls while the files take their places is mended by resuming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from degen.files import writing
from degen.runs import directory
from degen.runs.reading import run_object

RESULT = (
    *(directory.ITEM_EMBEDDINGS, directory.ITEM_BIAS, directory.BEST),
    *(directory.RANKS, directory.TIED, directory.TEST),
)
"""Files that a new result replaces, in the order in which they take their places."""


def is_under_way(out: Path) -> bool:
    """Return whether a finished run goes on to more epochs, now or when it is resumed."""
    return directory.RunDirectory(out).extending


def place_of_result(out: Path) -> Path:
    """Return the folder for the files of the best epoch and of the test."""
    return out / directory.EXTENSION if is_under_way(out) else out


def folder_of_best(out: Path) -> Path:
    """Return the folder that holds the `best.safetensors` of the epochs so far."""
    place = place_of_result(out)
    return place if (place / directory.BEST).exists() else out


def begin(out: Path, epoch: int) -> None:
    """Note that a finished run goes on after `epoch`, its last one; does nothing for an unfinished run."""
    settle(out)
    if (out / directory.TEST).exists() and not is_under_way(out):
        writing.write_json(out / directory.EXTENSION / directory.BEGUN, {"after_epoch": epoch})


def settle(out: Path) -> None:
    """End an extension whose result was whole when a process was killed."""
    if (out / directory.EXTENSION / directory.TEST).exists():
        end(out)


def last_epoch(out: Path) -> int:
    """Return the last epoch of the finished run that goes on."""
    return int(run_object(out / directory.EXTENSION / directory.BEGUN).get("after_epoch", 0))


def end(out: Path) -> None:
    """Put the files of the new result into their places; does nothing without an extension."""
    folder = out / directory.EXTENSION
    for name in RESULT:
        if (folder / name).exists():
            writing.move(folder / name, out / name)
    writing.remove(folder / directory.BEGUN)
    with suppress(OSError):
        folder.rmdir()


def go_on(out: Path, epoch: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Leave the result of a finished run where it is while `epoch` is added to the lines `rows`.

    It goes where `epoch` replaces one that it rests on.
    """
    run = directory.RunDirectory(out)
    if run.state != "finished":
        return
    last = last_epoch(out) if run.extending or not rows else rows[-1]["epoch"]
    if epoch > last:
        begin(out, last)
    else:
        _give_up(out)


def _give_up(out: Path) -> None:
    names = (*RESULT, directory.BEGUN)
    writing.remove(out / directory.TEST, *(out / directory.EXTENSION / name for name in names))
    with suppress(OSError):
        (out / directory.EXTENSION).rmdir()
