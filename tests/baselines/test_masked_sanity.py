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
    ("bert4rec", "fixed"): {"epochs": 40, "patience": 40},
    ("bert4rec", "recbole"): {"epochs": 12},  # of eight times as many steps
    ("s3rec-mip", "fixed"): {"pretrain_epochs": 3, "epochs": 6},
    ("s3rec-mip", "recbole"): {"pretrain_epochs": 3, "epochs": 6},
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "recipe"), LENGTHS, ids=["-".join(pair) for pair in LENGTHS])
def test_a_trained_baseline_beats_popularity(name, recipe, tmp_path):
    settings = {"variant": name, "recipe": recipe, **SETTINGS, **LENGTHS[name, recipe]}
    config = settle(options=by_group(settings))
    popularity, _ = popularity_and_chain(load_data(config.data).sequences)
    run = train(config, tmp_path / "run")
    assert run.test["NDCG@10"] > 1.3 * popularity
