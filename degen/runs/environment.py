"""The software, hardware and commit that a run was trained with."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import torch

from degen.config.schema import Config
from degen.device import pick_device
from degen.version import __version__


def environment(config: Config) -> dict[str, Any]:
    """Versions, device, threads and the commit of the source: what a result depends on besides the
    configuration.
    """
    device = pick_device(config.training.device)
    return {
        "degen": __version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": config.training.threads or torch.get_num_threads(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """Commit of the source tree that degen runs from; None for an installed package."""
    source = Path(__file__).parents[2]
    if not (source / ".git").exists():
        return None
    git = ["git", "-C", str(source), "rev-parse", "HEAD"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
