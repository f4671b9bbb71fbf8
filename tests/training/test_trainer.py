"""One step of training against the equations, and what an epoch draws from."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import reference
import tiny_runs
import torch

from degen.build import load_data
from degen.errors import UserError
from degen.model.variants import VARIANTS
from degen.training.padded.stack import Stack
from degen.training.trainer import Trainer

CPU = torch.device("cpu")
SIX = ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec")
PAIRS = {
    "sasrec": [],
    "cl4srec": [("a1", "a2")],
    "ucl": [("h", "h'")],
    "scl": [("h", "hs'")],
    "ucl+scl": [("h", "h'"), ("h", "hs'")],
    "duorec": [("h'", "hs'")],
}


@pytest.fixture
def trainer(log, dataset):
    def make(variant: str = "duorec", **settings: object) -> Trainer:
        return Trainer(tiny_runs.tiny_config(log, variant=variant, **settings), dataset, CPU)

    return make


def weights(trainer: Trainer) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in trainer.encoder.named_parameters()}


def lists(histories) -> list[list[int]]:
    return [part.tolist() for part in np.split(histories.items, np.cumsum(histories.length)[:-1])]


# A step is Eq. 15


@pytest.mark.parametrize(
    ("variant", "settings"),
    [
        *((variant, {}) for variant in SIX),
        *((variant, {"recipe": "official"}) for variant in ("sasrec", "ucl+scl", "cl4srec")),
        ("duorec", {"temperature": 0.5, "similarity": "cosine"}),
        ("scl", {"same_target_negatives": True, "lambda": 0.7}),
        ("ucl", {"reduction": "mean"}),
        ("duorec", {"padding_class": True}),
    ],
)
def test_the_first_steps_losses_are_the_equations(trainer, drawn, variant, settings):
    settings = {"lambda": 0.1, "initializer_range": 0.3, **settings}
    made = trainer(variant, dropout=0.0, batch_size=12, **settings)
    before = weights(made)
    epoch = made.epoch(1)
    epoch.step()
    ((rows, views),) = drawn
    targets = made.source.samples.targets[rows].tolist()
    assert len(set(targets)) < len(targets)  # so that same-target negatives matter
    encoded = {name: encode_slowly(before, view) for name, view in views.items()}

    official = settings.get("recipe") == "official"
    first = 0 if official or settings.get("padding_class") else 1
    classes = before["item_embeddings"][first : tiny_runs.ITEMS + 1].astype(np.float64)
    recommendation = reference.recommendation_loss(encoded["h"], classes, [t - first for t in targets])
    contrastive = sum(
        reference.contrastive_loss(
            encoded[a],
            encoded[b],
            targets,
            settings.get("temperature", 1.0),
            similarity=settings.get("similarity", "dot"),
            same_target_negatives=settings.get("same_target_negatives", official),
            reduction=settings.get("reduction", "mean" if official else "sum"),
        )
        for a, b in PAIRS[variant]
    )
    losses = epoch.mean_losses()
    assert losses["recommendation_loss"] == pytest.approx(recommendation, rel=2e-5)
    assert losses["contrastive_loss"] == pytest.approx(contrastive, rel=2e-5)
    expected = recommendation + settings["lambda"] * contrastive
    assert losses["loss"] == pytest.approx(expected, rel=2e-5)


def encode_slowly(parameters, histories):
    return reference.Reference(parameters, layers=2, heads=2).encode(lists(histories))


@pytest.mark.parametrize(
    ("settings", "equation", "more"),
    [
        ({"rec_loss": "bce"}, "bce_loss", ()),
        ({"rec_loss": "bpr"}, "bpr_loss", ()),
        ({"rec_loss": "gbce"}, "gbce_loss", (0.75, tiny_runs.ITEMS)),
        ({"rec_loss": "gbce", "gbce_t": 1.0}, "gbce_loss", (1.0, tiny_runs.ITEMS)),
    ],
    ids=["bce", "bpr", "gbce", "calibrated"],
)
def test_sampled_losses_are_their_equations(trainer, drawn, monkeypatch, settings, equation, more):
    made = trainer("sasrec", dropout=0.0, batch_size=10, negatives=3, **settings)
    before = weights(made)
    epoch = made.epoch(1)
    sampled = []
    draw = made.negatives.draw
    monkeypatch.setattr(made.negatives, "draw", lambda *given: sampled.append(draw(*given)) or sampled[-1])
    epoch.step()
    ((rows, views),), (negatives,) = drawn, (sample.items for sample in sampled)
    assert negatives.shape == (10, 3)
    h = encode_slowly(before, views["h"])
    items = before["item_embeddings"].astype(np.float64)
    targets = made.source.samples.targets[rows]
    expected = getattr(reference, equation)(h, items, targets.tolist(), negatives.tolist(), *more)
    assert epoch.mean_losses()["loss"] == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("log_q", [True, False])
@pytest.mark.parametrize("sampling", ["uniform", "in-batch"])
def test_the_sampled_softmax_is_its_formula(trainer, drawn, monkeypatch, sampling, log_q):
    negatives = {"negatives": 7} if sampling == "uniform" else {}
    settings = {"rec_loss": "sampled", "sampling": sampling, "initializer_range": 0.3, **negatives}
    settings["log_q"] = log_q
    made = trainer("sasrec", dropout=0.0, batch_size=10, **settings)
    before, sampled, draw = weights(made), [], made.negatives.draw
    monkeypatch.setattr(made.negatives, "draw", lambda *given: sampled.append(draw(*given)) or sampled[-1])
    epoch = made.epoch(1)
    epoch.step()
    ((rows, views),) = drawn
    all_targets = made.source.samples.targets.tolist()
    targets, shared = [all_targets[row] for row in rows], sampled[0].items.tolist()
    if sampling == "uniform":
        q = {item: 7 / tiny_runs.ITEMS for item in shared}
    else:
        assert shared == targets
        q = {item: 9 * all_targets.count(item) / (len(all_targets) - 1) for item in shared}
    q = q if log_q else dict.fromkeys(shared, 1.0)
    scores = encode_slowly(before, views["h"]) @ before["item_embeddings"].astype(np.float64).T
    total = 0.0
    for score, target in zip(scores, targets, strict=True):
        others = sum(np.exp(score[item]) / q[item] for item in shared if item != target)
        total += np.log(np.exp(score[target]) + others) - score[target]
    assert epoch.mean_losses()["loss"] == pytest.approx(total / 10, rel=2e-5)


@pytest.mark.parametrize("rec_loss", ["bce", "bpr"])
def test_negatives_besides_the_history_enter_the_eager_and_the_stacked_step(trainer, dataset, rec_loss):
    settings = {"rec_loss": rec_loss, "negatives": 4, "negatives_exclude": "history", "dropout": 0.0}
    eager, stacked = (trainer("sasrec", batch_size=25, **settings) for _ in range(2))
    sequences, samples = dataset.sequences, eager.source.samples
    history = [
        set(sequences.items[start : end - 2].tolist())
        for start, end in zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True)
    ]
    epoch, stack = eager.epoch(1), Stack([stacked]).epoch(1, 3)
    batch = next(stack._batches)
    rows = next(epoch.batches)
    users = [int((sequences.offsets <= end).sum()) - 1 for end in samples.end[rows]]
    drawn = epoch.draw_negatives(rows).items.tolist()
    assert batch["negatives"][0].tolist() == drawn
    for user, negatives in zip(users, drawn, strict=True):
        assert not history[user] & set(negatives)
    eager.epoch(1).step()
    Stack([stacked]).epoch(1, 3).step()
    assert_close = np.testing.assert_allclose
    assert_close(weights(eager)["item_embeddings"], weights(stacked)["item_embeddings"], atol=2e-3)


def test_the_first_step_of_adam_moves_every_trained_weight_by_the_learning_rate(trainer):
    # At the first step Adam's ratio of moments is ±1 wherever the gradient is far above epsilon.
    made = trainer("sasrec", dropout=0.0, learning_rate=0.003, adam_eps=1e-15)
    before = weights(made)
    made.epoch(1).step()
    moved = np.abs(weights(made)["item_embeddings"] - before["item_embeddings"])[1 : tiny_runs.ITEMS + 1]
    np.testing.assert_allclose(moved, 0.003, rtol=1e-2)


def test_adam_gets_its_numbers(trainer):
    made = trainer(learning_rate=0.5, adam_beta1=0.1, adam_beta2=0.2, adam_eps=1e-3, weight_decay=0.25)
    (group,) = made.optimizer.param_groups
    assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (0.5, (0.1, 0.2), 1e-3, 0.25)
    assert isinstance(made.optimizer, torch.optim.Adam)
    assert len(group["params"]) == len(list(made.encoder.parameters()))


def test_an_epochs_losses_are_means_over_samples(trainer, monkeypatch):
    made = trainer("ucl", batch_size=50)  # the last batch is smaller
    epoch = made.epoch(1)
    parts = []
    losses = epoch.losses

    def remember(rows):
        pair = losses(rows)
        parts.append((len(rows), *(value.item() for value in pair)))
        return pair

    monkeypatch.setattr(epoch, "losses", remember)
    for _ in range(made.steps_per_epoch):
        epoch.step()
    sizes = [size for size, _, _ in parts]
    n = len(made.source.samples)
    assert sizes == [50] * (n // 50) + [n % 50]
    assert epoch.samples == n
    means = epoch.mean_losses()
    recommendation = sum(size * value for size, value, _ in parts) / n
    contrastive = sum(size * value for size, _, value in parts) / n
    assert means["recommendation_loss"] == pytest.approx(recommendation, rel=1e-12)
    assert means["contrastive_loss"] == pytest.approx(contrastive, rel=1e-12)


# Steps of an epoch


def test_an_epoch_takes_every_sample_once(trainer, drawn):
    made = trainer("sasrec", batch_size=32)
    epoch = made.epoch(1)
    for _ in range(made.steps_per_epoch):
        epoch.step()
    rows = np.concatenate([rows for rows, _ in drawn])
    assert sorted(rows.tolist()) == list(range(len(made.source.samples)))


def test_steps_of_an_epoch_are_counted_with_the_last_small_batch(trainer):
    n = len(trainer().source.samples)
    assert trainer(batch_size=n).steps_per_epoch == 1
    assert trainer(batch_size=n - 1).steps_per_epoch == 2
    assert trainer(batch_size=10_000).steps_per_epoch == 1
    assert trainer(batch_size=1).steps_per_epoch == n
    assert trainer(batch_size=1, steps_per_epoch=3).steps_per_epoch == 3
    assert trainer(batch_size=n - 1, steps_per_epoch=3).steps_per_epoch == 2


def one_epoch(made: Trainer, number: int = 1) -> dict[str, float]:
    epoch = made.epoch(number)
    for _ in range(made.steps_per_epoch):
        epoch.step()
    return epoch.mean_losses()


@pytest.mark.parametrize("variant", SIX)
def test_seed_and_number_alone_decide_an_epoch(trainer, variant):
    first, second, other = trainer(variant), trainer(variant), trainer(variant, seed=1)
    one_epoch(first, 1)
    second.epoch(1).step()  # what was drawn before does not matter, only the weights do
    second.encoder.load_state_dict(first.encoder.state_dict())
    second.optimizer.load_state_dict(deepcopy(first.optimizer.state_dict()))
    assert one_epoch(first, 2) == one_epoch(second, 2)
    moved = weights(second)
    assert all(np.array_equal(value, moved[name]) for name, value in weights(first).items())
    assert one_epoch(other, 2) != one_epoch(trainer(variant), 2)


def test_epochs_and_seeds_have_orders_of_their_own(trainer, drawn):
    for seed, number in ((0, 1), (0, 2), (1, 1), (0, 1)):
        trainer("sasrec", batch_size=1000, seed=seed).epoch(number).step()
    orders = [tuple(rows.tolist()) for rows, _ in drawn]
    assert len(set(orders)) == 3
    assert orders[0] == orders[3]


def test_epochs_and_seeds_have_dropout_masks_of_their_own(trainer):
    def mask(seed: int, number: int) -> bytes:
        dropout = trainer(seed=seed).epoch(number).dropout
        return (
            dropout.mask("layer0.attention", (99,), 0.5, lambda kept: kept, torch.zeros(1)).numpy().tobytes()
        )

    masks = [mask(seed, number) for seed, number in ((0, 1), (0, 2), (1, 1), (0, 1))]
    assert len(set(masks)) == 3
    assert masks[0] == masks[3]


@pytest.mark.parametrize("variant", SIX)
def test_both_engines_train_to_the_same_losses(trainer, variant):
    settings = {"dropout": 0.0, "learning_rate": 0.002, "initializer_range": 0.1}
    fast, plain = trainer(variant, **settings), trainer(variant, engine="plain", **settings)
    for number in (1, 2):
        expected = one_epoch(plain, number)
        assert one_epoch(fast, number) == pytest.approx(expected, rel=1e-4)
    # Of other weights the key's bias has no gradient but rounding, which Adam makes as large as any.
    expected = weights(plain)["item_embeddings"]
    np.testing.assert_allclose(
        weights(fast)["item_embeddings"], expected, rtol=0, atol=1e-3 * np.abs(expected).max()
    )


@pytest.mark.parametrize("rec_loss", ["ce", "bce", "gbce", "bpr"])
def test_training_lowers_each_recommendation_loss(trainer, rec_loss):
    negatives = 1 if rec_loss == "ce" else 2
    made = trainer("sasrec", rec_loss=rec_loss, dropout=0.0, negatives=negatives)
    losses = [one_epoch(made, number)["recommendation_loss"] for number in range(1, 13)]
    assert losses[-1] < 0.9 * losses[0]


def test_contrast_with_dropout_pulls_the_two_passes_together(trainer):
    made = trainer("ucl", lam=1.0)
    losses = [one_epoch(made, number)["contrastive_loss"] for number in range(1, 8)]
    assert losses[-1] < losses[0]


def test_dropout_is_on_while_training_and_differs_between_epochs(trainer):
    settings = {"batch_size": 1000, "learning_rate": 1e-12}
    without = one_epoch(trainer("sasrec", dropout=0.0, **settings))["loss"]
    made = trainer("sasrec", dropout=0.5, **settings)
    first, second = one_epoch(made, 1)["loss"], one_epoch(made, 2)["loss"]
    assert len({without, first, second}) == 3


# What may not move


@pytest.mark.parametrize("variant", SIX)
def test_the_paper_recipe_never_moves_the_padding_row(trainer, variant):
    made = trainer(variant)
    before = weights(made)["item_embeddings"]
    one_epoch(made)
    after = weights(made)["item_embeddings"]
    assert after[0].tobytes() == before[0].tobytes()
    assert (after[1 : tiny_runs.ITEMS + 1] != before[1 : tiny_runs.ITEMS + 1]).all()
    mask_moved = bool((after[-1] != before[-1]).any())
    assert mask_moved == (variant == "cl4srec")


@pytest.mark.parametrize("variant", SIX)
def test_the_official_recipe_trains_the_padding_row_as_a_class(trainer, variant):
    made = trainer(variant, recipe="official")
    before = weights(made)["item_embeddings"]
    made.epoch(1).step()
    assert (weights(made)["item_embeddings"][0] != before[0]).all()


@pytest.mark.parametrize("recipe", ["paper", "official"])
def test_augmentations_never_write_to_their_source(trainer, dataset, recipe):
    # The authors' code masks and reorders its stored training data in place.
    made = trainer("cl4srec", recipe=recipe, mask_rate=0.9)
    samples = made.source.samples
    before = [array.tobytes() for array in (samples.items, samples.end, samples.length)]
    for number in (1, 2):
        one_epoch(made, number)
    assert [array.tobytes() for array in (samples.items, samples.end, samples.length)] == before
    assert samples.items.tobytes() == dataset.sequences.items.tobytes()


# Negatives


def test_negatives_are_uniform_over_the_items_besides_the_target(trainer):
    made = trainer("sasrec", rec_loss="bce", negatives=2000)
    rng = made.epoch(1).rng
    for target in (1, 7, tiny_runs.ITEMS):
        row = made.source.samples.targets.tolist().index(target)
        counts = np.bincount(made.negatives.draw(np.array([row]), rng).items[0], minlength=22)
        assert counts[[0, target, 21]].tolist() == [0, 0, 0]
        others = np.delete(counts[1:21], target - 1)
        expected = 2000 / 19
        # Chi-square with 18 degrees of freedom: mean 18, standard deviation 6.
        assert ((others - expected) ** 2 / expected).sum() < 18 + 6 * 6


def test_negatives_of_a_batch_are_never_its_targets(trainer):
    made = trainer("sasrec", rec_loss="bpr", negatives=50)
    rng = made.epoch(1).rng
    rows = np.arange(len(made.source.samples))
    targets = made.source.samples.targets
    for _ in range(20):
        assert not (made.negatives.draw(rows, rng).items == targets[:, None]).any()


# What is refused


def test_a_log_without_training_samples_is_refused(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("u1 a b c\nu2 b c a\nu3 c a\n", encoding="utf-8")
    config = tiny_runs.tiny_config(path)
    with pytest.raises(UserError, match=r"short has 0 training samples, and 2 are needed"):
        Trainer(config, load_data(config.data), CPU)


def test_a_log_of_one_item_is_refused(tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("u1 a a a a a a\nu2 a a a a a a\n", encoding="utf-8")
    config = tiny_runs.tiny_config(path)
    with pytest.raises(UserError, match="one has a single item"):
        Trainer(config, load_data(config.data), CPU)


def test_losses_that_are_not_finite_are_refused(trainer):
    made = trainer("sasrec")
    with torch.no_grad():
        made.encoder.item_embeddings[3] = torch.nan
    epoch = made.epoch(1)
    epoch.step()
    with pytest.raises(UserError, match=r"diverged.*`learning_rate`"):
        epoch.mean_losses()


def test_every_variant_is_tested_here():
    assert tuple(VARIANTS) == SIX
