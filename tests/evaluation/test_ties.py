"""Ties: metrics in expectation against every order and many random orders, other conventions, old runs."""

from __future__ import annotations

import json
import math
import shutil
from itertools import permutations

import numpy as np
import pytest
import tiny_runs
import torch
from hypothesis import given
from hypothesis import strategies as st

from degen.analysis.statistics.differences import compare_users
from degen.config.settle import settle
from degen.errors import UserError
from degen.evaluation.evaluate import target_ranks
from degen.evaluation.export import export
from degen.evaluation.ranking import TIES, Ranks, discounted_gain, hit_rate, hits, ndcg, ranking_metrics
from degen.evaluation.restore import restore
from degen.evaluation.stored_ranks import known_ranks, other_ties, user_accuracy
from degen.runs.directory import RunDirectory
from degen.training.loop import train

METRICS = {"HR": np.ones_like, "NDCG": lambda rank: 1 / np.log2(rank + 1), "MRR": lambda rank: 1 / rank}


def at_ranks(ranks, k: int) -> dict[str, np.ndarray]:
    """Each metric of known ranks, as the textbook has it."""
    ranks = np.asarray(ranks, dtype=float)
    return {name: np.where(ranks <= k, of(ranks), 0) for name, of in METRICS.items()}


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.integers(1, 7), st.data())
def test_expectation_is_the_mean_over_every_order_of_tied_items(scores, k, data):
    target = data.draw(st.integers(0, len(scores) - 1))
    ranks = [
        1 + sorted(order, key=lambda item: -scores[item]).index(target)  # sorting is stable
        for order in permutations(range(len(scores)))
    ]
    found = target_ranks(torch.tensor([scores], dtype=torch.float32), torch.tensor([target]))
    wanted = {name: values.mean() for name, values in at_ranks(ranks, k).items()}
    assert hit_rate(found, k) == pytest.approx(wanted["HR"], abs=1e-15)
    assert ndcg(found, k) == pytest.approx(wanted["NDCG"], abs=1e-15)
    assert found.mean.tolist() == [np.mean(ranks)]


def test_expectation_is_the_mean_over_random_orders_and_half_ranks_are_not(rng):
    scores = np.rint(rng.normal(size=(300, 500)) * 2)  # rounded, so that hundreds are tied
    targets = scores.argsort(axis=1)[np.arange(300), rng.integers(400, 500, 300)]
    found = ranking_metrics(target_ranks(torch.from_numpy(scores), torch.from_numpy(targets)))
    drawn = []
    for _ in range(300):
        noisy = scores + 0.1 * rng.random(scores.shape)
        ranks = 1 + (noisy > noisy[np.arange(300), targets][:, None]).sum(axis=1)
        drawn.append([value.mean() for k in (5, 10, 20) for value in at_ranks(ranks, k).values()])
    names = [f"{name}@{k}" for k in (5, 10, 20) for name in METRICS]
    error = np.std(drawn, axis=0, ddof=1) / math.sqrt(len(drawn))
    distance = (np.array([found[name] for name in names]) - np.mean(drawn, axis=0)) / error
    assert np.abs(distance).max() < 4
    half = target_ranks(torch.from_numpy(scores), torch.from_numpy(targets)).counting("half")
    assert hit_rate(half, 10) < 0.8 * found["HR@10"]


def test_expectation_of_ndcg_is_that_of_scikit_learn(rng):
    from sklearn.metrics import ndcg_score  # which averages over ties

    scores, targets = rng.integers(0, 5, size=(40, 30)).astype(float), rng.integers(0, 30, 40)
    ranks = target_ranks(torch.from_numpy(scores), torch.from_numpy(targets))
    for k in (1, 5, 10):
        assert ndcg(ranks, k) == pytest.approx(ndcg_score(np.eye(30)[targets], scores, k=k), rel=1e-12)


@pytest.mark.parametrize("ties", TIES)
def test_without_ties_every_convention_gives_the_same_bits(ties, rng):
    ranks = rng.integers(1, 40, 500)
    places = Ranks(ranks - 1.0, np.zeros(500, dtype=np.int64), ties)
    for k in (5, 10, 20):
        wanted = at_ranks(ranks, k)
        assert hits(places, k).tolist() == wanted["HR"].tolist()
        assert discounted_gain(places, k).tolist() == wanted["NDCG"].tolist()
        assert ranking_metrics(places)[f"HR@{k}"] == float(np.mean(ranks <= k))
        assert ranking_metrics(places)[f"MRR@{k}"] == float(wanted["MRR"].mean())
    assert ranking_metrics(places) == ranking_metrics(ranks)


def test_conventions_by_hand():
    # Two items above the target, three beside it: its rank is 3, 4, 5 or 6.
    places = Ranks(np.array([2.0]), np.array([3]))
    assert {ties: hit_rate(places.counting(ties), 4) for ties in TIES} == {
        "expected": 0.5,
        "half": 0.0,
        "optimistic": 1.0,
        "pessimistic": 0.0,
    }
    assert ndcg(places.counting("half"), 10) == pytest.approx(1 / math.log2(5.5))
    assert ndcg(places.counting("pessimistic"), 10) == pytest.approx(1 / math.log2(7))
    assert all(places.counting(ties).mean.tolist() == [4.5] for ties in TIES)


def test_a_tie_across_the_whole_catalogue(rng):
    places = Ranks(np.zeros(3), np.full(3, 10**7))
    assert hits(places, 20).tolist() == pytest.approx([20 / (10**7 + 1)] * 3, rel=1e-12)


# Runs


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    log = tiny_runs.write_log(tmp_path / "toy.txt")
    return train(tiny_runs.tiny_config(log, variant="sasrec", epochs=1), tmp_path / "run")


def collapse(run: RunDirectory) -> None:
    """Make all items alike, so that every score is tied."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(run.path / "best.safetensors", "numpy") as stored:
        weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        about = stored.metadata()
    name = next(name for name in weights if "item" in name)
    weights[name] = np.zeros_like(weights[name])
    save_file(weights, run.path / "best.safetensors", about)
    (run.path / "manifest.json").unlink()


def aged(run: RunDirectory) -> RunDirectory:
    """The run as a version of degen without this key wrote it."""
    config = run.path / "config.toml"
    text = config.read_text(encoding="utf-8")
    assert 'ties = "expected"\n' in text
    config.write_text(text.replace('ties = "expected"\n', ""), encoding="utf-8")
    test = {key: value for key, value in run.test.items() if key != "ties"}
    (run.path / "test.json").write_text(json.dumps(test), encoding="utf-8")
    (run.path / "manifest.json").unlink(missing_ok=True)
    return RunDirectory(run.path)


def test_a_run_names_its_convention_and_an_old_one_has_half(run):
    assert (run.ties, run.test["ties"]) == ("expected", "expected")
    old = aged(run)
    assert old.ties == settle(old.path / "config.toml").evaluation.ties == "half"
    assert restore(old, "cpu").metrics("test")["ties"] == "half"


def test_a_file_with_few_keys_is_no_old_run(tmp_path):
    (tmp_path / "mine.toml").write_text("[evaluation]\nscore_block = 64\n", encoding="utf-8")
    assert settle(tmp_path / "mine.toml").evaluation.ties == "expected"


def test_a_run_that_goes_on_keeps_its_convention(run):
    old = aged(run)
    longer = tiny_runs.tiny_config(run.config["data"]["dataset"], variant="sasrec", epochs=2)
    assert longer.evaluation.ties == "expected"
    went_on = train(longer, old.path, resume=True)
    assert (len(went_on.metrics), went_on.ties, went_on.test["ties"]) == (2, "half", "half")


def test_metrics_of_a_collapsed_run_by_each_convention(run):
    collapse(run)
    n = len(run.items)
    restored = restore(run, "cpu")
    assert restored.metrics("test")["HR@5"] == pytest.approx(5 / n)
    assert restored.counting("optimistic").metrics("test")["HR@5"] == 1
    assert restored.counting("half").metrics("test")["HR@5"] == 0
    with pytest.raises(UserError, match="did you mean 'half'"):
        restored.counting("halve")


def test_an_export_knows_the_ties(run, tmp_path):
    collapse(run)
    restored = restore(run, "cpu")
    (run.path / "test.json").write_text(json.dumps(restored.metrics("test")), encoding="utf-8")
    run = RunDirectory(run.path)
    export(restored, "test", run.path / "export")
    better, tied = (np.load(run.path / "export" / name) for name in ("better.npy", "tied.npy"))
    assert (better.dtype, tied.dtype) == (np.int32, np.int32)
    n = len(run.items)
    assert (set(better), set(tied)) == ({0}, {n - 1})
    assert set(np.load(run.path / "export" / "ranks.npy")) == {(n + 1) / 2}
    notes: list[str] = []
    ranks = known_ranks(run, notes)
    assert notes == []
    assert ranks is not None
    assert user_accuracy(ranks)["HR@5"].tolist() == pytest.approx([5 / n] * len(ranks))

    # Without the files of ties, mean ranks do not give test.json; an old run's do.
    for name in ("better.npy", "tied.npy"):
        (run.path / "export" / name).unlink()
    assert known_ranks(run, notes) is None
    assert "renews it" in notes[0]
    old = aged(run)
    test = restore(old, "cpu").metrics("test")
    (old.path / "test.json").write_text(json.dumps(test), encoding="utf-8")
    ranks = known_ranks(RunDirectory(old.path), notes)
    assert ranks is not None
    assert hit_rate(ranks, 5) == test["HR@5"] == 0


def test_runs_of_two_conventions_are_compared_with_a_note(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "old")
    old = aged(RunDirectory(tmp_path / "old"))
    [note] = other_ties([run, old])
    assert f"{old.path} by `evaluation.ties='half'`" in note
    assert other_ties([run, run]) == []
    places = Ranks(np.array([0.0, 4.0, 4.0]), np.array([0, 3, 3]))
    compared = {one.measure: one for one in compare_users(*map(user_accuracy, (places, places)))}
    assert compared["HR@5"].difference == 0
