"""Precision of the matrix products of a training step (`--precision`).

    fp32   single precision throughout
    tf32   the same numbers, but a GPU's matrix products round their factors to 10 bits of mantissa
    bf16   the encoder's products in bfloat16 (8 bits); norms, softmax and losses stay in single precision,
           the losses' products as with tf32; parameters and Adam's moments are float32

Evaluation and the probe always use fp32, so that reported numbers do not depend on the precision of training.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

import torch

from degen.errors import UserError

Precision = Literal["fp32", "tf32", "bf16"]


def pick_precision(wanted: Precision | Literal["auto"], device: torch.device) -> Precision:
    """Turn `auto` into tf32 on CUDA and fp32 elsewhere; raise for tf32 on a device that is no GPU."""
    if wanted == "auto":
        return "tf32" if device.type == "cuda" else "fp32"
    if wanted == "tf32" and device.type != "cuda":
        raise UserError(
            f"`precision='tf32'` is for CUDA devices, and this run is on {device.type}; use "
            "`precision='fp32'`"
        )
    return wanted


@contextmanager
def float32_products(precision: Precision, device: torch.device) -> Iterator[None]:
    """Let float32 matrix products on CUDA use TF32, or not; PyTorch keeps this for the whole process."""
    before = torch.get_float32_matmul_precision()
    rounded = precision != "fp32" and device.type == "cuda"
    try:
        torch.set_float32_matmul_precision("high" if rounded else "highest")
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def encoder_products(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return the context of the encoder: bfloat16 products under bf16, else nothing special."""
    if precision != "bf16":
        return nullcontext()
    # No cache of cast weights: a recorded step would replay the casts of the step it was recorded at.
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
