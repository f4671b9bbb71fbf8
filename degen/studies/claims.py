"""The paper's claims about sasrec, ucl, scl and duorec, each tested against measurements.

    accuracy    ranks of the same users' targets, paired: the difference of NDCG@10 and its standard error
    geometry    σ₂/σ₁ and the average cosine of the rarer items, at each run's best epoch and, because methods
                peak at different times, at one epoch that all have; the weaker verdict counts
    training    first epoch against the best one

A run may lack its users' ranks, or embeddings of a common epoch. A claim that needs them says so, and is not
judged, or is judged at the best epochs alone. A claim that rests on an unfinished run is not judged either.
These are pure functions of results: nothing here trains, reads a file or prints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from degen.evaluation.ranking import Ranks, discounted_gain

Verdict = Literal["holds", "within noise", "does not hold", "not judged"]

STANDARD_ERRORS = 2.0
"""A paired difference of at least this many standard errors is more than noise."""

GEOMETRY_NOISE = 0.04
"""A difference of σ₂/σ₁ or of a cosine between two variants that another seed may make: two standard
deviations, over four seeds of the demo.
"""

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
        float64 `[n_users]`: rank of each user's test target, the users in the same order for all variants;
        None where they are not known.
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
    """A sentence of the paper, what was measured, and whether it holds here.

    `values` are the numbers of `measured`, by name.
    """

    claim: str
    verdict: Verdict
    measured: str
    values: dict[str, float]


Results = Mapping[str, Trained]
Margin = Callable[[dict[str, float]], float]


def check_claims(results: Results) -> list[Claim]:
    """Test every claim whose variants are all among `results`, in the order of the paper."""
    claims = []
    for needed, check in _CLAIMS:
        if needed <= results.keys():
            claim = check({name: result for name, result in results.items() if name in needed})
            unfinished = [name for name, run in results.items() if name in needed and not run.finished]
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


def paired_difference(better: Ranks, worse: Ranks, k: int = 10) -> tuple[float, float]:
    """Difference of NDCG@k and its standard error, over the same two or more users in both."""
    if better.shape != worse.shape or len(better) < 2:
        raise ValueError(
            f"ranks of the same users are needed, at least 2; got {len(better)} and {len(worse)}"
        )
    differences = discounted_gain(better, k) - discounted_gain(worse, k)
    return float(differences.mean()), float(differences.std(ddof=1) / math.sqrt(len(differences)))


def accuracy_claim(better: str, worse: str) -> Callable[[Results], Claim]:
    """The claim that one variant ranks the next items better than another (Table 2, Fig. 2)."""
    claim = f"{better} recommends better than {worse}"

    def check(results: Results) -> Claim:
        ranks = results[better].ranks, results[worse].ranks
        if ranks[0] is None or ranks[1] is None:
            unknown = [name for name in (better, worse) if results[name].ranks is None]
            return _not_judged(claim, f"the users' ranks of {' and '.join(unknown)} are not known")
        if len(ranks[0]) != len(ranks[1]):
            return _not_judged(claim, f"ranks of {len(ranks[0]):,} and of {len(ranks[1]):,} users")
        difference, error = paired_difference(ranks[0], ranks[1])
        return Claim(
            claim,
            verdict_of(difference, STANDARD_ERRORS * error),
            f"NDCG@10 {difference:+.4f}, standard error {error:.4f}, paired over users",
            {"difference": difference, "standard_error": error},
        )

    return check


def _geometry_claim(claim: str, quantity: str, margin: Margin) -> Callable[[Results], Claim]:
    """The claim that a margin between variants is positive, at their best epochs and at the common one."""

    def check(results: Results) -> Claim:
        moments = [("best", "best epochs", {name: run.best for name, run in results.items()})]
        common = {name: run.common for name, run in results.items() if run.common is not None}
        if len(common) == len(results):
            moments.append(("common", f"epoch {next(iter(common.values())).epoch}", common))
        verdicts, words = [], []
        numbers: dict[str, float] = {}
        for moment, when, geometries in moments:
            values = {name: float(getattr(geometry, quantity)) for name, geometry in geometries.items()}
            verdicts.append(verdict_of(margin(values), GEOMETRY_NOISE))
            words.append(f"{when}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items()))
            numbers |= {f"{name}_{moment}": value for name, value in values.items()}
        if len(moments) == 1:
            words.append("embeddings of an epoch that all have were not kept")
        return Claim(claim, weakest(verdicts), f"{_LABELS[quantity]}, {'; '.join(words)}", numbers)

    return check


def _not_judged(claim: str, reason: str) -> Claim:
    return Claim(claim, "not judged", reason, {})


def _ends(results: Results, variant: str, *keys: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return a run's first epoch and its best one, or None where one of them lacks a value of `keys`."""
    epochs = results[variant].epochs
    if not epochs or any(row.get(key) is None for row in (epochs[0], epochs[-1]) for key in keys):
        return None
    return epochs[0], epochs[-1]


def _uniformity_falls(results: Results) -> Claim:
    """Fig. 5: the two move in opposite directions, from the first epoch to the best one."""
    claim = "duorec's uniformity falls while its HR@5 rises"
    if (ends := _ends(results, "duorec", "uniformity", "valid_HR@5")) is None:
        return _not_judged(claim, "uniformity or HR@5 was not recorded")
    first, last = ends
    fall = first["uniformity"] - last["uniformity"]
    rise = last["valid_HR@5"] - first["valid_HR@5"]
    return Claim(
        claim,
        "holds" if fall > 0 and rise > 0 else "does not hold",
        f"uniformity {first['uniformity']:.3f} to {last['uniformity']:.3f}, validation HR@5 "
        f"{first['valid_HR@5']:.4f} to {last['valid_HR@5']:.4f}, epoch {first['epoch']} to {last['epoch']}",
        {"uniformity_fall": fall, "hit_rate_rise": rise},
    )


def _alignment_rises(results: Results) -> Claim:
    claim = "duorec's alignment rises meanwhile"
    if (ends := _ends(results, "duorec", "alignment")) is None:
        return _not_judged(claim, "alignment was not recorded")
    first, last = ends
    rise = last["alignment"] - first["alignment"]
    return Claim(
        claim,
        "holds" if rise > 0 else "does not hold",
        f"alignment {first['alignment']:.3f} to {last['alignment']:.3f}",
        {"alignment_rise": rise},
    )


_LABELS = {"sigma2_ratio": "σ₂/σ₁", "rare_cosine": "average cosine of the rarer half"}

JUDGED = ("sasrec", "ucl", "scl", "duorec")
"""The variants that the claims are about."""

_FOUR = frozenset(JUDGED)
_THREE = _FOUR - {"ucl"}

_CLAIMS: tuple[tuple[frozenset[str], Callable[[Results], Claim]], ...] = (
    (
        _THREE,
        _geometry_claim(
            "sasrec's singular values fall much faster than scl's and duorec's",
            "sigma2_ratio",
            lambda value: min(value["scl"], value["duorec"]) - value["sasrec"],
        ),
    ),
    (
        _FOUR,
        _geometry_claim(
            "ucl's singular values fall almost as fast as sasrec's, nearer to them than to scl's and "
            "duorec's",
            "sigma2_ratio",
            lambda value: (
                min(value["scl"], value["duorec"]) - value["ucl"] - abs(value["ucl"] - value["sasrec"])
            ),
        ),
    ),
    (
        _THREE,
        _geometry_claim(
            "sasrec's rare items lie in a cone, scl's and duorec's spread around the origin",
            "rare_cosine",
            lambda value: value["sasrec"] - max(value["scl"], value["duorec"]),
        ),
    ),
    (frozenset({"duorec"}), _uniformity_falls),
    (frozenset({"duorec"}), _alignment_rises),
    *(
        (frozenset({better, worse}), accuracy_claim(better, worse))
        for better, worse in (("duorec", "sasrec"), ("duorec", "scl"), ("scl", "ucl"), ("ucl", "sasrec"))
    ),
)
"""Each claim with the variants that it needs."""
