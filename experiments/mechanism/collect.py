"""Put the traces of `run.py` side by side: a table, its rows, and the figures.

    python experiments/mechanism/collect.py runs/mechanism/clothing

writes into `experiments/results/` `mechanism.csv` (one row per run and epoch), `mechanism-test.csv` (one row
per finished run) and `mechanism.md` (the first and the last epoch that all runs have). Into `figures/` go
sasrec beside duorec, and the optimisers.
`--figures-only` draws them again from the tables, without the runs.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from degen.errors import UserError, one_sentence
from degen.files.outputs import replacing
from degen.files.writing import write_text
from degen.plots.mechanism import bucket_at, mechanism_epochs_figure, mechanism_figure
from degen.plots.save import save_figure
from degen.plots.style import figure_style, figure_width
from degen.runs.directory import RunDirectory, find_runs
from degen.studies.figure_files import FigureOptions
from degen.studies.mechanism import draw_mechanism
from degen.tables.csv_file import read_rows, write_columns, write_rows

ROOT = Path(__file__).parents[2]

OPTIMISERS = {"sasrec": "Adam", "eps-1e-4": "Adam, ε 0.0001", "eps-1e-3": "Adam, ε 0.001", "sgd": "SGD"}
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
    "pairwise_cosine_rarest": "within the rarest",
    "sigma2_ratio": "σ₂/σ₁",
    "push_share_rarest": "non-target's share, rarest",
    "push_share_most_frequent": "most frequent",
    "step_cosine_rarest": "cos(Δv, -h̄), rarest",
    "step_pairwise_cosine_rarest": "cos(Δvᵢ, Δvⱼ), rarest",
    "step_ratio": "‖Δv‖ rarest / most frequent",
}
"""Columns of the page."""

TESTED = ("epoch", "HR@10", "NDCG@10")
"""Columns of the second table: the best epoch and its metrics on the test split."""

INTRODUCTION = (
    "This is one run per optimiser, and another seed may give another order. SGD has a learning rate and a",
    "momentum of its own, and the larger ε is that of all weights.",
    "",
    "*Rarest* and *most frequent* are the outer deciles of the items that occur in training. Δv is how far",
    "an item moved over the epoch, h̄ the mean representation. *Non-target's share* is the part of the",
    "gradients' lengths that comes from being a non-target. [Is the cone made by Adam?](causes.md) asks",
    "what follows, [mechanism.csv](mechanism.csv) has every epoch.",
)
"""Second and later paragraphs of the page."""

Row = dict[str, Any]
Trace = list[Row]


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
    lines = ["# Updates of the items, by optimiser", "", *_answer(runs, last), "", *INTRODUCTION]
    lines += ["", f"{chosen[0]['dataset']}, one seed, epochs 1 and {last}:", ""]
    lines += [_line(COLUMNS.values()), _line(["---"] * len(COLUMNS))]
    lines += [_line(_cell(row[key]) for key in COLUMNS) for row in chosen]
    lines += ["", "Test targets, at the epoch that validation chose:", ""]
    lines += [_line(["run", *TESTED]), _line(["---"] * 4)]
    lines += [_line([name, *(_cell(test[key]) for key in TESTED)]) for name, test in tested.items()]
    return "\n".join(lines) + "\n"


def _answer(runs: Mapping[str, Sequence[Row]], last: int) -> list[str]:
    """First sentence of the page: the cone of the runs of `OPTIMISERS` at the last common epoch."""
    found = {label: runs[name][last - 1] for name, label in OPTIMISERS.items() if name in runs}
    of_all, of_rarest = (
        ", ".join(f"{row[key]:.4f} ({label})" for label, row in found.items())
        for key in ("average_cosine", "pairwise_cosine_rarest")
    )
    text = f"In one run each, the average cosine of the items after {last} epochs is {of_all}."
    return textwrap.wrap(f"{text} Within the rarest decile it is {of_rarest}.", 100)


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def draw_traces(traces: Mapping[str, Trace], stem: Path, epoch: int | None) -> list[Path]:
    """Draw what moves the items over epochs, and by frequency in one `epoch` unless it is None."""
    paths = []
    with figure_style("paper"):
        width = figure_width("column")
        if epoch is not None:
            lines = {label: trace[epoch - 1]["buckets"] for label, trace in traces.items()}
            figure = mechanism_figure(lines, width=width, note=f"Epoch {epoch}.")
            paths += save_figure(figure, stem, title=f"What moves the items in epoch {epoch}: {stem.name}")
        figure = mechanism_epochs_figure(traces, width=width)
        paths += save_figure(
            figure, stem.with_name(f"{stem.name}-epochs"), title=f"What moves the items: {stem.name}"
        )
    return paths


def redraw(results: Path, figures: Path) -> list[Path]:
    """Draw the figures again from the committed tables.

    `mechanism.csv` has the rarest and the most frequent items only, so that no figure of the optimisers by
    frequency comes of it.
    """
    drawn = []
    for table in sorted(figures.glob("mechanism-*.csv")):
        traces: dict[str, Trace] = {}
        for bucket in read_rows(table):
            trace = traces.setdefault(bucket["variant"], [])
            if not trace or trace[-1]["epoch"] != bucket["epoch"]:
                trace.append({"epoch": bucket["epoch"], "buckets": []})
            trace[-1]["buckets"].append(bucket)
        drawn += draw_traces(traces, table.with_suffix(""), 1)
    rows = read_rows(results / "mechanism.csv")
    by_label = {
        label: [_ends(row) for row in rows if row["run"] == name] for name, label in OPTIMISERS.items()
    }
    stem = figures / f"mechanism-{rows[0]['dataset']}-optimisers"
    return drawn + draw_traces({label: trace for label, trace in by_label.items() if trace}, stem, None)


def _ends(row: Row) -> Row:
    """Return a row of `mechanism.csv` as a line of `trace.jsonl` of two buckets."""
    ends = (
        {"high": 1} | {key: row[f"{key}_{which}"] for key in OF_BUCKET}
        for which in ("rarest", "most_frequent")
    )
    return {"epoch": row["epoch"], "buckets": list(ends)}


def main(words: Sequence[str] | None = None) -> None:
    """Parse, gather, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs/mechanism/clothing"))
    parser.add_argument("--out", type=Path, default=ROOT / "experiments" / "results", help="of the tables")
    parser.add_argument("--figures", type=Path, default=ROOT / "figures", help="of the figures")
    parser.add_argument("--figures-only", action="store_true", help="draw the committed tables again")
    given = parser.parse_args(words)
    if given.figures_only:
        with replacing(force=True):
            print(*redraw(given.out, given.figures), sep="\n")
        return
    found = {run.path.name: run for run in find_runs(given.folder) if run.trace}
    if not found:
        raise UserError(f"no run under {given.folder} holds a trace; make them with run.py")
    runs = {name: rows_of(run) for name, run in found.items()}
    everything = [row for rows in runs.values() for row in rows]
    tested = {name: run.test for name, run in found.items() if run.state == "finished"}
    text = page(runs, tested)
    write_columns(
        given.out / "mechanism.csv", {key: [row[key] for row in everything] for key in everything[0]}
    )
    write_rows(
        given.out / "mechanism-test.csv",
        [{"run": name, **{key: test[key] for key in TESTED}} for name, test in tested.items()],
    )
    write_text(given.out / "mechanism.md", text)
    ends = [run.path for name, run in found.items() if name in ("sasrec", "duorec")]
    if ends:
        draw_mechanism(ends, look=FigureOptions(out=given.figures))
    traces = {label: found[name].trace for name, label in OPTIMISERS.items() if name in found}
    if traces:
        draw_traces(traces, given.figures / f"mechanism-{everything[0]['dataset']}-optimisers", 1)
    print(text)


if __name__ == "__main__":
    with one_sentence("collect.py"):
        main()
