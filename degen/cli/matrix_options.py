"""The options of every command that takes matrix files, defined once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Frequency = Annotated[
    Path | None,
    typer.Option(
        "--frequency",
        help="How often each item occurs: counts, FILE:COLUMN, or a log.  \\[default: the run's]",
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Array of a file that has several, or column of lists.", show_default=False),
]
SkipRows = Annotated[
    str | None,
    typer.Option(
        "--skip-rows",
        help="Rows that are no items: first, last, none or numbers such as 0,-1.  \\[default: those of "
        "the project that wrote a checkpoint, where it is known]",
        show_default=False,
    ),
]
