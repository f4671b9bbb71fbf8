"""Build what a configuration names: the log, the encoder and the path of the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from degen.config.baseline import Values, has_use_for
from degen.config.key_names import argument
from degen.config.schema import Config, DataConfig
from degen.data.catalog import find
from degen.data.load import DataOptions, Dataset, load_dataset
from degen.errors import UserError
from degen.model.encoders.interface import Encoder
from degen.model.variants import get_variant


def load_data(config: DataConfig) -> Dataset:
    """Load the interaction log that a configuration names, called by `data.name` if that is set.

    Raises
    ------
    UserError
        if the log is not the one whose fingerprint the configuration holds.
    """
    given = config.model_dump(exclude={"dataset", "name", "fingerprint", "data_seed"}, exclude_none=True)
    dataset = load_dataset(config.dataset, DataOptions(**given, seed=config.data_seed))
    if config.fingerprint not in ("", dataset.fingerprint):
        raise UserError(
            f"{config.dataset} has changed since this run was started, or this version of degen reads it "
            "otherwise; restore the old log, or train anew"
        )
    return replace(dataset, name=config.name or dataset.name)


def settle_names(config: Config) -> Config:
    """Put the variant's own name into a configuration (`us_x` is duorec), and its γ where none is given.

    Raises
    ------
    UserError
        for a variant that is unknown.
    """
    variant, settings = get_variant(config.objective.variant), config.objective
    gamma = variant.gamma if settings.gamma is None else settings.gamma
    objective = settings.model_copy(update={"variant": variant.name, "gamma": gamma})
    return config.model_copy(update={"objective": objective})


CONTRAST = {"lambda", "temperature", "similarity", "reduction", "same_target_negatives"}
"""Keys of the contrastive loss, of which a variant that contrasts no views has no use."""


def uses(variant: str, group: str, name: str) -> bool:
    """Return whether a variant has a use for a key: λ with contrasted views, γ with a term that it weighs."""
    found = get_variant(variant)
    if found.is_baseline or group != "objective":
        return has_use_for(variant, group, name)
    if name in CONTRAST:
        return bool(found.pairs)
    return name != "gamma" or found.gamma is not None or found.recommendation is not None


def refuse_unused(variant: str, options: Values) -> None:
    """Raise where options that were typed would change nothing for a variant."""
    for name in options.get("objective", {}):
        if not uses(variant, "objective", name):
            lacks = "contrastive loss" if name in CONTRAST else "term that γ weighs"
            raise UserError(f"{variant} has no {lacks}; leave out `{argument(name)}`")


def run_place(config: Config, above: Path | None = None) -> Path:
    """Return the default run directory, `<above>/<variant>-s<seed>`; `above` is `runs/<dataset>` by default.

    Raises
    ------
    UserError
        if the dataset or the variant is unknown.
    """
    folder = above or Path("runs") / (config.data.name or find(config.data.dataset).name)
    return folder / f"{get_variant(config.objective.variant).name}-s{config.training.seed}"


def build_encoder(config: Config, n_items: int, n_users: int) -> Encoder:
    """Return the model that a configuration describes, with initial weights of the run's seed."""
    architecture = get_variant(config.objective.variant).architecture
    settings = {**config.model.model_dump(), **config.baseline.model_dump()}
    return architecture.from_settings(n_items, n_users, config.training.seed, settings)
