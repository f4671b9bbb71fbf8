"""Printing for every command: one result on stdout, everything else on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from degen.cli.wording import as_typed
from degen.tables.table import Table
from degen.tables.terminal import print_table

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Output:
    """The streams of a command, chosen by its `--json` and `--quiet`."""

    as_json: bool = False
    quiet: bool = False

    def note(self, text: str) -> None:
        """Print a remark on stderr, unless `--quiet` is given."""
        if not self.quiet:
            self.stderr.print(as_typed(text), markup=False, highlight=False, soft_wrap=True)

    @property
    def stderr(self) -> Console:
        """A console on stderr."""
        from rich.console import Console

        return Console(stderr=True)

    def result(self, value: Any) -> bool:
        """Print `value` as JSON if `--json` is given; return whether it is."""
        if self.as_json:
            if isinstance(value, dict) and "notes" in value:
                value = value | {"notes": [as_typed(note) for note in value["notes"]]}
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
        print_table(Table.of_values(columns, rows, title or "", right))
