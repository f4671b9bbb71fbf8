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
    from degen.analysis.measures.alignment import alignment as alignment
    from degen.analysis.measures.alignment import uniformity as uniformity
    from degen.analysis.measures.isotropy import average_cosine as average_cosine
    from degen.analysis.measures.spectrum import effective_rank as effective_rank
    from degen.analysis.measures.spectrum import project as project
    from degen.analysis.measures.spectrum import singular_values as singular_values
    from degen.analysis.result import Analysis as Analysis
    from degen.api import open_run as open_run
    from degen.api import train as train
    from degen.data.load import DataOptions as DataOptions
    from degen.data.load import Dataset as Dataset
    from degen.data.load import load_dataset as load_dataset
    from degen.data.sampling.source import Source as Source
    from degen.embeddings import load_matrix as load_matrix
    from degen.errors import UserError as UserError
    from degen.model.variants import Variant as Variant
    from degen.model.variants import register as register
    from degen.monitor import Monitor as Monitor
    from degen.plots.spectra import draw_singular_values as draw_singular_values
    from degen.plots.svd import draw_projection as draw_projection
    from degen.plots.trajectories import draw_trajectories as draw_trajectories
    from degen.runs.directory import RunDirectory as RunDirectory
    from degen.runs.directory import find_runs as find_runs
    from degen.studies.analyze import analyze as analyze


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

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'degen' has no attribute {name!r}")
    return getattr(import_module(f"degen.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
