"""Read models that their library pickles whole: gensim's `.kv` and `.model`, and RecTools' `.save`.

gensim puts large arrays into files beside, such as `words.kv.vectors.npy`, and saves FastText without the
vectors of its words, which are the means of their n-grams' rows. RecTools' neural models hold a checkpoint of
PyTorch; its other models are objects with arrays. Nothing is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from degen.embeddings.file_rows import Values
from degen.embeddings.formats.checkpoint import open_checkpoint_within
from degen.embeddings.formats.inert_pickle import Call, NotAPickle, read_pickle
from degen.embeddings.formats.named_arrays import ArrayFile, StoredArray
from degen.embeddings.formats.numpy_files import DAMAGE, read_npy, unreadable
from degen.embeddings.formats.pickled_arrays import plain_list
from degen.embeddings.formats.weights.subwords import mean_vectors
from degen.embeddings.formats.weights.tensors import Storages
from degen.embeddings.formats.weights.walk import arrays_below
from degen.errors import UserError

_PARTS = ("", "wv", "dv", "docvecs")
"""Names under which a model of gensim has vectors: its own, those of its words or of its documents."""

_VECTORS = ("vectors", "syn0", "doctag_syn0")
_IDS = ("index_to_key", "index2word", "index2entity", "offset2doctag")
"""Names of the vectors and of their ids since gensim 4, and before."""

_ATTRIBUTE = re.compile(r"\w{1,64}")
_WRITERS = {".kv": "gensim's KeyedVectors.save", ".model": "gensim's save", ".save": "RecTools' model.save"}


def open_pickled(path: Path) -> ArrayFile:
    """Return the arrays of a pickled model and of the files beside it, with the ids of its vectors.

    Raise a `UserError` where the file is not a pickle, is damaged, or a file beside it is missing.
    """
    try:
        with path.open("rb") as file:
            root = read_pickle(file)
    except (*DAMAGE, NotAPickle) as error:
        raise unreadable(path, _WRITERS.get(path.suffix, "the library's own save")) from error
    about = _state(root)
    inner = about.get("fitted_checkpoint")
    if isinstance(inner, bytes):
        return open_checkpoint_within(path, inner)
    nothing = Storages(path, "<", {}, lambda key: None, lambda key: b"")
    arrays = dict(arrays_below(root, nothing))
    ids: dict[str, list[str]] = {}
    for part in _PARTS:
        state = about if not part else _state(about.get(part))
        prefix = f"{part}." if part else ""
        arrays |= {f"{prefix}{name}": stored for name, stored in _beside(path, prefix, state)}
        names = next((found for name in _IDS if (found := plain_list(state.get(name)))), None)
        if names and _is_fasttext(state):
            arrays[f"{prefix}vectors"] = _of_subwords(path, arrays, prefix, state, names)
        if names:
            ids |= {f"{prefix}{name}": names for name in (*_VECTORS, "vectors_vocab", "syn0_vocab")}
    # A model of documents has vectors of words too: one of them is to be chosen.
    vectors = [name for part in _PARTS for name in _named(part) if name in arrays]
    return ArrayFile(arrays, about, vectors[0] if len(vectors) == 1 else None, ids)


def _state(value: Any) -> dict[Any, Any]:
    return value.state if isinstance(value, Call) and isinstance(value.state, dict) else {}


def _named(part: str) -> list[str]:
    return [f"{part}.{name}" if part else name for name in _VECTORS]


def _beside(path: Path, prefix: str, state: dict[Any, Any]) -> Iterator[tuple[str, StoredArray]]:
    """Yield the arrays that gensim stored in files of their own."""
    names = state.get("__numpys")
    for name in names if isinstance(names, list) else ():
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
            continue
        file = path.with_name(f"{path.name}.{prefix}{name}.npy")
        if file.is_file():
            yield name, StoredArray(read_npy(file).shape, partial(read_npy, file))
        elif name in _VECTORS:
            raise UserError(f"{path} has its numbers in {file.name}, which is not there; bring it along")


def _is_fasttext(state: dict[Any, Any]) -> bool:
    """Return whether the vectors of words are to be computed: gensim leaves them out where it saves."""
    return {"min_n", "max_n", "bucket"} <= set(state) and not {"vectors", "syn0"} & set(state)


def _of_subwords(
    path: Path, arrays: dict[str, StoredArray], prefix: str, state: dict[Any, Any], names: list[str]
) -> StoredArray:
    """Return the vectors of FastText's words, which are computed when they are read."""
    settings = [state[name] for name in ("min_n", "max_n", "bucket")]
    own, buckets = (arrays.get(f"{prefix}vectors_{what}") for what in ("vocab", "ngrams"))
    fits = own is not None and len(own.shape) == 2 and own.shape[0] == len(names)
    if not fits or any(type(number) is not int or number < 0 for number in settings):
        raise unreadable(path, _WRITERS[".kv"])
    assert own is not None
    shortest, longest, bucket = settings
    if not bucket or not longest:
        return own
    if buckets is None or buckets.shape != (bucket, own.shape[1]):
        raise UserError(
            f"{path} has no rows of n-grams that its words' vectors are computed from; bring along all files "
            f"whose names begin with {path.name}"
        )
    if state.get("compatible_hash") is False:
        raise UserError(
            f"{path} was saved by a gensim whose hashes of n-grams are not fastText's; save it again with "
            "gensim 4"
        )

    def read() -> Values:
        rows = buckets.read()
        words = [name.encode() for name in names]
        vectors = own.read()[:].astype(np.float32, copy=False)
        block = partial(_rows, rows)
        return mean_vectors(words, vectors, block, bucket, (shortest, longest), f"{path} in memory")

    return StoredArray(own.shape, read)


def _rows(rows: Any, start: int, stop: int) -> Values:
    return np.asarray(rows[start:stop])
