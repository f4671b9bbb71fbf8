"""An environment of its own for each peer, made once, in `.bench-envs/` (which git ignores)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchlib.machine import ROOT
from benchlib.turns import Failure

FOLDER = ROOT / ".bench-envs"
MADE = "made.json"
TORCH = "torch==2.13.0"
"""Installed first, so that a machine without a GPU can be given a CPU build of it."""

PEERS = {
    "recbole": ("recbole==1.2.1", "pandas<3"),  # its data loading assigns in ways that pandas 3 ignores
    "rectools": ("rectools[torch]==0.19.0",),
}
"""Packages that are installed for each, besides PyTorch."""


def environment(peer: str, torch: str = TORCH, folder: Path = FOLDER) -> Path:
    """The Python of a peer's environment, which is made if it is not there as wanted.

    Raises
    ------
    Failure
        with the last line that pip said.
    """
    place = folder / peer
    python = place / "bin" / "python"
    wanted = [torch, *PEERS[peer]]
    if (place / MADE).exists() and json.loads((place / MADE).read_text(encoding="utf-8")) == wanted:
        return python
    shutil.rmtree(place, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(place)], peer)
    for requirements in ([torch], [torch, *PEERS[peer]]):
        _run([str(python), "-m", "pip", "install", "--quiet", *requirements], peer)
    (place / MADE).write_text(json.dumps(wanted), encoding="utf-8")
    return python


def _run(command: Sequence[str], peer: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["pip said nothing"]
        raise Failure(f"{peer} cannot be installed: {said[-1].strip()}")
