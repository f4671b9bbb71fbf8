"""What lies beside a matrix: ids and counts as a run and `degen export` have them, TensorBoard's metadata.

    item_embeddings.*     items.txt              one id a line
    …tensor(s).tsv        …metadata.tsv          one id a line; or a header and several columns
    both                  item_frequency.npy     a count a row

Ids in the matrix's own file go before those beside it.
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
    """Return the ids of the `n` rows of the matrix at `path` that lie beside it, or None where none do.

    Raises
    ------
    UserError
        where there are more or fewer than rows.
    """
    if path.stem == Path(ITEM_EMBEDDINGS).stem:
        place = path.with_name(ITEMS)
        ids = _lines(place) if place.is_file() else None
    else:
        place = path.with_name(_TENSORS.sub("metadata", path.name))
        ids = _metadata(place) if place != path and place.is_file() else None
    if ids is not None and len(ids) != n:
        raise UserError(
            f"{path} has {n} rows, but {place} lists {len(ids)} items; the two must belong together"
        )
    return ids


def frequency_beside(path: Path) -> Path | None:
    """Return the file of counts that `degen export` has put beside the matrix at `path`, if it has."""
    place = path.with_name(ITEM_FREQUENCY)
    exported = path.stem == Path(ITEM_EMBEDDINGS).stem or path.name == TENSORS
    return place if exported and place.is_file() else None


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
    place = next((place for place, name in enumerate(header) if name in ID_NAMES), 0)
    return [fields[place] if place < len(fields) else "" for fields in lines[1:]]
