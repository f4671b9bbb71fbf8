"""Work on a disk that is full or can only be read, and two processes that write the same at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import scenes
import whole
from killing import MOST, Reference, wait
from scenes import SCENES, Scene

SIZES = (8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024)
"""Sizes in KiB of the disk that the work does not, or just, fit on."""


def can_mount(folder: Path) -> bool:
    """Whether this process may mount a disk in memory: root, outside most containers."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    try:
        with disk(folder / "tried", "64k"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk of `size` at `folder` for a block."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True, capture_output=True
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def remount(folder: Path, options: str) -> None:
    """Change the options of a mounted disk."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True, capture_output=True)


def _finish(scene: Scene, place: Path, said: Path, *, again: bool) -> tuple[int | None, str]:
    child = scenes.in_child(place, lambda: scene.begin(again=again), said)
    code = wait(child, time.monotonic() + MOST)
    return code, said.read_text(errors="replace")


def _one_sentence(code: int | None, said: str, about: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    good = (
        code == 2
        and lines
        and lines[-1].startswith("degen: ")
        and about in lines[-1]
        and "Traceback" not in said
    )
    return "" if good else f"exit code {code}, expected a sentence with '{about}': {said[-400:]}"


def fill(name: str, size: int, known: Reference, folder: Path, finished: Path | None) -> str:
    """Do the work on a disk of `size` KiB, then on a larger one; return what was wrong, or nothing."""
    scene, said = SCENES[name], folder / "said.txt"
    with disk(folder / "work", "64M") as mounted:
        place = scenes.prepare(scene, mounted, finished)
        used = shutil.disk_usage(mounted).used // 1024
        remount(mounted, f"size={used + size}k")
        code, told = _finish(scene, place, said, again=False)
        if code != 0:
            if wrong := _one_sentence(code, told, "No space left on device"):
                return wrong
            if half := whole.broken(place / scene.out):
                return f"half written on a full disk: {half}"
            remount(mounted, "size=64M")
            code, told = _finish(scene, place, said, again=True)
            if code != 0:
                return f"does not go on with more space: {told[-400:]}"
        other = whole.difference(known.result, whole.digest(place / scene.out))
        return f"the result differs in {other}" if other else ""


def read_only(name: str, folder: Path, finished: Path | None) -> str:
    """Do the work on a disk that can only be read; return what was wrong, or nothing."""
    scene = SCENES[name]
    with disk(folder / "work", "64M") as mounted:
        place = scenes.prepare(scene, mounted, finished)
        remount(mounted, "ro")
        said = folder / "said.txt"
        child = scenes.in_child(place, lambda: _with_cache(scene, folder), said)
        code = wait(child, time.monotonic() + MOST)
        remount(mounted, "rw")
        return _one_sentence(code, said.read_text(errors="replace"), "Read-only file system")


def _with_cache(scene: Scene, folder: Path) -> None:
    os.environ["DEGEN_CACHE"] = str(folder / "cache")
    scene.begin(again=False)


def two_writers(name: str, known: Reference, folder: Path, finished: Path | None) -> str:
    """Start the same work twice at once in one folder; return what was wrong, or nothing."""
    scene = SCENES[name]
    place = scenes.prepare(scene, folder / "work", finished)
    said = [folder / f"said-{n}.txt" for n in (0, 1)]
    children = [scenes.in_child(place, lambda: scene.begin(again=False), path) for path in said]
    codes = [wait(child, time.monotonic() + MOST) for child in children]
    texts = [path.read_text(errors="replace") for path in said]
    if (
        0 not in codes
        or any(code not in (0, 2) for code in codes)
        or any("Traceback" in text for text in texts)
    ):
        return f"exit codes {codes}: {texts}"
    other = whole.difference(known.result, whole.digest(place / scene.out))
    return f"the result differs in {other}" if other else ""
