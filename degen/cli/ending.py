"""The end of a command: a mistake, an interrupt or a full machine as one sentence and an exit code.

    3      a condition of --fail-if holds (`degen.cli.failing`)
    2      a mistake of the user, or a machine without the memory or disk that is needed
    1      the reader of the output has gone (`degen runs | head`)
    130    Ctrl-C

Anything else is a fault of degen and stays a traceback.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from contextlib import suppress

import typer

from degen.cli.usage import usage_sentence
from degen.cli.wording import as_typed
from degen.errors import LostProcess, UserError
from degen.shown import shown
from degen.tables.lines import lines_for

_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def escape_unprintable() -> None:
    """Let stdout and stderr escape what their encoding lacks: `LANG=C` or a lone surrogate would raise."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def ended_by(error: BaseException) -> int:
    """Say in one sentence what ended a command, and return its exit code; raise what is a fault of degen."""
    if isinstance(error, UserError):
        # Under torchrun every process knows of an error; the first of each machine says it.
        if os.environ.get("LOCAL_RANK", "0") == "0" or isinstance(error, LostProcess):
            _say(as_typed(str(error)))
        return 2
    if isinstance(error, BrokenPipeError):
        _write_nowhere()
        return 1
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        _say("interrupted")
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more, while Python ends, would be a traceback
        return 130
    said = usage_sentence(error) or _full(error) if isinstance(error, Exception) else None
    if said is not None:
        _say(said)
    elif hasattr(error, "show"):
        error.show()  # the help, of a command that was typed without anything
    else:
        raise error
    return 2


def _full(error: BaseException) -> str | None:
    """Return a sentence about a machine that is out of memory, or an output that cannot be written."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"the path {str(error.filename)[:60]}… is too long for this system; give a shorter one"
    if isinstance(error, OSError) and error.filename is None and error.errno in _OF_DISKS:
        _write_nowhere()
        return f"the output cannot be written: {error.strerror}; free some space, or write it somewhere else"
    # PyTorch has no class of its own for this on a CPU.
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        size = str(error).splitlines()[0] if isinstance(error, MemoryError) and str(error) else ""
        return (
            f"this machine has too little memory left{f' ({size})' if size else ''}; close other programs, "
            "or give a smaller file"
        )
    return None


def _say(sentence: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads stderr any more
        width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
        typer.echo("\n".join(lines_for(f"degen: {shown(sentence)}", width)), err=True)


def _write_nowhere() -> None:
    """Let what stdout still holds go nowhere, so that Python does not complain at its exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
