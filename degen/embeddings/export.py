"""Export item embeddings, with ids and frequencies, to files for other tools.

    npy           item_embeddings.npy           faiss, Annoy, NumPy
    safetensors   item_embeddings.safetensors   with item_frequency
    word2vec      item_embeddings.vec           gensim and whatever reads word2vec's text
    projector     tensors.tsv, metadata.tsv     TensorBoard's projector
    parquet       item_embeddings.parquet       item, frequency, embedding
    recbole       item_embeddings.itememb       RecBole's additional_feat_suffix

Beside each file, `items.txt` and `item_frequency.npy` hold one id and one count per row, as in a run. Numbers
are float32; in text they have the nine digits that restore them to the bit. `load_matrix` reads every file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from degen.embeddings.file_rows import FileRows, Values
from degen.embeddings.formats.text import RECBOLE_HEADER
from degen.embeddings.sidecars import METADATA, TENSORS
from degen.errors import UserError, one_of
from degen.files.outputs import output_path, refuse_foreign
from degen.files.writing import write_array, write_lines, write_text
from degen.runs.directory import ITEM_EMBEDDINGS, ITEM_FREQUENCY, ITEMS, refuse_run

FILES = {
    "npy": (ITEM_EMBEDDINGS,),
    "safetensors": ("item_embeddings.safetensors",),
    "word2vec": ("item_embeddings.vec",),
    "projector": (TENSORS, METADATA),
    "parquet": ("item_embeddings.parquet",),
    "recbole": ("item_embeddings.itememb",),
}
"""The files of each format, beside those with ids and counts."""

_BLOCK = 8192
"""Number of rows that are written at once."""

FilesAndNotes = tuple[list[Path], list[str]]

_BLANK = re.compile(r"\s")
_LINE = re.compile(r"[\t\n\r]")


@dataclass(frozen=True)
class Items:
    """Items to export: their embeddings, float [n, d], their n ids, and their frequencies, int64 [n]."""

    values: Values | FileRows
    ids: Sequence[str]
    frequency: npt.NDArray[np.int64]

    def blocks(self) -> Iterator[tuple[Sequence[str], npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
        """Yield the ids, rows (as float32) and counts of some thousand items at a time."""
        for start in range(0, len(self.ids), _BLOCK):
            part = slice(start, start + _BLOCK)
            yield self.ids[part], np.asarray(self.values[part], dtype=np.float32), self.frequency[part]


def export_items(items: Items, to: str, folder: Path) -> FilesAndNotes:
    """Write `items` into `folder` in one of `FORMATS`; return the files, and notes on what was changed.

    Raise a `UserError` for an unknown format, a missing package, a folder that cannot be written or is a run,
    or a file there that degen did not write.
    """
    refuse_run(folder)
    write = FORMATS[one_of("to", to, FORMATS)]
    refuse_foreign(*(folder / name for name in (*FILES[to.lower()], ITEMS, ITEM_FREQUENCY)))
    written, notes = write(items, folder)
    write_lines(folder / ITEMS, list(items.ids), output_path)
    write_array(folder / ITEM_FREQUENCY, items.frequency, output_path)
    return [*written, folder / ITEMS, folder / ITEM_FREQUENCY], notes


def _npy(items: Items, folder: Path) -> FilesAndNotes:
    path = folder / ITEM_EMBEDDINGS
    layout = {"descr": "<f4", "fortran_order": False, "shape": items.values.shape}
    with output_path(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, layout)
        for _, rows, _ in items.blocks():
            file.write(rows.astype("<f4").tobytes())
    return [path], []


def _safetensors(items: Items, folder: Path) -> FilesAndNotes:
    from safetensors.numpy import save_file

    path = folder / FILES["safetensors"][0]
    values = np.asarray(items.values[:], dtype=np.float32)
    with output_path(path) as temporary:
        save_file({"item_embeddings": values, "item_frequency": items.frequency}, temporary)
    return [path], []


def _word2vec(items: Items, folder: Path) -> FilesAndNotes:
    n, d = items.values.shape
    escape, notes = _escape(items.ids, _BLANK, "blanks, which separate the fields of word2vec's text")
    return [_lines(items, folder / FILES["word2vec"][0], f"{n} {d}", " ", escape)], notes


def _recbole(items: Items, folder: Path) -> FilesAndNotes:
    escape, notes = _escape(
        items.ids, _LINE, "tabs or line ends, which separate the fields of RecBole's files"
    )
    return [_lines(items, folder / FILES["recbole"][0], RECBOLE_HEADER, "\t", escape)], notes


def _projector(items: Items, folder: Path) -> FilesAndNotes:
    labels = {"item": items.ids, "frequency": items.frequency.tolist()}
    return list(write_projector(folder, items.values[:], labels)), []


def write_projector(
    folder: Path, values: npt.NDArray[Any], columns: dict[str, Sequence[Any]]
) -> tuple[Path, Path]:
    """Write `tensors.tsv` and `metadata.tsv` for TensorBoard's projector; return the paths of both.

    `values`, float [n, d], are written with nine digits, which float32 needs. `columns` holds n labels per
    name. Tabs and line breaks in them become spaces. The projector expects names only where there are
    several.
    """
    tensors, metadata = folder / TENSORS, folder / METADATA
    with output_path(tensors) as temporary:
        np.savetxt(temporary, values, fmt="%.9g", delimiter="\t")
    lines = [[" ".join(str(label).split()) for label in row] for row in zip(*columns.values(), strict=True)]
    named = [list(columns), *lines] if len(columns) > 1 else lines
    write_text(metadata, "".join("\t".join(line) + "\n" for line in named), output_path)
    return tensors, metadata


def _parquet(items: Items, folder: Path) -> FilesAndNotes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UserError("`to='parquet'` needs pyarrow: pip install 'degen[parquet]'") from error
    path = folder / FILES["parquet"][0]
    d = items.values.shape[1]
    kinds = {
        "item": pyarrow.string(),
        "frequency": pyarrow.int64(),
        "embedding": pyarrow.list_(pyarrow.float32(), d),
    }
    schema = pyarrow.schema(list(kinds.items()))
    with output_path(path) as temporary, pyarrow.parquet.ParquetWriter(temporary, schema) as writer:
        for ids, rows, counts in items.blocks():
            vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), d)
            writer.write(pyarrow.record_batch([list(ids), counts, vectors], schema=schema))
    return [path], []


_WRITERS = (_npy, _safetensors, _word2vec, _projector, _parquet, _recbole)
FORMATS: dict[str, Callable[[Items, Path], FilesAndNotes]] = {
    writer.__name__.removeprefix("_"): writer for writer in _WRITERS
}
"""The writers by the name of their format."""


def _lines(items: Items, path: Path, header: str, after_id: str, escape: Callable[[str], str]) -> Path:
    """Write `header`, then per item its id, `after_id`, and its numbers separated by spaces."""
    with output_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{header}\n")
        for ids, rows, _ in items.blocks():
            for name, row in zip(ids, rows.tolist(), strict=True):
                file.write(f"{escape(name)}{after_id}{' '.join([f'{number:.9g}' for number in row])}\n")
    return path


def _escape(ids: Sequence[str], marks: re.Pattern[str], why: str) -> tuple[Callable[[str], str], list[str]]:
    """Return a function that escapes `marks` and % in ids as in a URL, where any id has marks, and a note."""
    marked = sum(marks.search(name) is not None for name in ids)
    if not marked:
        return str, []
    note = f"{marked} ids hold {why}: written as in a URL (%20 for a blank); items.txt has them unchanged"
    return lambda name: re.sub(f"%|{marks.pattern}", lambda mark: quote(mark[0], safe=""), name), [note]
