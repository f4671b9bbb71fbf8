"""Build a table from the records of a pickled DataFrame or Series of pandas 1, 2 or 3.

pandas keeps columns of one type together as the rows of a block, and says for each block which columns they
are (`placement`). `inert_pickle` returns the calls that would create it as data. Numbers, strings of NumPy
and of Arrow, categories and vectors in cells are read; other columns are named, but not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from degen.embeddings.formats.inert_pickle import Call, Name, NotAPickle
from degen.embeddings.formats.pickled_arrays import ARRAYS, array_of, plain_bytes
from degen.embeddings.formats.tabular.arrow_strings import arrow_strings
from degen.embeddings.formats.tabular.cells import Column, Kind
from degen.embeddings.formats.tabular.frame import Frame, Held, held_of

FRAMES = {"pandas.core.frame.DataFrame", "pandas.DataFrame"}
SERIES = {"pandas.core.series.Series", "pandas.Series"}
_MOST_COLUMNS = 1_000_000


def frame_of(path: Path, root: Call) -> Frame:
    """Return the table that the record `root` of a DataFrame or Series describes.

    Raise `NotAPickle` where it is none that pandas writes.
    """
    try:
        return _frame_of(path, root)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise NotAPickle(f"its DataFrame is not one that pandas writes: {error}") from error


def _frame_of(path: Path, root: Call) -> Frame:
    manager = root.state.get("_mgr", root.state.get("_data"))
    blocks, axes = _blocks(manager)
    single = root.name in SERIES
    placed: dict[int, Held] = {}
    for values, placement in blocks:
        columns = _columns(values, single)
        places = [0] if single else _places(placement)
        if len(places) != len(columns):
            raise ValueError("a block has another number of columns than places")
        placed |= dict(zip(places, columns, strict=True))
    names = [str(root.state.get("_name") or "")] if single else _names(axes[0], len(placed))
    if sorted(placed) != list(range(len(names))):
        raise ValueError("a column is missing")
    found = [(Column(name, placed[at].kind), placed[at]) for at, name in enumerate(names)]
    index = _index(axes[-1])
    if index is not None:
        found.insert(0, (Column(_index_name(axes[-1]), index.kind, index=True), index))
    held = [each for _, each in found]
    lengths = {len(each.cells) for each in held if each.cells is not None}
    if len(lengths) > 1:
        raise ValueError("columns have several lengths")
    return Frame(path, [column for column, _ in found], held)


def _blocks(manager: Any) -> tuple[list[tuple[Any, Any]], Sequence[Any]]:
    """Return the values and placement of each block, and the axes: columns first, the index last."""
    if isinstance(manager.state, tuple):  # pandas before 1.3
        state = manager.state[3]["0.14.1"]
        return [(block["values"], block["mgr_locs"]) for block in state["blocks"]], _list(state["axes"])
    found, axes = manager.arguments[:2]
    if isinstance(found, Call):  # of a Series
        found, axes = [found], [axes]
    return [(block.arguments[0], block.arguments[1]) for block in _list(found)], _list(axes)


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{type(value).__name__} stands where a list should")
    return value


def _places(placement: Any) -> list[int]:
    """Return the numbers of the columns that a block holds."""
    if isinstance(placement, Call) and placement.name in ("builtins.slice", "__builtin__.slice"):
        start, stop, step = (*placement.arguments, None)[:3]
        places: Any = range(start or 0, stop, 1 if step is None else step)
    else:
        array = array_of(placement) if isinstance(placement, Call) else np.array(placement)
        places = [] if array is None else array
    if len(places) > _MOST_COLUMNS:
        raise ValueError("it has too many columns")
    return [int(place) for place in places]


def _names(axis: Any, count: int) -> list[str]:
    """Return the names of the columns."""
    if isinstance(axis, Call) and (counted := _range(axis)) is not None:
        if len(counted) != count:
            raise ValueError("there is another number of columns than names")
        return [str(number) for number in counted]
    index = _index(axis)
    if index is None or index.cells is None or len(index.cells) != count:
        raise ValueError("the names of the columns cannot be read")
    cells = index.cells if isinstance(index.cells, list) else index.cells.tolist()
    return [str(cell) for cell in cells]


def _index(axis: Any) -> Held | None:
    """Return the labels of an axis, or None where they only count."""
    kind, about = axis.arguments
    if _range(axis) is not None or not isinstance(kind, Name):
        return None
    return _columns(about["data"], True)[0] if "data" in about else None


def _range(axis: Call) -> range | None:
    about = axis.arguments[1]
    if not {"start", "stop", "step"} <= set(about):
        return None
    return range(about["start"], about["stop"], about["step"])


def _index_name(axis: Call) -> str:
    name = axis.arguments[1].get("name")
    return name if isinstance(name, str) else "index"


def _columns(values: Any, single: bool) -> list[Held]:
    """Return the columns of a block: the rows of an array, or one of an array of pandas' own."""
    if not isinstance(values, Call):
        raise TypeError("a block holds no array")
    if values.name not in ARRAYS:
        return [_extension(values)]
    array = array_of(values)
    rows = _object_rows(values) if array is None else array.reshape(1, -1) if single else array
    if rows is None:
        shape = values.state[1]
        return [Held(Kind.OTHER, None)] * (1 if single else int(shape[0]))
    if isinstance(rows, np.ndarray):
        if rows.ndim != 2:
            raise ValueError("a block is no table")
        text = rows.dtype.kind == "U"
        return [Held(Kind.TEXT, row.tolist()) if text else Held(Kind.NUMBERS, row) for row in rows]
    return [_objects(row) for row in ([[*chain.from_iterable(rows)]] if single else rows)]


def _object_rows(values: Call) -> list[list[Any]] | None:
    """Return the rows of an array of objects, which is pickled as a list; None for another type."""
    if not isinstance(values.state, tuple) or not isinstance(values.state[4], list):
        return None
    shape, by_columns, cells = values.state[1], values.state[3], values.state[4]
    count, n = (1, *shape)[-2:]
    if count * n != len(cells):
        raise ValueError("an array of objects has another number of them")
    return [cells[at::count] if by_columns else cells[at * n : (at + 1) * n] for at in range(count)]


def _objects(cells: list[Any]) -> Held:
    """Return a column of objects, among them vectors in arrays of their own."""
    return held_of([array_of(cell) if _is_array(cell) else cell for cell in cells])


def _is_array(value: Any) -> bool:
    return isinstance(value, Call) and value.name in ARRAYS


def _extension(values: Call) -> Held:
    """Return a column in one of pandas' own arrays."""
    state = values.state
    if isinstance(state, dict) and "_pa_array" in state:
        words = arrow_strings(state["_pa_array"])
        return Held(Kind.OTHER, None) if words is None else Held(Kind.TEXT, words)
    if isinstance(state, dict) and {"_data", "_mask"} <= set(state):
        return _masked(state)
    if isinstance(state, dict) and {"_ndarray", "_codes"} & set(state):  # pandas before 1.3
        return _backed([*state.values()])
    if isinstance(state, tuple):
        return _backed([*state])
    return Held(Kind.OTHER, None)


def _masked(state: dict[str, Any]) -> Held:
    """Return numbers of a type that knows missing ones, with NaN for these."""
    [held] = _columns(state["_data"], True)
    mask = state["_mask"]
    # An array of truth values has one byte for each.
    raw = plain_bytes(mask.state[4] if isinstance(mask.state, tuple) else mask.arguments[0])
    missing = np.frombuffer(raw, dtype=np.uint8).astype(bool)
    if held.kind is not Kind.NUMBERS or held.cells is None:
        return Held(Kind.OTHER, None)
    numbers = np.asarray(held.cells)
    return Held(Kind.NUMBERS, np.where(missing, np.nan, numbers) if missing.any() else numbers)


def _backed(state: list[Any]) -> Held:
    """Return strings or categories, which are kept as an array with their type beside it."""
    arrays = [part for part in state if _is_array(part)]
    if len(arrays) != 1:
        return Held(Kind.OTHER, None)
    [held] = _columns(arrays[0], True)
    categories = next(_categories(state), None)
    if categories is None:
        return held if held.kind is Kind.TEXT else Held(Kind.OTHER, None)
    names = _index(categories)
    if names is None or names.kind is not Kind.TEXT or held.kind is not Kind.NUMBERS or names.cells is None:
        return Held(Kind.OTHER, None)
    codes = np.asarray(held.cells).astype(np.int64)
    if len(codes) and not -1 <= codes.min() <= codes.max() < len(names.cells):
        raise ValueError("a category has no name")
    words = list(names.cells)
    return Held(Kind.TEXT, [words[code] if code >= 0 else "" for code in codes.tolist()])


def _categories(state: list[Any]) -> Iterator[Call]:
    for part in state:
        about = part.state if isinstance(part, Call) else None
        if isinstance(about, dict) and isinstance(about.get("categories"), Call):
            yield about["categories"]
