"""Recorder of any training loop into a run directory: `degen.Monitor`, called once per epoch.

It writes what `degen train` writes (see `degen.runs.directory`), except the weights, so that all commands
that read runs can read it. The embeddings of an epoch are written before its line in `metrics.jsonl`, because
an epoch counts once it has a line.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal
from weakref import WeakValueDictionary

from degen.analysis.passes.arrays import Array
from degen.analysis.passes.rows import Rows
from degen.analysis.result import summarize
from degen.errors import UserError
from degen.files import writing
from degen.monitor import start
from degen.monitor.arrays import as_rows, float32_array
from degen.monitor.best import Best
from degen.monitor.names import epoch_key, final_key, renamed
from degen.monitor.probe import Probe
from degen.runs import directory, extension
from degen.runs.directory import RunDirectory
from degen.runs.lock import refuse_occupied, sole_writer
from degen.runs.manifest import keeping
from degen.tensorboard import Board, require, write_run_projector

Row = dict[str, Any]


class Monitor:
    """Recorder of a training loop; if several processes train, use it in one of them.

    Parameters
    ----------
    out
        run directory; created if it does not exist.
    item_frequency
        whole numbers [n_items]: how often each item occurs in training.
    items
        unique ids of the items; by default their row numbers.
    variant, dataset, seed
        names of the run in figures and tables; by default read from `out`, as in
        `runs/<dataset>/<variant>-s<seed>`, with seed 0 if it has none.
    best
        metric that picks the epoch whose embeddings become `item_embeddings.npy`, the earliest of equals. By
        default `valid_NDCG@10`; as long as no epoch has the metric, the latest epoch.
    mode
        whether a larger or a smaller value of `best` is better.
    keep_embeddings
        also keep the embeddings of every this many epochs, as `embeddings/e###.npy`.
    probe_samples, probe_seed
        number of rows of `representations` on which uniformity is measured, and the seed that draws them.
    tensorboard
        write event files, and at the end the projector's files, into `out/tensorboard`; needs tensorboardX.
    resume
        continue the run in `out`, or start a new one. An epoch that is recorded again replaces the earlier
        one and all that followed it.
    overwrite
        first remove an earlier run in `out`.

    Raises
    ------
    UserError
        if `out` holds a run and neither `resume` nor `overwrite` is set, another process writes into it, an
        argument is invalid, or it differs from the resumed run's.

    Examples
    --------
    >>> import numpy as np
    >>> item_embeddings = np.random.default_rng(0).normal(size=(50, 8))
    >>> with Monitor("runs/beauty/gru4rec-s0", item_frequency=np.arange(50)) as monitor:
    ...     for epoch in (1, 2):
    ...         row = monitor.record(epoch, item_embeddings, {"NDCG@10": 0.01 * epoch})
    >>> row["best_epoch"], row["valid_NDCG@10"]
    (2, 0.02)
    """

    _open: ClassVar[WeakValueDictionary[Path, Monitor]] = WeakValueDictionary()

    def __init__(
        self,
        out: str | Path,
        item_frequency: Any,
        *,
        items: Sequence[Any] | None = None,
        variant: str | None = None,
        dataset: str | None = None,
        seed: int | None = None,
        best: str | None = None,
        mode: Literal["max", "min"] = "max",
        keep_embeddings: int | None = None,
        probe_samples: int = 4096,
        probe_seed: int = 0,
        tensorboard: bool = False,
        resume: bool = False,
        overwrite: bool = False,
    ):
        start.at_least(1, keep_embeddings=keep_embeddings)
        start.at_least(2, probe_samples=probe_samples)
        self.out = Path(out).absolute()
        self._frequency = start.whole_numbers(item_frequency)
        self._best = Best(epoch_key(best) if best is not None else None, mode)
        self._keep, self._tensorboard = keep_embeddings, tensorboard
        self._board: Board | None = None
        self._probe = Probe(probe_samples, probe_seed)
        ids = start.item_ids(items, len(self._frequency))
        config = start.groups(
            start.names(self.out, variant=variant, dataset=dataset, seed=seed),
            {"keep_embeddings": keep_embeddings, "tensorboard": tensorboard},
            {"probe_samples": probe_samples, "probe_seed": probe_seed},
            {"best": self._best.key, "mode": mode},
        )
        if tensorboard:
            require()
        opening = {"resume": resume, "overwrite": overwrite}
        refuse_occupied(self.out, **opening)
        self._held = self._hold(overwrite)
        try:
            self.rows = start.begin(self.out, config, ids, self._frequency, **opening)
        except BaseException:
            self.close()
            raise
        self._begun, self._last = False, time.perf_counter()

    def _hold(self, overwrite: bool) -> ExitStack:
        """Lock the folder; an earlier monitor of this process, as in a notebook, releases it first."""
        if (earlier := Monitor._open.get(self.out)) is not None:
            earlier.close()
        held = ExitStack()
        held.enter_context(sole_writer(self.out))
        held.enter_context(keeping(self.out, anew=overwrite))
        Monitor._open[self.out] = self
        return held

    def record(
        self,
        epoch: int,
        item_embeddings: Any,
        metrics: Mapping[str, Any] | None = None,
        *,
        representations: Any = None,
        alignment: tuple[Any, Any] | None = None,
        alignment_dropout: tuple[Any, Any] | None = None,
        alignment_same_target: tuple[Any, Any] | None = None,
    ) -> Row:
        """Measure an epoch, write it, and return its line of `metrics.jsonl`.

        Arrays may be PyTorch tensors, which are measured on their device and whose gradients are untouched,
        NumPy arrays, or any object with `__array__` or DLPack.

        Parameters
        ----------
        epoch
            number of the epoch, 0 or more, larger than the one before it.
        item_embeddings
            [n_items, d], a row per item in the order of `item_frequency`, without rows for padding or a mask.
        metrics
            one finite number per name. `hit@10`, `recall@10`, `val_HR@10` and so on become `valid_HR@10`;
            names that are not ranking metrics stay as they are.
        representations
            [m, d], of the same sequences in the same order each epoch, without dropout, for `uniformity`.
        alignment, alignment_dropout, alignment_same_target
            two arrays [m, d] each, whose rows i are a pair: views that the method contrasts, two passes with
            dropout, or sequences with the same target.

        Raises
        ------
        UserError
            if an array or a metric does not fit; nothing is written then.
        """
        started = time.perf_counter()
        number = self._number(epoch)
        rows = Rows(self._item_embeddings(item_embeddings), frequency=self._frequency)
        pairs = {
            "alignment": alignment,
            "alignment_dropout": alignment_dropout,
            "alignment_same_target": alignment_same_target,
        }
        measured = {**summarize(rows), **self._probe.measure(representations, pairs)}
        reserved = ("epoch", "best_epoch", "epoch_seconds", "monitor_seconds", *measured)
        row = {"epoch": number, **_without(reserved, renamed(metrics or {}, epoch_key)), **measured}
        self._best.check(row)
        dropped = self._drop(number)
        row["best_epoch"] = self._best.epoch(row, self.rows, dropped)
        self._write_embeddings(row, rows.values)
        row["epoch_seconds"] = round(started - self._last, 3)
        row["monitor_seconds"] = round(time.perf_counter() - started, 3)
        if self._tensorboard:
            self._board = self._board or Board(self.out / directory.TENSORBOARD, first_epoch=number)
            self._board.epoch(row, rows)
        directory.write_metrics(self.out, [*self.rows, row])
        self.rows.append(row)
        self._last, self._begun = time.perf_counter(), True
        return row

    def _number(self, epoch: int) -> int:
        """Return the number of the epoch, checked; an epoch of an earlier process may be recorded again."""
        if Monitor._open.get(self.out) is not self:
            raise UserError(f"the monitor of {self.out} is closed; open it again with `resume=True`")
        try:
            number = operator.index(epoch)
        except TypeError:
            raise UserError(f"epoch is {epoch!r}; give its number, such as 1") from None
        if number < 0:
            raise UserError(f"epoch is {number}; count from 0 or 1")
        if self._begun and number <= self.rows[-1]["epoch"]:
            raise UserError(
                f"epoch {number} comes after epoch {self.rows[-1]['epoch']}; record each once, in order"
            )
        return number

    def _item_embeddings(self, array: Any) -> Array:
        rows = as_rows(array, "item_embeddings")
        if len(rows) != (n := len(self._frequency)):
            raise UserError(
                f"item_embeddings has {len(rows)} rows and item_frequency {n} counts; leave out rows that "
                "are not items, such as padding: `item_embeddings[1:]`"
            )
        return rows

    def _drop(self, number: int) -> list[Row]:
        """Remove the epochs from `number` on, which an earlier process recorded; return their lines."""
        extension.go_on(self.out, number, self.rows)
        dropped = [row for row in self.rows if row["epoch"] >= number]
        self.rows = self.rows[: len(self.rows) - len(dropped)]
        writing.remove(*(self._kept(row["epoch"]) for row in dropped))
        return dropped

    def _kept(self, epoch: int) -> Path:
        return self.out / directory.EMBEDDINGS / f"e{epoch:03d}.npy"

    def _write_embeddings(self, row: Row, item_embeddings: Array) -> None:
        number, values = row["epoch"], float32_array(item_embeddings)
        if row["best_epoch"] == number:
            writing.write_array(extension.place_of_result(self.out) / directory.ITEM_EMBEDDINGS, values)
        if self._keep and number % self._keep == 0:
            writing.write_array(self._kept(number), values)

    def finish(self, test: Mapping[str, Any] | None = None, *, epoch: int | None = None) -> RunDirectory:
        """Write `test.json`, which marks the run as finished; call it again to add the metrics of a test.

        Parameters
        ----------
        test
            metrics on the test split, one finite number per name; `hit@10`, `test_recall@10` and so on become
            `HR@10`.
        epoch
            epoch of the weights that were tested, by default the best one.

        Raises
        ------
        UserError
            if no epoch is recorded, or a metric does not fit.
        """
        if not self.rows:
            raise UserError(f"{self.out} has no epoch yet; call `record` before `finish`")
        about = {"epoch": self.rows[-1]["best_epoch"] if epoch is None else epoch, "split": "test"}
        named = _without(about, renamed(test or {}, final_key))
        run = RunDirectory(self.out)
        writing.write_json(extension.place_of_result(self.out) / directory.TEST, {**named, **about})
        extension.end(self.out)
        if self._tensorboard:
            write_run_projector(run)
        return run

    def close(self) -> None:
        """Release the run directory, so that another process or monitor can write into it."""
        self._held.close()
        if Monitor._open.get(self.out) is self:
            del Monitor._open[self.out]

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the run if it is unfinished and no error was raised, and close the monitor."""
        try:
            run = RunDirectory(self.out)
            if kind is None and self.rows and (run.state == "unfinished" or run.extending):
                self.finish()
        finally:
            self.close()


def _without(reserved: Collection[str], metrics: dict[str, float]) -> dict[str, float]:
    """Return `metrics` after a check that none has a name that the monitor writes itself."""
    if clash := sorted(set(reserved) & metrics.keys()):
        raise UserError(f"metrics has '{clash[0]}', which the monitor writes itself; give it another name")
    return metrics
