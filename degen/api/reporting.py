"""The report as a function for notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from degen.api.given import Given, as_paths, path_given
from degen.errors import DegenWarning
from degen.studies.analysis_options import AnalysisOptions


def report(
    *inputs: Given | Iterable[Given],
    out: str | Path | None = None,
    latex: str | Path | None = None,
    progress: bool = False,
    **options: Any,
) -> Path:
    """Write one self-contained HTML file about runs and matrices, as `degen report` does; return its path.

    Parameters
    ----------
    *inputs
        runs, folders of runs and matrix files.
    out
        file to write; by default `report.html` under the path, beside a file, or here for several paths.
    latex
        folder for `report.tex`, its tables and its figures; by default none are written.
    progress
        whether to show a bar of what is measured.
    **options
        as in `degen.analyze`: `measures`, `frequency`, `key`, `skip_rows`, `ids`, `separator`, `modules`.

    Raises
    ------
    UserError
        if a path holds no run and is no matrix, or `out` is no HTML file. A `DegenWarning` tells of what was
        left out, and of what the training of the runs warned of.

    Examples
    --------
    >>> import numpy as np
    >>> np.save("january.npy", np.random.default_rng(0).normal(size=(40, 8)))
    >>> report("january.npy", measures="spectrum").name
    'report.html'
    """
    from degen.bars import counting_bar
    from degen.reports.write import write_report  # brings matplotlib

    paths, wanted = as_paths(inputs, "report"), AnalysisOptions.of(options)
    page, folder = path_given("out", out), path_given("latex", latex)
    with counting_bar(quiet=False) if progress else nullcontext(lambda what, done, total: None) as watch:
        written = write_report(paths, wanted, page, folder, watch=watch)
    for sentence in (*written.notes, *written.warnings):
        warnings.warn(sentence, DegenWarning, stacklevel=2)
    return written.files[0]
