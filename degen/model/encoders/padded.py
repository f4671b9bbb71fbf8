"""The encoder as a pure function of its parameters, on histories padded to one length (Eq. 8-9).

    parameters {name: tensor}, items [S, T], lengths [S], masks {site: tensor} ─► h [S, d]

Every shape is known before the step and nothing waits for the device, so that a step can be recorded as a
CUDA graph; and `torch.func.vmap` over the parameters runs many models as one. The top block computes the last
position only. With right padding and a causal mask no padding reaches h. The numbers are those of
`degen.model.encoders.plain`, up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from degen.data.sequences import PAD
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.encoder import SequenceEncoder

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Architecture:
    """Facts of an encoder that its parameters do not tell."""

    layers: int
    heads: int
    dim: int
    eps: float
    embedding_dropout: float
    hidden_dropout: float
    attention_dropout: float

    @classmethod
    def of(cls, encoder: SequenceEncoder) -> Architecture:
        """Read them from an encoder."""
        rates = encoder.embedding_dropout, encoder.hidden_dropout, encoder.attention_dropout
        dim, eps = encoder.item_embeddings.shape[1], encoder.input_norm.eps
        return cls(len(encoder.blocks), encoder.heads, dim, eps, *rates)

    def sites(self, S: int, T: int) -> dict[str, tuple[float, tuple[int, ...]]]:
        """Rate and shape of the mask at every site that drops something, for S histories padded to T."""
        d, heads = self.dim, self.heads
        sites: dict[str, tuple[float, tuple[int, ...]]] = {"embedding": (self.embedding_dropout, (S, T, d))}
        for layer in range(self.layers):
            queries = 1 if layer == self.layers - 1 else T
            sites[f"layer{layer}.attention"] = (self.attention_dropout, (S, heads, queries, T))
            for site in ("attention_output", "feed_forward"):
                sites[f"layer{layer}.{site}"] = (self.hidden_dropout, (S, queries, d))
        return {site: (rate, shape) for site, (rate, shape) in sites.items() if rate > 0}


def draw_masks(
    architecture: Architecture, dropout: Dropout, lengths: Tensor, width: int, like: Tensor
) -> dict[str, Tensor]:
    """Draw the masks of a pass over histories of `lengths`, int64 `[S]`, padded to `width`."""
    sequences, last = torch.arange(len(lengths), device=lengths.device), lengths - 1

    def cut(site: str, shape: tuple[int, ...], stated: Tensor) -> Tensor:
        """From a mask in padded layout what the pass computes: of the top block the last query only."""
        if site == "embedding" or shape[-2] == stated.shape[-2]:
            return stated
        return stated[sequences, :, last] if site.endswith("attention") else stated[sequences, last]

    return {
        site: dropout.mask(site, shape, rate, partial(cut, site, shape), like)
        for site, (rate, shape) in architecture.sites(len(lengths), width).items()
    }


def encode_padded(
    parameters: Tensors, items: Tensor, lengths: Tensor, masks: Tensors, architecture: Architecture
) -> Tensor:
    """Encode S padded histories at their last items: h `[S, d]`.

    Parameters
    ----------
    parameters
        by the names of `SequenceEncoder.named_parameters`.
    items, lengths
        int64 `[S, T]`, each history oldest item first, then padding; and int64 `[S]`, each in 1 … T.
    masks
        of `draw_masks`; a site without one drops nothing.
    """
    S, T = items.shape
    # Padding reaches no h: its gradient is 0, and need not be added up over most places of the batch.
    tokens = functional.embedding(items, parameters["item_embeddings"], padding_idx=PAD)
    tokens = tokens + parameters["position_embeddings"][:T]
    x = _norm(tokens, parameters, "input_norm", architecture.eps)
    x = _drop(x, masks.get("embedding")).reshape(S * T, -1)
    batch = _Batch(parameters, masks, architecture, lengths - 1)
    for layer in range(architecture.layers):
        x = _block(batch, layer, x, top=layer == architecture.layers - 1)
    return x


class _Batch(NamedTuple):
    """Everything that a block needs besides its tokens; `last` is each history's last position, `[S]`."""

    parameters: Tensors
    masks: Tensors
    architecture: Architecture
    last: Tensor


def _block(batch: _Batch, layer: int, x: Tensor, *, top: bool) -> Tensor:
    """Eq. 9, one block on flat tokens: `[S · T, d]` to the same, or to `[S, d]` in the top block.

    Tokens are flat so that the products with weights stay one matrix product for each model under vmap.
    """
    parameters, masks, architecture, last = batch
    S, d, name = len(last), architecture.dim, f"blocks.{layer}"
    mixed, residual = _attend(batch, layer, x, top=top)

    def add_and_normalize(to: Tensor, value: Tensor, site: str, norm: str) -> Tensor:
        dropped = _drop(value.view(S, -1, d), masks.get(f"layer{layer}.{site}")).reshape(-1, d)
        return _norm(to + dropped, parameters, f"{name}.{norm}", architecture.eps)

    mixed = _linear(mixed, parameters, f"{name}.attention_output")
    x = add_and_normalize(residual, mixed, "attention_output", "attention_norm")
    value = functional.gelu(_linear(x, parameters, f"{name}.feed_forward_in"))
    value = _linear(value, parameters, f"{name}.feed_forward_out")
    return add_and_normalize(x, value, "feed_forward", "feed_forward_norm")


def _attend(batch: _Batch, layer: int, x: Tensor, *, top: bool) -> tuple[Tensor, Tensor]:
    """Causal attention of one block, `[Q, d]`, and the tokens it is added to; Q is S in the top block."""
    parameters, masks, architecture, last = batch
    S, d, heads = len(last), architecture.dim, architecture.heads
    weight, bias = (parameters[f"blocks.{layer}.query_key_value.{kind}"] for kind in ("weight", "bias"))
    position = torch.arange(len(x) // S, device=x.device)
    if top:
        ends = last[:, None, None].expand(S, 1, d)
        residual = x.view(S, -1, d).gather(1, ends).squeeze(1)
        query = functional.linear(residual, weight[:d], bias[:d])
        key, value = functional.linear(x, weight[d:], bias[d:]).chunk(2, dim=1)
        hidden = position > last[:, None, None, None]  # [S, 1, 1, T]
    else:
        residual = x
        query, key, value = functional.linear(x, weight, bias).chunk(3, dim=1)
        hidden = position > position[:, None]  # [T, T]
    q, k, v = (part.reshape(S, -1, heads, d // heads).transpose(1, 2) for part in (query, key, value))
    scores = (q @ k.transpose(-1, -2)) / math.sqrt(d // heads)  # [S, heads, Q / S, T]
    weights = _drop(scores.masked_fill(hidden, -math.inf).softmax(-1), masks.get(f"layer{layer}.attention"))
    return (weights @ v).transpose(1, 2).reshape(-1, d), residual


def _linear(x: Tensor, parameters: Tensors, name: str) -> Tensor:
    return functional.linear(x, parameters[f"{name}.weight"], parameters[f"{name}.bias"])


def _norm(x: Tensor, parameters: Tensors, name: str, eps: float) -> Tensor:
    weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
    return functional.layer_norm(x, x.shape[-1:], weight, bias, eps)


def _drop(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask
