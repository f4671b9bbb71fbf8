"""The paper's claims about sasrec, ucl, scl and duorec, each tested against measurements.

    accuracy    ranks of the same users' targets, paired: the difference of NDCG@10 and its standard error
    geometry    σ₂/σ₁ and the average cosine of the rarer items, at each run's best epoch and, because methods
                peak at different times, at one epoch that all have; the weaker verdict counts
    training    first epoch against the best one

A run may lack its users' ranks, or embeddings of a common epoch. A claim that needs them says so, and is not
judged, or is judged at the best epochs alone. A claim that rests on an unfinished run is not judged either.
Nothing here trains, reads a file or prints. `degen.paper.judging.verdicts` judges the same claims over seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from degen.evaluation.ranking import Places, Ranks, discounted_gain

Verdict = Literal["holds", "within noise", "does not hold", "not judged"]

STANDARD_ERRORS = 2.0
"""A paired difference of at least this many standard errors is more than noise."""

GEOMETRY_NOISE = 0.04
"""A difference of σ₂/σ₁ or of a cosine that another seed may make: two standard deviations of the demo's."""

_STRENGTH: dict[Verdict, int] = {"does not hold": 0, "within noise": 1, "holds": 2}


@dataclass(frozen=True)
class Geometry:
    """Item embeddings at an epoch: their σ₂/σ₁, and the average cosine among the rarer half of the items."""

    epoch: int
    sigma2_ratio: float
    rare_cosine: float


@dataclass(frozen=True)
class Trained:
    """Numbers of one variant's run that the claims are tested against.

    Attributes
    ----------
    ranks
        of the users' test targets, the users in the same order for all variants; None where not known.
    best, common
        geometry at the run's best epoch, and at the epoch that all have, None where there is no such.
    epochs
        the lines of `metrics.jsonl` up to the best epoch.
    finished
        whether the run has come to its end; what rests on it is not judged before.
    """

    variant: str
    ranks: Ranks | None
    best: Geometry
    common: Geometry | None
    epochs: Sequence[Mapping[str, Any]]
    finished: bool = True


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper, what was measured, and whether it holds here; `values` are the numbers."""

    claim: str
    verdict: Verdict
    measured: str
    values: dict[str, float]


Results = Mapping[str, Trained]
Margin = Callable[[dict[str, float]], float]


def check_claims(results: Results) -> list[Claim]:
    """Test every claim whose variants are all among `results`, in the order of the paper."""
    claims = []
    for stated in CLAIMS:
        if stated.needed <= results.keys():
            needed = {name: result for name, result in results.items() if name in stated.needed}
            claim = stated.check(needed)
            unfinished = [name for name, run in needed.items() if not run.finished]
            if unfinished:
                so_far = "" if claim.verdict == "not judged" else "so far "
                measured = f"unfinished: {', '.join(unfinished)}; {so_far}{claim.measured}"
                claim = replace(claim, verdict="not judged", measured=measured)
            claims.append(claim)
    return claims


def verdict_of(margin: float, noise: float) -> Verdict:
    """Judge by how much a claim is met: by more than the noise, by less than it either way, or the reverse.

    >>> verdict_of(0.3, noise=0.1), verdict_of(-0.1, noise=0.1), verdict_of(-0.3, noise=0.1)
    ('holds', 'within noise', 'does not hold')
    """
    if abs(margin) <= noise:
        return "within noise"
    return "holds" if margin > 0 else "does not hold"


def weakest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the least favourable of several verdicts."""
    return min(verdicts, key=_STRENGTH.__getitem__)


def paired_difference(better: Places, worse: Places, k: int = 10) -> tuple[float, float]:
    """Difference of NDCG@k and its standard error, over the same two or more users in both."""
    better, worse = Ranks.of(better), Ranks.of(worse)
    if len(better) != len(worse) or len(better) < 2:
        raise ValueError(
            f"ranks of the same users are needed, at least 2; got {len(better)} and {len(worse)}"
        )
    differences = discounted_gain(better, k) - discounted_gain(worse, k)
    return float(differences.mean()), float(differences.std(ddof=1) / math.sqrt(len(differences)))


@dataclass(frozen=True)
class AccuracyClaim:
    """The claim that one variant ranks the next items better than another."""

    better: str
    worse: str
    targets: tuple[str, ...]

    @property
    def claim(self) -> str:
        """The claim as a sentence."""
        return f"{self.better} recommends better than {self.worse}"

    @property
    def needed(self) -> frozenset[str]:
        """The variants that the claim is about."""
        return frozenset({self.better, self.worse})

    def check(self, results: Results) -> Claim:
        """Test the claim by the ranks of one run each."""
        ranks = results[self.better].ranks, results[self.worse].ranks
        unknown = [name for name in (self.better, self.worse) if results[name].ranks is None]
        reason = f"the users' ranks of {' and '.join(unknown)} are not known"
        if ranks[0] is None or ranks[1] is None:
            return Claim(self.claim, "not judged", reason, {})
        if len(ranks[0]) != len(ranks[1]):
            reason = f"ranks of {len(ranks[0]):,} and of {len(ranks[1]):,} users"
            return Claim(self.claim, "not judged", reason, {})
        difference, error = paired_difference(ranks[0], ranks[1])
        return Claim(
            self.claim,
            verdict_of(difference, STANDARD_ERRORS * error),
            f"NDCG@10 {difference:+.4f}, standard error {error:.4f}, paired over users",
            {"difference": difference, "standard_error": error},
        )


@dataclass(frozen=True)
class GeometryClaim:
    """The claim that a margin between variants is positive, at their best epochs and at the common one."""

    claim: str
    needed: frozenset[str]
    quantity: str
    margin: Margin
    targets: tuple[str, ...]

    def values(self, results: Results) -> dict[str, dict[str, float]]:
        """Return the quantity of each variant at the best epochs and, if all kept it, at the common one."""
        moments = {"best epochs": {name: run.best for name, run in results.items()}}
        common = {name: run.common for name, run in results.items() if run.common is not None}
        if len(common) == len(results):
            moments[f"epoch {next(iter(common.values())).epoch}"] = common
        return {
            when: {name: float(getattr(geometry, self.quantity)) for name, geometry in geometries.items()}
            for when, geometries in moments.items()
        }

    def margins(self, results: Results) -> dict[str, float]:
        """Return the margin at each moment, positive where the claim is met."""
        return {when: self.margin(values) for when, values in self.values(results).items()}

    def check(self, results: Results) -> Claim:
        """Test the claim on one run of each variant."""
        verdicts, words = [], []
        numbers: dict[str, float] = {}
        moments = self.values(results)
        for moment, (when, values) in zip(("best", "common"), moments.items(), strict=False):
            verdicts.append(verdict_of(self.margin(values), GEOMETRY_NOISE))
            words.append(f"{when}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items()))
            numbers |= {f"{name}_{moment}": value for name, value in values.items()}
        if len(moments) == 1:
            words.append("embeddings of an epoch that all have were not kept")
        return Claim(self.claim, weakest(verdicts), f"{LABELS[self.quantity]}, {'; '.join(words)}", numbers)


@dataclass(frozen=True)
class TrainingClaim:
    """The claim that measures of a variant rise or fall from its first epoch to its best one.

    `moves` has 1 for each key of `metrics.jsonl` that rises and -1 for each that falls.
    """

    claim: str
    variant: str
    moves: Mapping[str, int]
    targets: tuple[str, ...]

    @property
    def needed(self) -> frozenset[str]:
        """The variant that the claim is about."""
        return frozenset({self.variant})

    def margins(self, results: Results) -> dict[str, float]:
        """Return by how much each measure moves as claimed; empty where one was not recorded."""
        if (ends := self._ends(results)) is None:
            return {}
        first, last = ends
        return {key: sign * (last[key] - first[key]) for key, sign in self.moves.items()}

    def check(self, results: Results) -> Claim:
        """Test the claim on one run."""
        if (ends := self._ends(results)) is None:
            missing = " or ".join(key.removeprefix("valid_") for key in self.moves)
            return Claim(self.claim, "not judged", f"{missing} was not recorded", {})
        first, last = ends
        moved = []
        for key in self.moves:
            digits = 4 if "@" in key else 3
            name = key.replace("valid_", "validation ")
            moved.append(f"{name} {first[key]:.{digits}f} to {last[key]:.{digits}f}")
        if len(moved) > 1:
            moved.append(f"epoch {first['epoch']} to {last['epoch']}")
        numbers = {}
        for key, margin in self.margins(results).items():
            name = "hit_rate" if "@" in key else key
            numbers[f"{name}_{'rise' if self.moves[key] > 0 else 'fall'}"] = margin
        verdict: Verdict = "holds" if min(numbers.values()) > 0 else "does not hold"
        return Claim(self.claim, verdict, ", ".join(moved), numbers)

    def _ends(self, results: Results) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Return a run's first epoch and its best one, or None where one of them lacks a value."""
        epochs = results[self.variant].epochs
        if not epochs or any(row.get(key) is None for row in (epochs[0], epochs[-1]) for key in self.moves):
            return None
        return epochs[0], epochs[-1]


LABELS = {"sigma2_ratio": "σ₂/σ₁", "rare_cosine": "average cosine of the rarer half (with unseen items)"}

JUDGED = ("sasrec", "ucl", "scl", "duorec")
"""The variants of which reports and the demo judge the claims."""

_FOUR, _THREE = frozenset(JUDGED), frozenset(JUDGED) - {"ucl"}

_SHAPE = ("fig3", "fig4", "degeneration")

CLAIMS: tuple[GeometryClaim | TrainingClaim | AccuracyClaim, ...] = (
    GeometryClaim(
        "sasrec's singular values fall much faster than scl's and duorec's",
        _THREE,
        "sigma2_ratio",
        lambda value: min(value["scl"], value["duorec"]) - value["sasrec"],
        _SHAPE,
    ),
    GeometryClaim(
        "ucl's singular values fall almost as fast as sasrec's, nearer to them than to scl's and duorec's",
        _FOUR,
        "sigma2_ratio",
        lambda value: min(value["scl"], value["duorec"]) - value["ucl"] - abs(value["ucl"] - value["sasrec"]),
        _SHAPE,
    ),
    GeometryClaim(
        "sasrec's rare items lie in a cone, scl's and duorec's spread around the origin",
        _THREE,
        "rare_cosine",
        lambda value: value["sasrec"] - max(value["scl"], value["duorec"]),
        _SHAPE,
    ),
    TrainingClaim(
        "duorec's uniformity falls while its HR@5 rises",
        "duorec",
        {"uniformity": -1, "valid_HR@5": 1},
        ("fig5",),
    ),
    TrainingClaim("duorec's alignment rises meanwhile", "duorec", {"alignment": 1}, ("fig5",)),
    TrainingClaim("cl4srec's uniformity rises", "cl4srec", {"uniformity": 1}, ("fig5",)),
    TrainingClaim("cl4srec's alignment rises", "cl4srec", {"alignment": 1}, ("fig5",)),
    AccuracyClaim("duorec", "sasrec", ("table2", "fig2")),
    *(AccuracyClaim(*pair, ("fig2",)) for pair in (("duorec", "scl"), ("scl", "ucl"), ("ucl", "sasrec"))),
    AccuracyClaim("cl4srec", "sasrec", ("table2", "fig2")),
    *(AccuracyClaim(*pair, ("fig2",)) for pair in (("ucl", "cl4srec"), ("scl", "ucl+scl"))),
    *(
        AccuracyClaim("duorec", other, ("table2",))
        for other in ("cl4srec", "s3rec-mip", "bert4rec", "caser", "gru4rec", "bpr-mf")
    ),
)
"""Each claim of the paper about its methods, in its order, with the targets of `degen paper` that show it."""
