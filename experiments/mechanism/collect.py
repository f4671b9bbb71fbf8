"""Put the traces of `run.py` side by side: a table, its rows, and the figures.

    python experiments/mechanism/collect.py runs/mechanism/clothing

writes `experiments/results/mechanism.csv` (one row per run and epoch) and `mechanism.md` (the first and the
last epoch that all runs have). Into `figures/` go sasrec beside duorec, and the optimisers.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from degen.errors import UserError, one_sentence
from degen.files.writing import write_text
from degen.plots.mechanism import bucket_at, mechanism_epochs_figure, mechanism_figure
from degen.plots.save import save_figure
from degen.plots.style import figure_style, figure_width
from degen.runs.directory import RunDirectory, find_runs
from degen.studies.figure_files import FigureOptions
from degen.studies.mechanism import draw_mechanism
from degen.tables.csv_file import write_columns

ROOT = Path(__file__).parents[2]

OPTIMISERS = {"sasrec": "Adam", "eps-1e-4": "ε .0001", "eps-1e-3": "ε .001", "sgd": "SGD"}
"""Runs of the figure of optimisers, and what they are called there."""

OF_RUN = ("loss", "valid_NDCG@10", "average_cosine", "sigma2_ratio", "effective_rank")
OF_TRACE = ("context_concentration", "step_energy", "step_effective_rank")
OF_BUCKET = ("push_share", "step_cosine", "step_pairwise_cosine", "step_length", "pairwise_cosine")

COLUMNS = {
    "run": "run",
    "epoch": "epoch",
    "loss": "loss",
    "valid_NDCG@10": "valid NDCG@10",
    "average_cosine": "average cosine",
    "sigma2_ratio": "σ₂/σ₁",
    "push_share_rarest": "non-target's share, rarest",
    "push_share_most_frequent": "most frequent",
    "step_cosine_rarest": "cos(Δv, -h̄), rarest",
    "step_pairwise_cosine_rarest": "cos(Δvᵢ, Δvⱼ), rarest",
    "step_ratio": "‖Δv‖ rarest / most frequent",
}
"""Columns of the page."""

INTRODUCTION = (
    "Updates of the rarest and the most frequent decile of items, for each optimiser. Δv is how far an",
    "item moved over the epoch, h̄ the mean representation. [degeneration.md](degeneration.md), point 7,",
    "says what follows.",
)
"""First lines of the page."""

Row = dict[str, Any]


def rows_of(run: RunDirectory) -> list[Row]:
    """One row an epoch: losses and geometry, and what moved the rarest and the most frequent items.

    The rarest are those that occur in training at all.
    """
    rows = []
    for measured, traced in zip(run.metrics, run.trace, strict=True):
        row = {"dataset": run.dataset, "run": run.path.name, "epoch": traced["epoch"]}
        row |= {key: measured[key] for key in OF_RUN} | {key: traced[key] for key in OF_TRACE}
        for which, place in (("rarest", 0), ("most_frequent", -1)):
            bucket = bucket_at(traced, place)
            row |= {f"{key}_{which}": bucket.get(key) for key in OF_BUCKET}
        rows.append({**row, "step_ratio": row["step_length_rarest"] / row["step_length_most_frequent"]})
    return rows


def page(runs: Mapping[str, Sequence[Row]], tested: Mapping[str, Row]) -> str:
    """The tables as Markdown: the first and the last common epoch, and the best epoch's test metrics."""
    last = min(map(len, runs.values()))
    chosen = [rows[epoch - 1] for rows in runs.values() for epoch in dict.fromkeys((1, last))]
    lines = ["# Updates of the items, by optimiser", "", *INTRODUCTION]
    lines += ["", f"{chosen[0]['dataset']}, one seed, epochs 1 and {last}:", ""]
    lines += [_line(COLUMNS.values()), _line(["---"] * len(COLUMNS))]
    lines += [_line(_cell(row[key]) for key in COLUMNS) for row in chosen]
    lines += ["", "Test targets, at the epoch that validation chose:", ""]
    lines += [_line(["run", "epoch", "HR@10", "NDCG@10"]), _line(["---"] * 4)]
    lines += [
        _line([name, *(_cell(test[key]) for key in ("epoch", "HR@10", "NDCG@10"))])
        for name, test in tested.items()
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def draw_optimisers(runs: Mapping[str, RunDirectory], stem: Path) -> list[Path]:
    """Draw the optimisers' runs side by side, as far as they are there: the first epoch, and all epochs."""
    traces = {label: runs[name].trace for name, label in OPTIMISERS.items() if name in runs}
    paths = []
    with figure_style("paper"):
        width = figure_width("column")
        figure = mechanism_figure(
            {label: trace[0]["buckets"] for label, trace in traces.items()}, width=width
        )
        paths += save_figure(figure, stem, title="What moves the items in the first epoch, by optimiser")
        figure = mechanism_epochs_figure(traces, width=width)
        paths += save_figure(figure, stem.with_name(f"{stem.name}-epochs"), title="The same over epochs")
    return paths


def main(words: Sequence[str] | None = None) -> None:
    """Parse, gather, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs/mechanism/clothing"))
    parser.add_argument("--out", type=Path, default=ROOT / "experiments" / "results", help="of the tables")
    parser.add_argument("--figures", type=Path, default=ROOT / "figures", help="of the figures")
    given = parser.parse_args(words)
    found = {run.path.name: run for run in find_runs(given.folder) if run.trace}
    if not found:
        raise UserError(f"no run under {given.folder} holds a trace; make them with run.py")
    runs = {name: rows_of(run) for name, run in found.items()}
    everything = [row for rows in runs.values() for row in rows]
    text = page(runs, {name: run.test for name, run in found.items() if run.state == "finished"})
    write_columns(
        given.out / "mechanism.csv", {key: [row[key] for row in everything] for key in everything[0]}
    )
    write_text(given.out / "mechanism.md", text)
    ends = [run.path for name, run in found.items() if name in ("sasrec", "duorec")]
    if ends:
        draw_mechanism(ends, look=FigureOptions(out=given.figures))
    if OPTIMISERS.keys() & found.keys():
        draw_optimisers(found, given.figures / f"mechanism-{everything[0]['dataset']}-optimisers")
    print(text)


if __name__ == "__main__":
    with one_sentence("collect.py"):
        main()
