"""Read arrays from HDF5 (`.h5`, `.hdf5`) and Keras' weights (`.weights.h5`, `.keras`) with h5py.

Every dataset of numbers in the file itself is an array, named by the groups that lead to it. Links to other
files, datasets that are put together from others or stored outside, and references to objects are not
followed. A `.keras` file is a zip: its `model.weights.h5` is read, and nothing in `config.json` is executed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.named_arrays import LARGE, ArrayFile, StoredArray, array_in_file, check_shape
from degen.embeddings.formats.numpy_files import DAMAGE, unreadable
from degen.errors import UserError
from degen.files.memory import check_fits

_MEMBER = "model.weights.h5"
_WRITER = "h5py or Keras"

_MOST_NAMES, _DEEPEST = 100_000, 32
"""Maximum number of names, and of groups inside each other: links may lead in circles."""

_OWN_FILTERS = {1, 2, 3, 4, 5, 6, 32000}
"""Filters that come with HDF5 and h5py. For others, HDF5 would load a library from its folder of plugins."""

_SHORTENED = 1100
"""A bound on how many times smaller than its numbers an array is stored."""

_OPTIMIZERS = ("optimizer", "optimizer_weights")
_EMBEDDINGS = ("embeddings", "embeddings:0")
"""Names that Keras gives the matrix of an Embedding layer; it is `vars/0` of the layer since Keras 3."""


def open_hdf5(path: Path) -> ArrayFile:
    """Return the datasets of numbers in an HDF5 or `.keras` file.

    Raise a `UserError` where h5py is missing, or the file is damaged.
    """
    try:
        with _opened(path) as file:
            found = dict(_datasets(path, file))
    except DAMAGE as error:
        raise unreadable(path, _WRITER) from error
    usual = [name for name, stored in found.items() if len(stored.shape) == 2 and _is_embedding(name)]
    return ArrayFile(found, usual=usual[0] if len(usual) == 1 else None, trained=True)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open the HDF5 file at `path`, or the one inside a `.keras` file."""
    try:
        import h5py
    except ImportError:
        raise UserError(f"{path} is HDF5, which needs h5py: pip install 'degen[hdf5]'") from None
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    source: Path | io.BytesIO = path
    if zipped:
        with ZipFile(path) as archive:
            member = archive.getinfo(_MEMBER)
            if member.file_size > _SHORTENED * (member.compress_size + 64):
                raise ValueError("the weights cannot have been packed into so few bytes")
            check_fits(2 * member.file_size, f"{path}: its weights")
            source = io.BytesIO(archive.read(member))
    with h5py.File(source, "r") as opened:
        yield opened


def _datasets(path: Path, file: Any) -> Iterator[tuple[str, StoredArray]]:
    """Yield the datasets of numbers, by the names of the groups that lead to them, joined by slashes."""
    import h5py

    waiting, seen, names = [("", file, 0)], set(), 0
    while waiting:
        prefix, group, depth = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen or depth > _DEEPEST:
            continue
        seen.add(address)
        for name in group:
            names += 1
            if names > _MOST_NAMES:
                raise ValueError("the file has too many names")
            hard = isinstance(group.get(name, getlink=True), h5py.HardLink)
            inner = group[name] if hard and (prefix or name not in _OPTIMIZERS) else None
            if isinstance(inner, h5py.Group):
                waiting.append((f"{prefix}{name}/", inner, depth + 1))
            elif isinstance(inner, h5py.Dataset) and (stored := _stored(path, f"{prefix}{name}", inner)):
                yield f"{prefix}{name}", stored


def _stored(path: Path, name: str, dataset: Any) -> StoredArray | None:
    """Return a dataset of numbers, not read yet; None for one of other things."""
    try:
        kind = dataset.dtype
    except TypeError:  # a type that NumPy lacks
        return None
    if not dataset.shape or kind.kind not in "fiu":
        return None
    return StoredArray(check_shape(dataset.shape, kind.itemsize), partial(_read, path, name))


def _is_embedding(name: str) -> bool:
    """Return whether a dataset is the matrix of a layer of Keras that embeds numbers."""
    layer, inner, last = ["", "", *name.split("/")][-3:]
    return last in _EMBEDDINGS or (last == "0" and inner == "vars" and "embedding" in layer)


def _read(path: Path, name: str) -> Values | FileRows:
    """Read a dataset; a large matrix that lies in one piece stays in the file."""
    try:
        with _opened(path) as file:
            dataset = file[name]
            size = _checked_size(path, name, dataset)
            offset = dataset.id.get_offset() if file.filename == str(path) else None
            if offset is None or size < LARGE:
                check_fits(size, f"{path}: '{name}'")
                return np.asarray(dataset[...])
            shape, kind = dataset.shape, dataset.dtype.str
    except DAMAGE as error:
        raise unreadable(path, _WRITER) from error
    return array_in_file(path, offset, shape, kind)


def _checked_size(path: Path, name: str, dataset: Any) -> int:
    """Return a dataset's number of bytes; raise an error where its numbers are not all in the file."""
    settings = dataset.id.get_create_plist()
    if dataset.is_virtual or settings.get_external_count():
        raise UserError(
            f"{path}: '{name}' has its numbers in other files, which are not followed; save it as one array"
        )
    filters = {settings.get_filter(number)[0] for number in range(settings.get_nfilters())}
    if not filters <= _OWN_FILTERS:
        raise UserError(f"{path}: '{name}' is packed by a plugin of HDF5; save it with gzip or unpacked")
    size = int(dataset.size) * int(dataset.dtype.itemsize)
    # What was never written is not stored, and would read as zeros.
    if size > _SHORTENED * (dataset.id.get_storage_size() + 64):
        raise ValueError("the dataset claims more numbers than are stored")
    return size
