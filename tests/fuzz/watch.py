"""One input read in this process by the command itself, under limits and with a canary.

An input passes where the command ends with exit code 0, or 1, or with 2 and one sentence, within ten seconds
of processor time and two gigabytes of memory, and nothing is executed, imported, connected to or written
outside the input's folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

SECONDS = 10
MEMORY = 2 << 30

OK, REFUSED, TRACEBACK, HANG, MEMORY_OUT, UNSAFE, BADLY_SAID = (
    "ok", "refused", "traceback", "hang", "memory", "unsafe", "badly said",
)  # fmt: skip
PASSED = (OK, REFUSED)

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")
_EVENTS = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "subprocess.Popen", "pty.spawn",
    "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "urllib.Request",
    "webbrowser.open", "ctypes.dlopen", "pickle.find_class", "marshal.loads", "os.kill", "code.__new__",
)  # fmt: skip


class Hang(BaseException):
    """More than ten seconds of processor time."""


@dataclass(frozen=True)
class Outcome:
    """The end of one input: its verdict, the last words of it, and bytes of memory at its peak."""

    verdict: str
    said: str = ""
    peak: int = 0


class Canary:
    """Sees, by an audit hook, what no file may bring about; made once in a process."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: Any) -> None:
        if self.folder is None:
            return
        if event == "open":
            self._open(*arguments)
        elif event == "import":
            if "canary" in str(arguments[0]) or str(arguments[1] or "").startswith(self.folder):
                self.seen.append(f"import {arguments[0]}")
        elif event in ("exec", "compile"):
            self._execute(event, arguments)
        elif event in _EVENTS and not self._ours() and not _library(event, arguments):
            self.seen.append(f"{event} {arguments!r}"[:300])

    def _open(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, str | bytes) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        place = os.path.abspath(os.fsdecode(path))
        if not place.startswith((str(self.folder), "/dev/", "/proc/self/")):
            self.seen.append(f"open {place} for writing")

    def _execute(self, event: str, arguments: Any) -> None:
        code = arguments[0]
        text = code if isinstance(code, str) else repr(code)
        if isinstance(code, bytes):
            text = code.decode(errors="replace")
        if "canary" in text or "os.system" in text:
            # A literal is parsed into a tree by ast, which executes nothing.
            frame = sys._getframe(2)
            names = set()
            while frame is not None:
                names.add(os.path.basename(frame.f_code.co_filename))
                frame = frame.f_back  # type: ignore[assignment]
            if not any("importlib" in name for name in names) and (event == "exec" or "ast.py" not in names):
                self.seen.append(f"{event} {text[:200]}")

    def _ours(self) -> bool:
        """Whether degen itself asks for this, apart from any file."""
        frame: Any = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.endswith(("runs/environment.py", "importlib/__init__.py")) or "<frozen importlib" in name:
                return True
            frame = frame.f_back
        return False


def _library(event: str, arguments: Any) -> bool:
    """Whether a package loads a library of its own, as threadpoolctl does."""
    return event == "ctypes.dlopen" and (not arguments[0] or "site-packages" in str(arguments[0]))


def limit_memory(more: int = MEMORY) -> None:
    """Let this process take `more` bytes beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _peak() -> int:
    text = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) * 1024  # type: ignore[index]


@contextlib.contextmanager
def _clock() -> Iterator[None]:
    def strike(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, strike)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@cache
def command() -> Any:
    """Return the command line, put together once: that takes longer than most inputs."""
    from typer.main import get_command

    from degen.cli.app import app

    return get_command(app)


def run_case(folder: Path, words: list[str], canary: Canary) -> Outcome:
    """Run a command in `folder`, which it may write into, and judge how it ends."""
    from degen.cli.app import main

    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    environment = {"DEGEN_CACHE": str(folder / "cache"), "TMPDIR": str(folder), "COLUMNS": "160"}
    here, code, raised = os.getcwd(), 0, None
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    os.chdir(folder)
    canary.seen, canary.folder = [], str(folder)
    try:
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch("degen.cli.app.app", command()),
            mock.patch.object(tempfile, "tempdir", None),
            mock.patch.object(sys, "argv", ["degen", *words]),
            mock.patch.object(sys, "stdout", streams[0]),
            mock.patch.object(sys, "stderr", streams[1]),
            _clock(),
        ):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # the fault that is looked for
        raised = error
    finally:
        canary.folder = None
        os.chdir(here)
        _forget_figures()
    out, err = (stream.buffer.getvalue().decode("utf-8", "replace") for stream in streams)  # type: ignore[attr-defined]
    return _judge(words, code, raised, out, err, canary.seen, _peak() - before)


def _forget_figures() -> None:
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def _judge(
    words: list[str], code: int, raised: BaseException | None, out: str, err: str, seen: list[str], peak: int
) -> Outcome:
    if seen:
        return Outcome(UNSAFE, "; ".join(seen)[:500], peak)
    if raised is not None:
        verdict = {Hang: HANG, MemoryError: MEMORY_OUT}.get(type(raised), TRACEBACK)
        return Outcome(verdict, "".join(traceback.format_exception(raised))[-3000:], peak)
    if peak > MEMORY:
        return Outcome(MEMORY_OUT, f"{peak:,} bytes", peak)
    if found := _CONTROL.search(out + err):
        around = (out + err)[max(0, found.start() - 80) : found.end() + 20]
        return Outcome(BADLY_SAID, f"{found[0]!r} is printed as it is: {around!r}", peak)
    lines = err.splitlines()
    sentences = [line for line in lines if line.startswith("degen: ")]
    # `degen verify` prints a table of what is off.
    if code == 2 and sentences != lines[-1:] and words[0] != "verify":
        return Outcome(BADLY_SAID, f"exit code 2 with: {err[-500:]}", peak)
    if code not in (0, 1, 2):
        return Outcome(BADLY_SAID, f"exit code {code}: {err[-500:]}", peak)
    if code == 0 and "--json" in words:
        try:
            json.loads(out, parse_constant=lambda name: 1 / 0)
        except (ValueError, ZeroDivisionError) as error:
            return Outcome(BADLY_SAID, f"not JSON: {error}: {out[:200]!r}", peak)
    return Outcome(OK if code == 0 else REFUSED, (lines or [""])[-1][:400], peak)
