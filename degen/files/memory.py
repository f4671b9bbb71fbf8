"""A guard of memory: refuse work that needs more memory than there is, before it begins.

    check_fits(8 * n * d, f"{path} in memory", "give float32 numbers")

The system would otherwise stop the process without a word, or make the machine swap. What is available is
the least of the system's estimate (`MemAvailable`), the limits of the control groups that the process is in,
as batch systems and containers set them, and the process's own limit of address space (`ulimit -v`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from degen.errors import UserError

ALWAYS_FITS = 1 << 26
"""Number of bytes up to which nothing is checked: 64 MiB."""

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def check_fits(
    bytes_needed: int, what: str, mend: str = "free some memory, or use a machine that has more"
) -> None:
    """Raise a `UserError` unless as many bytes of memory are available.

    Parameters
    ----------
    bytes_needed
        an estimate of the peak, in bytes, beside what the process holds already. Up to `ALWAYS_FITS` bytes
        are taken to fit.
    what
        the subject of the sentence: what needs the memory, such as `vectors.npy in float64`.
    mend
        the end of the sentence, in the imperative: a way that needs less memory.

    Notes
    -----
    Nothing is refused where a system does not tell how much memory is available.
    """
    if bytes_needed <= ALWAYS_FITS:
        return
    there = available()
    if there is not None and bytes_needed > there:
        raise UserError(
            f"{what} needs about {size(bytes_needed)} of memory, and {size(there)} are available; {mend}"
        )


def available() -> int | None:
    """Return how many more bytes this process can take, or None where the system does not tell."""
    found = [*_of_system(), *_of_groups(), *_of_process()]
    return max(min(found), 0) if found else None


def size(count: int) -> str:
    """Return a number of bytes in words, rounded down from ten of a unit on.

    >>> size(999), size(1_500_000), size(41_943_040_000), size(10**30)
    ('999 B', '1.5 MB', '41 GB', '1,000,000,000,000 EB')
    """
    power = 0
    while count >= 1000 ** (power + 1) and power < len(_UNITS) - 1:
        power += 1
    whole, unit = count // 1000**power, _UNITS[power]
    return f"{count / 1000**power:.1f} {unit}" if power and whole < 10 else f"{whole:,} {unit}"


def _of_system() -> Iterator[int]:
    """Yield the memory that the system can give, its free swap space included."""
    fields = _fields(_PROC / "meminfo")
    if "MemAvailable" in fields:
        yield 1024 * (fields["MemAvailable"] + fields.get("SwapFree", 0))


def _of_groups() -> Iterator[int]:
    """Yield what each control group with a limit leaves, for both versions of control groups.

    Pages of files that a group has cached count as its usage, but the system gives them up on demand.
    """
    for folder, limit, usage in _group_folders():
        with suppress(OSError, ValueError):
            most = int((folder / limit).read_text(encoding="ascii"))
            used = int((folder / usage).read_text(encoding="ascii"))
            stat = _fields(folder / "memory.stat")
            cached = stat.get("total_inactive_file", stat.get("inactive_file", 0))
            yield most - max(used - cached, 0)


def _group_folders() -> Iterator[tuple[Path, str, str]]:
    """Yield the folder of each control group of the process and those above it, with its two files."""
    try:
        lines = (_PROC / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, kinds, place, *_ = [*line.split(":", 2), "", ""]
        if not kinds:
            root, files = _GROUPS, ("memory.max", "memory.current")
        elif "memory" in kinds.split(","):
            root, files = _GROUPS / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        # Inside a container, the root of the mounted tree may be the group itself, whatever its path says.
        parts = [part for part in place.split("/") if part]
        yield from ((root.joinpath(*parts[:depth]), *files) for depth in range(len(parts), -1, -1))


def _of_process() -> Iterator[int]:
    """Yield the address space that the process may still take, if it is limited."""
    if sys.platform == "win32":
        return
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    with suppress(OSError, ValueError, IndexError):
        pages = int((_PROC / "self" / "statm").read_text(encoding="ascii").split()[0])
        if most != resource.RLIM_INFINITY:
            yield most - pages * resource.getpagesize()


def _fields(path: Path) -> dict[str, int]:
    """Return the numbers of a file with a name and a number on each line; empty where there is none."""
    found = {}
    with suppress(OSError, ValueError):
        for line in path.read_text(encoding="ascii").splitlines():
            name, number, *_ = [*line.replace(":", " ").split(), "", ""]
            if number.isdigit():
                found[name] = int(number)
    return found
