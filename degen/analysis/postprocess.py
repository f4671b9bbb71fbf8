"""Cures after training: item embeddings moved by one affine map, arrays in, arrays out.

    all_but_the_top   centred, without the first principal directions
    whiten            centred, with a covariance of I

Only what is scored changes: the encoder goes on reading the embeddings that it was trained with, and metrics
must be computed anew (`degen evaluate RUN --post-process NAME`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from degen.analysis.passes.arrays import Array, Float, as_kind, is_tensor
from degen.analysis.passes.rows import Rows
from degen.errors import UserError, nearest

ALL_BUT_THE_TOP, WHITENING = "all-but-the-top", "whitening"


def all_but_the_top(
    V: Rows | Array, components: int | None = None, *, project: Literal["centred", "raw"] = "centred"
) -> Array:
    """Return the rows of `V` [n, d] less their mean and their parts along the top D principal directions.

    ṽ = v - μ, u₁ … u_D the top principal directions of ṽ, v' = ṽ - Σ (u_k·ṽ) u_k: J. Mu, P. Viswanath,
    "All-but-the-top", ICLR 2018. O(n d²); a new array of the kind, device and floating type of `V` (float64
    for integers).

    Parameters
    ----------
    V
        at least one row.
    components
        D, from 0 (only centred) to d; about d / 100, and 1 at least, if it is not given.
    project
        `centred` takes the parts of ṽ away. `raw` takes those of v, as the paper's Algorithm 1 prints it and
        other code has it: that leaves a mean of -Σ (u_k·μ) u_k, which is most of μ where rows lie in a cone.

    Raises
    ------
    UserError
        for more components than columns, or a matrix that `Rows` refuses.
    """
    rows = Rows.of(V)
    count = max(1, round(rows.d / 100)) if components is None else components
    if not 0 <= count <= rows.d:
        raise UserError(f"--components takes 0 to {rows.d}, the matrix's columns; got {count}")
    directions, _ = _principal(rows)
    along_top = directions[:, :count] @ directions[:, :count].T
    # In the paper's way v - μ - Σ (u·v) u, that is ṽ - Σ (u·ṽ) u - Σ (u·μ) u.
    rest_of_mean = -rows.moments.mean @ along_top if project == "raw" else np.zeros(rows.d)
    exponent = rows.moments.exponent
    return _mapped(rows, np.ldexp(np.eye(rows.d) - along_top, exponent), np.ldexp(rest_of_mean, exponent))


def whiten(V: Rows | Array, *, method: Literal["zca", "pca"] = "zca") -> Array:
    """Return the rows of `V` [n, d] mapped so that their mean is 0 and their covariance (n - 1) is I.

    (v - μ) U Λ^(-1/2) for `pca`, and Uᵀ behind it for `zca`, C = U Λ Uᵀ the covariance: J. Su et al.,
    "Whitening sentence representations for better semantics and faster retrieval", 2021; J. Huang et al.,
    "WhiteningBERT", Findings of EMNLP 2021 (which does not divide by n - 1, so that its rows are √(n - 1)
    times shorter). `zca` is the one that does not depend on signs and order of eigenvectors; cosines and
    lengths are the same. Directions in which the rows differ by rounding alone stay (almost) empty. Every
    centred measure of the spectrum is perfect afterwards, by construction: no evidence of health. O(n d²);
    a new array as of `all_but_the_top`.

    Raises
    ------
    UserError
        if all rows are equal, or for a matrix that `Rows` refuses.
    """
    rows = Rows.of(V)
    U, scatter = _principal(rows)
    variances = scatter / max(len(rows) - 1, 1)
    floor = max(rows.rank_tolerance**2, rows.d * np.finfo(np.float64).eps) * variances[0]
    if not floor > 0:
        raise UserError("whitening needs rows that differ, and all of these are equal")
    W = U / np.sqrt(np.maximum(variances, floor))
    return _mapped(rows, W @ U.T if method == "zca" else W, np.zeros(rows.d))


POST_PROCESSES: dict[str, Callable[..., Array]] = {ALL_BUT_THE_TOP: all_but_the_top, WHITENING: whiten}
"""What `degen evaluate --post-process` takes."""


def post_process(V: Rows | Array, name: str, components: int | None = None) -> Array:
    """Return `V` [n, d] after the post-process of a name; `components` are of `all-but-the-top` alone.

    Raises
    ------
    UserError
        for another name, components where there are none, or as the functions do.
    """
    if name not in POST_PROCESSES:
        raise UserError(f"--post-process {name} is unknown{nearest(name, POST_PROCESSES)}")
    if components is None:
        return POST_PROCESSES[name](V)
    if name != ALL_BUT_THE_TOP:
        raise UserError(f"--components is of {ALL_BUT_THE_TOP}, and --post-process is {name}; leave it out")
    return all_but_the_top(V, components)


def _principal(rows: Rows) -> tuple[Float, Float]:
    """Principal directions, float64 [d, d], a column each, and the scatter along them, descending; of the
    rows divided by 2^exponent, as their moments are.
    """
    scatter, directions = np.linalg.eigh(rows.moments.scatter)
    return directions[:, ::-1], scatter[::-1].clip(0)


def _mapped(rows: Rows, A: Float, offset: Float) -> Array:
    """Return (v / 2^exponent - μ) A + offset for every row v, block by block; μ is that of the moments."""
    values = rows.values
    if is_tensor(values):
        out = values.new_empty(
            values.shape, dtype=None if values.is_floating_point() else values.double().dtype
        )
    else:
        floating = np.issubdtype(values.dtype, np.floating)
        out = np.empty(values.shape, dtype=values.dtype if floating else np.float64)
    mean, A, offset = (as_kind(array, values) for array in (rows.moments.mean, A, offset))
    scale = 2.0**-rows.moments.exponent
    for place, block in rows.blocks():
        out[place] = (block * scale - mean) @ A + offset
    return out
