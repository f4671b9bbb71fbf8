"""What every command prints with: one result on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import click
import typer

from degen.cli.wording import as_typed

if TYPE_CHECKING:
    from rich.console import Console

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on stdout; progress stays on stderr.")
]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]


@dataclass(frozen=True)
class Output:
    """Where a command's words go, settled by its `--json` and `--quiet`."""

    as_json: bool = False
    quiet: bool = False

    def note(self, text: str) -> None:
        """Say something on stderr that is not the result; silent under `--quiet`."""
        if not self.quiet:
            self.stderr.print(_typed(text), markup=False, highlight=False, soft_wrap=True)

    @property
    def stderr(self) -> Console:
        """A console on stderr."""
        from rich.console import Console

        return Console(stderr=True)

    def result(self, value: Any) -> bool:
        """Print `value` as JSON if that was asked for; return whether it was."""
        if self.as_json:
            if isinstance(value, dict) and "notes" in value:
                value = value | {"notes": [_typed(note) for note in value["notes"]]}
            typer.echo(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))
        return self.as_json

    def line(self, text: str) -> None:
        """Print one line of the result on stdout."""
        typer.echo(text)

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        title: str | None = None,
        right: Sequence[str] = (),
    ) -> None:
        """Print a table on stdout: floats with four decimals; numbers, and the columns `right`, to the
        right.
        """
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        cells = [list(row) for row in rows]
        table = Table(title=title, title_justify="left")
        for index, column in enumerate(columns):
            numeric = all(isinstance(row[index], int | float) or row[index] is None for row in cells)
            justify: Literal["left", "right"] = "right" if numeric or column in right else "left"
            table.add_column(column, justify=justify, overflow="fold")
        for row in cells:
            table.add_row(*(Text(_cell(value)) for value in row))
        # Piped output has no width of its own; a table must not be folded to 80 columns there.
        Console(width=None if sys.stdout.isatty() else 160).print(table)


def _typed(text: str) -> str:
    """Return a note with options in place of the arguments that it names, while a command runs."""
    context = click.get_current_context(silent=True)
    return text if context is None else as_typed(text, context.find_root().command)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.1f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
