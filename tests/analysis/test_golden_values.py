"""Every measure against values that were computed independently of degen (tests/golden/README.md)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from degen import analysis
from degen.analysis import (
    PROFILES,
    Rows,
    normalized_singular_values,
    project,
    sigma2_ratio,
    singular_values,
    summarize,
)
from degen.model.losses.recommendation import recommendation_loss

GOLDEN = Path(__file__).parents[1] / "golden"


def load(name):
    return np.load(GOLDEN / f"{name}.npy")


class Options(dict):
    """The options of a golden value: `center=0;k=2` is {"center": "0", "k": "2"}."""

    @classmethod
    def parse(cls, text):
        return cls(part.partition("=")[::2] for part in text.split(";") if part)

    @property
    def center(self):
        return self.get("center") == "1"

    @property
    def definition(self):
        return "official" if "official" in self.get("definition", "") else "paper"


def decay(V, o):
    first, last = map(int, o["range"].split("-"))
    assert last == V.shape[1]
    return analysis.power_law(V, center=o.center, first=first, weighted=o["weights"] == "1/i").exponent


def angle(V, o):
    return analysis.cone_angle(V, float(o["q"]) if "q" in o else None, axis=o["axis"])


FREQUENCY = load("items_500_frequency")


def buckets(o):
    """The golden values' own cuts: tail<=2;mid=3-9;head>=10."""
    return analysis.Buckets.up_to({"tail": 2, "mid": 9, "head": np.inf}, FREQUENCY)


def of_bucket(name):
    def value(V, o):
        return PROFILES[name](V, buckets(o))[buckets(o).names.index(o["bucket"])]

    return value


def cosine_of_buckets(V, o):
    first, second = map(buckets(o).names.index, o["between"].split(","))
    return analysis.bucket_cosines(V, buckets(o))[first, second]


def of_popularity(names):
    return lambda V, o: getattr(analysis, names[next(iter(o))])(Rows(V, FREQUENCY))


def centered(name):
    return lambda V, o: getattr(analysis, name)(V, center=o.center)


def plain(name):
    return lambda V, o: getattr(analysis, name)(V)


def hubs(name):
    return lambda V, o: getattr(analysis, name)(V, k=int(o["k"]), metric=o["metric"])


def cross_entropy(V, h, targets, o):
    wide = (torch.as_tensor(array).double() for array in (h, V))
    return float(recommendation_loss(*wide, torch.as_tensor(targets)))


def grouped(name):
    return lambda V, groups, o: getattr(analysis, name)(V, groups)


def isoscore_star(V, zeta):
    """IsoScore of rows whose covariance is (1 - ζ) C + ζ I, C the covariance of V with n - 1."""
    V = np.asarray(V, dtype=np.float64)
    n, d = V.shape
    white = np.sqrt(zeta / 2) * np.eye(d)
    return analysis.isoscore(np.vstack([np.sqrt((1 - zeta) / (n - 1)) * (V - V.mean(axis=0)), white, -white]))


MEASURED = {
    "sigma_1": lambda V, o: singular_values(V, center=o.center)[0],
    "normalized_singular_value": lambda V, o: normalized_singular_values(V, center=o.center)[int(o["i"]) - 1],
    "effective_rank": lambda V, o: analysis.effective_rank(V, center=o.center, p=o["p"]),
    "rankme": lambda V, o: analysis.rankme(V, center=o.center, eps=float(o["eps"])),
    "explained_variance": lambda V, o: analysis.explained_variance(V, int(o["k"]), center=o.center),
    "condition_number": lambda V, o: analysis.condition_number(V, center=o.center, over=o.get("over", "all")),
    "decay_alpha": decay,
    "log_isotropy": lambda V, o: analysis.log_isotropy(V, rows=o["rows"], sign=o["sign"]),
    "isotropy": lambda V, o: analysis.isotropy(V, rows=o["rows"], sign=o["sign"]),
    "isoscore_star": lambda V, o: isoscore_star(V, float(o["zeta"])),
    "vmf_kappa": lambda V, o: analysis.vmf_kappa(V, method=o["method"]),
    "cone_angle_mean_deg": angle,
    "cone_angle_quantile_deg": angle,
    "cross_entropy": cross_entropy,
    "alignment": lambda x, y, o: analysis.alignment(x, y, definition=o.definition),
    "uniformity": lambda V, o: analysis.uniformity(V, definition=o.definition),
    "low_norm_rows": lambda V, o: analysis.low_norm_rows(V, float(next(iter(o))[5:].split("*")[0])),
    **{
        name: lambda A, B, o, name=name: getattr(analysis, name)(A, B, int(o["k"]), o["metric"])
        for name in ("neighbour_overlap", "neighbour_jaccard")
    },
    "cka_linear": lambda A, B, o: (
        analysis.debiased_cka(A, B) if "debiased" in o else analysis.linear_cka(A, B, center=o.center)
    ),
    "procrustes_distance_squared": lambda A, B, o: analysis.procrustes_distance(A, B, center=o.center),
    "procrustes_disparity": lambda A, B, o: analysis.procrustes_disparity(A, B, center=o.center),
    "bucket_size": lambda V, o: buckets(o).sizes[buckets(o).names.index(o["bucket"])],
    "bucket_norm_mean": of_bucket("norm_mean"),
    "bucket_cone_angle_mean_deg": of_bucket("cone_angle_mean"),
    "bucket_first_direction_share": of_bucket("first_direction_share"),
    "bucket_mean_resultant_length": of_bucket("mean_resultant_length"),
    "bucket_mean_cosine": cosine_of_buckets,
    "spearman": of_popularity(
        {
            "norm,frequency": "spearman_norm",
            "first coordinate (sum>": "spearman_first_coordinate",
            "cosine to axis,frequency": "spearman_axis_cosine",
        }
    ),
    "pearson": of_popularity({"norm,log1p(frequency)": "pearson_norm"}),
    "popularity_alignment": of_popularity(
        {"cosine of first left singular vector (sum>": "popularity_alignment"}
    ),
    **{
        name: hubs(name)
        for name in ("hubness_skewness", "antihub_fraction", "max_k_occurrence", "robin_hood_index")
    },
    **{
        name: grouped(name)
        for name in ("self_similarity", "self_similarity_adjusted", "self_similarity_baseline")
    },
    **{
        name: centered(name)
        for name in ("numerical_rank", "stable_rank", "information_abundance", "participation_ratio")
    },
    **{
        name: plain(name)
        for name in (
            "average_absolute_cosine",
            "average_cosine",
            "mean_squared_cosine",
            "isotropy_second_order",
            "isoscore",
            "mean_resultant_length",
            "mean_energy_share",
            "mean_direction_energy_share",
            "cos_mean_first_direction",
            "norm_mean",
            "norm_median",
            "norm_cv",
            "zero_rows",
            "duplicate_rows",
        )
    },
}

with (GOLDEN / "metrics.csv").open(newline="") as file:
    ROWS = [(r["input"], r["measure"], r["options"], float(r["value"])) for r in csv.DictReader(file)]


# Not what degen calls by that name: pairs of a row with itself, zero rows with a cosine of 0.
OTHER = {"pairs=all incl. self", "t=2;pairs=all incl. self", "pairs=i<j;zero_rows=cos 0", "alpha=1"}
ELSEWHERE = {
    # Both read cures.csv.
    "analysis/test_postprocess.py": {
        "all_but_the_top_average_cosine",
        "all_but_the_top_frobenius",
        "whitened_average_cosine",
        "whitened_entry",
    },
    "model/test_mitigations.py": {"cosine_regularization"},
    "analysis/test_gradient.py": {
        "gradient",
        "pull_norm_sum",
        "push_norm_sum",
        "push_share",
        "step_cosine_to_mean_context",
        "step_energy_along_mean_context",
        "step_mean_pairwise_cosine",
    },
}
"""Held to their golden values in other files: post-hoc cures, a regularizer, and steps of Eq. 4."""

HERE = [row for row in ROWS if row[1] not in set().union(*ELSEWHERE.values()) and row[2] not in OTHER]


def test_every_golden_value_is_held_here_or_where_it_is_said():
    assert {row[1] for row in HERE} == MEASURED.keys()
    with (GOLDEN / "cures.csv").open(newline="") as file:
        cures = [(r["input"], r["measure"], r["options"], float(r["value"])) for r in csv.DictReader(file)]
    steps = (GOLDEN.parent / "analysis/test_gradient.py").read_text(encoding="utf-8")
    for row in ROWS:
        if row[1] in ELSEWHERE["analysis/test_gradient.py"]:
            assert repr(row[3]) in steps, row
        elif row[1] not in MEASURED:
            assert row in cures


@pytest.mark.parametrize(("inputs", "name", "options", "value"), HERE, ids=str)
def test_measure_has_the_golden_value(inputs, name, options, value):
    arrays = [load(part) for part in inputs.split("+")]
    assert MEASURED[name](*arrays, Options.parse(options)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("inputs", sorted({row[0] for row in HERE}))
def test_float64_copies_and_tensors_have_the_golden_values_too(inputs):
    arrays = [load(part) for part in inputs.split("+")]
    wide = [array.astype(np.float64) if array.dtype == np.float32 else array for array in arrays]
    tensors = [torch.from_numpy(array) for array in arrays]
    for _, name, options, value in (row for row in HERE if row[0] == inputs):
        measured, options = MEASURED[name], Options.parse(options)
        same = pytest.approx(measured(*arrays, options), rel=1e-12, abs=1e-12)
        assert measured(*wide, options) == same, (name, options)
        assert measured(*tensors, options) == pytest.approx(value, rel=1e-9, abs=1e-9), (name, options)


@pytest.mark.parametrize("inputs", ["gauss_200x8", "cone_200x8", "rank2_200x8", "items_500x16"])
def test_summary_and_projection_carry_the_golden_values(inputs):
    golden = {(name, options): value for matrix, name, options, value in ROWS if matrix == inputs}
    second = golden["normalized_singular_value", "center=0;i=2"]
    matrix = load(inputs)
    assert summarize(matrix) == pytest.approx(
        {
            "sigma2_ratio": second,
            "effective_rank": golden["effective_rank", "center=0;p=sigma"],
            "average_cosine": golden["average_cosine", "pairs=i<j"],
        },
        rel=1e-9,
    )
    assert sigma2_ratio(matrix) == pytest.approx(second, rel=1e-9)
    projection = project(matrix)
    assert projection.normalized_singular_values[1] == pytest.approx(second, rel=1e-9)
    assert projection.variance_share[0] == pytest.approx(
        golden["explained_variance", "center=0;k=1"], rel=1e-9
    )
    two = golden["explained_variance", "center=0;k=2"]
    assert projection.variance_share[:2].sum() == pytest.approx(two, rel=1e-9)
