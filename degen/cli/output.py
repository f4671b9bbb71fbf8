"""Printing for every command: one result on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import typer

from degen.cli.wording import as_typed
from degen.shown import shown, shown_json, shown_lines
from degen.tables.lines import lines_for
from degen.tables.table import Table
from degen.tables.terminal import print_table, terminal_width

_REMARKS = ("reason", "not_judged", "notes", "warnings", "faults", "failed")
"""Ends of the keys of a result whose texts are sentences, which name options."""


@dataclass(frozen=True)
class Output:
    """The streams of a command, chosen by its `--json` and `--quiet`."""

    as_json: bool = False
    quiet: bool = False

    def note(self, *texts: str) -> None:
        """Print remarks on stderr, unless `--quiet` is given."""
        from rich.console import Console

        console = Console(stderr=True)
        for text in () if self.quiet else texts:
            for line in lines_for(shown(as_typed(text)), console.width if console.is_terminal else None):
                console.print(line, markup=False, highlight=False, soft_wrap=True)

    def result(self, value: Any) -> bool:
        """Print `value` as JSON if `--json` is given; return whether it is."""
        if self.as_json:
            plain = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
            typer.echo(shown_json(json.dumps(_worded(value), indent=2, allow_nan=False, ensure_ascii=plain)))
        return self.as_json

    def line(self, *texts: object) -> None:
        """Print lines of the result on stdout."""
        for text in texts:
            typer.echo(shown_lines(str(text)))

    def paragraph(self, text: str, headline: str = "") -> None:
        """Print a text on stdout; a headline that it begins with is bold on a terminal."""
        from rich.console import Console
        from rich.text import Text

        console, bold = Console(), len(shown(headline))
        for line in lines_for(shown(text), terminal_width()):
            said = Text(line)
            said.stylize("bold", 0, bold)
            console.print(said, highlight=False, soft_wrap=True)
            bold = max(0, bold - len(line) - 1)  # a blank stood where the line ends

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        title: str | None = None,
        right: Sequence[str] = (),
    ) -> None:
        """Print a table of values on stdout, as `Table.of_values` lays it out."""
        self.show(Table.of_values(columns, rows, title or "", right))

    def show(self, table: Table) -> None:
        """Print a table on stdout."""
        print_table(replace(table, footnotes=[as_typed(footnote) for footnote in table.footnotes]))


def _worded(value: Any, key: str = "") -> Any:
    """Return a result whose reasons and notes name options."""
    if isinstance(value, dict):
        return {name: _worded(inner, "failed" if key == "failed" else name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_worded(inner, key) for inner in value]
    remark = isinstance(value, str) and key.endswith(_REMARKS)
    return as_typed(value) if remark else value
