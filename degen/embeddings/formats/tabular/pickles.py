"""Read a matrix from any pickle: a DataFrame or Series, an array, a vector for each id, or named arrays.

Nothing is unpickled: `inert_pickle` returns the calls that a pickle describes as data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from degen.embeddings.archives import read_archive
from degen.embeddings.content import Asked, Content
from degen.embeddings.formats.inert_pickle import Call, NotAPickle, read_pickle
from degen.embeddings.formats.numpy_files import DAMAGE, unreadable
from degen.embeddings.formats.pickled_arrays import ARRAYS, array_of
from degen.embeddings.formats.tabular.cells import Kind
from degen.embeddings.formats.tabular.dataframe import FRAMES, SERIES, frame_of
from degen.embeddings.formats.tabular.frame import held_of, vectors
from degen.embeddings.formats.tabular.roles import content_of
from degen.embeddings.formats.weights.pickled_models import open_pickled

_WRITER = "numpy.save, or DataFrame.to_parquet"


def read_pickled(path: Path, asked: Asked) -> Content:
    """Return the matrix in a pickle, with the ids of its rows, if any.

    Raise a `UserError` where the file is not a pickle, is damaged, or holds something else.
    """
    try:
        with path.open("rb") as file:
            root = read_pickle(file)
        if isinstance(root, Call) and root.name in FRAMES | SERIES and isinstance(root.state, dict):
            return content_of(frame_of(path, root), asked)
    except (*DAMAGE, NotAPickle) as error:
        raise unreadable(path, _WRITER) from error
    if isinstance(root, Call) and root.name in ARRAYS and (array := array_of(root)) is not None:
        return Content(array)
    return _vectors(path, root) or read_archive(path, open_pickled(path), asked)


def _vectors(path: Path, root: Any) -> Content | None:
    """Return a matrix from a dictionary of a vector for each id, or None where it is none."""
    if not isinstance(root, dict) or len(root) < 2:
        return None
    ids = [str(name) for name in root if isinstance(name, str | int) and not isinstance(name, bool)]
    cells = [array_of(cell) if isinstance(cell, Call) else cell for cell in root.values()]
    held = held_of(cells)
    if held.kind is not Kind.LISTS or len(ids) < len(root):
        return None
    return vectors(path, ids, held)
