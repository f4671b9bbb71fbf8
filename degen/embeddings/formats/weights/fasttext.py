"""Read fastText's binary models (`.bin`): the vectors of words as `get_word_vector` gives them.

    magic and version, int32 each         793712314, 12 (11: supervised models have no n-grams)
    arguments                             12 of int32, one double
    dictionary                            sizes, then per entry its word, a zero, a count and a kind
    input matrix                          a byte, rows and columns, float32: words, then buckets of n-grams
    output matrix                         likewise

Counts are int64. Words come before labels, and only words have rows of the input matrix.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.named_arrays import ArrayFile, StoredArray, array_in_file
from degen.embeddings.formats.numpy_files import DAMAGE, unreadable
from degen.embeddings.formats.weights.subwords import mean_vectors
from degen.errors import UserError

MAGIC = struct.pack("<i", 793712314)
_WRITER = "fastText's save_model"

_SUPERVISED = 3
_END = b"</s>"
"""The end of a sentence, which has no n-grams."""

_AFTER_WORD = 10
"""Bytes of a zero, a count and a kind."""

_LONGEST_WORD = 1 << 16
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Matrix:
    """A matrix of float32 in the file: the byte at which it begins, and its shape."""

    offset: int
    shape: tuple[int, int]

    @property
    def end(self) -> int:
        """The byte after it."""
        return self.offset + 4 * self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class _Model:
    """A model's words, its n-grams' lengths, its number of buckets, and its two matrices."""

    path: Path
    words: list[bytes]
    lengths: tuple[int, int]
    bucket: int
    rows: _Matrix
    output: _Matrix

    def vectors(self) -> Values | FileRows:
        """Return the vectors of the words [n, d], float32."""
        n, d = len(self.words), self.rows.shape[1]
        own = array_in_file(self.path, self.rows.offset, (n, d), "<f4")
        if not self.bucket or not self.lengths[1]:
            return own
        buckets = FileRows(self.path, self.rows.offset + 4 * n * d, (self.bucket, d), "<f4")
        words = [b"" if word == _END else word for word in self.words]
        return mean_vectors(
            words, own[:], lambda a, b: buckets[a:b], self.bucket, self.lengths, f"{self.path} in memory"
        )


def is_fasttext(path: Path) -> bool:
    """Return whether the file begins with fastText's mark."""
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def open_fasttext(path: Path) -> ArrayFile:
    """Return the vectors of a model's words (`vectors`) and its output matrix (`output`), with the ids.

    Raise a `UserError` where the model is quantised, pruned, of another version, or damaged.
    """
    try:
        with path.open("rb") as file:
            model = _read(path, file)
    except (*DAMAGE, struct.error) as error:
        raise unreadable(path, _WRITER) from error
    ids = [word.decode(errors="backslashreplace") for word in model.words]
    shapes = {"vectors": (len(ids), model.rows.shape[1]), "output": model.output.shape}
    output = partial(array_in_file, path, model.output.offset, model.output.shape, "<f4")
    arrays = {
        "vectors": StoredArray(shapes["vectors"], model.vectors),
        "output": StoredArray(shapes["output"], output),
    }
    of_output = {"output": ids} if len(ids) == shapes["output"][0] else {}
    return ArrayFile(arrays, usual="vectors", ids={"vectors": ids, **of_output})


def _read(path: Path, file: IO[bytes]) -> _Model:
    """Read a model up to its matrices; raise one of `DAMAGE` where it is not one."""
    _, version = struct.unpack("<2i", file.read(8))
    if version not in (11, 12):
        raise UserError(
            f"{path} is a fastText model of version {version}, not 11 or 12; save its vectors as text (.vec)"
        )
    dim, *_, kind, bucket, shortest, longest, _rate, _ = struct.unpack("<12id", file.read(56))
    size, n_words, n_labels, _tokens, pruned = struct.unpack("<3i2q", file.read(28))
    # An entry takes at least ten bytes.
    if not 0 < n_words <= size <= path.stat().st_size // 10 or n_labels < 0 or n_words + n_labels != size:
        raise ValueError("the sizes of the dictionary do not fit each other")
    words = _words(file, size)[:n_words]
    quantised = pruned > 0 or file.read(1) != b"\0"
    if quantised:
        raise UserError(
            f"{path} is a quantised fastText model, as .ftz are, which has lost its numbers; give the .bin "
            "that it was made from"
        )
    rows = _matrix(path, file)
    if file.read(1) != b"\0":
        raise ValueError("only the output is quantised")
    output = _matrix(path, file)
    if rows.shape != (n_words + bucket, dim) or output.shape[1] != dim or bucket < 0:
        raise ValueError("a matrix has another shape than the arguments say")
    # Models of version 11 with labels, and those of which all n-grams were pruned, have words only.
    plain = (version == 11 and kind == _SUPERVISED) or pruned == 0
    lengths = (0, 0) if plain else (max(shortest, 0), min(max(longest, 0), _LONGEST_WORD))
    return _Model(path, words, lengths, bucket, rows, output)


def _words(file: IO[bytes], size: int) -> list[bytes]:
    """Read the dictionary's entries; the file is left after them."""
    words, buffer, at = [], b"", 0
    for _ in range(size):
        while (end := buffer.find(b"\0", at)) < 0 or end + _AFTER_WORD > len(buffer):
            more = file.read(_CHUNK)
            if not more or len(buffer) - at > _LONGEST_WORD + _AFTER_WORD:
                raise ValueError("the dictionary is cut short")
            buffer, at = buffer[at:] + more, 0
        words.append(buffer[at:end])
        at = end + _AFTER_WORD
    file.seek(at - len(buffer), 1)
    return words


def _matrix(path: Path, file: IO[bytes]) -> _Matrix:
    """Read a matrix's shape, and leave the file after its numbers."""
    shape = struct.unpack("<2q", file.read(16))
    matrix = _Matrix(file.tell(), (int(shape[0]), int(shape[1])))
    if min(shape) <= 0 or matrix.end > path.stat().st_size:
        raise ValueError("a matrix is cut short")
    file.seek(matrix.end)
    return matrix
