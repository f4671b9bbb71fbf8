"""All measures of matrices and runs: what `degen analyze` and `degen.analyze` do.

degen.analyze(V)                            an array, a tensor, a Dask array
degen.analyze("vectors.npz", key="item")    any matrix file, or a run
analyze_paths([…], Wanted(…))               many, as the command does
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.analysis.listing import chosen_measures, chosen_profiles, names_recommendations
from degen.analysis.measures.health import finite_rows
from degen.analysis.passes.arrays import Array, is_tensor
from degen.analysis.passes.engines import ENGINES, rows_on
from degen.analysis.passes.rows import Rows
from degen.analysis.result import Analysis
from degen.analysis.statistics.differences import over_items
from degen.analysis.statistics.jackknife import jackknife
from degen.embeddings import FileRows
from degen.embeddings.frequency import Counts
from degen.embeddings.item_matrix import ItemMatrix, open_matrix
from degen.errors import UserError, one_of
from degen.runs.choose import run_name
from degen.runs.directory import ITEM_EMBEDDINGS, collect_runs
from degen.studies.over_seeds import over_runs

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Wanted:
    """What to measure, and how; checked when it is made.

    Attributes
    ----------
    measures
        names of measures and groups, a list or text with commas; by default all.
    frequency
        how often each row occurs: counts, int [n], or a file of them; by default those of a run, or beside a
        file.
    key, skip_rows
        as in `load_matrix`, for files.
    drop_nonfinite
        leave rows with NaN or infinity out, and count them.
    exact_rows
        up to how many rows measures of pairs visit all of them; above they sample.
    seed
        of what is sampled.
    engine
        `auto`, `numpy`, `torch` or `dask`.
    device
        for torch: `auto`, `cpu`, `cuda` or `cuda:N`.
    with_model
        also measure a run's representations of its test users, for which its log is read and its model run.
    jackknife
        also give intervals over items, by leaving groups of them out.
    seeds
        take runs of a variant with several seeds together, as mean and interval over seeds.
    modules
        Python modules with measures of one's own, which are imported: what is in them runs.
    """

    measures: str | Sequence[str] | None = None
    frequency: Path | str | Counts | None = None
    key: str | None = None
    skip_rows: str | None = None
    drop_nonfinite: bool = False
    exact_rows: int = Rows.exact_rows
    seed: int = 0
    engine: str = "auto"
    device: str = "auto"
    with_model: bool = False
    jackknife: bool = False
    seeds: bool = False
    modules: Sequence[str] = ()

    def __post_init__(self) -> None:
        import_measures(self.modules)
        chosen_measures(self.measures)
        if names_recommendations(self.measures) and not self.with_model:
            raise UserError("what a run recommends is measured by its model; add --with-model")
        one_of("engine", self.engine, ENGINES)
        if self.exact_rows < 2:
            raise UserError(f"--exact-rows {self.exact_rows}: pairs need at least 2 rows")

    def measured(self, rows: Rows, name: str) -> Analysis:
        """Take what is wanted of a matrix.

        Raises
        ------
        UserError
            for NaN or infinity in it, or fewer rows than a jackknife needs.
        """
        found = Analysis.of(rows, chosen_measures(self.measures), chosen_profiles(self.measures), name)
        if not self.jackknife:
            return found
        judged = jackknife(rows, found, seed=self.seed)
        intervals = {one: over_items(judged, one) for one in judged.replicates}
        missing = {one: judged.reasons[one] for one in found.values if one not in intervals}
        return replace(found.with_intervals(intervals), not_judged=missing)


def import_measures(modules: Sequence[str]) -> None:
    """Import modules, of the current folder too, so that the measures in them are registered.

    Raises
    ------
    UserError
        for one that cannot be found, or imports what cannot be.
    """
    for module in modules:
        here = str(Path.cwd())
        sys.path.insert(0, here)
        try:
            import_module(module)
        except ImportError as error:
            raise UserError(
                f"--import {module}: {error}; name a module as Python imports it, of this folder or installed"
            ) from error
        finally:
            sys.path.remove(here)


@dataclass(frozen=True)
class Analyzed:
    """What was measured of paths, and what the user should know."""

    analyses: list[Analysis]
    notes: list[str]


def analyze(matrix: Rows | Array | Path | str, *, name: str | None = None, **wanted: Any) -> Analysis:
    """Take all measures of a matrix, or those asked for.

    Parameters
    ----------
    matrix
        [n, d], one row an item: an array, a tensor (measured on its device), a Dask array, or the path of a
        run or a matrix file.
    name
        what it is called; by default what its path says.
    **wanted
        as in `Wanted`: `measures`, `frequency`, `key`, `skip_rows`, `drop_nonfinite`, `exact_rows`, `seed`,
        `engine`, `device`, `with_model`, `jackknife`, `modules`.

    Raises
    ------
    UserError
        for whatever can be mended in a file or a name; NaN or infinity in the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> analysis = analyze(np.eye(4), measures="effective_rank,average_cosine")
    >>> round(analysis["effective_rank"], 6), analysis["average_cosine"]
    (4.0, 0.0)
    """
    settings = Wanted(**wanted)
    if isinstance(matrix, str | Path):
        found, _ = _analyze_path(Path(matrix), settings)
        return replace(found, name=name) if name else found
    rows = Rows.of(matrix)
    if isinstance(matrix, Rows):
        return settings.measured(rows, name or "")
    counts = settings.frequency
    if isinstance(counts, str | Path):
        from degen.embeddings import load_frequency

        counts = load_frequency(counts, len(rows))
    return _measured(rows.values, None if counts is None else np.asarray(counts), None, name or "", settings)


def analyze_paths(paths: Sequence[Path], wanted: Wanted) -> Analyzed:
    """Take the measures of every run at and below `paths` and of every file.

    Raises
    ------
    UserError
        for whatever can be mended in paths, files and options; no run under a folder has embeddings.
    """
    places, notes = _places(paths)
    if wanted.engine == "dask" and len(places) > 1:
        from degen.analysis.passes.dask_rows import each

        results = each(_analyze_path, places, replace(wanted, engine="numpy"))
    else:
        results = [_analyze_path(place, wanted) for place in places]
    analyses = [found for found, _ in results]
    if wanted.seeds:
        together, more = over_runs(places, analyses)
        return Analyzed(together, notes + [note for _, own in results for note in own] + more)
    names = [analysis.name for analysis in analyses]
    analyses = [
        replace(found, name=str(place)) if names.count(found.name) > 1 else found
        for found, place in zip(analyses, places, strict=True)
    ]
    return Analyzed(analyses, notes + [note for _, own in results for note in own])


def _places(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """Return the matrix files and runs that paths lead to, and which runs were left out."""
    places: list[Path] = []
    notes: list[str] = []
    for path in paths:
        runs = collect_runs([path]) if path.is_dir() else []
        started = [run.path for run in runs if (run.path / ITEM_EMBEDDINGS).exists()]
        if runs and not started:
            raise UserError(
                f"{path} has no {ITEM_EMBEDDINGS} yet; finish the run with `degen train … --resume`"
            )
        notes += [
            f"{run.path} has no item embeddings yet: left out" for run in runs if run.path not in started
        ]
        places += started or [path]
    return list(dict.fromkeys(places)), notes


def _analyze_path(path: Path, wanted: Wanted) -> tuple[Analysis, list[str]]:
    """Measure a run or a file; return what was found, and notes."""
    import_measures(wanted.modules)  # for a process of its own
    given = wanted.frequency
    file = Path(given) if isinstance(given, str | Path) else None
    opened = open_matrix(path, wanted.key, wanted.skip_rows, file, finite=False)
    counts = opened.frequency if given is None or file else np.asarray(given)
    try:
        if not wanted.with_model:
            return _measured(opened.values, counts, None, _name(opened), wanted), list(opened.notes)
        hidden, shown = _used(opened, counts, wanted)
        found = _measured(opened.values, counts, hidden, _name(opened), wanted)
        return found.with_values(shown), list(opened.notes)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _name(opened: ItemMatrix) -> str:
    run, file = opened.run, opened.path
    if run is None:
        return file.stem
    return run_name(run) if file.name == ITEM_EMBEDDINGS else f"{run_name(run)} {file.stem}"


def _measured(
    values: Array | FileRows,
    frequency: Counts | None,
    representations: Array | None,
    name: str,
    wanted: Wanted,
) -> Analysis:
    rows = rows_on(
        values,
        wanted.engine,
        _device(values, wanted),
        name,
        frequency=frequency,
        representations=representations,
        exact_rows=wanted.exact_rows,
        seed=wanted.seed,
    )
    if rows.finite or {own.name for own in chosen_measures(wanted.measures)} <= {"nonfinite_rows"}:
        return wanted.measured(rows, name)
    kept = finite_rows(values)
    bad = np.flatnonzero(~kept)
    if not wanted.drop_nonfinite:
        raise UserError(
            f"{len(bad):,} of {len(kept):,} rows hold NaN or infinity, the first of them row {bad[0]} "
            "(counted from 0); --drop-nonfinite leaves them out"
        )
    if not kept.any():
        raise UserError("every row holds NaN or infinity; nothing is left to measure")
    left = values[np.flatnonzero(kept)]
    counts = None if frequency is None else frequency[kept]
    found = _measured(left, counts, representations, name, wanted)
    return found.with_values({"nonfinite_rows": len(bad)}) if "nonfinite_rows" in found.values else found


def _device(values: Any, wanted: Wanted) -> torch.device | None:
    """Return the device to which the rows are moved; None for NumPy, Dask, and a tensor where it lies."""
    on_device = wanted.engine == "torch" or (wanted.engine == "auto" and wanted.device.startswith("cuda"))
    if not on_device or (wanted.engine == "auto" and hasattr(values, "dask")):
        return None
    from degen.device import pick_device

    return None if wanted.device == "auto" and is_tensor(values) else pick_device(wanted.device)


def _used(opened: ItemMatrix, frequency: Counts | None, wanted: Wanted) -> tuple[Array, dict[str, float]]:
    """Return the representations of a run's test users, float32 [n_users, d], and what it recommends them."""
    run = opened.run
    if run is None or opened.path.name != ITEM_EMBEDDINGS:
        raise UserError("--with-model is for runs; another matrix has no model: leave it out")
    from degen.evaluation.evaluate import representations
    from degen.evaluation.recommended import recommend
    from degen.evaluation.restore import restore

    restored = restore(run, wanted.device)
    h = representations(restored.encoder, restored.samples("test"))
    return h.detach().cpu().numpy(), recommend(restored).measures(
        run.item_frequency if frequency is None else frequency
    )
