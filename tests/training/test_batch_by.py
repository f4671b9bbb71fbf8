"""Training on rows of users (`--batch-by users`) against loops over prefixes, and against the default."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import reference
import tiny_runs
import torch

from degen.build import load_data
from degen.data.sampling.source import Source
from degen.model.variants import VARIANTS, Variant
from degen.runs.directory import RunDirectory
from degen.training import losses
from degen.training.loop import train
from degen.training.run import Interrupted, Progress
from degen.training.trainer import Trainer

CPU = torch.device("cpu")
SIX = ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec")
MAX_LENGTH = tiny_runs.SETTINGS["max_length"]
EXACT = {"dropout": 0.0, "initializer_range": 0.3}


@pytest.fixture
def trainer(log, dataset):
    def make(variant: str = "sasrec", batch_by: str = "users", **settings: object) -> Trainer:
        config = tiny_runs.tiny_config(log, variant=variant, batch_by=batch_by, **settings)
        made = Trainer(config, dataset, CPU)
        made.encoder.double()
        return made

    return make


def rows_by_hand(dataset) -> list[list[tuple[list[int], int]]]:
    """Each row's histories and targets: a user's prefixes up to the window, then longer ones one by one."""
    rows, offsets = [], dataset.sequences.offsets.tolist()
    for start, end in itertools.pairwise(offsets):
        actions = dataset.sequences.items[start : end - 2].tolist()  # without validation and test
        samples = [(actions[:t], actions[t]) for t in range(1, len(actions))]
        rows.append([sample for sample in samples if len(sample[0]) <= MAX_LENGTH])
        rows += [[(history[-MAX_LENGTH:], target)] for history, target in samples[MAX_LENGTH:]]
    return [row for row in rows if row]


def encode_slowly(encoder, histories):
    weights = {name: value.detach().numpy() for name, value in encoder.named_parameters()}
    return reference.Reference(weights, layers=2, heads=2).encode(histories)


def lists(histories) -> list[list[int]]:
    return [part.tolist() for part in np.split(histories.items, np.cumsum(histories.length)[:-1])]


def one_epoch(made: Trainer, number: int = 1) -> dict[str, float]:
    epoch = made.epoch(number)
    for _ in range(made.steps_per_epoch):
        epoch.step()
    return epoch.mean_losses()


# The losses of a batch


@pytest.mark.parametrize("engine", ["fast", "plain"])
@pytest.mark.parametrize("padding_class", [False, True])
def test_the_recommendation_loss_is_the_mean_over_all_prefixes_of_the_rows(
    trainer, dataset, engine, padding_class
):
    made = trainer(engine=engine, padding_class=padding_class, **EXACT)
    by_hand = rows_by_hand(dataset)
    assert len(made.batching) == len(by_hand) > tiny_runs.USERS  # some users are longer than the window
    batch = np.array([5, 0, len(by_hand) - 1, 17, 8])
    samples = [sample for row in batch for sample in by_hand[row]]
    assert made.batching.n_samples(batch) == len(samples) > len(batch)
    h = encode_slowly(made.encoder, [history for history, _ in samples])
    first = 0 if padding_class else 1
    classes = made.encoder.item_embeddings.detach().numpy()[first : tiny_runs.ITEMS + 1]
    expected = reference.recommendation_loss(h, classes, [target - first for _, target in samples])
    recommendation, contrastive = made.epoch(1).losses(batch)
    assert recommendation.item() == pytest.approx(expected, rel=1e-10)
    assert contrastive.item() == 0


def test_its_gradients_are_those_of_the_prefixes_one_by_one(trainer):
    users, samples = (trainer(batch_by=way, **EXACT) for way in ("users", "samples"))
    batch = np.arange(len(users.batching))
    torch.autograd.backward(users.epoch(1).losses(batch)[0])
    torch.autograd.backward(samples.epoch(1).losses(np.arange(len(samples.batching)))[0])
    for (name, value), (_, other) in zip(
        users.encoder.named_parameters(), samples.encoder.named_parameters(), strict=True
    ):
        error = (value.grad - other.grad).abs().max()
        assert error <= 1e-10 * other.grad.abs().max() + 1e-14, name


@pytest.mark.parametrize("variant", SIX)
def test_the_contrastive_loss_is_of_one_target_a_row(trainer, drawn, variant):
    made = trainer(variant, **EXACT)
    batch = np.arange(len(made.batching))[::-2].copy()
    _, contrastive = made.epoch(1).losses(batch)
    ((rows, views),) = drawn
    for row, sample in zip(batch, rows, strict=True):
        assert sample in made.batching.rows.members(np.array([row]))
    assert lists(views["h"]) == lists(made.source.history(rows))
    targets = made.source.samples.targets[rows].tolist()
    assert len(set(targets)) < len(targets)  # so that same-target negatives matter
    slow = {name: encode_slowly(made.encoder, lists(view)) for name, view in views.items()}
    pairs = VARIANTS[variant].pairs
    expected = sum(reference.contrastive_loss(slow[a], slow[b], targets) for a, b in pairs)
    assert contrastive.item() == pytest.approx(expected, rel=1e-10)


def test_the_h_that_is_contrasted_is_that_of_the_rows_pass(trainer):
    # With dropout, h' is a pass of its own; h of the drawn target is one of those that are scored.
    made = trainer("ucl", dropout=0.5)
    epoch = made.epoch(1)
    encoded = made.batching.encode(made.encoder, np.arange(12), epoch.rng, epoch.dropout, slice(0, 12))
    scored = {tuple(h) for h in encoded.h.tolist()}
    assert len(encoded.views["h"]) == len(encoded.views["h'"]) == 12
    assert all(tuple(h) in scored for h in encoded.views["h"].tolist())
    assert not any(tuple(h) in scored for h in encoded.views["h'"].tolist())


@pytest.fixture
def short_log(tmp_path):
    """Users of 4 actions, of which one is a training target."""
    rng = np.random.default_rng(3)
    lines = [" ".join(f"i{item}" for item in rng.integers(12, size=4)) for _ in range(40)]
    path = tmp_path / "short.txt"
    path.write_text("".join(f"u{user} {line}\n" for user, line in enumerate(lines)), encoding="utf-8")
    return path


@pytest.mark.parametrize("variant", SIX)
def test_rows_of_one_target_are_the_default(short_log, monkeypatch, variant):
    # The views are drawn from a generator of their own, since drawing one target of one may use the epoch's.
    draw = Variant.draw
    monkeypatch.setattr(
        Variant, "draw", lambda self, source, rows, _: draw(self, source, rows, np.random.default_rng(5))
    )
    losses = {}
    for way in ("samples", "users"):
        config = tiny_runs.tiny_config(short_log, variant=variant, batch_by=way, **EXACT)
        made = Trainer(config, load_data(config.data), CPU)
        made.encoder.double()
        assert len(made.batching) == len(made.source.samples) == 40
        losses[way] = [value.item() for value in made.epoch(1).losses(np.array([3, 30, 7, 8, 21]))]
    assert losses["users"] == pytest.approx(losses["samples"], rel=1e-10)


# An epoch


@pytest.fixture
def scored(monkeypatch):
    """The targets of every batch of the recommendation loss."""
    batches = []

    inner = losses.recommendation

    def recommendation(settings, h, table, targets):
        batches.append(targets.tolist())
        assert len(h) == len(targets)
        return inner(settings, h, table, targets)

    monkeypatch.setattr(losses, "recommendation", recommendation)
    return batches


def test_an_epoch_scores_every_sample_once_and_never_padding(trainer, scored):
    made = trainer("duorec", batch_size=7)
    epoch = made.epoch(1)
    assert made.steps_per_epoch == -(-len(made.batching) // 7)
    seen = []
    for _ in range(made.steps_per_epoch):
        epoch.step()
    with pytest.raises(StopIteration):
        epoch.step()
    order = made.epoch(1).batches
    for rows, targets in zip(order, scored, strict=True):
        members = made.batching.rows.members(rows)
        seen += members.tolist()
        assert targets == made.source.samples.targets[members].tolist()
    assert sorted(seen) == list(range(len(made.source.samples)))
    assert min(min(targets) for targets in scored) > 0
    assert epoch.samples == len(made.source.samples)


def test_an_epochs_losses_are_means_over_targets_and_over_rows(trainer, monkeypatch):
    made = trainer("ucl", batch_size=9)
    epoch = made.epoch(1)
    parts, losses = [], epoch.losses

    def remember(rows):
        pair = losses(rows)
        parts.append((made.batching.n_samples(rows), len(rows), *(value.item() for value in pair)))
        return pair

    monkeypatch.setattr(epoch, "losses", remember)
    for _ in range(made.steps_per_epoch):
        epoch.step()
    n_samples, n_rows = (sum(part[i] for part in parts) for i in (0, 1))
    assert (n_samples, n_rows) == (len(made.source.samples), len(made.batching))
    means = epoch.mean_losses()
    assert means["recommendation_loss"] == pytest.approx(sum(n * r for n, _, r, _ in parts) / n_samples)
    assert means["contrastive_loss"] == pytest.approx(sum(n * c for _, n, _, c in parts) / n_rows)


@pytest.mark.parametrize("variant", SIX)
def test_padding_neither_moves_nor_matters(trainer, variant):
    made, other = trainer(variant), trainer(variant)
    with torch.no_grad():
        other.encoder.item_embeddings[0] = 100.0
    assert one_epoch(made) == pytest.approx(one_epoch(other), rel=1e-12)
    assert other.encoder.item_embeddings[0].eq(100).all()


@pytest.mark.parametrize("variant", SIX)
def test_both_engines_train_to_the_same_losses(trainer, variant):
    settings = {"learning_rate": 0.002, **EXACT}
    fast, plain = trainer(variant, **settings), trainer(variant, engine="plain", **settings)
    for number in (1, 2):
        assert one_epoch(fast, number) == pytest.approx(one_epoch(plain, number), rel=1e-6)


@pytest.mark.parametrize("rec_loss", ["ce", "bce", "bpr"])
def test_training_lowers_each_recommendation_loss(trainer, rec_loss):
    made = trainer("sasrec", rec_loss=rec_loss, dropout=0.0, batch_size=8)
    losses = [one_epoch(made, number)["recommendation_loss"] for number in range(1, 13)]
    assert losses[-1] < 0.9 * losses[0]


# Whole runs


class CtrlC(Progress):
    """Interrupts after so many steps of the second epoch."""

    def step(self, epoch, step, losses):
        if (epoch, step) == (2, 1):
            raise Interrupted(None, 1)


@pytest.mark.parametrize("variant", SIX)
def test_a_stopped_run_goes_on_to_the_same_end(log, tmp_path, variant):
    config = tiny_runs.tiny_config(log, variant=variant, batch_by="users", batch_size=8)
    whole = train(config, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(config, tmp_path / "stopped", progress=CtrlC())
    again = train(config, tmp_path / "stopped", resume=True)
    assert again.config["training"]["batch_by"] == "users"
    assert again.test == whole.test
    assert again.item_embeddings.tobytes() == whole.item_embeddings.tobytes()
    times = ("train_seconds", "eval_seconds", "samples_per_second")
    rows = [
        [{k: v for k, v in row.items() if k not in times} for row in run.metrics] for run in (whole, again)
    ]
    assert rows[0] == rows[1]


def test_a_variant_of_ones_own_trains_by_users_and_stops_early(log, tmp_path, monkeypatch):
    def align(first, second, targets, **settings):
        return (first - second).square().sum(1).mean()

    variant = Variant(
        "own", {"h'": Source.history, "hs'": Source.partner}, (("h", "h'"), ("h'", "hs'")), loss=align
    )
    monkeypatch.setitem(VARIANTS, "own", variant)
    config = tiny_runs.tiny_config(
        log, variant="own", batch_by="users", epochs=40, patience=2, learning_rate=0.05
    )
    run: RunDirectory = train(config, tmp_path / "run")
    best = max(run.metrics, key=lambda row: row["valid_NDCG@10"])["epoch"]
    assert run.test["epoch"] == best
    assert len(run.metrics) == min(best + 2, 40)
