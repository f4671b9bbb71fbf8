"""The three numbers about the item embeddings that every epoch's line of `metrics.jsonl` carries."""

from __future__ import annotations

from degen.analysis.isotropy import average_cosine
from degen.analysis.matrix import Array
from degen.analysis.spectrum import effective_rank_of, sigma2_ratio_of, singular_values


def summarize(V: Array) -> dict[str, float]:
    """Return `sigma2_ratio`, `effective_rank` and `average_cosine` of `V` [n, d], from one decomposition.

    Raises
    ------
    UserError
        if `V` has not two dimensions, holds NaN or infinity, or fewer than two rows that are not zero.
    """
    s = singular_values(V)
    return {
        "sigma2_ratio": sigma2_ratio_of(s),
        "effective_rank": effective_rank_of(s),
        "average_cosine": average_cosine(V),
    }
