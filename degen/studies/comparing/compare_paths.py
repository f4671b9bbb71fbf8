"""Compare what lies at paths: runs of a dataset, folders above them, matrix files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from degen.analysis.listing import chosen_measures
from degen.analysis.registry import PROFILES
from degen.embeddings.file_options import FileOptions
from degen.errors import UserError, nearest
from degen.files.writing import writable
from degen.studies.compare import DatasetComparison, Progress, compare_sides
from degen.studies.comparing.sides import read_sides

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
    """

    measures: str | None = None
    against: str | None = None
    profiles: tuple[str, ...] = SHOWN
    files: FileOptions = field(default_factory=FileOptions)
    alike: bool = True

    def __post_init__(self) -> None:
        chosen_measures(self.measures)
        for name in self.profiles:
            if name not in PROFILES:
                raise UserError(f"`profiles` '{name}' is unknown{nearest(name, PROFILES)}")


@dataclass(frozen=True)
class Compared:
    """A comparison for each dataset, with notes for the user."""

    datasets: list[DatasetComparison]
    notes: list[str]


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
    measures = chosen_measures(options.measures)
    found = [
        compare_sides(name, sides, measures, progress, alike=options.alike) for name, sides in groups.items()
    ]
    notes += [note for dataset in found for note in dataset.notes]
    return Compared(found, list(dict.fromkeys(notes)))
