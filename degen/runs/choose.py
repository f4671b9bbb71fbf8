"""The runs meant by a path: grouped by dataset, variant and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from degen.errors import UserError
from degen.files import file_names
from degen.runs.directory import RunDirectory
from degen.variant_names import in_paper_order


def run_name(run: RunDirectory) -> str:
    """Return what a figure of this run alone is called."""
    return f"{run.dataset}-{run.variant}-s{run.seed}"


def refuse_files(paths: Iterable[Path], why: str) -> None:
    """Raise for a file among `paths` where only runs will do.

    Raises
    ------
    UserError
        with `why`, such as `traces are in runs`.
    """
    for path in paths:
        if path.is_file():
            raise UserError(f"{path} is a file, and {why}; give a run or a folder of runs")


def group_runs(runs: Sequence[RunDirectory]) -> dict[str, list[RunDirectory]]:
    """Return the runs of each dataset; of each folder, where a dataset has a variant and seed twice.

    Raises
    ------
    UserError
        naming two runs of one folder that have the same dataset, variant and seed.
    """
    groups: dict[str, list[RunDirectory]] = {}
    for run in runs:
        groups.setdefault(run.dataset, []).append(run)
    result: dict[str, list[RunDirectory]] = {}
    for name, members in groups.items():
        result |= {name: members} if _twins(members) is None else _by_folder(name, members)
    return result


def _by_folder(name: str, runs: Sequence[RunDirectory]) -> dict[str, list[RunDirectory]]:
    folders: dict[Path, list[RunDirectory]] = {}
    for run in runs:
        folders.setdefault(run.path.parent, []).append(run)
    for members in folders.values():
        if twins := _twins(members):
            one, other = twins
            raise UserError(
                f"{one.path} and {other.path} are both {one.variant} with seed {one.seed} on {name}; "
                "give the paths of the runs to draw, or move one of them to another folder"
            )
    names = file_names(name if folder.name == name else f"{name}-{folder.name}" for folder in folders)
    return dict(zip(names, folders.values(), strict=True))


def _twins(runs: Sequence[RunDirectory]) -> tuple[RunDirectory, RunDirectory] | None:
    seen: dict[tuple[str, int], RunDirectory] = {}
    for run in runs:
        if other := seen.get((run.variant, run.seed)):
            return other, run
        seen[run.variant, run.seed] = run
    return None


def by_variant(runs: Sequence[RunDirectory]) -> dict[str, list[RunDirectory]]:
    """Return the runs of each variant by rising seed, the variants in the paper's order."""
    return {
        variant: sorted((run for run in runs if run.variant == variant), key=lambda run: run.seed)
        for variant in in_paper_order(run.variant for run in runs)
    }


def one_seed(
    variants: Mapping[str, Sequence[RunDirectory]], seed: int | None, notes: list[str]
) -> dict[str, RunDirectory]:
    """Return the run of each variant with `seed`, or with its lowest; say in `notes` what was left out.

    Raises
    ------
    UserError
        if no variant has the seed.
    """
    chosen = {
        variant: run
        for variant, runs in variants.items()
        if (run := next((run for run in runs if seed in (None, run.seed)), None)) is not None
    }
    seeds = sorted({run.seed for runs in variants.values() for run in runs})
    if not chosen:
        name = next(iter(variants.values()))[0].dataset
        raise UserError(f"no run of {name} has seed {seed}; --seed takes {', '.join(map(str, seeds))}")
    for variant in variants:
        if variant not in chosen:
            notes.append(f"{variant} has no run with seed {seed}: left out")
    if seed is None and any(len(runs) > 1 for runs in variants.values()):
        notes.append(f"several seeds ({', '.join(map(str, seeds))}): drawn is the lowest of each variant")
    return chosen
