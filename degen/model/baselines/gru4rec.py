"""GRU4Rec (Hidasi et al., ICLR 2016) with the inputs and samples of Tan et al. (DLRS 2016).

    history ─► V[item], dropout ─► GRU layers ─► linear map of the state at the last item ─► h   [S, d]

    a layer, from the state s and the input x:
        r = σ(W_r x + b_r + U_r s + c_r)             reset gate
        z = σ(W_z x + b_z + U_z s + c_z)             update gate
        n = tanh(W_n x + b_n + r ∘ (U_n s + c_n))    candidate
        s = (1 - z) ∘ n + z ∘ s

Scores are h·v with the input's own table V (tied), so that Eq. 4 holds with the full softmax. The state
starts at 0 with every history and is read at the real last item: padding does not exist here. Sequences are
packed, step by step those that are still going on, so that h of any prefix is a row of the same pass.

The authors' library has a GRU without biases (b = c = 0).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from degen.data.sampling.histories import Int
from degen.model.baselines.initial import xavier_normal, xavier_uniform
from degen.model.baselines.packed_gru import packed_gru
from degen.model.encoders.dropout import Dropout
from degen.model.encoders.interface import Encoder
from degen.model.encoders.ragged_layout import on


class Gru4Rec(Encoder):
    """GRU4Rec with tied item embeddings.

    Parameters
    ----------
    n_items, dim, max_length, embedding_dropout, initial seed
        as in `degen.model.encoders.parameters.EncoderParameters`; dropout acts on the inputs.
    layers, hidden_size
        number of GRU layers and width of their states.
    gru_bias
        whether the gates have biases.
    output_bias
        whether items have a bias in the score.
    """

    def __init__(
        self,
        n_items: int,
        *,
        dim: int = 64,
        layers: int = 1,
        hidden_size: int = 128,
        max_length: int = 50,
        embedding_dropout: float = 0.3,
        gru_bias: bool = True,
        output_bias: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        self.n_items, self.max_length, self.embedding_dropout = n_items, max_length, embedding_dropout
        self.sparse_items = False
        self.item_embeddings = nn.Parameter(torch.empty(n_items + 1, dim))
        self.item_bias = nn.Parameter(torch.zeros(n_items + 1)) if output_bias else None
        self.gru = nn.GRU(dim, hidden_size, layers, bias=gru_bias)
        self.output = nn.Linear(hidden_size, dim)
        self._initialize(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _initialize(self, generator: torch.Generator) -> None:
        xavier_normal(self.item_embeddings, generator)
        for name, weight in [*self.gru.named_parameters(), *self.output.named_parameters()]:
            if "bias" in name:
                weight.zero_()
            else:  # of every layer, and of the three gates at once, as the library takes them
                xavier_uniform(weight, generator)

    @property
    def nothing(self) -> Tensor:
        """Representations `[0, d]` of no history, whose gradient is dense and small."""
        return self.output.weight.T[:0]

    def forward(
        self,
        items: Tensor,
        lengths: Tensor,
        dropout: Dropout | None = None,
        at: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Encode histories as `SequenceEncoder.forward` does: `[S, d]`, or `[P, d]` at given positions."""
        steps = _Steps(lengths.numpy())
        x = functional.embedding(
            items[on(items.device, steps.tokens)], self.item_embeddings, sparse=self.sparse_items
        )
        if dropout is not None and self.embedding_dropout > 0:

            def cut(mask: Tensor) -> Tensor:
                return mask[steps.sequence, steps.position]

            x = x * dropout.mask("embedding", tuple(x.shape), self.embedding_dropout, cut, x)
        states = self._states(x, torch.from_numpy(steps.batch_sizes))
        ends = (torch.arange(len(lengths)), lengths - 1) if at is None else at
        rows = steps.rows(*(index.numpy() for index in ends))
        h: Tensor = self.output(states[on(items.device, rows)])
        return h

    def _states(self, x: Tensor, batch_sizes: Tensor) -> Tensor:
        """Return the states of the last layer, `[N, hidden_size]`, of packed inputs `[N, d]`."""
        if x.device.type == "cuda":  # one kernel of cuDNN does all steps
            states: Tensor = self.gru(PackedSequence(x, batch_sizes))[0].data
            return states
        weights = dict(self.gru.named_parameters())
        for layer in range(self.gru.num_layers):
            W, U = (weights[f"weight_{kind}_l{layer}"] for kind in ("ih", "hh"))
            b, c = (weights.get(f"bias_{kind}_l{layer}") for kind in ("ih", "hh"))
            x = packed_gru(functional.linear(x, W, b), U, c, batch_sizes.tolist())
        return x


class _Steps:
    """Order of the tokens of S histories step by step: of each step all histories that reach it.

    `tokens`, int64 `[N]`, are the places of the tokens in the flat histories, in this order; `sequence` and
    `position` say where each is from. `batch_sizes` is the number of histories at each step.
    """

    def __init__(self, lengths: Int):
        order = np.argsort(-lengths, kind="stable")
        self._rank = np.empty_like(order)
        self._rank[order] = np.arange(len(order))
        ends = np.cumsum(lengths)
        # Histories that are longer than each step: those of length ≥ t + 1.
        reached = np.cumsum(np.bincount(lengths)[::-1])[::-1][1:]
        self.batch_sizes: Int = reached.astype(np.int64)
        self._starts = np.cumsum(reached) - reached
        within = np.arange(int(lengths.sum())) - np.repeat(self._starts, reached)
        self.position = np.repeat(np.arange(len(reached)), reached)
        self.sequence = order[within]
        self.tokens: Int = (ends - lengths)[self.sequence] + self.position

    def rows(self, sequence: Int, position: Int) -> Int:
        """Return the places in this order of given positions of given histories."""
        rows: Int = self._starts[position] + self._rank[sequence]
        return rows
