"""What a run recommends, against a slow sort of its scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny_runs
import torch

from degen.evaluation.evaluate import representations
from degen.evaluation.recommended import list_counts, recommend
from degen.evaluation.restore import restore
from degen.model.losses.blocked_softmax import MOST_SCORES
from degen.training.loop import train


@pytest.fixture(scope="module", params=["sasrec", "normalized"])
def restored(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recommended")
    log = tiny_runs.write_log(folder / "toy.txt")
    run = train(tiny_runs.tiny_config(log, variant=request.param, epochs=2), folder / "run")
    return restore(run, "cpu")


def slow_counts(scores, k):
    counts = np.zeros(scores.shape[1], dtype=int)
    for row in scores:
        for item in sorted(range(len(row)), key=lambda i: -row[i])[:k]:
            counts[item] += 1
    return counts


@pytest.mark.parametrize("most_scores", [1, 700, 2**25])
def test_lists_are_the_best_of_a_sort_in_any_blocks(rng, monkeypatch, most_scores):
    monkeypatch.setitem(MOST_SCORES, "cpu", most_scores)
    h, V = torch.from_numpy(rng.normal(size=(300, 6))), torch.from_numpy(rng.normal(size=(40, 6)))
    counts = list_counts(h, V, 7)
    assert counts.tolist() == slow_counts((h @ V.T).numpy(), 7).tolist()
    assert counts.sum() == 300 * 7


def test_lists_by_cosines_are_not_those_by_dot_products(rng):
    h, V = torch.from_numpy(rng.normal(size=(300, 6))), torch.from_numpy(rng.normal(size=(40, 6)))
    V *= torch.arange(1, 41, dtype=V.dtype)[:, None]  # the longest rows would fill most lists
    cosines = (h @ (V / V.norm(dim=1, keepdim=True)).T).numpy()  # the lengths of h order no list
    assert list_counts(h, V, 7, "cosine").tolist() == slow_counts(cosines, 7).tolist()
    assert list_counts(h, V, 7, "dot").tolist() == slow_counts((h @ V.T).numpy(), 7).tolist()
    assert slow_counts(cosines, 7).tolist() != slow_counts((h @ V.T).numpy(), 7).tolist()


def test_a_list_is_no_longer_than_the_catalogue():
    assert list_counts(torch.eye(3), torch.eye(3), 10).tolist() == [3, 3, 3]


def test_a_run_is_described_by_what_it_shows_and_for_whom_it_is_right(restored):
    found = recommend(restored, "test", 5)
    samples = restored.samples("test")
    assert found.ranks.mean.tolist() == restored.ranks("test").mean.tolist()
    assert found.targets.tolist() == (samples.targets - 1).tolist()
    h = representations(restored.encoder, samples)
    V = restored.encoder.real_item_embeddings()
    dots, cosines = ((h @ rows.T).detach().numpy() for rows in (V, V / V.norm(dim=1, keepdim=True)))
    scores, others = (dots, cosines) if restored.scores == "dot" else (cosines, dots)
    assert found.counts.tolist() == slow_counts(scores, 5).tolist() != slow_counts(others, 5).tolist()

    frequency = restored.run.item_frequency
    measures = found.measures(frequency)
    assert measures["catalogue_coverage@5"] == np.mean(slow_counts(scores, 5) > 0)
    assert 0 <= measures["recommendation_gini@5"] < 1
    assert sum(value for key, value in measures.items() if key.startswith("exposure@")) == pytest.approx(1)
    rates = [measures[f"HR@5@{name}"] for name in ("tail", "mid", "head") if f"HR@5@{name}" in measures]
    assert min(rates) <= np.mean(found.ranks.mean <= 5) <= max(rates)
    assert not any(math.isnan(rate) for rate in rates)
