"""Comparison of the encoder in float32 on a device with the plain one in float64 on the CPU."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from degen.model.encoders.dropout import FedDropout
from degen.model.encoders.encoder import SequenceEncoder
from degen.model.encoders.padded import Architecture, draw_masks, encode_padded
from degen.model.encoders.plain import encode_plain, pad

BOUNDS = {"forward": 1e-5, "gradient": 1e-4}
"""Errors allowed in float32: of h, absolute and relative together; of a gradient as a share of the tensor's
largest entry.
"""


def errors_of(n: int, device: torch.device) -> dict[str, float]:
    """Errors of h and of its gradients for n histories; of 50 there is one of each length."""
    rng = np.random.default_rng(n)
    lengths = torch.from_numpy(rng.permutation(np.arange(1, 51)) if n == 50 else rng.integers(1, 51, size=n))
    items = torch.from_numpy(rng.integers(1, 301, size=int(lengths.sum())))
    keep = {}
    for site in (
        "embedding",
        *(f"layer{i}.{part}" for i in (0, 1) for part in ("attention_output", "feed_forward")),
    ):
        keep[site] = torch.from_numpy(rng.random((n, 50, 64)) >= 0.5)
    for layer in (0, 1):
        keep[f"layer{layer}.attention"] = torch.from_numpy(rng.random((n, 2, 50, 50)) >= 0.5)
    weighting = torch.from_numpy(rng.normal(size=(n, 64)))
    exact = SequenceEncoder(300, initializer_range=0.1).double()
    expected = encode_plain(exact, items, lengths, FedDropout(keep.__getitem__))
    slopes = _gradients(exact, expected, weighting)
    there = {site: mask.to(device) for site, mask in keep.items()}
    found = {}
    for engine in ("padded", "fast"):
        encoder = SequenceEncoder(300, initializer_range=0.1).to(device)
        if engine == "fast":
            h = encoder(items.to(device), lengths, FedDropout(keep.__getitem__))
        else:
            rows, ends = pad(items, lengths, 50).to(device), lengths.to(device)
            architecture = Architecture.of(encoder)
            masks = draw_masks(architecture, FedDropout(there.__getitem__), ends, 50, encoder.item_embeddings)
            h = encode_padded(dict(encoder.named_parameters()), rows, ends, masks, architecture)
        error = (h.detach().cpu().double() - expected.detach()).abs() / (1 + expected.detach().abs())
        found[f"{engine} forward"] = float(error.max())
        own = _gradients(encoder, h, weighting)
        found[f"{engine} gradient"] = max(
            float((own[name] - slope).abs().max() / slope.abs().max())
            for name, slope in slopes.items()
            if slope.abs().max() > 1e-9 * max(float(one.abs().max()) for one in slopes.values())
        )
    return found


def _gradients(encoder: SequenceEncoder, h: Tensor, weighting: Tensor) -> dict[str, Tensor]:
    parameters = dict(encoder.named_parameters())
    slopes = torch.autograd.grad((h * weighting.to(h)).sum(), list(parameters.values()))
    return {name: slope.cpu().double() for name, slope in zip(parameters, slopes, strict=True)}
