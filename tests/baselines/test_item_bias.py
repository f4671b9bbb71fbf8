"""Measures of an item bias, against the scores of all users and items."""

from __future__ import annotations

import commands
import numpy as np
import pytest
from baseline_runs import baseline_config
from scipy.stats import spearmanr

from degen.evaluation.evaluate import representations
from degen.evaluation.restore import restore
from degen.studies.item_bias import variance_share
from degen.training.loop import train


def test_the_share_is_that_of_all_scores(rng):
    h, V, b = rng.normal(size=(7, 3)), rng.normal(size=(11, 3)), rng.normal(size=11)
    scores = h @ V.T + b
    assert variance_share(h, V, b) == pytest.approx(np.var(b) / np.var(scores, axis=1).mean(), rel=1e-12)
    assert variance_share(0 * h, V, b) == pytest.approx(1)


def test_analyze_reports_the_bias_of_a_run(log, tmp_path):
    run = train(baseline_config(log, "bpr-mf", epochs=2), tmp_path / "bpr-mf-s0")
    b = np.load(run.path / "item_bias.npy")
    values = commands.result_of("analyze", run.path, "--with-model")
    expected = spearmanr(b, run.item_frequency).statistic
    assert values["bias_frequency_spearman"] == pytest.approx(expected, abs=1e-9)
    restored = restore(run, "cpu")
    h = representations(restored.encoder, restored.samples("test")).numpy().astype(np.float64)
    scores = h @ run.item_embeddings.T.astype(np.float64) + b
    assert values["bias_variance_share"] == pytest.approx(np.var(b) / np.var(scores, axis=1).mean(), rel=1e-6)


def test_a_run_without_a_bias_has_no_measures_of_one(log, tmp_path):
    run = train(baseline_config(log, "gru4rec", epochs=1), tmp_path / "gru4rec-s0")
    assert "bias_frequency_spearman" not in str(commands.result_of("analyze", run.path))
