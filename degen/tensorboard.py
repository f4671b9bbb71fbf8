"""A run as TensorBoard reads it: RUN/tensorboard with event files and the embedding projector's files.

    scalars         every number of an epoch's line, under loss/, ranking/, geometry/ or run/
    histograms      the items' norms and their cosines to the mean direction
    singular_values σᵢ/σ₁ as a histogram whose axis is i: its shape is the curve of Fig. 1
    projector       the best epoch's item embeddings with id and frequency, of at most 10,000 items

Needs tensorboardX, the extra `tensorboard`; TensorBoard itself is needed only to look.
"""

from __future__ import annotations

import struct
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.analysis.measures.spectrum import normalized_singular_values
from degen.analysis.passes.buckets import sample_rows
from degen.analysis.passes.rows import Rows
from degen.analysis.registry import MEASURES
from degen.embeddings.export import write_projector
from degen.embeddings.sidecars import METADATA, TENSORS
from degen.errors import UserError
from degen.files import write_text
from degen.runs import directory
from degen.runs.directory import RunDirectory

Float = npt.NDArray[np.float64]

MOST_ITEMS = 10_000
"""Points that the projector turns smoothly; of more items a sample is written."""

BINS = 50

_OF_REPRESENTATIONS = ("uniformity", "alignment", "alignment_dropout", "alignment_same_target")


def require() -> None:
    """Raise where tensorboardX is missing.

    Raises
    ------
    UserError
        with what to install.
    """
    if find_spec("tensorboardX") is None:
        raise UserError('tensorboard needs tensorboardX; install it by pip install "degen[tensorboard]"')


class Board:
    """The event file of one process's epochs.

    Parameters
    ----------
    folder
        where event files of a run lie; made if it does not exist.
    first_epoch
        the first epoch that will be written: TensorBoard forgets what an earlier, killed process wrote of it
        and of later ones.
    """

    def __init__(self, folder: Path, first_epoch: int):
        require()
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        self._path = folder / f"events.out.tfevents.{int(time.time())}.{first_epoch:06d}"
        start = SessionLog(status=SessionLog.START)
        self._append(Event(file_version="brain.Event:2"), Event(step=first_epoch, session_log=start))

    def epoch(self, row: dict[str, Any], rows: Rows) -> None:
        """Write an epoch: its line of `metrics.jsonl`, and the shape of its item embeddings."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        numbers = {tag(key): value for key, value in row.items() if key != "epoch" and value is not None}
        angles = rows.projected.unit_angles
        histograms = {
            "items/norm": histogram(rows.norms),
            "items/cosine_to_mean_direction": histogram(np.cos(np.radians(angles[np.isfinite(angles)]))),
            "singular_values/normalized": bars(normalized_singular_values(rows)),
        }
        values = [Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
        values += [Summary.Value(tag=name, histo=shape) for name, shape in histograms.items()]
        self._append(Event(step=row["epoch"], summary=Summary(value=values)))

    def _append(self, *events: Any) -> None:
        """Append events at once; nothing is held open, so a run may end at any time and in any way."""
        records = b""
        for event in events:
            event.wall_time = time.time()
            records += _record(event.SerializeToString())
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(records)
        except OSError as error:
            raise UserError(f"cannot write {self._path}: {error.strerror}; free some space") from error


def _record(data: bytes) -> bytes:
    """Return a record of TensorFlow's format: length, its check sum, the data, their check sum."""
    from tensorboardX.record_writer import masked_crc32c

    header = struct.pack("<Q", len(data))
    return b"".join(part + struct.pack("<I", masked_crc32c(part)) for part in (header, data))


def tag(key: str) -> str:
    """Return the name of a line's key in TensorBoard, which groups by what stands before the slash."""
    if key.startswith(("valid_", "test_")):
        return f"ranking/{key}"
    if key in MEASURES or key in _OF_REPRESENTATIONS:
        return f"geometry/{key}"
    return f"loss/{key}" if "loss" in key else f"run/{key}"


def histogram(values: Float) -> Any:
    """Return how many of `values` lie in each of 50 bins between the smallest and the largest."""
    counts, edges = np.histogram(values, bins=BINS)
    return _proto(values, edges, counts)


def bars(heights: Float) -> Any:
    """Return a histogram that shows `heights` as they are, number i from 1 between i - ½ and i + ½."""
    return _proto(heights, np.arange(len(heights) + 1) + 0.5, heights)


def _proto(values: Float, edges: npt.NDArray[Any], heights: npt.NDArray[Any]) -> Any:
    from tensorboardX.proto.summary_pb2 import HistogramProto

    return HistogramProto(
        min=edges[0],
        max=edges[-1],
        num=float(np.sum(heights)),
        sum=float(values.sum()),
        sum_squares=float(values @ values),
        bucket_limit=edges[1:].tolist(),
        bucket=np.asarray(heights, dtype=np.float64).tolist(),
    )


def write_run_projector(run: RunDirectory, seed: int = 0) -> None:
    """Write the best epoch's item embeddings for the projector, all or a sample by frequency.

    The tensor's name says how many of how many items there are.
    """
    frequency, folder = run.item_frequency, run.path / directory.TENSORBOARD
    kept = np.sort(sample_rows(frequency, len(frequency), MOST_ITEMS, seed))
    items = run.items
    labels = {"item": [items[row] for row in kept], "frequency": frequency[kept].tolist()}
    write_projector(folder / "projector", run.item_embeddings[kept], labels)
    name = f"item embeddings ({len(kept):,} of {len(items):,} items)"
    write_text(
        folder / "projector_config.pbtxt",
        f'embeddings {{\n  tensor_name: "{name}"\n  tensor_path: "projector/{TENSORS}"\n'
        f'  metadata_path: "projector/{METADATA}"\n}}\n',
    )
