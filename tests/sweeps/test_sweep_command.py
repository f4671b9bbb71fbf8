"""`degen sweep` as users type it: what it trains and prints, and what it says of their mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import sweep_runs
from commands import mistake, result_of, run
from safetensors.torch import load_file
from sweep_runs import WORDS

from degen.errors import UserError
from degen.runs.directory import RunDirectory
from degen.runs.environment import cpu_name
from degen.runs.study import read_plan

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")

TWO = ("sweep", *WORDS, "--lambda", "0,.1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A sweep of two cells, what it said, and its folder."""
    out = tmp_path_factory.mktemp("runs") / "lam"
    told = sweep_runs.ended(sweep_runs.start(out, "--lambda", "0,.1", "--workers", "1"))
    return out, told


def test_a_sweep_trains_its_cells_and_says_of_each_that_it_is_done(trained):
    out, told = trained
    planned = read_plan(out)
    assert [RunDirectory(run.run).state for run in planned] == ["finished"] * 2
    assert [RunDirectory(run.run).config["objective"]["lambda"] for run in planned] == [0.0, 0.1]
    assert "done    synthetic duorec λ 0.1 seed 0: best epoch" in told
    done = json.loads((out / "done" / planned[0].name).read_text())
    assert {"seconds", "device", "cpu", "commit", "version", "threads", "torch", "finished"} == done.keys()
    assert done["cpu"] == cpu_name()
    assert not sweep_runs.claims(out)


def test_the_same_command_has_nothing_left_to_do_and_another_study_shares_the_runs(trained):
    out, _ = trained
    before = {path: path.stat().st_mtime_ns for path in (out.parent / "cells").rglob("*") if path.is_file()}
    assert result_of(*TWO, "--out", out)["done"] == 2
    other = result_of("sweep", *WORDS, "--lambda", "0.1", "--out", out.parent / "other")
    assert (other["runs"], other["done"], other["failed"]) == (1, 1, {})
    assert before == {
        path: path.stat().st_mtime_ns for path in (out.parent / "cells").rglob("*") if path.is_file()
    }
    assert result_of("sweep", out)["done"] == 2  # the folder of a study names it


def test_a_dry_run_writes_nothing_and_counts_cells_hours_and_bytes(trained, tmp_path):
    out, _ = trained
    words = ("sweep", *WORDS, "--lambda", "0:.5:.1", "--seeds", "0-1", "--dry-run", "--workers", "2")
    found = result_of(*words, "--out", out.parent / "more")
    assert not (out.parent / "more").exists()
    assert (len(found["cells"]), found["runs"], found["done"]) == (6, 12, 2)
    run_dir = read_plan(out)[0].run
    tensors = [load_file(run_dir / name).values() for name in ("best.safetensors", "last.safetensors")]
    written = sum(tensor.nbytes for values in tensors for tensor in values)
    written += np.load(run_dir / "item_embeddings.npy").nbytes
    assert found["bytes"] == pytest.approx(10 * written, rel=0.02)
    assert found["hours"] > 0
    assert "finished runs of this machine" in found["basis"][0]
    text = run(*words, "--out", out.parent / "more").stdout
    assert "6 cells × 2 seeds: 12 runs, 2 of them done" in text
    elsewhere = result_of(*words, "--out", tmp_path / "more")
    assert elsewhere["at_most"]
    assert "a trial of" in elsewhere["basis"][0]


def test_long_dry_runs_are_shortened(tmp_path, monkeypatch):
    monkeypatch.setattr("degen.sweeps.estimate._trial", lambda config, threads: (1.0, 1.0))
    text = run("sweep", *WORDS, "--lambda", "0:3:.1", "--dry-run", "--out", tmp_path / "x").stdout
    assert "… and 11 more cells" in text
    rows = text.split("… and")[0].splitlines()
    assert len(rows) > 20
    assert max(map(len, rows)) <= 80


@pytest.mark.slow
def test_a_run_that_fails_is_told_of_tried_thrice_and_left(tmp_path):
    # That cosreg needs all items at once is found by the trainer, not by the configuration.
    words = ("--variant", "cosreg", "--set", "training.item_block=0,5", "--workers", "1", "--json")
    process = sweep_runs.start(tmp_path / "gamma", *words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err.decode()
    found = json.loads(out)
    assert (found["runs"], found["done"]) == (2, 1)
    ((name, sentence),) = found["failed"].items()
    assert "item_block=5" in name
    assert "needs the scores or the gradient of all items" in sentence
    (failed,) = (tmp_path / "gamma" / "failed").iterdir()
    told = json.loads(failed.read_text())
    assert told["tries"] == 3
    assert told["stderr"][-1] == told["sentence"]


@pytest.mark.slow
def test_ctrl_c_finishes_the_epochs_and_the_same_command_goes_on(tmp_path):
    words = ("--lambda", "0,.1", "--seeds", "0-3", "--workers", "2")
    out = tmp_path / "lam"
    sweep = sweep_runs.start(out, *words)
    while sweep.poll() is None and not list((out / "done").glob("*")):
        time.sleep(0.01)
    sweep.send_signal(signal.SIGINT)
    told = sweep_runs.ended(sweep, code=130)
    assert "continue with the same command" in told
    assert not sweep_runs.claims(out)
    assert not list((out / "failed").iterdir())
    sweep_runs.ended(sweep_runs.start(out, *words))
    assert len(list((out / "done").iterdir())) == 8


# Mistakes


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--set", "objective.lamda=1,2"], "unknown setting 'lamda'"),
        (
            ["--set", "training.seed=3"],
            "in place of one --seed; write --seeds 3",
        ),
        (["--set", "model.temperature=1,2"], "'temperature' is in the group objective"),
        (["--lambda", ""], "--lambda has an empty place"),
        (["--lambda", "0,-1"], "--lambda) should be greater than or equal to 0; got -1.0"),
        (["--batch-size", "1:2:.5"], "--batch-size) should be a whole number"),
        (["--dropout", ".1,.2", "--hidden-dropout", ".1"], "--dropout sets --hidden-dropout too"),
        (
            ["--temperature", "1,2", "--set", "objective.temperature=1,3"],
            "two options set objective.temperature",
        ),
        (["--lambda", "0,.1", "--temperature", "1,2,3", "--zip"], "--zip takes axes of one length"),
        (["--lambda", "0,.1", "--random", "0"], "--random should be greater than or equal to 1; got 0"),
        (["--variant", "gru4rec", "--lambda", "0,.1"], "gru4rec has no use for --lambda"),
        (["--variant", "sasrec", "--lambda", "0,.1"], "so --lambda changes nothing"),
        (["--variant", "duorek", "--lambda", "0,.1"], "did you mean 'duorec'"),
        (["--seeds", "3-1"], "--seeds 3-1: the range 3-1 goes down"),
        (["--workers", "1000"], "of this machine; give --workers "),
        (["--workers", "0"], "--workers is 0"),
        (["--threads", "1,2"], "--threads is a whole number"),
        (["--engine", "slurm"], "needs the number of jobs; add, for instance, --workers 8"),
        (["--engine", "cloud"], "--engine 'cloud' is unknown"),
        (["--scheduler", "tcp://localhost:1"], "--scheduler is for Dask; add --engine dask"),
        (["--dataset", "no-such-log"], "no-such-log"),
        (["no-such-study.toml"], "no-such-study.toml: there is no such file"),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_written(capfd, tmp_path, typed, said):
    told = mistake(capfd, "sweep", "--users", "40", "--items", "20", *typed, "--out", tmp_path / "out")
    assert said in told
    assert not (tmp_path / "out").exists()


def test_the_folder_must_be_named(capfd):
    assert "--out" in mistake(capfd, "sweep", "--lambda", "0,.1")


def test_other_cells_than_the_folder_has_are_refused(capfd, trained):
    out, _ = trained
    told = mistake(capfd, "sweep", *WORDS, "--lambda", "0,.2", "--out", out)
    assert "objective.lambda: 0.0, 0.1 there, 0.0, 0.2 now" in told
    assert "--out" in told


# Study files

FILE = """
[study]
datasets = ["synthetic", "other"]
[base]
model = {hidden_dropout = 0.4}
[axis.rates]
key = ["embedding_dropout", "attention_dropout"]
values = [0.2, 0.3]
[per_dataset.other]
model = {dropout = 0.1}
[control.sasrec]
objective = {variant = "sasrec"}
"""


def dropouts(tmp_path, *words):
    """The dropout rates of each cell of a file with options: embedding, hidden, attention."""
    from degen.cli.study_options import typed_study

    file = tmp_path / "study.toml"
    file.write_text(FILE)
    keys = dict(zip(words[::2], words[1::2], strict=True))
    found = typed_study(file, None, None, None, keys, [], {}).cells(lambda data: (data.dataset, data.dataset))
    models = [cell.config.model for cell in found if cell.control is None]
    return [(model.embedding_dropout, model.hidden_dropout, model.attention_dropout) for model in models]


def test_options_override_the_base_the_datasets_and_the_axes_of_a_file(tmp_path):
    assert dropouts(tmp_path) == [(0.2, 0.4, 0.2), (0.3, 0.4, 0.3), (0.2, 0.1, 0.2), (0.3, 0.1, 0.3)]
    hidden = dropouts(tmp_path, "hidden_dropout", "0.35")
    assert hidden == [(0.2, 0.35, 0.2), (0.3, 0.35, 0.3)] * 2
    assert dropouts(tmp_path, "dropout", "0.25") == [(0.25, 0.25, 0.25)] * 2
    with pytest.raises(UserError, match="`attention_dropout` and `embedding_dropout` are set together by"):
        dropouts(tmp_path, "attention_dropout", "0.35")


# Slurm


def stub(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_slurm_without_sbatch_is_told_of(capfd, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = mistake(capfd, *TWO, "--engine", "slurm", "--workers", "2", "--out", tmp_path / "lam")
    assert "needs sbatch" in told
    assert "--print" in told


def test_an_array_of_workers_is_submitted(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    stub(tmp_path / "bin", "sbatch", f'cp "$1" {tmp_path}/submitted; echo Submitted batch job 7')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    out = tmp_path / "lam"
    words = (
        *TWO,
        "--engine",
        "slurm",
        "--workers",
        "3",
        "--threads",
        "2",
        "--sbatch",
        "--time=9:00 --gres=gpu:1",
    )
    result = run(*words, "--out", out)
    assert f"Submitted batch job 7; its number is in {out / 'slurm.job'}" in result.stderr
    text = (tmp_path / "submitted").read_text()
    for line in ("--array=1-3", "--cpus-per-task=2", "--requeue", "--signal=B:USR1@180", "--time=9:00"):
        assert f"#SBATCH {line}\n" in text
    assert run(*words, "--print", "--out", out).stdout.strip() == text.strip()
    stub(tmp_path / "bin", "squeue", 'test "$3" = 7 && echo "7_[1-3] gpu degen-lam PD"')
    with pytest.raises(UserError, match=r"job 7 trains .* has not ended; .*scancel 7"):
        run(*words, "--out", out)
    stub(tmp_path / "bin", "squeue", "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1")
    assert "Submitted batch job 7" in run(*words, "--out", out).stderr
    stub(tmp_path / "bin", "sbatch", "echo sbatch: error: invalid partition >&2; exit 1")
    with pytest.raises(UserError, match="invalid partition"):
        run(*words, "--out", out)


@pytest.mark.slow
def test_the_batch_script_trains_and_leaves_in_time(tmp_path):
    out = tmp_path / "lam"
    run(
        "sweep",
        *WORDS,
        "--lambda",
        "0,.1,.2",
        "--seeds",
        "0-1",
        "--epochs",
        "3",
        "--workers",
        "1",
        "--print",
        "--out",
        out,
    )
    text = run("sweep", out, "--workers", "1", "--print").stdout
    (tmp_path / "bin").mkdir()
    stub(tmp_path / "bin", "scontrol", f'echo "$@" > {tmp_path}/requeued')
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "SLURM_JOB_ID": "7"}
    job = subprocess.Popen(["bash", "-c", text], env=environment)
    while job.poll() is None and not list((out / "done").glob("*")):
        time.sleep(0.01)
    job.send_signal(signal.SIGUSR1)
    assert job.wait(timeout=100) == 0
    assert (tmp_path / "requeued").read_text() == "requeue 7\n"
    assert not sweep_runs.claims(out)
    assert len(list((out / "done").iterdir())) < 6
    subprocess.run(["bash", "-c", text], env=environment, check=True)
    assert len(list((out / "done").iterdir())) == 6


# Dask


def test_a_scheduler_that_is_not_there_is_told_of_within_seconds(capfd, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs distributed: pip install 'degen[dask]'")
    words = ("--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--out", tmp_path / "lam")
    assert "--scheduler tcp://127.0.0.1:1: " in mistake(capfd, *TWO, *words)


def test_without_dask_it_is_told_how_to_install_it(capfd, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'degen[dask]'" in mistake(capfd, *TWO, "--engine", "dask", "--out", tmp_path / "lam")
    assert not (tmp_path / "lam").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("default::ResourceWarning")
def test_workers_of_a_dask_cluster_come_to_the_same_results(trained, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs distributed: pip install 'degen[dask]'")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        words = ("--engine", "dask", "--scheduler", cluster.scheduler_address, "--workers", "2")
        found = result_of(*TWO, *words, "--out", tmp_path / "lam")
    assert (found["done"], found["failed"]) == (2, {})
    out, _ = trained
    assert sweep_runs.results(tmp_path / "lam") == sweep_runs.results(out)
