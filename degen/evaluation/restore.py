"""A finished run in memory again: its interaction log, and its encoder at the best epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from degen.build import build_encoder, load_data
from degen.config.decisive import run_identity
from degen.config.schema import Config
from degen.config.settle import settle
from degen.data.load import Dataset
from degen.data.sequences import Samples, Split, leave_one_out
from degen.device import pick_device
from degen.errors import OF_YOUR_OWN, UserError, one_of
from degen.evaluation.evaluate import rank_targets, representations
from degen.evaluation.ranking import TIES, Places, Ranks, ranking_metrics
from degen.model.encoders.interface import Encoder
from degen.model.scores import Scores
from degen.model.variants import get_variant
from degen.model.weights import load_weights, reading
from degen.runs.directory import BEST, CONFIG, RunDirectory
from degen.runs.manifest import kept, refuse_changed, refuse_edited, refuse_strange


@dataclass(frozen=True)
class Restored:
    """A run with its interaction log and its encoder at the best epoch, number `epoch`."""

    run: RunDirectory
    config: Config
    dataset: Dataset
    encoder: Encoder
    epoch: int

    def samples(self, split: Split) -> Samples:
        """Return a sample per user: the target of the split and its history."""
        return leave_one_out(self.dataset.sequences, split, self.config.model.max_length)

    def ranks(self, split: Split, V: Tensor | None = None, *, exclude_history: bool = False) -> Ranks:
        """Rank each user's target by the scores that the variant is trained with.

        `V`, `[n_items, d]`, replaces the item embeddings in the scores; the encoder still reads its own.
        `exclude_history` takes the user's earlier items out of the ranking, but for the target.
        """
        samples = self.samples(split)
        h = representations(self.encoder, samples)
        h, scored = self.encoder.query(h), self.encoder.scored_items(V)
        block = self.config.evaluation.score_block
        ties = self.config.evaluation.ties
        return rank_targets(
            h, scored, samples, block, self.scores, exclude_history=exclude_history, ties=ties
        )

    def metrics(
        self, split: Split, V: Tensor | None = None, *, exclude_history: bool = False
    ) -> dict[str, Any]:
        """Return what `test.json` holds: HR, NDCG and MRR at 5, 10, 20, `epoch`, `split`, `users` and `ties`.

        `V` and `exclude_history` are as in `ranks`.
        """
        return describe(self.ranks(split, V, exclude_history=exclude_history), self.epoch, split)

    def counting(self, ties: str | None) -> Restored:
        """Return the run with one of `TIES` as the way that metrics count ties; None keeps its own."""
        if ties is None:
            return self
        evaluation = self.config.evaluation.model_copy(update={"ties": one_of("ties", ties, TIES)})
        return replace(self, config=self.config.model_copy(update={"evaluation": evaluation}))

    @property
    def scores(self) -> Scores:
        """The scores by which the variant ranks items, `dot` or `cosine`."""
        return get_variant(self.config.objective.variant).scores


def describe(ranks: Places, epoch: int, split: Split) -> dict[str, Any]:
    """Return the metrics of a split's ranks, with `epoch`, `split`, the number of `users`, and `ties`."""
    ranks = Ranks.of(ranks)
    about = {"epoch": epoch, "split": split, "users": len(ranks), "ties": ranks.ties}
    return {**ranking_metrics(ranks), **about}


def restore(run: RunDirectory, device: str = "auto") -> Restored:
    """Load a run's log and its best weights.

    Raises
    ------
    UserError
        if the run has no finished epoch yet, its weights are damaged, its settings were edited, its log has
        changed since, its variant is not known, or it was recorded from another training loop.
    """
    if run.recorded:
        raise UserError(
            f"{run.path} was recorded by degen.Monitor from another training loop and has no weights to "
            "load; rank with the program that trained it"
        )
    refuse_edited(run.path)
    if (unknown := unknown_variant(run)) is not None:
        raise UserError(unknown)
    config = settle(run.path / CONFIG)
    dataset = load_data(config.data)
    if dataset.sequences.item_ids != run.items:
        raise UserError(
            f"the items of {config.data.dataset} are not those of {run.path}/items.txt: the log has changed "
            "since; train again with `overwrite=True`"
        )
    refuse_changed(run.path, (BEST,))
    encoder = build_encoder(config, dataset.sequences.n_items, dataset.sequences.n_users)
    epoch = load_best(encoder, run.path)
    return Restored(run, config, dataset, encoder.to(pick_device(device)), epoch)


def unknown_variant(run: RunDirectory) -> str | None:
    """Return a sentence on a run whose variant is not known in this process; None where it is."""
    variant = settle(run.path / CONFIG).objective.variant
    try:
        get_variant(variant)
    except UserError:
        return f"{run.path} is of the variant '{variant}', which is not known here; {OF_YOUR_OWN}"
    return None


def load_best(encoder: Encoder, run: Path, folder: Path | None = None) -> int:
    """Load a run's `best.safetensors` into the encoder, in place; return its epoch.

    `folder` holds the file, by default the run directory.

    Raises
    ------
    UserError
        if there is none, it is damaged, or of another run.
    """
    path = RunDirectory(folder or run).existing(BEST)
    damaged = f"is damaged, or of another model than {CONFIG} describes; train again with `overwrite=True`"
    with reading(path, damaged) as stored:
        refuse_strange(path, stored.metadata, kept(run).config or run_identity(settle(run / CONFIG)))
        load_weights(encoder, stored)
        return int(stored.metadata["epoch"])
