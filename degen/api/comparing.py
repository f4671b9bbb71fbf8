"""Comparison of runs, files and arrays, and their projections, as functions for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from degen.analysis.listing import chosen_measures
from degen.analysis.passes.rows import Rows
from degen.api.given import Given, as_paths, names_given, path_given
from degen.embeddings.content import Counts
from degen.embeddings.file_options import FileOptions
from degen.embeddings.item_matrix import ItemMatrix
from degen.embeddings.load import Matrix
from degen.embeddings.select import Source, select_one
from degen.errors import UserError, refuse_unknown
from degen.modules import import_modules
from degen.runs.directory import RunDirectory
from degen.studies.comparing.compare_paths import Compared, CompareOptions, compare_paths, compare_read
from degen.studies.comparing.sides import Side, base_first

if TYPE_CHECKING:
    from degen.studies.figure_files import FigureFiles


_LOOK = ("width", "style", "formats")
"""Arguments about figures, of `FigureOptions`."""

_OF_FILES = ("key", "skip_rows", "ids", "separator")
"""Arguments about matrix files, of `FileOptions`."""


def compare(
    *inputs: Any,
    measures: str | Sequence[str] | None = None,
    against: str | None = None,
    frequency: str | Path | Counts | None = None,
    modules: Sequence[str] = (),
    out: str | Path | None = None,
    **options: Any,
) -> Compared:
    """Say which item embeddings are more isotropic, as `degen compare --all` does.

    Parameters
    ----------
    *inputs
        runs, folders of runs and matrix files, the base first; or one mapping from names to arrays [n, d],
        runs, paths and what `load_matrix` returns.
    measures, against
        names of measures and groups, by default all (`"core"` is quicker and decides the verdict); name of
        the base, by default the first side.
    frequency
        how often each row occurs: a file of counts, or for arrays the counts themselves, int [n]; by default
        those of the runs, which keep them beside files and arrays.
    modules
        Python modules with further measures. They are imported, so their code runs.
    out
        folder for the figures and their numbers as CSV; by default nothing is drawn.
    **options
        `key`, `skip_rows`, `ids` and `separator` of matrix files, as in `load_matrix`; with `out`, `width`,
        `style` and `formats` (a list, or text with commas) of the figures.

    Returns
    -------
    The verdicts (its text), `to_frame()` with a row per measure, and notes on what was left out.

    Raises
    ------
    UserError
        for anything that is no matrix, fewer than two sides, or an unknown name.

    Examples
    --------
    >>> import numpy as np
    >>> january = np.random.default_rng(0).normal(size=(300, 8))
    >>> found = compare({"january": january, "february": january + 1}, measures="average_cosine")
    >>> print(str(found).partition(";")[0])
    february is more collapsed than january: average cosine 0.00 → 0.49
    >>> found.verdicts[0]["outcome"]
    'more collapsed'
    """
    import_modules(modules)
    names, folder, look = names_given("measures", measures), path_given("out", out), _look(compare, options)
    if look and folder is None:
        raise UserError(f"`{next(iter(look))}` is about figures, which are drawn with `out`; leave it out")
    if len(inputs) == 1 and isinstance(inputs[0], Mapping):
        file = frequency if isinstance(frequency, str | Path) else None
        sides = _sides(inputs[0], _files(file, options), frequency, out)
        return compare_read("arrays", base_first(sides, against), chosen_measures(names))
    paths = as_paths(inputs, "compare")
    wanted = CompareOptions(names, against, files=_files(frequency, options))
    return compare_paths(paths, wanted) if folder is None else _drawn(paths, wanted, folder, look)


def _drawn(paths: list[Path], wanted: CompareOptions, folder: Path, look: Mapping[str, Any]) -> Compared:
    """Compare what lies at paths, and draw it."""
    from degen.studies.compare_figures import draw_comparison
    from degen.studies.figure_files import FigureOptions

    figures = FigureOptions(folder, **look)  # a mistake is told before anything is measured
    found = compare_paths(paths, wanted, folder=folder)
    drawn = draw_comparison(paths, found.datasets, wanted, figures)
    return found.with_figures(drawn.files, drawn.notes)


def plot_svd(
    *inputs: Given,
    out: str | Path | None = None,
    frequency: str | Path | None = None,
    seed: int | None = None,
    cmap: str = "viridis",
    projection: str = "svd",
    layout: str = "grid",
    **options: Any,
) -> FigureFiles:
    """Draw item embeddings on their first two singular directions, as `degen plot-svd` does.

    Parameters
    ----------
    *inputs
        runs, folders of runs and matrix files.
    out
        folder for the files; by default `figures/` under the path, or here for several.
    frequency
        file of how often each row of a matrix file occurs.
    seed, cmap, projection, layout
        as in `degen.studies.svd.SvdOptions`.
    **options
        `key`, `skip_rows`, `ids` and `separator` of matrix files, as in `load_matrix`; `width`, `style` and
        `formats` (a list, or text with commas) of the figures.

    Returns
    -------
    The `files` that were written, `rows` with the numbers that stand beside each panel, and `notes`.

    Raises
    ------
    UserError
        for anything that is no matrix or cannot be projected, or an unknown name.
    """
    from degen.studies.figure_files import FigureOptions
    from degen.studies.svd import SvdOptions, draw_svd

    figures = FigureOptions(path_given("out", out), **_look(plot_svd, options))
    wanted = SvdOptions(_files(frequency, options), seed, cmap, projection, layout)
    return draw_svd(as_paths(inputs, "plot_svd"), wanted, figures)


def _look(function: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """Take the arguments about figures out of a function's `options`; refuse those that it does not have."""
    own = signature(function).parameters.values()
    refuse_unknown(options, (*(one.name for one in own if one.kind == one.KEYWORD_ONLY), *_OF_FILES, *_LOOK))
    look = {name: options.pop(name) for name in _LOOK if name in options}
    return look | ({"formats": names_given("formats", look["formats"])} if "formats" in look else {})


def _files(frequency: str | Path | Counts | None, options: Mapping[str, Any]) -> FileOptions:
    """Return how matrix files are read."""
    if frequency is not None and not isinstance(frequency, str | Path):
        raise UserError("`frequency` is a file here; counts are for arrays, which are given by name")
    return FileOptions(frequency=None if frequency is None else Path(frequency), **options)


def _sides(
    given: Mapping[Any, Any], files: FileOptions, frequency: str | Path | Counts | None, out: Any
) -> list[Side]:
    """Return the sides of a mapping from names to arrays, runs and paths."""
    if out is not None:
        raise UserError("`out` is for runs and files; draw arrays by `degen.draw_projection`")
    if len(given) < 2:
        raise UserError(f"`compare` needs two sides or more, and the mapping names {len(given)}")
    read = {
        str(name): select_one(one.path if isinstance(one, RunDirectory) else Path(one), files)
        if isinstance(one, str | Path | RunDirectory)
        else one
        for name, one in given.items()
    }
    runs = [name for name, one in read.items() if isinstance(one, Source) and one.run is not None]
    if len(runs) < len(read):  # as for paths: runs keep their own counts beside files
        own = replace(files, frequency=None)
        read |= {name: replace(read[name], options=own) for name in runs}
    return [_side(name, one, frequency) for name, one in read.items()]


def _side(name: str, given: Any, frequency: str | Path | Counts | None) -> Side:
    """Return a side of a mapping: what lies at a path, an array, or what `load_matrix` has read."""
    if isinstance(given, Source):
        return Side(name, (given.open(),))
    try:
        read = given if isinstance(given, Matrix) else Matrix(Rows.of(given).values)
        if isinstance(frequency, str | Path):
            from degen.embeddings import load_frequency

            frequency = load_frequency(frequency, len(read.values), read.ids)
        counts = read.frequency if frequency is None else np.asarray(frequency)
        Rows(read.values, counts)  # refuses counts of other rows
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    return Side(name, (ItemMatrix(Path(name), read.values, read.ids, counts, ()),))
