"""degen: degeneration of item embeddings in sequential recommenders, and variants that resist it.

Functions for notebooks. Each is imported on first use.

    load_dataset  train  train_many  open_run  find_runs  verify     interaction logs and runs
    sweep                                               every combination of settings and seeds
    analyze  compare  report  plot_svd                  matrices, files and runs, as the commands do
    Monitor                                             recorder of a training loop of your own
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
    from degen.api.comparing import compare as compare
    from degen.api.comparing import plot_svd as plot_svd
    from degen.api.reporting import report as report
    from degen.api.sweeping import sweep as sweep
    from degen.api.training_runs import open_run as open_run
    from degen.api.training_runs import train as train
    from degen.api.training_runs import train_many as train_many
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
    "api.comparing": ("compare", "plot_svd"),
    "api.reporting": ("report",),
    "api.sweeping": ("sweep",),
    "api.training_runs": ("open_run", "train", "train_many"),
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


_COMMANDS = {
    "demo": "degen.studies.demo.run_demo",
    "runs": "degen.find_runs",
    "evaluate": "degen.open_run(RUN).test",
    "export": "degen.embeddings.export.export_items",
    "dynamics": "degen.studies.over_epochs.dynamics.draw_dynamics",
    "mechanism": "degen.studies.mechanism.draw_mechanism",
    "data": "degen.load_dataset",
    "paper": "",
}
"""Commands that are no functions of the package, with what there is in Python."""


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"degen.{_HOME[name]}"), name)
    raise AttributeError(f"module 'degen' has no attribute {name!r}{_mend(name)}")


def _mend(name: str) -> str:
    """Return where a command or a module is, or the nearest name."""
    if name.startswith("_"):
        return ""
    if name in _COMMANDS:
        here = f"; in Python use `{_COMMANDS[name]}`" if _COMMANDS[name] else ""
        return f": `degen {name}` is a command{here}"
    from importlib.util import find_spec

    if find_spec(f"degen.{name}") is not None:
        return f" yet: it is a module; write `import degen.{name}`"
    from degen.errors import close_to

    near = close_to(name, [*_HOME, *_COMMANDS])
    return "" if near is None else f"; did you mean `degen.{near}`?" if near in _HOME else _mend(near)


def __dir__() -> list[str]:
    return __all__
