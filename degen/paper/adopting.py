"""Finished runs of `degen train` as runs of targets: what was trained elsewhere is not trained again.

A run is taken where its settings, seed and log are those of a cell (`degen.sweeps.cells`). It is copied into
the folder of cells, and stays where it is. Of settings that decide a result, the way to count ties alone may
differ, since older versions counted by half. The copy's test split is then ranked again and counted as the
cell does. Its lines of validation, by which it chose its best epoch, stay as they were written.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from degen.config.schema import Config
from degen.config.settle import settle
from degen.errors import CannotWrite, UserError, counted
from degen.files.outputs import MANIFEST
from degen.files.writing import write_json
from degen.paper.launch import extending
from degen.paper.targets import Target
from degen.runs.choose import damage
from degen.runs.directory import CONFIG, RANKS, TEST, RunDirectory, collect_runs, is_run
from degen.runs.manifest import keeping
from degen.runs.study import CELLS, PlannedRun
from degen.sweeps.cells import Cell, cell_id, refuse_other_settings
from degen.sweeps.claims import claim_of, take
from degen.sweeps.plan import write_plan
from degen.sweeps.worker import write_done

if TYPE_CHECKING:
    from degen.sweeps.study import Study

Key = tuple[str, int]
"""Id of a cell, and a seed."""


@dataclass
class Adopted:
    """Runs that were taken, by target, as dataset, variant and seed; and what a user should know."""

    taken: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def adopt(chosen: Sequence[tuple[Target, Study]], folders: Sequence[Path], out: Path) -> Adopted:
    """Copy the finished runs below some folders that are cells of targets, and plan targets that take one.

    Parameters
    ----------
    chosen
        targets with their narrowed studies, as `choose_targets` returns them.
    folders
        runs or folders of runs.
    out
        folder of the paper's studies.

    Raises
    ------
    UserError
        if a folder holds no run, or a target's folder holds something else.
    """
    adopted = Adopted()
    runs = _finished(folders, adopted.notes)
    used: set[Path] = set()
    for target, study in chosen:
        folder = out / target.name
        taken = adopted.taken.setdefault(target.name, [])
        wanted = extending(target, study, out)
        cells = wanted.cells()
        known = _by_cell(runs, cells)
        if not any((cell.id, seed) in known for cell in cells for seed in wanted.seeds):
            continue
        for planned in write_plan(wanted, folder, cells=out / CELLS, extend=True, found=cells):
            if not (fitting := known.get((planned.id, planned.seed))):
                continue
            source, *others = fitting
            used.update(run.path for run in (source, *others))
            adopted.notes += [
                f"left out: {run.path} has log, settings and seed of {source.path}, which is taken"
                for run in others
                if run.path.resolve() != planned.run.resolve()
            ]
            if _take(source, planned, adopted.notes):
                write_done(folder, planned)
                taken.append((planned.dataset, planned.control or planned.variant, planned.seed))
    adopted.notes = list(dict.fromkeys(adopted.notes))  # targets share runs
    left = [str(run.path) for run in runs if run.path not in used]
    if left:
        count, names = counted(len(left), "run"), ", ".join(left)
        adopted.notes.append(f"{count} of other settings, logs or methods than these targets: {names}")
    return adopted


def _finished(folders: Sequence[Path], notes: list[str]) -> dict[RunDirectory, Config]:
    """Return the finished, sound runs of folders with their configurations; notes name the others."""
    found = {}
    for run in collect_runs(folders):
        if (error := damage(run)) is not None:
            notes.append(f"left out: {error}")
        elif run.state != "finished":
            notes.append(f"left out: {run.path} is not finished; `degen train … --resume` goes on")
        else:
            found[run] = settle(run.path / CONFIG)
    return found


def _by_cell(runs: Mapping[RunDirectory, Config], cells: Sequence[Cell]) -> dict[Key, list[RunDirectory]]:
    """Return runs by cell and seed, as if they counted ties as the cells do; those that do stand first."""
    ways = {cell.config.evaluation.ties for cell in cells}
    found: dict[Key, list[RunDirectory]] = {}
    for ties in sorted(ways):
        for run, config in sorted(runs.items(), key=lambda pair: pair[1].evaluation.ties != ties):
            evaluation = config.evaluation.model_copy(update={"ties": ties})
            key = cell_id(config.model_copy(update={"evaluation": evaluation})), config.training.seed
            found.setdefault(key, []).append(run)
    return found


def _take(source: RunDirectory, planned: PlannedRun, notes: list[str]) -> bool:
    """Copy a run to its place, unless one is there already; return whether a finished run is there then.

    The claim keeps workers from training there meanwhile.
    """
    place, claim = planned.run, take(claim_of(planned.run))
    try:
        if claim is None:
            raise UserError(f"{place} is being trained; adopt again once it is finished")
        if not is_run(place):
            _copy(source.path, place)
        refuse_other_settings(Config.model_validate(planned.config), place)
        run = RunDirectory(place)
        if run.state != "finished":
            raise UserError(f"{place} is there, unfinished; move it away, or let `degen paper run` finish it")
        if run.ties != (ties := planned.config["evaluation"]["ties"]):
            _count_ties(run, ties, notes)
    except CannotWrite:
        raise
    except UserError as error:
        notes.append(f"not taken: {error}")
        return False
    finally:
        if claim is not None:
            claim.release()
    return True


def _count_ties(run: RunDirectory, ties: str, notes: list[str]) -> None:
    """Count the ties of a run's test split by another convention; a note says so, or why it cannot be."""
    from degen.evaluation.restore import describe, restore  # brings PyTorch
    from degen.evaluation.stored_ranks import write_ranks
    from degen.evaluation.verify import MOVED, distance

    told = f"{run.path} counts ties by '{run.ties}', and the target by '{ties}': "
    try:
        restored = restore(run).counting(ties)
        ranks, test = restored.ranks("test"), run.test
        as_written = describe(replace(ranks, ties=test.get("ties", run.ties)), restored.epoch, "test")
        if distance(as_written, test) > MOVED / len(ranks):
            raise UserError(f"its weights do not give {run.path / TEST}")
    except UserError as error:
        notes.append(f"{told}{error}")
        return
    with keeping(run.path) if (run.path / MANIFEST).exists() else nullcontext():
        if (run.path / RANKS).exists():
            write_ranks(run.path, ranks)
        write_json(run.path / TEST, describe(ranks, restored.epoch, "test"))
        # Last, since a run whose configuration has the old way is counted again after a kill.
        restored.config.write(run.path / CONFIG)
    notes.append(f"{told}its test targets are ranked again; its validation and best epoch keep '{run.ties}'")


def _copy(source: Path, target: Path) -> None:
    """Copy a folder whole or not at all; what an earlier copy left when it was killed is removed."""
    if target.exists() and any(target.iterdir()):
        raise UserError(f"{target} is there and is no run; move it away")
    place = target.with_name(f"{target.name}.copy")
    try:
        if place.exists():
            shutil.rmtree(place)
        shutil.copytree(source, place)
        place.rename(target)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(place, ignore_errors=True)
        raise CannotWrite(
            f"cannot copy {source} to {target}: {error}; free some space and try again"
        ) from error
