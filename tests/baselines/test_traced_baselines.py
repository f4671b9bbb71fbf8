"""Traces of baselines: the forces of Eq. 4 where the loss is the full softmax, else the steps alone."""

from __future__ import annotations

import numpy as np
import pytest
from baseline_runs import baseline_config

from degen.training.loop import train


@pytest.mark.parametrize(
    ("name", "settings", "eq_4"),
    [
        ("gru4rec", {}, True),
        ("caser", {}, True),
        ("gru4rec", {"output_bias": True}, False),
        ("gru4rec", {"rec_loss": "bce"}, False),
        ("bpr-mf", {}, False),
        ("bert4rec", {}, False),
    ],
    ids=str,
)
def test_forces_are_traced_where_eq_4_holds(name, settings, eq_4, log, tmp_path):
    config = baseline_config(log, name, epochs=1, trace_gradients=True, **settings)
    [row] = train(config, tmp_path / "run").trace
    bucket = row["buckets"][0]
    assert any("push" in key for key in bucket) == eq_4
    assert bucket["items"] > 0
    assert np.isfinite(row["context_concentration"])


def test_a_trace_changes_nothing(log, tmp_path):
    runs = [
        train(baseline_config(log, "caser", epochs=2, trace_gradients=traced), tmp_path / str(traced))
        for traced in (False, True)
    ]
    assert runs[0].item_embeddings.tobytes() == runs[1].item_embeddings.tobytes()
