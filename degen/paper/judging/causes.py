"""Claims about the cause of the cone: with another update or another loss, the same model has a weaker one.

A cone is weaker where the average cosine of all item embeddings and that of the tail are lower, and σ₂/σ₁ is
higher. SGD nearly forces the first: gradients of Eq. 11 add up to zero over the rows, so that the mean of all
items hardly moves, while rare items may still share a direction. All are compared at the best epochs, paired
by seed: the same seed draws the same weights and batches.
"""

from __future__ import annotations

from collections.abc import Sequence

from degen.paper.judging.intervals import Claims, Found, not_trained, over_seeds
from degen.paper.measured import Measured, paired

WEAKER = {
    "sasrec-coupled-adam": "sasrec",
    "sasrec-sgd": "sasrec",
    "sasrec-eps-1e-4": "sasrec",
    "sasrec-sampled": "sasrec",
    "gru4rec-sgd": "gru4rec",
}
"""By control of the target `causes`, the method whose cone it is claimed to weaken."""


def causes(rows: Sequence[Measured]) -> Claims:
    """Judge for each control whether its cone is weaker than that of the method which it changes."""
    return [
        (
            f"{less}'s cone is weaker than {more}'s",
            not_trained((less, more), rows) or _weaker(rows, less, more),
        )
        for less, more in WEAKER.items()
    ]


def _weaker(rows: Sequence[Measured], less: str, more: str) -> Found:
    fall = paired(rows, more, less, "best_average_cosine")
    tail = paired(rows, more, less, "best_tail_average_cosine")
    rise = paired(rows, less, more, "best_sigma2_ratio")
    return over_seeds(
        {"fall of the average cosine": fall, "fall of the tail's average cosine": tail, "rise of σ₂/σ₁": rise}
    )
