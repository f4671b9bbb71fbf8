"""Checks of what a kill leaves: every file whole, and in the end the same as without it."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import struct
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

_OF_THE_CLOCK = re.compile(
    r"seconds|per_second|earlier|commit|finished|started|memory|host|pid|threads|written|sha256|size"
)
_PASSING = re.compile(r"\.partial-|\.training$|\.claim|leave$|(^|/)cache/|workers\.log$|\.log$")


def files(folder: Path) -> dict[str, Path]:
    """Return the files of a result by name, those apart that a killed process may leave half."""
    if folder.is_file():
        return {folder.name: folder}
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path for name, path in found.items() if not _PASSING.search(name)}


def leftovers(folder: Path) -> list[str]:
    """Return the names of temporary files."""
    return [str(path) for path in folder.rglob(".partial-*")] if folder.is_dir() else []


def broken(folder: Path) -> list[str]:
    """Return what is half written, with the reason."""
    found = []
    for name, path in files(folder).items():
        try:
            _read(path)
        except Exception as error:
            found.append(f"{name}: {type(error).__name__} {error}")
    return found


_ENDS = {".parquet": b"PAR1", ".html": b"</html>\n", ".txt": b"\n"}


def _read(path: Path) -> Any:
    """Return the content of a file; raise where it is not whole."""
    content = path.read_bytes()
    assert content or path.suffix in (".jsonl", ".lock"), "empty"
    assert content.endswith(_ENDS.get(path.suffix, b"")), "cut short"
    if path.suffix == ".json":
        return json.loads(content)
    if path.suffix == ".jsonl":
        assert not content or content.endswith(b"\n")
        return [json.loads(line) for line in content.splitlines()]
    if path.suffix == ".toml":
        return tomllib.loads(content.decode())
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    if path.suffix == ".safetensors":
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + size])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        assert max(ends, default=0) == len(content) - 8 - size
    elif path.suffix == ".gz":
        return gzip.decompress(content)
    return content


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(inner) for name, inner in value.items() if not _OF_THE_CLOCK.search(name)}
    return [_timeless(inner) for inner in value] if isinstance(value, list) else value


def digest(folder: Path) -> dict[str, str]:
    """Return a digest of each file of a result, without the times in it."""
    found = {}
    for name, path in files(folder).items():
        content = path.read_bytes()
        if path.suffix in (".json", ".jsonl") or "/done/" in f"/{name}":
            lines = content.splitlines() if path.suffix == ".jsonl" else [content]
            content = json.dumps([_timeless(json.loads(line)) for line in lines], sort_keys=True).encode()
        if (
            path.name == "manifest.json"
        ):  # a file is listed as under way or as written, by where the kill fell
            listed = json.loads(path.read_bytes())
            content = json.dumps(sorted({*listed["files"], *listed.get("under_way", {})})).encode()
        if path.suffix == ".safetensors":  # whose library writes the metadata in an order of its own
            end = 8 + struct.unpack("<Q", content[:8])[0]
            content = json.dumps(json.loads(content[8:end]), sort_keys=True).encode() + content[end:]
        if path.suffix in (".csv", ".tex") and "results" in name:
            content = b""  # holds the seconds of each run
        found[name] = hashlib.sha256(content).hexdigest()
    return found


def difference(one: dict[str, str], other: dict[str, str]) -> str:
    """Return the names in which two results differ; empty where they are the same."""
    names = sorted(one.keys() | other.keys())
    return ", ".join(name for name in names if one.get(name) != other.get(name))
