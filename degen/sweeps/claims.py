"""Claims: files by which workers agree who trains a run, on one machine or on many that share a folder.

A claim is created with O_EXCL, so that one worker alone can, and holds host, process and a token. Its owner
renews it every minute by touching it. It lies beside the run directory, so that workers of several studies
that share the run agree too. Others take over a claim

- of a process of this machine that is gone, at once;
- of another machine that has not been renewed for ten minutes.

A take-over renames the claim away, which one worker alone can do, before a new one is created. The system's
file locks are not relied on: on some network file systems they hold nothing.
"""

from __future__ import annotations

import json
import os
import platform
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from degen.errors import UserError
from degen.files.parse import read_json

RENEWED_EVERY = 60.0
"""Seconds between renewals of a claim."""

STALE_AFTER = 600.0
"""Seconds without renewal after which the claim of another machine may be taken over."""

_AWAY = ".taken-"


def claim_of(run: Path) -> Path:
    """Return the path of the claim on a run directory."""
    return run.with_name(f"{run.name}.claim")


@dataclass(frozen=True)
class Owner:
    """A process, told from later ones that have its number by when it started."""

    host: str
    pid: int
    started: str
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def this_process(cls) -> Owner:
        """Return the owner that this process is; each call gives another token."""
        return cls(platform.node(), os.getpid(), _started(os.getpid()))

    @property
    def gone(self) -> bool:
        """Return whether it was a process of this machine that has ended."""
        if self.host != platform.node():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return _started(self.pid) != self.started


def _started(pid: int) -> str:
    """Return when a process started, in the system's terms; empty where it does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "zombie" if fields[0] in "ZX" else f"{boot.strip()[:8]}-{fields[19]}"


@dataclass(frozen=True)
class Claim:
    """A claim that this process holds."""

    path: Path
    owner: Owner

    def renew(self) -> bool:
        """Touch the claim; return whether it is still this process's own."""
        if read_owner(self.path) != self.owner:
            return False
        with suppress(OSError):
            os.utime(self.path)
        return True

    def release(self) -> None:
        """Give the claim up, if it is still this process's own."""
        if read_owner(self.path) == self.owner:
            self.path.unlink(missing_ok=True)


def take(path: Path, now: float | None = None) -> Claim | None:
    """Create the claim `path`, or take over one whose owner is gone; None where another process holds it.

    Its folder is made if it is missing.

    `now` is the time by which the age of another machine's claim is judged, seconds since 1970.

    Raises
    ------
    UserError
        if the folder of claims cannot be written.
    """
    if path.exists():
        owner = read_owner(path)
        if is_live(path, now) or not _take_away(path, owner):
            return None
    return _create(path)


def drop_left(path: Path) -> None:
    """Remove a claim whose owner is gone, such as a worker that was killed before it gave its claim up."""
    if path.exists() and (claim := take(path)):
        claim.release()


def is_live(path: Path, now: float | None = None) -> bool:
    """Return whether a claim is there and its owner at work, as far as this machine can tell."""
    try:
        age = (time.time() if now is None else now) - path.stat().st_mtime
    except OSError:
        return False
    owner = read_owner(path)
    if owner is not None and owner.host == platform.node():
        return not owner.gone
    return age < STALE_AFTER


def read_owner(path: Path) -> Owner | None:
    """Return the owner of a claim; None where there is none, or a half written one."""
    try:
        return Owner(**read_json(path))
    except (ValueError, TypeError):
        return None


def _create(path: Path) -> Claim | None:
    owner = Owner.this_process()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    written = path.parent / f"{_AWAY}{owner.token}"
    try:
        # Written whole under another name first: whoever reads the claim finds its owner in it.
        written.write_text(json.dumps(asdict(owner)), encoding="utf-8")
        try:
            os.link(written, path)
        except FileExistsError:
            return None
        except OSError:  # a file system without links
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(asdict(owner)))
    except FileExistsError:
        return None
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        written.unlink(missing_ok=True)
    return Claim(path, owner)


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"cannot write {path.parent}: {error.strerror}; choose another folder by `cells`")


def _take_away(path: Path, owner: Owner | None) -> bool:
    """Rename a claim of `owner` away and remove it; False where another process was first."""
    away = path.parent / f"{_AWAY}{uuid.uuid4().hex}"
    try:
        path.rename(away)
    except OSError:
        return False
    if read_owner(away) != owner:
        # Another process took it over since it was read: that claim goes back to its place.
        with suppress(OSError):
            os.link(away, path)
        away.unlink(missing_ok=True)
        return False
    away.unlink(missing_ok=True)
    return True
