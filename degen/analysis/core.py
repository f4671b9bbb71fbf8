"""The core set of measures: the few that tables, verdicts and reports show first, each with its reason.

`CORE` is the only place that lists them. The other measures are more detailed views of the same properties.
"""

from __future__ import annotations

from collections.abc import Mapping

CORE: Mapping[str, str] = {
    "sigma2_ratio": "shows whether one direction dominates; the paper's Fig. 1 draws it",
    "effective_rank": "counts the directions in use, weak ones included",
    "participation_ratio": "counts the directions that hold the energy, so that strong ones decide",
    "average_cosine": "shows how narrow the cone is: how far items point in one common direction",
    "tail_average_cosine": "warns first, because rare items degenerate before the others",
    "mean_energy_share": "is the part of the collapse that subtracting the mean row would remove",
    "uniformity": "is what contrastive learning improves, taken over all pairs of items",
    "hubness_skewness": "shows the consequence: a few items that are everyone's nearest neighbours",
}
"""Reason of each core measure, by name in the order of tables; a sentence whose subject is the measure."""

NEEDS_FREQUENCY = "tail_average_cosine"
"""The core measure that has a value only where item frequencies are known."""

ON_DIMENSIONS = ("effective_rank", "participation_ratio", "uniformity")
"""Core measures whose possible values depend on the number of dimensions; matrices that differ in it cannot
be compared by them.
"""

SASREC_COSINE, SASREC_SIGMA2 = (0.16, 0.26), (0.27, 0.38)
DUOREC_COSINE, DUOREC_SIGMA2 = (0.05, 0.10), (0.70, 0.86)
"""Lowest and highest value over Beauty, Clothing, Sports and Yelp: best epochs, recipe `official`, seed 0, 64
dimensions. Source: `experiments/results/{beauty,clothing,sports,yelp}.csv`.
"""

ORIENTATION = (
    "For orientation: after early stopping on four logs, SASRec with full cross-entropy has an average "
    "cosine of {:.2f} to {:.2f} and σ₂/σ₁ of {:.2f} to {:.2f}. DuoRec has {:.2f} to {:.2f} and {:.2f} to "
    "{:.2f} (64 dimensions, experiments/results)."
).format(*SASREC_COSINE, *SASREC_SIGMA2, *DUOREC_COSINE, *DUOREC_SIGMA2)
"""A sentence that places the average cosine and σ₂/σ₁ of a matrix among trained models."""


def placed(name: str, cosine: float) -> str:
    """Return a sentence that places an average cosine among those of `ORIENTATION`.

    >>> placed("feb", 0.59)
    "feb's 0.59 lies above both: a narrower cone than any of these."
    """
    cosine = round(cosine, 2)  # as it is shown
    if cosine > SASREC_COSINE[1]:
        where = "above both: a narrower cone than any of these"
    elif cosine >= SASREC_COSINE[0]:
        where = "within SASRec's: a cone like SASRec's"
    elif cosine > DUOREC_COSINE[1]:
        where = "between the two: a weaker cone than SASRec's, a narrower one than DuoRec's"
    elif cosine >= DUOREC_COSINE[0]:
        where = "within DuoRec's: a cone as weak as DuoRec's"
    else:
        where = "below both: hardly a cone"
    return f"{name}'s {cosine:.2f} lies {where}."


def scale(measure: str, a: float, b: float) -> float:
    """Return the size against which a difference between the values `a` and `b` of a measure is judged.

    It is 4 for uniformity (0 is collapsed, the uniform sphere lies near -4), 1 for the other core measures
    that are ratios and cosines, and the larger value for counts of directions and for all other measures.
    """
    if measure == "uniformity":
        return 4.0
    counts = ("effective_rank", "participation_ratio", "hubness_skewness")
    return 1.0 if measure in CORE and measure not in counts else max(abs(a), abs(b))
