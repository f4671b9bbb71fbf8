"""Compare what lies at paths: runs of a dataset, folders above them, matrix files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.analysis.listing import chosen_measures
from degen.analysis.registry import PROFILES, Measure
from degen.embeddings.file_options import FileOptions
from degen.errors import UserError, nearest
from degen.files.writing import writable
from degen.studies.compare import DatasetComparison, Progress, compare_sides
from degen.studies.comparing.comparison_rows import comparison_rows, verdict_rows
from degen.studies.comparing.conditions import Condition
from degen.studies.comparing.sides import Side, read_sides

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("average_cosine", "norm_mean", "cone_angle_mean", "first_direction_share")
"""The profiles that are drawn unless others are asked for."""


@dataclass(frozen=True)
class CompareOptions:
    """Measures and side to compare, and how to read files. Names are checked when this is made.

    Attributes
    ----------
    measures
        names of measures and groups, with commas, `core` among them; by default all.
    against
        the side that all are compared against; by default the first that was typed.
    profiles
        which profiles to draw.
    files
        how matrix files are read.
    alike
        whether to compare how alike two matrices are, item by item, too; that searches for neighbours.
    conditions
        those that the result is judged by afterwards, which are refused before where they need frequencies.
    """

    measures: str | None = None
    against: str | None = None
    profiles: tuple[str, ...] = SHOWN
    files: FileOptions = field(default_factory=FileOptions)
    alike: bool = True
    conditions: Sequence[Condition] = ()

    def __post_init__(self) -> None:
        chosen_measures(self.measures)
        for name in self.profiles:
            if name not in PROFILES:
                raise UserError(f"`profiles` '{name}' is unknown{nearest(name, PROFILES)}")


@dataclass(frozen=True)
class Compared:
    """A comparison for each dataset, with notes for the user. Its text is the verdicts.

    `files` are the figures and tables that were written of it.
    """

    datasets: list[DatasetComparison]
    notes: list[str]
    files: list[Path] = field(default_factory=list)

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """The verdict on each side as a flat row; `outcome` is about `side` (`verdict_rows`)."""
        return [row for dataset in self.datasets for row in verdict_rows(dataset)]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A flat row for every measure, accuracy and likeness of every side (`comparison_rows`)."""
        return [row for dataset in self.datasets for row in comparison_rows(dataset)]

    def to_frame(self) -> pd.DataFrame:
        """Return `rows` as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame.from_records(self.rows)

    def with_figures(self, files: Sequence[Path], notes: Sequence[str]) -> Compared:
        """Return a copy that names the files that were drawn, with further notes."""
        return replace(self, notes=list(dict.fromkeys([*self.notes, *notes])), files=list(files))

    def __str__(self) -> str:
        several = len(self.datasets) > 1
        return "\n".join(f"{row['dataset']}: " * several + row["text"] for row in self.verdicts)


def compare_paths(
    paths: Sequence[Path],
    options: CompareOptions | None = None,
    progress: Progress = lambda doing: None,
    folder: Path | None = None,
) -> Compared:
    """Compare what is found at `paths`; check before any measuring that `folder` can be written."""
    options = options or CompareOptions()
    notes: list[str] = []
    groups = read_sides(paths, options.files, options.against, notes)
    if folder is not None:
        writable(folder)
    matrices = [matrix for members in groups.values() for side in members[1:] for matrix in side.matrices]
    for condition in options.conditions:
        if condition.needs_frequency and all(matrix.frequency is None for matrix in matrices):
            raise UserError(
                f"`fail_if` {str(condition)!r} needs the frequencies of the items; give them by `frequency`"
            )
    measures = chosen_measures(options.measures)
    found = [
        compare_sides(name, sides, measures, progress, alike=options.alike) for name, sides in groups.items()
    ]
    return _with_notes(found, notes)


def compare_read(name: str, sides: Sequence[Side], measures: Sequence[Measure]) -> Compared:
    """Compare sides that are read already, the base first; `name` is what they are called together."""
    return _with_notes([compare_sides(name, sides, measures)], [])


def _with_notes(found: list[DatasetComparison], notes: Sequence[str]) -> Compared:
    every = [*notes, *(note for dataset in found for note in dataset.notes)]
    return Compared(found, list(dict.fromkeys(every)))
