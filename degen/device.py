"""The device that a setting names."""

from __future__ import annotations

import re

import torch

from degen.config.schema import DEVICES
from degen.errors import UserError


def pick_device(wanted: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda` or `cuda:N` into a device that is there.

    Raises
    ------
    UserError
        for another name, or where CUDA is asked for and there is none.
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
