"""Help of every command at 80 columns: its examples parse, and its text flows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from commands import run
from typer.main import get_command

from degen.cli.app import app
from degen.cli.help import flowing
from degen.cli.usage import examples


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command that is shown, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        elif not command.hidden:
            yield (*path, name), command


EVERY = dict(commands(get_command(app)))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_example_of_a_command_parses(path: tuple[str, ...]) -> None:
    found = examples(EVERY[path].help)
    assert any(line.split("degen ")[1].startswith(" ".join(path)) for line in found)
    for line in found:
        _, *words = [
            word for word in shlex.split(line) if "=" not in word or word.startswith("-") or "," in word
        ]
        depth = 2 if words[0] in ("data", "paper") else 1
        context = EVERY[tuple(words[:depth])].make_context(words[depth - 1], words[depth:])
        assert context.params
        assert len(line) <= 74, "breaks at 80 columns"


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_fits_80_columns_without_orphans(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run(*path, "--help").stdout
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert not re.search(r"<\w", text), "a type of Python's"
    assert "…│" not in text.replace(" ", ""), "something is cut"
    prose = [line.strip() for line in text.split("╭")[0].splitlines()]
    for line, following in pairwise(prose):
        if line and following:  # a line ends because the next word does not fit
            assert len(line) + 1 + len(following.split()[0]) > 74, line


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_no_option_is_named_twice(path: tuple[str, ...]) -> None:
    for parameter in EVERY[path].params:
        assert len(parameter.opts) == len(set(parameter.opts)), parameter.opts


def test_the_common_options_of_train_stand_first() -> None:
    first = run("train", "--help").stdout.split("╰")[0]
    flags = re.findall(r"│ (--[a-z-]+)", first)
    assert flags[0] == "--variant"
    assert {"--dataset", "--epochs", "--lambda", "--seed", "--seeds", "--device", "--out", "--resume"} <= {
        *flags
    }
    assert "--embedding-dropout" not in flags


def test_paragraphs_flow_and_examples_stay_lines() -> None:
    assert flowing("One\n    two.\n\n    Three\n    four.\n\n      degen a\n      degen b\n    ") == (
        "One two.\n\nThree four.\n\n  degen a\n\n  degen b"
    )
