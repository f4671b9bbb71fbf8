"""Read a pickle as data, without importing, looking up or calling anything that it names.

A pickle is a program. It names functions of any module, calls them and sets the state of what they return.
`pickletools` splits it into instructions without executing any. The machine here executes them on records: a
global becomes a `Name`, and a call becomes a `Call` with its function, arguments and state. So
`os.system("…")` in a file becomes a record of that call, and `pickle` itself is never imported.

`checkpoint` builds arrays from the records of the few functions that it knows.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, Any

MOST_INSTRUCTIONS = 20_000_000
"""Limit on time and memory: an instruction creates at most one object, no larger than its own bytes."""

_MARK = object()


class NotAPickle(ValueError):
    """The bytes are not a pickle, or not one that a program writes for weights."""


@dataclass(frozen=True, eq=False)
class Name:
    """The record of a global that a pickle names, such as `torch.FloatStorage`."""

    name: str


@dataclass(eq=False)
class Call:
    """The record of a call or of the creation of an object, with the state that was set on the result."""

    function: Any
    arguments: tuple[Any, ...]
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)
    elements: list[Any] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the function, or the empty string where it is not a global."""
        return self.function.name if isinstance(self.function, Name) else ""


@dataclass(frozen=True, eq=False)
class Reference:
    """The record of a persistent identifier, which in a checkpoint stands for a storage."""

    identifier: Any


def read_pickle(file: IO[bytes], refer: Callable[[Any], Any] = Reference) -> Any:
    """Return the content of the pickle at the position of `file`, which is left after the pickle.

    Numbers, strings, lists, tuples, sets and dictionaries are returned as themselves. Everything else is a
    `Call`, a `Name`, or the result of `refer` for a persistent identifier. Entries of a dictionary or set
    whose key is not a plain value are left out.

    Raise `NotAPickle` where it is damaged, too long, or has an instruction that files of weights do not need.
    """
    machine = _Machine(refer)
    try:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
            if count > MOST_INSTRUCTIONS:
                raise NotAPickle("the pickle has too many instructions")
            machine.step(instruction.name, argument)
        return machine.pop()
    except NotAPickle:
        raise
    # pickletools raises ValueError for what is not a pickle. A pickle without sense raises the others here.
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise NotAPickle(f"not a pickle that can be read: {error}") from error


_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
    "MARK": lambda: _MARK,
}
_NOTHING = {"PROTO", "FRAME", "STOP"}


class _Machine:
    """The stack and the memo of a pickle's program; there is one method per instruction."""

    def __init__(self, refer: Callable[[Any], Any]) -> None:
        self.refer = refer
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Execute one instruction."""
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name not in _NOTHING:
            action = getattr(self, f"do_{name.lower()}", None)
            if action is None:
                raise NotAPickle(f"the instruction {name} is not needed in files of weights")
            action(argument)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise NotAPickle("a mark stands where a value should")
        return value

    def above_mark(self) -> list[Any]:
        """Pop the values above the last mark, and the mark."""
        taken = []
        while (value := self.stack.pop()) is not _MARK:
            taken.append(value)
        return taken[::-1]

    def do_pop(self, _: Any) -> None:
        self.stack.pop()

    def do_pop_mark(self, _: Any) -> None:
        self.above_mark()

    def do_dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def do_put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    do_binput = do_long_binput = do_put

    def do_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    do_binget = do_long_binget = do_get

    def do_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.above_mark()))

    def do_tuple1(self, _: Any) -> None:
        self.stack.append((self.pop(),))

    def do_tuple2(self, _: Any) -> None:
        second, first = self.pop(), self.pop()
        self.stack.append((first, second))

    def do_tuple3(self, _: Any) -> None:
        third, second, first = self.pop(), self.pop(), self.pop()
        self.stack.append((first, second, third))

    def do_list(self, _: Any) -> None:
        self.stack.append(self.above_mark())

    def do_dict(self, _: Any) -> None:
        self.stack.append(dict(_pairs(self.above_mark())))

    def do_frozenset(self, _: Any) -> None:
        self.stack.append(frozenset(value for value in self.above_mark() if _plain(value)))

    def do_append(self, _: Any) -> None:
        value = self.pop()
        _elements(self.stack[-1]).append(value)

    def do_appends(self, _: Any) -> None:
        values = self.above_mark()
        _elements(self.stack[-1]).extend(values)

    def do_additems(self, _: Any) -> None:
        values = self.above_mark()
        target = self.stack[-1]
        if isinstance(target, set):
            target.update(value for value in values if _plain(value))
        else:
            _elements(target).extend(values)

    def do_setitem(self, _: Any) -> None:
        value, key = self.pop(), self.pop()
        _entries(self.stack[-1]).update(_pairs([key, value]))

    def do_setitems(self, _: Any) -> None:
        values = self.above_mark()
        _entries(self.stack[-1]).update(_pairs(values))

    def do_global(self, name: str) -> None:
        self.stack.append(Name(name.replace(" ", ".", 1)))

    def do_stack_global(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        self.stack.append(Name(f"{module}.{name}" if isinstance(module, str) else ""))

    def do_reduce(self, _: Any) -> None:
        arguments, function = self.pop(), self.pop()
        self.stack.append(_made(function, arguments))

    do_newobj = do_reduce

    def do_newobj_ex(self, _: Any) -> None:
        _keywords, arguments, function = self.pop(), self.pop(), self.pop()
        self.stack.append(_made(function, arguments))

    def do_inst(self, name: str) -> None:
        self.stack.append(_made(Name(name.replace(" ", ".", 1)), tuple(self.above_mark())))

    def do_obj(self, _: Any) -> None:
        function, *arguments = self.above_mark()
        self.stack.append(_made(function, tuple(arguments)))

    def do_build(self, _: Any) -> None:
        state = self.pop()
        # The state of a dictionary (`OrderedDict._metadata`) or of other plain data is not needed.
        if isinstance(self.stack[-1], Call):
            self.stack[-1].state = state

    def do_persid(self, identifier: Any) -> None:
        self.stack.append(self.refer(identifier))

    def do_binpersid(self, _: Any) -> None:
        self.stack.append(self.refer(self.pop()))


def _made(function: Any, arguments: Any) -> Any:
    """Return the result of a call: a dictionary for an ordered dictionary, a record of the call otherwise."""
    if isinstance(function, Name) and function.name == "collections.OrderedDict":
        return dict(_pairs([*chain.from_iterable(arguments[0])])) if arguments else {}
    return Call(function, arguments if isinstance(arguments, tuple) else ())


def _plain(key: Any) -> bool:
    """Return whether a key may be hashed. Hashing nested tuples can take time exponential in their depth."""
    return key is None or isinstance(key, str | int | float | bytes)


def _pairs(values: list[Any]) -> Iterator[tuple[Any, Any]]:
    if len(values) % 2:
        raise NotAPickle("a key has no value")
    return ((key, value) for key, value in zip(values[::2], values[1::2], strict=True) if _plain(key))


def _elements(target: Any) -> list[Any]:
    return target.elements if isinstance(target, Call) else _own(target, list)


def _entries(target: Any) -> dict[Any, Any]:
    return target.items if isinstance(target, Call) else _own(target, dict)


def _own(target: Any, kind: type[Any]) -> Any:
    if not isinstance(target, kind):
        raise NotAPickle(f"{type(target).__name__} is filled as {kind.__name__}")
    return target
