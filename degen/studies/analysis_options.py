"""Options of an analysis: the measures, the engine that takes them, and how files are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from degen.analysis.listing import chosen_measures, chosen_profiles, names_recommendations
from degen.analysis.passes.engines import ENGINES
from degen.analysis.passes.rows import Rows
from degen.analysis.result import Analysis
from degen.analysis.statistics.differences import over_items
from degen.analysis.statistics.jackknife import jackknife
from degen.embeddings.content import Counts
from degen.embeddings.file_options import FileOptions
from degen.errors import UserError, one_of, refuse_unknown
from degen.modules import import_modules


@dataclass(frozen=True)
class AnalysisOptions:
    """The measures to take and how to take them; values are checked when this is made.

    Attributes
    ----------
    measures
        names of measures and groups, a list or text with commas; by default all.
    frequency
        how often each row occurs: counts, int [n], or a file of them; by default those of a run, or beside a
        file.
    key, skip_rows, ids, separator
        as in `load_matrix`, for matrix files.
    drop_nonfinite
        leave out rows with NaN or infinity, and count them.
    exact_rows
        maximum number of rows for which measures of pairs visit all pairs; above it they sample.
    seed
        of all sampling.
    engine
        `auto`, `numpy`, `torch` or `dask`.
    device
        for torch: `auto`, `cpu`, `cuda` or `cuda:N`.
    with_model
        also measure a run's representations of its test users. This reads its log and runs its model.
    jackknife
        also give intervals over items, from leaving groups of items out.
    seeds
        combine the seeds of a series of runs into their mean, with an interval over seeds.
    modules
        Python modules with further measures. They are imported, so their code runs.
    """

    measures: str | Sequence[str] | None = None
    frequency: Path | str | Counts | None = None
    key: str | None = None
    skip_rows: str | None = None
    ids: str | int | None = None
    separator: str | None = None
    drop_nonfinite: bool = False
    exact_rows: int = Rows.exact_rows
    seed: int = 0
    engine: str = "auto"
    device: str = "auto"
    with_model: bool = False
    jackknife: bool = False
    seeds: bool = False
    modules: Sequence[str] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> AnalysisOptions:
        """Return the options that are given by name; a `UserError` names an unknown one."""
        refuse_unknown(given, (field.name for field in fields(cls)))
        return cls(**given)

    def __post_init__(self) -> None:
        import_modules(self.modules)
        chosen_measures(self.measures)
        if names_recommendations(self.measures) and not self.with_model:
            raise UserError("what a run recommends is measured by its model; add `with_model=True`")
        one_of("engine", self.engine, ENGINES)
        if self.exact_rows < 2:
            raise UserError(f"`exact_rows={self.exact_rows}`: pairs need at least 2 rows")

    @property
    def files(self) -> FileOptions:
        """Options for reading matrix files. They keep rows with NaN or infinity for `drop_nonfinite`."""
        counts = self.frequency if isinstance(self.frequency, str | Path) else None
        return FileOptions(
            self.key,
            self.skip_rows,
            None if counts is None else Path(counts),
            self.ids,
            self.separator,
            finite=False,
        )

    def measured(self, rows: Rows, name: str) -> Analysis:
        """Take the measures of a matrix, which must be finite, and have rows enough for a jackknife."""
        found = Analysis.of(rows, chosen_measures(self.measures), chosen_profiles(self.measures), name)
        if not self.jackknife:
            return found
        judged = jackknife(rows, found, seed=self.seed)
        intervals = {name: over_items(judged, name) for name in judged.replicates}
        missing = {name: judged.reasons[name] for name in found.values if name not in intervals}
        return replace(found.with_intervals(intervals), not_judged=missing)
