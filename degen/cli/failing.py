"""The options --all and --fail-if, and the end of a command whose conditions hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from degen.cli.options import Group, option
from degen.cli.wording import as_typed
from degen.errors import UserError
from degen.shown import shown

if TYPE_CHECKING:
    from degen.studies.comparing.conditions import Judgement

ANSWER: Group = {
    "every": option(bool, "--all", "Show every measure, core ones first, then by group.", False),
    "fail_if": option(
        list[str] | None,
        "--fail-if",
        'Exit with code 3 if this holds, such as "average_cosine > 0.5". Repeatable.',
        metavar="CONDITION",
    ),
}
"""Options of the answer that a command gives."""

HOLDS = 3
"""Exit code of a command whose condition holds."""


def end_by(judgement: Judgement) -> None:
    """End the command where a condition holds; `--quiet` does not silence why.

    Raises
    ------
    UserError
        where a measure has no value, so that its condition cannot be told.
    """
    for sentence in judgement.failed:
        typer.echo(f"degen: {shown(as_typed(sentence))}", err=True)
    if judgement.undefined:
        raise UserError("; ".join(judgement.undefined))
    if judgement.failed:
        raise typer.Exit(HOLDS)
