"""Baselines trained on the embedded dataset rank better than popularity; GRU4Rec better than the rest."""

from __future__ import annotations

import pytest
from simple_rankers import popularity_and_chain

from degen.build import load_data
from degen.config.settle import by_group, settle
from degen.training.loop import train

pytestmark = pytest.mark.slow

LOG = {"dataset": "synthetic", "users": 800, "items": 300}
SETTINGS = {
    "bpr-mf": {"epochs": 6, "learning_rate": 0.01},
    "gru4rec": {"epochs": 6, "learning_rate": 0.005},
    "caser": {"epochs": 7, "learning_rate": 0.005},
}


def test_each_beats_popularity_and_an_order_beats_none(tmp_path):
    found = {}
    for name, settings in SETTINGS.items():
        config = settle(options=by_group({"variant": name, **LOG, **settings, "threads": 1, "device": "cpu"}))
        dataset = load_data(config.data)
        found[name] = train(config, tmp_path / name, dataset=dataset).test["NDCG@10"]
    popularity, chain = popularity_and_chain(dataset.sequences)
    assert all(ndcg > 1.2 * popularity for ndcg in found.values()), found
    assert found["gru4rec"] > max(found["bpr-mf"], found["caser"], 0.9 * chain)
