"""A dry run of a sweep: its cells, and the time and disk space that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from degen.config.key_names import with_former
from degen.errors import counted
from degen.runs.choose import setting_title, setting_value

if TYPE_CHECKING:
    from degen.cli.options import Typed
    from degen.cli.output import Output
    from degen.config.schema import Config
    from degen.sweeps.cells import Cell
    from degen.sweeps.estimate import Estimate
    from degen.sweeps.study import Study


MOST_ROWS = 20
"""Rows of cells that a dry run prints."""


def show_dry_run(study: Study, out: Path, threads: int, work: Typed, output: Output) -> None:
    """Print the cells that would be trained, and what they need."""
    from degen.sweeps.estimate import estimate
    from degen.sweeps.plan import cells_folder, plan_lines

    folder = work["cells"] or cells_folder(out)
    cells = study.cells()
    # Refuses what a sweep would refuse.
    plan_lines(study, out, work["cells"], extend=work.get("extend", False), found=cells)
    missing, runs = missing_runs(cells, study.seeds, folder), len(cells) * len(study.seeds)
    workers = wanted_workers(work["workers"], threads)
    need = estimate(list(missing.values()), folder, workers, threads)
    counts = {"runs": runs, "done": runs - len(missing), "workers": workers}
    told = [
        {"id": cell.id, "dataset": cell.dataset, "variant": cell.variant, "control": cell.control}
        | {"axes": with_former(cell.axes), "run": str(cell.run(folder, study.seeds[0]))}
        for cell in cells
    ]
    if output.result({"cells": told, **counts, **asdict(need)}):
        return
    keys = list(dict.fromkeys(key for cell in cells for key in cell.axes if key != "objective.variant"))
    bare = {key: key.rpartition(".")[2] for key in keys}
    columns = ["cell", "dataset", "variant", *(setting_title(bare[key]) for key in keys), "seeds"]
    rows = []
    for cell in cells:
        values = [setting_value(bare[key], cell.axes[key]) if key in cell.axes else "–" for key in keys]
        rows.append([cell.id, cell.dataset, cell.variant, *values, len(study.seeds)])
    output.table(columns, rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        output.line(f"… and {len(rows) - MOST_ROWS} more cells")
    output.line(
        f"\n{counted(len(cells), 'cell')} × {counted(len(study.seeds), 'seed')}: {counted(runs, 'run')}, "
        f"{counts['done']} of them done",
        *told_need(need, workers, threads, folder),
    )


def missing_runs(cells: Sequence[Cell], seeds: Sequence[int], folder: Path) -> dict[Path, Config]:
    """Return the configurations of the runs in `folder` that are not finished, by run directory."""
    from degen.runs.directory import TEST

    runs = {cell.run(folder, seed): cell.seeded(seed) for seed in seeds for cell in cells}
    return {path: config for path, config in runs.items() if not (path / TEST).exists()}


def wanted_workers(workers: int | None, threads: int) -> int:
    """Return the number of workers to estimate with: the given one, or as many as there are cores for."""
    from degen.training.children.cores import available_cores

    return workers or max(1, available_cores() // threads)


def told_need(need: Estimate, workers: int, threads: int, folder: Path) -> list[str]:
    """Return the lines that say what runs need."""
    most = "at most " if need.at_most else ""
    return [
        f"time: {most}{_duration(need.hours)} with {counted(workers, 'worker')} of "
        f"{counted(threads, 'thread')}",
        *(f"  {basis}" for basis in need.basis),
        f"disk: {need.bytes / 2**20:,.0f} MiB in {folder}",
    ]


def _duration(hours: float) -> str:
    if hours * 60 < 1:
        return f"{max(1, hours * 3600):.0f} s"
    return f"{hours * 60:.0f} min" if hours < 1.5 else f"{hours:.1f} h"
