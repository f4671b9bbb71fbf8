"""Training of targets: each a study that workers run, one target after another, within a budget of time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from degen.errors import UserError, nearest
from degen.paper.chosen_methods import axis_methods, methods_of, only_methods
from degen.paper.targets import Target, chosen_datasets, target
from degen.runs.study import CELLS, DONE, PLAN, PlannedRun, read_plan

if TYPE_CHECKING:
    from degen.sweeps.run import StudyRun
    from degen.sweeps.status import Status
    from degen.sweeps.study import Study


@dataclass(frozen=True)
class Workers:
    """Number and kind of workers, and options of theirs, as `degen.sweeps.run.run_study` takes them."""

    workers: int | None = None
    threads: int = 1
    engine: str = "local"
    scheduler: str | None = None
    oversubscribe: bool = False
    sbatch: str | None = None
    accept_versions: bool = False


@dataclass
class Budget:
    """Seconds of wall time that training may take; None for no limit. It begins when it is made."""

    seconds: float | None = None

    def __post_init__(self) -> None:
        self._end = None if self.seconds is None else time.monotonic() + self.seconds

    @property
    def spent(self) -> bool:
        """True when the time is over."""
        return self._end is not None and time.monotonic() >= self._end

    def interrupt(self) -> Callable[[], bool]:
        """Return a function that raises `KeyboardInterrupt` once, as Ctrl-C would, when the time is over.

        Workers then finish their epoch and leave. A second interrupt would end them at once, so later calls
        return whether there was one. Each study needs a function of its own.
        """
        raised = False

        def interrupt() -> bool:
            nonlocal raised
            if self.spent and not raised:
                raised = True
                raise KeyboardInterrupt
            return raised

        return interrupt


def parse_budget(text: str) -> float:
    """Return the seconds of `20h`, `90m`, `45s` or `1h30m`.

    Raises
    ------
    UserError
        if the text has another form, or is no time at all.

    >>> parse_budget("20h"), parse_budget("1h30m"), parse_budget("1h30"), parse_budget("0.5h")
    (72000.0, 5400.0, 5400.0, 1800.0)
    """
    written = re.sub(r"(?<=h)(\d+)$", r"\1m", text.strip().lower().replace(" ", ""))
    number = r"(\d+(?:\.\d+)?)"
    found = re.fullmatch(rf"(?:{number}h)?(?:{number}m)?(?:{number}s)?", written)
    seconds = (
        sum(float(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True))
        if found
        else 0.0
    )
    if seconds <= 0:
        raise UserError(f"`budget` '{text}' is no length of time; write it as 20h, 90m or 1h30m")
    return seconds


def choose_targets(
    names: Sequence[str],
    datasets: Sequence[str] | None,
    seeds: Sequence[int] | None,
    notes: list[str],
    methods: Sequence[str] | None = None,
) -> list[tuple[Target, Study]]:
    """Return targets with their narrowed studies, in the order in which they are trained.

    A target has two studies where some of the datasets are trained briefly and others are not.

    Parameters
    ----------
    names
        of targets; two that mean one target count once.
    datasets, seeds
        those to run; by default the target's own, without logs that are not here.
    notes
        gets a sentence for everything that is left out.
    methods
        those to run, by their names in tables; by default all of a target's. Targets without them are left
        out.

    Raises
    ------
    UserError
        for an unknown target, dataset or method, and where a log is not here; the message says how to get it.
    """
    for argument, given in (("datasets", datasets), ("methods", methods)):
        if given is not None and not given:
            raise UserError(f"`{argument}` is empty; name {argument}, separated by commas")
    chosen = []
    for found in {target(name).name: target(name) for name in names}.values():
        own = chosen_datasets(found, datasets, notes, refuse=len(names) == 1)
        chosen += [(found, found.study(part, seeds)) for part in found.apart(own)]
    if not chosen:
        raise UserError("no log that these targets need is here; `degen data list` says where to get them")
    if methods is not None:
        chosen = _with_methods(chosen, [name.lower() for name in methods], notes)
    return sorted(chosen, key=lambda pair: pair[0].priority)


def _with_methods(
    chosen: Sequence[tuple[Target, Study]], methods: Sequence[str], notes: list[str]
) -> list[tuple[Target, Study]]:
    known = list(dict.fromkeys(name for _, study in chosen for name in methods_of(study)))
    for name in methods:
        if name not in known:
            raise UserError(f"these targets have no method '{name}'{nearest(name, known)}")
    kept, left_out = [], []
    for about, study in chosen:
        if (narrowed := only_methods(study, methods)) is not None:
            kept.append((about, narrowed))
        else:
            names = ", ".join(axis_methods(study))
            left_out.append(f"{about.name}: left out, since all of its cells but controls are {names}")
    if not kept:
        raise UserError(f"`methods` leaves out all of these targets: {'; '.join(left_out)}")
    notes += left_out
    return kept


def run_target(
    target: Target,
    study: Study,
    out: Path,
    how: Workers,
    budget: Budget,
    watch: Callable[[Status], None],
    note: Callable[[str], None] = lambda text: None,
) -> StudyRun:
    """Train the runs of a target that are missing; those that other targets have trained are taken over.

    Parameters
    ----------
    study
        the target's, narrowed.
    out
        folder of the paper's studies; the target has a folder in it, and all share `cells`.
    budget
        once it is spent, runs stop after their epoch, as after Ctrl-C; the same command goes on.
    watch, note
        called several times per second with the state of the study; called with a sentence.

    Raises
    ------
    UserError
        for anything in study, folder or engine that the user can mend.
    degen.sweeps.run.Stopped
        after Ctrl-C, or when the budget is spent.
    """
    from degen.sweeps.run import Stopped, run_study
    from degen.sweeps.status import read_status

    interrupt = budget.interrupt()

    def look(status: Status) -> None:
        watch(status)
        interrupt()

    folder, study = out / target.name, extending(target, study, out)
    try:
        return run_study(study, folder, **asdict(how), cells=out / CELLS, extend=True, watch=look, note=note)
    except KeyboardInterrupt:
        # The budget was spent before the first worker was started. An interrupt by hand goes on.
        if not interrupt():
            raise
        raise Stopped(read_status(folder, read_plan(folder))) from None


def extending(target: Target, study: Study, out: Path) -> Study:
    """Return the study with the common epoch that suits the runs which its folder already has."""
    folder = out / target.name
    others = {entry.dataset for entry in earlier_runs(folder)} - target.brief.keys()
    if others:  # a log that is trained briefly must not shorten the common epoch of those there
        return study.model_copy(update={"common_epoch": target.study().common_epoch})
    return study


def earlier_runs(folder: Path) -> list[PlannedRun]:
    """Return the runs that the study in a folder has planned; none without a plan."""
    return read_plan(folder) if (folder / PLAN).exists() else []


def also_trained(chosen: Sequence[tuple[Target, Study]], out: Path) -> list[str]:
    """Return a sentence per target about runs that are planned already, missing and not asked for."""
    asked: dict[str, set[tuple[str, int, str]]] = {}
    for about, study in chosen:
        runs = product(study.datasets, study.seeds, methods_of(study))
        asked.setdefault(about.name, set()).update(runs)
    sentences = []
    for name, wanted in asked.items():
        left = [
            entry
            for entry in earlier_runs(out / name)
            if (entry.dataset, entry.seed, entry.control or entry.variant) not in wanted
            and not (out / name / DONE / entry.name).exists()
        ]
        if left:
            datasets = ", ".join(dict.fromkeys(entry.dataset for entry in left))
            sentences.append(
                f"{name}: {len(left)} runs on {datasets} were begun earlier and are trained too; "
                "another `out` keeps them apart"
            )
    return sentences
