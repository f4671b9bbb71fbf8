"""The plain loop, taking turns: `plain_worker.py LOG VARIANT`; it evaluates 4,096 users at a turn."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from plain_loop import Training, read_log
from turns import Turns, serve

USERS = 4096


def main() -> None:
    """Prepare, then train or evaluate in turns."""
    turns = Turns()
    log, variant = sys.argv[1:]
    training = Training(read_log(Path(log)), variant)
    serve(turns, {"torch": torch.__version__}, training.step, lambda: len(training.evaluate(USERS)))


if __name__ == "__main__":
    main()
