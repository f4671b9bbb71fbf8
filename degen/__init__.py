"""degen: degeneration of item embeddings in sequential recommenders, and variants that resist it.

The commands as functions for notebooks. Each is imported on first use.

    load_dataset  train  open_run                       interaction logs and runs
    Monitor                                             recorder of a training loop of your own
    analyze                                             all measures of a matrix, a file or a run
    project  singular_values  effective_rank  average_cosine  alignment  uniformity      single measures
    draw_projection  draw_singular_values  draw_trajectories                             figures on given Axes
    Variant  register                                   variants of your own
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from degen.version import __version__

if TYPE_CHECKING:
    from degen.analysis.measures.alignment import alignment, uniformity
    from degen.analysis.measures.isotropy import average_cosine
    from degen.analysis.measures.spectrum import effective_rank, project, singular_values
    from degen.analysis.result import Analysis
    from degen.api import open_run, train
    from degen.data.load import DataOptions, Dataset, load_dataset
    from degen.data.sampling.source import Source
    from degen.embeddings import load_matrix
    from degen.errors import UserError
    from degen.model.variants import Variant, register
    from degen.monitor import Monitor
    from degen.plots.spectra import draw_singular_values
    from degen.plots.svd import draw_projection
    from degen.plots.trajectories import draw_trajectories
    from degen.runs.directory import RunDirectory, find_runs
    from degen.studies.analyze import analyze

_HOME = {
    "analyze": "studies.analyze",
    "Analysis": "analysis.result",
    "alignment": "analysis.measures.alignment",
    "uniformity": "analysis.measures.alignment",
    "average_cosine": "analysis.measures.isotropy",
    "effective_rank": "analysis.measures.spectrum",
    "project": "analysis.measures.spectrum",
    "singular_values": "analysis.measures.spectrum",
    "open_run": "api",
    "train": "api",
    "Source": "data.sampling.source",
    "DataOptions": "data.load",
    "Dataset": "data.load",
    "load_dataset": "data.load",
    "load_matrix": "embeddings",
    "UserError": "errors",
    "Variant": "model.variants",
    "register": "model.variants",
    "Monitor": "monitor",
    "draw_singular_values": "plots.spectra",
    "draw_projection": "plots.svd",
    "draw_trajectories": "plots.trajectories",
    "RunDirectory": "runs.directory",
    "find_runs": "runs.directory",
}

__all__ = [
    "Analysis",
    "DataOptions",
    "Dataset",
    "Monitor",
    "RunDirectory",
    "Source",
    "UserError",
    "Variant",
    "__version__",
    "alignment",
    "analyze",
    "average_cosine",
    "draw_projection",
    "draw_singular_values",
    "draw_trajectories",
    "effective_rank",
    "find_runs",
    "load_dataset",
    "load_matrix",
    "open_run",
    "project",
    "register",
    "singular_values",
    "train",
    "uniformity",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'degen' has no attribute {name!r}")
    return getattr(import_module(f"degen.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
