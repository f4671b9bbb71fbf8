"""Whole runs on a pretended GPU: training, evaluation in blocks, the probe, the trace; the CPU's numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pretended_cuda import DEVICE
from torch.utils._pytree import tree_leaves

import degen
from degen.evaluation import evaluate
from degen.evaluation.export import export
from degen.evaluation.recommended import recommend
from degen.evaluation.restore import restore
from degen.model.losses.blocked_softmax import MOST_SCORES
from degen.runs.directory import RunDirectory
from degen.training.plan import train_many


def rows(run: RunDirectory, file: str = "metrics.jsonl") -> list[dict]:
    """The lines of a file, less the times."""
    lines = map(json.loads, (run.path / file).read_text().splitlines())
    return [{key: value for key, value in line.items() if "second" not in key} for line in lines]


def assert_close(found: list[dict], expected: list[dict]) -> None:
    for value, other in zip(tree_leaves(found), tree_leaves(expected), strict=True):
        assert value == (pytest.approx(other, rel=1e-4, abs=1e-6) if isinstance(other, float) else other)


@pytest.fixture
def train(config, tmp_path):
    """Train runs of some seeds on a device, as a stack or one by one."""

    def runs(device: str, stack: bool, seeds: tuple[int, ...] = (0,), **settings) -> list[RunDirectory]:
        configs = [config(seed=seed, device=device, epochs=1, batch_size=128, **settings) for seed in seeds]
        outs = [tmp_path / f"{device[:4]}-s{seed}" for seed in seeds]
        return train_many(configs, outs, stack=stack)

    return runs


def test_a_stack_of_runs_writes_what_it_writes_on_the_cpu(train, cuda):
    settings = {"variant": "duorec", "keep_embeddings": 1, "seeds": (0, 1)}
    runs, on_cpu = (train(device, True, **settings) for device in ("cuda:0", "cpu"))
    for run, expected in zip(runs, on_cpu, strict=True):
        assert rows(run) == rows(expected)
        assert run.test == expected.test
        for file in ("item_embeddings.npy", "embeddings/e001.npy"):
            np.testing.assert_array_equal(np.load(run.path / file), np.load(expected.path / file))


@pytest.mark.parametrize(
    "settings",
    [
        {"variant": "scl", "item_block": 6},
        {"variant": "cl4srec", "batch_by": "users", "trace_gradients": True},
        {"variant": "normalized", "engine": "plain", "trace_gradients": True},
    ],
    ids=str,
)
def test_runs_in_steps_of_varying_shape_write_what_they_write_on_the_cpu(train, cuda, settings):
    [run], [expected] = (train(device, False, **settings) for device in ("cuda:0", "cpu"))
    assert_close(rows(run), rows(expected))
    if "trace_gradients" in settings:
        assert_close(rows(run, "trace.jsonl"), rows(expected, "trace.jsonl"))


def test_a_run_goes_on_where_it_stopped(config, tmp_path, cuda):
    for epochs, resume in ((1, False), (2, True)):
        [run] = train_many(
            [config(device="cuda:0", batch_size=128, epochs=epochs)], [tmp_path / "parts"], resume=resume
        )
    [whole] = train_many([config(device="cuda:0", batch_size=128, epochs=2)], [tmp_path / "whole"])
    assert rows(run) == rows(whole)


@pytest.mark.parametrize("most_scores", [2**27, 100, 10], ids=["all at once", "few users", "blocks of items"])
def test_a_run_is_evaluated_as_on_the_cpu(train, cuda, monkeypatch, tmp_path, most_scores):
    run = train("cpu", False, variant="duorec", dropout=0.3)[0]
    restored = [restore(run, device) for device in ("cpu", "cuda:0")]
    monkeypatch.setitem(MOST_SCORES, "cuda", most_scores)
    monkeypatch.setattr(evaluate, "ITEM_BLOCK", 7)
    V = torch.ones(20, 8)
    assert restored[1].metrics("test") == json.loads((run.path / "test.json").read_text())
    assert restored[1].metrics("valid", V) == restored[0].metrics("valid", V)
    frequency = run.item_frequency
    np.testing.assert_equal(*(recommend(one).measures(frequency) for one in restored))
    files = [
        export(one, "test", tmp_path / name) for one, name in zip(restored, ("cpu", "cuda"), strict=True)
    ]
    for file, other in zip(*files, strict=True):
        assert file.read_bytes() == other.read_bytes()


def test_another_training_loop_is_recorded_from_the_device(cuda, tmp_path):
    V, h = torch.linspace(-1, 2, 60).view(20, 3), torch.linspace(0, 1, 30).view(10, 3).sin()

    def recorded(device: torch.device | str) -> RunDirectory:
        out = tmp_path / torch.device(device).type
        with degen.Monitor(out, np.arange(1, 21)) as monitor:
            items, first, second = (x.clone().to(device).requires_grad_() for x in (V, h, h.cos()))
            monitor.record(1, items, {"HR@10": 0.5}, representations=first, alignment=(first, second))
        return RunDirectory(out)

    run, expected = recorded(DEVICE), recorded("cpu")
    assert rows(run) == rows(expected)
    np.testing.assert_array_equal(np.load(run.path / "item_embeddings.npy"), V.numpy())
