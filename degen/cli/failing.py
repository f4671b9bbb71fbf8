"""The option --fail-if, and the end of a command whose conditions hold: a sentence for each, exit code 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from degen.cli.wording import as_typed
from degen.errors import UserError
from degen.shown import shown

if TYPE_CHECKING:
    from degen.studies.comparing.conditions import Judgement

FailIf = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if",
        metavar="CONDITION",
        help='Exit with code 3 if this holds, such as "average_cosine > 0.5". Repeatable.',
    ),
]

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
