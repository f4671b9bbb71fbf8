"""The formats of matrix files: suffixes, readers, and sentences for what cannot be read.

    format_of(path) ─► Format ─► read(path, asked) ─► Content

A file is read by the first format of `FORMATS` that has its suffix and recognizes it. A folder is read by
the first of them that recognizes it. What no format reads is refused by a sentence of its own where it is
known (`_REFUSED`, `_REFUSED_FOLDERS`), since a similar suffix rarely helps.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from degen.embeddings.archives import read_archive
from degen.embeddings.content import NO_IDS, Asked, Content
from degen.embeddings.formats.checkpoint import open_checkpoint
from degen.embeddings.formats.matlab import open_mat
from degen.embeddings.formats.named_arrays import ArrayFile
from degen.embeddings.formats.numpy_files import open_npz, read_npy
from degen.embeddings.formats.parquet import read_arrow, read_parquet
from degen.embeddings.formats.safetensors import open_safetensors
from degen.embeddings.formats.tabular.json_table import LINES, read_json_matrix
from degen.embeddings.formats.tabular.lines import DELIMITERS, PACKED, suffix_of
from degen.embeddings.formats.tabular.pickles import read_pickled
from degen.embeddings.formats.text import read_itememb, read_text
from degen.embeddings.formats.weights.fasttext import is_fasttext, open_fasttext
from degen.embeddings.formats.weights.hdf5 import open_hdf5
from degen.embeddings.formats.weights.huggingface import is_huggingface, read_huggingface
from degen.embeddings.formats.weights.pickled_models import open_pickled
from degen.embeddings.formats.word2vec import is_word2vec, read_word2vec
from degen.errors import UserError, similar_file


def _any(path: Path) -> bool:
    return True


@dataclass(frozen=True)
class Format:
    """A format of matrix files or folders.

    Attributes
    ----------
    suffixes
        the suffixes of its files, in lower case; empty for a folder.
    read
        the function that reads all rows.
    takes
        the choices that it can follow: fields of `Asked`.
    recognizes
        tells its files from others with the same suffix, or its folders from others. It is called for a path
        that exists, and reads no more than the beginning.
    """

    suffixes: tuple[str, ...]
    read: Callable[[Path, Asked], Content]
    takes: frozenset[str] = frozenset()
    recognizes: Callable[[Path], bool] = _any

    @property
    def of_folders(self) -> bool:
        """True where it reads folders."""
        return not self.suffixes


def arrays(
    suffixes: tuple[str, ...],
    open_file: Callable[[Path], ArrayFile],
    recognizes: Callable[[Path], bool] = _any,
    *,
    ids_beside: bool = False,
) -> Format:
    """Return a format of named arrays, of which `open_file` reads the names and shapes.

    With `ids_beside`, one of them may hold the ids of another's rows.
    """
    return Format(
        suffixes,
        lambda path, asked: read_archive(path, open_file(path), asked, ids_beside=ids_beside),
        frozenset({"key", "ids"} if ids_beside else {"key"}),
        recognizes,
    )


FORMATS = (
    Format((".npy",), lambda path, asked: Content(read_npy(path))),
    arrays((".npz",), open_npz, ids_beside=True),
    arrays((".safetensors",), open_safetensors, ids_beside=True),
    Format((".bin",), lambda path, asked: Content(*read_word2vec(path)), recognizes=is_word2vec),
    arrays((".bin", ".ftz"), open_fasttext, is_fasttext),
    arrays((".pth", ".pt", ".ckpt", ".bin"), open_checkpoint),
    arrays((".kv", ".model", ".save"), open_pickled),
    arrays((".mat",), open_mat, ids_beside=True),
    Format((".pkl", ".pickle"), read_pickled, frozenset({"key", "ids"})),
    arrays((".h5", ".hdf5", ".keras"), open_hdf5),
    Format((), read_huggingface, frozenset({"key"}), is_huggingface),
    Format((".parquet",), read_parquet, frozenset({"key", "ids"})),
    Format((".feather", ".arrow", ".ipc"), read_arrow, frozenset({"key", "ids"})),
    Format((".json", *LINES), read_json_matrix, frozenset({"key", "ids"})),
    Format((".itememb",), lambda path, asked: Content(*read_itememb(path))),
    Format(tuple(DELIMITERS), read_text, frozenset({"ids", "separator"})),
)
"""Every format, in the order in which they are tried."""

_MAGIC = b"\x93NUMPY"
_NUMPY = "save it as .npy with numpy.save"
_NOT_UNPICKLED = f"a pickle, which is never unpickled; {_NUMPY}"
_TABLE = "save the sheet or table as .csv"
_UNPACK = "unpack it and give the file inside"
_WEIGHTS = f"a model; take the item matrix out of it and {_NUMPY}"

_REFUSED = {
    **dict.fromkeys((".joblib", ".dill"), _NOT_UNPICKLED),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), f"a spreadsheet; {_TABLE}"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".duckdb"), f"a database; {_TABLE}"),
    **dict.fromkeys((".onnx", ".pb", ".tflite", ".gguf", ".msgpack"), _WEIGHTS),
    **dict.fromkeys(
        (".faiss", ".index", ".ann"), f"an index for searching; take its vectors out of it and {_NUMPY}"
    ),
    **dict.fromkeys((".rds", ".rda", ".rdata"), "R's; write the matrix as .csv with write.csv"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".zst"), f"an archive; {_UNPACK}"),
    **dict.fromkeys(PACKED, f"packed; {_UNPACK}"),
    ".zarr": f"an array of zarr; read it with zarr.open and {_NUMPY}",
}
"""By suffix, a known format that is not read here, and the mend."""


def format_of(path: Path) -> Format:
    """Return the format of a file or folder.

    Raise a `UserError` where nothing is there, or where no format reads it.
    """
    suffix = suffix_of(path)
    if path.is_dir():
        found = folder_format(path)
        if found is None:
            raise UserError(f"{path} is a folder; {folder_mend(path) or 'give the path of a file'}")
        return found
    if suffix != ".npy" and _is_numpy(path):
        raise UserError(f"{path} is a NumPy file; rename it to {path.stem}.npy")
    fitting = [each for each in FORMATS if suffix in each.suffixes]
    if not fitting and suffix not in _REFUSED:
        raise UserError(
            f"{path}: its suffix '{path.suffix}' names no format that can be read here"
            f"{_similar(suffix)}{'' if path.exists() else similar_file(path)}; {_NUMPY}"
        )
    check_exists(path)
    if not fitting:
        raise UserError(f"{path} is {_REFUSED[suffix]}")
    return next((each for each in fitting if each.recognizes(path)), fitting[-1])


def _is_numpy(path: Path) -> bool:
    """Return whether a file begins as `numpy.save` writes it."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False  # the reader says what is wrong with it


def folder_format(path: Path) -> Format | None:
    """Return the format that reads the folder at `path`, or None if none recognizes it."""
    return next((each for each in FORMATS if each.of_folders and each.recognizes(path)), None)


def read_content(path: Path, asked: Asked) -> Content:
    """Read all rows of a matrix file or folder; raise a `UserError` for a choice that its format lacks."""
    found = format_of(path)
    if asked.key is not None and "key" not in found.takes:
        raise UserError(f"{path} holds one matrix only; leave out `key={asked.key!r}`")
    if asked.ids not in (None, NO_IDS) and "ids" not in found.takes:
        raise UserError(f"{path} has no columns by name or number; leave out `ids={asked.ids!r}`")
    if asked.separator is not None and "separator" not in found.takes:
        raise UserError(f"{path} has no separated fields; leave out `separator={asked.separator!r}`")
    return found.read(path, asked)


def check_exists(path: Path) -> None:
    """Raise a `UserError` unless `path` is a file."""
    if not path.is_file():
        if path.is_dir():
            raise UserError(f"{path} is a folder; give the path of a file")
        raise UserError(f"{path} does not exist{similar_file(path) or '; give the path of a file'}")


def _similar(suffix: str) -> str:
    known = [name for each in FORMATS for name in each.suffixes]
    close = difflib.get_close_matches(suffix, known, n=1, cutoff=0.8)
    return f"; did you mean '{close[0]}'?" if close else ""


_FOLDERS = (
    ((".zgroup", ".zarray", "zarr.json"), f"zarr wrote it: read the array with zarr.open and {_NUMPY}"),
    (
        (".metadata",),
        "torch.distributed.checkpoint wrote it: gather it with `python -m "
        "torch.distributed.checkpoint.format_utils dcp_to_torch` and give that file",
    ),
    (
        ("saved_model.pb", "checkpoint", "*.ckpt.index"),
        f"TensorFlow wrote it: load the variable with tf.train.load_checkpoint and {_NUMPY}",
    ),
    (("dataset_info.json",), "the library datasets wrote it: give its .arrow file"),
    (("*.parquet",), "give one of its .parquet files, or write all of them as one"),
    (("*.safetensors", "*.bin", "*.pt", "*.pth", "*.ckpt"), "give the file of weights inside"),
)
"""Files that tell who wrote a folder, and the mend."""


def folder_mend(path: Path) -> str | None:
    """Return what to do with a folder that a known library wrote, or None if none is recognized."""
    mends = (mend for names, mend in _FOLDERS if any(next(path.glob(name), None) for name in names))
    return next(mends, None)
