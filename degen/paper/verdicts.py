"""Verdicts on the paper's claims, from intervals over seeds.

    accuracy    one method recommends better than another: difference of each test metric, paired over seeds
    geometry    margins of σ₂/σ₁ and of the rarer items' cosine, at best epochs and at the common one
    training    measures that rise or fall from the first epoch to the best one
    falls       accuracy falls with dropout on MovieLens-1M: slope over the rates
    hidden      hidden dropout matters more than embedding dropout: permutation test over the cells
    flat        accuracy does not depend on λ, τ or the batch size: range against the noise of seeds

The sentences are those of `degen.studies.claims`, with these on sensitivity. A verdict needs two seeds, since
one run says nothing about its noise. With one seed it reads "one seed: not judged". Intervals are Student's,
at 95 %. A claim holds where each of its intervals lies on the claimed side of zero, does not hold where one
lies on the other side, and is within noise otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from degen.paper.intervals import Found, over_seeds
from degen.paper.measured import Measured, by_dataset
from degen.paper.sensitivity import falls, flat, hidden
from degen.paper.targets import Target
from degen.runs.best import common_epoch
from degen.studies.claims import (
    CLAIMS,
    LABELS,
    AccuracyClaim,
    GeometryClaim,
    TrainingClaim,
    Verdict,
)
from degen.studies.claims_of_runs import trained


@dataclass(frozen=True)
class Judgement:
    """A claim of the paper on one dataset, its verdict, and the numbers behind it.

    `seeds` is the number of seeds behind the weakest of the numbers; 0 where nothing could be measured.
    """

    target: str
    source: str
    dataset: str
    claim: str
    verdict: Verdict
    measured: str
    seeds: int


def judge(target: Target, rows: Sequence[Measured], metrics: Sequence[str]) -> list[Judgement]:
    """Judge the claims of a target on each dataset of its finished runs.

    Parameters
    ----------
    metrics
        metrics that the target shows, such as `HR@5`.
    """
    judgements = []
    for dataset, own in by_dataset(rows).items():
        trial = "; trained briefly: a trial of the command, no evidence about the paper"
        trial = trial if dataset in target.brief else ""
        for kind in target.claims:
            for claim, (verdict, words, seeds) in _KINDS[kind](target, own, metrics):
                judgements.append(
                    Judgement(target.name, target.source, dataset, claim, verdict, words + trial, seeds)
                )
    return judgements


def _accuracy(target: Target, rows: Sequence[Measured], metrics: Sequence[str]) -> list[tuple[str, Found]]:
    found = []
    for claim in CLAIMS:
        if isinstance(claim, AccuracyClaim) and target.name in claim.targets:
            margins = {metric: _paired(rows, claim, f"test_{metric}") for metric in metrics}
            if claim.needed <= {row.method for row in rows}:
                found.append((claim.claim, over_seeds(margins)))
    return found


def _paired(rows: Sequence[Measured], claim: AccuracyClaim, column: str) -> list[float]:
    """Return the difference of a metric between two methods for every seed that both have."""
    values = {(row.method, row.seed): row.value(column) for row in rows}
    seeds = dict.fromkeys(row.seed for row in rows)
    pairs = [(values.get((claim.better, seed)), values.get((claim.worse, seed))) for seed in seeds]
    return [better - worse for better, worse in pairs if better is not None and worse is not None]


def _of_runs(kind: type[Any], target: Target, rows: Sequence[Measured], _: Any) -> list[tuple[str, Found]]:
    """Judge claims about item embeddings or training, from the runs of each seed."""
    seeds: dict[int, dict[str, Measured]] = {}
    for row in rows:
        if row.planned.control is None:
            seeds.setdefault(row.seed, {})[row.method] = row
    common = common_epoch([row.run for row in rows])
    results = [
        {name: trained(row.run, common, None) for name, row in members.items()} for members in seeds.values()
    ]
    found = []
    for claim in CLAIMS:
        if not isinstance(claim, kind) or target.name not in claim.targets:
            continue
        margins: dict[str, list[float]] = {}
        for members in results:
            if claim.needed <= members.keys():
                needed = {name: result for name, result in members.items() if name in claim.needed}
                for name, margin in claim.margins(needed).items():
                    margins.setdefault(_words(claim, name), []).append(margin)
        if margins:
            found.append((claim.claim, over_seeds(margins)))
    return found


def _words(claim: GeometryClaim | TrainingClaim, name: str) -> str:
    """Return what a margin is of."""
    if isinstance(claim, GeometryClaim):
        return f"margin of {LABELS[claim.quantity]} at {name.replace('best epochs', 'the best epochs')}"
    return f"{'rise' if claim.moves[name] > 0 else 'fall'} of {name.replace('valid_', 'validation ')}"


_KINDS: dict[str, Callable[[Target, Sequence[Measured], Sequence[str]], list[tuple[str, Found]]]] = {
    "accuracy": _accuracy,
    "geometry": partial(_of_runs, GeometryClaim),
    "training": partial(_of_runs, TrainingClaim),
    "falls": lambda _, rows, metrics: falls(rows, metrics),
    "hidden": lambda _, rows, metrics: hidden(rows, metrics),
    "flat": lambda _, rows, metrics: flat(rows, metrics),
}
"""The judge of each kind of claim; returns claims with what was found."""
