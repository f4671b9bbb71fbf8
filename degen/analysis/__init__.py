"""Measures of degeneration: arrays in, numbers and frozen results out.

`MEASURES` lists every measure; each is a function that takes an array, a tensor, or `Rows`, which compute
once what measures share.
"""

from degen.analysis.alignment import alignment, uniformity
from degen.analysis.cone import (
    cone_angle,
    cos_mean_first_direction,
    mean_direction_energy_share,
    mean_energy_share,
    mean_resultant_length,
    vmf_kappa,
)
from degen.analysis.health import (
    duplicate_rows,
    low_norm_rows,
    nonfinite_rows,
    norm_cv,
    norm_mean,
    norm_median,
    zero_rows,
)
from degen.analysis.isotropy import (
    average_cosine,
    cosine_std,
    isoscore,
    isoscore_star,
    isotropy,
    isotropy_second_order,
    log_isotropy,
    mean_squared_cosine,
)
from degen.analysis.measure import MEASURES, Estimate, Measure, Undefined, measure
from degen.analysis.result import GROUPS, Analysis, chosen_measures
from degen.analysis.rows import Rows
from degen.analysis.spectrum import (
    PowerLaw,
    Projection,
    condition_number,
    decay_exponent,
    decay_r2,
    effective_rank,
    explained_variance,
    information_abundance,
    normalized_singular_values,
    numerical_rank,
    participation_ratio,
    power_law,
    project,
    rankme,
    sigma2_ratio,
    singular_values,
    stable_rank,
    svd_projection,
    thin_svd,
)
from degen.analysis.summary import summarize

__all__ = [
    "GROUPS",
    "MEASURES",
    "Analysis",
    "Estimate",
    "Measure",
    "PowerLaw",
    "Projection",
    "Rows",
    "Undefined",
    "alignment",
    "average_cosine",
    "chosen_measures",
    "condition_number",
    "cone_angle",
    "cos_mean_first_direction",
    "cosine_std",
    "decay_exponent",
    "decay_r2",
    "duplicate_rows",
    "effective_rank",
    "explained_variance",
    "information_abundance",
    "isoscore",
    "isoscore_star",
    "isotropy",
    "isotropy_second_order",
    "log_isotropy",
    "low_norm_rows",
    "mean_direction_energy_share",
    "mean_energy_share",
    "mean_resultant_length",
    "mean_squared_cosine",
    "measure",
    "nonfinite_rows",
    "norm_cv",
    "norm_mean",
    "norm_median",
    "normalized_singular_values",
    "numerical_rank",
    "participation_ratio",
    "power_law",
    "project",
    "rankme",
    "sigma2_ratio",
    "singular_values",
    "stable_rank",
    "summarize",
    "svd_projection",
    "thin_svd",
    "uniformity",
    "vmf_kappa",
    "zero_rows",
]
