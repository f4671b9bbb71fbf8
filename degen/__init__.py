"""degen: degeneration of item embeddings in sequential recommenders, and variants that resist it.

The commands as functions for notebooks. Each is imported on first use.

    load_dataset  train  train_many  open_run  verify   interaction logs and runs
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
    from degen.api import train_many as train_many
    from degen.data.load import DataOptions as DataOptions
    from degen.data.load import Dataset as Dataset
    from degen.data.load import load_dataset as load_dataset
    from degen.data.sampling.source import Source as Source
    from degen.embeddings import load_matrix as load_matrix
    from degen.errors import DegenWarning as DegenWarning
    from degen.errors import UserError as UserError
    from degen.evaluation.verify import verify as verify
    from degen.model.variants import Variant as Variant
    from degen.model.variants import register as register
    from degen.monitor import Monitor as Monitor
    from degen.plots.spectra import draw_singular_values as draw_singular_values
    from degen.plots.svd import draw_projection as draw_projection
    from degen.plots.trajectories import draw_trajectories as draw_trajectories
    from degen.runs.directory import RunDirectory as RunDirectory
    from degen.runs.directory import find_runs as find_runs
    from degen.studies.analyze import analyze as analyze


_NAMES = {
    "studies.analyze": ("analyze",),
    "analysis.result": ("Analysis",),
    "analysis.measures.alignment": ("alignment", "uniformity"),
    "analysis.measures.isotropy": ("average_cosine",),
    "analysis.measures.spectrum": ("effective_rank", "project", "singular_values"),
    "api": ("open_run", "train", "train_many"),
    "data.sampling.source": ("Source",),
    "data.load": ("DataOptions", "Dataset", "load_dataset"),
    "embeddings": ("load_matrix",),
    "errors": ("DegenWarning", "UserError"),
    "evaluation.verify": ("verify",),
    "model.variants": ("Variant", "register"),
    "monitor": ("Monitor",),
    "plots.spectra": ("draw_singular_values",),
    "plots.svd": ("draw_projection",),
    "plots.trajectories": ("draw_trajectories",),
    "runs.directory": ("RunDirectory", "find_runs"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'degen' has no attribute {name!r}")
    return getattr(import_module(f"degen.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
