"""`degen demo`: variants trained, drawn and checked against the paper, on the embedded dataset."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.options import Typed, default, key_option, takes
from degen.cli.output import Output

if TYPE_CHECKING:
    from degen.studies.demo import Demo

COLUMNS = {
    "variant": "variant",
    "HR@5": "HR@5",
    "NDCG@5": "NDCG@5",
    "sigma2_ratio": "σ₂/σ₁",
    "effective_rank": "effective rank",
    "average_cosine": "average cosine",
    "uniformity": "uniformity of h",
}


@takes(writes=True, settings={"device": key_option("device", panel="Options")})
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the runs and the figures.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the dataset and of the training.")] = 0,
    *,
    settings: Typed,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of CPU threads; the steps are too small to gain by more." + default("1")
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Train again even if the runs are there already.")
    ] = False,
    output: Output,
) -> None:
    """Train sasrec, ucl, scl and duorec on the embedded dataset, draw figures, check the paper's claims.

    The variants train side by side, where there are cores for them. Takes about two minutes on two
    idle cores and needs no network.

    [bold]Examples[/bold]

      degen demo

      degen demo --seed 1 --out runs/demo-1 --json
    """
    from degen.training.children.cores import available_cores, workers_for
    from degen.training.children.server import start_server

    if available_cores() > 1:
        start_server()  # it imports PyTorch while this process does
    from degen.bars import Showing, bars
    from degen.studies.demo import demo_configs, run_demo
    from degen.training.run import Interrupted

    configs = demo_configs(seed, device=settings["device"], threads=threads)
    try:
        found = run_demo(
            out,
            configs,
            # Its eight epochs are meant to be few: "still improving" would say nothing.
            partial(bars, showing=Showing.of(configs, quiet=output.quiet, warns=False)),
            workers=workers_for(configs),
            overwrite=overwrite,
        )
    except Interrupted as stop:
        typer.echo(
            f"degen: stopped; {stop.epochs} finished epochs are in {stop.out}; run the command again to "
            "continue",
            err=True,
        )
        raise typer.Exit(130) from None
    if found.reused:
        output.note(f"runs used again: {', '.join(map(str, found.reused))}; train anew with --overwrite")
    if not output.result(found.as_json()):
        _print(found, output)


def _print(found: Demo, output: Output) -> None:
    from degen.variant_names import with_labels

    rows = [[row[key] for key in COLUMNS] for row in found.rows]
    output.table(
        list(COLUMNS.values()), rows, title="Test metrics, and the geometry at each run's best epoch"
    )
    output.line("\nThe paper's claims on this dataset:")
    for claim in found.claims:
        sentence, measured = with_labels(claim.claim), with_labels(claim.measured)
        output.line(f"  {claim.verdict + ':':16}{sentence}\n{'':18}{measured}")
    output.line("\nFigures, with the numbers behind them:", *(f"  {path}" for path in found.figures))
