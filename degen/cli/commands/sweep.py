"""`degen sweep`: every combination of settings, trained by workers, with tables and figures of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.options import Group, Modules, Typed, default, option, takes
from degen.cli.output import Output
from degen.cli.study_options import CHOICE, SETTINGS, typed_study
from degen.cli.wording import as_typed
from degen.config.lists import parse_values
from degen.errors import UserError
from degen.modules import import_modules
from degen.tables.terminal import terminal_width

if TYPE_CHECKING:
    from degen.sweeps.run import StudyRun
    from degen.sweeps.study import Study

WORK: Group = {
    "workers": option(
        int | None,
        "--workers",
        "Number of workers." + default("as many as there are cores for, one on a GPU"),
    ),
    "engine": option(str, "--engine", "Start the workers by local, dask or slurm.", "local"),
    "scheduler": option(str | None, "--scheduler", "Address of a Dask scheduler, such as tcp://host:8786."),
    "cells": option(Path | None, "--cells", "Folder of the runs." + default("cells beside --out")),
    "oversubscribe": option(bool, "--oversubscribe", "Allow more threads than there are cores.", False),
    "accept_versions": option(
        bool, "--accept-versions", "Collect runs of other versions of degen too.", False
    ),
    "sbatch": option(
        str | None, "--sbatch", "More options of Slurm's sbatch, such as '--time=24:00:00 --gres=gpu:1'."
    ),
}
"""Options of `degen.sweeps.run.run_study`."""


Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="GROUP.KEY=VALUES", help="Set any key; repeatable.")
]

MODE: Group = {
    "dry_run": option(bool, "--dry-run", "Print cells, expected hours and disk space, and stop.", False),
    "print_script": option(bool, "--print", "Plan the study, print Slurm's batch script, and stop.", False),
    "collect_only": option(bool, "--collect", "Collect the results of what is done, and stop.", False),
}
"""Options that do less than train and collect."""


@takes(writes=True, keys=SETTINGS, choice=CHOICE, work=WORK, mode=MODE)
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
    assign: Assignments = None,
    choice: Typed,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study." + default("runs/STUDY, for a file"))
    ] = None,
    work: Typed,
    modules: Modules = None,
    mode: Typed,
    output: Output,
) -> None:
    """Train every combination of settings and seeds, and collect tables and figures.

    Options of the configuration take several values: a list (0,0.02,0.1), or start:stop:step (0.1:0.5:0.1).

    [bold]Examples[/bold]

      degen sweep --lambda 0,0.02,0.1,0.5 --seeds 0-2 --out runs/lam

      degen sweep --variant sasrec,duorec --dropout 0.1:0.5:0.1 --out runs/drop

      degen sweep study.toml --dry-run
    """
    from degen.cli.sweep_display import show_dry_run
    from degen.sweeps.asked.lists import nothing_swept, study_folder

    import_modules(modules or [])
    study = typed_study(file, variant, dataset, seeds, keys, assign or [], choice)
    place, threads = study_folder(file, out), _threads(keys["threads"])
    if mode["dry_run"] or mode["print_script"]:
        (show_dry_run if mode["dry_run"] else _print_script)(study, place, threads, work, output)
        output.note(*filter(None, [nothing_swept(study)]))
        raise typer.Exit
    from degen.sweeps.bar import sweep_bar
    from degen.sweeps.run import Stopped, collected_study, run_study

    try:
        if mode["collect_only"]:
            ended = collected_study(place, accept_versions=work["accept_versions"])
        else:
            with sweep_bar(place, output.quiet, as_typed) as watch:
                ended = run_study(study, place, threads=threads, watch=watch, note=output.note, **work)
    except Stopped as stop:
        typer.echo(f"degen: {stop}; continue with the same command", err=True)
        raise typer.Exit(130) from None
    _print(place, ended, _failures(place, ended), output)
    if ended.status.failed:
        raise typer.Exit(1)


def _failures(out: Path, ended: StudyRun) -> dict[str, str]:
    """Return the sentence of each run that failed, by its name in words."""
    from degen.runs.study import read_failure
    from degen.sweeps.bar import name_of

    return {name_of(run): as_typed(read_failure(out, run.name)[0]) for run in ended.status.failed}


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
        output.show(found.table(terminal_width()))
        output.line("", *(f"  {path}" for path in files))
    elif failed:
        output.note(*(f"{name}: {sentence}" for name, sentence in failed.items()))


def _print_script(study: Study, out: Path, threads: int, work: Typed, output: Output) -> None:
    """Plan a study and print the batch script that trains it."""
    text = planned_script(study, out, threads, work)
    if not output.result({"study": str(out), "script": text}):
        output.line(text)


def planned_script(study: Study, out: Path, threads: int, work: Typed) -> str:
    """Plan a study and return the batch script that trains it."""
    from degen.sweeps.engines.slurm import jobs, script
    from degen.sweeps.plan import write_plan

    workers = jobs(work["workers"])
    write_plan(study, out, work["cells"], extend=work.get("extend", False))
    return script(out, workers, threads, work["sbatch"])


def _threads(text: str | None) -> int:
    threads = parse_values("threads", text or "1")
    if len(threads) > 1 or not isinstance(threads[0], int) or threads[0] < 1:
        raise UserError(f"`threads` is a whole number of 1 or more, not '{text}'")
    return int(threads[0])


def sweep_work(
    out: Annotated[Path, typer.Argument(help="Folder of a study.")],
    threads: Annotated[int | None, typer.Option(min=1, help="Number of CPU threads.")] = None,
    parent: Annotated[int | None, typer.Option(help="Process with which the worker ends.")] = None,
    modules: Modules = None,
) -> None:
    """Train the free runs of a study one after another until none is left; every engine starts this."""
    from degen.sweeps.worker import Worker

    import_modules(modules or [])
    Worker(out, threads=threads, parent=parent).work()
