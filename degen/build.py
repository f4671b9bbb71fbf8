"""Build what a configuration names: the log, the encoder and the path of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from degen.config.baseline import Values, options_of_each
from degen.config.key_names import argument
from degen.config.schema import Config, DataConfig
from degen.data.catalog import find
from degen.data.load import DataOptions, Dataset, check_log, load_dataset
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
    dataset = load_dataset(config.dataset, _options(config))
    if config.fingerprint not in ("", dataset.fingerprint):
        raise UserError(
            f"{config.dataset} has changed since this run was started, or this version of degen reads it "
            "otherwise; restore the old log, or train anew"
        )
    return replace(dataset, name=config.name or dataset.name)


def check_data(config: DataConfig) -> None:
    """Raise a `UserError` where the head of a log shows that it cannot be read so; the rest is not read."""
    check_log(config.dataset, _options(config))


def _options(config: DataConfig) -> DataOptions:
    given = config.model_dump(exclude={"dataset", "name", "fingerprint", "data_seed"}, exclude_none=True)
    return DataOptions(**given, seed=config.data_seed)


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


def idle_keys(variant: str) -> set[str]:
    """Return the keys of `[objective]` that change nothing for a variant; a baseline refuses its own."""
    found = get_variant(variant)
    if found.is_baseline:
        return set()
    weighs = found.gamma is not None or found.recommendation is not None
    return (set() if found.pairs else CONTRAST) | (set() if weighs else {"gamma"})


def options_with_use(variants: Sequence[str], options: Values) -> list[Values]:
    """Return the options of each of several variants: those with a use for an option have it.

    An option without use for any of them stays with all that do not refuse it, as `without_effect` says.
    """
    typed = set(options.get("objective", {}))
    idle = [typed & _without_use(variant) for variant in variants]
    for_none = typed.intersection(*idle)
    return [
        {
            group: {key: value for key, value in keys.items() if key not in unused - for_none}
            if group == "objective"
            else keys
            for group, keys in own.items()
        }
        for own, unused in zip(options_of_each(variants, options), idle, strict=True)
    ]


def without_effect(variants: Sequence[str], options: Values) -> list[str]:
    """Return a sentence for each option that changes nothing for any of the variants that are trained."""
    names = list(dict.fromkeys(get_variant(variant).name for variant in variants))
    typed = options.get("objective", {})
    told = []
    for key in (key for key in typed if all(key in _without_use(name) for name in names)):
        lacking = " and ".join(name for name in names if key in idle_keys(name))
        if lacking:  # baselines alone refuse it
            lacks = "contrastive loss" if key in CONTRAST else "term that γ weighs"
            have = "have" if " and " in lacking else "has"
            told.append(f"{lacking} {have} no {lacks}, so `{argument(key)}={typed[key]!r}` changes nothing")
    return told


def _without_use(variant: str) -> set[str]:
    """Return the keys of the contrastive loss and of a term of its own that change nothing for a variant."""
    return CONTRAST | {"gamma"} if get_variant(variant).is_baseline else idle_keys(variant)


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
