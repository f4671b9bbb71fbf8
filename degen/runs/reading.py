"""Reading of a run's JSON and text files, each checked for what every such file has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from degen.config.key_names import groups_renamed
from degen.errors import UserError
from degen.files.parse import Unreadable, UnreadableLine, read_json, read_json_lines, read_text, read_toml

MEND = "train again with `overwrite=True`"


def run_text(path: Path) -> str:
    """Return the text of a run's file; a `UserError` says why it is none."""
    try:
        return read_text(path)
    except Unreadable as error:
        raise _no_text(path, error) from error


def _no_text(path: Path, error: Unreadable) -> UserError:
    return UserError(f"{path} cannot be read as text ({error}); {MEND}")


def run_config(path: Path) -> dict[str, dict[str, Any]]:
    """Return the groups of `config.toml`, where keys of earlier versions get their present names."""
    try:
        groups = groups_renamed(read_toml(path))
    except Unreadable as error:
        raise UserError(f"{path} cannot be read as TOML: {error}") from error
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return {group: keys for group, keys in groups.items() if isinstance(keys, dict)}


def run_object(path: Path) -> dict[str, Any]:
    """Return the object in a run's JSON file, such as `test.json`.

    Raises
    ------
    UserError
        if the file is not JSON, or holds something else than an object of numbers, words and lists.
    """
    try:
        found = read_json(path)
    except Unreadable as error:
        raise UserError(f"{path} cannot be read ({error}); {MEND}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} holds no JSON object; {MEND}")
    return found


def test_metrics(path: Path) -> dict[str, Any]:
    """Return `test.json`: numbers by metric, and the split."""
    found = run_object(path)
    for key, value in found.items():
        if not isinstance(value, int | float | str):
            raise UserError(f"{path}: '{key}' is not a number; {MEND}")
    return found


def run_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file with one in each line, such as `metrics.jsonl`; none without the file.

    Raises
    ------
    UserError
        if a line is not an object with the number of its epoch; the message names the line.
    """
    if not path.exists():
        return []
    try:
        rows = read_json_lines(path)
    except UnreadableLine as error:
        raise UserError(f"{path} line {error.number} is not a JSON object; remove it, or {MEND}") from error
    except Unreadable as error:
        raise _no_text(path, error) from error
    for number, row in enumerate(rows, start=1):
        if type(row.get("epoch")) is not int:
            raise UserError(f"{path} line {number} lacks epoch; remove it, or {MEND}")
    return rows


def metric_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of `metrics.jsonl`, or of a file like it: a number or nothing for each metric."""
    rows = run_lines(path)
    for number, row in enumerate(rows, start=1):
        for key, value in row.items():
            if not isinstance(value, int | float | None):
                raise UserError(f"{path} line {number}: '{key}' is not a number; {MEND}")
    return rows


_OF_TRACES = {"context_concentration", "step_energy", "step_effective_rank"}
_OF_BUCKETS = {"name", "low", "high", "items"}


def trace_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of `trace.jsonl`: measures of an epoch, and of its buckets of items."""
    rows = run_lines(path)
    for number, row in enumerate(rows, start=1):
        buckets = row.get("buckets")
        if not isinstance(buckets, list) or not buckets or not all(isinstance(b, dict) for b in buckets):
            raise UserError(f"{path} line {number} lacks its buckets of items; {MEND}")
        lacking = (_OF_TRACES - row.keys()) | set().union(
            *(_OF_BUCKETS - bucket.keys() for bucket in buckets)
        )
        if lacking:
            raise UserError(f"{path} line {number} lacks '{min(lacking)}'; {MEND}")
    return rows
