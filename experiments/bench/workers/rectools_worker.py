"""RecTools' SASRec inside its own Lightning loop, taking turns: `rectools_worker.py LOG`.

A batch is 256 users, and all positions of their sequences are targets; those are what is counted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy
import pandas as pd
import rectools
import torch
from pytorch_lightning import Callback, Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from turns import Turns

HELD_OUT = 2


class TakingTurns(Callback):
    """Stops the loop between two batches until the next turn."""

    def __init__(self, turns: Turns):
        self.turns, self.window = turns, None

    def on_train_start(self, *_: Any) -> None:
        """Be ready before the first batch is fetched."""
        facts = {"RecTools": rectools.VERSION, "torch": torch.__version__, "NumPy": numpy.__version__}
        self.turns.ready(facts)
        self._wait()

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, number: int) -> None:
        """Count the batch's real targets; end the turn when it is full."""
        self.window.add(int((batch["y"] != 0).sum()))
        if self.window.full:
            self.turns.answer(self.window)
            self._wait()

    def _wait(self) -> None:
        self.window = self.turns.wait()
        if self.window is None:
            raise SystemExit(0)


def read(path: Path) -> pd.DataFrame:
    """The training part of lines `user item item …`, a row an action."""
    rows = [
        (user, item, time)
        for user, line in enumerate(path.read_text().splitlines())
        for time, item in enumerate(line.split()[1:-HELD_OUT])
    ]
    frame = pd.DataFrame(rows, columns=[Columns.User, Columns.Item, Columns.Datetime])
    frame[Columns.Datetime] = pd.to_datetime(frame[Columns.Datetime], unit="D")
    return frame.assign(**{Columns.Weight: 1})


def main() -> None:
    """Prepare, then train in turns."""
    turns = Turns()

    def trainer() -> Trainer:
        return Trainer(
            accelerator="cpu",
            max_epochs=1000,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[TakingTurns(turns)],
        )

    model = SASRecModel(
        n_blocks=2,
        n_heads=2,
        n_factors=64,
        session_max_len=50,
        dropout_rate=0.5,
        loss="softmax",
        lr=0.001,
        batch_size=256,
        get_trainer_func=trainer,
    )
    model.fit(Dataset.construct(read(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
