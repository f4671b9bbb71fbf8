"""From paths to the numbers of a report.

Runs of one dataset share a group; where it has a variant and seed twice, those of one folder do, and runs
that measured alignment and uniformity by different definitions are kept apart. Every run is measured; clouds
of items are of one seed a variant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis import Projection, Rows, project
from degen.embeddings.item_matrix import ItemMatrix, open_matrix
from degen.errors import UserError
from degen.report.contents import Cloud, Group, Report, Subject
from degen.runs.choose import by_variant, group_runs, one_seed
from degen.runs.directory import ITEM_EMBEDDINGS, RunDirectory, collect_runs
from degen.studies.analyze import Wanted
from degen.studies.claims_of_runs import best_epoch, judge
from degen.variant_names import variant_label

Watch = Callable[[str, int, int], None]
"""Told what is measured now, how many were before it, and of how many."""


def gather(
    paths: Sequence[Path],
    wanted: Wanted | None = None,
    watch: Watch = lambda what, done, total: None,
) -> Report:
    """Read and measure what lies at `paths`.

    Parameters
    ----------
    paths
        runs, folders above runs, matrix files. Unfinished runs are taken as far as they are.
    wanted
        what to measure, by default all; its `key`, `skip_rows` and `frequency` are of matrix files.
    watch
        called before each run or file is measured.

    Raises
    ------
    UserError
        for a path without a run, or a file that cannot be read; a damaged run among others is left out, and
        its group's notes say so.
    """
    wanted = wanted or Wanted()
    if missing := [path for path in paths if not path.exists()]:
        raise UserError(f"{missing[0]} does not exist; give a run, a folder above runs or a matrix file")
    files = [path for path in paths if not path.is_dir()]
    runs = collect_runs(path for path in paths if path.is_dir())
    if not files and not (wanted.key is wanted.skip_rows is wanted.frequency is None):
        raise UserError(
            "--key, --skip-rows and --frequency are about matrix files; a run has its own, so leave them out"
        )
    done, total = count(), len(files) + len(runs)

    def begin(what: str) -> None:
        watch(what, next(done), total)

    groups = []
    for file in files:
        begin(file.name)
        groups.append(_matrix(file, wanted))
    first = paths[0].absolute()
    shared = (
        parent
        for parent in (first, *first.parents)
        if all(path.absolute().is_relative_to(parent) for path in paths)
    )
    below = next(shared, None)
    for name, members in _comparable(group_runs(runs)).items():
        groups.append(_group(name, members, below, wanted, begin))
    return Report(paths, groups)


def _comparable(groups: Mapping[str, list[RunDirectory]]) -> dict[str, list[RunDirectory]]:
    """Part groups whose runs measured alignment and uniformity by different definitions."""
    parted = {}
    for name, runs in groups.items():
        definitions = sorted({_definition(run) for run in runs})
        for definition in definitions:
            members = [run for run in runs if _definition(run) == definition]
            parted[name if len(definitions) == 1 else f"{name} ({definition} definition)"] = members
    return parted


def _definition(run: RunDirectory) -> str:
    return str(run.config.get("evaluation", {}).get("definition", "paper"))


def _group(
    name: str,
    runs: Sequence[RunDirectory],
    below: Path | None,
    wanted: Wanted,
    begin: Callable[[str], None],
) -> Group:
    notes: list[str] = []
    variants = by_variant(runs)
    started = {v: [run for run in several if _measurable(run)] for v, several in variants.items()}
    started = {variant: several for variant, several in started.items() if several}
    drawn = one_seed(started, None, notes) if started else {}
    subjects = []
    for several in variants.values():
        for run in several:
            begin(f"{name}: {run.variant}")
            label = variant_label(run.variant) + (f", seed {run.seed}" if len(several) > 1 else "")
            keep = run in drawn.values()
            try:
                subjects.append(_run(run, label, _place(run.path, below), wanted, keep_cloud=keep))
            except UserError as error:
                notes.append(f"left out: {error}")
    if not subjects:
        raise UserError(notes[-1].removeprefix("left out: "))
    whole = {subject.path for subject in subjects if subject.cloud is not None and subject.epochs}
    claims = judge({variant: run for variant, run in drawn.items() if run.path in whole}, notes)
    return Group(name, _definition(runs[0]), subjects, claims, notes)


def _measurable(run: RunDirectory) -> bool:
    return (run.path / ITEM_EMBEDDINGS).exists()


def _place(path: Path, below: Path | None) -> str:
    whole = path.absolute()
    return str(path) if below is None else str(whole.relative_to(below)) if whole != below else path.name


def _run(run: RunDirectory, name: str, place: str, wanted: Wanted, *, keep_cloud: bool) -> Subject:
    """Read and measure a run."""
    test = run.test if run.state == "finished" else {}
    subject = Subject(
        name=name,
        variant=run.variant,
        path=run.path,
        place=place,
        about=_about(run),
        test={key: value for key, value in test.items() if isinstance(value, float)},
        epochs=run.metrics,
        finished=run.state == "finished",
    )
    if not _measurable(run):
        return subject
    return _measured(subject, open_matrix(run.path), wanted, keep_cloud=keep_cloud)


def _matrix(path: Path, wanted: Wanted) -> Group:
    given = wanted.frequency
    frequency = Path(given) if isinstance(given, str | Path) else None
    matrix = open_matrix(path, wanted.key, wanted.skip_rows, frequency)
    subject = Subject(path.stem, None, path, str(path), {"state": "matrix file"})
    measured = _measured(subject, matrix, wanted, keep_cloud=True)
    return Group(path.name, None, [measured], notes=list(matrix.notes))


def _measured(subject: Subject, matrix: ItemMatrix, wanted: Wanted, *, keep_cloud: bool) -> Subject:
    V, frequency = matrix.projectable(), matrix.frequency
    projection = project(V)
    rows = Rows(V, frequency, exact_rows=wanted.exact_rows, seed=wanted.seed)
    return replace(
        subject,
        analysis=wanted.measured(rows, subject.name),
        deciles=rows.deciles,
        singular_values=projection.normalized_singular_values,
        cloud=_cloud(projection, V, matrix.names, frequency) if keep_cloud else None,
    )


def _cloud(
    projection: Projection,
    V: npt.NDArray[Any],
    ids: Sequence[str],
    frequency: npt.NDArray[np.int64] | None,
) -> Cloud:
    norms = np.linalg.norm(np.asarray(V, dtype=np.float64), axis=1)
    first, second = projection.variance_share[:2].tolist()
    return Cloud(ids, projection.coordinates, norms, (first, second), frequency)


def _contrasts(variant: str) -> bool:
    """Return whether λ and τ act on a variant: on one that is not known here they may."""
    from degen.model.variants import MITIGATIONS, VARIANTS

    known = {**VARIANTS, **MITIGATIONS}.get(variant)
    return known is None or bool(known.pairs)


def _about(run: RunDirectory) -> dict[str, Any]:
    """What was run: a row of the first table."""
    training, objective = run.config.get("training", {}), run.config.get("objective", {})
    contrast = objective if _contrasts(run.variant) else {}
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
