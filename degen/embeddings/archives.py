"""Read a matrix from a file of named arrays, with the ids that stand beside it."""

from __future__ import annotations

from pathlib import Path

from degen.embeddings.content import Asked, Content
from degen.embeddings.formats.named_arrays import ArrayFile, choose
from degen.embeddings.formats.weights.padding import padding_at_ends
from degen.embeddings.known_projects import known_matrices


def read_archive(path: Path, file: ArrayFile, asked: Asked) -> Content:
    """Return the matrix that `asked.key` names, or the only one, and the ids that its writer put beside it.

    Raise a `UserError` that lists the arrays where there is no such matrix or more than one.
    """
    matrices = known_matrices(file)
    usual = [known.key for known in matrices if known.usual]
    name = choose(path, file, asked.key, file.usual or (usual[0] if len(usual) == 1 else None))
    known = next((known for known in matrices if known.key == name), None)
    values = file.arrays[name].read()
    ids = known.ids if known else file.ids.get(name)
    if ids is not None and values.shape[:1] != (len(ids),):
        ids = None
    by_rows = known is None and ids is None and file.trained
    padding = padding_at_ends(file, name, values) if by_rows else None
    return Content(values, ids, known=known, padding=padding)
