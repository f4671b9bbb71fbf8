"""Callbacks that call `degen.Monitor` from other trainers, at present Lightning's.

`LightningMonitor` is a callback for both packages of Lightning, `lightning` and `pytorch_lightning` (which
RecTools uses). Each accepts only callbacks of its own class, so `LightningMonitor` inherits from those of all
that are installed. Lightning is imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import UserError, nearest
from degen.monitor import Monitor

Source = str | Callable[[Any], Any]
"""Place of a value in a LightningModule: the path of an attribute, or a function of the module."""


class LightningHooks:
    """Recorder of each training epoch of a Lightning trainer; `LightningMonitor` makes it a callback.

    The line of an epoch holds the logged metrics (`trainer.callback_metrics`). The run is finished when `fit`
    ends, and `trainer.test` adds its metrics to `test.json`. With several processes, the first one records.

    Parameters
    ----------
    out
        run directory.
    item_embeddings
        place of the item embeddings [n_items, d] in the module, without rows for padding:
        `"item_embedding.weight"`, or `lambda module: module.item_embedding.weight[1:]`.
    item_frequency
        whole numbers [n_items], or their place, read when `fit` starts.
    items
        ids of the items, or their place, read when `fit` starts; by default row numbers.
    representations
        place of the sequence representations [m, d], read at the end of an epoch; by default they are not
        measured. Like `item_embeddings`, it is read without gradients and with the module in evaluation mode.
    **options
        options of `degen.Monitor`: `best`, `mode`, `keep_embeddings`, `resume`, `overwrite` and so on.
    """

    def __init__(
        self,
        out: str | Path,
        item_embeddings: Source,
        item_frequency: Any,
        *,
        items: Any = None,
        representations: Source | None = None,
        **options: Any,
    ):
        self.out, self.options = out, options
        self.item_embeddings, self.representations = item_embeddings, representations
        self.item_frequency, self.items = item_frequency, items
        self.monitor: Monitor | None = None
        self._tested: int | None = None

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Open the run; a second `fit` continues it."""
        if trainer.is_global_zero:
            again = {} if self.monitor is None else {"resume": True, "overwrite": False}
            with _in_evaluation(pl_module):
                frequency, items = found(pl_module, self.item_frequency), found(pl_module, self.items)
            self.monitor = Monitor(self.out, frequency, items=items, **self.options | again)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the epoch, after its validation if it has one."""
        if self.monitor is None:
            return
        with _in_evaluation(pl_module):
            self.monitor.record(
                trainer.current_epoch + 1,
                found(pl_module, self.item_embeddings),
                trainer.callback_metrics,
                representations=found(pl_module, self.representations),
            )
        self._tested = None

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Finish the run."""
        if self.monitor is not None:
            self.monitor.finish()
            self.monitor.close()

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Note the epoch of the weights that are loaded, for the test."""
        # The checkpoint's `epoch` is one less if it was saved within the epoch, as ModelCheckpoint does.
        self._tested = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["ready"]

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """Write the test's metrics into `test.json`, with the epoch of the weights that were tested."""
        if self.monitor is not None:
            epoch = self._tested or self.monitor.rows[-1]["epoch"]
            self.monitor.finish(trainer.callback_metrics, epoch=epoch)


def found(module: Any, source: Any) -> Any:
    """Return the value at `source`: the path of an attribute, a function of `module`, or the value itself."""
    if callable(source):
        return source(module)
    if not isinstance(source, str):
        return source
    value = module
    for name in source.split("."):
        if not hasattr(value, name):
            known = [*vars(value), *vars(value).get("_modules", {}), *vars(value).get("_parameters", {})]
            public = [other for other in known if not other.startswith("_")]
            raise UserError(f"'{source}': {type(value).__name__} has no '{name}'{nearest(name, public)}")
        value = getattr(value, name)
    return value


@contextmanager
def _in_evaluation(module: Any) -> Iterator[None]:
    """Turn off dropout and gradients within the block, and restore the mode of each part of `module`."""
    import torch

    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode


if TYPE_CHECKING:
    LightningMonitor = LightningHooks
else:

    def __getattr__(name: str) -> Any:
        if name != "LightningMonitor":
            raise AttributeError(f"module 'degen.callbacks' has no attribute {name!r}")
        modules = {"lightning": "lightning.pytorch", "pytorch_lightning": "pytorch_lightning"}
        classes = [import_module(modules[package]).Callback for package in modules if find_spec(package)]
        if not classes:
            raise UserError("LightningMonitor needs Lightning, which is not installed; pip install lightning")
        about = {"__doc__": LightningHooks.__doc__, "__module__": __name__}
        globals()[name] = type(name, (LightningHooks, *classes), about)
        return globals()[name]
