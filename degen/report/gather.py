"""From paths to the numbers of a report.

Runs of one dataset share a group, also with the same variant and seed. Where several folders hold copies,
which agree in everything, each folder is a group. Runs with different definitions of alignment and uniformity
are kept apart. Every run is measured. Clouds of items show one seed per series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from degen.analysis import Rows, project
from degen.embeddings.item_matrix import ItemMatrix
from degen.embeddings.select import Source, select
from degen.errors import UserError
from degen.report.contents import Cloud, Group, Report, Subject
from degen.runs.best import best_epoch
from degen.runs.choose import by_definition, one_seed
from degen.runs.directory import RunDirectory
from degen.studies.analysis_options import AnalysisOptions
from degen.studies.claims_of_runs import judge
from degen.variant_names import variant_label

Watch = Callable[[str, int, int], None]
"""Called with what is measured now, how many were measured before it, and how many there are in all."""


def gather(
    paths: Sequence[Path],
    options: AnalysisOptions | None = None,
    watch: Watch = lambda what, done, total: None,
) -> Report:
    """Read and measure the runs, finished or not, folders above runs and matrix files at `paths`.

    `key`, `skip_rows`, `ids`, `separator` and `frequency` of the options apply to matrix files. A path
    without a run or a file that cannot be read raises `UserError`. A damaged run among others is left out,
    and its group's notes say so.
    """
    options = options or AnalysisOptions()
    selection = select(paths, replace(options.files, finite=True), begun_only=False)
    if not selection.files and options.frequency is not None:
        raise UserError("`frequency` is about matrix files; a run has its own counts, so leave it out")
    done, total = count(), len(selection.sources)

    def begin(what: str) -> None:
        watch(what, next(done), total)

    groups = []
    for file in selection.files:
        begin(file.path.name)
        matrix = file.open()
        subject = Subject(file.name, None, file.path, str(file.path), {"state": "matrix file"})
        measured = _measured(subject, matrix, options, keep_cloud=True)
        groups.append(Group(file.path.name, None, [measured], notes=list(matrix.notes)))
    series = {group.name: group.series for group in selection.groups}
    for name, members in by_definition(series).items():
        groups.append(_run_group(name, members, paths, options, begin))
    if groups and selection.notes:
        groups[0] = replace(groups[0], notes=[*groups[0].notes, *selection.notes])
    return Report(paths, groups)


def _run_group(
    name: str,
    series: Mapping[str, Sequence[Source]],
    paths: Sequence[Path],
    options: AnalysisOptions,
    begin: Callable[[str], None],
) -> Group:
    notes: list[str] = []
    begun = {label: [source for source in sources if source.begun] for label, sources in series.items()}
    begun = {label: sources for label, sources in begun.items() if sources}
    drawn = one_seed(begun, None, notes) if begun else {}
    subjects = []
    for label, sources in series.items():
        for source in sources:
            begin(f"{name}: {label}")
            title = variant_label(label) + (f", seed {source.seed}" if len(sources) > 1 else "")
            place = _place(source.path, paths)
            try:
                subjects.append(_run(source, title, place, options, keep_cloud=source in drawn.values()))
            except UserError as error:
                notes.append(f"left out: {error}")
    if not subjects:
        raise UserError(notes[-1].removeprefix("left out: "))
    complete = {subject.path for subject in subjects if subject.cloud is not None and subject.epochs}
    judged = {label: source.run for label, source in drawn.items() if source.path in complete and source.run}
    definition = next(source.definition for sources in series.values() for source in sources)
    return Group(name, definition, subjects, judge(judged, notes), notes)


def _place(path: Path, paths: Sequence[Path]) -> str:
    """Return where a run lies below the lowest folder that holds all of `paths`; elsewhere its path."""
    place, first = path.absolute(), paths[0].absolute()
    above = (first, *first.parents)
    shared = next((f for f in above if all(given.absolute().is_relative_to(f) for given in paths)), None)
    if shared is None or not place.is_relative_to(shared):  # the runs of a study lie beside its folder
        return str(path)
    return path.name if place == shared else str(place.relative_to(shared))


def _run(source: Source, name: str, place: str, options: AnalysisOptions, *, keep_cloud: bool) -> Subject:
    run = source.run
    assert run is not None
    test = run.test if run.state == "finished" else {}
    subject = Subject(
        name=name,
        variant=source.name,
        path=run.path,
        place=place,
        about=_about(run),
        test={key: value for key, value in test.items() if isinstance(value, float)},
        epochs=run.metrics,
        finished=run.state == "finished",
    )
    if not source.begun:
        return subject
    return _measured(subject, source.open(), options, keep_cloud=keep_cloud)


def _measured(subject: Subject, matrix: ItemMatrix, options: AnalysisOptions, *, keep_cloud: bool) -> Subject:
    frequency = matrix.frequency
    rows = Rows(matrix.projectable(), frequency, exact_rows=options.exact_rows, seed=options.seed)
    projection = project(rows)
    first, second = projection.variance_share[:2].tolist()
    cloud = Cloud(matrix.names, projection.coordinates, rows.norms, (first, second), frequency)
    return replace(
        subject,
        analysis=options.measured(rows, subject.name),
        deciles=rows.deciles,
        singular_values=projection.normalized_singular_values,
        cloud=cloud if keep_cloud else None,
    )


def _about(run: RunDirectory) -> dict[str, Any]:
    """Describe a run: its row in the first table."""
    from degen.model.variants import known_variants

    training, objective = run.config.get("training", {}), run.config.get("objective", {})
    known = known_variants().get(run.variant)
    contrast = objective if known is None or known.pairs else {}  # λ and τ may act on what is not known here
    environment = run.environment
    return {
        "dataset": run.dataset,
        "variant": run.variant,
        "seed": run.seed,
        "state": run.state,
        "epochs": len(run.metrics),
        "best epoch": best_epoch(run),
        "recipe": objective.get("recipe"),
        "λ": contrast.get("contrast_weight"),
        "τ": contrast.get("temperature"),
        "batch": training.get("batch_size"),
        "device": environment.get("device"),
        "degen": environment.get("degen"),
        "PyTorch": environment.get("torch"),
        "commit": str(environment.get("commit") or "")[:8] or None,
    }
