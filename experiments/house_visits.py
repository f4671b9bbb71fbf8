"""Count the modules that a path visits on its way to the figure of `degen plot-svd`.

    python experiments/house_visits.py         of a small run that is written for it
    python experiments/house_visits.py RUN     of a run that is there

The figure is drawn twice. The first call imports whatever is needed. The second is traced: a module is
visited if one of its functions is entered with the path, or with what has become of it, among its arguments.
That is

    a `Path` at or below the run directory
    an array of one dimension or more
    a list, tuple, dictionary, `functools.partial` or object of a class of degen that holds one of these

matplotlib's objects do not count, so the way ends where the figure takes over. Nor do strings, such as the
name of a file to be written. Nothing here depends on names in degen but for the two modules that start the
drawing, so an older version is counted by the same rule.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

ENTRIES = (
    ("degen.studies.svd", "degen.studies.figure_files"),
    ("degen.studies.svd_figures", "degen.studies.figures"),
)
"""Modules of `draw_svd` and of `FigureOptions`, today and before the house was rebuilt."""

_DEEPEST = 4


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
    (folder / "items.txt").write_text("".join(f"i{n}\n" for n in range(40)), encoding="utf-8")
    np.save(folder / "item_frequency.npy", rng.integers(1, 50, 40))
    np.save(folder / "item_embeddings.npy", rng.normal(size=(40, 8)).astype(np.float32))
    return folder


def modules_visited(run: Path | None = None) -> list[str]:
    """Return the modules that a run visits before it is a figure, in the order of the first visit.

    Parameters
    ----------
    run
        a run directory with item embeddings; by default one that is written for this.
    """
    if run is None:
        with tempfile.TemporaryDirectory() as folder:
            return modules_visited(write_run(Path(folder) / "duorec-s0"))
    study, figures = _entry()
    run, modules = run.absolute(), dict[str, None]()

    def note(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_globals.get("__name__", "")
        if event != "call" or name.split(".")[0] != "degen" or name in modules:
            return
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
        if any(_is_data(frame.f_locals.get(name), run) for name in code.co_varnames[:count]):
            modules[name] = None

    with tempfile.TemporaryDirectory() as folder:
        look = figures.FigureOptions(out=Path(folder), formats="svg")
        study.draw_svd([run], None, look)
        sys.setprofile(note)
        try:
            study.draw_svd([run], None, look)
        finally:
            sys.setprofile(None)
    return list(modules)


def _entry() -> tuple[Any, Any]:
    for study, figures in ENTRIES:
        try:
            return import_module(study), import_module(figures)
        except ModuleNotFoundError:
            continue
    raise SystemExit("this version of degen has no draw_svd where it is looked for")


def _is_data(value: Any, run: Path, depth: int = 0) -> bool:
    """Return whether a value is the path or what has become of it."""
    if isinstance(value, Path):
        return value.absolute().is_relative_to(run)
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return depth < _DEEPEST and any(_is_data(part, run, depth + 1) for part in _parts(value))


def _parts(value: Any) -> list[Any]:
    """Return what a collection or an object of degen holds."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, partial):
        return [*value.args, *value.keywords.values()]
    if type(value).__module__.split(".")[0] == "degen":
        return list(vars(value).values()) if hasattr(value, "__dict__") else []
    return []


if __name__ == "__main__":
    found = modules_visited(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    print("\n".join([*found, f"{len(found)} modules"]))
