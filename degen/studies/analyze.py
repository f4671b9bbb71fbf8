"""All measures of matrices and runs, for `degen analyze` and `degen.analyze`.

degen.analyze(V)                            an array, a tensor, a Dask array
degen.analyze(run)                          a run
degen.analyze("vectors.npz", key="item")    any matrix file, or the path of a run
analyze_paths([…], AnalysisOptions(…))      many, as the command does
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.analysis.listing import chosen_measures
from degen.analysis.measures.health import finite_rows
from degen.analysis.passes.arrays import Array, is_tensor
from degen.analysis.passes.engines import rows_on
from degen.analysis.passes.rows import Rows
from degen.analysis.result import Analysis
from degen.analysis.statistics.differences import SEED_NOISE_UNKNOWN, over_seeds
from degen.analysis.values import Interval, Undefined
from degen.embeddings import FileRows
from degen.embeddings.content import Counts
from degen.embeddings.item_matrix import ItemMatrix
from degen.embeddings.load import Matrix
from degen.embeddings.select import Selection, Source, select, select_one
from degen.errors import UserError
from degen.modules import import_modules
from degen.runs.choose import run_name
from degen.runs.course import warnings_of
from degen.runs.directory import ITEM_EMBEDDINGS, RunDirectory
from degen.studies.analysis_options import AnalysisOptions
from degen.studies.item_bias import bias_values

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Analyzed:
    """The analyses of several matrices, with notes for the user.

    `warnings` has the warnings about the course of each run, which are mostly about h, by its name.
    """

    analyses: list[Analysis]
    notes: list[str]
    warnings: dict[str, list[str]] = field(default_factory=dict)


def analyze(
    matrix: Rows | Array | Matrix | RunDirectory | Path | str,
    *others: Any,
    name: str | None = None,
    **options: Any,
) -> Analysis:
    """Take all measures of a matrix, or those asked for.

    Parameters
    ----------
    matrix
        [n, d], one row per item: an array, a tensor (measured on its device), a Dask array, what
        `load_matrix` returns, a run, or the path of a run or a matrix file. One matrix: others are refused.
    name
        what it is called; by default what its path says.
    **options
        as in `AnalysisOptions`: `measures`, `frequency`, `key`, `skip_rows`, `ids`, `separator`,
        `drop_nonfinite`, `exact_rows`, `seed`, `engine`, `device`, `with_model`, `jackknife`, `modules`.

    Raises
    ------
    UserError
        for whatever can be mended in a file or a name; several matrices; NaN or infinity in the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> analysis = analyze(np.eye(4), measures="effective_rank,average_cosine")
    >>> round(analysis["effective_rank"], 6), analysis["average_cosine"]
    (4.0, 0.0)
    """
    _refuse_several(matrix, others)
    if isinstance(matrix, Matrix):
        options = {"frequency": matrix.frequency, **options}
        matrix = matrix.values
    wanted = AnalysisOptions.of(options)
    if isinstance(matrix, str | Path | RunDirectory):
        path = matrix.path if isinstance(matrix, RunDirectory) else Path(matrix)
        analysis, _ = _analyze_source(select_one(path, wanted.files), wanted)
        return replace(analysis, name=name) if name else analysis
    rows = Rows.of(matrix)
    if isinstance(matrix, Rows):
        return wanted.measured(rows, name or "")
    counts = wanted.frequency
    if isinstance(counts, str | Path):
        from degen.embeddings import load_frequency

        counts = load_frequency(counts, len(rows))
    return _measured(rows.values, None if counts is None else np.asarray(counts), None, name or "", wanted)


def _refuse_several(matrix: Any, others: Sequence[Any]) -> None:
    """Refuse several matrices, and a list of runs or paths, which `numpy.asarray` would take for objects."""
    listed = isinstance(matrix, list | tuple) and any(
        isinstance(one, str | Path | RunDirectory | Rows) or getattr(one, "ndim", 0) > 1 for one in matrix
    )
    if others or listed:
        raise UserError(
            "`analyze` takes one matrix, run or path; measure each, as in `[degen.analyze(run) for run in "
            "runs]`, or compare them by `degen.compare`"
        )


def analyze_paths(paths: Sequence[Path], options: AnalysisOptions) -> Analyzed:
    """Take the measures of every run at and below `paths` and of every file."""
    selection = select(paths, options.files)
    if options.engine == "dask" and len(selection.sources) > 1:
        from degen.analysis.passes.dask_rows import each

        results = each(_analyzed_or_error, selection.sources, replace(options, engine="numpy"))
    else:
        results = [_analyzed_or_error(source, options) for source in selection.sources]
    measured, notes = _without_damaged(dict(zip(selection.sources, results, strict=True)), paths)
    sources = list(measured)
    analyses = [analysis for analysis, _ in measured.values()]
    notes = [*selection.notes, *notes, *(note for _, several in measured.values() for note in several)]
    warned = {source: warnings_of(source.run) for source in sources if source.run is not None}
    if options.seeds:
        together, more, behind = _over_seeds(selection, dict(zip(sources, analyses, strict=True)))
        of_series = {
            name: list(dict.fromkeys(one for source in members for one in warned.get(source, [])))
            for name, members in behind.items()
        }
        return Analyzed(together, notes + more, of_series)
    names = [analysis.name for analysis in analyses]
    analyses = [
        replace(analysis, name=str(source.path)) if names.count(analysis.name) > 1 else analysis
        for analysis, source in zip(analyses, sources, strict=True)
    ]
    called = {source: analysis.name for analysis, source in zip(analyses, sources, strict=True)}
    return Analyzed(analyses, notes, {called[source]: own for source, own in warned.items()})


def _analyzed_or_error(source: Source, options: AnalysisOptions) -> tuple[Analysis, list[str]] | UserError:
    try:
        return _analyze_source(source, options)
    except UserError as error:
        return error


def _without_damaged(
    results: Mapping[Source, tuple[Analysis, list[str]] | UserError], paths: Sequence[Path]
) -> tuple[dict[Source, tuple[Analysis, list[str]]], list[str]]:
    """Return the results of those that could be measured, and a note on each of the others.

    Raises
    ------
    UserError
        of a path that was given by itself, and where nothing could be measured.
    """
    given = {path.resolve() for path in paths}
    errors = {source: found for source, found in results.items() if isinstance(found, UserError)}
    for source, error in errors.items():
        if len(errors) == len(results) or source.path.resolve() in given:
            raise error
    measured = {source: found for source, found in results.items() if not isinstance(found, UserError)}
    return measured, [f"{error}: left out" for error in errors.values()]


def _over_seeds(
    selection: Selection, analyses: Mapping[Source, Analysis]
) -> tuple[list[Analysis], list[str], dict[str, list[Source]]]:
    """Combine the seeds of each series into their mean, with intervals. Files stay as they are.

    The sources behind each of them stand under its name.
    """
    found: list[Analysis] = []
    notes: list[str] = []
    behind: dict[str, list[Source]] = {}
    series = [(group.name, *each) for group in selection.groups for each in group.series.items()]
    ours = [(log, name, own) for log, name, all_ in series if (own := [s for s in all_ if s in analyses])]
    order = {source: place for place, source in enumerate(analyses)}
    for dataset, name, sources in sorted(ours, key=lambda each: order[each[2][0]]):
        members = [analyses[source] for source in sources]
        if len(members) == 1:
            notes.append(f"{members[0].name} is the only seed of {name}: {SEED_NOISE_UNKNOWN}")
        found.append(members[0] if len(members) == 1 else mean_of_seeds(f"{dataset}-{name}", members))
        behind[found[-1].name] = list(sources)
    return found + [analyses[file] for file in selection.files if file in analyses], notes, behind


def mean_of_seeds(name: str, members: Sequence[Analysis]) -> Analysis:
    """Return the means over seeds; a measure that one of them lacks is missing, with that seed's reason."""
    reasons: dict[str, str] = {}
    intervals: dict[str, Interval] = {}
    for measure in dict.fromkeys(key for member in members for key in member.measures):
        missing = [member.reasons[measure] for member in members if measure in member.reasons]
        try:
            if missing:
                raise Undefined(missing[0])
            interval = over_seeds([member.values[measure] for member in members])
            method = f"over {len(members)} seeds, {interval.method or 'which agree'}"
            intervals[measure] = replace(interval, method=method)
        except Undefined as undefined:
            reasons[measure] = str(undefined)
    first = members[0]
    plain = Analysis(name, first.rows, first.dimensions, {}, {}, {}, reasons, buckets=first.buckets)
    values = {measure: interval.value for measure, interval in intervals.items()}
    return plain.with_values(values).with_intervals(intervals)


def _analyze_source(source: Source, options: AnalysisOptions) -> tuple[Analysis, list[str]]:
    import_modules(options.modules)  # for a process of its own
    opened = source.open()
    counts = opened.frequency
    if options.frequency is not None and options.files.frequency is None:
        counts = np.asarray(options.frequency)
    try:
        hidden, recommended = _used(opened, counts, options) if options.with_model else (None, {})
        analysis = _measured(opened.values, counts, hidden, _name(source, opened), options)
        more = recommended | (bias_values(opened, counts, hidden) if options.measures is None else {})
        return analysis.with_values(more) if more else analysis, list(opened.notes)
    except UserError as error:
        raise UserError(f"{source.path}: {error}") from error


def _name(source: Source, opened: ItemMatrix) -> str:
    """Return what the analysis is called; that of a file of a run, by the run and the file."""
    if source.run is not None:
        return run_name(source.run, source.name)
    if opened.run is None:
        return source.name
    best = opened.path.name == ITEM_EMBEDDINGS
    return run_name(opened.run) if best else f"{run_name(opened.run)} {source.name}"


def _measured(
    values: Array | FileRows,
    frequency: Counts | None,
    representations: Array | None,
    name: str,
    options: AnalysisOptions,
) -> Analysis:
    rows = rows_on(
        values,
        options.engine,
        _device(values, options),
        name,
        frequency=frequency,
        representations=representations,
        exact_rows=options.exact_rows,
        seed=options.seed,
    )
    if rows.finite or {measure.name for measure in chosen_measures(options.measures)} <= {"nonfinite_rows"}:
        return options.measured(rows, name)
    kept = finite_rows(values)
    bad = np.flatnonzero(~kept)
    if not options.drop_nonfinite:
        raise UserError(
            f"{len(bad):,} of {len(kept):,} rows hold NaN or infinity, the first of them row {bad[0]} "
            "(counted from 0); `drop_nonfinite=True` leaves them out"
        )
    if not kept.any():
        raise UserError("every row holds NaN or infinity; nothing is left to measure")
    left = values[np.flatnonzero(kept)]
    counts = None if frequency is None else frequency[kept]
    found = _measured(left, counts, representations, name, options)
    return found.with_values({"nonfinite_rows": len(bad)}) if "nonfinite_rows" in found.values else found


def _device(values: Any, options: AnalysisOptions) -> torch.device | None:
    """Return the device to which the rows are moved; None for NumPy, Dask, and a tensor where it lies."""
    on_device = options.engine == "torch" or (options.engine == "auto" and options.device.startswith("cuda"))
    if not on_device or (options.engine == "auto" and hasattr(values, "dask")):
        return None
    from degen.device import pick_device

    return None if options.device == "auto" and is_tensor(values) else pick_device(options.device)


def _used(
    opened: ItemMatrix, frequency: Counts | None, options: AnalysisOptions
) -> tuple[Array, dict[str, float]]:
    """Return the representations of a run's test users, float32 [n_users, d], and what it recommends them."""
    run = opened.run
    if run is None or opened.path.name != ITEM_EMBEDDINGS:
        raise UserError("`with_model=True` is for runs; another matrix has no model: leave it out")
    from degen.evaluation.evaluate import representations
    from degen.evaluation.recommended import recommend
    from degen.evaluation.restore import restore

    restored = restore(run, options.device)
    h = representations(restored.encoder, restored.samples("test"))
    return h.detach().cpu().numpy(), recommend(restored).measures(
        run.item_frequency if frequency is None else frequency
    )
