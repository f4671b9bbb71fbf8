"""Event files and projector files of a run for TensorBoard, in RUN/tensorboard.

    scalars         every number in the line of an epoch, under loss/, ranking/, geometry/ or run/
    histograms      norms of the items, and their cosines to the mean direction
    singular_values σᵢ/σ₁ as a histogram whose axis is i, so that its shape is the curve of Fig. 1
    projector       item embeddings of the best epoch with id and frequency, at most 10,000 items

Writing needs tensorboardX, the extra `tensorboard`; only viewing needs TensorBoard itself.
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
from degen.files.outputs import replacing
from degen.files.writing import write_text
from degen.runs import directory
from degen.runs.directory import RunDirectory

Float = npt.NDArray[np.float64]

MOST_ITEMS = 10_000
"""Maximum number of points that the projector rotates smoothly; of more items a sample is written."""

BINS = 50

_OF_REPRESENTATIONS = ("uniformity", "alignment", "alignment_dropout", "alignment_same_target")


def require() -> None:
    """Check that tensorboardX is installed; the error says how to install it."""
    if find_spec("tensorboardX") is None:
        raise UserError('tensorboard needs tensorboardX; install it with pip install "degen[tensorboard]"')


class Board:
    """Event file, in `folder`, of the epochs that one process trains.

    TensorBoard discards what an earlier, killed process wrote of `first_epoch` and later ones.
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
        """Append events; the file is not kept open, so a run may end at any time and in any way."""
        from tensorboardX.record_writer import masked_crc32c

        records = b""
        for event in events:
            event.wall_time = time.time()
            data = event.SerializeToString()
            for part in (struct.pack("<Q", len(data)), data):  # a record of TensorFlow's format
                records += part + struct.pack("<I", masked_crc32c(part))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(records)
        except OSError as error:
            raise UserError(f"cannot write {self._path}: {error.strerror}; free some space") from error


def tag(key: str) -> str:
    """Return the name of a metric in TensorBoard, which groups names by the part before the slash."""
    if key.startswith(("valid_", "test_")):
        return f"ranking/{key}"
    if key in MEASURES or key in _OF_REPRESENTATIONS:
        return f"geometry/{key}"
    return f"loss/{key}" if "loss" in key else f"run/{key}"


def histogram(values: Float) -> Any:
    """Return a histogram of `values` with 50 bins between the smallest and the largest."""
    counts, edges = np.histogram(values, bins=BINS)
    return _proto(values, edges, counts)


def bars(heights: Float) -> Any:
    """Return a histogram that shows `heights` unchanged, number i (from 1) between i - ½ and i + ½."""
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
    """Write the item embeddings of the best epoch for the projector, or a sample of them by frequency.

    The name of the tensor states the number of items in the sample and in all.
    """
    frequency, folder, items = run.item_frequency, run.path / directory.TENSORBOARD, run.items
    kept = np.sort(sample_rows(frequency, len(frequency), MOST_ITEMS, seed))
    labels = {"item": [items[row] for row in kept], "frequency": frequency[kept].tolist()}
    with replacing(True):  # it is in the run's own folder
        write_projector(folder / "projector", run.item_embeddings[kept], labels)
    name = f"item embeddings ({len(kept):,} of {len(items):,} items)"
    write_text(
        folder / "projector_config.pbtxt",
        f'embeddings {{\n  tensor_name: "{name}"\n  tensor_path: "projector/{TENSORS}"\n'
        f'  metadata_path: "projector/{METADATA}"\n}}\n',
    )
