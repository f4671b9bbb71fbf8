"""A stack of runs against the same runs trained alone: losses, gradients, Adam, whole steps."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import tiny_runs
import torch

from degen.errors import UserError
from degen.model.encoders.dropout import FedDropout, RandomDropout
from degen.training.padded import stack
from degen.training.padded.batches import CHUNK, DeviceLog, batches
from degen.training.padded.stack import Stack
from degen.training.rules import check_agreement, why_alone
from degen.training.trainer import Trainer

CPU = torch.device("cpu")
SIX = ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec")
T = tiny_runs.SETTINGS["max_length"]
EACH = [
    {"seed": 0, "lambda": 0.1, "temperature": 1.0, "learning_rate": 0.01, "dropout": 0.2},
    {"seed": 3, "lambda": 0.5, "temperature": 0.4, "learning_rate": 0.003, "dropout": 0.5},
    {"seed": 5, "lambda": 0.0, "temperature": 2.0, "learning_rate": 0.02, "attention_dropout": 0.0},
]
"""What differs between the runs of a stack."""


@pytest.fixture
def trainers(log, dataset):
    """Trainers of three runs that differ in all they may; in float64 if asked for."""

    def make(runs=EACH, double=True, **settings) -> list[Trainer]:
        made = []
        for own in runs:
            config = tiny_runs.tiny_config(log, initializer_range=0.2, **(settings | own))
            made.append(Trainer(config, dataset, CPU))
            if double:
                made[-1].encoder.double()
        return made

    return make


class Fed(FedDropout):
    """Keep masks for every site, stated in padded layout for n histories."""

    def __init__(self, seed: int, n: int):
        def keep(site: str) -> torch.Tensor:
            shape = (n, 2, T, T) if site.endswith("attention") else (n, T, 8)
            generator = np.random.default_rng([seed, n, sum(map(ord, site))])
            return torch.from_numpy(generator.random(shape) >= 0.3)

        super().__init__(keep)


def views(trainer: Trainer) -> int:
    return 1 + len(trainer.variant.view_names)


@pytest.mark.parametrize("variant", SIX)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"recipe": "official"},
        {"rec_loss": "bce", "negatives": 3},
        {"rec_loss": "gbce", "negatives": 3},
        {"rec_loss": "bpr", "similarity": "cosine"},
    ],
)
def test_losses_and_gradients_of_a_stack_are_each_runs_alone(trainers, variant, settings):
    alone, together = (trainers(variant=variant, batch_size=20, **settings) for _ in range(2))
    stack = Stack(together)
    epoch = stack.epoch(1, 2)
    for own in epoch.epochs:
        own.dropout = Fed(own.trainer.config.training.seed, 20 * views(own.trainer))
    batch = next(epoch._batches)
    losses = stack.losses(batch, stack.masks(epoch.epochs, batch["lengths"]))
    total = losses[:, 0] + stack.lam * losses[:, 1]
    (gradient,) = torch.autograd.grad(total.sum(), stack.weights)
    for run, trainer in enumerate(alone):
        own = trainer.epoch(1)
        own.dropout = Fed(trainer.config.training.seed, 20 * views(trainer))
        recommendation, contrastive = own.losses(next(own.batches))
        assert losses[run].tolist() == pytest.approx([recommendation.item(), contrastive.item()], abs=1e-10)
        (recommendation + trainer.config.objective.lam * contrastive).backward()
        for name, slope in stack._named(gradient[run]).items():
            expected = trainer.encoder.get_parameter(name).grad
            error = (slope - expected).abs().max()
            assert error <= 1e-10 * max(1.0, float(expected.abs().max())), name


def train(trainers: list[Trainer], number: int, steps: int) -> list[dict[str, float]]:
    """An epoch of each run alone, under its own fed masks."""
    found = []
    for trainer in trainers:
        epoch = trainer.epoch(number)
        for _ in range(steps):
            rows = next(epoch.batches)
            epoch.batches = iter([rows, *epoch.batches])
            epoch.dropout = Fed(number, len(rows) * views(trainer))
            epoch.step()
        found.append(epoch.mean_losses())
    return found


@pytest.mark.parametrize(("double", "tolerance"), [(True, 1e-10), (False, 1e-5)])
@pytest.mark.parametrize("variant", ["sasrec", "cl4srec", "duorec"])
def test_whole_epochs_of_a_stack_move_each_run_as_alone(trainers, variant, double, tolerance):
    # Of the key's bias the gradient is nothing but rounding, which an epsilon far above it keeps small.
    settings = {"variant": variant, "adam_eps": 1e-3, "weight_decay": 0.01, "batch_size": 32}
    alone, together = (trainers(double=double, **settings) for _ in range(2))
    steps = alone[0].steps_per_epoch
    assert len(alone[0].source.samples) % 32 > 0  # the last batch is uneven
    stack = Stack(together)
    for number in (1, 2):
        expected = train(alone, number, steps)
        epoch = stack.epoch(number, steps)
        for _ in range(steps):
            batch = next(epoch._batches)
            n = batch["lengths"].shape[1]
            epoch._batches = prepend(batch, epoch._batches)
            for own in epoch.epochs:
                own.dropout = Fed(number, n)
            epoch.step()
        for own, losses in zip(epoch.epochs, expected, strict=True):
            assert own.mean_losses() == pytest.approx(losses, rel=tolerance)
            assert own.samples == len(own.trainer.source.samples)
    for mine, theirs in zip(together, alone, strict=True):
        for name, weights in theirs.encoder.named_parameters():
            moved = mine.encoder.get_parameter(name)
            np.testing.assert_allclose(moved.detach(), weights.detach(), rtol=0, atol=10 * tolerance)
            own, other = mine.optimizer.state[moved], theirs.optimizer.state[weights]
            assert own["step"] == other["step"] == 2 * steps
            for moment in ("exp_avg", "exp_avg_sq"):
                np.testing.assert_allclose(own[moment], other[moment], rtol=0, atol=10 * tolerance)


def prepend(batch, rest):
    yield batch
    yield from rest


def test_a_stack_of_one_is_the_run(trainers):
    (alone,), (together,) = (trainers(EACH[:1], dropout=0.0, adam_eps=1e-3) for _ in range(2))
    epoch, stack_epoch = alone.epoch(1), Stack([together]).epoch(1, 5)
    for _ in range(5):
        epoch.dropout, stack_epoch.epochs[0].dropout = (Fed(1, 96) for _ in range(2))
        epoch.step()
        stack_epoch.step()
    assert stack_epoch.epochs[0].mean_losses() == pytest.approx(epoch.mean_losses(), rel=1e-10)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam_of_a_stack_is_pytorchs_with_each_runs_learning_rate(trainers, decay):
    alone, together = (trainers(weight_decay=decay, adam_beta1=0.8, adam_beta2=0.9) for _ in range(2))
    stack, generator = Stack(together), torch.Generator().manual_seed(0)
    for _ in range(4):
        gradient = torch.randn(stack.weights.shape, generator=generator, dtype=torch.float64)
        stack._adam(gradient)
        for run, trainer in enumerate(alone):
            for name, slope in stack._named(gradient[run]).items():
                trainer.encoder.get_parameter(name).grad = slope
            trainer.optimizer.step()
    for mine, theirs in zip(together, alone, strict=True):
        for name, weights in theirs.encoder.named_parameters():
            np.testing.assert_allclose(
                mine.encoder.get_parameter(name).detach(), weights.detach(), rtol=0, atol=1e-13
            )


def test_a_run_that_is_left_out_keeps_its_state_and_the_others_go_on(trainers):
    made = trainers(dropout=0.0)
    Stack(made).epoch(1, 2).step()
    before = made[1].encoder.item_embeddings.detach().clone()
    moment = made[1].optimizer.state[made[1].encoder.item_embeddings]["exp_avg"].clone()
    others = [
        made[0].encoder.item_embeddings.detach().clone(),
        made[2].encoder.item_embeddings.detach().clone(),
    ]
    Stack([made[0], made[2]]).epoch(2, 2).step()
    assert torch.equal(made[1].encoder.item_embeddings, before)
    assert torch.equal(made[1].optimizer.state[made[1].encoder.item_embeddings]["exp_avg"], moment)
    for trainer, was in zip((made[0], made[2]), others, strict=True):
        assert not torch.equal(trainer.encoder.item_embeddings, was)
        assert trainer.optimizer.state[trainer.encoder.item_embeddings]["step"] == 2


def test_random_masks_do_not_depend_on_the_company(trainers):
    lengths = torch.tensor([[3, 1, 8]] * 3)
    together, alone = trainers(), trainers(EACH[1:2])
    epochs = [trainer.epoch(4) for trainer in together]
    masks = Stack(together).masks(epochs, lengths)
    own = Stack(alone).masks([alone[0].epoch(4)], lengths[:1])
    assert set(own) == set(masks)
    assert all(torch.equal(masks[site][1], own[site][0]) for site in own)
    assert (masks["layer0.attention"][2] == 1).all()  # the third run drops none there
    assert (masks["layer0.attention"][0] == 0).any()


class Replayed:
    """Stands in for a CUDA graph: keeps the tensors that it was recorded on, and computes on these alone."""

    made: ClassVar[list[Replayed]] = []

    def __init__(self, step, example, generators, state):
        self.step, self.batch = step, {name: tensor.clone() for name, tensor in example.items()}
        self.places, self.state, self.calls = [tensor.data_ptr() for tensor in state], state, 0
        self.made.append(self)

    def __call__(self, batch):
        self.calls += 1
        for name, tensor in batch.items():
            self.batch[name].copy_(tensor)
        losses = self.step(self.batch)
        assert [tensor.data_ptr() for tensor in self.state] == self.places
        return losses


def test_recorded_steps_do_what_steps_do_and_the_uneven_batch_is_none_of_them(trainers, monkeypatch):
    monkeypatch.setattr(stack, "RecordedStep", Replayed)
    monkeypatch.setattr(Replayed, "made", [])
    plain, recorded = (Stack(trainers([{"seed": 0}, {"seed": 1}], dropout=0.0)) for _ in range(2))
    recorded.records = True
    steps = plain.trainers[0].steps_per_epoch
    for number in (1, 2):
        epochs = plain.epoch(number, steps), recorded.epoch(number, steps)
        for _ in range(steps):
            for epoch in epochs:
                epoch.step()
        assert torch.equal(epochs[0].sums, epochs[1].sums)
    assert torch.equal(plain.weights, recorded.weights)
    assert [one.calls for one in Replayed.made] == [2 * (steps - 1)]


def test_where_a_step_cannot_be_recorded_that_is_said_and_training_goes_on(trainers, monkeypatch):
    def fail(*_given):
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    monkeypatch.setattr(stack, "RecordedStep", fail)
    plain, failing = Stack(trainers()), Stack(trainers())
    failing.records, renewed = True, []
    monkeypatch.setattr(RandomDropout, "start_anew", lambda self: renewed.append(self))
    epoch = failing.epoch(1, 2)
    with pytest.warns(UserWarning, match="CUDA graph, which is slower: operation not permitted$"):
        epoch.step()
    assert renewed == [own.dropout for own in epoch.epochs]
    plain.epoch(1, 2).step()
    assert torch.equal(plain.weights, failing.weights)
    failing.epoch(2, 2).step()  # says nothing more


def test_a_generator_that_a_recording_spoilt_is_replaced_by_its_like():
    dropout = RandomDropout(3)
    dropout.start_anew()
    assert dropout.generator is None  # on the CPU nothing is recorded
    spoilt = dropout.generator = torch.Generator().manual_seed(3)
    first = torch.rand(5, generator=spoilt)
    dropout.start_anew()
    assert dropout.generator is not spoilt
    assert torch.equal(torch.rand(5, generator=dropout.generator), first)


def test_bfloat16_products_change_losses_a_little(trainers):
    exact, rounded = (Stack(trainers(double=False, dropout=0.0, precision=p)) for p in ("fp32", "bf16"))
    epochs = [stack.epoch(1, 1) for stack in (exact, rounded)]
    batch = next(epochs[0]._batches)
    losses, other = (stack.losses(batch, {}) for stack in (exact, rounded))
    assert other.dtype == torch.float32
    assert not torch.equal(losses, other)
    torch.testing.assert_close(losses, other, rtol=0.02, atol=0.02)


# The device's log


def test_histories_gathered_from_the_devices_log_are_the_sources(trainers):
    (trainer,) = trainers(EACH[:1])
    samples = trainer.source.samples
    rows = np.random.default_rng(0).permutation(len(samples))
    items, lengths = DeviceLog.of(samples, CPU).histories(torch.from_numpy(rows), T)
    own = trainer.source.history(rows)
    pieces = np.split(own.items, np.cumsum(own.length)[:-1])
    assert lengths.tolist() == own.length.tolist()
    assert items.tolist() == [[*piece.tolist(), *[0] * (T - len(piece))] for piece in pieces]


@pytest.mark.parametrize("variant", ["cl4srec", "ucl+scl"])
def test_batches_are_those_that_the_trainer_draws(trainers, monkeypatch, variant):
    batch_size = 4  # more steps than a chunk has
    made = trainers(EACH[:2], variant=variant, batch_size=batch_size, rec_loss="bpr", negatives=2)
    steps = made[0].steps_per_epoch
    assert steps > CHUNK
    log = DeviceLog.of(made[0].source.samples, CPU)
    found = list(batches([trainer.epoch(2) for trainer in made], log, steps))
    assert len(found) == steps
    for run, trainer in enumerate(made):
        epoch = trainer.epoch(2)
        for batch, rows in zip(found, epoch.batches, strict=True):
            drawn = trainer.variant.draw(trainer.source, rows, epoch.rng)
            lengths = np.concatenate([view.length for view in drawn.values()])
            items = batch["items"][run]
            assert batch["lengths"][run].tolist() == lengths.tolist()
            real = torch.arange(T) < torch.from_numpy(lengths)[:, None]
            assert items[real].tolist() == np.concatenate([view.items for view in drawn.values()]).tolist()
            assert (items[~real] == 0).all()
            targets = trainer.source.samples.targets[rows]
            assert batch["targets"][run].tolist() == targets.tolist()
            negatives = epoch.draw_negatives(rows)
            assert batch["negatives"][run].tolist() == negatives.items.tolist()


# What is refused


def test_runs_of_other_shapes_are_refused(log):
    first, other = tiny_runs.tiny_config(log), tiny_runs.tiny_config(log, dim=4)
    with pytest.raises(UserError, match=r"model\.dim \(8 and 4\).*`stack=False`"):
        check_agreement([first, other])
    check_agreement([tiny_runs.tiny_config(log, **own) for own in EACH])


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"batch_by": "users"}, "`batch_by='users'`"),
        ({"rec_loss": "sampled"}, "`rec_loss='sampled'`"),
        ({"item_block": 5}, "by blocks"),
        ({"rec_loss": "bce", "item_updates": "lazy"}, "lazily"),
        ({"engine": "plain"}, "`engine='plain'`"),
        ({"item_optimizer": "sgd"}, "`item_optimizer='sgd'`"),
        ({"item_optimizer": "coupled-adam"}, "`item_optimizer='coupled-adam'`"),
    ],
)
def test_what_trains_alone(log, settings, word):
    config = tiny_runs.tiny_config(log, **settings)
    assert word in (why_alone(config, tiny_runs.ITEMS, torch.device("cpu")) or "")
