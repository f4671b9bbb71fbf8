"""Batches of BERT4Rec and of S3Rec's pre-training: rows, masks and losses, against the papers' equations."""

from __future__ import annotations

import masked_reference
import numpy as np
import pytest
import torch
from baseline_runs import baseline_config
from parameters import scatter

from degen.config.settle import by_group, settle
from degen.data.sampling.histories import Histories
from degen.data.sequences import HELD_OUT, leave_one_out
from degen.evaluation.evaluate import representations
from degen.training.batching import masked
from degen.training.epoch import Epoch
from degen.training.stages import pretraining
from degen.training.trainer import Trainer

CPU = torch.device("cpu")
NO_DROPOUT = {"embedding_dropout": 0.0, "hidden_dropout": 0.0, "attention_dropout": 0.0}


def make(log, dataset, name="bert4rec", **settings) -> Trainer:
    """A trainer in double precision, whose parameters all matter."""
    trainer = Trainer(baseline_config(log, name, **(NO_DROPOUT | settings)), dataset, CPU)
    trainer.encoder.double()
    scatter(trainer.encoder)
    return trainer


def make_stage(log, dataset, **settings) -> Trainer:
    """A trainer of S3Rec's pre-training, likewise."""
    config = baseline_config(log, "s3rec-mip", **(NO_DROPOUT | settings))
    whole = Trainer(config, dataset, CPU)
    stage = Trainer(
        pretraining._config_of_stage(config),
        dataset,
        CPU,
        variant=whole.variant.stages[config.objective.recipe],
        encoder=whole.encoder,
    )
    stage.encoder.double()
    stage.encoder.bidirectional = True
    scatter(stage.encoder)
    return stage


@pytest.fixture
def masks(monkeypatch):
    """Every batch of rows as its items are hidden."""
    drawn, mask_rows = [], masked.mask_rows

    def remember(*arguments):
        drawn.append(mask_rows(*arguments))
        return drawn[-1]

    monkeypatch.setattr(masked, "mask_rows", remember)
    return drawn


def epoch_of(trainer, number=1) -> Epoch:
    return Epoch(trainer, np.random.SeedSequence([0, number]))


def lists(histories: Histories) -> list[list[int]]:
    return [part.tolist() for part in np.split(histories.items, np.cumsum(histories.length)[:-1])]


def places_of(batch) -> list[tuple[int, int]]:
    return list(zip(batch.sequence.tolist(), batch.position.tolist(), strict=True))


def loops(trainer):
    weights = {name: value.detach().numpy() for name, value in trainer.encoder.named_parameters()}
    return masked_reference.Bidirectional(weights, layers=2, heads=2)


# BERT4Rec


@pytest.mark.parametrize("output_bias", [True, False], ids=["bias", "no bias"])
def test_the_loss_of_a_batch_is_the_cross_entropy_of_the_loops(log, dataset, masks, output_bias):
    trainer = make(log, dataset, output_bias=output_bias)
    epoch = epoch_of(trainer)
    loss, contrastive = epoch.losses(next(epoch.batches))
    (batch,), encoder = masks, trainer.encoder
    h = loops(trainer).bert4rec(lists(batch.histories), places_of(batch))
    V = encoder.real_item_embeddings().detach().numpy()
    bias = encoder.real_item_bias().detach().numpy() if output_bias else np.zeros(len(V))
    expected = masked_reference.cross_entropy(h, V, bias, (batch.targets - 1).tolist())
    assert loss.item() == pytest.approx(expected, rel=1e-10)
    assert contrastive.item() == 0
    assert epoch.targets == len(batch.targets)
    assert (encoder.item_bias is not None) == output_bias


def test_the_gradient_of_the_bias_is_the_probability_minus_the_target(log, dataset, masks):
    trainer = make(log, dataset)
    epoch = epoch_of(trainer)
    loss, _ = epoch.losses(next(epoch.batches))
    loss.backward()
    (batch,), encoder = masks, trainer.encoder
    h = loops(trainer).bert4rec(lists(batch.histories), places_of(batch))
    scores = h @ encoder.real_item_embeddings().detach().numpy().T + encoder.real_item_bias().detach().numpy()
    probability = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    probability[np.arange(len(h)), batch.targets - 1] -= 1
    gradient = encoder.item_bias.grad.numpy()
    np.testing.assert_allclose(gradient[1:-1], probability.mean(0), rtol=0, atol=1e-12)
    assert gradient[0] == gradient[-1] == 0  # padding and mask are no items


def test_the_library_scores_the_padding_row_too_and_never_the_mask(log, dataset, masks):
    trainer = make(log, dataset, recipe="recbole")
    epoch = epoch_of(trainer)
    loss, _ = epoch.losses(next(epoch.batches))
    (batch,), table = masks, trainer.encoder.item_embeddings.detach().numpy()[:-1]
    x = loops(trainer).at(lists(batch.histories), places_of(batch))  # without a head
    expected = masked_reference.cross_entropy(x, table, np.zeros(len(table)), batch.targets.tolist())
    assert loss.item() == pytest.approx(expected, rel=1e-10)
    assert trainer.encoder.item_bias is None
    assert trainer.encoder.head is None


def targets_of(trainer, masks, epochs=30) -> set[tuple[int, int]]:
    """Users and positions, counted from the user's first action, that are targets in some epoch."""
    found, offsets, rows = set(), trainer.source.samples.offsets, trainer.batching.rows
    for number in range(1, epochs + 1):
        epoch = epoch_of(trainer, number)
        for batch in epoch.batches:
            epoch.encode(batch)
            drawn = masks.pop()
            of_row = batch[drawn.sequence]
            place = rows.end[of_row] - rows.length[of_row] + drawn.position
            assert (trainer.source.samples.items[place] == drawn.targets).all()
            user = np.searchsorted(offsets, place, side="right") - 1
            found |= set(zip(user.tolist(), (place - offsets[user]).tolist(), strict=True))
    return found


def test_every_training_action_is_a_target_in_some_epoch_and_no_other_is(log, dataset, masks):
    trainer = make(log, dataset, max_length=50)
    lengths = dataset.sequences.lengths - HELD_OUT
    expected = {(user, place) for user, n in enumerate(lengths.tolist()) for place in range(n)}
    assert targets_of(trainer, masks) == expected


def test_the_library_never_learns_from_the_first_and_the_last_training_action_of_a_user(log, dataset, masks):
    trainer = make(log, dataset, recipe="recbole", max_length=50)
    lengths = dataset.sequences.lengths - HELD_OUT
    expected = {(user, place) for user, n in enumerate(lengths.tolist()) for place in range(1, n - 1)}
    assert targets_of(trainer, masks) == expected


def test_the_library_predicts_as_many_items_of_a_row_as_the_rate_allows(log, dataset):
    trainer = make(log, dataset, recipe="recbole", max_length=12, mask_fraction=0.3)
    assert trainer.batching.rule == masked.MaskRule(0.3, first_counts=False, most=3)


def test_a_batch_without_a_mask_has_no_loss_and_no_gradient(log, dataset):
    trainer = make(log, dataset, recipe="recbole", mask_fraction=1e-9)
    epoch = epoch_of(trainer)
    before = {name: value.detach().clone() for name, value in trainer.encoder.named_parameters()}
    epoch.step()
    assert epoch.mean_losses()["loss"] == 0
    assert all(torch.equal(before[name], value) for name, value in trainer.encoder.named_parameters())


def test_h_of_a_history_is_that_of_a_training_row_whose_last_item_is_hidden(log, dataset):
    trainer = make(log, dataset)
    encoder, rows = trainer.encoder, trainer.batching.rows  # training parts, at most 8 actions
    items, length = rows.histories(np.arange(len(rows)))
    ends = np.cumsum(length)
    hidden = items.copy()
    hidden[ends - 1] = encoder.mask_token
    at = torch.arange(len(length)), torch.from_numpy(length - 1)
    trained = encoder(torch.from_numpy(hidden), torch.from_numpy(length), None, at)
    # The same rows without their last item, as histories.
    long = np.flatnonzero(length > 1)
    shorter = np.delete(items, ends - 1)
    tested = encoder(torch.from_numpy(shorter), torch.from_numpy(length[long] - 1))
    np.testing.assert_allclose(tested.detach(), trained[long].detach(), rtol=0, atol=1e-12)


def test_samples_of_a_user_are_encoded_each_for_itself(log, dataset):
    trainer = make(log, dataset)
    samples, encoder = trainer.source.samples, trainer.encoder
    together = representations(encoder, samples)
    alone = torch.cat([representations(encoder, samples, np.array([row])) for row in range(len(samples))])
    np.testing.assert_allclose(together.numpy(), alone.numpy(), rtol=0, atol=1e-12)
    items, length = samples.histories(np.arange(len(samples)))
    kept = [row[-(encoder.max_length - 1) :] for row in lists(Histories(items, length))]
    with_mask = [[*row, encoder.mask_token] for row in kept]
    expected = loops(trainer).bert4rec(with_mask, [(s, len(row) - 1) for s, row in enumerate(with_mask)])
    np.testing.assert_allclose(together.numpy(), expected, rtol=0, atol=1e-10)


def test_held_out_items_are_in_no_training_row(log, dataset):
    sequences = dataset.sequences
    for trainer in (make(log, dataset), make_stage(log, dataset)):
        rows = trainer.batching.rows
        user = np.searchsorted(sequences.offsets, rows.end, side="right") - 1
        assert (rows.end <= sequences.offsets[user + 1] - HELD_OUT).all()
    assert len(make(log, dataset).batching) == sequences.n_users
    np.testing.assert_array_equal(make(log, dataset).batching.rows.end, leave_one_out(sequences, "valid").end)


def test_rows_are_counted_as_many_as_they_have_targets(log, dataset, masks):
    trainer = make(log, dataset)
    epoch, drawn = epoch_of(trainer), 0
    for _ in range(trainer.steps_per_epoch):
        epoch.step()
        drawn += len(masks.pop().targets)
    assert epoch.samples == drawn
    assert trainer.batching.n_targets == pytest.approx(drawn, rel=0.25)


# S3Rec's pre-training


@pytest.mark.parametrize("recipe", ["fixed", "recbole"])
def test_the_loss_of_pre_training_is_masked_item_prediction_of_the_loops(log, dataset, masks, recipe):
    trainer = make_stage(log, dataset, recipe=recipe)
    epoch, given = epoch_of(trainer), []
    draw = epoch.draw_negatives
    epoch.draw_negatives = lambda rows: given.append(draw(rows)) or given[-1]
    loss, _ = epoch.losses(next(epoch.batches))
    (batch,), (negatives,) = masks, given
    h = loops(trainer).s3rec(lists(batch.histories), places_of(batch))
    table = trainer.encoder.item_embeddings.detach().numpy()
    expected = masked_reference.masked_item_loss(
        h, table, batch.targets.tolist(), negatives.items[:, 0].tolist(), double=recipe == "recbole"
    )
    assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_every_row_of_pre_training_has_its_last_item_masked_and_rows_are_all_prefixes(log, dataset, masks):
    trainer = make_stage(log, dataset)
    epoch, seen = epoch_of(trainer), 0
    for batch in epoch.batches:
        epoch.encode(batch)
        for row in lists(masks.pop().histories):
            assert row[-1] == trainer.encoder.mask_token
            seen += 1
    assert seen == (dataset.sequences.lengths - HELD_OUT).sum()


def test_negatives_of_pre_training_are_outside_the_users_items_and_never_the_mask(log, dataset, masks):
    trainer = make_stage(log, dataset)
    epoch, sequences = epoch_of(trainer), dataset.sequences
    found = set()
    for batch in epoch.batches:
        samples = epoch.encode(batch).samples
        negatives = epoch.draw_negatives(samples).items[:, 0]
        users = np.searchsorted(sequences.offsets, trainer.batching.rows.end[samples], side="right") - 1
        for user, negative in zip(users.tolist(), negatives.tolist(), strict=True):
            start, end = sequences.offsets[user], sequences.offsets[user + 1] - HELD_OUT
            assert negative not in sequences.items[start:end]
        found |= set(negatives.tolist())
    assert found == set(range(1, sequences.n_items + 1))


def test_the_rows_of_the_librarys_pre_training_are_histories_without_the_target(log, dataset, masks):
    trainer = make_stage(log, dataset, recipe="recbole")
    assert trainer.batching.rows is trainer.source.samples
    epoch = epoch_of(trainer)
    last = []
    for batch in epoch.batches:
        epoch.encode(batch)
        last += [row[-1] == trainer.encoder.mask_token for row in lists(masks.pop().histories)]
    assert 0.1 < np.mean(last) < 0.3  # the last item is hidden by chance only


def test_settings_of_the_recipes():
    fixed = settle(options=by_group({"variant": "bert4rec"}))
    assert (fixed.baseline.output_head, fixed.baseline.output_bias, fixed.model.hidden_dropout) == (
        *(True, True),
        0.2,
    )
    library = settle(options=by_group({"variant": "bert4rec", "recipe": "recbole"}))
    assert (library.baseline.output_head, library.baseline.output_bias, library.model.hidden_dropout) == (
        *(False, False),
        0.5,
    )
    assert library.baseline.mask_fraction == fixed.baseline.mask_fraction == 0.2
    assert settle(options=by_group({"variant": "s3rec-mip"})).baseline.pretrain_epochs == 50
