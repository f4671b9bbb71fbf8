"""Several processes do what one does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import ranks
import tiny_runs
import torch
from commands import mistake, run
from hypothesis import given
from hypothesis import strategies as st

from degen.build import load_data
from degen.data.sampling.histories import Histories
from degen.errors import LostProcess, UserError
from degen.model.losses.blocked_softmax import MOST_SCORES
from degen.training import losses
from degen.training.distributed import World, joined
from degen.training.trainer import Trainer

pytestmark = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="this PyTorch was built without gloo, by which processes talk on the CPU",
)
TESTS = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}


@pytest.fixture(scope="module", params=[2, 3])
def folder(request, log, tmp_path_factory):
    """What `params` processes found, a file a case."""
    folder = tmp_path_factory.mktemp("ranks")
    command, processes = [sys.executable, ranks.__file__], []
    for rank in range(request.param):
        with (folder / f"said-{rank}.txt").open("w") as said:
            arguments = [*command, str(rank), str(request.param), str(folder), str(log)]
            processes.append(subprocess.Popen(arguments, env=ENVIRONMENT, stderr=said))
    ended = [process.wait(timeout=300) for process in processes]
    said = [(folder / f"said-{rank}.txt").read_text()[-3000:] for rank in range(request.param)]
    assert ended == [0] * request.param, said
    return folder


@pytest.fixture(scope="module")
def alone(log):
    """What one process finds in a case, found once."""
    return cache(lambda case: ranks.five_steps(log, case, World()))


@pytest.mark.parametrize("number", range(len(ranks.CASES)), ids=["-".join(map(str, c)) for c in ranks.CASES])
def test_several_processes_equal_one(folder, alone, number):
    case = ranks.CASES[number]
    precision, expected = case[3], alone(case)
    with np.load(folder / f"{number}.npz") as together:
        for name, value in expected.items():
            assert np.abs(together[name] - value).max() < (1e-10 if precision == "double" else 1e-5), name
    assert len(np.unique(expected["losses"], axis=0)) == 5


def first_step_by_hand(log, size: int) -> list[float]:
    """The first losses of `ranks.WITH_DROPOUT`, each process's part encoded under its own masks."""
    batches = []
    for rank in range(size):
        trainer = ranks.trainer_of(log, ranks.WITH_DROPOUT, World(rank, size), ranks.DROPOUT)
        epoch = trainer.epoch(1)
        batches.append(epoch.encode(next(epoch.batches)))
    settings, V = trainer.losses, trainer.encoder.item_embeddings
    recommendation = sum(
        losses.recommendation(settings, batch.h, V, batch.targets) * len(batch.h) / ranks.BATCH
        for batch in batches
    )
    views = {name: torch.cat([batch.views[name] for batch in batches]) for name in batches[0].views}
    contrastive = losses.contrastive(settings, views, batches[0].view_targets, 1.0)
    weight = settings.objective.lam
    return [value.item() for value in (recommendation + weight * contrastive, recommendation, contrastive)]


def test_with_dropout_processes_add_up_what_each_does_under_masks_of_its_own(folder, log):
    with np.load(folder / "dropout-0.npz") as first, np.load(folder / "dropout-1.npz") as again:
        for name in ("losses", "parameters"):
            assert np.array_equal(first[name], again[name])
        size = len(list(folder.glob("said-*.txt")))
        assert first["losses"][0] == pytest.approx(first_step_by_hand(log, size), abs=1e-10)


@pytest.mark.parametrize("size", [2, 3])
def test_every_process_draws_its_dropout_masks_from_a_stream_of_its_own(log, size):
    seeds, masks = [], set()
    for rank in range(size):
        trainer = ranks.trainer_of(log, ranks.WITH_DROPOUT, World(rank, size), ranks.DROPOUT)
        streams = [trainer.epoch(number).dropout for number in (1, 1)]
        drawn = [
            stream.mask("layer0.attention", (99,), 0.5, lambda kept: kept, torch.zeros(1)).numpy().tobytes()
            for stream in streams
        ]
        assert drawn[0] == drawn[1]
        masks.add(drawn[0])
        seeds.append(trainer.epoch(1).rng.bit_generator.state["state"])
    assert len(masks) == size
    assert all(seed == seeds[0] for seed in seeds)  # order, views and negatives are the same for all


def test_no_thread_of_gloo_outlives_its_group(folder):
    left = [path.read_text() for path in sorted(folder.glob("threads-*.txt"))]
    assert len(left) == len(list(folder.glob("said-*.txt")))
    assert not any("gloo" in threads for threads in left)


def test_the_last_batch_of_the_cases_is_uneven(log):
    config = tiny_runs.tiny_config(log, batch_size=ranks.BATCH)
    trainer = Trainer(config, load_data(config.data), torch.device("cpu"))
    assert trainer.steps_per_epoch == 5
    assert len(trainer.source.samples) % ranks.BATCH > 0


@given(st.integers(0, 50), st.integers(1, 9))
def test_every_row_is_one_processs_and_none_has_two_more_than_another(n, size):
    parts = [list(range(n))[World(rank, size).part(n)] for rank in range(size)]
    assert [row for part in parts for row in part] == list(range(n))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_a_part_of_histories_is_those_sequences(length, first, end):
    items = np.arange(sum(length))
    pieces = np.split(items, np.cumsum(length)[:-1]) if length else []
    part = Histories(items, np.array(length, dtype=np.int64))[first:end]
    assert part.items.tolist() == [item for piece in pieces[first:end] for item in piece.tolist()]
    assert part.length.tolist() == length[first:end]


def test_blocks_begin_where_the_scores_of_a_process_are_many_not_those_of_the_batch(log, dataset):
    rows = MOST_SCORES["cpu"] // tiny_runs.ITEMS + 1
    for batch_size, blocks in ((rows, False), (2 * rows, True)):
        config = tiny_runs.tiny_config(log, batch_size=batch_size)
        trainer = Trainer(config, dataset, torch.device("cpu"), World(0, 2))
        assert (trainer.softmax is not None) == blocks


# The command

# So that Adam does not turn the rounding of gradients near 0 into whole steps.
STEADY = ["--set", "training.adam_eps=1e-5"]


def torchrun(log: Path, out: Path, *more: str, size: int = 2, **settings: object) -> subprocess.Popen[str]:
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(size), "-m", "degen", "train"]
    options = [*tiny_runs.options(log, **settings), *STEADY, "--out", str(out), *more]
    return subprocess.Popen(
        [sys.executable, "-m", *launch, *options],
        env=ENVIRONMENT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_torchrun_trains_as_one_process_does_says_so_once_and_another_number_resumes(log, tmp_path):
    out, settings = tmp_path / "run", {"dropout": 0.0, "variant": "duorec"}
    first = torchrun(log, out, "--epochs", "1", "--json", **settings | {"epochs": None})
    stdout, stderr = first.communicate(timeout=200)
    assert first.returncode == 0, stderr
    assert json.loads(stdout)["run"] == str(out)
    assert stderr.count("epoch   1") == 1
    (out / "test.json").unlink()  # so that it goes on
    second = torchrun(log, out, "--epochs", "2", "--resume", size=3, **settings | {"epochs": None})
    _, stderr = second.communicate(timeout=200)
    assert second.returncode == 0, stderr

    alone = tmp_path / "alone"
    words = tiny_runs.options(log, **settings | {"epochs": 2})
    assert run("train", *words, *STEADY, "--out", alone).exit_code == 0
    rows, expected = (
        [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (out, alone)
    )
    assert len(rows) == 2
    for row, other in zip(rows, expected, strict=True):
        for name in set(row) - {"train_seconds", "eval_seconds", "samples_per_second"}:
            assert row[name] == pytest.approx(other[name], rel=1e-3), name
    tests = [json.loads((run / "test.json").read_text()) for run in (out, alone)]
    assert tests[0]["users"] == tests[1]["users"] == tiny_runs.USERS
    assert tests[0]["HR@10"] == pytest.approx(tests[1]["HR@10"], rel=1e-3)


def test_an_error_of_the_main_process_ends_all_with_one_sentence(log, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    run = torchrun(log, tmp_path)
    _, stderr = run.communicate(timeout=200)
    assert run.returncode != 0
    assert stderr.count("is not empty and is no run") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_outside_torchrun_an_error_is_said_whatever_others_call_a_rank(monkeypatch, capfd):
    monkeypatch.setenv("RANK", "1")
    assert "does not exist" in mistake(capfd, "data", "stats", "nothing.csv")


@pytest.fixture
def fake_group(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    for name, result in {"init_process_group": None, "destroy_process_group": None, "get_rank": 1}.items():
        monkeypatch.setattr(torch.distributed, name, lambda *_, result=result, **__: result)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_nothing_cuts_off_what_a_process_that_lost_the_others_says(fake_group):
    with pytest.raises(LostProcess), joined():
        raise LostProcess("gone")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


@pytest.mark.parametrize(("local", "chosen"), [("0", [0]), ("1", [])])
def test_more_processes_than_gpus_can_join(fake_group, monkeypatch, local, chosen):
    made: list[int] = []
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("LOCAL_RANK", local)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", made.append)
    with joined() as world:
        assert world.size == 2
    assert made == chosen
    assert signal.getsignal(signal.SIGTERM) == before


def test_each_process_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert World(3, 4).own_device("auto") == World(3, 4).own_device("cuda") == "cuda:1"
    assert World(3, 4).own_device("cpu") == "cpu"
    assert World().own_device("cuda:0") == "cuda:0"
    with pytest.raises(UserError, match=r"`device='cuda:0'` is one GPU .* `device='cuda'`"):
        World(3, 4).own_device("cuda:0")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match="more processes than the 2 GPUs here; start 2"):
        World(2, 4).own_device("auto")


@pytest.mark.parametrize("victim", [0, 1])
def test_the_death_of_one_process_ends_all_and_says_so(log, tmp_path, victim):
    out = tmp_path / "run"
    run = torchrun(log, out, epochs=100000, patience=100000)
    deadline = time.monotonic() + 120
    while not (out / "last.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    children = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True).stdout.split()
    assert len(children) == 2
    os.kill(int(children[victim]), 9)
    _, stderr = run.communicate(timeout=120)
    assert run.returncode != 0
    assert stderr.count("--resume goes on") == 1 or "--resume (" in stderr
