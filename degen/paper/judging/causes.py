"""Claims about the cause of the cone: another encoder has it too, and other updates or losses weaken it.

Items lie in a cone where their average cosine and that of the tail are above zero. The cone is weaker where
both are lower and σ₂/σ₁ is higher. SGD makes the first of these likely: gradients of Eq. 11 add up to zero
over the rows, so that the output cannot move the mean row, while rare items may still share a direction.

All are compared at the best epochs and at the tables' common one, paired by seed: the same seed draws the
same weights and batches. Where a run has no item embeddings of the common epoch, the best one decides alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from degen.paper.judging.intervals import Claims, Found, Numbers, not_trained, over_seeds
from degen.paper.measured import Measured, paired

WEAKER = {
    "sasrec-coupled-adam": "sasrec",
    "sasrec-sgd": "sasrec",
    "sasrec-eps-1e-4": "sasrec",
    "sasrec-sampled": "sasrec",
    "gru4rec-sgd": "gru4rec",
}
"""By control of the target `causes`, the method whose cone it is claimed to weaken."""

_COSINES = {"average_cosine": "average cosine", "tail_average_cosine": "tail's average cosine"}


def causes(rows: Sequence[Measured]) -> Claims:
    """Judge whether GRU4Rec has the cone, and whether each control weakens that of the method it changes."""
    both = ("gru4rec", "sasrec")
    in_cone = not_trained(both, rows) or over_seeds({**_cosines(rows, both[0]), **_cosines(rows, both[1])})
    weaker = [
        (
            f"{less}'s cone is weaker than {more}'s",
            not_trained((less, more), rows) or _weaker(rows, less, more),
        )
        for less, more in WEAKER.items()
    ]
    return [("gru4rec's items lie in a cone, as sasrec's do", in_cone), *weaker]


def _weaker(rows: Sequence[Measured], less: str, more: str) -> Found:
    def at(moment: str, when: str) -> Numbers:
        falls = {
            f"fall of the {name}{when}": paired(rows, more, less, f"{moment}_{column}")
            for column, name in _COSINES.items()
        }
        return {**falls, f"rise of σ₂/σ₁{when}": paired(rows, less, more, f"{moment}_sigma2_ratio")}

    return over_seeds(_at_both_epochs(at))


def _cosines(rows: Sequence[Measured], method: str) -> Numbers:
    own = [row for row in rows if row.method == method]

    def at(moment: str, when: str) -> Numbers:
        return {
            f"{name} of {method}{when}": [
                value for row in own if (value := row.value(f"{moment}_{column}")) is not None
            ]
            for column, name in _COSINES.items()
        }

    return _at_both_epochs(at)


def _at_both_epochs(at: Callable[[str, str], Numbers]) -> Numbers:
    """Return the margins at the best epochs, with those at the common one that have as many seeds."""
    best, common = at("best", ""), at("common", " at the common epoch")
    seeds = max(map(len, best.values()))
    return {**best, **{name: values for name, values in common.items() if len(values) >= seeds}}
