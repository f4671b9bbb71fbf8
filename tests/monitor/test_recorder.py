"""A foreign loop's run directory: what is in it, who reads it, and what is refused."""

from __future__ import annotations

import gc
import itertools
import math
import multiprocessing
import subprocess
import sys

import numpy as np
import pytest
import torch
from commands import mistake, result_of

import degen
from degen.errors import UserError
from degen.runs.directory import RunDirectory, find_runs

N, D, M = 40, 6, 30
FREQUENCY = np.arange(N)[::-1]


@pytest.fixture
def V(rng) -> np.ndarray:
    return rng.normal(size=(N, D)) + 0.7


@pytest.fixture
def h(rng) -> np.ndarray:
    return rng.normal(size=(M, D))


def pair_mean(rows, value):
    """The mean of `value(unit i, unit j)` over all pairs i < j, as a loop."""
    units = [row / math.sqrt(sum(x * x for x in row)) for row in np.asarray(rows, dtype=np.float64)]
    values = [value(a, b) for a, b in itertools.combinations(units, 2)]
    return math.fsum(values) / len(values)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_epoch_is_a_line_with_measures_of_both_matrices(tmp_path, V, h):
    monitor = degen.Monitor(tmp_path / "toy" / "gru-s3", FREQUENCY)
    twin = h + 0.1
    row = monitor.record(
        1, V, {"loss": 2.5, "hit@10": 0.25}, representations=h, alignment=(h, twin), alignment_dropout=(h, h)
    )
    assert RunDirectory(monitor.out).metrics == [row]
    assert row["epoch"] == 1
    assert row["loss"] == 2.5
    assert row["valid_HR@10"] == 0.25
    assert row["average_cosine"] == pytest.approx(pair_mean(V, np.dot), abs=1e-12)
    s = np.linalg.svd(V, compute_uv=False)
    assert row["sigma2_ratio"] == pytest.approx(s[1] / s[0], rel=1e-9)
    assert row["effective_rank"] == pytest.approx(
        math.exp(-sum(p * math.log(p) for p in s / s.sum())), rel=1e-9
    )
    potential = pair_mean(h, lambda a, b: math.exp(-2 * ((a - b) ** 2).sum()))
    assert row["uniformity"] == pytest.approx(math.log(potential), abs=1e-12)
    units = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (h, twin)]
    assert row["alignment"] == pytest.approx(np.mean(((units[0] - units[1]) ** 2).sum(1)), abs=1e-12)
    assert row["alignment_dropout"] == 0
    assert "alignment_same_target" not in row


def test_the_files_are_those_of_a_run(tmp_path, V):
    out = tmp_path / "toy" / "gru-s3"
    items = [f"item {row}" for row in range(N)]
    with degen.Monitor(out, FREQUENCY, items=items, keep_embeddings=2) as monitor:
        for epoch in range(1, 5):
            monitor.record(epoch, epoch * V, {"NDCG@10": [0.1, 0.3, 0.2, 0.3][epoch - 1]})
        monitor.finish({"test_recall@5": 0.2, "NDCG@10": 0.125})
    assert files(out) == [
        "config.toml",
        "embeddings/e002.npy",
        "embeddings/e004.npy",
        "environment.json",
        "item_embeddings.npy",
        "item_frequency.npy",
        "items.txt",
        "manifest.json",
        "metrics.jsonl",
        "test.json",
    ]
    run = degen.open_run(out)
    assert (run.dataset, run.variant, run.seed, run.state) == ("toy", "gru", 3, "finished")
    assert run.items == items
    assert run.item_frequency.dtype == np.int64
    np.testing.assert_array_equal(run.item_frequency, FREQUENCY)
    assert run.item_embeddings.dtype == np.float32
    np.testing.assert_array_equal(run.item_embeddings, (2 * V).astype(np.float32))
    np.testing.assert_array_equal(np.load(out / "embeddings/e004.npy"), (4 * V).astype(np.float32))
    assert run.test == {"HR@5": 0.2, "NDCG@10": 0.125, "epoch": 2, "split": "test"}
    assert [row["best_epoch"] for row in run.metrics] == [1, 2, 2, 2]


def test_a_torch_parameter_is_measured_as_numpy_is(tmp_path, V, h):
    weight = torch.nn.Parameter(torch.tensor(V))
    weight.sum().backward()
    gradient = weight.grad.clone()
    rows = [
        degen.Monitor(tmp_path / name, FREQUENCY).record(1, item, representations=representations)
        for name, item, representations in [("a", V, h), ("b", weight, torch.tensor(h, requires_grad=True))]
    ]
    for key in ("average_cosine", "effective_rank", "sigma2_ratio", "uniformity"):
        assert rows[1][key] == pytest.approx(rows[0][key], rel=1e-12)
    assert (tmp_path / "a/item_embeddings.npy").read_bytes() == (
        tmp_path / "b/item_embeddings.npy"
    ).read_bytes()
    assert torch.equal(weight.grad, gradient)


def test_uniformity_is_of_the_same_rows_each_epoch(tmp_path, V, h):
    monitor = degen.Monitor(tmp_path / "run", FREQUENCY, probe_samples=10, probe_seed=4)
    drawn = np.sort(np.random.default_rng(4).choice(M, 10, replace=False))
    kernel = lambda a, b: math.exp(-2 * ((a - b) ** 2).sum())  # noqa: E731
    for epoch, shift in enumerate([0.0, 1.0], start=1):
        row = monitor.record(epoch, V, representations=h + shift)
        assert row["uniformity"] == pytest.approx(math.log(pair_mean((h + shift)[drawn], kernel)), abs=1e-12)
    with pytest.raises(UserError, match=r"representations has 29 rows, and had 30 before"):
        monitor.record(3, V, representations=h[1:])


def test_the_place_names_the_run_unless_arguments_do(tmp_path):
    def named(place, **given):
        run = RunDirectory(degen.Monitor(tmp_path / place, FREQUENCY, **given).out)
        return run.dataset, run.variant, run.seed

    assert named("beauty/sasrec-bce-s12") == ("beauty", "sasrec-bce", 12)
    assert named("beauty/mine") == ("beauty", "mine", 0)
    assert named("beauty/x-s1", variant="GRU", dataset="Beauty 2014", seed=5) == ("Beauty 2014", "GRU", 5)


def test_the_commands_read_it(tmp_path, V, h):
    for variant, loud in (("gru-s0", 0.1), ("caser-s0", 0.2)):
        with degen.Monitor(tmp_path / "toy" / variant, FREQUENCY) as monitor:
            for epoch in (1, 2, 3):
                views = h + loud * epoch
                metrics = {"HR@5": 0.01 * epoch, "NDCG@10": 0.02 * epoch}
                monitor.record(epoch, V + epoch, metrics, representations=views, alignment=(h, views))
    listed = result_of("runs", tmp_path)
    assert [(row["variant"], row["epochs"], row["state"], row["HR@5"]) for row in listed] == [
        ("caser", 3, "finished", None),
        ("gru", 3, "finished", None),
    ]
    for command in ("plot-svd", "uniformity", "dynamics"):
        assert result_of(command, tmp_path / "toy", "--out", tmp_path / "figures")
    assert {path.suffix for path in (tmp_path / "figures").glob("[!.]*")} == {".pdf", ".png", ".csv"}
    assert result_of("analyze", tmp_path)
    assert result_of("report", tmp_path, "--out", tmp_path / "report.html")
    table = (tmp_path / "figures/uniformity-toy-caser-gru.csv").read_text(encoding="utf-8")
    assert len(table.splitlines()) == 1 + 2 * 3


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_what_needs_weights_says_that_there_are_none(tmp_path, capfd, V, command):
    with degen.Monitor(tmp_path / "run", FREQUENCY) as monitor:
        monitor.record(1, V)
    assert "recorded by degen.Monitor from another training loop" in mistake(capfd, command, tmp_path / "run")


def test_training_does_not_resume_it(tmp_path, capfd, V):
    with degen.Monitor(tmp_path / "run", FREQUENCY) as monitor:
        monitor.record(1, V)
    said = mistake(capfd, "train", "--dataset", "synthetic", "--out", tmp_path / "run", "--resume")
    assert "recorded by degen.Monitor" in said


# Going on


def test_a_run_is_refused_unless_it_is_to_be_resumed_or_overwritten(tmp_path, V):
    out = tmp_path / "run"
    degen.Monitor(out, FREQUENCY).record(1, V)
    with pytest.raises(UserError, match=r"unfinished run; add .*resume=True.*overwrite=True"):
        degen.Monitor(out, FREQUENCY)
    with degen.Monitor(out, FREQUENCY, overwrite=True) as monitor:
        assert monitor.rows == []
        assert not (out / "item_embeddings.npy").exists()
        monitor.record(1, V)
    with pytest.raises(UserError, match=r"finished run; add .*overwrite=True"):
        degen.Monitor(out, FREQUENCY)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.txt").touch()
    with pytest.raises(UserError, match=r"not empty and is no run"):
        degen.Monitor(tmp_path / "other", FREQUENCY, overwrite=True)


def test_a_resumed_run_goes_on_and_is_as_if_it_had_not_stopped(tmp_path, V):
    scores = [0.1, 0.4, 0.2, 0.3, 0.5]

    def go(out, epochs, **options):
        with degen.Monitor(out, FREQUENCY, variant="gru", keep_embeddings=2, **options) as monitor:
            for epoch in epochs:
                monitor.record(epoch, epoch * V, {"NDCG@10": scores[epoch - 1]})

    go(tmp_path / "whole", range(1, 6))
    go(tmp_path / "parts", range(1, 4), resume=True)
    go(tmp_path / "parts", range(3, 6), resume=True)  # the loop's own checkpoint was of epoch 2
    timeless = [
        [{key: row[key] for key in row if not key.endswith("_seconds")} for row in RunDirectory(path).metrics]
        for path in (tmp_path / "whole", tmp_path / "parts")
    ]
    assert timeless[0] == timeless[1]
    for name in (
        "item_embeddings.npy",
        "embeddings/e002.npy",
        "embeddings/e004.npy",
        "test.json",
        "config.toml",
    ):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


def test_going_back_forgets_what_followed(tmp_path, V):
    out = tmp_path / "run"
    with degen.Monitor(out, FREQUENCY, keep_embeddings=1) as monitor:
        for epoch in (1, 2, 3):
            monitor.record(epoch, epoch * V, {"NDCG@10": 0.1 * epoch})
    with degen.Monitor(out, FREQUENCY, keep_embeddings=1, resume=True) as monitor:
        assert (out / "test.json").exists()
        monitor.record(2, 7 * V, {"NDCG@10": 0.05})
        assert not (out / "test.json").exists()
    assert [row["epoch"] for row in RunDirectory(out).metrics] == [1, 2]
    assert files(out / "embeddings") == ["e001.npy", "e002.npy"]
    np.testing.assert_array_equal(RunDirectory(out).item_embeddings, (7 * V).astype(np.float32))
    assert RunDirectory(out).test["epoch"] == 2


def test_a_resumed_run_keeps_its_settings_and_items(tmp_path, V):
    out = tmp_path / "run"
    degen.Monitor(out, FREQUENCY, best="HR@5").record(1, V, {"hr@5": 0.1})
    with pytest.raises(UserError, match=r"monitor.best = 'valid_HR@5', not 'valid_NDCG@10'"):
        degen.Monitor(out, FREQUENCY, resume=True)
    with pytest.raises(UserError, match=r"started with other items or another item_frequency"):
        degen.Monitor(out, FREQUENCY + 1, best="HR@5", resume=True)
    with pytest.raises(UserError, match=r"started with other items"):
        degen.Monitor(out, FREQUENCY, items=range(1, N + 1), best="HR@5", resume=True)
    degen.Monitor(out, FREQUENCY, best="HR@5", keep_embeddings=2, resume=True).record(2, V, {"hr@5": 0.2})


def test_a_line_that_no_monitor_wrote_is_named(tmp_path, V):
    degen.Monitor(tmp_path / "run", FREQUENCY).record(1, V)
    with (tmp_path / "run/metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2}\n')
    with pytest.raises(UserError, match=r"metrics.jsonl line 2 lacks epoch or best_epoch"):
        degen.Monitor(tmp_path / "run", FREQUENCY, resume=True)


def test_an_error_in_the_loop_leaves_the_run_unfinished(tmp_path, V):
    def loop():
        with degen.Monitor(tmp_path / "run", FREQUENCY) as monitor:
            monitor.record(1, V)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    assert RunDirectory(tmp_path / "run").state == "unfinished"
    assert not (tmp_path / "run/.training").exists()


# One writer


def _open_elsewhere(out, said):
    try:
        degen.Monitor(out, FREQUENCY, resume=True)
    except UserError as error:
        said.put(str(error))


def test_another_process_is_refused_while_a_monitor_is_open(tmp_path):
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    monitor = degen.Monitor(tmp_path / "run", FREQUENCY)
    other = context.Process(target=_open_elsewhere, args=(tmp_path / "run", said))
    other.start()
    assert "another process trains into" in said.get(timeout=120)
    other.join()
    monitor.close()


def test_a_cell_that_is_run_again_takes_the_place_of_its_earlier_run(tmp_path, V):
    first = degen.Monitor(tmp_path / "run", FREQUENCY)
    first.record(1, V)
    second = degen.Monitor(tmp_path / "run", FREQUENCY, overwrite=True)
    with pytest.raises(UserError, match=r"monitor of .*run is closed; open it again with `resume=True`"):
        first.record(2, V)
    first.close()
    second.record(1, V)
    assert (tmp_path / "run/.training").exists()


def test_a_monitor_that_is_forgotten_holds_nothing(tmp_path):
    degen.Monitor(tmp_path / "run", FREQUENCY)
    gc.collect()
    assert not (tmp_path / "run/.training").exists()


# What is refused


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"item_embeddings": np.ones((N + 1, D))}, r"has 41 rows and item_frequency 40 counts; .*\[1:\]"),
        ({"item_embeddings": np.full((N, D), np.inf)}, r"item_embeddings holds NaN or infinity in row 0"),
        ({"epoch": 0.5}, r"epoch is 0.5; give its number"),
        ({"epoch": -1}, r"epoch is -1; count from 0 or 1"),
        ({"epoch": 1}, r"epoch 1 comes after epoch 1; record each once, in order"),
        ({"metrics": {"loss": math.nan}}, r"metrics\['loss'\] is nan"),
        ({"metrics": {"sigma2_ratio": 0.5}}, r"metrics has 'sigma2_ratio', which the monitor writes itself"),
        ({"metrics": {"best_epoch": 1}}, r"metrics has 'best_epoch'"),
        ({"metrics": {"HR@5": 0.1}}, r"lacks 'valid_HR@10', .*did you mean 'valid_HR@5'"),
        ({"alignment": np.ones((3, 2))}, r"alignment takes two arrays"),
        ({"alignment": (np.ones((3, 2)), np.ones((4, 2)))}, r"views of shape \[3, 2\] and \[4, 2\]"),
        ({"alignment_dropout": ("x", "y")}, r"alignment_dropout\[0\] .*\[n, d\]"),
        ({"representations": np.ones(3)}, r"representations has shape \(3,\)"),
        ({"representations": np.ones((1, 3))}, r"at least 2 rows"),
    ],
)
def test_an_epoch_that_does_not_fit_is_refused_and_nothing_is_written(tmp_path, V, given, said):
    monitor = degen.Monitor(tmp_path / "run", FREQUENCY, best="HR@10", keep_embeddings=1)
    monitor.record(1, V, {"HR@10": 0.1})
    before = {name: (monitor.out / name).read_bytes() for name in files(monitor.out)}
    with pytest.raises(UserError, match=said):
        monitor.record(**{"epoch": 2, "item_embeddings": V, "metrics": {"HR@10": 0.2}} | given)
    assert {name: (monitor.out / name).read_bytes() for name in files(monitor.out)} == before
    monitor.record(2, V, {"HR@10": 0.2})


def test_uniformity_of_your_own_is_kept_where_the_monitor_measures_none(tmp_path, V, h):
    monitor = degen.Monitor(tmp_path / "run", FREQUENCY)
    assert monitor.record(1, V, {"uniformity": -3.5})["uniformity"] == -3.5
    with pytest.raises(UserError, match="'uniformity', which the monitor writes itself"):
        monitor.record(2, V, {"uniformity": -3.5}, representations=h)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"item_frequency": [1, 2, -1]}, r"item_frequency, .* must hold one whole number, 0 or more"),
        ({"item_frequency": [1.5, 2]}, r"item_frequency"),
        ({"item_frequency": [[1, 2]]}, r"item_frequency, int64 \[1, 2\]"),
        ({"item_frequency": ["a", "b"]}, r"item_frequency"),
        ({"item_frequency": [3]}, r"at least two items"),
        ({"items": ["a"]}, r"items has 1 ids and item_frequency 40 counts"),
        ({"items": ["a"] * N}, r"two equal ids"),
        ({"items": [*"ab\n", *range(N - 3)]}, r"line break"),
        ({"mode": "most"}, r"`mode` takes 'max' or 'min'"),
        ({"keep_embeddings": 0}, r"`keep_embeddings` is 0; give 1 or more"),
        ({"probe_samples": 1}, r"`probe_samples` is 1; give 2 or more"),
        ({"resume": True, "overwrite": True}, r"choose one of the two"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_anything_is_written(tmp_path, given, said):
    with pytest.raises(UserError, match=said):
        degen.Monitor(**{"out": tmp_path / "run", "item_frequency": FREQUENCY} | given)
    assert not (tmp_path / "run").exists()


def test_a_run_without_an_epoch_cannot_be_finished(tmp_path):
    with (
        degen.Monitor(tmp_path / "run", FREQUENCY) as monitor,
        pytest.raises(UserError, match="no epoch yet"),
    ):
        monitor.finish()
    assert find_runs(tmp_path)[0].state == "unfinished"


def test_the_test_may_be_of_another_epoch_and_come_later(tmp_path, V):
    monitor = degen.Monitor(tmp_path / "run", FREQUENCY)
    for epoch in (0, 1):
        monitor.record(epoch, V, {"NDCG@10": 0.5 - 0.1 * epoch})
    assert monitor.finish().test == {"epoch": 0, "split": "test"}
    with pytest.raises(UserError, match="metrics has 'epoch', which the monitor writes itself"):
        monitor.finish({"epoch": 1})
    assert monitor.finish({"hit@5": 0.1}, epoch=1).test == {"HR@5": 0.1, "epoch": 1, "split": "test"}


def test_it_needs_neither_torch_nor_a_drawing_library(tmp_path):
    script = (
        "import sys, numpy as np, degen\n"
        "monitor = degen.Monitor('run', [3, 2, 1])\n"
        "monitor.record(1, np.eye(3), {'NDCG@10': .1}, representations=np.eye(3))\n"
        "monitor.finish()\n"
        "assert not {'torch', 'matplotlib', 'pandas'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=120)


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\u2028b", "a\x0bb", "a\ud800"])
def test_an_id_that_is_no_line_of_text_is_refused(tmp_path, name):
    items = [name, *map(str, range(1, N))]
    with pytest.raises(UserError, match=r"items has the id .*give each item an id in one line"):
        degen.Monitor(tmp_path / "run", FREQUENCY, items=items)
    assert not (tmp_path / "run").exists()


def test_a_finished_result_stays_until_the_longer_one_is_finished(tmp_path, V):
    out = tmp_path / "run"
    with degen.Monitor(out, FREQUENCY) as monitor:
        monitor.record(1, V, {"NDCG@10": 0.1})
        monitor.finish({"HR@10": 0.25})
    monitor = degen.Monitor(out, FREQUENCY, resume=True)
    monitor.record(2, 2 * V, {"NDCG@10": 0.2})
    monitor.close()  # as where the loop ends by an error
    run = RunDirectory(out)
    assert (run.state, run.extending, run.test["HR@10"], run.test["epoch"]) == ("finished", True, 0.25, 1)
    np.testing.assert_array_equal(run.item_embeddings, V.astype(np.float32))
    with degen.Monitor(out, FREQUENCY, resume=True) as monitor:
        monitor.record(3, 3 * V, {"NDCG@10": 0.15})
    run = RunDirectory(out)
    assert (run.extending, run.test["epoch"]) == (False, 2)
    np.testing.assert_array_equal(run.item_embeddings, (2 * V).astype(np.float32))
    assert not (out / "extension").exists()
