"""Find weights in PyTorch checkpoints (`.pth .pt .ckpt .bin`) and gensim's `.kv` without executing anything.

    zip (PyTorch ≥ 1.6)   */data.pkl   the description        */data/<key>   the numbers of one storage, raw
    before 1.6            five pickles (mark, version, machine, the description, keys), then the storages

In the description, a tensor is a call of `torch._utils._rebuild_tensor_v2` with storage, offset, size and
stride, and an array is a call of `numpy…_reconstruct` with shape, type and bytes. `inert_pickle` returns
these calls as data. Numbers are read only within the bounds of their storage. torch is not needed, and other
objects are neither listed nor created.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np

from degen.embeddings.file_rows import BFLOAT16, FileRows, Values, numbers_of, storage
from degen.embeddings.formats.inert_pickle import Call, Name, NotAPickle, Reference, read_pickle
from degen.embeddings.formats.named_arrays import LARGE, ArrayFile, StoredArray, array_in_file
from degen.embeddings.formats.numpy_files import DAMAGE, member_offset, open_member, read_npy, unreadable
from degen.embeddings.formats.pickled_arrays import ARRAYS, array_of
from degen.errors import UserError

ZIP = b"PK\x03\x04"
LEGACY = 0x1950A86A20F9469CFC6C
"""The number, pickled, with which files of PyTorch before 1.6 begin."""

_WRITER = "torch.save(model.state_dict(), …)"
_MOST_PICKLE = 1 << 28
_TYPES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
    "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16",
}
_TENSORS = {"torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"}
_WRAPPED = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
_MODULE = {"_modules", "_parameters", "_buffers"}
_STATES = ("state_dict.", "model_state_dict.")
_OPTIMIZER = re.compile(r"optim(izers?)?(_.*)?")
_LONGEST = 1000
"""Maximum length of a name: an object that contains itself would have names without end."""


@dataclass(frozen=True)
class _Storages:
    """The raw numbers of a checkpoint: byte order, and by key size, offset in the file and bytes."""

    path: Path
    order: str
    sizes: Mapping[str, int]
    start: Callable[[str], int | None]
    read: Callable[[str], bytes]


def open_checkpoint(path: Path) -> ArrayFile:
    """Return the tensors and arrays in a PyTorch checkpoint, and the rest of it as data.

    Raise a `UserError` where the file is not a checkpoint, is damaged, or is compressed.
    """
    with path.open("rb") as file:
        zipped = file.read(len(ZIP)) == ZIP
    try:
        root, storages = _open_zip(path) if zipped else _open_legacy(path)
    except (*DAMAGE, KeyError, NotAPickle) as error:
        raise unreadable(path, _WRITER) from error
    return ArrayFile(dict(_arrays(root, storages)), root if isinstance(root, dict) else {})


def open_pickled(path: Path) -> ArrayFile:
    """Return the arrays in gensim's `.kv`, which is a pickle, and in the `.npy` file beside it.

    Raise a `UserError` where the file is not a pickle, or is damaged.
    """
    try:
        with path.open("rb") as file:
            root = read_pickle(file)
    except (*DAMAGE, NotAPickle) as error:
        raise unreadable(path, "gensim's KeyedVectors.save") from error
    about = root.state if isinstance(root, Call) and isinstance(root.state, dict) else {}
    nothing = _Storages(path, "<", {}, lambda key: None, lambda key: b"")
    arrays = dict(_arrays(root, nothing))
    # gensim stores a large array in a file of its own.
    if "vectors" in (about.get("__numpys") or ()):
        beside = path.with_name(f"{path.name}.vectors.npy")
        if not beside.is_file():
            raise UserError(f"{path} has its numbers in {beside.name}, which is not there; bring it along")
        arrays["vectors"] = StoredArray(read_npy(beside).shape, partial(read_npy, beside))
    return ArrayFile(arrays, about)


def _open_zip(path: Path) -> tuple[Any, _Storages]:
    with ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        [described] = [name for name in members if re.fullmatch(r"[^/]+/data\.pkl", name)]
        folder = described.removesuffix("data.pkl")
        data = {name.removeprefix(folder): member for name, member in members.items()}
        read_here = (member for name, member in data.items() if name.startswith("data"))
        if any(member.compress_type != ZIP_STORED for member in read_here):
            raise UserError(
                f"{path} is a compressed zip, which PyTorch never writes; unpack it and save it again"
            )
        if members[described].file_size > _MOST_PICKLE:
            raise NotAPickle("the description is too long")
        order = ">" if "byteorder" in data and archive.read(data["byteorder"]).strip() == b"big" else "<"
    with open_member(path, described) as file:
        root = read_pickle(file)

    def read(key: str) -> bytes:
        with open_member(path, f"{folder}data/{key}") as file:
            return file.read()

    sizes = {name.removeprefix("data/"): member.file_size for name, member in data.items()}
    return root, _Storages(path, order, sizes, lambda key: member_offset(path, data[f"data/{key}"]), read)


def _open_legacy(path: Path) -> tuple[Any, _Storages]:
    storages: dict[str, Any] = {}

    def refer(identifier: Any) -> Reference:
        if isinstance(identifier, tuple) and len(identifier) > 4:
            storages.setdefault(str(identifier[2]), identifier[1])
        return Reference(identifier)

    size, sizes, starts = path.stat().st_size, {}, {}
    with path.open("rb") as file:
        mark, _version, _machine = (read_pickle(file) for _ in range(3))
        if mark != LEGACY:
            raise NotAPickle("neither mark of PyTorch is there")
        root, keys = read_pickle(file, refer), read_pickle(file)
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            kind = _kind(storages[key], "<") if key in storages else None
            if kind is None:
                raise NotAPickle("a storage of unknown type stands before others")
            sizes[key], starts[key] = count * storage(kind).itemsize, file.tell()
            if starts[key] + sizes[key] > size:
                raise NotAPickle("the file is cut short")
            file.seek(sizes[key], 1)

    def read(key: str) -> bytes:
        with path.open("rb") as file:
            file.seek(starts[key])
            return file.read(sizes[key])

    return root, _Storages(path, "<", sizes, starts.get, read)


def _arrays(root: Any, storages: _Storages) -> Iterator[tuple[str, StoredArray]]:
    """Yield the arrays under `root`, named by the keys that lead to them, joined by dots."""
    waiting: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    while waiting:
        name, value = waiting.pop()
        stored = _stored(value, name, storages)
        if stored is not None:
            yield (
                next((name.removeprefix(state) for state in _STATES if name.startswith(state)), name),
                stored,
            )
        elif id(value) not in seen and len(name) < _LONGEST:
            seen.add(id(value))
            for key, inner in reversed(_inside(value)):
                joined = f"{name}.{key}" if name else key
                waiting.append((name if key in _MODULE else joined, inner))


def _inside(value: Any) -> list[tuple[str, Any]]:
    """Return the parts of a dictionary, a list or an object, without an optimizer's copies of the weights."""
    if isinstance(value, Call):
        state = value.state if isinstance(value.state, dict) else {}
        value = {**state, **value.items}
    if isinstance(value, list | tuple):
        return [(str(index), inner) for index, inner in enumerate(value)]
    if not isinstance(value, dict):
        return []
    return [(str(key), inner) for key, inner in value.items() if not _OPTIMIZER.fullmatch(str(key))]


def _stored(value: Any, name: str, storages: _Storages) -> StoredArray | None:
    """Return the tensor or array that `value` describes, or None where it describes something else."""
    while isinstance(value, Call) and value.name in _WRAPPED and value.arguments:
        value = value.arguments[0]
    if not isinstance(value, Call):
        return None
    if value.name in ARRAYS:
        array = array_of(value)
        return None if array is None else StoredArray(array.shape, array.copy)
    if value.name not in _TENSORS or len(value.arguments) < 4:
        return None
    reference, offset, shape, stride = value.arguments[:4]
    sized = isinstance(shape, tuple) and isinstance(stride, tuple) and len(shape) == len(stride)
    if not sized or not isinstance(reference, Reference):
        return None
    if any(type(size) is not int or size < 0 for size in (offset, *shape, *stride)):
        return None
    return StoredArray(shape, partial(_read, storages, name, reference.identifier, offset, shape, stride))


def _read(
    storages: _Storages,
    name: str,
    identifier: Any,
    offset: int,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
) -> Values | FileRows:
    path, damaged = storages.path, unreadable(storages.path, _WRITER)
    if not isinstance(identifier, tuple) or len(identifier) < 5 or identifier[5:6] not in ((), (None,)):
        raise damaged
    kind, key = _kind(identifier[1], storages.order), str(identifier[2])
    if kind is None:
        other = identifier[1].name if isinstance(identifier[1], Name) else "no storage"
        raise UserError(f"{path}: '{name}' holds {other}, which NumPy lacks; save it as float32")
    size = storage(kind).itemsize
    held = storages.sizes.get(key, 0) // size
    last = offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=True))
    # A tensor must not repeat its numbers: an expanded one could claim any size.
    if 0 in shape or last >= held or prod(shape) > held:
        raise damaged
    in_order = stride == tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    start = storages.start(key)
    if in_order and start is not None and prod(shape) * size >= LARGE:
        return array_in_file(path, start + offset * size, shape, kind)
    try:
        raw = np.frombuffer(storages.read(key), dtype=storage(kind), count=held)[offset:]
    except (*DAMAGE, KeyError) as error:
        raise damaged from error
    steps = tuple(step * size for step in stride)
    return numbers_of(np.lib.stride_tricks.as_strided(raw, shape, steps, writeable=False).copy(), kind)


def _kind(of: Any, order: str) -> str | None:
    """Return the type of a storage's numbers as `FileRows` names it, or None if it cannot be read here."""
    kind = _TYPES.get(of.name.removeprefix("torch.")) if isinstance(of, Name) else None
    if kind == BFLOAT16:
        return kind if order == "<" else None
    return None if kind is None else order + kind
