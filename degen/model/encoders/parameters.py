"""Parameters of the shared encoder, the same for every engine."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from degen.model.encoders.interface import Encoder

Engine = Literal["fast", "plain"]


class Block(nn.Module):
    """The parameters of one Transformer block."""

    def __init__(self, dim: int, feed_forward: int, eps: float):
        super().__init__()
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.attention_output = nn.Linear(dim, dim)
        self.attention_norm = nn.LayerNorm(dim, eps=eps)
        self.feed_forward_in = nn.Linear(dim, feed_forward)
        self.feed_forward_out = nn.Linear(feed_forward, dim)
        self.feed_forward_norm = nn.LayerNorm(dim, eps=eps)


class EncoderParameters(Encoder):
    """The item and position embeddings and the Transformer's weights.

    Parameters
    ----------
    n_items
        number of real items; the embedding table has two more rows: 0 is padding, `n_items + 1` is CL4SRec's
        mask token.
    dim, layers, heads, feed_forward
        d, number of blocks, attention heads (they divide d), width of the feed-forward part.
    max_length
        longest history, hence number of learned positions; position 0 is the oldest item kept.
    embedding_dropout, hidden_dropout, attention_dropout
        rates in [0, 1): after the input norm, before each residual sum, on the attention weights.
    initializer_range
        standard deviation of the normal initial weights; biases start at 0.
    seed
        of the initial weights.
    engine
        `fast` or `plain`; the same numbers up to rounding.
    """

    def __init__(
        self,
        n_items: int,
        *,
        dim: int = 64,
        layers: int = 2,
        heads: int = 2,
        feed_forward: int = 256,
        max_length: int = 50,
        embedding_dropout: float = 0.5,
        hidden_dropout: float = 0.5,
        attention_dropout: float = 0.5,
        initializer_range: float = 0.02,
        layer_norm_eps: float = 1e-12,
        seed: int = 0,
        engine: Engine = "fast",
    ):
        super().__init__()
        self.n_items, self.heads, self.max_length, self.engine = n_items, heads, max_length, engine
        self.embedding_dropout, self.hidden_dropout = embedding_dropout, hidden_dropout
        self.attention_dropout = attention_dropout
        self.bidirectional = False  # whether a position sees those after it too
        self.item_embeddings = nn.Parameter(torch.empty(n_items + 2, dim))
        self.item_bias = None
        self.sparse_items = False  # whether the table's gradient from the inputs is sparse
        self.position_embeddings = nn.Parameter(torch.empty(max_length, dim))
        self.input_norm = nn.LayerNorm(dim, eps=layer_norm_eps)
        self.blocks = nn.ModuleList(Block(dim, feed_forward, layer_norm_eps) for _ in range(layers))
        self._initialize(initializer_range, torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _initialize(self, std: float, generator: torch.Generator) -> None:
        for name, parameter in self.named_parameters():
            if "norm" in name:
                continue
            if name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.normal_(0, std, generator=generator)

    @property
    def nothing(self) -> Tensor:
        """Representations `[0, d]` of no history, whose gradient is dense and small."""
        return self.position_embeddings[:0]
