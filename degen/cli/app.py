"""The `degen` command: its sub-commands, and errors as one sentence with exit code 2."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from degen.cli.commands import (
    analyze,
    compare,
    data,
    demo,
    export_runs,
    figures,
    paper,
    report,
    runs,
    sweep,
    train,
    verify,
)
from degen.cli.ending import ended_by, escape_unprintable
from degen.cli.help import PlainHelp
from degen.cli.usage import refuse_no_numbers, refuse_unquoted
from degen.errors import UserError
from degen.version import __version__


class _Command(PlainHelp, TyperCommand):
    """A sub-command, which says what was typed where a number is due."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        refuse_no_numbers(self, ctx.info_name or "", args)
        rest: list[str] = super().parse_args(ctx, args)
        return rest


class _Group(PlainHelp, TyperGroup):
    """The command, or a group of sub-commands."""


app = typer.Typer(
    name="degen",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Train sequential recommenders whose item embeddings degenerate, and variants that resist it. "
    "Measure and draw the difference.",
    epilog="Start with [bold]degen demo[/bold], which trains, measures and draws in a few minutes, offline.",
)
TRAINING = (demo.demo, train.train, sweep.sweep, runs.runs, runs.evaluate, export_runs.export, verify.verify)
MEASURING = (analyze.analyze, figures.plot_svd, figures.uniformity, figures.dynamics, compare.compare)
for function in (*TRAINING, *MEASURING, report.report, figures.mechanism):
    app.command()(function)
app.command(hidden=True)(sweep.sweep_work)
app.add_typer(data.app, name="data", cls=_Group)
app.add_typer(paper.app, name="paper", cls=_Group)
for command in (*app.registered_commands, *data.app.registered_commands, *paper.app.registered_commands):
    command.cls = _Command


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"degen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    several = "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"
    if several and context.invoked_subcommand != "train":
        raise UserError(
            f"torchrun starts several processes, and `degen {context.invoked_subcommand}` has work for one; "
            "leave torchrun out"
        )


def main() -> None:
    """Run the command line; what ends it is one sentence and an exit code (`degen.cli.ending`)."""
    escape_unprintable()
    try:
        refuse_unquoted(sys.argv[1:])
        code = app(standalone_mode=False)  # the exit code where a command has exited by itself
        if sys.stdout is not None:
            sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        code = ended_by(error)
    sys.exit(code if isinstance(code, int) else 0)
