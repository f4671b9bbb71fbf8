"""Whole runs of the baselines: what they write, resuming, evaluating, and what is refused."""

from __future__ import annotations

from inspect import signature

import commands
import numpy as np
import pytest
import tiny_runs
import torch
from baseline_runs import TIMES, baseline_config
from safetensors import safe_open

from degen.config.baseline import RECIPES, USED, has_use_for, recipes_of
from degen.config.facts import KEYS
from degen.config.settle import by_group, settle
from degen.errors import UserError
from degen.evaluation.export import export
from degen.evaluation.restore import restore
from degen.model.baselines.declared import BASELINES
from degen.runs.choose import by_variant
from degen.runs.directory import RunDirectory
from degen.training.distributed import World
from degen.training.loop import train
from degen.training.rules import why_alone
from degen.training.trainer import Trainer

EACH = [(name, recipe) for name in BASELINES for recipe in recipes_of(name)]


def kept(run: RunDirectory) -> tuple[object, ...]:
    """All that training determines, to the bit."""
    rows = [{key: value for key, value in row.items() if key not in TIMES} for row in run.metrics]
    weights = []
    for name in ("best.safetensors", "last.safetensors"):
        with safe_open(run.path / name, framework="np") as file:  # the order of metadata is not fixed
            tensors = {key: file.get_tensor(key).tobytes() for key in file.keys()}  # noqa: SIM118
            weights.append((file.metadata(), tensors))
    return rows, weights, run.item_embeddings.tobytes(), run.test


@pytest.fixture(scope="module", params=EACH, ids="-".join)
def finished(request, log, tmp_path_factory) -> RunDirectory:
    name, recipe = request.param
    config = baseline_config(log, name, recipe=recipe, epochs=3)
    return train(config, tmp_path_factory.mktemp("finished") / f"{name}-s0")


def test_a_run_learns_and_writes_what_every_run_does(finished):
    rows = finished.metrics
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["recommendation_loss"] < rows[0]["recommendation_loss"]
    assert rows[-1]["alignment"] is None
    assert rows[-1]["alignment_same_target"] is not None
    assert finished.item_embeddings.shape == (tiny_runs.ITEMS, 8)
    biased = finished.config["baseline"]["output_bias"]
    assert (finished.path / "item_bias.npy").exists() == biased
    assert finished.test["users"] == tiny_runs.USERS


def test_a_resumed_run_is_the_whole_one_to_the_bit(finished, log, tmp_path):
    settings = {"recipe": finished.config["objective"]["recipe"]}
    for epochs in (1, 3):
        config = baseline_config(log, finished.variant, epochs=epochs, **settings)
        resumed = train(config, tmp_path / "run", resume=epochs > 1)
    assert kept(resumed) == kept(finished)


def test_a_run_is_restored_with_its_scores(finished, tmp_path):
    restored = restore(finished, "cpu")
    found = restored.metrics("test")
    assert {key: found[key] for key in finished.test} == finished.test
    export(restored, "test", tmp_path)
    h = np.load(tmp_path / "sequence_representations.npy").astype(np.float64)
    scores = h @ finished.item_embeddings.T.astype(np.float64)
    if finished.config["baseline"]["output_bias"]:
        scores += np.load(finished.path / "item_bias.npy")
    targets = np.load(tmp_path / "targets.npy")
    own = scores[np.arange(len(targets)), targets][:, None]
    ranks = 1 + (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
    # Float32 scores may tie or swap where those in double precision differ in the last digits.
    assert np.mean(ranks == np.load(tmp_path / "ranks.npy")) > 0.9


def test_the_keys_that_a_baseline_uses_are_those_of_its_constructor():
    for name, variant in BASELINES.items():
        constructor = set(signature(variant.architecture).parameters)
        constructor -= {"n_items", "n_users", "seed", "settings"}
        own = {key for key in USED[name] if KEYS[key][0] in ("model", "baseline")}
        assert own >= constructor, name
        assert USED[name] <= set(KEYS), name
    assert set(USED) == set(RECIPES) == set(BASELINES)


def test_every_recipe_sets_keys_that_exist():
    for recipes in RECIPES.values():
        for values in recipes.values():
            for group, keys in values.items():
                assert all(KEYS[key][0] == group for key in keys)


def test_recipes_of_options_and_files_override_in_order(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('[objective]\nvariant = "gru4rec"\nrecipe = "recbole"\n[baseline]\ngru_bias = true\n')
    assert settle(file).baseline.gru_bias  # a key of the file overrides the recipe that it names
    assert settle(file).training.stop_on == "MRR@10"
    again = settle(file, {"objective": {"recipe": "recbole"}})
    assert not again.baseline.gru_bias  # a recipe that is typed overrides the file
    plain = settle(file, {"objective": {"recipe": "fixed"}})
    assert (plain.training.stop_on, plain.objective.padding_class) == ("NDCG@10", False)
    assert settle(options=by_group({"variant": "GRU4Rec"})).objective.recipe == "fixed"
    assert settle(options=by_group({"variant": "duorec"})).objective.recipe == "paper"


def test_the_configuration_of_a_run_repeats_it(finished):
    assert settle(finished.path / "config.toml").toml() == (finished.path / "config.toml").read_text()


def test_a_library_recipe_is_part_of_the_name(log, tmp_path):
    runs = []
    for recipe in ("recbole", "fixed"):
        config = baseline_config(log, "gru4rec", recipe=recipe, epochs=1)
        runs.append(train(config, tmp_path / recipe))
    assert list(by_variant(runs)) == ["gru4rec fixed", "gru4rec recbole"]
    assert list(by_variant(runs[:1])) == ["gru4rec recbole"]
    assert list(by_variant(runs[1:])) == ["gru4rec"]


# What is refused


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--variant", "gru4rec", "--lambda", "0.2"], "--lambda"),
        (["--variant", "gru4rec", "--gamma", "1"], "--gamma"),
        (["--variant", "gru4rec", "--temperature", "2"], "--temperature"),
        (["--variant", "gru4rec", "--heads", "4"], "--heads"),
        (["--variant", "gru4rec", "--hidden-dropout", "0.1"], "--hidden-dropout"),
        (["--variant", "gru4rec", "--engine", "plain"], "--engine"),
        (["--variant", "bpr-mf", "--batch-by", "users"], "--batch-by"),
        (["--variant", "caser", "--batch-by", "users"], "--batch-by"),
        (["--variant", "bpr-mf", "--rec-loss", "ce"], "--rec-loss"),
        (["--variant", "gru4rec", "--recipe", "official"], "--recipe fixed"),
        (["--variant", "sasrec", "--recipe", "recbole"], "--recipe official"),
        (["--variant", "sasrec", "--hidden-size", "8"], "--hidden-size"),
        (["--variant", "sasrec,duorec", "--hidden-size", "8"], "--hidden-size"),
        (["--variant", "sasrec,gru4rec", "--set", "baseline.nothere=1"], "nothere"),
    ],
    ids=" ".join,
)
def test_an_option_without_a_use_is_refused_in_one_sentence(words, option, capfd, tmp_path):
    out = tmp_path / "run"
    message = commands.mistake(capfd, "train", *words, "--out", out)
    assert option in message
    assert not out.exists()


def test_several_variants_take_the_options_that_each_has_a_use_for():
    words = ["train", "--variant", "sasrec,gru4rec,duorec", "--lambda", "0.2", "--recipe", "official"]
    found = commands.result_of(*words, "--dropout", "0.25", "--print-config")
    objectives = [config["objective"] for config in found]
    assert [o["recipe"] for o in objectives] == ["official", "fixed", "official"]
    assert [o["lambda"] for o in objectives] == [0.1, 0.1, 0.2]  # DuoRec alone contrasts
    assert [config["model"]["embedding_dropout"] for config in found] == [0.25] * 3
    assert found[1]["model"]["hidden_dropout"] == 0.5


def test_sets_of_variants():
    def named(word):
        found = commands.result_of("train", "--variant", word, "--print-config")
        return [config["objective"]["variant"] for config in found]

    assert named("baselines,sasrec") == [*BASELINES, "sasrec"]
    table = named("table2")
    assert [name for name in table if name in BASELINES] == list(BASELINES)
    assert [name for name in table if name not in BASELINES][:2] == ["sasrec", "cl4srec"]


@pytest.mark.parametrize("name", BASELINES)
def test_stacks_and_several_processes_are_refused(name, log, dataset):
    config = baseline_config(log, name)
    assert name in why_alone(config, 20, torch.device("cpu"))
    with pytest.raises(UserError, match="without torchrun"):
        Trainer(config, dataset, torch.device("cpu"), World(0, 2))


def test_has_use_for_knows_other_groups():
    assert has_use_for("gru4rec", "training", "epochs")
    assert has_use_for("sasrec", "training", "batch_by")
    assert not has_use_for("sasrec", "baseline", "hidden_size")
