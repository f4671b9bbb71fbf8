"""BERT4Rec and S3Rec-MIP trained on the embedded dataset rank better than popularity."""

from __future__ import annotations

import pytest
from simple_rankers import popularity_and_chain

from degen.build import load_data
from degen.config.settle import by_group, settle
from degen.training.loop import train

SETTINGS = {
    "dataset": "synthetic",
    "users": 600,
    "items": 400,
    "dim": 32,
    "batch_size": 64,
    "dropout": 0.2,
    "learning_rate": 0.003,
    "device": "cpu",
    "threads": 1,
    "probe_samples": 64,
}
LENGTHS = {
    "bert4rec": {"epochs": 40, "patience": 40},
    "s3rec-mip": {"pretrain_epochs": 3, "epochs": 8},
}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["fixed", "recbole"])
@pytest.mark.parametrize("name", LENGTHS)
def test_a_trained_baseline_beats_popularity(name, recipe, tmp_path):
    config = settle(options=by_group({"variant": name, "recipe": recipe, **SETTINGS, **LENGTHS[name]}))
    popularity, _ = popularity_and_chain(load_data(config.data).sequences)
    run = train(config, tmp_path / "run")
    assert run.test["NDCG@10"] > 1.3 * popularity
