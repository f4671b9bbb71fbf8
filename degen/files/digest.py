"""Size and SHA-256 of files, by which one that was damaged, swapped or edited is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20

DIGITS = 16
"""Number of hexadecimal digits of the hash of a run's configuration."""


@dataclass(frozen=True)
class Digest:
    """Size of a file in bytes, and its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Digest:
        """Return the digest of a file, which is read once; raises OSError where it cannot be."""
        found, size = sha256(), 0
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
                size += len(block)
        return cls(size, found.hexdigest())

    @classmethod
    def parsed(cls, value: Any) -> Digest | None:
        """Return the digest that a value of JSON states, or None where it is not one."""
        known = value if isinstance(value, dict) else {}
        size, digits = known.get("size"), known.get("sha256")
        return cls(size, digits) if isinstance(size, int) and isinstance(digits, str) else None

    def fits(self, path: Path) -> bool:
        """Return whether a file has this digest; one of another size is not read."""
        try:
            return path.is_file() and path.stat().st_size == self.size and Digest.of(path) == self
        except OSError:
            return False


def json_hash(value: Any) -> str:
    """Return the SHA-256 of a value as JSON with sorted keys, in hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()
