"""Misspelt commands, and commands that are typed without anything."""

from __future__ import annotations

import sys

import pytest
from commands import mistake

from degen.cli.app import main


def test_an_unknown_command_is_one_sentence(capfd):
    assert mistake(capfd, "trian") == "no such command 'trian'; did you mean `degen train`?"
    assert mistake(capfd, "train", "--variant") == "--variant needs a value after it"


@pytest.mark.parametrize("words", [["degen"], ["degen", "data"]], ids=" ".join)
def test_without_anything_the_help_is_shown(words, monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "Usage:" in "".join(capfd.readouterr())


def test_help_and_version_end_well(monkeypatch, capfd):
    for word in ("--help", "--version"):
        monkeypatch.setattr(sys, "argv", ["degen", word])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0
    assert "degen" in capfd.readouterr().out
