"""What a configuration names, at hand: the device, the log, the encoder, the place of the run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import torch

from degen.data.catalog import find
from degen.data.load import DataOptions, Dataset, load_dataset
from degen.errors import UserError
from degen.model.encoder import SequenceEncoder
from degen.model.variants import get_variant
from degen.schema import DEVICES, Config, DataConfig, ModelConfig


def pick_device(wanted: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda` or `cuda:N` into a device that is there.

    Raises
    ------
    UserError
        for another name, or where CUDA is asked for and there is none.
    """
    if not re.fullmatch(DEVICES, wanted):
        raise UserError(f"--device {wanted}: it takes auto, cpu, cuda or cuda:N")
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(wanted)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"--device {wanted}: PyTorch sees {torch.cuda.device_count()} CUDA devices here; use --device cpu"
        )
    return device


def load_data(config: DataConfig) -> Dataset:
    """Load the log that a configuration names, under the configuration's own name for it if it has one.

    Raises
    ------
    UserError
        where the log is not the one whose fingerprint the configuration holds.
    """
    given = config.model_dump(exclude={"dataset", "name", "fingerprint", "data_seed"}, exclude_none=True)
    dataset = load_dataset(config.dataset, DataOptions(**given, seed=config.data_seed))
    if config.fingerprint not in ("", dataset.fingerprint):
        raise UserError(
            f"{config.dataset} has changed since this run was started; bring the old log back, or train anew"
        )
    return replace(dataset, name=config.name or dataset.name)


def run_place(config: Config, above: Path | None = None) -> Path:
    """Where a run goes by default: `<above>/<variant>-s<seed>`, above it `runs/<dataset>`.

    Raises
    ------
    UserError
        for a dataset or a variant that is unknown.
    """
    folder = above or Path("runs") / (config.data.name or find(config.data.dataset).name)
    return folder / f"{get_variant(config.objective.variant).name}-s{config.training.seed}"


def build_encoder(config: ModelConfig, n_items: int, seed: int = 0) -> SequenceEncoder:
    """Make the encoder that a configuration describes, with fresh weights."""
    return SequenceEncoder(n_items, seed=seed, **config.model_dump())
