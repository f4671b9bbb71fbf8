"""Forces on the items of each bucket by popularity over some batches, and their steps over an epoch.

    describe_forces   Eq. 4 over some batches: shares of being a non-target, being a target, being in a
    history describe_steps    ΔV of an epoch, the work of the optimiser

A force is given twice. The sum of the vectors of batches, `[n, d]`, is what remains after batches that
contradict each other. The sum of their lengths, `[n]`, is all that pulled and pushed. Numbers of a bucket are
means over its items. A cosine of 1 with -h̄, the direction opposite to the mean context, is drift into the
cone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from degen.analysis.measures.spectrum import effective_rank
from degen.analysis.mechanism.gradient import cosine_to, energy_along, lengths, mean_pairwise_cosine, share
from degen.analysis.passes.arrays import Float
from degen.analysis.passes.buckets import Buckets

Row = dict[str, Any]

PUSH, PULL, INPUT, CONTRAST, REGULARIZER = "push", "pull", "input", "contrast", "regularizer"
"""Names of forces: being a non-target (Eq. 4), being the target, being in a history, the contrastive loss,
and the loss of a mitigation on the items alone.
"""


@dataclass(frozen=True, eq=False)
class Force:
    """Descent direction of one part of the loss on the items, over some batches.

    Attributes
    ----------
    vectors
        float64 `[n, d]`, the sum over the batches.
    lengths
        float64 `[n]`, the sum of the lengths per batch, at least the length of the sum.
    """

    vectors: Float
    lengths: Float


def describe_forces(forces: Mapping[str, Force], context: Float, buckets: Buckets) -> list[Row]:
    """Return one row per bucket: the share of each force in the updates, and the direction of the push.

    `forces`, by name, with `push` among them, are together the complete update; `context`, float64 `[d]`,
    is the mean context h̄. `push_share` and so on are shares of the summed lengths and add up to 1.
    `net_push_share` and so on are shares of the lengths of the summed vectors. `push_cosine` is the
    cosine of the push with -h̄. `push_pairwise_cosine` and `update_pairwise_cosine` are mean cosines of
    two items' pushes and complete updates. Frequent items are pushed too, where they are not the target:
    compare the `push_cosine` of rare items with theirs.
    """
    net = {name: lengths(force.vectors) for name, force in forces.items()}
    update = np.sum([force.vectors for force in forces.values()], axis=0)
    push = forces[PUSH].vectors
    columns: dict[str, list[float | None]] = {}
    for name, force in forces.items():
        others = [other for other in forces if other != name]
        total, left = share(force.lengths, *(forces[other].lengths for other in others)), net[name]
        columns[f"{name}_share"] = means(total, buckets)
        columns[f"net_{name}_share"] = means(share(left, *(net[other] for other in others)), buckets)
    columns["push_cosine"] = means(cosine_to(push, -context), buckets)
    columns["push_pairwise_cosine"] = [mean_pairwise_cosine(rows) for rows in parts(push, buckets)]
    columns["update_pairwise_cosine"] = [mean_pairwise_cosine(rows) for rows in parts(update, buckets)]
    return _rows(columns, buckets)


def describe_steps(before: Float, after: Float, context: Float, buckets: Buckets) -> tuple[Row, list[Row]]:
    """Return numbers of ΔV = after - before over all items, and one row per bucket.

    `before` and `after`, `[n, d]`, are the item embeddings at the two ends of an epoch. `context`, float64
    `[d]`, is the mean context h̄. Over all items there are `step_energy`, the share of ‖ΔV‖² along h̄, and
    `step_effective_rank`. Per bucket there are:

        step_length                    ‖Δv‖
        step_cosine                    cosine of Δv with -h̄
        step_pairwise_cosine           mean cosine of two different items' steps
        drift, drift_cosine            length of the move of the bucket's mean, and its cosine with -h̄
        mean_length, pairwise_cosine   ‖v̄‖ and the mean cosine of two items, after the epoch
    """
    step = after.astype(np.float64) - before
    drift = np.array([rows.mean(axis=0) for rows in parts(step, buckets)])
    columns = {
        "step_length": means(lengths(step), buckets),
        "step_cosine": means(cosine_to(step, -context), buckets),
        "step_pairwise_cosine": [mean_pairwise_cosine(rows) for rows in parts(step, buckets)],
        "drift": lengths(drift).tolist(),
        "drift_cosine": _numbers(cosine_to(drift, -context)),
        "mean_length": [float(np.linalg.norm(rows.mean(axis=0))) for rows in parts(after, buckets)],
        "pairwise_cosine": [mean_pairwise_cosine(rows) for rows in parts(after, buckets)],
    }
    overall = {
        "step_energy": energy_along(step, context) if step.any() else None,
        "step_effective_rank": effective_rank(step) if step.any() else None,
    }
    return overall, _rows(columns, buckets)


def means(values: Float, buckets: Buckets) -> list[float | None]:
    """Return the mean of the values `[n]` in each bucket, NaN left out; None where nothing is left."""
    return _numbers(buckets.means(values))


def parts(rows: Float, buckets: Buckets) -> list[Float]:
    """Return the rows `[n, d]` of each bucket, in float64."""
    return [rows[buckets.codes == code].astype(np.float64) for code in range(len(buckets.names))]


def _rows(columns: Mapping[str, list[Any]], buckets: Buckets) -> list[Row]:
    return [{name: column[code] for name, column in columns.items()} for code in range(len(buckets.names))]


def _numbers(values: Float) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
