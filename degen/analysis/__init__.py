"""Measures of degeneration: arrays in, numbers and frozen results out."""

from degen.analysis.alignment import alignment, uniformity
from degen.analysis.isotropy import average_cosine
from degen.analysis.spectrum import (
    Projection,
    effective_rank,
    explained_variance,
    normalized_singular_values,
    project,
    sigma2_ratio,
    singular_values,
    svd_projection,
    thin_svd,
)
from degen.analysis.summary import summarize

__all__ = [
    "Projection",
    "alignment",
    "average_cosine",
    "effective_rank",
    "explained_variance",
    "normalized_singular_values",
    "project",
    "sigma2_ratio",
    "singular_values",
    "summarize",
    "svd_projection",
    "thin_svd",
    "uniformity",
]
