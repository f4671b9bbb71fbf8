"""PCA beside a hand computation, and t-SNE that is the same when run twice."""

from __future__ import annotations

import numpy as np
import pytest

from degen.analysis.measures.spectrum import project
from degen.analysis.passes.rows import Rows
from degen.analysis.projections import pca_projection, tsne_projection
from degen.errors import UserError


def test_principal_components_of_a_cross_are_its_arms():
    # Minus the mean (5, 5): arms of length 2 along (1, 1)/√2 and of length 1 along (1, -1)/√2.
    arms = np.array([[2, 2], [-2, -2], [1, -1], [-1, 1]]) / np.sqrt(2)
    found = pca_projection(arms + 5)
    assert np.abs(found.coordinates) == pytest.approx(np.array([[2, 0], [2, 0], [0, 1], [0, 1]]), abs=1e-12)
    assert found.singular_values == pytest.approx([np.sqrt(8), np.sqrt(2)])
    assert found.variance_share == pytest.approx([0.8, 0.2])


def test_principal_components_are_the_svd_minus_the_mean(rng):
    V = rng.normal(size=(40, 6)) * np.arange(1, 7) + 3
    U, s, Wt = np.linalg.svd(V - V.mean(axis=0), full_matrices=False)
    found = pca_projection(V)
    assert np.abs(found.coordinates) == pytest.approx(np.abs(U[:, :2] * s[:2]))
    assert found.singular_values == pytest.approx(s)
    assert found.variance_share == pytest.approx(s**2 / (s**2).sum())
    largest = np.abs(Wt[:2]).argmax(axis=1)
    signs = np.sign(Wt[[0, 1], largest])
    assert found.coordinates == pytest.approx(U[:, :2] * s[:2] * signs)


def test_equal_rows_have_no_components():
    found = pca_projection(np.ones((5, 3)))
    assert not found.coordinates.any()
    assert not found.variance_share.any()
    assert not found.normalized_singular_values.any()


def test_tsne_places_the_same_items_alike_and_keeps_near_ones_near(rng):
    V = np.concatenate([rng.normal(size=(30, 4)), rng.normal(size=(30, 4)) + 40])
    found, shown = tsne_projection(V, seed=1)
    again, _ = tsne_projection(V, seed=1)
    assert found.coordinates.shape == (60, 2)
    assert found.coordinates.tobytes() == again.coordinates.tobytes()
    assert shown.tolist() == list(range(60))
    distances = np.linalg.norm(found.coordinates[:, None] - found.coordinates[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert ((distances.argmin(axis=1) < 30) == (np.arange(60) < 30)).all()
    assert found.singular_values == pytest.approx(project(V).singular_values)


def test_tsne_of_many_items_places_a_sample_of_rare_and_frequent_ones(rng):
    frequency = np.repeat([1, 2, 50], 20)
    found, shown = tsne_projection(Rows(rng.normal(size=(60, 4)), frequency), most=15)
    assert found.coordinates.shape == (15, 2)
    assert np.unique(frequency[shown], return_counts=True)[1].tolist() == [5, 5, 5]
    assert (np.diff(shown) > 0).all()


def test_tsne_needs_four_rows():
    with pytest.raises(UserError, match="has 3 rows; t-SNE needs at least four"):
        tsne_projection(np.eye(3))
