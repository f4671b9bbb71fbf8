"""A short run of the fuzzer over every kind, and a check that it sees what it looks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kinds

RUN = Path(__file__).with_name("run.py")


def test_no_input_of_any_kind_does_harm(tmp_path):
    done = subprocess.run(
        [sys.executable, RUN, "--inputs", "120", "--seed", "0", "--workers", "2", "--out", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-2000:]}"


# The audit hook of a canary stays for the life of a process: it has one of its own.
SEEN = """
import os, sys
sys.path[:0] = [{tests!r}, {fuzz!r}]
import watch
from unittest import mock
canary = watch.Canary()

def run(do):
    with mock.patch("degen.cli.app.main", do):
        return watch.run_case(watch.Path({folder!r}), ["runs"], canary).verdict

def spin():
    while True:
        pass

def grow():
    watch.limit_memory(1 << 28)
    bytearray(1 << 30)

def exit_two():
    print("degen: a\\ndegen: b", file=sys.stderr)
    sys.exit(2)

def mark():
    print("\\x1b]0;owned\\x07")

watch.SECONDS = 0.2
print(*map(run, (lambda: None, lambda: 1 / 0, lambda: os.system("true"), lambda: open("/tmp/canary", "a"),
    lambda: exec("canary = 1"), spin, exit_two, mark, grow)), sep=",")
"""


def test_the_fuzzer_sees_what_it_looks_for(tmp_path):
    code = SEEN.format(tests=str(RUN.parents[1]), fuzz=str(RUN.parent), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        ",".join(
            ["ok", "traceback", "unsafe", "unsafe", "unsafe", "hang", "badly said", "badly said", "memory"]
        )
    ], done.stderr


def test_a_seed_repeats_its_input(tmp_path):
    sample = tmp_path / "corpus" / "config" / "one"
    sample.mkdir(parents=True)
    (sample / "config.toml").write_text("[training]\nseed = 1\n")
    first, second = (kinds.case("config", "5", tmp_path / "corpus", tmp_path / name) for name in "ab")
    assert first.words == second.words
    assert (first.folder / "config.toml").read_bytes() == (second.folder / "config.toml").read_bytes()
    assert any(
        kinds.case("config", str(n), tmp_path / "corpus", tmp_path / f"c{n}").words != first.words
        for n in range(9)
    )
