"""A short run of kills, full disks and two writers; what the checks see is tested too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import whole

RUN = Path(__file__).with_name("run.py")


SCENES = ("train", "Monitor", "prepare", "export")


def test_a_kill_or_a_full_disk_loses_nothing(tmp_path):
    # Forked in one process of its own, before PyTorch has started any thread: importing takes the longest.
    words = ["--kills", str(2 * len(SCENES)), "--sizes", "8,64", "--out", tmp_path / "out"]
    words += [word for scene in SCENES for word in ("--scene", scene)]
    done = subprocess.run([sys.executable, RUN, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-2000:]}"


def test_the_checks_see_half_a_file_and_another_result(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(4))
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "loss": 0.5, "train_seconds": 1.0}\n')
    (tmp_path / "test.json").write_text('{"HR@5": 0.1}')
    (tmp_path / ".partial-x.json").write_text("{")
    assert whole.broken(tmp_path) == []
    before = whole.digest(tmp_path)
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "loss": 0.5, "train_seconds": 2.0}\n')
    assert whole.difference(before, whole.digest(tmp_path)) == ""
    (tmp_path / "test.json").write_text(json.dumps({"HR@5": 0.2}))
    assert whole.difference(before, whole.digest(tmp_path)) == "test.json"
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-1])
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "loss": 0.5')
    assert [name.partition(":")[0] for name in whole.broken(tmp_path)] == ["a.npy", "metrics.jsonl"]
