"""Count the modules of degen that run between a path given to `degen plot-svd` and its figure.

    python experiments/house_visits.py

Draws a small run twice, and notes at the second time every module of which a function is called. Imports do
not count: a module whose functions are never called costs a reader nothing.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import degen

PACKAGE = Path(degen.__file__).parent

CONFIG = """\
[data]
dataset = "toy"
name = "toy"

[objective]
variant = "duorec"

[training]
seed = 0
"""


def write_run(folder: Path) -> Path:
    """Write what `plot-svd` reads of a run: its configuration, items, counts and embeddings."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "metrics.jsonl").write_text("", encoding="utf-8")
    (folder / "items.txt").write_text("".join(f"i{n}\n" for n in range(40)), encoding="utf-8")
    np.save(folder / "item_frequency.npy", rng.integers(1, 50, 40))
    np.save(folder / "item_embeddings.npy", rng.normal(size=(40, 8)).astype(np.float32))
    return folder


def modules_visited() -> list[str]:
    """Return the modules of degen of which a function is called while `plot-svd` draws a run, in order."""
    from degen.cli.figures import plot_svd

    visited: dict[str, None] = {}

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(str(PACKAGE)):
            visited.setdefault(path)

    with tempfile.TemporaryDirectory() as folder:
        run = write_run(Path(folder) / "duorec-s0")

        def draw() -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                plot_svd([run], out=Path(folder) / "figures", quiet=True, formats="png")

        draw()  # once for the imports, whose decorators and class bodies are calls too
        sys.setprofile(note)
        try:
            draw()
        finally:
            sys.setprofile(None)
    return [Path(path).relative_to(PACKAGE.parent).as_posix() for path in visited]


if __name__ == "__main__":
    found = modules_visited()
    print("\n".join([*found, f"{len(found)} modules"]))
