"""Names of measures in words, for tables, figures and sentences: `title("sigma2_ratio")` is `σ₂/σ₁`.

A measure that is not listed here, such as one of the user's own, is called by its key with spaces.
"""

from __future__ import annotations

from collections.abc import Mapping

_TITLES: Mapping[str, str] = {
    "sigma2_ratio": "σ₂/σ₁",
    "effective_rank_lambda": "effective rank of λ",
    "rankme": "RankMe",
    "isoscore": "IsoScore",
    "isotropy": "isotropy I(V)",
    "isotropy_unit": "isotropy I(V) of unit rows",
    "log_isotropy": "log of isotropy I(V)",
    "log_isotropy_unit": "log of isotropy I(V) of unit rows",
    "isotropy_second_order": "second-order isotropy",
    "cosine_std": "standard deviation of cosines",
    "average_absolute_cosine": "average absolute cosine",
    "vmf_kappa": "κ of von Mises-Fisher",
    "cone_angle_median": "median cone angle",
    "cone_angle_mean": "mean cone angle",
    "cone_angle_95": "95th percentile of cone angle",
    "cone_angle_max": "largest cone angle",
    "mean_energy_share": "mean's share of energy",
    "mean_direction_energy_share": "mean direction's share of energy",
    "cos_mean_first_direction": "cosine of mean and first direction",
    "condition_number_nonzero": "condition number without zeros",
    "decay_exponent": "exponent of spectral decay",
    "decay_r2": "R² of spectral decay",
    "nonfinite_rows": "rows with NaN or infinity",
    "low_norm_rows": "rows of low norm",
    "low_norm_rows_10": "rows of low norm (10 %)",
    "uniformity": "uniformity of items",
    "norm_mean": "mean norm",
    "norm_median": "median norm",
    "norm_cv": "variation of norms",
    "robin_hood_index": "Robin Hood index",
    "exposure_robin_hood_index": "Robin Hood index of exposure",
    "spearman_norm": "Spearman of frequency and norm",
    "spearman_first_coordinate": "Spearman of frequency and first coordinate",
    "spearman_axis_cosine": "Spearman of frequency and cosine to the axis",
    "pearson_norm": "Pearson of log frequency and norm",
    "tail_average_cosine": "average cosine, rare half",
    "head_average_cosine": "average cosine, frequent fifth",
    "head_tail_average_cosine": "average cosine, frequent fifth with rare half",
    "closest_neighbour_distance": "distance to closest neighbour",
    "closest_neighbour_distance_median": "median distance to closest neighbour",
    "average_cosine_to_others": "average cosine to other buckets",
    "first_direction_share": "share on the first direction",
    "cka": "CKA",
    "cka_uncentered": "CKA, not centred",
    "cka_debiased": "CKA, debiased",
    "procrustes_distance": "Procrustes distance",
    "procrustes_disparity": "Procrustes disparity",
    "procrustes_cosine": "cosine after Procrustes rotation",
    "principal_angle_max": "largest principal angle",
    "neighbour_overlap": "shared neighbours",
    "neighbour_jaccard": "shared neighbours, Jaccard",
}

_ENDINGS: Mapping[str, str] = {
    "_centered": ", minus the mean",
    "_uncentered": ", not centred",
    "_5": ", 5 neighbours",
    "_dot": ", by inner product",
}

_BUCKETS: Mapping[str, str] = {
    "tail": "rare half",
    "mid": "middle",
    "head": "frequent fifth",
    "cold": "unseen items",
    **{str(decile): f"decile {decile}" for decile in range(1, 11)},
}
"""Names of the buckets of `degen.analysis.passes.buckets`, rarest items first."""


def title(name: str) -> str:
    """Return the name of a measure, a profile in a bucket or a comparison in words.

    >>> title("sigma2_ratio"), title("effective_rank_centered"), title("average_cosine@tail")
    ('σ₂/σ₁', 'effective rank, minus the mean', 'average cosine, rare half')
    >>> title("explained_variance_2"), title("HR@10")
    ('explained variance, first 2', 'HR@10')
    """
    stem, at, bucket = name.rpartition("@")
    if at and bucket in _BUCKETS and "@" not in stem and not stem.isupper():
        return f"{title(stem)}, {_BUCKETS[bucket]}"
    if at:
        return name
    if name in _TITLES:
        return _TITLES[name]
    variance = name.removeprefix("explained_variance_")
    if variance != name:
        directions, _, centered = variance.partition("_")
        return f"explained variance, first {directions}" + (_ENDINGS["_centered"] if centered else "")
    for ending, words in _ENDINGS.items():
        if name.endswith(ending):
            return title(name.removesuffix(ending)) + words
    return name.replace("_", " ")
