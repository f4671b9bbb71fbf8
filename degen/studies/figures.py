"""From paths to figure files: which runs share a figure, where its files go and what they are called.

    runs of a dataset   one figure, a panel a variant, in the paper's order, each of its lowest seed
    a matrix file       a figure of its own
    figures/            under the path, or beside a matrix file; here, where several paths are given

`svd_figures.py` and `uniformity_figures.py` hold what is drawn.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import UserError
from degen.plots.save import figure_formats, save_figure
from degen.plots.style import STYLES, figure_width, in_paper_order, one_of
from degen.rundir import FIGURES, RunDirectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureOptions:
    """How figures look and where they go; the values that users type, checked when this is made.

    Attributes
    ----------
    out
        folder for the files; by default as `output_folder` says.
    width
        `column`, `text` or inches; by default a column for one or two panels, both columns for more; the
        style's own width on slides.
    style
        `paper` or `slides`.
    formats
        of pdf, png and svg, separated by commas.
    """

    out: Path | None = None
    width: str | None = None
    style: str = "paper"
    formats: str = "pdf,png"

    def __post_init__(self) -> None:
        one_of("--style", self.style, STYLES)
        figure_formats(self.formats)
        if self.width is not None:
            figure_width(self.width)

    def inches(self, panels: int) -> float:
        """Return the width of a figure of so many panels."""
        if self.width is not None:
            return figure_width(self.width)
        own = STYLES[self.style.lower()].width
        return own if own is not None else figure_width("column" if panels <= 2 else "text")


@dataclass
class Drawn:
    """What was made: the files, a flat row of numbers for each panel, and what the user should know."""

    files: list[Path] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Drawn) -> None:
        """Take over all that `other` holds."""
        self.files += other.files
        self.rows += other.rows
        self.notes += other.notes

    def save(self, figure: Figure, stem: Path, options: FigureOptions, **about: Any) -> None:
        """Write `figure` in every format asked for, and keep the paths; `about` goes to `save_figure`."""
        self.files += save_figure(figure, stem, figure_formats(options.formats), **about)


def output_folder(paths: Sequence[Path], out: Path | None) -> Path:
    """Return `out`, or `figures/`: under the one path, beside it if it is a file, here if several."""
    if out is not None:
        return out
    if len(paths) > 1:
        return Path(FIGURES)
    return (paths[0] if paths[0].is_dir() else paths[0].parent) / FIGURES


def writable(folder: Path) -> Path:
    """Return `folder`, made if need be, before long work whose result shall go there.

    Raises
    ------
    UserError
        if nothing can be written in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise UserError(
            f"cannot write into {folder}: {error.strerror}; choose another folder with --out"
        ) from error


def file_names(names: Iterable[str]) -> list[str]:
    """Return the names as parts of file names, each once: what is no letter, digit or `_+.-` becomes `-`."""
    plain = [re.sub(r"[^\w+.-]+", "-", name) for name in names]
    seen: Counter[str] = Counter()
    result = []
    for name in plain:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return result


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


def stems_by_dataset(
    paths: Sequence[Path], runs: Sequence[RunDirectory], what: str, out: Path | None
) -> Iterator[tuple[Path, list[RunDirectory]]]:
    """Yield the runs of each dataset behind the stem of their figure, `what-<dataset>`; of one run that is
    given by itself, what `run_name` says.
    """
    groups, folder = group_runs(runs), output_folder(paths, out)
    for name, members in zip(file_names(groups), groups.values(), strict=True):
        single = len(members) == 1 and members[0].path in paths
        yield folder / f"{what}-{run_name(members[0]) if single else name}", members


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
