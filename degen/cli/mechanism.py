"""`degen mechanism`: what moves the items while they train, from runs that were traced."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from degen.cli.figures import Formats, Out, Seed, StyleOption, Width, report_figures
from degen.cli.output import JsonFlag, Output, QuietFlag


def mechanism(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Runs, or folders above runs.", show_default=False),
    ],
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Which epoch.  \\[default: the last that all have]", show_default=False),
    ] = None,
    seed: Seed = None,
    out: Out = None,
    width: Width = None,
    style: StyleOption = "paper",
    formats: Formats = "pdf,png",
    as_json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Draw what moves the items while they train, by how often they occur (Eq. 4), for each dataset.

    Of runs that were trained with --trace-gradients. Two figures a dataset: one epoch by frequency, and the
    rarest and most frequent items over epochs. All numbers are written as CSV beside them.

    [bold]Examples[/bold]

      degen train --variant sasrec,duorec --dataset clothing --trace-gradients --out runs/traced

      degen mechanism runs/traced
    """
    from degen.studies.figure_files import FigureOptions
    from degen.studies.mechanism import MechanismOptions, draw_mechanism

    drawn = draw_mechanism(paths, MechanismOptions(epoch, seed), FigureOptions(out, width, style, formats))
    ends = "Rarest items that occur in training | most frequent ones"
    report_figures(drawn, _mechanism_row, Output(as_json, quiet), ends)


def _mechanism_row(row: dict[str, Any]) -> dict[str, Any]:
    """What the terminal shows of a run: the rarest items | the most frequent ones."""
    shown = {
        "non-target's share": "push_share",
        "cos(Δv, -h̄)": "step_cosine",
        "cos(Δvᵢ, Δvⱼ)": "step_pairwise_cosine",
        "‖Δv‖": "step_length",
        "cos(vᵢ, vⱼ)": "pairwise_cosine",
    }
    return {
        **{key: row[key] for key in ("dataset", "variant", "seed", "epoch")},
        **{name: _beside(row[f"{key}_rarest"], row[f"{key}_most_frequent"]) for name, key in shown.items()},
    }


def _beside(rarest: float | None, frequent: float | None) -> str | None:
    return None if rarest is None or frequent is None else f"{rarest:.2f} | {frequent:.2f}"
