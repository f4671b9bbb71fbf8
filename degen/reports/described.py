"""Words about runs and matrix files: where they lie, how they were trained, what is missing of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from degen.embeddings.select import Source
from degen.reports.contents import Subject
from degen.runs.best import best_epoch
from degen.runs.directory import RunDirectory


def labels(files: Sequence[Source], paths: Sequence[Path]) -> list[str]:
    """Return the names of files without suffix; with their folders where that would name two alike."""
    names = [file.name for file in files]
    return [
        name if names.count(name) == 1 else place(file.path, paths)
        for name, file in zip(names, files, strict=True)
    ]


def place(path: Path, paths: Sequence[Path]) -> str:
    """Return where a run lies below the lowest folder that holds all of `paths`; elsewhere its path."""
    place, first = path.absolute(), paths[0].absolute()
    above = (first, *first.parents)
    shared = next((f for f in above if all(given.absolute().is_relative_to(f) for given in paths)), None)
    if shared is None or not place.is_relative_to(shared):  # the runs of a study lie beside its folder
        return str(path)
    return path.name if place == shared else str(place.relative_to(shared))


def about(run: RunDirectory) -> dict[str, Any]:
    """Describe a run: its row in the first table."""
    from degen.model.variants import known_variants

    training, objective = run.config.get("training", {}), run.config.get("objective", {})
    known = known_variants().get(run.variant)
    contrast = objective if known is None or known.pairs else {}  # λ and τ may act on what is not known here
    return {
        "dataset": run.dataset,
        "variant": run.variant,
        "seed": run.seed,
        "state": run.state,
        "epochs": len(run.metrics),
        "best epoch": best_epoch(run),
        "recipe": objective.get("recipe"),
        "λ": contrast.get("lambda"),
        "τ": contrast.get("temperature"),
        "batch": training.get("batch_size"),
    }


def environment(run: RunDirectory) -> dict[str, Any]:
    """Describe what a run was trained on and with: its row in the table of versions."""
    found = run.environment
    return {
        "device": found.get("device"),
        "degen": found.get("degen"),
        "PyTorch": found.get("torch"),
        "commit": str(found.get("commit") or "")[:8] or None,
    }


def unmeasured(subjects: Sequence[Subject]) -> list[str]:
    """Return what a reader may miss: embeddings, a verdict, and measures by popularity."""
    notes = []
    if gone := [str(one.path) for one in subjects if one.analysis is None and one.epochs]:
        notes.append(f"not measured, for want of item embeddings: {', '.join(gone)}")
    measured = [subject for subject in subjects if subject.analysis]
    unfinished = [subject.name for subject in measured if not subject.finished]
    if unfinished and len(measured) > 1 and len(measured) - len(unfinished) < 2:
        notes.append(
            f"there is no verdict, because unfinished runs are not compared: {', '.join(unfinished)}"
        )
    if bare := [subject.name for subject in measured if subject.deciles is None]:
        notes.append(
            f"nothing is said by popularity of {', '.join(bare)}, because it is unknown how often the items "
            "occur; give `frequency='FILE'`"
        )
    return notes
