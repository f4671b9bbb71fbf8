"""Tensors of a safetensors file, read straight into memory that exists already.

The library's reader maps the file, so that its tensors lie in memory beside the weights they are copied into,
and the file stays on disk after another has taken its name. With ten million items that is gigabytes of both.
Its check of the file is used; the bytes are read here, one tensor at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from degen.errors import UserError
from degen.files.parse import parse_json
from degen.model.encoders.interface import Encoder

_DTYPES = {"F32": torch.float32, "F64": torch.float64}


class StoredTensors:
    """A safetensors file of float32 and float64 tensors; a file that is none raises `SafetensorError`."""

    def __init__(self, path: Path):
        self.path = path
        with safe_open(path, framework="pt") as file:
            self.metadata: dict[str, str] = file.metadata() or {}
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = parse_json(file.read(size))
        header.pop("__metadata__", None)
        self._entries, self._data = header, 8 + size
        self.shapes = {name: torch.Size(entry["shape"]) for name, entry in header.items()}

    def read(self, name: str) -> Tensor:
        """Return a tensor in memory of its own, on the CPU.

        Raises KeyError if it is not there or of another type of number, ValueError if the file was cut short.
        """
        tensor = torch.empty(self.shapes[name], dtype=self._dtype(name))
        self._fill(name, tensor)
        return tensor

    @torch.no_grad()
    def read_into(self, name: str, place: Tensor) -> None:
        """Put a tensor into `place`, of the same shape, any device and precision.

        Raises as `read` does, and ValueError for another shape.
        """
        if place.shape != self.shapes[name]:
            raise ValueError(f"{name} has shape {tuple(self.shapes[name])}, not {tuple(place.shape)}")
        if place.device.type == "cpu" and place.is_contiguous() and place.dtype == self._dtype(name):
            self._fill(name, place)
        else:
            place.copy_(self.read(name))

    def _dtype(self, name: str) -> torch.dtype:
        return _DTYPES[self._entries[name]["dtype"]]

    def _fill(self, name: str, tensor: Tensor) -> None:
        view = tensor.detach().view(-1).numpy().data.cast("B")
        with self.path.open("rb") as file:
            file.seek(self._data + self._entries[name]["data_offsets"][0])
            if file.readinto(view) != len(view):
                raise ValueError(f"{name} ends before its last number")


@contextmanager
def reading(path: Path, what: str) -> Iterator[StoredTensors]:
    """Open a stored file for a block; a failure is an error of the path and `what` ("is damaged")."""
    try:
        yield StoredTensors(path)
    except (SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path} {what}") from error


def load_weights(encoder: Encoder, stored: StoredTensors, prefix: str = "") -> None:
    """Fill an encoder in place from the tensors whose names begin with `prefix`, which must be its own."""
    places = {prefix + name: place for name, place in encoder.state_dict().items()}
    if unknown := {name for name in stored.shapes if name.startswith(prefix)} - set(places):
        raise KeyError(f"no weight is called {min(unknown)}")
    for name, place in places.items():
        stored.read_into(name, place)
