"""Mitigations after training: affine maps of item embeddings, as scikit-learn transformers and as functions.

    AllButTheTop   all_but_the_top   centred, without the first principal directions
    Whitening      whiten            centred, with the identity as covariance

The transformers take NumPy arrays and fit into a `Pipeline`. The functions fit and map in one call, also a
tensor on its device or `Rows`. Only scores change: the encoder goes on reading the embeddings that it was
trained with, so metrics must be computed anew (`degen evaluate RUN --post-process NAME`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import FLOAT_DTYPES, check_array, check_is_fitted, validate_data

from degen.analysis.passes.arrays import Array, Float, as_kind, is_tensor, scaled_by
from degen.analysis.passes.rows import Rows
from degen.errors import UserError, one_of

ALL_BUT_THE_TOP, WHITENING = "all-but-the-top", "whitening"


class _AffineTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A map of rows v ↦ (v / 2^e - μ) A + b, with e and μ from the `Moments` of the rows it was fitted to."""

    _least_rows = 1

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Learn the map from rows `X` [n, d]; `y` is ignored.

        Raises
        ------
        ValueError
            if `X` is no matrix of finite numbers, or has too few rows.
        UserError
            if a parameter does not fit `X`, or all rows are equal and are to be whitened.
        """
        return self._fit(
            Rows(validate_data(self, X, dtype=FLOAT_DTYPES, ensure_min_samples=self._least_rows))
        )

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Map rows `X` [n, d]; the floating type stays, integers become float64."""
        check_is_fitted(self)
        mapped: npt.NDArray[Any] = self._mapped(Rows(validate_data(self, X, dtype=FLOAT_DTYPES, reset=False)))
        return mapped

    def inverse_transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Map rows [n, d] back; what the map took away comes back as that of the mean row."""
        check_is_fitted(self)
        rows = check_array(X, dtype=FLOAT_DTYPES)
        matrix, offset = self._back
        return np.asarray(rows @ matrix + offset, dtype=rows.dtype)

    def _fit(self, rows: Rows) -> Self:
        raise NotImplementedError

    def _learn(self, rows: Rows, matrix: Float, offset: Float, back: Float) -> Self:
        """Keep the map and its way back, (v' - b) B + 2^e μ."""
        mean, exponent = rows.moments.mean, rows.moments.exponent
        self._map = mean, matrix, offset, exponent
        self._back = back, np.ldexp(mean, exponent) - offset @ back
        self.mean_ = np.ldexp(mean, exponent)
        return self

    def _mapped(self, rows: Rows) -> Array:
        """Map rows block by block, in float64; the result has their kind, device and floating type."""
        values, (mean, matrix, offset, exponent) = rows.values, self._map
        if is_tensor(values):
            dtype = None if values.is_floating_point() else values.double().dtype
            out = values.new_empty(values.shape, dtype=dtype)
        else:
            floating = np.issubdtype(values.dtype, np.floating)
            out = np.empty(values.shape, dtype=values.dtype if floating else np.float64)
        mean, matrix, offset = (as_kind(array, values) for array in (mean, matrix, offset))
        for place, block in rows.blocks():
            out[place] = (scaled_by(block, -exponent) - mean) @ matrix + offset
        return out

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        return tags


class AllButTheTop(_AffineTransformer):
    """Centre rows and remove their parts along the first principal directions.

    ṽ = v - μ, u₁ … u_D the first principal directions of ṽ, v' = ṽ - Σ (u_k·ṽ) u_k. Source: Mu and Viswanath,
    "All-but-the-top", ICLR 2018. O(n d²).

    Parameters
    ----------
    components
        D, from 0 (centre only) to d. By default d / 100, rounded, and at least 1.
    project
        `centred` removes the parts of ṽ. `raw` removes those of v, as Algorithm 1 of the paper prints it and
        other code has it. That leaves a mean of -Σ (u_k·μ) u_k, most of μ where rows lie in a cone.

    Attributes
    ----------
    mean_
        float64 [d]: μ.
    directions_
        float64 [D, d]: u₁ … u_D, of length 1.

    Examples
    --------
    >>> import numpy as np
    >>> V = np.random.default_rng(0).normal(size=(50, 3)) * [9, 1, 1] + [5, 0, 0]
    >>> AllButTheTop(components=1).fit_transform(V).std(axis=0).round(1)
    array([0. , 0.8, 0.8])
    """

    def __init__(
        self, components: int | None = None, *, project: Literal["centred", "raw"] = "centred"
    ) -> None:
        self.components = components
        self.project = project

    def _fit(self, rows: Rows) -> Self:
        count = max(1, round(rows.d / 100)) if self.components is None else self.components
        if not 0 <= count <= rows.d:
            raise UserError(f"`components` takes 0 to {rows.d}, the number of columns; got {count}")
        raw = one_of("project", self.project, ("centred", "raw")) == "raw"
        directions = _principal(rows)[0][:, :count]
        along_top = directions @ directions.T
        # The paper's v - μ - Σ (u·v) u is ṽ - Σ (u·ṽ) u - Σ (u·μ) u.
        rest_of_mean = -rows.moments.mean @ along_top if raw else np.zeros(rows.d)
        exponent = rows.moments.exponent
        self.directions_ = directions.T.copy()
        return self._learn(
            rows,
            np.ldexp(np.eye(rows.d) - along_top, exponent),
            np.ldexp(rest_of_mean, exponent),
            np.eye(rows.d),
        )


class Whitening(_AffineTransformer):
    """Map rows so that their mean is 0 and their covariance (divisor n - 1) is the identity.

    (v - μ) U Λ^(-1/2) for `pca`, and the same times Uᵀ for `zca`, where C = U Λ Uᵀ is the covariance.
    Sources: Su et al., "Whitening sentence representations for better semantics and faster retrieval", 2021;
    Huang et al., "WhiteningBERT", Findings of EMNLP 2021, who do not divide by n - 1, so that their rows are
    √(n - 1) times shorter. O(n d²).

    Directions in which the rows differ by rounding alone stay almost empty. Every centred measure of the
    spectrum is perfect afterwards by construction, which is no evidence of health.

    Parameters
    ----------
    method
        `zca` does not depend on signs and order of eigenvectors and keeps the meaning of columns. `pca` gives
        principal components. Cosines and lengths are the same.

    Attributes
    ----------
    mean_
        float64 [d]: μ.
    directions_
        float64 [d, d]: principal directions, a row each, by falling variance.

    Examples
    --------
    >>> import numpy as np
    >>> V = np.random.default_rng(0).normal(size=(50, 2)) * [9, 1]
    >>> bool(np.allclose(np.cov(Whitening().fit_transform(V).T), np.eye(2)))
    True
    """

    _least_rows = 2

    def __init__(self, *, method: Literal["zca", "pca"] = "zca") -> None:
        self.method = method

    def _fit(self, rows: Rows) -> Self:
        zca = one_of("method", self.method, ("zca", "pca")) == "zca"
        directions, scatter = _principal(rows)
        variances = scatter / max(len(rows) - 1, 1)
        floor = max(rows.rank_tolerance**2, rows.d * np.finfo(np.float64).eps) * variances[0]
        if not floor > 0:
            raise UserError("whitening needs rows that differ, and all of these are equal")
        lengths = np.sqrt(np.maximum(variances, floor))
        there, back = directions / lengths, np.ldexp(lengths[:, None] * directions.T, rows.moments.exponent)
        if zca:
            there, back = there @ directions.T, directions @ back
        self.directions_ = directions.T.copy()
        return self._learn(rows, there, np.zeros(rows.d), back)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the names of the columns: those of the input for `zca`, `whitening0` and so on for `pca`."""
        names = super().get_feature_names_out(input_features)
        if self.method == "pca":
            names = np.array([f"whitening{column}" for column in range(len(names))], dtype=object)
        return np.asarray(names)


def _principal(rows: Rows) -> tuple[Float, Float]:
    """Return the principal directions, a column each, float64 [d, d], and the scatter along them, descending.

    Both are of the rows divided by 2^exponent, as their moments are.
    """
    scatter, directions = np.linalg.eigh(rows.moments.scatter)
    return directions[:, ::-1], scatter[::-1].clip(0)


def all_but_the_top(
    V: Rows | Array, components: int | None = None, *, project: Literal["centred", "raw"] = "centred"
) -> Array:
    """Return the rows of `V` [n, d] as `AllButTheTop` maps them.

    The result is a new array of the kind, device and floating type of `V`; float64 for integers.

    Raises
    ------
    UserError
        for more components than columns, equal rows to whiten, or a matrix that `Rows` refuses.
    """
    rows = Rows.of(V)
    return AllButTheTop(components, project=project)._fit(rows)._mapped(rows)


def whiten(V: Rows | Array, *, method: Literal["zca", "pca"] = "zca") -> Array:
    """Return the rows of `V` [n, d] as `Whitening` maps them; result and errors as of `all_but_the_top`."""
    rows = Rows.of(V)
    return Whitening(method=method)._fit(rows)._mapped(rows)


POST_PROCESSES: dict[str, Callable[..., Array]] = {ALL_BUT_THE_TOP: all_but_the_top, WHITENING: whiten}
"""Functions that `degen evaluate --post-process` takes, by name."""


def post_process(V: Rows | Array, name: str, components: int | None = None) -> Array:
    """Return `V` [n, d] after a post-process; `components` is for `all-but-the-top` alone.

    Raises
    ------
    UserError
        for an unknown name, for components that do not apply, and as the functions do.
    """
    name = one_of("post_process", name, POST_PROCESSES)
    if components is None:
        return POST_PROCESSES[name](V)
    if name != ALL_BUT_THE_TOP:
        raise UserError(f"`components` is of {ALL_BUT_THE_TOP}, and `post_process` is {name}; leave it out")
    return all_but_the_top(V, components)
