"""The folder of a study on disk: its plan, and the runs of its cells.

    OUT/study.toml   the study as it was resolved
    OUT/plan.jsonl   a line per cell and seed, in order
    OUT/done/        a file `<id>-s<seed>` per finished cell and seed; `failed/` alike
    OUT/results.csv  a row per finished cell and seed (`degen.sweeps.collect`)

The runs lie in a folder beside the study (`../cells/<dataset>/<variant>/<id>-s<seed>`), so that studies share
them. A study folder stands for its runs in every command that takes runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degen.config.key_names import groups_renamed, key_named
from degen.errors import UserError
from degen.files.parse import Unreadable, parse_json, read_text, read_toml

STUDY = "study.toml"
PLAN = "plan.jsonl"
DONE = "done"
FAILED = "failed"
CELLS = "cells"
RESULTS = "results.csv"


@dataclass(frozen=True)
class PlannedRun:
    """One cell with one seed, a line of `plan.jsonl`.

    Attributes
    ----------
    id
        of the cell: ten hexadecimal digits.
    run
        the run directory, which need not exist yet.
    axes
        value of the cell on each axis, by the key of the configuration (`objective.lambda`).
    control
        name of the control that the cell belongs to; None for a cell of the axes.
    config
        resolved configuration, by groups.
    """

    id: str
    dataset: str
    seed: int
    run: Path
    axes: Mapping[str, Any]
    control: str | None
    config: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Name of the run directory, and of the files in `done/` and `failed/`."""
        return f"{self.id}-s{self.seed}"

    @property
    def variant(self) -> str:
        """Canonical name of the variant."""
        return str(self.config["objective"]["variant"])


def is_study(path: Path) -> bool:
    """Return whether `path` is the folder of a study: it holds `study.toml` and `plan.jsonl`."""
    return (path / STUDY).is_file() and (path / PLAN).is_file()


def read_study(path: Path) -> dict[str, Any]:
    """Return `study.toml` of a study folder.

    Raises
    ------
    UserError
        if it cannot be read as TOML.
    """
    file = path / STUDY
    try:
        return read_toml(file)
    except Unreadable as error:
        raise UserError(f"{file} cannot be read as TOML ({error}); run the study again") from error


def read_plan(path: Path) -> list[PlannedRun]:
    """Return the lines of `plan.jsonl` of a study folder, in order; runs are relative to the folder.

    Raises
    ------
    UserError
        if the file cannot be read, or a line is not one of a plan.
    """
    file = path / PLAN
    if not file.exists():
        raise UserError(f"{path} is not the folder of a study: it holds no {PLAN}")
    try:
        lines = read_text(file).splitlines()
    except Unreadable as error:
        raise UserError(f"{file} cannot be read ({error}); run the study again to write it") from error
    return [_planned(line, path, f"{file} line {number}") for number, line in enumerate(lines, start=1)]


def read_failure(path: Path, name: str) -> tuple[str, int]:
    """Return the sentence of a run that failed, and how often it has; empty and 0 where it has not."""
    try:
        text = (path / FAILED / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", 0
    try:
        found = parse_json(text)
        return str(found["sentence"]), int(found["tries"])
    except (ValueError, KeyError, TypeError):
        return text.strip() or "it failed without a word", 1


def _planned(line: str, folder: Path, place: str) -> PlannedRun:
    try:
        row = parse_json(line)
        row["config"]["objective"]["variant"]  # a line without it is refused here
        return PlannedRun(
            id=str(row["id"]),
            dataset=str(row["dataset"]),
            seed=int(row["seed"]),
            run=_plain(folder / row["run"]),
            axes={key_named(key): value for key, value in row["axes"].items()},
            control=row.get("control"),
            config={str(group): dict(keys) for group, keys in groups_renamed(row["config"]).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{place} is no line of a plan; run the study again to write it") from error


def _plain(path: Path) -> Path:
    """Return a path without `..`, unless that would leave a linked folder by another way."""
    plain = Path(os.path.normpath(path))
    return plain if plain.resolve() == path.resolve() else path


def study_runs(path: Path) -> list[Path]:
    """Return the run directories of a study that exist, each once, in the order of its plan."""
    places = {planned.run.resolve(): planned.run for planned in read_plan(path)}
    return [run for run in places.values() if run.is_dir()]
