"""Export of a run's sequence representations, targets and ranks, one row per user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.data.sequences import Split
from degen.evaluation.evaluate import rank_targets, representations
from degen.evaluation.restore import Restored
from degen.files.outputs import output_path, refuse_foreign
from degen.files.writing import write_array, write_lines
from degen.runs.directory import RANKS, TIED, USERS, refuse_run

BETTER = "better.npy"
FILES = ("sequence_representations.npy", "targets.npy", RANKS, BETTER, TIED, USERS)


def export(restored: Restored, split: Split, out: Path) -> list[Path]:
    """Write a split's representations, targets and ranks, one row per user, and return the files written.

        sequence_representations.npy   float32 `[n_users, d]`
        targets.npy                    int64 `[n_users]`, row numbers of `items.txt`
        ranks.npy                      float64 `[n_users]`, the mean of the ranks that a tied target may have
        better.npy, tied.npy           int32 `[n_users]`, items scored strictly higher, and others the same
        users.txt                      the user ids

    Raises
    ------
    UserError
        if `out` cannot be written, is a run, or holds a file of these names that degen did not write.
    """
    refuse_run(out)
    refuse_foreign(*(out / name for name in FILES))
    encoder, samples = restored.encoder, restored.samples(split)
    h, block = representations(encoder, samples), restored.config.evaluation.score_block
    h_scored, V = encoder.query(h), encoder.scored_items()
    ranks = rank_targets(h_scored, V, samples, block, restored.scores)
    arrays: dict[str, npt.NDArray[Any]] = {
        FILES[0]: h.cpu().numpy().astype(np.float32),
        FILES[1]: samples.targets - 1,
        RANKS: ranks.mean,
        BETTER: ranks.better.astype(np.int32),
        TIED: ranks.tied.astype(np.int32),
    }
    for name, array in arrays.items():
        write_array(out / name, array, output_path)
    write_lines(out / USERS, restored.dataset.sequences.user_ids, output_path)
    return [out / name for name in FILES]
