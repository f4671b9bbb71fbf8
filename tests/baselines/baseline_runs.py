"""Tiny runs of baselines, with the settings that each has a use for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tiny_runs

from degen.config.baseline import without_unused
from degen.config.schema import Config
from degen.config.settle import by_group, merge, settle

TIMES = {"train_seconds", "eval_seconds", "samples_per_second"}


def baseline_config(log: Path, name: str, **settings: Any) -> Config:
    """The configuration of a tiny run; of the tiny settings those stay that the baseline has a use for."""
    plain = {"dataset": str(log), **tiny_runs.SETTINGS, "pretrain_epochs": 2}
    tiny, _ = without_unused(name, by_group(plain))
    return settle(options=merge(tiny, by_group({"variant": name, **settings})))
