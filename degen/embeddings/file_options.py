"""Options of reading matrix files, which every command that takes them has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from degen.errors import UserError


@dataclass(frozen=True)
class FileOptions:
    """The way to read matrix files: all but `frequency` is as in `load_matrix`.

    `frequency` is a file as in `load_frequency`. It replaces the counts of runs only where no matrix file is
    given.
    """

    key: str | None = None
    skip_rows: str | None = None
    frequency: Path | None = None
    ids: str | int | None = None
    separator: str | None = None
    finite: bool = True

    def check_for_runs(self) -> None:
        """Raise a `UserError` for choices that only a matrix file can follow."""
        for first, second in (("key", "skip_rows"), ("ids", "separator")):
            if getattr(self, first) is not None or getattr(self, second) is not None:
                raise UserError(
                    f"`{first}` and `{second}` are for files; a run's rows are its items: leave them out"
                )
