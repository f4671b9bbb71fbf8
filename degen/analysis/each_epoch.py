"""Measures of the item embeddings that `metrics.jsonl` records every epoch, in milliseconds."""

from __future__ import annotations

from degen.analysis.measures import isotropy, spectrum  # noqa: F401  they register the measures
from degen.analysis.passes.arrays import Array
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import MEASURES


def summarize(V: Rows | Array) -> dict[str, float]:
    """Return every measure of the registry that is recorded each epoch, by name, of `V` [n, d].

    Raises
    ------
    UserError
        if `V` has not two dimensions, holds NaN or infinity, or fewer than two rows that are not zero.
    """
    rows = Rows.of(V)
    return {name: float(measure(rows)) for name, measure in MEASURES.items() if measure.each_epoch}
