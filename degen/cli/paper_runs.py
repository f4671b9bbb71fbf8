"""Runs of the paper's targets as `degen paper` shows them: progress, expected hours, tables and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import typer

from degen.cli.options import Typed
from degen.cli.output import Output
from degen.cli.wording import as_typed
from degen.errors import counted
from degen.tables.terminal import terminal_width

if TYPE_CHECKING:
    from degen.paper.judging.verdicts import Judgement
    from degen.paper.targets import Target
    from degen.sweeps.cells import Cell
    from degen.sweeps.collect import Collected
    from degen.sweeps.status import Status
    from degen.sweeps.study import Study
    from degen.tables.table import Table

WIDE = 100
"""Characters of a line of a verdict in a pipe or a file."""


def run_targets(
    names: Sequence[str],
    how: Typed,
    output: Output,
    *,
    datasets: str | None,
    methods: str | None,
    seeds: str | None,
    budget: str | None,
    dry_run: bool,
    print_script: bool,
    out: Path,
) -> None:
    """Train targets, and print what comes of them; the arguments are those of `degen paper run`."""
    from degen.paper.launch import Budget, Workers, also_trained, parse_budget, run_target
    from degen.sweeps.bar import sweep_bar
    from degen.sweeps.run import Stopped

    limit = Budget(None if budget is None else parse_budget(budget))
    notes: list[str] = []
    chosen = _chosen(names, datasets, methods, seeds, notes)
    output.note(*notes, *also_trained(chosen, out))
    if dry_run:
        _dry_run(chosen, how, out, output)
        return
    if print_script:
        _print_scripts(chosen, how, out, output)
        return
    failed: dict[str, int] = {}
    done: dict[str, Collected] = {}
    for place, (target, study) in enumerate(chosen):
        if place and limit.spent:
            output.note(f"the budget is spent before {target.name}; continue with the same command")
            break
        try:
            with sweep_bar(out / target.name, output.quiet, as_typed) as watch:
                shown = _announced(f"{target.name}: {target.title}; {target.source}", watch, output)
                ended = run_target(target, study, out, Workers(**how), limit, shown, output.note)
            failed[target.name] = len(ended.status.failed)
            if ended.collected is not None:
                done[target.name] = ended.collected
        except Stopped as stop:
            why = "the budget is spent" if limit.spent else "stopped"
            count = f"{len(stop.status.done)} of {counted(stop.status.total, 'run')} of {target.name} done"
            output.note(f"{why}; {count}; continue with the same command")
            if not limit.spent:
                raise typer.Exit(130) from None
            break
    names = list(dict.fromkeys(target.name for target, _ in chosen))
    print_collection(names, out, output, done, accept_versions=how["accept_versions"])
    if any(failed.values()):
        raise typer.Exit(1)


def adopt_runs(
    runs: Sequence[Path],
    targets: str | None,
    output: Output,
    *,
    datasets: str | None,
    methods: str | None,
    seeds: str | None,
    out: Path,
) -> None:
    """Take runs that are trained already, and print how many each target has got."""
    from degen.config.lists import names_in
    from degen.paper.adopting import adopt
    from degen.paper.targets import NAMES

    notes: list[str] = []
    names = names_in(targets) if targets is not None else NAMES
    chosen = _chosen(names, datasets, methods, seeds, notes)
    found = adopt(chosen, runs, out)
    output.note(*notes, *found.notes)
    taken = [
        {"target": target, "dataset": dataset, "method": method, "seed": seed}
        for target, runs_of in found.taken.items()
        for dataset, method, seed in runs_of
    ]
    if output.result(taken):
        return
    if taken:
        output.table(list(taken[0]), [list(row.values()) for row in taken])
    else:
        output.line("no run is taken")


def _announced(title: str, watch: Callable[[Status], None], output: Output) -> Callable[[Status], None]:
    """Return `watch`, which prints a title before its first call: what is refused has none."""
    titles = [title]

    def shown(status: Status) -> None:
        if titles:
            output.note(titles.pop())
        watch(status)

    return shown


def _chosen(
    names: Sequence[str], datasets: str | None, methods: str | None, seeds: str | None, notes: list[str]
) -> list[tuple[Target, Study]]:
    """Return the targets with their studies narrowed to what the options name."""
    from degen.config.lists import names_in, parse_seeds
    from degen.paper.launch import choose_targets

    logs, chosen = (None if text is None else names_in(text) for text in (datasets, methods))
    return choose_targets(names, logs, None if seeds is None else parse_seeds(seeds), notes, chosen)


def _dry_run(chosen: Sequence[tuple[Target, Study]], how: Typed, out: Path, output: Output) -> None:
    """Print the runs that would be trained, each once though several targets want it, and what they need."""
    from degen.cli.sweep_display import missing_runs, told_need, wanted_workers
    from degen.runs.study import CELLS
    from degen.sweeps.estimate import estimate

    folder, workers = out / CELLS, wanted_workers(how["workers"], how["threads"])
    missing: dict[Path, Any] = {}
    rows = []
    for target, study in chosen:
        by_dataset: dict[str, list[Cell]] = {}
        for cell in study.cells():
            by_dataset.setdefault(cell.dataset, []).append(cell)
        for dataset, cells in by_dataset.items():
            runs, left = len(cells) * len(study.seeds), missing_runs(cells, study.seeds, folder)
            rows.append(
                {
                    "target": target.name,
                    "dataset": dataset,
                    "cells": len(cells),
                    "runs": runs,
                    "done": runs - len(left),
                    "new": len(left.keys() - missing.keys()),
                }
            )
            missing |= left
    need = estimate(list(missing.values()), folder, workers, how["threads"])
    if output.result({"targets": rows, "missing": len(missing), "workers": workers, **asdict(need)}):
        return
    output.table(list(rows[0]), [list(row.values()) for row in rows])
    output.line(f"{counted(len(missing), 'run')} to train", *told_need(need, workers, how["threads"], folder))


def _print_scripts(chosen: Sequence[tuple[Target, Study]], how: Typed, out: Path, output: Output) -> None:
    """Plan the studies of targets, and print the batch script that trains each."""
    from degen.cli.commands.sweep import planned_script
    from degen.paper.launch import extending
    from degen.runs.study import CELLS

    work = {**how, "cells": out / CELLS, "extend": True}
    scripts = {
        target.name: planned_script(extending(target, study, out), out / target.name, how["threads"], work)
        for target, study in chosen
    }
    if not output.result([{"study": str(out / name), "script": text} for name, text in scripts.items()]):
        output.line(*scripts.values())


def print_collection(
    names: Sequence[str] | None,
    out: Path,
    output: Output,
    done: Mapping[str, Collected] | None = None,
    *,
    accept_versions: bool = False,
) -> None:
    """Collect targets, and print their tables, verdicts and files."""
    from degen.paper.collecting import collect_targets

    found = collect_targets(out, names, done, accept_versions=accept_versions)
    output.note(*found.notes)
    if output.result(found.as_json()):
        return
    for table in found.tables:
        output.show(_narrowed(table))
    if found.judgements:
        output.line("\nThe paper's claims on these runs:")
    width, blanks = terminal_width() or WIDE, " " * 18
    for one in found.judgements:
        if one.seeds:
            output.line(f"  {one.verdict + ':':16}{one.claim}, {one.dataset} ({one.source})")
            output.line(*wrap(one.measured, width, initial_indent=blanks, subsequent_indent=blanks))
    _tell_open(found.judgements, output)
    output.line("\nFiles:", *(f"  {path}" for path in found.files))


def _tell_open(judgements: Sequence[Judgement], output: Output) -> None:
    """Print how many claims of each dataset have no run behind them, and what they lack."""
    from degen.paper.judging.intervals import NOT_TRAINED

    lacking: dict[tuple[str, str], list[str]] = {}
    for one in judgements:
        if not one.seeds:
            lacking.setdefault((one.dataset, one.source), []).append(one.measured)
    for (dataset, source), reasons in lacking.items():
        methods = [reason.removeprefix(NOT_TRAINED) for reason in reasons if reason.startswith(NOT_TRAINED)]
        names = dict.fromkeys(", ".join(methods).split(", ") if methods else ())
        told = [NOT_TRAINED + ", ".join(names)] if names else []
        told += dict.fromkeys(reason for reason in reasons if not reason.startswith(NOT_TRAINED))
        count = counted(len(reasons), "more claim")
        output.paragraph(f"{count} on {dataset} ({source}) cannot be told; {'; '.join(told)}.")


def _narrowed(table: Table) -> Table:
    """Return the first columns of a table that fit the terminal; files have all."""
    from degen.tables.table import fitting

    texts = [
        (column.title, *(row[place].text for row in table.rows)) for place, column in enumerate(table.columns)
    ]
    kept = fitting(texts, terminal_width(), least=3)
    if kept == len(table.columns):
        return table
    kept -= table.columns[kept - 1].title.endswith(" paper")  # it stands for nothing without ours
    more = len(table.columns) - kept
    note = f"{table.note}\n{counted(more, 'more column')} in {table.name}.tex"
    rows = [row[:kept] for row in table.rows]
    return replace(table, columns=table.columns[:kept], rows=rows, note=note)
