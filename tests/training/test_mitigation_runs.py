"""The mitigations in training: losses of a step, alone, in stacks, by processes; effects on V; refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import reference
import tiny_runs
import torch
from commands import mistake, result_of

from degen.analysis import average_cosine
from degen.analysis.measures.spectrum import singular_values
from degen.config.settle import settle
from degen.data.sampling.negatives import Negatives
from degen.data.sequences import leave_one_out
from degen.errors import UserError
from degen.evaluation.evaluate import representations
from degen.evaluation.restore import restore
from degen.model.losses.mitigations import cosine_regularization, spectrum_concentration, uniform
from degen.model.variants import MITIGATIONS, VARIANTS
from degen.runs.directory import RunDirectory
from degen.training.distributed import World
from degen.training.loop import train
from degen.training.padded.stack import Stack
from degen.training.plan import train_many
from degen.training.run import Interrupted, Progress
from degen.training.trainer import Trainer

CPU = torch.device("cpu")
OF_ITEMS = {"cosreg": (cosine_regularization, 1.0), "spectrum": (spectrum_concentration, 10.0)}


@pytest.fixture
def trainer(log, dataset):
    def make(variant: str, world: World | None = None, **settings: object) -> Trainer:
        settings = {"dropout": 0.0, "initializer_range": 0.3, **settings}
        return Trainer(tiny_runs.tiny_config(log, variant=variant, **settings), dataset, CPU, world)

    return make


def first_batch(made: Trainer) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return h, V and the targets (rows of V) of the first batch, before it is trained on."""
    rows = next(made.epoch(1).batches)
    V = made.encoder.real_item_embeddings().detach().clone()
    h = representations(made.encoder, made.source.samples, rows)
    return h, V, torch.from_numpy(made.source.samples.targets[rows] - 1)


def first_step(made: Trainer) -> dict[str, float]:
    epoch = made.epoch(1)
    epoch.step()
    return epoch.mean_losses()


def units(x: torch.Tensor) -> np.ndarray:
    return (x / x.norm(dim=1, keepdim=True)).double().numpy()


# The losses of a step


@pytest.mark.parametrize("name", OF_ITEMS)
def test_a_loss_of_all_items_is_added_with_its_weight(trainer, name):
    loss, gamma = OF_ITEMS[name]
    made = trainer(name)
    _, V, _ = first_batch(made)
    losses = first_step(made)
    assert losses["item_loss"] == pytest.approx(loss(V).item(), rel=1e-5)
    assert losses["loss"] == pytest.approx(losses["recommendation_loss"] + gamma * loss(V).item(), rel=1e-6)
    assert first_step(trainer("sasrec"))["recommendation_loss"] == losses["recommendation_loss"]


def test_the_weight_that_is_given_counts(trainer):
    losses = first_step(trainer("cosreg", gamma=7.0))
    assert losses["loss"] == pytest.approx(losses["recommendation_loss"] + 7 * losses["item_loss"])


def test_items_are_drawn_uniformly_each_once_from_a_stream_of_their_own(trainer):
    made = trainer("item-uniformity", items_drawn=6)
    epoch, seen = made.epoch(1), np.zeros(tiny_runs.ITEMS)
    for _ in range(500):
        drawn = epoch.draw_items().tolist()
        assert len(set(drawn)) == 6
        seen[drawn] += 1
    assert seen.mean() == 500 * 6 / tiny_runs.ITEMS
    assert (np.abs(seen - seen.mean()) < 5 * np.sqrt(seen.mean())).all()
    again = trainer("item-uniformity", items_drawn=6).epoch(1)
    V, first = made.encoder.real_item_embeddings(), made.epoch(1).draw_items()
    assert again.item_losses()[0].item() == pytest.approx(uniform(V[first]).item(), rel=1e-6)


def test_with_weight_0_drawing_items_leaves_all_else_as_it_is(trainer):
    # Order, dropout and negatives come from streams that do not know of the drawn items.
    settings = {"dropout": 0.3, "rec_loss": "bpr"}  # which draws negatives at every step
    plain, cured = trainer("sasrec", **settings), trainer("item-uniformity", **settings, gamma=0.0)
    for made in (plain, cured):
        epoch = made.epoch(1)
        for _ in range(made.steps_per_epoch):
            epoch.step()
    for one, other in zip(plain.encoder.parameters(), cured.encoder.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("scale", [16.0, 5.0])
def test_normalized_is_eq_11_of_scaled_cosines(trainer, scale):
    made = trainer("normalized", scale=scale)
    h, V, targets = first_batch(made)
    expected = reference.recommendation_loss(scale * units(h), units(V), targets.tolist())
    assert first_step(made)["recommendation_loss"] == pytest.approx(expected, rel=1e-5)


def test_normalized_scores_enter_sampled_losses_too(trainer, monkeypatch):
    made = trainer("normalized", rec_loss="bpr", negatives=2)
    h, V, targets = first_batch(made)
    negatives = (targets[:, None] + torch.tensor([1, 2])) % tiny_runs.ITEMS
    monkeypatch.setattr(made.negatives, "draw", lambda *_given: Negatives((negatives + 1).numpy()))
    expected = reference.bpr_loss(16 * units(h), units(V), targets.tolist(), negatives.tolist())
    assert first_step(made)["recommendation_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("recipe", ["paper", "official"])
def test_gating_counts_targets_a_step_and_spares_the_padding_row(trainer, recipe):
    made = trainer("gating", recipe=recipe, rare_rate=1.0)
    counts = np.bincount(made.source.samples.targets, minlength=tiny_runs.ITEMS + 1)
    rates = made.losses.target_rates.tolist()
    if recipe == "official":
        assert rates.pop(0) == np.inf
    assert rates == pytest.approx((counts[1:] / made.steps_per_epoch).tolist(), rel=1e-6)
    plain = trainer("sasrec", recipe=recipe)
    cured, uncured = first_step(made), first_step(plain)
    assert cured["recommendation_loss"] == pytest.approx(uncured["recommendation_loss"], rel=1e-6)


def test_gatings_rates_are_of_whole_epochs_also_where_epochs_are_cut(trainer):
    cut, whole = trainer("gating", steps_per_epoch=2), trainer("gating")
    assert cut.steps_per_epoch == 2 < whole.steps_per_epoch
    assert cut.losses.target_rates.tolist() == whole.losses.target_rates.tolist()


@pytest.mark.parametrize(("name", "setting"), [("adversarial", "epsilon"), ("gating", "rare_rate")])
def test_without_its_setting_a_cure_trains_as_sasrec(trainer, name, setting):
    cured, plain = trainer(name, adam_eps=1e-3, **{setting: 0.0}), trainer("sasrec", adam_eps=1e-3)
    assert first_step(cured)["loss"] == pytest.approx(first_step(plain)["loss"], rel=1e-6)
    for one, other in zip(cured.encoder.parameters(), plain.encoder.parameters(), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), atol=1e-6)


@pytest.mark.parametrize("name", MITIGATIONS)
@pytest.mark.parametrize("settings", [{"batch_by": "users", "batch_size": 8}, {"engine": "plain"}])
def test_every_cure_trains_by_users_and_on_the_plain_engine(trainer, name, settings):
    made, fast = trainer(name, **settings), trainer(name, **{**settings, "engine": "fast"})
    assert first_step(made) == pytest.approx(first_step(fast), rel=1e-4)


# In stacks


@pytest.mark.parametrize("name", MITIGATIONS)
def test_losses_and_gradients_of_a_stack_are_each_runs_alone(trainer, name):
    runs = [{"seed": 0}, {"seed": 3}]
    settings = {"items_drawn": 7, "rare_rate": 1.0}
    alone, together = ([trainer(name, **settings, **run) for run in runs] for _ in range(2))
    for made in (*alone, *together):
        made.encoder.double()
        made.losses = replace(made.losses, target_rates=made.losses.target_rates.double())
    stack = Stack(together)
    batch = next(stack.epoch(1, 1)._batches)
    losses = stack.losses(batch, {})
    total = losses[:, 0] + together[0].losses.item_weight * losses[:, 2:].sum(1)
    (gradient,) = torch.autograd.grad(total.sum(), stack.weights)
    for run, made in enumerate(alone):
        epoch = made.epoch(1)
        recommendation, contrastive = epoch.losses(next(epoch.batches))
        of_items = epoch.item_losses()
        expected = [loss.item() for loss in (recommendation, contrastive, *of_items)]
        assert losses[run].tolist() == pytest.approx(expected, abs=1e-10)
        torch.autograd.backward(recommendation + made.losses.item_weight * sum(of_items))
        for parameter, slope in stack._named(gradient[run]).items():
            own = made.encoder.get_parameter(parameter).grad
            assert (slope - own).abs().max() <= 1e-9 * max(1.0, float(own.abs().max())), parameter


def test_runs_of_a_cure_train_as_a_stack_to_the_end(log, tmp_path):
    settings = {"variant": "item-uniformity", "items_drawn": 7, "epochs": 2, "dropout": 0.0, "adam_eps": 1e-3}
    configs = [tiny_runs.tiny_config(log, seed=seed, **settings) for seed in (0, 1)]
    places = [[tmp_path / way / str(seed) for seed in (0, 1)] for way in ("alone", "stacked")]
    alone, stacked = (
        train_many(configs, outs, stack=way) for outs, way in zip(places, (False, True), strict=True)
    )
    for one, other in zip(alone, stacked, strict=True):
        for row, stacked_row in zip(one.metrics, other.metrics, strict=True):
            for key in ("loss", "recommendation_loss", "item_loss", "average_cosine"):
                assert row[key] == pytest.approx(stacked_row[key], rel=1e-3)


class CtrlC(Progress):
    """Interrupts in the second epoch."""

    def step(self, epoch, step, losses):
        if epoch == 2:
            raise Interrupted(None, 1)


@pytest.mark.parametrize("name", ["item-uniformity", "gating"])
def test_a_stopped_run_goes_on_to_the_same_weights(log, tmp_path, name):
    config = tiny_runs.tiny_config(log, variant=name, items_drawn=7)
    whole = train(config, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(config, tmp_path / "stopped", progress=CtrlC())
    again = train(config, tmp_path / "stopped", resume=True)
    assert again.item_embeddings.tolist() == whole.item_embeddings.tolist()
    assert [row["loss"] for row in again.metrics] == [row["loss"] for row in whole.metrics]


# What they do to the item embeddings


def geometry(run: RunDirectory) -> tuple[float, float]:
    """Average cosine and 1 / participation ratio."""
    energy = singular_values(run.item_embeddings) ** 2
    return average_cosine(run.item_embeddings), (energy**2).sum() / energy.sum() ** 2


@pytest.fixture(scope="module")
def trained(log, tmp_path_factory):
    """A run of every cure, and of sasrec, until V has left its initial weights far behind."""
    settings = {"epochs": 25, "patience": 25, "batch_size": 64, "initializer_range": 0.1, "rare_rate": 0.5}
    folder = tmp_path_factory.mktemp("trained")
    return {
        name: train(
            tiny_runs.tiny_config(log, variant=name, **settings, keep_embeddings=25, epsilon=0.3),
            folder / name,
        )
        for name in ("sasrec", *MITIGATIONS)
    }


def last_embeddings(run: RunDirectory) -> np.ndarray:
    return np.load(run.path / "embeddings" / "e025.npy")


def test_regularizers_move_what_they_measure(trained):
    plain, cures = last_embeddings(trained["sasrec"]), {n: last_embeddings(trained[n]) for n in MITIGATIONS}
    assert average_cosine(cures["cosreg"]) < average_cosine(plain)
    assert average_cosine(cures["item-uniformity"]) < average_cosine(plain)

    def concentration(V: np.ndarray) -> float:
        return spectrum_concentration(torch.from_numpy(V)).item()

    assert concentration(cures["spectrum"]) < concentration(plain)
    spread = {name: uniform(torch.from_numpy(V)).item() for name, V in {**cures, "sasrec": plain}.items()}
    assert spread["item-uniformity"] < spread["sasrec"]


def test_every_cure_learns(trained):
    for name, run in trained.items():
        first, last = run.metrics[0], run.metrics[-1]
        assert last["loss"] < first["loss"], name
        assert max(row["valid_NDCG@10"] for row in run.metrics) > 0.3, name  # a constant scorer has about .23


# Evaluation scores as training does


@pytest.mark.parametrize("name", ["normalized", "directau", "sasrec"])
def test_a_run_is_ranked_by_the_scores_of_its_variant(trained, name):
    restored = restore(trained[name], "cpu")
    samples = leave_one_out(restored.dataset.sequences, "test", restored.config.model.max_length)
    h, V = representations(restored.encoder, samples), restored.encoder.real_item_embeddings().detach()
    scores = h.double().numpy() @ V.double().numpy().T if name == "sasrec" else units(h) @ units(V).T
    expected = [float(reference.rank(row, t)) for row, t in zip(scores, samples.targets - 1, strict=True)]
    assert restored.ranks("test").mean.tolist() == expected
    assert trained[name].test["HR@5"] == np.mean(np.array(expected) <= 5)


# Names, configuration


def test_the_weight_of_a_variant_stands_in_the_runs_configuration(trained):
    weights = {name: settle(run.path / "config.toml").objective.gamma for name, run in trained.items()}
    assert weights["cosreg"] == 1
    assert weights["spectrum"] == 10
    assert weights["item-uniformity"] == 0.1
    assert weights["directau"] == 0.5
    assert weights["sasrec"] is weights["normalized"] is None


def test_all_are_the_papers_six_and_cures_the_cures(log):
    def named(word: str) -> list[str]:
        printed = result_of("train", "--variant", word, "--dataset", "synthetic", "--print-config")
        return [config["objective"]["variant"] for config in printed]

    assert named("all") == list(VARIANTS)
    assert named("cures") == list(MITIGATIONS)
    assert named("sasrec,Cures,agg") == ["sasrec", *MITIGATIONS]


def test_a_cure_trains_from_the_command_line(log, tmp_path):
    words = tiny_runs.options(log, variant="cosreg", epochs=1)
    result_of("train", *words, "--gamma", "2.5", "--out", tmp_path / "run")
    row = json.loads((tmp_path / "run" / "metrics.jsonl").read_text())
    assert row["loss"] == pytest.approx(row["recommendation_loss"] + 2.5 * row["item_loss"])


# Refusals


@pytest.mark.parametrize(
    ("name", "settings", "named"),
    [
        ("gating", {"rec_loss": "bce"}, "`rec_loss='bce'`"),
        ("directau", {"rec_loss": "sampled"}, "`rec_loss='sampled'`"),
        ("cosreg", {"rec_loss": "bpr", "item_updates": "lazy"}, "`item_updates='lazy'`"),
        ("item-uniformity", {"item_block": 5}, "item_block=0"),
        ("spectrum", {"item_block": 5, "rec_loss": "bpr"}, "item_block=0"),
        ("normalized", {"item_block": 5}, "item_block=0"),
        ("adversarial", {"item_block": 5}, "item_block=0"),
        ("directau", {"item_block": 5}, "item_block=0"),
        ("directau", {"world": World(0, 2)}, "without torchrun"),
    ],
)
def test_what_does_not_go_together_is_refused(trainer, name, settings, named):
    with pytest.raises(UserError, match=named) as error:
        trainer(name, **settings)
    assert name in str(error.value)


@pytest.mark.parametrize(
    "settings", [{"rec_loss": "bpr", "item_updates": "lazy"}, {"rec_loss": "sampled", "item_block": 5}]
)
def test_cosines_of_sampled_items_go_with_sparse_gradients(trainer, settings):
    sparse, dense = trainer("normalized", **settings), trainer("normalized", rec_loss=settings["rec_loss"])
    assert first_step(sparse) == pytest.approx(first_step(dense), rel=1e-5)


def test_a_refusal_is_one_sentence_and_leaves_nothing_behind(log, tmp_path, capfd):
    words = tiny_runs.options(log, variant="gating", rec_loss="bce")
    assert "--rec-loss" in mistake(capfd, "train", *words, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()
