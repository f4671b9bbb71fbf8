"""Lists of values as they are typed: `0,.02,.1`, `.1:.5:.1`, and seeds such as `0-2,7`."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from degen.config.facts import KEYS, value_type
from degen.config.key_names import key_named
from degen.errors import UserError

MOST_SEEDS = 10_000
"""Maximum size of a range of seeds, or of values; a larger one is a typing error."""


def names_in(text: str | None) -> list[str]:
    """Return the names in a text with commas, none for None; empty ones are left out.

    >>> names_in("sasrec, duorec,"), names_in(None)
    (['sasrec', 'duorec'], [])
    """
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def parse_values(key: str, text: str) -> list[Any]:
    """Turn `0,.02,.1` or `.1:.5:.1` into the values of a key, in the order given.

    A range is start:stop:step, with decimal arithmetic; the steps must meet the stop, which is included.
    `start:stop` has a step of 1.

    Parameters
    ----------
    key
        key of the configuration without its group, or `dropout`.

    Raises
    ------
    UserError
        if there is no value, one cannot be read, a range does not arrive, or a value is named twice.

    >>> parse_values("lambda", "0,.1:.3:.1")
    [0.0, 0.1, 0.2, 0.3]
    >>> parse_values("batch_size", "128:512:128")
    [128, 256, 384, 512]
    """
    name = key_named(key)
    kind = value_type(name) if name in KEYS else float
    values: list[Any] = []
    for part in (part.strip() for part in text.split(",")):
        if part == "":
            raise UserError(f"`{key}` has an empty place in '{text}'; write values such as a,b or 1:3:1")
        values += _range(key, part, kind) if kind in (int, float) else [_word(key, part, kind)]
    return each_once(key, values)


def each_once(key: str, values: list[Any]) -> list[Any]:
    """Return values; raise a `UserError` if one is among them twice."""
    if twice := [value for value in values if values.count(value) > 1]:
        raise UserError(f"`{key}` names {twice[0]} twice; name each value once")
    return values


def _word(key: str, part: str, kind: type) -> Any:
    if kind is not bool:
        return part
    if part.lower() not in ("true", "false"):
        raise UserError(f"`{key}` is true or false, not '{part}'")
    return part.lower() == "true"


def _range(key: str, part: str, kind: type) -> list[Any]:
    try:
        bounds = [Decimal(number) for number in part.split(":")]
    except InvalidOperation:
        bounds = []
    if not 1 <= len(bounds) <= 3 or not all(number.is_finite() for number in bounds):
        raise UserError(f"`{key}` '{part}' is no number and no range; write 0.1 or start:stop:step")
    if len(bounds) == 1:
        return [_number(bounds[0], kind)]
    start, stop, step = (*bounds, Decimal(1))[:3]
    if step == 0 or (stop - start) / step < 0:
        raise UserError(f"`{key}` '{part}' never arrives; write start:stop:step with a step towards the stop")
    if (stop - start) % step != 0:
        raise UserError(
            f"`{key}` '{part}' has steps of {step}, which do not meet the stop {stop}; write start:stop:step "
            "with a step that does, or name the values"
        )
    count = int((stop - start) / step) + 1
    if count > MOST_SEEDS:
        raise UserError(f"`{key}` '{part}' has {count:,} values; {MOST_SEEDS:,} at most")
    return [_number(start + number * step, kind) for number in range(count)]


def _number(value: Decimal, kind: type) -> Any:
    # A fraction where a whole number is due stays one, and the configuration says what is wrong with it.
    return int(value) if kind is int and value == int(value) else float(value)


def parse_seeds(text: str) -> list[int]:
    """Turn `0-7` or `0,3,5`, or both together, into seeds in the order given.

    Raises
    ------
    UserError
        if the text has another form, a range goes down, or a seed is named twice.

    >>> parse_seeds("0-2,7")
    [0, 1, 2, 7]
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if found is None:
            raise UserError(f"`seeds` {text}: write numbers and ranges, such as 0-7 or 0,3,5")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise UserError(f"`seeds` {text}: the range {part.strip()} goes down; write {last}-{first}")
        if last - first >= MOST_SEEDS:
            raise UserError(f"`seeds` {text}: that is {last - first + 1:,} runs; {MOST_SEEDS:,} at most")
        seeds.extend(range(first, last + 1))
    if len(set(seeds)) < len(seeds):
        raise UserError(f"`seeds` {text}: a seed is named twice; name each once")
    return seeds
