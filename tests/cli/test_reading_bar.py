"""The bar of a long log: drawn on a terminal, nowhere else."""

from __future__ import annotations

import io
from functools import partial

import pytest
import rich.console

from degen.bars import reading_bar
from degen.progress import tell


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is drawn on a terminal of ours."""
    drawn = io.StringIO()
    terminal = partial(rich.console.Console, file=drawn, force_terminal=True, width=80)
    monkeypatch.setattr("degen.bars.Console", lambda stderr, quiet: terminal(quiet=quiet))
    return drawn


def do_it_all() -> None:
    for stage, total in (("reading", 1000), ("ordering", 0), ("writing", 20)):
        tell(stage, total // 2, total)


@pytest.mark.parametrize(("last", "total", "share"), [("reading", 10**9, "50%"), ("ordering", 0, "")])
def test_the_stage_that_a_log_is_in_is_shown_with_its_share(screen, last, total, share):
    with reading_bar(quiet=False):
        tell("checking", 5, 7)
        tell(last, total // 2, total)
    assert last in screen.getvalue()
    assert share in screen.getvalue()


def test_nothing_is_drawn_when_quiet(screen):
    with reading_bar(quiet=True):
        do_it_all()
    assert screen.getvalue() == ""


def test_nothing_is_drawn_where_there_is_no_terminal(capsys):
    with reading_bar(quiet=False):
        do_it_all()
    assert capsys.readouterr() == ("", "")
