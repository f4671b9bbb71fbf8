"""Find ids and frequencies in files beside a matrix, as in a run, an export or a projector's folder.

    item_embeddings.*     items.txt              one id per line
    …tensor(s).tsv        …metadata.tsv          one id per line, or a header and several columns
    both                  item_frequency.npy     one count per row

Ids in the matrix's own file take precedence.
"""

from __future__ import annotations

import re
from pathlib import Path

from degen.embeddings.formats.tabular.lines import numbered_lines
from degen.embeddings.formats.tabular.names import best_id
from degen.errors import UserError
from degen.runs.directory import ITEM_EMBEDDINGS, ITEM_FREQUENCY, ITEMS

TENSORS, METADATA = "tensors.tsv", "metadata.tsv"
"""Names of the files that TensorBoard's embedding projector loads."""

_TENSORS = re.compile(r"tensors?(?=\.tsv$)")


def ids_beside(path: Path, n: int) -> list[str] | None:
    """Return the ids beside the matrix at `path`, or None; raise a `UserError` unless there are `n`."""
    file = ids_file(path)
    if file is None:
        return None
    ids = _lines(file) if file.name == ITEMS else _metadata(file)
    if len(ids) != n:
        raise UserError(
            f"{path} has {n} rows, but {file} lists {len(ids)} items; the two must belong together"
        )
    return ids


def ids_file(path: Path) -> Path | None:
    """Return the file beside the matrix at `path` that has its ids, or None."""
    exported = path.stem == Path(ITEM_EMBEDDINGS).stem
    file = path.with_name(ITEMS if exported else _TENSORS.sub("metadata", path.name))
    return file if file != path and file.is_file() else None


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
    lines = [fields for _, fields in numbered_lines(path, "\t")]
    if not lines or len(lines[0]) == 1:
        return [fields[0] for fields in lines]
    column = best_id(lines[0]) or 0
    return [fields[column] if column < len(fields) else "" for fields in lines[1:]]
