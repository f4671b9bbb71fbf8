"""Scripts that are no workers: each is run whole once per turn, and its printed figure is read.

    MB=60 python SCRIPT VARIANT LOG 1     prints `… 1670 samples/s … eval s 3.0 …`

It reads no turns, so every turn is a process of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchlib.turns import Answer, Failure, Order

STEPS = 60


@dataclass
class Prototype:
    """The prototype as a participant; every turn is a fresh process, and its evaluation comes with it."""

    name: str
    script: Path
    variant: str
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    patience: float = 300.0

    def start(self) -> dict[str, Any]:
        """See that the script is there."""
        if not self.script.exists():
            raise Failure(f"there is no {self.script.name} where --prototype says")
        return {}

    def turn(self, order: Order) -> Answer:
        """Train its 60 steps, whatever is asked for, in a folder of its own for what it writes.

        A fresh process has nothing to warm up.
        """
        if order.get("warm_up"):
            return {}
        command = [sys.executable, str(self.script.absolute()), self.variant, str(self.log.absolute()), "1"]
        with tempfile.TemporaryDirectory() as scratch:
            try:
                done = subprocess.run(
                    command,
                    cwd=scratch,
                    env=os.environ | self.environment | {"MB": str(STEPS)},
                    capture_output=True,
                    text=True,
                    timeout=self.patience,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise Failure(f"it took more than {self.patience:g} seconds") from None
        return read_figures(done.stdout, done.stderr)

    def stop(self) -> None:
        """Nothing is left running."""


def read_figures(printed: str, errors: str) -> Answer:
    """Samples in one second, and the seconds of its evaluation, from what was printed."""
    rate = re.search(r"([\d.]+) samples/s", printed)
    if rate is None:
        last = ([line for line in errors.splitlines() if line.strip()] or ["nothing"])[-1]
        raise Failure(f"it printed no samples/s; the last it said: {last.strip()}")
    answer: Answer = {"samples": float(rate[1]), "seconds": 1.0, "steps": STEPS}
    if evaluation := re.search(r"eval s'?,? ?([\d.]+)", printed):
        answer["evaluation_seconds"] = float(evaluation[1])
    return answer
