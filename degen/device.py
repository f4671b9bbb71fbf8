"""PyTorch devices by the names that the configuration uses."""

from __future__ import annotations

import re

import torch

from degen.config.schema import DEVICES
from degen.errors import UserError


def pick_device(wanted: str) -> torch.device:
    """Return the device named `auto`, `cpu`, `cuda` or `cuda:N`; `auto` is CUDA if it is available.

    Raises
    ------
    UserError
        if the name has another form, or there is no such CUDA device.
    """
    if not re.fullmatch(DEVICES, wanted):
        raise UserError(f"`device='{wanted}'`: it takes auto, cpu, cuda or cuda:N")
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(wanted)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"`device='{wanted}'`: PyTorch sees {torch.cuda.device_count()} CUDA devices here; use "
            "`device='cpu'`"
        )
    return device
