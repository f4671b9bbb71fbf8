"""What Eq. 4 says moves an item, and how far items move together.

    -∂J/∂vᵢ = pullᵢ - pushᵢ                 J: mean over a batch of -log softmax(V h_b)[y_b] (Eq. 2, 11)
    pushᵢ = 1/B Σ_{b: y_b ≠ i} p_bi h_b         what moves item i, as a non-target, along -h
    pullᵢ = 1/B Σ_{b: y_b = i} (1 - p_bi) h_b   what moves it, as the target, along +h

**The sign of Eq. 4.** The paper prints -p(v*|c) h_c as the gradient of J for an item v* that is not the
target. The derivative of the cross-entropy is +p(v*|c) h_c; it is the step against the gradient that has the
minus. The paper's conclusion, that non-targets move away from the context, is that of the step.

V is tied: looking v up in a history gives it a gradient of its own, which is not in Eq. 4 and not in
`pull_push`. And what moves an item in the end is the optimiser's step. So the other functions take any rows,
one an item: pushes, gradients, or steps ΔV.
"""

from __future__ import annotations

from degen.analysis.measures.isotropy import average_cosine
from degen.analysis.passes.arrays import Array, checked_rows, namespace


def pull_push(h: Array, V: Array, targets: Array) -> tuple[Array, Array]:
    """Return pull and push of every item for a batch of contexts, `[n, d]` each (Eq. 4).

    Parameters
    ----------
    h
        `[B, d]`, contexts; NumPy or torch, of a floating type, which is the result's.
    V
        `[n, d]`, a row for each class of the softmax; of the same kind and type.
    targets
        int64 `[B]`, rows of V.

    The `[B, n]` probabilities are held at once. Of float32 the sums over one batch are float32's; batches are
    for the caller to add up in float64.
    """
    xp = namespace(h)
    of_target = (xp.arange(len(h)), targets)
    scores = h @ V.T
    p = xp.exp(scores - xp.amax(scores, axis=1)[:, None])
    p /= p.sum(axis=1)[:, None]
    missing = (1 - p[of_target]) / len(h)
    p[of_target] = 0
    push = p.T @ (h / len(h))
    pulled = xp.unique(targets)
    pull = xp.zeros_like(push)
    pull[pulled] = ((pulled[:, None] == targets) * missing) @ h
    return pull, push


def push_share(push: Array, *others: Array) -> Array:
    """Return ‖pushᵢ‖ / (‖pushᵢ‖ + Σ ‖otherᵢ‖) of each item, float64 `[n]` in [0, 1].

    `others` are what else moves it, `[n, d]` each: its pull, and what reaches it through histories. 1 for an
    item that is only ever a non-target; NaN for one that nothing moves.
    """
    return share(lengths(push), *(lengths(other) for other in others))


def share(part: Array, *others: Array) -> Array:
    """Return part / (part + Σ others), elementwise; NaN where all are 0."""
    whole = sum(others, start=part)
    return part / namespace(part).where(whole > 0, whole, float("nan"))


def lengths(rows: Array) -> Array:
    """Return ‖rowᵢ‖, float64 `[n]`, of rows `[n, d]`."""
    x = checked_rows(rows, "the matrix of steps")
    return namespace(x).sqrt((x * x).sum(axis=1))


def cosine_to(rows: Array, direction: Array) -> Array:
    """Return cos(rowᵢ, direction), float64 `[n]`; NaN for rows of zeros, and for all if the direction is 0.

    With steps and the mean context h̄: near -1 for items that drift away from all contexts, the cone's cause.
    Its square is the share of one row's energy that lies along h̄.
    """
    x, norms = checked_rows(rows, "the matrix of steps"), lengths(rows)
    along = x @ _unit(direction)
    return along / namespace(x).where(norms > 0, norms, float("nan"))


def energy_along(rows: Array, direction: Array) -> float:
    """Return ‖X d̂‖² / ‖X‖² in [0, 1] for rows X `[n, d]`: the share of all their energy along a direction.

    1/d for isotropic rows; NaN where all rows, or the direction, are zero.
    """
    x = checked_rows(rows, "the matrix of steps")
    energy = float((x * x).sum())
    return float(((x @ _unit(direction)) ** 2).sum()) / energy if energy > 0 else float("nan")


def _unit(direction: Array) -> Array:
    row = checked_rows(direction[None], "the direction")
    length = float(lengths(row)[0])
    return row[0] / (length if length > 0 else float("nan"))


def mean_pairwise_cosine(rows: Array) -> float | None:
    """Return the mean cosine over all pairs of rows that are not zero, exactly; None with fewer than two.

    Of steps: 1 where all items of a group move the same way, whatever the direction.
    """
    moved = int((lengths(rows) > 0).sum())
    return average_cosine(rows) if moved > 1 else None


def context_concentration(h: Array) -> float:
    """Return ‖h̄‖² / mean ‖h‖² in [0, 1] of contexts `[B, d]`: how much of a direction they share at all."""
    x = checked_rows(h, "the matrix of contexts")
    mean = x.mean(axis=0)
    return float(mean @ mean) / float((x * x).sum() / len(x))
