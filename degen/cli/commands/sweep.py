"""`degen sweep`: every combination of settings, trained by workers, with tables and figures of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.options import Group, Typed, default, option, takes
from degen.cli.output import Output
from degen.cli.study_options import CHOICE, SETTINGS, typed_study
from degen.config.lists import parse_values
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.sweeps.run import StudyRun
    from degen.sweeps.study import Study

WORK: Group = {
    "workers": option(
        int | None, "--workers", "Number of workers." + default("as many as there are cores for")
    ),
    "engine": option(str, "--engine", "Start the workers by local, dask or slurm.", "local"),
    "scheduler": option(str | None, "--scheduler", "Address of a Dask scheduler, such as tcp://host:8786."),
    "cells": option(Path | None, "--cells", "Folder of the runs." + default("cells beside --out")),
    "extend": option(bool, "--extend", "Add cells to the study that is in --out.", False),
    "oversubscribe": option(bool, "--oversubscribe", "Allow more threads than there are cores.", False),
}
"""Options of `degen.sweeps.run.run_study`."""


@takes(keys=SETTINGS, choice=CHOICE, work=WORK)
def sweep(
    file: Annotated[
        Path | None, typer.Argument(metavar="[STUDY]", help="Study file (TOML), or folder of a study.")
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option("--variant", "-v", help="Variants, separated by commas or repeated.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Datasets, separated by commas." + default("synthetic"))
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds, such as 0-2 or 0,3,5." + default("0"))] = None,
    *,
    keys: Typed,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="GROUP.KEY=VALUES", help="Set any key; repeatable."),
    ] = None,
    choice: Typed,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study." + default("runs/STUDY, for a file"))
    ] = None,
    work: Typed,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print cells, expected hours and disk space, and stop.")
    ] = False,
    output: Output,
) -> None:
    """Train every combination of settings and seeds, and collect tables and figures.

    Options of the configuration take several values: a list (0,.02,.1) or a range with its stop (.1:.5:.1).

    [bold]Examples[/bold]

      degen sweep --lambda 0,.02,.1,.5 --seeds 0-2 --out runs/lam

      degen sweep --variant sasrec,duorec --dropout .1:.5:.1 --dataset my.csv --out runs/drop --workers 4

      degen sweep study.toml --dry-run
    """
    study, place = typed_study(file, variant, dataset, seeds, keys, assign or [], choice), _place(file, out)
    threads = _threads(keys["threads"])
    if dry_run:
        _dry_run(study, place, threads, work, output)
        return
    from degen.cli.sweep_display import name_of, sweep_bar
    from degen.sweeps.run import Stopped, run_study
    from degen.sweeps.status import failure

    try:
        with sweep_bar(place, output.quiet) as watch:
            ended = run_study(study, place, threads=threads, watch=watch, **work)
    except Stopped as stop:
        typer.echo(f"degen: {stop}; continue with the same command", err=True)
        raise typer.Exit(130) from None
    failed = {name_of(planned): failure(place, planned) for planned in ended.status.failed}
    _print(place, ended, failed, output)
    if failed:
        raise typer.Exit(1)


def _print(out: Path, ended: StudyRun, failed: dict[str, str], output: Output) -> None:
    """Print the summary and the files that were written."""
    found = ended.collected
    files = [str(path) for path in found.files] if found else []
    rows = json.loads(found.summary.to_json(orient="records")) if found else []
    counts = {"done": len(ended.status.done), "failed": failed, "runs": ended.status.total}
    if output.result({"study": str(out), **counts, "summary": rows, "files": files}):
        return
    if found:
        output.note(*found.notes)
        output.show(found.table())
        output.line("", *(f"  {path}" for path in files))
    elif failed:
        output.note(*(f"{name}: {sentence}" for name, sentence in failed.items()))


def _threads(text: str | None) -> int:
    threads = parse_values("threads", text or "1")
    if len(threads) > 1 or not isinstance(threads[0], int) or threads[0] < 1:
        raise UserError(f"`threads` is a whole number of 1 or more, not '{text}'")
    return int(threads[0])


MOST_ROWS = 20
"""Rows of cells that a dry run prints."""


def _dry_run(study: Study, out: Path, threads: int, work: Typed, output: Output) -> None:
    """Print the cells that would be trained, and what they need."""
    from degen.runs.choose import setting_title, setting_value
    from degen.runs.directory import TEST
    from degen.sweeps.estimate import estimate
    from degen.sweeps.plan import cells_folder, plan_lines
    from degen.training.children.cores import available_cores

    plan_lines(study, out, work["cells"], extend=work["extend"])  # refuses what a sweep would refuse
    folder = work["cells"] or cells_folder(out)
    cells = study.cells()
    runs = [(cell, seed) for seed in study.seeds for cell in cells]
    missing = [cell.seeded(seed) for cell, seed in runs if not (cell.run(folder, seed) / TEST).exists()]
    workers = work["workers"] or max(1, available_cores() // threads)
    need = estimate(missing, folder, workers, threads)
    counts = {"runs": len(runs), "done": len(runs) - len(missing), "workers": workers}
    told = [
        {"id": cell.id, "dataset": cell.dataset, "variant": cell.variant, "control": cell.control}
        | {"axes": cell.axes, "run": str(cell.run(folder, study.seeds[0]))}
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
    most = "at most " if need.at_most else ""
    output.line(
        f"\n{len(cells)} cells × {len(study.seeds)} seeds: {len(runs)} runs, {counts['done']} of them done",
        f"time: {most}{_duration(need.hours)} with {workers} workers of {threads} threads",
        *(f"  {basis}" for basis in need.basis),
        f"disk: {need.bytes / 2**20:,.0f} MiB in {folder}",
    )


def _duration(hours: float) -> str:
    return f"{hours * 60:.0f} min" if hours < 1.5 else f"{hours:.1f} h"


def sweep_work(
    out: Annotated[Path, typer.Argument(help="Folder of a study.")],
    threads: Annotated[int | None, typer.Option(min=1, help="Number of CPU threads.")] = None,
    parent: Annotated[int | None, typer.Option(help="Process with which the worker ends.")] = None,
) -> None:
    """Train the free runs of a study one after another until none is left; every engine starts this."""
    from degen.sweeps.worker import Worker

    Worker(out, threads=threads, parent=parent).work()


def _place(file: Path | None, out: Path | None) -> Path:
    if out is not None:
        return out
    if file is None:
        raise UserError("name the folder of the study by --out, for instance --out runs/sweep")
    return file if file.is_dir() else Path("runs") / file.stem
