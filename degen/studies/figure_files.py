"""Figure files: where they go, what they are called, and what else comes of drawing them.

runs of a dataset   one figure, a panel per variant, in the paper's order, each of its lowest seed
matrix files        one figure, a panel per file
figures/            under the path, or beside a matrix file; here, where several paths are given

Files are called by what was drawn (`selection_name`), so that another selection never overwrites them and the
same one replaces them.

Studies draw what lies at their paths: runs, folders above runs and, where they take them, matrix files.
Options and look are by default those of the command. Whatever can be mended in them raises `UserError`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import one_of
from degen.files.writing import file_names, refuse_file
from degen.plots.save import figure_formats, save_figure
from degen.plots.style import STYLES, figure_width
from degen.runs.choose import Series, recipe_of, run_name
from degen.runs.directory import FIGURES
from degen.tables.csv_file import write_rows
from degen.tables.shorten import ELLIPSIS, shortened
from degen.variant_names import VARIANT_LABELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAPER = "paper"
"""The default recipe, which no name mentions."""

_LONGEST = 100
"""Bytes of a selection's name: a line that names a file stays readable."""

_DIGEST = 9
"""Bytes of a digest and the hyphen before it."""


@dataclass(frozen=True)
class FigureOptions:
    """Look and folder of figures, as users type them. The values are checked when this is made.

    Attributes
    ----------
    out
        folder for the files; by default as `output_folder` says.
    width
        `column`, `text` or inches. By default one column for one or two panels and both columns for more.
        Slides have a width of their own.
    style
        `paper` or `slides`.
    formats
        of pdf, png and svg, separated by commas.
    plain_names
        call the files by the dataset only, for callers that draw one selection into a folder of their own.
    """

    out: Path | None = None
    width: str | None = None
    style: str = "paper"
    formats: str = "pdf,png"
    plain_names: bool = False

    def __post_init__(self) -> None:
        if self.out is not None:
            refuse_file("out", self.out)
        one_of("style", self.style, STYLES)
        figure_formats(self.formats)
        if self.width is not None:
            figure_width(self.width)

    def inches(self, panels: int) -> float:
        """Return the width of a figure of so many panels."""
        if self.width is not None:
            return figure_width(self.width)
        width = STYLES[self.style.lower()].width
        return width if width is not None else figure_width("column" if panels <= 2 else "text")


@dataclass
class FigureFiles:
    """Result of drawing: the files, a flat row of numbers per panel, and notes for the user."""

    files: list[Path] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: FigureFiles) -> None:
        """Take over all that `other` holds."""
        self.files += other.files
        self.rows += other.rows
        self.notes += other.notes

    def write_table(self, stem: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the numbers behind the figure `stem` as CSV beside it, and keep the path."""
        self.files.append(write_rows(stem.with_name(f"{stem.name}.csv"), rows))

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


def figure_stems(
    groups: Mapping[str, Series],
    paths: Sequence[Path],
    what: str,
    look: FigureOptions,
    chosen: Callable[[Series], Series],
    extra: str = "",
) -> Iterator[tuple[Path, Series]]:
    """Yield the `chosen` series of each group behind the stem of their figure, `what-<selection>`."""
    folder = output_folder(paths, look.out)
    names = [name.rstrip("-") for name in file_names(groups)]  # of "clothing (paper definition)"
    for name, series in zip(names, groups.values(), strict=True):
        drawn = chosen(series)
        yield folder / f"{what}-{selection_name(name, drawn, paths, look, extra)}", drawn


def selection_name(
    group: str, chosen: Series, paths: Sequence[Path], look: FigureOptions, extra: str = ""
) -> str:
    """Return what the files of a figure of runs of a dataset are called.

    All runs below one folder, drawn into its own `figures/`, are called by the dataset. Any other selection
    has what was drawn in its name: a recipe other than the paper's, the variants if they are not the paper's
    six, and seeds other than 0. `extra` says what else was chosen, such as an epoch.
    """
    runs = [run for members in chosen.values() for run in members]
    if len(runs) == 1 and runs[0].path in paths:
        parts = [run_name(runs[0])]
    elif look.plain_names or (look.out is None and len(paths) == 1):
        parts = [group]
    else:
        recipes = {recipe_of(run) for run in runs}
        recipe = recipes.pop() if len(recipes) == 1 else _PAPER
        seeds = sorted({run.seed for run in runs})
        names = [] if list(chosen) == list(VARIANT_LABELS) else list(chosen)
        parts = [group, *([] if recipe == _PAPER else [recipe]), *names]
        which = "s" + "+".join(map(str, seeds))
        parts += [] if seeds == [0] or which in extra.split("-") else [which]
    return joined(file_names([*parts, *([extra] if extra else [])]))


def joined(names: Sequence[str], most: int = _LONGEST) -> str:
    """Return names joined by hyphens, as a part of a file's name of at most `most` bytes.

    Where they are longer each loses what all begin with, or else its middle, so that they still differ. A
    digest of all stands at the end then: another selection may differ in the parts that are left out.

    >>> joined(["jan", "feb"])
    'jan-feb'
    >>> joined(["embeddings-of-the-storefront-january", "embeddings-of-the-storefront-february"], 50)
    'january-february-fe5a9baa'
    """
    whole = "-".join(names)
    if len(whole.encode()) <= most:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[: _DIGEST - 1]
    room = (most - _DIGEST - len(names) + 1) // len(names)
    short = shortened(names, room, _bytes) if room > _DIGEST else None
    kept = "-".join(_plain(short)) if short else _first(whole, most - _DIGEST)
    return f"{kept}-{digest}"


def each_bounded(names: Sequence[str], most: int) -> list[str]:
    """Return names of at most `most` bytes, cut so that they still differ."""
    short = shortened(names, most, _bytes)
    plain = _plain(short) if short else []
    return plain if len(set(plain)) == len(set(names)) else [joined([name], most) for name in names]


def _plain(names: Sequence[str]) -> list[str]:
    """Return shortened names as parts of file names, which begin with no dots."""
    return [name.removeprefix(ELLIPSIS).replace(ELLIPSIS, "..") for name in names]


def _bytes(text: str) -> int:
    return len(text.encode())


def _first(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")
