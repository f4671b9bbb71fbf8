"""Execute a pickle's instructions on records: nothing is imported, looked up or called.

A global becomes a `Name`, a call a `Call`, and a persistent identifier what the caller makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_LONGEST_KEY = 64
"""Maximum number of bits of an integer that is a key: larger ones take time each time they are hashed."""

_MARK = object()


class NotAPickle(ValueError):
    """The bytes are not a pickle, or not one that a program writes for weights."""


@dataclass(frozen=True, eq=False, slots=True)
class Name:
    """The record of a global that a pickle names, such as `torch.FloatStorage`."""

    name: str


@dataclass(eq=False, slots=True)
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


@dataclass(frozen=True, eq=False, slots=True)
class Reference:
    """The record of a persistent identifier, which in a checkpoint stands for a storage."""

    identifier: Any


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
_CONTAINERS = {"EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET"}
_NOTHING = {"PROTO", "FRAME", "STOP"}


class Machine:
    """The stack and the memo of a pickle's program; there is one method per instruction."""

    def __init__(self, refer: Callable[[Any], Any]) -> None:
        self.refer = refer
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.objects = 0

    def step(self, name: str, argument: Any) -> None:
        """Execute one instruction."""
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.objects += name in _CONTAINERS
            self.stack.append(_CONSTANTS[name]())
        elif name not in _NOTHING:
            action = getattr(self, f"_do_{name.lower()}", None)
            if action is None:
                raise NotAPickle(f"the instruction {name} is not needed in files of weights")
            action(argument)

    def pop(self) -> Any:
        """Pop the value on the stack."""
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

    def _do_pop(self, _: Any) -> None:
        self.stack.pop()

    def _do_pop_mark(self, _: Any) -> None:
        self.above_mark()

    def _do_dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def _do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _do_put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    _do_binput = _do_long_binput = _do_put

    def _do_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _do_binget = _do_long_binget = _do_get

    def _do_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.above_mark()))

    def _do_tuple1(self, _: Any) -> None:
        self.stack.append((self.pop(),))

    def _do_tuple2(self, _: Any) -> None:
        second, first = self.pop(), self.pop()
        self.stack.append((first, second))

    def _do_tuple3(self, _: Any) -> None:
        third, second, first = self.pop(), self.pop(), self.pop()
        self.stack.append((first, second, third))

    def _do_list(self, _: Any) -> None:
        self.stack.append(self.above_mark())

    def _do_dict(self, _: Any) -> None:
        self.stack.append(dict(_pairs(self.above_mark())))

    def _do_frozenset(self, _: Any) -> None:
        self.stack.append(frozenset(value for value in self.above_mark() if _plain(value)))

    def _do_append(self, _: Any) -> None:
        value = self.pop()
        _elements(self.stack[-1]).append(value)

    def _do_appends(self, _: Any) -> None:
        values = self.above_mark()
        _elements(self.stack[-1]).extend(values)

    def _do_additems(self, _: Any) -> None:
        values = self.above_mark()
        target = self.stack[-1]
        if isinstance(target, set):
            target.update(value for value in values if _plain(value))
        else:
            _elements(target).extend(values)

    def _do_setitem(self, _: Any) -> None:
        value, key = self.pop(), self.pop()
        _entries(self.stack[-1]).update(_pairs([key, value]))

    def _do_setitems(self, _: Any) -> None:
        values = self.above_mark()
        _entries(self.stack[-1]).update(_pairs(values))

    def _do_global(self, name: str) -> None:
        self.stack.append(Name(name.replace(" ", ".", 1)))

    def _do_stack_global(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        # Other values than strings are not put into words, which could take time without end.
        told = isinstance(module, str) and isinstance(name, str)
        self.stack.append(Name(f"{module}.{name}" if told else ""))

    def make(self, function: Any, arguments: Any) -> None:
        """Push the result of a call: a dictionary for an ordered one, a record of the call otherwise."""
        self.objects += 1
        if isinstance(function, Name) and function.name == "collections.OrderedDict":
            pairs = arguments[0] if isinstance(arguments, tuple) and arguments else []
            if not isinstance(pairs, list) or any(type(p) not in (list, tuple) or len(p) != 2 for p in pairs):
                raise NotAPickle("an ordered dictionary is made of other things than pairs")
            # One list may stand in many calls.
            self.objects += len(pairs)
            self.stack.append({key: value for key, value in pairs if _plain(key)})
        else:
            self.stack.append(Call(function, arguments if isinstance(arguments, tuple) else ()))

    def _do_reduce(self, _: Any) -> None:
        arguments, function = self.pop(), self.pop()
        self.make(function, arguments)

    _do_newobj = _do_reduce

    def _do_newobj_ex(self, _: Any) -> None:
        _keywords, arguments, function = self.pop(), self.pop(), self.pop()
        self.make(function, arguments)

    def _do_inst(self, name: str) -> None:
        self.make(Name(name.replace(" ", ".", 1)), tuple(self.above_mark()))

    def _do_obj(self, _: Any) -> None:
        function, *arguments = self.above_mark()
        self.make(function, tuple(arguments))

    def _do_build(self, _: Any) -> None:
        state = self.pop()
        # The state of a dictionary (`OrderedDict._metadata`) or of other plain data is not needed.
        if isinstance(self.stack[-1], Call):
            self.stack[-1].state = state

    def _do_persid(self, identifier: Any) -> None:
        self.stack.append(self.refer(identifier))

    def _do_binpersid(self, _: Any) -> None:
        self.stack.append(self.refer(self.pop()))


def _plain(key: Any) -> bool:
    """Return whether a key may be hashed. Hashing nested tuples can take time exponential in their depth."""
    if isinstance(key, int):
        return key.bit_length() <= _LONGEST_KEY
    return key is None or isinstance(key, str | float | bytes)


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
