"""Read a matrix from a file of named arrays, with the ids that stand beside it."""

from __future__ import annotations

from pathlib import Path

from degen.embeddings.content import Asked, Content
from degen.embeddings.formats.named_arrays import ArrayFile, choose
from degen.embeddings.known_projects import known_matrices


def read_archive(path: Path, file: ArrayFile, asked: Asked) -> Content:
    """Return the matrix that `asked.key` names, or the only one, and the ids that its writer put beside it.

    Raise a `UserError` that lists the arrays where there is no such matrix or more than one.
    """
    matrices = known_matrices(file)
    name = choose(path, file, asked.key, file.usual or (matrices[0].key if len(matrices) == 1 else None))
    known = next((known for known in matrices if known.key == name), None)
    values = file.arrays[name].read()
    ids = known.ids if known else file.ids.get(name)
    belong = ids is not None and values.shape[:1] == (len(ids),)
    return Content(values, ids if belong else None, known=known)
