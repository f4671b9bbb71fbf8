"""`--trace-gradients`: what it measures, and that training does not notice it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import tiny_runs
import torch

from degen.analysis.mechanism.updates import CONTRAST, INPUT, PULL, PUSH, REGULARIZER
from degen.data.sequences import item_frequency
from degen.errors import UserError
from degen.model.losses.mitigations import cosine_regularization
from degen.model.losses.objective import objective
from degen.runs.directory import RunDirectory
from degen.training import checkpoint
from degen.training.distributed import World
from degen.training.loop import train
from degen.training.plan import train_many
from degen.training.recording.trace import BATCHES, Tracer
from degen.training.run import Interrupted, Progress
from degen.training.trainer import Trainer

CPU = torch.device("cpu")
SIX = ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec")


@pytest.fixture
def tracer(log, dataset):
    def make(variant: str = "duorec", **settings: object) -> Tracer:
        config = tiny_runs.tiny_config(log, variant=variant, initializer_range=0.3, **settings)
        trainer = Trainer(config, dataset, CPU)
        trainer.encoder.double()
        made = Tracer(trainer, item_frequency(dataset.sequences))
        made.begin([])
        return made

    return make


class CtrlC(Progress):
    """Interrupts in the second epoch."""

    def step(self, epoch, step, losses):
        if epoch == 2:
            raise Interrupted(None, 1)


def without_times(rows):
    return [{key: value for key, value in row.items() if not key.endswith("seconds")} for row in rows]


# What it measures


@pytest.mark.parametrize("variant", SIX)
@pytest.mark.parametrize("settings", [{}, {"recipe": "official"}, {"batch_by": "users"}], ids=str)
def test_the_parts_add_up_to_the_gradient_of_the_objective(tracer, variant, settings):
    made = tracer(variant, lam=0.7, **settings)
    epoch, rows, batch = next(made._batches(1))
    parts = made._parts(epoch, rows, batch)
    # The same draws once more, for the loss as training has it.
    epoch, rows, batch = next(made._batches(1))
    made.trainer.encoder.zero_grad()
    objective(*epoch.losses_of(rows, batch), 0.7).backward()
    gradient = made.trainer.encoder.item_embeddings.grad[1 : tiny_runs.ITEMS + 1]
    torch.testing.assert_close(sum(parts.values()), -gradient, rtol=0, atol=1e-14)
    assert set(parts) == {PUSH, PULL, INPUT} | ({CONTRAST} if made.trainer.variant.pairs else set())


def test_a_cures_loss_of_items_is_a_force_of_its_own(tracer):
    made, plain = (tracer(variant, dropout=0.0) for variant in ("cosreg", "sasrec"))
    forces = [one._parts(*next(one._batches(1))) for one in (made, plain)]
    V = made.trainer.encoder.real_item_embeddings()
    (gradient,) = torch.autograd.grad(cosine_regularization(V), V)
    torch.testing.assert_close(forces[0].pop(REGULARIZER), -gradient, rtol=0, atol=1e-14)
    torch.testing.assert_close(forces[0], forces[1], rtol=0, atol=1e-14)


def test_push_and_pull_are_equation_4_and_the_rest_comes_from_histories(tracer):
    made = tracer("sasrec", batch_size=6, dropout=0.3)
    epoch, rows, batch = next(made._batches(1))
    parts = made._parts(epoch, rows, batch)
    V, h = made.trainer.encoder.real_item_embeddings().detach(), batch.h.detach()
    p = torch.softmax(h @ V.T, dim=1)
    targets = [int(target) - 1 for target in batch.targets]
    for item in range(tiny_runs.ITEMS):
        push = sum(p[b, item] * h[b] for b in range(6) if targets[b] != item) / 6
        torch.testing.assert_close(parts[PUSH][item], -push, rtol=0, atol=1e-15)
        pull = sum(((1 - p[b, item]) * h[b] for b in range(6) if targets[b] == item), torch.zeros(8)) / 6
        torch.testing.assert_close(parts[PULL][item], pull.double(), rtol=0, atol=1e-15)
    seen = set(made.trainer.source.samples.histories(rows)[0] - 1)
    assert seen < set(range(tiny_runs.ITEMS))
    for item in range(tiny_runs.ITEMS):
        assert (parts[INPUT][item].norm() > 1e-8) == (item in seen)


def test_vectors_and_lengths_of_the_batches_are_added_up(tracer):
    made = tracer("duorec", batch_size=16)
    contexts, forces = made._forces(3)
    lengths, vectors = {}, {}
    for epoch, rows, batch in made._batches(3):
        for name, part in made._parts(epoch, rows, batch).items():
            lengths[name] = lengths.get(name, 0) + part.norm(dim=1).numpy()
            vectors[name] = vectors.get(name, 0) + part.numpy()
    assert set(forces) == {PUSH, PULL, INPUT, CONTRAST}
    for name, force in forces.items():
        np.testing.assert_allclose(force.lengths, lengths[name], rtol=1e-12)
        np.testing.assert_allclose(force.vectors, vectors[name], rtol=0, atol=1e-15)
    n_samples = len(made.trainer.source.samples)
    assert len(contexts) == min(n_samples, BATCHES * 16)


def test_no_more_than_30_batches_are_drawn_and_each_epoch_has_its_own(tracer):
    made = tracer("sasrec", batch_size=2)
    first, second = ([rows for _, rows, _ in made._batches(number)] for number in (1, 2))
    assert len(first) == len(second) == BATCHES
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))


def test_batches_are_the_same_for_every_method_and_seed(tracer):
    drawn = [
        [rows.tolist() for _, rows, _ in tracer(variant, seed=seed)._batches(1)]
        for variant, seed in (("sasrec", 0), ("duorec", 0), ("duorec", 5))
    ]
    assert drawn[0] == drawn[1] == drawn[2]


def test_steps_are_those_of_an_epoch(tracer):
    made = tracer("sasrec")
    before = made.trainer.encoder.real_item_embeddings().detach().numpy().copy()
    epoch = made.trainer.epoch(1)
    for _ in range(made.trainer.steps_per_epoch):
        epoch.step()
    after = made.trainer.encoder.real_item_embeddings().detach().numpy().copy()
    made.measure(1)
    (row,) = made.rows
    moved = np.linalg.norm(after - before, axis=1)
    items = np.array([bucket["items"] for bucket in row["buckets"]])
    lengths = np.array([bucket["step_length"] for bucket in row["buckets"]])
    assert items.sum() == tiny_runs.ITEMS
    assert (items * lengths).sum() == pytest.approx(moved.sum(), rel=1e-12)
    made.measure(2)  # nothing was trained in between
    assert [bucket["step_length"] for bucket in made.rows[1]["buckets"]] == [0] * len(items)
    assert made.rows[1]["step_energy"] is None


# What training notices of it


@pytest.mark.parametrize("variant", ["sasrec", "duorec", "cl4srec"])
@pytest.mark.parametrize("settings", [{}, {"rec_loss": "sampled", "item_updates": "lazy"}], ids=str)
def test_training_is_the_same_to_the_bit(log, tmp_path, variant, settings):
    runs = [
        train(
            tiny_runs.tiny_config(log, variant=variant, trace_gradients=traced, **settings),
            tmp_path / str(traced),
        )
        for traced in (False, True)
    ]
    plain, traced = runs
    assert not (plain.path / "trace.jsonl").exists()
    assert len(traced.trace) == len(traced.metrics) == 3
    assert traced.item_embeddings.tobytes() == plain.item_embeddings.tobytes()
    for name in ("samples_per_second", "train_seconds", "eval_seconds"):
        for row in (*plain.metrics, *traced.metrics):
            row.pop(name)
    from safetensors.numpy import load_file

    found, expected = (load_file(run.path / "last.safetensors") for run in (traced, plain))
    assert {name: value.tobytes() for name, value in found.items()} == {
        name: value.tobytes() for name, value in expected.items()
    }
    assert traced.test == plain.test


def test_the_lines_of_a_run(log, tmp_path):
    run = train(tiny_runs.tiny_config(log, variant="duorec", trace_gradients=True), tmp_path / "run")
    assert [row["epoch"] for row in run.trace] == [1, 2, 3]
    for row in run.trace:
        assert 0 < row["context_concentration"] < 1
        assert 0 < row["step_energy"] < 1
        assert 1 <= row["step_effective_rank"] <= 8
        buckets = row["buckets"]
        assert sum(bucket["items"] for bucket in buckets) == tiny_runs.ITEMS
        edges = [edge for bucket in buckets for edge in (bucket["low"], bucket["high"])]
        assert edges == sorted(edges)
        for bucket in buckets:
            for kind in ("", "net_"):
                shares = [bucket[f"{kind}{name}_share"] for name in (PUSH, PULL, INPUT, CONTRAST)]
                assert sum(shares) == pytest.approx(1, abs=1e-6)
    values = [value for bucket in run.trace[0]["buckets"] for value in bucket.values()]
    assert not any(isinstance(value, float) and math.isnan(value) for value in values)


@pytest.mark.parametrize(
    ("variant", "settings"),
    [("sasrec", {"rec_loss": "bce"}), ("gating", {}), ("directau", {}), ("normalized", {})],
)
def test_other_losses_have_steps_and_no_forces(log, tmp_path, variant, settings):
    config = tiny_runs.tiny_config(log, variant=variant, trace_gradients=True, epochs=1, **settings)
    (row,) = train(config, tmp_path / "run").trace
    assert all("push_share" not in bucket and bucket["step_length"] > 0 for bucket in row["buckets"])


def test_a_stopped_run_goes_on_to_the_same_trace(log, tmp_path):
    config = tiny_runs.tiny_config(log, variant="scl", trace_gradients=True)
    whole = train(config, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(config, tmp_path / "stopped", progress=CtrlC())
    stopped = RunDirectory(tmp_path / "stopped")
    assert len(stopped.trace) == 1
    # A run of an earlier version has no manifest, which would call the line below damage.
    (stopped.path / "manifest.json").unlink()
    line = json.dumps({"epoch": 2, "of": "an epoch that a kill kept from counting"})
    with (stopped.path / "trace.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    again = train(config, tmp_path / "stopped", resume=True)
    assert without_times(again.trace) == without_times(whole.trace)


def test_an_untraced_run_cannot_go_on_traced(log, tmp_path):
    with pytest.raises(Interrupted):
        train(tiny_runs.tiny_config(log), tmp_path / "run", progress=CtrlC())
    with pytest.raises(UserError, match=r"training\.trace_gradients = False, not True"):
        train(tiny_runs.tiny_config(log, trace_gradients=True), tmp_path / "run", resume=True)


def test_a_run_that_is_trained_again_loses_its_trace(log, tmp_path):
    train(tiny_runs.tiny_config(log, trace_gradients=True), tmp_path / "run")
    train(tiny_runs.tiny_config(log), tmp_path / "run", overwrite=True)
    assert not (tmp_path / "run" / "trace.jsonl").exists()


def test_runs_of_a_stack_are_traced_as_they_are_alone(log, tmp_path):
    configs = [
        tiny_runs.tiny_config(log, variant="duorec", trace_gradients=True, seed=seed) for seed in (0, 1)
    ]
    stacked = train_many(configs, [tmp_path / "s0", tmp_path / "s1"], stack=True)
    for config, run in zip(configs, stacked, strict=True):
        assert len(run.trace) == 3
        assert RunDirectory(run.path).seed == config.training.seed
        for row in run.trace:
            assert all(bucket["push_share"] > 0 and bucket["step_length"] > 0 for bucket in row["buckets"])
    first = [run.trace[0]["buckets"][0]["push_share"] for run in stacked]
    assert first[0] != first[1]


def test_blocks_of_items_and_torchrun_are_refused_before_anything_is_written(log, dataset, tmp_path):
    config = tiny_runs.tiny_config(log, trace_gradients=True)
    with pytest.raises(UserError, match="`trace_gradients=True` is for one process"):
        Trainer(config, dataset, CPU, World(0, 2))
    with pytest.raises(UserError, match=r"`trace_gradients=True` needs .*training\.item_block=0"):
        train(tiny_runs.tiny_config(log, trace_gradients=True, item_block=5), tmp_path / "run")
    assert not any((tmp_path / "run").glob("*.toml"))


def test_a_kill_between_the_trace_and_the_epochs_last_file_loses_nothing(log, tmp_path, monkeypatch):
    config = tiny_runs.tiny_config(log, variant="sasrec", trace_gradients=True)
    whole = train(config, tmp_path / "whole")

    def killed(*_):
        raise Interrupted(None, 0)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_last", killed)
        with pytest.raises(Interrupted):
            train(config, tmp_path / "killed")
    assert len(RunDirectory(tmp_path / "killed").trace) == 1  # written before the epoch counts
    again = train(config, tmp_path / "killed", resume=True)
    assert without_times(again.trace) == without_times(whole.trace)
