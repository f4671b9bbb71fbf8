"""The plain encoder, to which tests hold the fast one: histories padded, every position computed."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from degen.data.sequences import PAD
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.parameters import Block, EncoderParameters


def encode_plain(
    encoder: EncoderParameters,
    items: Tensor,
    lengths: Tensor,
    dropout: Dropout | None = None,
    at: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Encode ragged histories as `SequenceEncoder.forward` does: `[S, d]`, or `[P, d]` at given positions."""
    padded = pad(items, lengths, encoder.max_length)
    tokens = functional.embedding(padded, encoder.item_embeddings, sparse=encoder.sparse_items)
    x = tokens + encoder.position_embeddings  # [S, T, d]
    x = _drop("embedding", encoder.input_norm(x), encoder.embedding_dropout, dropout)
    T = encoder.max_length
    unseen = torch.ones(T, T, dtype=torch.bool).triu(1)  # later positions
    if encoder.bidirectional:
        unseen = torch.arange(T) >= lengths[:, None, None, None]  # padding
    for number, block in enumerate(encoder.blocks):
        x = _block(encoder, cast(Block, block), f"layer{number}", x, unseen.to(x.device), dropout)
    sequence, position = (torch.arange(len(lengths)), lengths - 1) if at is None else at
    return x[sequence.to(x.device), position.to(x.device)]


def pad(items: Tensor, lengths: Tensor, width: int) -> Tensor:
    """Lay ragged histories `[N]` out as `[S, width]`, padding on the right."""
    real = torch.arange(width) < lengths[:, None]
    padded = items.new_full((len(lengths), width), PAD)
    padded[real.to(items.device)] = items
    return padded


def _block(
    encoder: EncoderParameters, block: Block, name: str, x: Tensor, unseen: Tensor, dropout: Dropout | None
) -> Tensor:
    """Eq. 9, one block, all positions: `[S, T, d]`; `unseen`, bool, is True for keys hidden from a query."""
    S, T, d = x.shape
    qkv = block.query_key_value(x).view(S, T, 3, encoder.heads, d // encoder.heads)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [S, heads, T, d/heads]
    scores = q @ k.transpose(-1, -2) / math.sqrt(d // encoder.heads)
    weights = scores.masked_fill(unseen, -math.inf).softmax(-1)
    mixed = _drop(f"{name}.attention", weights, encoder.attention_dropout, dropout) @ v
    mixed = block.attention_output(mixed.transpose(1, 2).reshape(S, T, d))
    x = block.attention_norm(x + _drop(f"{name}.attention_output", mixed, encoder.hidden_dropout, dropout))
    value = block.feed_forward_out(functional.gelu(block.feed_forward_in(x)))
    value = _drop(f"{name}.feed_forward", value, encoder.hidden_dropout, dropout)
    output: Tensor = block.feed_forward_norm(x + value)
    return output


def _drop(site: str, x: Tensor, rate: float, dropout: Dropout | None) -> Tensor:
    if dropout is None or rate == 0:
        return x
    return x * dropout.mask(site, tuple(x.shape), rate, lambda mask: mask, x)
