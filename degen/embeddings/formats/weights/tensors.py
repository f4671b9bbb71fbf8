"""Read the tensors that a PyTorch checkpoint describes, within the bounds of their storages.

    torch._utils._rebuild_tensor_v2       storage, offset, size, stride
    torch._utils._rebuild_tensor_v3       the same and a type, for those that came after typed storages
    torch._utils._rebuild_parameter       a tensor
    torch._tensor._rebuild_from_type_v2   one of these functions and its arguments, for a buffer or a subclass

Tensors of other layouts are listed with their shapes. Reading one raises an error that says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from degen.embeddings.file_rows import FileRows, Values, numbers_of, storage
from degen.embeddings.formats.inert_pickle import Call, Name, Reference
from degen.embeddings.formats.named_arrays import LARGE, StoredArray, array_in_file
from degen.embeddings.formats.numpy_files import DAMAGE, unreadable
from degen.embeddings.formats.small_floats import BFLOAT16, SMALL_FLOATS
from degen.errors import UserError
from degen.files.memory import check_fits

WRITER = "torch.save(model.state_dict(), …)"

_STORAGES = {
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
_UNTYPED = "storage.UntypedStorage"
_TYPES = {"uint16": "u2", "uint32": "u4", "uint64": "u8"} | {kind: kind for kind in SMALL_FLOATS}
"""Types without a storage of their own, as the third form of a tensor names them."""

_DENSE = {f"torch._utils._rebuild_{what}" for what in ("tensor", "tensor_v2", "tensor_v3")}
_PARAMETERS = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
_TYPED = {"torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2"}
_LAYERS = 8
"""Maximum number of wrappings of a tensor that are removed."""

# The place of the shape among the arguments, and what is said of the tensor.
_OTHERS: dict[str, tuple[tuple[int, ...], str]] = {
    "torch._utils._rebuild_sparse_tensor": ((1, 2), "a sparse tensor; save `tensor.to_dense()`"),
    "torch._utils._rebuild_qtensor": ((2,), "a quantised tensor; save `tensor.dequantize()`"),
    "torch._utils._rebuild_meta_tensor_no_storage": ((1,), "a tensor without numbers, on the device `meta`"),
    "torch._utils._rebuild_nested_tensor": ((), "a nested tensor; save `tensor.to_padded_tensor(0.0)`"),
    "torch._utils._rebuild_wrapper_subclass": ((2,), ""),
}
_PART = "a DTensor, of which each process holds a part; save `tensor.full_tensor()`"


@dataclass(frozen=True)
class Storages:
    """The raw numbers of a checkpoint: byte order, and by key size, offset in the file and bytes."""

    path: Path
    order: str
    sizes: Mapping[str, int]
    start: Callable[[str], int | None]
    read: Callable[[str], bytes]


def stored_tensor(value: Any, name: str, storages: Storages) -> StoredArray | None:
    """Return the tensor that `value` describes, or None where it describes something else."""
    made_of = _unwrapped(value)
    if made_of is None:
        return None
    function, arguments = made_of
    if function in _OTHERS:
        return _other(function, arguments, name, storages.path)
    if function not in _DENSE or len(arguments) < 4:
        return None
    reference, offset, shape, stride = arguments[:4]
    sized = isinstance(shape, tuple) and isinstance(stride, tuple) and len(shape) == len(stride)
    if not sized or not isinstance(reference, Reference):
        return None
    if any(type(size) is not int or size < 0 for size in (offset, *shape, *stride)):
        return None
    third = function.endswith("v3")
    if arguments[7:8] if third else arguments[6:7]:
        return _refused(shape, name, storages.path, "a tensor whose signs are kept apart; save `tensor + 0`")
    dtype = arguments[6] if third and len(arguments) > 6 else None
    place = _Place(name, reference.identifier, dtype, offset, shape, stride)
    return StoredArray(shape, partial(_read, storages, place))


def storage_kind(of: Any, order: str) -> str | None:
    """Return the type of a storage's numbers as `FileRows` names it, or None if it cannot be read here."""
    kind = _STORAGES.get(of.name.removeprefix("torch.")) if isinstance(of, Name) else None
    return _ordered(kind, order)


@dataclass(frozen=True)
class _Place:
    """A tensor's name, its storage's identifier, the type beside it, and its numbers in that storage."""

    name: str
    identifier: Any
    dtype: Any
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def kind(self, order: str) -> str | None:
        """Return the type of the numbers, or None if it cannot be read here."""
        of = self.identifier[1]
        if isinstance(self.dtype, Name) and isinstance(of, Name) and of.name.endswith(_UNTYPED):
            return _ordered(_TYPES.get(self.dtype.name.removeprefix("torch.")), order)
        return storage_kind(of, order)

    @property
    def type_name(self) -> str:
        """Name of the type in the file."""
        of = self.dtype if isinstance(self.dtype, Name) else self.identifier[1]
        return of.name if isinstance(of, Name) else "no storage"


def _ordered(kind: str | None, order: str) -> str | None:
    if kind in SMALL_FLOATS:
        return kind if order == "<" or kind != BFLOAT16 else None
    return None if kind is None else order + kind


def _unwrapped(value: Any) -> tuple[str, tuple[Any, ...]] | None:
    """Return the function that builds a tensor and its arguments, without what is wrapped around them."""
    for _ in range(_LAYERS):
        if not isinstance(value, Call):
            return None
        if value.name in _PARAMETERS and value.arguments:
            value = value.arguments[0]
        elif value.name in _TYPED and len(value.arguments) > 2:
            value = Call(value.arguments[0], value.arguments[2])
        else:
            return value.name, value.arguments
    return None


def _other(function: str, arguments: tuple[Any, ...], name: str, path: Path) -> StoredArray:
    """Return a tensor that has another layout, whose reading is refused with the mend."""
    where, what = _OTHERS[function]
    shape: Any = arguments if where else ()
    for index in where:
        shape = shape[index] if isinstance(shape, tuple) and len(shape) > index else ()
        # A sparse tensor has (indices, values, size) or (rows, columns, values, size).
        if function.endswith("sparse_tensor") and index == 1 and isinstance(shape, tuple):
            shape = (*[None] * 2, next((part for part in shape if _is_size(part)), ()))
    if isinstance(shape, Call) and shape.arguments:
        shape = shape.arguments[0]
    whole = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if not what:
        kind = arguments[0].name if arguments and isinstance(arguments[0], Name) else "another class"
        what = _PART if kind.endswith(".DTensor") else f"a tensor of {kind}; save a plain one of float32"
    return _refused(shape if whole else (), name, path, what)


def _is_size(value: Any) -> bool:
    return isinstance(value, Call) and value.name == "torch.Size"


def _refused(shape: tuple[int, ...], name: str, path: Path, what: str) -> StoredArray:
    def read() -> Values:
        raise UserError(f"{path}: '{name}' is {what}")

    return StoredArray(shape, read)


def _read(storages: Storages, place: _Place) -> Values | FileRows:
    path, identifier, shape = storages.path, place.identifier, place.shape
    damaged = unreadable(path, WRITER)
    if not isinstance(identifier, tuple) or len(identifier) < 5 or identifier[5:6] not in ((), (None,)):
        raise damaged
    kind, key = place.kind(storages.order), identifier[2]
    if kind is None:
        held_type = f"{place.type_name}, which NumPy lacks"
        raise UserError(f"{path}: '{place.name}' holds {held_type}; save it as float32")
    size = storage(kind).itemsize
    held = storages.sizes.get(key, 0) // size if isinstance(key, str) else 0
    last = place.offset + sum((length - 1) * step for length, step in zip(shape, place.stride, strict=True))
    # A tensor must not repeat its numbers: an expanded one could claim any size.
    if 0 in shape or last >= held or prod(shape) > held:
        raise damaged
    in_order = place.stride == tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    start = storages.start(key)
    if in_order and start is not None and prod(shape) * size >= LARGE:
        return array_in_file(path, start + place.offset * size, shape, kind)
    check_fits((held + prod(shape)) * size, f"{path}: '{place.name}'")
    try:
        raw = np.frombuffer(storages.read(key), dtype=storage(kind), count=held)[place.offset :]
    except (*DAMAGE, KeyError) as error:
        raise damaged from error
    steps = tuple(step * size for step in place.stride)
    return numbers_of(np.lib.stride_tricks.as_strided(raw, shape, steps, writeable=False).copy(), kind)
