"""The software, hardware and commit that a run was trained with."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.version import __version__

if TYPE_CHECKING:
    from degen.config.schema import Config

_LIBRARIES = (
    *("torch", "numpy", "scipy", "jax", "tensorflow", "lightning", "pytorch_lightning", "recbole"),
    "rectools",
)


def environment(config: Config | None = None) -> dict[str, Any]:
    """Return what a result depends on besides the configuration.

    Without a `config` the training loop is not degen's, and only the versions of Python and of the loaded
    libraries are known. With it, the device, threads and the commit of the source are added.
    """
    loaded = {name: sys.modules[name] for name in _LIBRARIES if name in sys.modules}
    found = {
        "degen": __version__,
        "python": sys.version.split()[0],
        **{name: str(getattr(module, "__version__", "unknown")) for name, module in loaded.items()},
        "platform": platform.platform(),
    }
    if config is None:
        return found
    import torch

    from degen.device import pick_device

    device = pick_device(config.training.device)
    return found | {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "cpu": cpu_name(),
        "threads": config.training.threads or torch.get_num_threads(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """Return the commit of the source tree that degen runs from; None for an installed package."""
    source = Path(__file__).parents[2]
    if not (source / ".git").exists():
        return None
    git = ["git", "-C", str(source), "rev-parse", "HEAD"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def cpu_name() -> str:
    """Return the name of this machine's processor, or of its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
