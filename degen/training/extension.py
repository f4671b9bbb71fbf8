"""Result of a finished run that goes on: the old one stays in its place until the new one is whole.

    extension/begun.json       the run was finished, and goes on to more epochs
    extension/<file>           files of a better epoch: best.safetensors, item_embeddings.npy, item_bias.npy
    extension/test.json        the new result is whole; the files above take their places, test.json last

A kill leaves the old result readable. One that falls while the files take their places is mended by resuming.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from degen.files import writing
from degen.runs import directory


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


def begin(out: Path, epochs: int) -> None:
    """Note that a finished run goes on after `epochs`; end an extension whose result was whole."""
    if (out / directory.EXTENSION / directory.TEST).exists():
        end(out)
    if (out / directory.TEST).exists() and not is_under_way(out):
        writing.write_json(out / directory.EXTENSION / directory.BEGUN, {"epochs": epochs})


def end(out: Path) -> None:
    """Put the files of the new result into their places; does nothing without an extension."""
    folder = out / directory.EXTENSION
    for name in (directory.ITEM_EMBEDDINGS, directory.ITEM_BIAS, directory.BEST, directory.TEST):
        if (folder / name).exists():
            writing.move(folder / name, out / name)
    writing.remove(folder / directory.BEGUN)
    with suppress(OSError):
        folder.rmdir()
