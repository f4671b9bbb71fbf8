"""PyTorch's files written by hand: a zip around a pickle that a test makes, with the storages it names."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

STORAGES = {"<f4": "FloatStorage", "<f8": "DoubleStorage", "<i8": "LongStorage", "<f2": "HalfStorage"}


class Global:
    """Pickled as the global that it names, whether there is one or not."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Called:
    """Pickled as a call of a global, with a state set on what it returns."""

    def __init__(self, function: Global, *arguments: Any, state: Any = None) -> None:
        self.function, self.arguments, self.state = function, arguments, state


class Storage:
    """Pickled as a storage of a checkpoint is: a persistent identifier."""

    def __init__(self, key: str, numbers: int, kind: str = "FloatStorage") -> None:
        self.identifier = ("storage", Global("torch", kind), key, "cpu", numbers)


class Writer(pickle._Pickler):  # the one in Python, whose instructions can be added to
    """Writes globals that need not exist, calls of them, and persistent identifiers."""

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        if isinstance(value, Global):
            self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Called):
            self.save(value.function)
            self.save(value.arguments)
            self.write(pickle.REDUCE)
            if value.state is not None:
                self.save(value.state)
                self.write(pickle.BUILD)
        elif isinstance(value, Storage):
            self.save(value.identifier)
            self.write(pickle.BINPERSID)
        else:
            super().save(value, save_persistent_id)


def pickled(value: Any, protocol: int = 2) -> bytes:
    buffer = io.BytesIO()
    Writer(buffer, protocol).dump(value)
    return buffer.getvalue()


def tensor(
    key: str, shape: tuple[int, ...], *, offset: int = 0, stride: Any = None, numbers: int | None = None
) -> Called:
    """A float32 tensor, by default in the order of its rows, in a storage of its own."""
    steps = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))
    whole = int(np.prod(shape)) if numbers is None else numbers
    arguments = (
        Storage(key, whole),
        offset,
        shape,
        steps if stride is None else stride,
        False,
        OrderedDict(),
    )
    return Called(Global("torch._utils", "_rebuild_tensor_v2"), *arguments)


def write_checkpoint(
    path: Path,
    description: Any,
    storages: dict[str, Any],
    *,
    protocol: int = 2,
    compression: int = zipfile.ZIP_STORED,
    order: str | None = "little",
) -> Path:
    """Write a checkpoint of PyTorch ≥ 1.6; `description` is pickled, or taken as it is where it is bytes."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        content = description if isinstance(description, bytes) else pickled(description, protocol)
        archive.writestr("archive/data.pkl", content)
        if order is not None:
            archive.writestr("archive/byteorder", order)
        for key, numbers in storages.items():
            raw = numbers if isinstance(numbers, bytes) else numbers.tobytes()
            archive.writestr(f"archive/data/{key}", raw)
        archive.writestr("archive/version", "3\n")
    return path
