"""From paths to the numbers of a report.

Runs of one dataset share a group, also with the same variant and seed. Matrix files join the runs that are
given with them; without runs, or with those of several groups, they are a group of their own. Where several
folders hold copies, which agree in everything, each folder is a group. Runs with different definitions of
alignment and uniformity are kept apart. Every run is measured. Clouds of items show one seed per series.

A damaged run is left out and named in the notes. Only where nothing else is left is it an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from degen.analysis import Rows, project
from degen.embeddings.item_matrix import ItemMatrix
from degen.embeddings.select import Selection, Source, select
from degen.errors import UserError
from degen.reports.contents import Cloud, Group, Report, Subject
from degen.reports.described import about, environment, labels, place, unmeasured
from degen.reports.verdicts import Sides
from degen.runs.choose import by_definition, damage, one_seed
from degen.runs.course import told, warnings_of
from degen.runs.directory import RunDirectory
from degen.studies.analysis_options import AnalysisOptions
from degen.studies.claims import Claim
from degen.studies.claims_of_runs import judge
from degen.variant_names import variant_label

Watch = Callable[[str, int, int], None]
"""Called with what is measured now, how many were measured before it, and how many there are in all."""

FILES = "matrices"
"""Name of a group of several files without runs, as in `degen compare`."""

Series = Mapping[str, Sequence[Source]]


def gather(
    paths: Sequence[Path],
    options: AnalysisOptions | None = None,
    watch: Watch = lambda what, done, total: None,
) -> Report:
    """Read and measure the runs, finished or not, folders above runs and matrix files at `paths`.

    `key`, `skip_rows`, `ids`, `separator` and `frequency` of the options apply to matrix files. A path
    without a run or a file that cannot be read raises `UserError`. A damaged run among others is left out,
    and the notes say so.
    """
    options = options or AnalysisOptions()
    selection = select(paths, replace(options.files, finite=True), begun_only=False)
    if not selection.files and options.frequency is not None:
        raise UserError("`frequency` is about matrix files; a run has its own counts, so leave it out")
    work = _Work(paths, options, watch, len(selection.sources))
    groups, notes = [], list(selection.notes)
    for name, series, files in _grouped(selection):
        group = work.group(name, series, files)
        if group.subjects:
            groups.append(group)
        else:
            notes += group.notes
    if not groups:
        raise UserError(notes[-1].removeprefix("left out: "))
    return Report(paths, groups, notes)


def _grouped(selection: Selection) -> Iterator[tuple[str, Series, Sequence[Source]]]:
    """Yield the name, the series and the files of each group."""
    parts = by_definition({group.name: group.series for group in selection.groups})
    files = selection.files
    joined = files if len(parts) == 1 else []
    if files and not joined:
        yield files[0].path.name if len(files) == 1 else FILES, {}, files
    for name, series in parts.items():
        yield name, series, joined


@dataclass
class _Work:
    """Measure the members of groups, and tell how far it has come."""

    paths: Sequence[Path]
    options: AnalysisOptions
    watch: Watch
    total: int
    done: int = field(default=0, init=False)

    def group(self, name: str, series: Series, files: Sequence[Source]) -> Group:
        """Return a group; without subjects, where all of its runs are damaged."""
        notes: list[str] = []
        sides = Sides()
        begun = {label: [run for run in runs if run.begun] for label, runs in series.items()}
        begun = {label: runs for label, runs in begun.items() if runs}
        drawn = one_seed(begun, None, notes) if begun else {}
        subjects = []
        for label, sources in series.items():
            for source in sources:
                self._begin(f"{name}: {label}")
                side, drawn_here = variant_label(label), source in drawn.values()
                title = side + (f", seed {source.seed}" if len(sources) > 1 else "")
                try:
                    subjects.append(self._run(source, title, side, sides, keep_cloud=drawn_here))
                except UserError as error:
                    notes.append(f"left out: {error}")
        complete = {subject.path for subject in subjects if subject.cloud is not None and subject.epochs}
        judged = {label: source.run for label, source in drawn.items() if source.path in complete}
        of_claims: list[str] = []
        claims = _claims({label: run for label, run in judged.items() if run}, of_claims)
        for label, file in zip(labels(files, self.paths), files, strict=True):
            self._begin(file.path.name)
            matrix = file.open()
            several = len(files) + len(subjects) > 1
            notes += [f"{label}: {note}" if several else note for note in matrix.notes]
            subject = Subject(label, None, file.path, str(file.path), {"state": "matrix file"})
            subjects.append(self._measured(subject, matrix, label, sides, keep_cloud=True))
        notes += unmeasured(subjects)
        definitions = [source.definition for sources in series.values() for source in sources]
        definition = definitions[0] if definitions else None
        compared = sides.verdicts(notes)
        runs = {source.path: source.run for sources in series.values() for source in sources if source.run}
        warned = {one.name: warnings_of(runs[one.path]) for one in subjects if one.path in runs}
        return Group(name, definition, subjects, claims, notes, compared, of_claims, told(warned))

    def _begin(self, what: str) -> None:
        self.watch(what, self.done, self.total)
        self.done += 1

    def _run(self, source: Source, name: str, side: str, sides: Sides, *, keep_cloud: bool) -> Subject:
        run = source.run
        assert run is not None
        if error := damage(run):
            raise error
        test = run.test if run.state == "finished" else {}
        subject = Subject(
            name=name,
            variant=source.name,
            path=run.path,
            place=place(source.path, self.paths),
            about=about(run),
            environment=environment(run),
            test={key: value for key, value in test.items() if isinstance(value, float)},
            epochs=run.metrics,
            finished=run.state == "finished",
        )
        if not source.begun:
            return subject
        return self._measured(subject, source.open(), side, sides, keep_cloud=keep_cloud)

    def _measured(
        self, subject: Subject, matrix: ItemMatrix, side: str, sides: Sides, *, keep_cloud: bool
    ) -> Subject:
        """Measure a matrix; that of a finished run joins `side` of the verdicts."""
        frequency, options = matrix.frequency, self.options
        rows = Rows(matrix.projectable(), frequency, exact_rows=options.exact_rows, seed=options.seed)
        projection = project(rows)
        first, second = projection.variance_share[:2].tolist()
        cloud = Cloud(matrix.names, projection.coordinates, rows.norms, (first, second), frequency)
        analysis = options.measured(rows, subject.name)
        if subject.finished:
            sides.add(side, analysis, matrix, rows)
        return replace(
            subject,
            about={**subject.about, "items": len(rows), "dimensions": rows.d},
            analysis=analysis,
            deciles=rows.deciles,
            singular_values=projection.normalized_singular_values,
            cloud=cloud if keep_cloud else None,
        )


def _claims(runs: Mapping[str, RunDirectory], notes: list[str]) -> list[Claim]:
    """Judge the claims; damaged ranks or embeddings of another epoch cost them and nothing else."""
    try:
        return judge(runs, notes)
    except UserError as error:
        notes.append(f"the paper's claims are not tested: {error}")
        return []
