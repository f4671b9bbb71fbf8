"""`degen sweep`: every combination of settings, trained by workers, with tables and figures of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.options import Group, Typed, default, key_option, option, takes
from degen.cli.output import Output
from degen.config.facts import KEYS, OPTIONS
from degen.config.lists import parse_seeds, parse_values
from degen.config.settle import by_group, merge
from degen.errors import UserError

if TYPE_CHECKING:
    from degen.sweeps.run import StudyRun
    from degen.sweeps.study import Study

APART = ("variant", "dataset", "seed", "engine")
"""Keys without an option here: `--engine` starts workers, and `--set model.engine=…` is the encoder's."""


def list_option(key: str) -> tuple[Any, None]:
    """Return the option of a key as text, for several values."""
    annotation, _ = key_option(key)
    (about,) = annotation.__metadata__
    about.metavar = about.metavar or "VALUES"
    return Annotated[str | None, about], None


SETTINGS: Group = {
    **{key: list_option(key) for key in OPTIONS if key not in APART},
    "dropout": option(
        str | None,
        "--dropout",
        "Embedding, hidden and attention dropout together.",
        rich_help_panel="Model",
        metavar="VALUES",
    ),
}
"""Options of keys of the configuration, each with several values."""

CHOICE: Group = {
    "zip": option(bool, "--zip", "Take the lists of values in step, instead of every combination.", False),
    "random": option(int | None, "--random", "Draw this many of the combinations."),
    "random_seed": option(int | None, "--random-seed", "Seed of the draw." + default("0")),
}
"""Options that choose among the combinations."""

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
    study, place = _study(file, variant, dataset, seeds, keys, assign or [], choice), _place(file, out)
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
        done = len(stop.status.done)
        typer.echo(
            f"degen: stopped; {done} of {stop.status.total} runs are done; continue with the same command",
            err=True,
        )
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
    from degen.sweeps.engines.local import cores
    from degen.sweeps.estimate import estimate
    from degen.sweeps.plan import cells_folder, plan_lines

    plan_lines(study, out, work["cells"], extend=work["extend"])  # refuses what a sweep would refuse
    folder = work["cells"] or cells_folder(out)
    cells = study.cells()
    runs = [(cell, seed) for seed in study.seeds for cell in cells]
    missing = [cell.seeded(seed) for cell, seed in runs if not (cell.run(folder, seed) / TEST).exists()]
    workers = work["workers"] or max(1, cores() // threads)
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


def _study(
    file: Path | None,
    variant: list[str] | None,
    dataset: str | None,
    seeds: str | None,
    keys: Typed,
    assign: list[str],
    choice: Typed,
) -> Study:
    """Return the study of a file and of the options, which override it."""
    from degen.cli.commands.train import _variants
    from degen.runs.study import STUDY
    from degen.sweeps.study import Study

    given: dict[str, Any] = {}
    if file is not None:
        path = file / STUDY if file.is_dir() else file
        given = Study.from_toml(path).model_dump(exclude_defaults=True)
    variants = [named["variant"] for named in _variants(variant)] if variant else []
    typed = {**({"variant": variants} if variants else {}), **_typed_values(keys, assign)}
    axes: dict[str, Any] = {}
    base: dict[str, Any] = {}
    for key, values in typed.items():
        if len(values) > 1:
            axes[key] = {"key": key, "values": values}
        else:
            base[key] = values[0]
    _refuse_both(axes, base)
    replaced = {*axes, *base}
    kept = {
        label: axis
        for label, axis in given.get("axes", {}).items()
        if str(axis["key"]).rpartition(".")[2] not in replaced
    }
    given |= {"axes": {**kept, **axes}, "base": merge(given.get("base", {}), by_group(base))}
    if dataset is not None:
        given["datasets"] = [name.strip() for name in dataset.split(",")]
    if seeds is not None:
        given["seeds"] = parse_seeds(seeds)
    given |= {key: value for key, value in choice.items() if value not in (None, False)}
    return Study.of_values(given)


def _typed_values(keys: Typed, assign: list[str]) -> dict[str, list[Any]]:
    """Return the values of each key that was typed, by an option or by `--set`."""
    from degen.data.reading.columns import parse_columns

    typed: dict[str, list[Any]] = {}
    for key, text in keys.items():
        if text is None or key == "threads":
            continue
        typed[key] = [parse_columns(text)] if key == "columns" else parse_values(key, text)
    for text in assign:
        path, equals, values = text.partition("=")
        group, dot, key = path.strip().partition(".")
        if not equals or not dot:
            raise UserError(
                f"--set {text}: write it as group.key=values, for example --set training.adam_eps=1e-8,1e-6"
            )
        by_group({key: None})
        if KEYS[key][0] != group:
            raise UserError(f"--set {text}: '{key}' is in the group {KEYS[key][0]}, not {group}")
        if key in typed:
            raise UserError(f"two options set {group}.{key}; give one of them")
        typed[key] = parse_values(key, values)
    return typed


def _refuse_both(axes: dict[str, Any], base: dict[str, Any]) -> None:
    """Refuse `dropout` beside one of the three that it sets, where one of them has several values."""
    from degen.config.settle import DROPOUTS

    for key in DROPOUTS:
        typed = {key, "dropout"}
        if typed <= {*axes, *base} and typed & {*axes}:
            raise UserError(f"`dropout` sets `{key}` too; give one of the two")
