"""Find ids and frequencies in files beside a matrix, as in a run, an export or a projector's folder.

    item_embeddings.*     items.txt              one id per line
    …tensor(s).tsv        …metadata.tsv          one id per line, or a header and several columns
    both                  item_frequency.npy     one count per row

Ids in the matrix's own file take precedence.
"""

from __future__ import annotations

import re
from pathlib import Path

from degen.embeddings.formats.text import ID_NAMES, numbered_lines
from degen.errors import UserError
from degen.runs.directory import ITEM_EMBEDDINGS, ITEM_FREQUENCY, ITEMS

TENSORS, METADATA = "tensors.tsv", "metadata.tsv"
"""Names of the files that TensorBoard's embedding projector loads."""

_TENSORS = re.compile(r"tensors?(?=\.tsv$)")


def ids_beside(path: Path, n: int) -> list[str] | None:
    """Return the ids beside the matrix at `path`, or None; raise a `UserError` unless there are `n`."""
    if path.stem == Path(ITEM_EMBEDDINGS).stem:
        ids_file = path.with_name(ITEMS)
        ids = _lines(ids_file) if ids_file.is_file() else None
    else:
        ids_file = path.with_name(_TENSORS.sub("metadata", path.name))
        ids = _metadata(ids_file) if ids_file != path and ids_file.is_file() else None
    if ids is not None and len(ids) != n:
        raise UserError(
            f"{path} has {n} rows, but {ids_file} lists {len(ids)} items; the two must belong together"
        )
    return ids


def frequency_beside(path: Path) -> Path | None:
    """Return the file of frequencies that an export wrote beside the matrix at `path`, or None."""
    counts = path.with_name(ITEM_FREQUENCY)
    exported = path.stem == Path(ITEM_EMBEDDINGS).stem or path.name == TENSORS
    return counts if exported and counts.is_file() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text ({error}); write it again") from error


def _metadata(path: Path) -> list[str]:
    lines = [fields for _, fields in numbered_lines(path)]
    if not lines or len(lines[0]) == 1:
        return [fields[0] for fields in lines]
    header = [name.strip().lower() for name in lines[0]]
    column = next((column for column, name in enumerate(header) if name in ID_NAMES), 0)
    return [fields[column] if column < len(fields) else "" for fields in lines[1:]]
