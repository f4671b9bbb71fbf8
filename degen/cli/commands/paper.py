"""`degen paper`: the paper's tables and figures as studies, with the published values and verdicts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from degen.cli.commands.sweep import WORK
from degen.cli.options import Group, Typed, default, option, takes
from degen.cli.output import Output
from degen.cli.paper_runs import print_collection, run_targets

if TYPE_CHECKING:
    from degen.paper.feasible import Block

app = typer.Typer(
    no_args_is_help=True,
    help="Repeat the tables and figures of the paper, and test its published numbers.",
)

EXPLANATION = """\
With one target per user, a hit at rank r adds 1 to HR and 1 / log₂(r + 1) to
NDCG. So a hit at ranks 6 to 10 adds 0.289 to 0.356 to NDCG@10 − NDCG@5, and a
hit within rank K adds at least 1 / log₂(K + 1) to NDCG@K:
    (HR@10 − HR@5) / log₂ 11  ≤  NDCG@10 − NDCG@5  ≤  (HR@10 − HR@5) / log₂ 7
    HR@K / log₂(K + 1)        ≤  NDCG@K            ≤  HR@K
Means over seeds obey the same. Rounding (± 0.00005 per number) is allowed for.
"""


@app.command("check-table2")
@takes()
def check_table2(output: Output) -> None:
    """Test whether the numbers of the paper's Table 2 can be the metrics of any ranking.

    [bold]Example[/bold]

      degen paper check-table2
    """
    from degen.paper import feasible
    from degen.variant_names import variant_label

    blocks = feasible.check_table2()
    impossible = [block for block in blocks if not block.possible]
    result = {
        "blocks": [_block(block) for block in blocks],
        "impossible": len(impossible),
        "of": len(blocks),
        "rounding": feasible.ROUNDING,
    }
    if output.result(result):
        return
    output.line(EXPLANATION)
    output.table(
        ["dataset", "method", "quantity", "published", "possible"],
        [
            [
                block.dataset,
                variant_label(block.method),
                bound.quantity,
                bound.published,
                f"{max(bound.low, 0):.4f} to {bound.high:.4f}",
            ]
            for block in impossible
            for bound in block.violated
        ],
        right=("possible",),
    )
    output.line(
        f"{len(impossible)} of {len(blocks)} blocks (dataset and method) of Table 2 are impossible.",
        *(
            f"{b.dataset}, {variant_label(b.method)}: possible with {b.misprint}"
            for b in impossible
            if b.misprint
        ),
    )


def _block(block: Block) -> dict[str, Any]:
    """Return a block of Table 2 in dictionaries and lists."""
    return {
        "dataset": block.dataset,
        "method": block.method,
        **block.metrics,
        "possible": block.possible,
        "misprint": block.misprint,
        "violated": [
            {"quantity": b.quantity, "published": b.published, "low": b.low, "high": b.high}
            for b in block.violated
        ],
    }


PAPER = Path("runs/paper")
"""Default folder of the paper's studies."""

Out = Annotated[Path, typer.Option("--out", help="Folder of the paper's studies.")]
Targets = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TARGET…]", help="Targets, as `degen paper list` names them." + default("all")),
]

CHOICE: Group = {
    "datasets": option(
        str | None, "--datasets", "Datasets, separated by commas." + default("the paper's that are here")
    ),
    "methods": option(
        str | None,
        "--methods",
        "Methods, separated by commas, such as sasrec,duorec." + default("all of a target's"),
    ),
    "seeds": option(str | None, "--seeds", "Seeds, such as 0-2 or 0,3,5." + default("0-2")),
    "budget": option(
        str | None,
        "--budget",
        "Stop after this time, such as 20h or 1h30m, at the end of an epoch.",
        metavar="TIME",
    ),
    "dry_run": option(bool, "--dry-run", "Print runs and expected hours, and stop.", False),
    "print_script": option(bool, "--print", "Plan targets, print Slurm's batch scripts, and stop.", False),
    "out": option(Path, "--out", "Folder of the paper's studies.", PAPER),
}
"""Options that say what is trained, where, and for how long."""

WORKERS: Group = {
    **{name: WORK[name] for name in WORK if name != "cells"},
    "threads": option(int, "--threads", "Number of CPU threads of each worker.", 1, min=1),
}
"""Options of workers."""


@app.command("list")
@takes()
def list_targets(out: Out = PAPER, *, output: Output) -> None:
    """List the paper's tables and figures: which of their runs are done, and the hours that are left.

    A run is a cell with a seed. Hours are those of one worker, by the speed of runs that are done.

    [bold]Example[/bold]

      degen paper list
    """
    from degen.paper.standing import standings
    from degen.paper.targets import target

    found = standings(out)
    if output.result([{**asdict(one), "missing": one.missing} for one in found]):
        return
    columns = ["target", "dataset", "runs", "done", "running", "failed", "missing", "hours left"]
    rows = []
    before = ""
    for one in found:
        name, before = ("" if one.target == before else one.target), one.target
        hours = "–" if one.hours is None else f"{one.hours:.1f}"
        dataset = one.dataset if one.here else f"{one.dataset} (not here)"
        rows.append([name, dataset, one.runs, one.done, one.running, one.failed, one.missing, hours])
    output.table(columns, rows, right=("hours left",))
    names = dict.fromkeys(one.target for one in found)
    output.note(*(f"{name}: {target(name).title}; {target(name).source}" for name in names))


@app.command()
@takes(writes=True, choice=CHOICE, how=WORKERS)
def run(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET…", help="Targets, such as table2 or fig7.")],
    choice: Typed,
    how: Typed,
    *,
    output: Output,
) -> None:
    """Train the runs of targets that are missing; then write their tables, figures and verdicts.

    Targets share their runs. The same command goes on after a stop.

    [bold]Examples[/bold]

      degen paper run fig7 --datasets synthetic --seeds 0-1 --workers 2

      degen paper run table2 fig2 --datasets beauty --budget 20h

      degen paper run table2 --datasets beauty --methods sasrec,duorec
    """
    run_targets(targets, how, output, **choice)


@app.command("all")
@takes(writes=True, choice=CHOICE, how=WORKERS)
def run_all(choice: Typed, how: Typed, *, output: Output) -> None:
    """Train every target, the most telling ones first; then write tables, figures and verdicts.

    [bold]Example[/bold]

      degen paper all --datasets beauty,clothing --workers 2 --budget 20h
    """
    from degen.paper.targets import NAMES

    run_targets(NAMES, how, output, **choice)


@app.command()
@takes(writes=True, choice={name: CHOICE[name] for name in ("datasets", "methods", "seeds", "out")})
def adopt(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS…", help="Runs, or folders of runs.")],
    targets: Annotated[
        str | None, typer.Option("--targets", help="Targets, separated by commas." + default("all"))
    ] = None,
    *,
    choice: Typed,
    output: Output,
) -> None:
    """Take finished runs of `degen train` as runs of targets; they are copied, and nothing is trained.

    A run is taken where log, seed and all settings that decide its result are those of a target.

    [bold]Example[/bold]

      degen paper adopt runs/beauty --targets table2,fig2 --datasets beauty
    """
    from degen.cli.paper_runs import adopt_runs

    adopt_runs(runs, targets, output, **choice)


@app.command()
@takes(writes=True, how={"accept_versions": WORK["accept_versions"]})
def collect(targets: Targets = None, out: Out = PAPER, *, how: Typed, output: Output) -> None:
    """Write tables with the published values, figures and verdicts from the runs that are done.

    [bold]Example[/bold]

      degen paper collect
    """
    from degen.paper.targets import target

    print_collection([target(name).name for name in targets] if targets else None, out, output, **how)
