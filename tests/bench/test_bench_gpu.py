"""The single call for a GPU machine, on the CPU and a tiny log."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_runs

from degen.model.variants import MITIGATIONS

SCRIPT = Path(__file__).parents[2] / "experiments" / "bench" / "gpu.sh"
KEYS = {
    "data.input_format": "sequences",
    "data.min_user": 0,
    "data.min_item": 0,
    "model.dim": 8,
    "model.feed_forward": 16,
    "model.max_length": 8,
    "training.batch_size": 32,
    "training.steps_per_epoch": 3,
    "training.epochs": 2,
    "training.threads": 1,
    "evaluation.probe_samples": 20,
}


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Call the script; returns its output and the result that it wrote."""
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    folder = tmp_path_factory.mktemp("gpu")
    logs = folder / "logs"
    logs.mkdir()
    for name in ("beauty", "clothing"):
        tiny_runs.write_log(logs / f"{name}.txt")

    def run(*more: str) -> tuple[str, dict]:
        out = folder / "out"
        out.mkdir(exist_ok=True)
        words = ["--device", "cpu", "--data", str(logs), "--runs", str(folder / "runs"), "--seeds", "2"]
        words += ["--stack", "2", "--steps", "2", "--rows", "3000", "--windows", "2", "--set"]
        words += [f"{key}={value}" for key, value in KEYS.items()]
        environment = {
            **os.environ,
            "OUT": str(out),
            "PYTHON": sys.executable,
            "DEGEN_CACHE": str(folder / "cache"),
        }
        done = subprocess.run(
            ["bash", str(SCRIPT), *words, *more], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        (file,) = out.glob("gpu-*.json")
        return done.stdout, json.loads(file.read_text(encoding="utf-8"))

    return run


@pytest.fixture(scope="module")
def first(call):
    return call("--only", "beauty")


def test_one_call_checks_measures_and_trains(first):
    printed, result = first
    assert result["exactness"]["exact"] is True
    assert result["exactness"]["padded forward"] < 1e-5
    assert result["repetition"]["same"] is True
    assert set(result["steps"]) == {
        f"{variant} {how} fp32" for variant in ("duorec", "sasrec") for how in ("eager", "packed")
    }
    assert all(step["ms"] > 0 for step in result["steps"].values())
    assert result["evaluation"]["users"] == tiny_runs.USERS
    assert result["stack"]["runs"] == 2
    laboratory = result["laboratory"]
    assert laboratory["measures"]["exact"] is True
    assert laboratory["measures"]["compared"] > 150
    assert set(laboratory["losses"]) == {"duorec", *MITIGATIONS}
    assert max(laboratory["losses"].values()) < 1e-5
    assert laboratory["trace"]["error"] == 0  # both are the CPU here
    assert laboratory["seconds"]["rows"] == 3000
    assert "measures of 3,000 rows" in printed
    runs = result["runs"]
    others = ("sasrec", "scl", "ucl", "ucl+scl", "cl4srec")
    assert list(runs) == [
        *("beauty/duorec", "beauty/duorec bf16"),
        *(f"beauty/{name} seed 0" for name in others),
        *(f"beauty/{name}" for name in others),
    ]
    seeds = [len(one["tests"]) for one in runs.values()]
    assert seeds == [2, 3, *[1] * 5, *[2] * 5]
    assert runs["beauty/scl"]["tests"][0] == runs["beauty/scl seed 0"]["tests"][0]
    assert runs["beauty/duorec bf16"]["rows"][0][0]["loss"] != runs["beauty/duorec"]["rows"][0][0]["loss"]
    assert printed.splitlines()[-1].startswith("runs, beauty/cl4srec")


def test_what_an_earlier_result_holds_is_not_repeated_and_time_that_is_up_ends_the_runs(
    call, first, tmp_path
):
    _, result = first
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps(result), encoding="utf-8")
    printed, again = call("--only", "beauty", "clothing", "--previous", str(earlier), "--seconds", "0")
    assert again["runs"] == result["runs"]
    assert "runs, beauty/duorec" in printed
