"""Compare the scores of trained runs with Eq. 3: rank correlations over the candidates of held-out contexts.

    python experiments/mechanism/eq3.py runs/mechanism/clothing/sasrec runs/mechanism/clothing/duorec

The context is the last item of a test history. p(v|c) counts adjacent pairs in training, smoothed by
popularity (`degen.analysis.mechanism.decomposition`). `experiments/results/mechanism-eq3.csv` and `.md`
hold for each run, over all items and over head, middle and tail, the mean over contexts and its standard
error of

    whole        rank correlation of the scores with PMI + log p
    popularity   with log p alone
    share        of the ranks' variance that both explain, what log p alone explains
    pmi          semi-partial: with what log p does not explain of PMI + log p
    ideal        the same for scores that are Eq. 3's to the letter
    followers    probability that an item which did follow the context scores above one which did not
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.mechanism.decomposition import PairCounts, ScoreDecomposition, score_decomposition
from degen.analysis.passes.buckets import COLD, HEAD_MID_TAIL, UNSEEN, Buckets
from degen.data.sequences import training_samples
from degen.errors import UserError, one_sentence
from degen.evaluation.evaluate import representations
from degen.evaluation.restore import Restored, restore
from degen.files.writing import write_text
from degen.model.scores import score_items
from degen.runs.directory import find_runs
from degen.tables.csv_file import write_columns

ROOT = Path(__file__).parents[2]
BLOCK = 128
"""Contexts scored at once."""

MEASURES = {
    "whole": "PMI + log p",
    "popularity": "log p alone",
    "popularity_share": "share of log p",
    "pmi": "PMI beyond log p",
    "ideal": "of Eq. 3 itself",
    "followers": "followers above others",
}
"""Quantities that are averaged over contexts, with their headings in the table."""

INTRODUCTION = (
    "The table has rank correlations of a model's scores with the two terms of Eq. 3, PMI and log p, over",
    "the candidates of a context:",
    "",
    "- *share of log p*: of the ranks' variance that both terms explain, the part of log p alone.",
    "- *PMI beyond log p*: the semi-partial correlation. Read it beside *of Eq. 3 itself*, which is the",
    "  same for scores that equal Eq. 3.",
    "- *followers above others*: the probability that an item that did follow the context scores above",
    "  one that did not.",
    "",
    "Counts of pairs are smoothed: κ is the number of counts that popularity is worth in p(v|c).",
    "Unseen items all have the same log p and no PMI, hence no correlation.",
    "[Mechanism](../../docs/explanation/mechanism.md#does-the-score-follow-eq-3) says what follows.",
)
"""Second and later paragraphs of the page."""

Row = dict[str, Any]


def pair_counts(restored: Restored) -> PairCounts:
    """Adjacent pairs of the training part: of each sample the last item of the history, and the target."""
    samples = training_samples(restored.dataset.sequences, 1)
    return PairCounts.of(
        samples.items[samples.end - 1] - 1, samples.targets - 1, restored.dataset.sequences.n_items
    )


def decompose(restored: Restored, most: int, seed: int, strength: float) -> list[Row]:
    """Rows of one run: over all candidates, and over those of each bucket."""
    pairs, run = pair_counts(restored), restored.run
    samples = restored.samples("test")
    contexts = samples.items[samples.end - 1] - 1
    known = np.flatnonzero(pairs.total(contexts) > 0)  # of others only log p is known
    rows = np.sort(np.random.default_rng(seed).choice(known, min(most, len(known)), replace=False))
    h = representations(restored.encoder, samples, rows)
    V = restored.encoder.real_item_embeddings()
    buckets = Buckets.cut(run.item_frequency, HEAD_MID_TAIL)
    candidates = {name: np.flatnonzero(buckets.codes == code) for code, name in enumerate(buckets.names)}
    parts: dict[str, list[ScoreDecomposition]] = {}
    for start in range(0, len(rows), BLOCK):
        here = slice(start, start + BLOCK)
        scores = score_items(h[here], V, restored.scores).detach().double().cpu().numpy()
        for name, chosen in {"all": None, **candidates}.items():
            given = scores, contexts[rows[here]], pairs
            part = score_decomposition(*given, strength=strength, candidates=chosen)
            parts.setdefault(name, []).append(part)
    about = {"dataset": run.dataset, "run": run.path.name, "epoch": restored.epoch, "contexts": len(rows)}
    return [{**about, "candidates": name, **_means(several)} for name, several in parts.items()]


def _means(parts: Sequence[ScoreDecomposition]) -> Mapping[str, float | None]:
    """Mean and standard error over contexts of each measure, contexts without it left out."""
    row: dict[str, float | None] = {}
    for name in MEASURES:
        values: npt.NDArray[np.float64] = np.concatenate([getattr(part, name) for part in parts])
        values = values[np.isfinite(values)]
        several = len(values) > 1
        row[name] = float(values.mean()) if len(values) else None
        row[f"{name}_se"] = float(values.std(ddof=1) / np.sqrt(len(values))) if several else None
    return row


def page(rows: Sequence[Row], strength: float) -> str:
    """The table as Markdown."""
    heads = ["run", "epoch", "candidates", "contexts", *MEASURES.values()]
    lines = [
        f"# Eq. 3 on {rows[0]['dataset']}",
        "",
        *_answer(rows),
        "",
        *INTRODUCTION,
        "",
        f"Mean over held-out contexts ± standard error; κ = {strength:g}.",
        "",
        _line(heads),
        _line(["---"] * len(heads)),
    ]
    for row in rows:
        about = [str(row[key]) for key in ("run", "epoch", "candidates", "contexts")]
        about[2] = UNSEEN if about[2] == COLD else about[2]
        lines.append(_line([*about, *(_cell(row[name], row[f"{name}_se"]) for name in MEASURES)]))
    return "\n".join(lines) + "\n"


def _answer(rows: Sequence[Row]) -> list[str]:
    """First sentences of the page: how well Eq. 3 and log p alone order all candidates, run by run."""
    of_all = [row for row in rows if row["candidates"] == "all"]
    ranks = ", ".join(f"{row['whole']:.3f} ({row['run']})" for row in of_all)
    apart = max(abs(row["whole"] - row["popularity"]) for row in of_all)
    text = (
        "In one run each, the scores' rank correlation with Eq. 3 (PMI + log p) within a context is "
        f"{ranks}. Log p alone gives the same up to {apart:.4f}."
    )
    return textwrap.wrap(text, 100)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(mean: float | None, error: float | None) -> str:
    if mean is None:
        return "–"
    return f"{mean:.3f}" if error is None else f"{mean:.3f} ± {error:.3f}"


def main(words: Sequence[str] | None = None) -> None:
    """Parse, measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="runs of one log, or folders above them")
    parser.add_argument("--contexts", type=int, default=1000, help="most held-out contexts (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the contexts")
    parser.add_argument("--strength", type=float, default=1.0, help="κ, in counts (%(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "experiments" / "results", help="of the tables")
    given = parser.parse_args(words)
    rows: list[Row] = []
    for run in [run for path in given.runs for run in find_runs(path)]:
        if rows and run.dataset != rows[0]["dataset"]:
            raise UserError(
                f"{run.path} is of {run.dataset}, the runs before it of {rows[0]['dataset']}; give one log"
            )
        rows += decompose(restore(run, "cpu"), given.contexts, given.seed, given.strength)
    text = page(rows, given.strength)
    write_columns(given.out / "mechanism-eq3.csv", {key: [row[key] for row in rows] for key in rows[0]})
    write_text(given.out / "mechanism-eq3.md", text)
    print(text)


if __name__ == "__main__":
    with one_sentence("eq3.py"):
        main()
