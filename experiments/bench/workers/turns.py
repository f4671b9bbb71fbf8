"""A worker's side of the turns: it computes when told to, for as long as told, and is silent otherwise.

    bench ─► {"seconds": 4}  {"steps": 300}  {"evaluate": true}        a line of JSON each, on stdin
    bench ◄─ {"samples": …, "steps": …, "seconds": …, "peak_mb": …}    on stdout, when done

The first line of a worker says that it is ready, and what it is. It ends when its stdin does. Whatever a
library prints goes to stderr. Standard library only, because every peer's environment runs it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any


class Turns:
    """The line to the bench."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # so that nothing else ends up among the answers

    def __deepcopy__(self, memo: dict[int, Any]) -> Turns:
        """There is one line, also where a library copies what holds it."""
        return self

    def ready(self, facts: dict[str, Any]) -> None:
        """Say that the preparations are over."""
        self._send({"ready": facts})

    def wait(self) -> Window | None:
        """Wait for the next turn; None when there are no more."""
        line = sys.stdin.readline()
        return Window(json.loads(line)) if line.strip() else None

    def answer(self, window: Window) -> None:
        """Report a turn."""
        self._send(window.close() | {"peak_mb": round(peak_memory() / 1e6, 1)})

    def _send(self, message: dict[str, Any]) -> None:
        print(json.dumps(message), file=self._answers, flush=True)


class Window:
    """One turn: steps are added until the seconds, or the number of steps, asked for are reached."""

    def __init__(self, order: dict[str, Any]):
        self.seconds, self.steps_asked = order.get("seconds", 0.0), order.get("steps", 1)
        self.evaluate = bool(order.get("evaluate"))
        self.samples, self.steps = 0, 0
        self.started = time.perf_counter()

    @property
    def full(self) -> bool:
        """True if the turn is over."""
        elapsed = time.perf_counter() - self.started
        return self.steps >= self.steps_asked and elapsed >= self.seconds

    def add(self, samples: int) -> None:
        """Count a step."""
        self.samples += samples
        self.steps += 1

    def close(self) -> dict[str, Any]:
        """The turn's result."""
        elapsed = time.perf_counter() - self.started
        return {"samples": self.samples, "steps": self.steps, "seconds": elapsed}


def serve(
    turns: Turns, facts: dict[str, Any], step: Callable[[], int], evaluate: Callable[[], int] | None = None
) -> None:
    """Take turns until there are no more; `step` and `evaluate` return how many samples or users they did."""
    turns.ready(facts)
    while (window := turns.wait()) is not None:
        if window.evaluate and evaluate is not None:
            window.add(evaluate())
        while not window.full:
            window.add(step())
        turns.answer(window)


def peak_memory() -> int:
    """Most bytes of memory that this process has held at once."""
    try:
        # Not getrusage on Linux: there it counts what the parent held before it started this process.
        with open("/proc/self/status", encoding="ascii") as status:
            [line] = [line for line in status if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return held if sys.platform == "darwin" else held * 1024
