"""Every measure against values that were computed independently of degen (tests/golden/README.md)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from degen.analysis import (
    alignment,
    average_cosine,
    effective_rank,
    explained_variance,
    normalized_singular_values,
    project,
    sigma2_ratio,
    singular_values,
    summarize,
    uniformity,
)

GOLDEN = Path(__file__).parents[1] / "golden"


def load(name):
    return np.load(GOLDEN / f"{name}.npy")


def number(options, name):
    return int(dict(part.split("=") for part in options.split(";"))[name])


def measure(inputs, name, options):
    definition = "official" if "official" in options else "paper"
    arrays = [load(part) for part in inputs.split("+")]
    match name:
        case "sigma_1":
            return singular_values(*arrays)[0]
        case "normalized_singular_value":
            return normalized_singular_values(*arrays)[number(options, "i") - 1]
        case "effective_rank":
            return effective_rank(*arrays)
        case "explained_variance":
            return explained_variance(*arrays, number(options, "k"))
        case "average_cosine":
            return average_cosine(*arrays)
        case "alignment":
            return alignment(*arrays, definition=definition)
        case "uniformity":
            return uniformity(*arrays, definition=definition)
    raise AssertionError(f"no measure for {name}")


with (GOLDEN / "metrics.csv").open(newline="") as file:
    ROWS = [(r["input"], r["measure"], r["options"], float(r["value"])) for r in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("inputs", "name", "options", "value"), ROWS, ids=[" ".join(row[:3]) for row in ROWS]
)
def test_measure_has_the_golden_value(inputs, name, options, value):
    assert measure(inputs, name, options) == pytest.approx(value, rel=1e-9, abs=1e-9)


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
