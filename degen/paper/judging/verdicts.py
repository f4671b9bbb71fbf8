"""Verdicts on the paper's claims, from intervals over seeds.

    accuracy    one method recommends better than another: difference of each test metric, paired over seeds
    geometry    margins of σ₂/σ₁ and of the rarer items' cosine, at best epochs and at the tables' common one
    training    measures that rise or fall from the first epoch to the best one
    falls       accuracy falls with dropout on MovieLens-1M: slope over the rates
    hidden      hidden dropout matters more than embedding dropout: permutation test over the cells
    causes      GRU4Rec has the cone, another update or loss weakens it (`degen.paper.judging.causes`)
    flat        accuracy does not depend on λ, τ or the batch size: bounds of the range against a margin

The sentences are those of `degen.studies.claims`, with these on sensitivity. A verdict needs two seeds, since
one run says nothing about its noise. Intervals are Student's, at 95 %. A claim holds where each of its
intervals lies on the claimed side of zero, and does not hold where one lies on the other side. Both need a
p-value of at most 0.05 after Holm's correction for the claims of the target on the dataset, but `hidden` and
`flat`, which have none. Otherwise a claim cannot be told, and the measured numbers say why: noise, one seed,
or a method that is not trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from degen.paper.degeneration import counting, epoch_compared
from degen.paper.judging.causes import causes
from degen.paper.judging.intervals import Claims, LeftOut, adjusted, interval, not_trained, over_seeds, reason
from degen.paper.judging.sensitivity import falls, flat, hidden
from degen.paper.measured import Measured, by_dataset, paired
from degen.paper.targets import Target
from degen.studies.claims import CLAIMS, LABELS, AccuracyClaim, GeometryClaim, TrainingClaim, Verdict
from degen.studies.claims_of_runs import trained

if TYPE_CHECKING:
    from degen.sweeps.study import Study

Told = Literal["holds", "does not hold", "cannot be told"]

_TOLD: dict[Verdict, Told] = {"holds": "holds", "does not hold": "does not hold"}

COMMON_METRIC = "NDCG@10"
"""Metric of validation that is compared at the common epoch."""


@dataclass(frozen=True)
class Judgement:
    """A claim of the paper on one dataset, its verdict, and the numbers behind it.

    `seeds` is the number of seeds behind the weakest of the numbers; 0 where nothing could be measured.
    `p` is adjusted for the claims of the target on the dataset, `p_alone` is not. Both are None where nothing
    was tested. `margins` are the numbers of each seed by what they are of; None where there are no such.
    """

    target: str
    source: str
    dataset: str
    claim: str
    verdict: Told
    measured: str
    seeds: int
    p: float | None = None
    p_alone: float | None = None
    margins: Mapping[str, Sequence[float]] | None = None


def judge(target: Target, rows: Sequence[Measured], study: Study, left_out: LeftOut) -> list[Judgement]:
    """Judge the claims of a target on each dataset of its finished runs.

    Parameters
    ----------
    study
        the target's, with the metrics that it shows and its common epoch.
    left_out
        methods with finished runs that are not among `rows`; claims about them say so.
    """
    judgements = []
    for dataset, own in by_dataset(rows).items():
        trial = "; trained briefly: a trial of the command, no evidence about the paper"
        trial = trial if dataset in target.brief else ""
        claims = [one for kind in target.claims for one in _KINDS[kind](target, own, study)]
        for (claim, _), found in zip(claims, adjusted([found for _, found in claims]), strict=True):
            found = reason(found, dataset, left_out)
            words = found.measured + found.aside + (trial if found.seeds else "")
            verdict = _TOLD.get(found.verdict, "cannot be told")
            about = (target.name, target.source, dataset, claim)
            numbers = (found.seeds, found.p, found.alone, found.margins)
            judgements.append(Judgement(*about, verdict, words, *numbers))
    return judgements


def _accuracy(target: Target, rows: Sequence[Measured], study: Study) -> Claims:
    found = []
    for claim in CLAIMS:
        if isinstance(claim, AccuracyClaim) and target.name in claim.targets:
            margins: dict[str, list[float]] = {
                metric: paired(rows, claim.better, claim.worse, f"test_{metric}") for metric in study.metrics
            }
            aside = _at_common_epoch(rows, claim)
            judged = not_trained(claim.needed, rows) or over_seeds(margins)._replace(aside=aside)
            found.append((claim.claim, judged))
    return found


def _at_common_epoch(rows: Sequence[Measured], claim: AccuracyClaim) -> str:
    """Return the difference on validation at the common epoch in words; test metrics are of best epochs."""
    margins = paired(rows, claim.better, claim.worse, f"common_valid_{COMMON_METRIC}")
    epoch = next((value for row in rows if (value := row.value("common_epoch"))), None)
    if not margins or epoch is None:
        return ""
    words = f"; at epoch {epoch:.0f}, validation {COMMON_METRIC} {sum(margins) / len(margins):+.4f}"
    return words + (f" ± {interval(margins)[1]:.4f}" if len(margins) > 1 else "")


def _of_runs(kind: type[Any], target: Target, rows: Sequence[Measured], study: Study) -> Claims:
    """Judge claims about item embeddings or training, from the runs of each seed."""
    claims = [claim for claim in CLAIMS if isinstance(claim, kind) and target.name in claim.targets]
    names = frozenset[str]().union(*(claim.needed for claim in claims))
    epoch = partial(epoch_compared, target, common=study.common_epoch, count=counting())
    seeds: dict[int, dict[str, Measured]] = {}
    for row in rows:
        if row.planned.control is None and row.method in names:
            seeds.setdefault(row.seed, {})[row.method] = row
    results = [
        {name: trained(row.run, epoch(row), None) for name, row in members.items()}
        for members in seeds.values()
    ]
    found = []
    for claim in claims:
        if untrained := not_trained(claim.needed, rows):
            found.append((claim.claim, untrained))
            continue
        margins: dict[str, list[float]] = {}
        for members in results:
            if claim.needed <= members.keys():
                needed = {name: result for name, result in members.items() if name in claim.needed}
                for name, margin in claim.margins(needed).items():
                    margins.setdefault(_words(claim, name), []).append(margin)
        found.append((claim.claim, over_seeds(margins)))
    return found


def _words(claim: GeometryClaim | TrainingClaim, name: str) -> str:
    """Return what a margin is of."""
    if isinstance(claim, GeometryClaim):
        return f"margin of {LABELS[claim.quantity]} at {name.replace('best epochs', 'the best epochs')}"
    return f"{'rise' if claim.moves[name] > 0 else 'fall'} of {name.replace('valid_', 'validation ')}"


_KINDS: dict[str, Callable[[Target, Sequence[Measured], Study], Claims]] = {
    "accuracy": _accuracy,
    "geometry": partial(_of_runs, GeometryClaim),
    "training": partial(_of_runs, TrainingClaim),
    "causes": lambda _, rows, __: causes(rows),
    "falls": lambda target, rows, study: falls(rows, study.metrics, target.study().axes["dropout"].values),
    "hidden": lambda _, rows, study: hidden(rows, study.metrics),
    "flat": lambda target, rows, study: flat(rows, study.metrics, target.study().axes),
}
"""The judge of each kind of claim; returns claims with what was found."""
