"""Find weights in PyTorch checkpoints (`.pth .pt .ckpt .bin`) without executing anything.

    zip (PyTorch ≥ 1.6)   */data.pkl   the description        */data/<key>   the numbers of one storage, raw
    before 1.6            five pickles (mark, version, machine, the description, keys), then the storages

In the description, tensors and arrays are calls of a few functions, which `inert_pickle` returns as data and
`weights.tensors` reads within the bounds of their storage. torch is not needed, and other objects are neither
listed nor created.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

from degen.embeddings.file_rows import storage
from degen.embeddings.formats.inert_pickle import NotAPickle, Reference, read_pickle
from degen.embeddings.formats.named_arrays import ArrayFile
from degen.embeddings.formats.numpy_files import DAMAGE, member_offset, open_member, unreadable
from degen.embeddings.formats.weights.tensors import WRITER, Storages, storage_kind
from degen.embeddings.formats.weights.walk import arrays_below, second_moments
from degen.errors import UserError

ZIP = b"PK\x03\x04"
LEGACY = 0x1950A86A20F9469CFC6C
"""The number, pickled, with which files of PyTorch before 1.6 begin."""

_MOST_PICKLE = 1 << 28


def open_checkpoint(path: Path) -> ArrayFile:
    """Return the tensors and arrays in a PyTorch checkpoint, and the rest of it as data.

    Raise a `UserError` where the file is not a checkpoint, is damaged, or is compressed.
    """
    with path.open("rb") as file:
        zipped = file.read(len(ZIP)) == ZIP
    try:
        root, storages = _open_zip(path, None) if zipped else _open_legacy(path)
    except (*DAMAGE, NotAPickle) as error:
        raise unreadable(path, WRITER) from error
    return _array_file(root, storages)


def open_checkpoint_within(path: Path, content: bytes) -> ArrayFile:
    """Return the same for a checkpoint of PyTorch ≥ 1.6 that lies as bytes inside the file `path`."""
    try:
        root, storages = _open_zip(path, content)
    except (*DAMAGE, NotAPickle) as error:
        raise unreadable(path, WRITER) from error
    return _array_file(root, storages)


def _array_file(root: Any, storages: Storages) -> ArrayFile:
    moments = list(second_moments(root, storages))
    about = root if isinstance(root, dict) else {}
    return ArrayFile(dict(arrays_below(root, storages)), about, trained=True, moments=moments)


def _open_zip(path: Path, content: bytes | None) -> tuple[Any, Storages]:
    """Return the description and the storages in the zip at `path`, or in `content` where it is given."""
    source = path if content is None else io.BytesIO(content)
    with ZipFile(source) as archive:
        members = {member.filename: member for member in archive.infolist()}
        [described] = [name for name in members if re.fullmatch(r"[^/]+/data\.pkl", name)]
        folder = described.removesuffix("data.pkl")
        data = {name.removeprefix(folder): member for name, member in members.items()}
        read_here = (member for name, member in data.items() if name.startswith(("data", "byteorder")))
        if any(member.compress_type != ZIP_STORED for member in read_here):
            raise UserError(
                f"{path} is a compressed zip, which PyTorch never writes; unpack it and save it again"
            )
        if members[described].file_size > _MOST_PICKLE:
            raise NotAPickle("the description is too long")
        order = ">" if "byteorder" in data and archive.read(data["byteorder"]).strip() == b"big" else "<"
        with archive.open(described) as file:
            root = read_pickle(file)

    def read(key: str) -> bytes:
        with open_member(source, f"{folder}data/{key}") as file:
            return file.read()

    def start(key: str) -> int | None:
        return member_offset(path, data[f"data/{key}"]) if content is None else None

    sizes = {name.removeprefix("data/"): member.file_size for name, member in data.items()}
    return root, Storages(path, order, sizes, start, read)


def _open_legacy(path: Path) -> tuple[Any, Storages]:
    storages: dict[str, Any] = {}

    def refer(identifier: Any) -> Reference:
        named = isinstance(identifier, tuple) and len(identifier) > 4 and isinstance(identifier[2], str)
        if named:
            storages.setdefault(identifier[2], identifier[1])
        return Reference(identifier)

    size, sizes, starts = path.stat().st_size, {}, {}
    with path.open("rb") as file:
        mark, _version, _machine = (read_pickle(file) for _ in range(3))
        if mark != LEGACY:
            raise NotAPickle("neither mark of PyTorch is there")
        root, keys = read_pickle(file, refer), read_pickle(file)
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            kind = storage_kind(storages[key], "<") if isinstance(key, str) and key in storages else None
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

    return root, Storages(path, "<", sizes, starts.get, read)
