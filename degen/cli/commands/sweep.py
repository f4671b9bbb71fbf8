"""`degen sweep`: every combination of settings, trained by workers, with tables and figures of it."""

from __future__ import annotations

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
    from degen.sweeps.run import Stopped, run_study

    study = _study(file, variant, dataset, seeds, keys, assign or [], choice)
    place = _place(file, out)
    try:
        threads = keys["threads"]
        status = run_study(study, place, threads=int(threads) if threads else 1, **work)
    except Stopped as stop:
        done = len(stop.status.done)
        typer.echo(
            f"degen: stopped; {done} of {stop.status.total} runs are done; continue with the same command",
            err=True,
        )
        raise typer.Exit(130) from None
    print(len(status.done), len(status.failed))


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
