"""The numbers of a report, apart from how they are found and shown.

Report ─► Group, compared in one section ─► Subject, a run or a matrix file ─► Cloud, its items
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.passes.buckets import Buckets
from degen.analysis.result import Analysis
from degen.studies.claims import Claim
from degen.studies.verdict import Verdict

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cloud:
    """Items on their first two singular directions: coordinates float64 [n, 2] and norms float64 [n].

    Ids are the original ones, or row numbers from 0 where a matrix has none. `variance_share` is that of
    either direction in the squared length of all rows. `frequency`, int64 [n], counts how often each item
    occurs in training; it is None where that is not known.
    """

    ids: Sequence[str]
    coordinates: Floats
    norms: Floats
    variance_share: tuple[float, float]
    frequency: npt.NDArray[np.int64] | None


@dataclass(frozen=True, eq=False)
class Subject:
    """A run or a matrix file with its measures; empty where there is nothing to measure yet.

    Attributes
    ----------
    name
        label in charts and tables: the variant, with the seed where a group has several.
    variant
        canonical name, None for a matrix file.
    path, place
        where it lies; for a table, the part below the folder that all paths share.
    about, environment
        configuration and state, and versions and device, by the titles of the tables' columns.
    test
        HR, NDCG and MRR by their keys; empty for an unfinished run.
    epochs
        the lines of `metrics.jsonl`.
    analysis
        every measure of the registry, and every profile where frequencies are known; None without
        embeddings.
    singular_values
        float64 [d], σᵢ/σ₁; None without embeddings.
    deciles
        the items by popularity; None where frequencies are not known.
    cloud
        None where another seed of the variant is drawn.
    finished
        whether training has ended; only then may it be marked as the best of a group.
    """

    name: str
    variant: str | None
    path: Path
    place: str
    about: Mapping[str, Any]
    environment: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    epochs: Sequence[Mapping[str, Any]] = ()
    analysis: Analysis | None = None
    singular_values: Floats | None = None
    deciles: Buckets | None = None
    cloud: Cloud | None = None
    finished: bool = True


@dataclass(frozen=True, eq=False)
class Group:
    """Subjects that are compared: the runs of a dataset with the matrix files given beside them, or files.

    `definition` is that of alignment and uniformity; it is None where there is no run. `notes` name what was
    left out, and `claim_notes` why claims are not judged. `verdicts` are on the first side and each other.
    `warnings` are about the course of runs and begin with the run's name.
    """

    name: str
    definition: str | None
    subjects: Sequence[Subject]
    claims: Sequence[Claim] = ()
    notes: Sequence[str] = ()
    verdicts: Sequence[Verdict] = ()
    claim_notes: Sequence[str] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Report:
    """Contents of a report, and the paths that it was made from; `notes` name what no group holds."""

    paths: Sequence[Path]
    groups: Sequence[Group]
    notes: Sequence[str] = ()
