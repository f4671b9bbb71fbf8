"""Misspelt commands, and commands that are typed without anything."""

from __future__ import annotations

import sys

import pytest
from commands import mistake
from typer.main import get_command

from degen.cli.app import app, main
from degen.cli.synonyms import COMMANDS, OPTIONS
from degen.cli.usage import refuse_unquoted


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


def _flags(command):
    yield from (flag for parameter in command.params for flag in parameter.opts)
    for inner in getattr(command, "commands", {}).values():
        yield from _flags(inner)


def test_what_is_suggested_for_other_names_exists():
    """An option or a command that is renamed has to be renamed here too."""
    degen = get_command(app)
    flags = {*_flags(degen), "--help"}
    assert {f"--{name}" for names in OPTIONS.values() for name in names} <= flags
    for meant in COMMANDS.values():
        first, *rest = meant.split()
        if first.startswith("--"):
            assert first in flags
        elif rest and not rest[0].startswith("--"):
            assert rest[0] in degen.commands[first].commands
        else:
            assert set(rest) <= {*_flags(degen.commands[first])}


@pytest.mark.parametrize("name", ["{}.npy", "none-{}.npy"])
def test_thousands_of_paths_are_looked_at_a_few_times_each(name, monkeypatch):
    asked, there = [], {f"{number}.npy" for number in range(2000)}
    monkeypatch.setattr("os.path.exists", lambda path: asked.append(path) or path in there)
    words = ["analyze", *(name.format(number) for number in range(2000))]
    refuse_unquoted(words)
    assert len(asked) < 20 * len(words)
