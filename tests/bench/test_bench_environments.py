"""Peers' environments with a pip that is only pretended, and peers that could not be installed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchlib import environments
from benchlib.environments import PEERS, environment
from benchlib.sections import Options, peer
from benchlib.turns import Failure, interleave


@pytest.fixture
def pip(monkeypatch):
    """The commands that would have been run; what `errors` says for a requirement makes its command fail."""
    pretended = SimpleNamespace(commands=[], errors={})

    def run(command, **_):
        pretended.commands.append(command)
        if command[1:3] == ["-m", "venv"]:
            place = Path(command[3])
            place.mkdir(parents=True)

        said = [text for name, text in pretended.errors.items() if name in command]
        return subprocess.CompletedProcess(command, int(bool(said)), "", "\n".join(said))

    monkeypatch.setattr(environments.subprocess, "run", run)
    return pretended


def test_an_environment_is_made_once(pip, tmp_path):
    python = environment("recbole", "torch==1", tmp_path)
    assert python == tmp_path / "recbole" / "bin" / "python"
    installs = [command[5:] for command in pip.commands if command[2] == "pip"]
    assert installs == [["torch==1"], ["torch==1", *PEERS["recbole"]]]
    environment("recbole", "torch==1", tmp_path)
    assert len(pip.commands) == 3


def test_another_torch_is_another_environment(pip, tmp_path):
    environment("recbole", "torch==1", tmp_path)
    environment("recbole", "torch==2", tmp_path)
    assert len(pip.commands) == 6


def test_what_pip_said_last_is_the_reason_and_the_next_call_starts_over(pip, tmp_path):
    pip.errors = {PEERS["recbole"][0]: "WARNING: slow\nERROR: No matching distribution\n"}
    with pytest.raises(Failure, match="recbole cannot be installed: ERROR: No matching distribution"):
        environment("recbole", "torch==1", tmp_path)
    pip.errors = {}
    environment("recbole", "torch==1", tmp_path)
    assert len(pip.commands) == 6


def test_a_peer_that_cannot_be_installed_is_reported(monkeypatch, tmp_path):
    def refuse(package, torch):
        raise Failure(f"{package} cannot be installed: no network")

    monkeypatch.setattr("benchlib.sections.environment", refuse)
    participant = peer("RecBole SASRec", "recbole", "recbole_worker.py", [], tmp_path, Options())
    outcomes = interleave([participant], {"steps": 1}, 2)
    assert outcomes["RecBole SASRec"].failure == "recbole cannot be installed: no network"
    assert outcomes["RecBole SASRec"].windows == []
