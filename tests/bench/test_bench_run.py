from __future__ import annotations

import subprocess
import sys

import pytest
from benchlib.machine import ROOT


@pytest.mark.parametrize(
    ("script", "options", "sentence"),
    [
        ("bench/run.py", ["page", "--out", "bad.json"], "--out bad.json is not JSON"),
        ("bench/run.py", ["startup", "--out", "file/x.json"], "--out file/x.json cannot be written"),
        ("bench/run.py", ["train", "--prototype", "none.py"], "--prototype none.py does not exist"),
        ("bench/train.py", ["--variant", "duorex"], "did you mean 'duorec'?"),
        ("bench/batch_by.py", ["runs", "nothere"], "nothere does not exist"),
        ("collect.py", ["nothere", "--name", "x"], "nothere does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_is_measured(tmp_path, script, options, sentence):
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    (tmp_path / "file").touch()
    command = [sys.executable, str(ROOT / "experiments" / script), *options]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 2
    assert sentence in found.stderr
    assert found.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.json", "file"]
