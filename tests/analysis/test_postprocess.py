from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from degen.analysis import average_cosine
from degen.analysis.postprocess import AllButTheTop, Whitening, all_but_the_top, post_process, whiten
from degen.errors import UserError

GOLDEN = Path(__file__).parents[1] / "golden"

with (GOLDEN / "cures.csv").open(newline="") as file:
    ROWS = [
        (row["input"], row["measure"], row["options"], float(row["value"]))
        for row in csv.DictReader(file)
        if row["measure"] != "cosine_regularization"
    ]


def load(name: str) -> np.ndarray:
    return np.load(GOLDEN / f"{name}.npy").astype(np.float64)


def computed(V, measure: str, options: dict[str, str]) -> float:
    if measure.startswith("whitened"):
        white = whiten(V, method=options.get("method", "pca"))
        if measure == "whitened_entry":
            return float(white[int(options["row"]), int(options["column"])])
        return average_cosine(white)
    project = options["project"].removesuffix(" rows")
    rest = all_but_the_top(V, int(options["D"]), project=project)
    return float(np.linalg.norm(rest)) if measure.endswith("frobenius") else average_cosine(rest)


@pytest.mark.parametrize(("name", "measure", "options", "value"), ROWS, ids=[" ".join(r[:3]) for r in ROWS])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_golden_values(name, measure, options, value, kind):
    parsed = dict(part.split("=") for part in options.split(";"))
    assert computed(kind(load(name)), measure, parsed) == pytest.approx(value, rel=1e-9, abs=1e-11)


def test_the_golden_values_are_all_here():
    assert len(ROWS) == 24


# All but the top


@given(st.integers(0, 5), st.integers(0, 3))
def test_what_is_left_is_centred_and_has_nothing_along_the_top(components, seed):
    V = np.random.default_rng(seed).normal(size=(40, 5)) * [5, 4, 3, 2, 1] + [7, 0, 0, 0, 1]
    rest = all_but_the_top(V, components)
    centred = V - V.mean(0)
    _, _, directions = np.linalg.svd(centred)
    np.testing.assert_allclose(rest.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(rest @ directions[:components].T, 0, atol=1e-12)
    np.testing.assert_allclose(
        rest @ directions[components:].T, centred @ directions[components:].T, atol=1e-12
    )


@pytest.mark.parametrize(("d", "components"), [(64, 1), (149, 1), (150, 2), (300, 3)])
def test_by_default_a_hundredth_of_the_directions_go(d, components, rng):
    V = rng.normal(size=(2 * d, d))
    np.testing.assert_array_equal(all_but_the_top(V), all_but_the_top(V, components))


@pytest.mark.parametrize("components", [-1, 9])
def test_more_directions_than_there_are_cannot_go(components):
    with pytest.raises(UserError, match=f"0 to 8.*got {components}"):
        all_but_the_top(load("gauss_200x8"), components)


# Whitening


@pytest.mark.parametrize("method", ["zca", "pca"])
def test_the_whitened_covariance_is_the_identity(method):
    white = whiten(load("items_500x16"), method=method)
    np.testing.assert_allclose(white.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(np.cov(white.T), np.eye(16), atol=1e-10)


def test_zca_of_white_rows_are_these_rows(rng):
    white = whiten(rng.normal(size=(50, 4)))
    np.testing.assert_allclose(whiten(white), white, atol=1e-10)


def test_directions_that_only_rounding_fills_are_not_blown_up():
    V = load("rank2_200x8")  # exact integers: the other six directions hold nothing
    noisy = (V + 1e-9 * np.random.default_rng(0).normal(size=V.shape)).astype(np.float32)
    variances = np.linalg.eigvalsh(np.cov(whiten(noisy).astype(np.float64).T))
    np.testing.assert_allclose(variances[-2:], 1, atol=1e-4)
    assert (variances[:-2] < 0.01).all()


@pytest.mark.parametrize("V", [np.ones((5, 3)), np.zeros((4, 2)), np.ones((1, 3))])
def test_equal_rows_cannot_be_whitened(V):
    with pytest.raises(UserError, match="rows that differ"):
        whiten(V)


# Kinds of input


@pytest.mark.parametrize("name", ["all-but-the-top", "whitening"])
def test_kind_and_type_are_those_of_the_input_which_stays_as_it_was(name):
    V = load("cone_200x8")
    exact = post_process(V, name)
    for given_, expected, tolerance in (
        (V.astype(np.float32), np.float32, 1e-5),
        (torch.from_numpy(V).float(), torch.float32, 1e-5),
        (torch.from_numpy(V), torch.float64, 1e-12),
    ):
        before = given_.copy() if isinstance(given_, np.ndarray) else given_.clone()
        found = post_process(given_, name)
        assert type(found) is type(given_)
        assert found.dtype == expected
        np.testing.assert_allclose(np.asarray(found), exact, atol=tolerance * np.abs(exact).max())
        np.testing.assert_array_equal(given_, before)
    integers = np.arange(12).reshape(6, 2) ** 2
    assert post_process(integers, name).dtype == np.float64


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("name", ["all-but-the-top", "whitening"])
def test_huge_and_tiny_numbers_lose_nothing(name, scale):
    V = load("cone_200x8")
    expected = post_process(V, name) * (scale if name == "all-but-the-top" else 1)
    np.testing.assert_allclose(
        post_process(V * scale, name) / np.abs(expected).max(), expected / np.abs(expected).max(), atol=1e-10
    )


def test_rows_in_several_blocks_are_all_mapped(rng):
    V = rng.normal(size=(20_000, 3)).astype(np.float32) * [3, 1, 1] + 5
    white = whiten(V)
    np.testing.assert_allclose(np.cov(white.T), np.eye(3), atol=1e-5)


# As transformers of scikit-learn

TRANSFORMERS = [AllButTheTop(), AllButTheTop(0, project="raw"), Whitening(), Whitening(method="pca")]


@parametrize_with_checks(TRANSFORMERS)
def test_scikit_learn_accepts_the_transformers(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("transformer", "function"),
    [
        (AllButTheTop(3), lambda V: all_but_the_top(V, 3)),
        (AllButTheTop(2, project="raw"), lambda V: all_but_the_top(V, 2, project="raw")),
        (Whitening(), whiten),
        (Whitening(method="pca"), lambda V: whiten(V, method="pca")),
    ],
    ids=["mean", "raw", "zca", "pca"],
)
def test_transformer_and_function_are_one(transformer, function):
    V = load("cone_200x8").astype(np.float32)
    found = transformer.fit_transform(V)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, function(V))
    np.testing.assert_array_equal(transformer.transform(V[:5]), found[:5])


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("method", ["zca", "pca"])
def test_whitened_rows_come_back(method, scale):
    V = load("items_500x16") * scale
    whitening = Whitening(method=method).fit(V)
    np.testing.assert_allclose(
        whitening.inverse_transform(whitening.transform(V)) / scale, V / scale, atol=1e-10
    )


@pytest.mark.parametrize("project", ["centred", "raw"])
def test_the_removed_parts_come_back_as_those_of_the_mean(project):
    V = load("cone_200x8")
    transformer = AllButTheTop(2, project=project).fit(V)
    back = transformer.inverse_transform(transformer.transform(V))
    along, rest = transformer.directions_, np.eye(8) - transformer.directions_.T @ transformer.directions_
    np.testing.assert_allclose(back @ rest, V @ rest, atol=1e-10)
    np.testing.assert_allclose(back @ along.T, np.tile(V.mean(axis=0) @ along.T, (200, 1)), atol=1e-10)


def test_a_pipeline_names_its_columns():
    V = load("items_500x16")
    pipeline = make_pipeline(AllButTheTop(1), Whitening(method="pca")).set_output(transform="pandas")
    frame = pipeline.fit_transform(V)
    assert list(frame.columns) == [f"whitening{column}" for column in range(16)]
    assert list(pipeline[0].get_feature_names_out()) == [f"x{column}" for column in range(16)]
    assert Whitening().fit(frame).get_feature_names_out().tolist() == list(frame.columns)
    assert make_pipeline(Whitening(), LinearRegression()).fit(V, V[:, 0]).score(V, V[:, 0]) > 0.999


@pytest.mark.parametrize("transformer", [AllButTheTop(project="row"), Whitening(method="zac")])
def test_a_misspelt_setting_is_said_when_it_is_fitted(transformer):
    with pytest.raises(UserError, match="did you mean"):
        transformer.fit(np.eye(4))


# By name


@pytest.mark.parametrize(
    ("name", "components", "said"),
    [("whitning", None, "did you mean 'whitening'"), ("whitening", 3, "`components` is of all-but-the-top")],
)
def test_wrong_options_are_said(name, components, said):
    with pytest.raises(UserError, match=said):
        post_process(np.eye(3), name, components)
