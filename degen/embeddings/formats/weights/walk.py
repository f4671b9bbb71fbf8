"""Find the arrays in what a pickle holds, named by the keys that lead to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from degen.embeddings.file_rows import Values
from degen.embeddings.formats.inert_pickle import Call
from degen.embeddings.formats.named_arrays import StoredArray
from degen.embeddings.formats.pickled_arrays import ARRAYS, array_of, array_shape
from degen.embeddings.formats.weights.tensors import Storages, stored_tensor

_MODULE = {"_modules", "_parameters", "_buffers"}
_STATES = ("state_dict.", "model_state_dict.")
_OPTIMIZER = re.compile(r"optim(izers?)?(_.*)?")
_MOMENTS = ("exp_avg_sq", "square_avg", "sum", "exp_inf")
"""Names of the second moments of Adam, RMSprop, Adagrad and Adamax, which are 0 where nothing was trained."""

_LONGEST = 1000
"""Maximum length of a name: an object that contains itself would have names without end."""


def arrays_below(root: Any, storages: Storages) -> Iterator[tuple[str, StoredArray]]:
    """Yield the arrays under `root`, named by the keys that lead to them, joined by dots."""
    waiting: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    while waiting:
        name, value = waiting.pop()
        stored = _stored(value, name, storages)
        if stored is not None:
            yield (
                next((name.removeprefix(state) for state in _STATES if name.startswith(state)), name),
                stored,
            )
        elif id(value) not in seen:
            seen.add(id(value))
            for key, inner in reversed(_inside(value)):
                if len(name) + len(key) < _LONGEST:
                    joined = f"{name}.{key}" if name else key
                    waiting.append((name if key in _MODULE else joined, inner))


def second_moments(root: Any, storages: Storages) -> Iterator[StoredArray]:
    """Yield the second moments of the one optimizer beside the weights, in the order of the weights."""
    held = [value for key, value in root.items() if _is_optimizer(key)] if isinstance(root, dict) else []
    if len(held) == 1 and isinstance(held[0], list | tuple):
        held = list(held[0])
    found = held[0].get("state") if len(held) == 1 and isinstance(held[0], dict) else None
    state = found if isinstance(found, dict) else {}
    for number in sorted(key for key in state if type(key) is int):
        of_weight = state[number] if isinstance(state[number], dict) else {}
        values = (of_weight.get(name) for name in _MOMENTS)
        stored = next((found for value in values if (found := _stored(value, str(number), storages))), None)
        if stored is not None:
            yield stored


def _is_optimizer(key: Any) -> bool:
    return isinstance(key, str) and _OPTIMIZER.fullmatch(key) is not None


def _inside(value: Any) -> list[tuple[str, Any]]:
    """Return the parts of a dictionary, a list or an object, without an optimizer's copies of the weights."""
    if isinstance(value, Call):
        state = value.state if isinstance(value.state, dict) else {}
        value = {**state, **value.items}
    if isinstance(value, list | tuple):
        return [(str(index), inner) for index, inner in enumerate(value) if _may_hold(inner)]
    if not isinstance(value, dict):
        return []
    named = ((str(key), inner) for key, inner in value.items() if _may_hold(inner))
    return [(key, inner) for key, inner in named if not _is_optimizer(key)]


def _may_hold(value: Any) -> bool:
    """Return whether a value may be or hold an array."""
    return isinstance(value, Call | dict | list | tuple)


def _stored(value: Any, name: str, storages: Storages) -> StoredArray | None:
    """Return the tensor or array that `value` describes, or None where it describes something else."""
    if isinstance(value, Call) and value.name in ARRAYS:
        shape = array_shape(value)
        return None if shape is None else StoredArray(shape, partial(_array, value))
    return stored_tensor(value, name, storages)


def _array(call: Call) -> Values:
    array = array_of(call)
    assert array is not None  # it has a shape
    return array.copy()
