"""Cells of a study: resolved configurations, each with an id that decides whether two are the same.

The id of a cell is the first ten hexadecimal digits of a SHA-256 over everything that decides its result
(`degen.config.decisive`): the fingerprint of the log, and every setting that differs from its default. Left
out are

- the seed, which is named beside the id, and name, path and reading of the log (its fingerprint says it all);
- keys that say where a run is trained and what it keeps: device, threads, cuda_graph, keep_embeddings,
  tensorboard, score_block. Device and threads change the order in which numbers are added, and so the last
  digits of a result. `results.csv` names device, processor and threads of each run, and a note says where
  they differ.

The length of training is part of the id. `epochs`, `min_epochs`, `patience` and `max_steps` may be raised
when a run is resumed, but a run of 2 epochs and one of 60 are different results.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from degen.config.decisive import away_from_defaults, decisive_settings, hash_of
from degen.config.facts import KEYS
from degen.config.key_names import key_named
from degen.config.schema import Config
from degen.config.settle import settle
from degen.errors import UserError
from degen.runs import directory

DIGITS = 10


@dataclass(frozen=True)
class Cell:
    """One resolved configuration of a study, which every seed repeats.

    Attributes
    ----------
    dataset
        name of the log.
    axes
        value of each axis by its key, such as `{"objective.lambda": 0.02}`. An axis that the cell's
        variant has no use for is missing: SASRec has no λ.
    control
        name of the control that the cell is; None for a cell of the study proper.
    config
        resolved configuration with name and fingerprint of the log; its seed is not the cell's.
    """

    dataset: str
    axes: dict[str, Any]
    control: str | None
    config: Config = field(repr=False)

    @property
    def id(self) -> str:
        """Ten hexadecimal digits, equal for cells of equal results."""
        return cell_id(self.config)

    @property
    def variant(self) -> str:
        """Canonical name of the variant."""
        return self.config.objective.variant

    def run(self, cells: Path, seed: int) -> Path:
        """Return the run directory of a seed, below the folder `cells` that studies share."""
        return cells / self.dataset / self.variant / f"{self.id}-s{seed}"

    def seeded(self, seed: int) -> Config:
        """Return the configuration with a seed."""
        training = self.config.training.model_copy(update={"seed": seed})
        return self.config.model_copy(update={"training": training})


def cell_id(config: Config) -> str:
    """Return the id of a configuration whose log is known by its fingerprint."""
    return hash_of(config.data.fingerprint, away_from_defaults(config))[:DIGITS]


def refuse_other_settings(config: Config, run: Path) -> None:
    """Refuse a run directory whose run was begun with other settings, though its cell has the same id.

    An id names what differs from the defaults, so a default that has changed since leaves it as it was.

    Raises
    ------
    UserError
        if the run differs in a setting that decides its result, or in its log; the message names it.
    """
    if not directory.is_run(run):
        return
    there = settle(run / directory.CONFIG)
    before, now = decisive_settings(there), decisive_settings(config)
    before["data.fingerprint"] = there.data.fingerprint or config.data.fingerprint
    now["data.fingerprint"] = config.data.fingerprint
    # A run that an older version began counts ties by half, and keeps to that when it goes on.
    before["evaluation.ties"] = now["evaluation.ties"]
    for key, value in now.items():
        if before[key] != value:
            raise UserError(
                f"{run} was begun with {key} = {before[key]!r}, and this study has {value!r}; choose another "
                "folder of runs by `cells`, or move that run away"
            )


def full_key(key: str) -> str:
    """Return a key with its group, `objective.lambda`; `dropout` stays, which sets three."""
    bare = key_named(key.rpartition(".")[2])
    return f"{KEYS[bare][0]}.{bare}" if bare in KEYS else bare
