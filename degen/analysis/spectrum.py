"""How fast the singular values of an embedding matrix fall, and what its first two axes show.

A degenerated matrix has one large singular value; its rare items lie in a cone along the first axis
(paper §2).

    V [n, d] = U S Wᵀ            thin SVD in float64; not centred: that would hide the cone

    project                      coordinates, σ and variance shares from one decomposition      Fig. 1, 3, 4
    svd_projection               first two columns of U S, [n, 2], column sums ≥ 0
    normalized_singular_values   σᵢ / σ₁, descending, [d]; zeros for a zero matrix
    effective_rank               exp of the entropy of σ / Σσ (Roy & Vetterli, EUSIPCO 2007)

Where U is not needed V is reduced to its triangular factor first, in blocks of rows: V = Q R has the σ and
W of R, with an error of rounding of σ₁ only, which the eigenvalues of VᵀV would not give. V W is then U S.
Only one block is in float64 at a time, so that ten million rows of float32 need no copy of themselves; a
tensor is factored by torch, on its device and with as many threads as torch may use.

Arrays in (NumPy or torch), new NumPy arrays out: nothing here draws, reads a file or changes its input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from degen.analysis.matrix import Array, Float, as_matrix, checked, float64_blocks, namespace, to_numpy
from degen.errors import UserError

_BLOCK = 512


@dataclass(frozen=True)
class Projection:
    """The numbers behind Fig. 1 for one matrix [n, d], n ≥ d ≥ 2.

    Attributes
    ----------
    coordinates
        float64 [n, 2]: the first two columns of U S, each with a sum ≥ 0.
    singular_values
        float64 [d], descending, ≥ 0.
    variance_share
        float64 [d]: σᵢ² / Σσ², the share of each axis in the squared length of all rows; zeros for a zero
        matrix.
    """

    coordinates: Float
    singular_values: Float
    variance_share: Float

    @property
    def normalized_singular_values(self) -> Float:
        """float64 [d] in [0, 1]: σᵢ / σ₁; zeros for a zero matrix."""
        return _share(self.singular_values, self.singular_values[0])


def project(V: Array) -> Projection:
    """Return the projection of the rows of `V` [n, d] on its first two axes, with its singular values.

    Raises
    ------
    UserError
        if `V` has not two dimensions, holds NaN or infinity, or not n ≥ d ≥ 2.
    """
    matrix = checked(V)
    n, d = matrix.shape
    if d < 2:
        raise UserError(f"the matrix has {n} rows of {d} numbers; a projection needs at least two dimensions")
    if n < d:
        raise UserError(
            f"the matrix has {n} rows of {d} numbers, fewer items than dimensions; give one row for each "
            "item (transpose the matrix if its columns are the items)"
        )
    s, Wt = _right_svd(matrix)
    coordinates = np.concatenate([to_numpy(block) @ Wt[:2].T for block in float64_blocks(matrix)])
    coordinates *= np.where(coordinates.sum(axis=0) < 0, -1.0, 1.0)
    return Projection(coordinates, s, _variance_share(s))


def svd_projection(V: Array) -> Float:
    """Return float64 [n, 2]: `project(V).coordinates`."""
    return project(V).coordinates


def thin_svd(V: Array) -> tuple[Float, Float, Float]:
    """Return U [n, k], s [k] descending and Wt [k, d] of `V` [n, d], k = min(n, d), with V = U diag(s) Wt."""
    U, s, Wt = np.linalg.svd(as_matrix(V), full_matrices=False)
    return U, s, Wt


def singular_values(V: Array) -> Float:
    """Return float64 [min(n, d)]: the singular values of `V` [n, d], descending, exact to rounding of σ₁."""
    return _right_svd(checked(V))[0]


def normalized_singular_values(V: Array) -> Float:
    """Return float64 [d] in [0, 1]: σᵢ / σ₁, descending; zeros after the n-th and for a zero matrix."""
    matrix = checked(V)
    s = np.zeros(matrix.shape[1])
    values = _right_svd(matrix)[0]
    s[: len(values)] = values
    return _share(s, s[0])


def sigma2_ratio(V: Array) -> float:
    """Return σ₂ / σ₁ in [0, 1], near 0 where one direction dominates; 0 if there is no σ₂ or V is zero."""
    return sigma2_ratio_of(singular_values(V))


def effective_rank(V: Array) -> float:
    """Return exp(-Σ pᵢ ln pᵢ), p = σ / Σσ, in [1, rank] (Roy & Vetterli 2007); 0 for a zero matrix."""
    return effective_rank_of(singular_values(V))


def explained_variance(V: Array, k: int) -> float:
    """Return Σ_{i≤k} σᵢ² / Σσ² in [0, 1], uncentred; 0 for a zero matrix.

    Raises
    ------
    ValueError
        if `k` is not in 1 … min(n, d).
    """
    s = singular_values(V)
    if not 1 <= k <= len(s):
        raise ValueError(f"k must lie in 1 … {len(s)}, got {k}")
    return float(_variance_share(s)[:k].sum())


def sigma2_ratio_of(s: Float) -> float:
    """Return σ₂ / σ₁ of singular values that are already known, descending."""
    return float(_share(s, s[0])[1]) if len(s) > 1 else 0.0


def effective_rank_of(s: Float) -> float:
    """Return the effective rank of singular values that are already known."""
    p = _share(s, s.sum())
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0


def _right_svd(matrix: Array) -> tuple[Float, Float]:
    """Return s [min(n, d)] and Wt [min(n, d), d] of `matrix` [n, d]."""
    _, s, Wt = np.linalg.svd(_triangular_factor(matrix), full_matrices=False)
    return s, Wt


def _triangular_factor(matrix: Array) -> Float:
    """Return R [min(n, d), d] of `matrix` = Q R: of each block of rows under the factor of those above it."""
    above = matrix[:0]
    # Eight times as many rows as the factor has, so that factoring it again with each block costs little.
    for block in float64_blocks(matrix, max(_BLOCK, 8 * matrix.shape[1])):
        xp = namespace(block)
        rows = xp.concatenate([above, block])
        above = np.linalg.qr(rows, mode="r") if xp is np else xp.linalg.qr(rows, mode="r").R
    return to_numpy(above)


def _variance_share(s: Float) -> Float:
    squared = _share(s, s[0]) ** 2
    return _share(squared, squared.sum())


def _share(values: Float, whole: float) -> Float:
    """Return values / whole, or zeros where the whole is zero."""
    return values / whole if whole > 0 else np.zeros_like(values)
