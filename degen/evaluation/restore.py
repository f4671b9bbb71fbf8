"""A run back in memory: its log, its encoder at the best epoch; and what `degen evaluate` and `degen export`
make of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from degen.build import build_encoder, load_data
from degen.config.schema import Config
from degen.config.settle import settle
from degen.data.load import Dataset
from degen.data.sequences import Samples, Split, leave_one_out
from degen.device import pick_device
from degen.errors import UserError
from degen.evaluation.evaluate import rank_targets, representations
from degen.evaluation.ranking import Ranks, ranking_metrics
from degen.files import write_array, write_lines
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.scores import Scores
from degen.model.variants import get_variant
from degen.model.weights import load_weights, reading
from degen.runs.directory import BEST, CONFIG, RunDirectory


@dataclass(frozen=True)
class Restored:
    """A run with its log and its encoder at the best epoch, in evaluation."""

    run: RunDirectory
    config: Config
    dataset: Dataset
    encoder: SequenceEncoder
    epoch: int

    def samples(self, split: Split) -> Samples:
        """A sample a user: the target of the split and its history."""
        return leave_one_out(self.dataset.sequences, split, self.config.model.max_length)

    def ranks(self, split: Split, V: Tensor | None = None) -> Ranks:
        """Rank of each user's target, float64 `[n_users]`, by the scores that the variant is trained with.

        `V`, `[n_items, d]`, is scored in place of the items' own embeddings; the encoder reads these as ever.
        """
        samples = self.samples(split)
        h = representations(self.encoder, samples)
        scored = self.encoder.real_item_embeddings() if V is None else V.to(h)
        return rank_targets(h, scored, samples, self.config.evaluation.score_block, self.scores)

    def metrics(self, split: Split, V: Tensor | None = None) -> dict[str, Any]:
        """HR, NDCG and MRR at 5, 10, 20, with `epoch`, `split` and `users`: what `test.json` holds.

        `V` as in `ranks`.
        """
        return describe(self.ranks(split, V), self.epoch, split)

    @property
    def scores(self) -> Scores:
        """What the variant ranks items by."""
        return get_variant(self.config.objective.variant).scores


def describe(ranks: Ranks, epoch: int, split: Split) -> dict[str, Any]:
    """The metrics of a split's ranks, and what they are of."""
    return {**ranking_metrics(ranks), "epoch": epoch, "split": split, "users": len(ranks)}


def restore(run: RunDirectory, device: str = "auto") -> Restored:
    """Load a run's log and its best weights.

    Raises
    ------
    UserError
        where the run has no finished epoch yet, its weights are damaged, its log has changed since, or it was
        recorded from another training loop.
    """
    if run.recorded:
        raise UserError(
            f"{run.path} was recorded by degen.Monitor from another training loop and has no weights to "
            "load; rank with the program that trained it"
        )
    config = settle(run.path / CONFIG)
    dataset = load_data(config.data)
    if dataset.sequences.item_ids != run.items:
        raise UserError(
            f"the items of {config.data.dataset} are not those of {run.path}/items.txt: the log has changed "
            "since; train again with --overwrite"
        )
    encoder = build_encoder(config.model, dataset.sequences.n_items)
    epoch = load_best(encoder, run.path)
    return Restored(run, config, dataset, encoder.to(pick_device(device)), epoch)


def load_best(encoder: SequenceEncoder, run: Path) -> int:
    """Fill the encoder from a run's `best.safetensors`, in place; return the epoch it is of.

    Raises
    ------
    UserError
        where there is none, it is damaged, or of another model.
    """
    path = RunDirectory(run).existing(BEST)
    damaged = f"is damaged, or of another model than {CONFIG} describes; train again with --overwrite"
    with reading(path, damaged) as stored:
        load_weights(encoder, stored)
        return int(stored.metadata["epoch"])


def export(restored: Restored, split: Split, out: Path) -> list[Path]:
    """Write a split's representations, targets and ranks, a row a user, with the user ids.

    `sequence_representations.npy` float32 `[n_users, d]`, `targets.npy` int64 `[n_users]` (rows of
    `items.txt`), `ranks.npy` float64 `[n_users]`, `users.txt`.
    """
    encoder, samples = restored.encoder, restored.samples(split)
    h, block = representations(encoder, samples), restored.config.evaluation.score_block
    arrays: dict[str, npt.NDArray[Any]] = {
        "sequence_representations.npy": h.cpu().numpy().astype(np.float32),
        "targets.npy": samples.targets - 1,
        "ranks.npy": rank_targets(h, encoder.real_item_embeddings(), samples, block, restored.scores),
    }
    for name, array in arrays.items():
        write_array(out / name, array)
    write_lines(out / "users.txt", restored.dataset.sequences.user_ids)
    return [out / name for name in (*arrays, "users.txt")]
