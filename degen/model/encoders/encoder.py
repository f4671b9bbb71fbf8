"""The shared Transformer encoder of all variants (Eq. 8-9) and the scores (Eq. 10).

    history ─► V[item] + P[position] ─► LayerNorm, dropout ─► L causal blocks ─► h at the last item   [S, d]

    a block, post-norm as in BERT:
        x = LayerNorm(x + dropout(attention(x)))
        x = LayerNorm(x + dropout(W₂ GELU(W₁ x)))

Two engines give the same h. `plain` (degen.model.encoders.plain) pads every history to the maximum length and
computes every position. `fast`, here, uses what is exact and cheaper: histories lie in groups of similar
length (degen.model.encoders.ragged_layout), and the top block computes the last position only. With right
padding and a causal mask no padding reaches h.

The h of any prefix is a position of the same pass, since a position sees what came before it and nothing
else: `at` asks for such positions (degen.data.sampling.windows finds the prefixes that share a sequence).

Where `bidirectional` is set, as for BERT4Rec, attention has no causal mask: a position sees all others of its
history, and padding stays hidden. Then h of a position depends on the items after it, and no prefix can share
a pass. The shortcuts of the layout and of the top block stay exact.
"""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from degen.model.encoders.dropout import Dropout
from degen.model.encoders.parameters import Block, EncoderParameters
from degen.model.encoders.plain import encode_plain
from degen.model.encoders.ragged_attention import attend, cut_mask, mask_size
from degen.model.encoders.ragged_layout import Int, Layout, on


class SequenceEncoder(EncoderParameters):
    """Encode histories into sequence representations h (Eq. 8-9); its parameters are `EncoderParameters`'."""

    def forward(
        self,
        items: Tensor,
        lengths: Tensor,
        dropout: Dropout | None = None,
        at: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Encode S histories, at their last items or at given positions.

        Parameters
        ----------
        items
            int64 `[N]`: the histories one after another, oldest item first, values 1 … n_items + 1.
        lengths
            int64 `[S]` on the CPU, each in 1 … max_length, with sum N.
        dropout
            where the masks come from; None for no dropout.
        at
            int64 `[P]` sequence numbers and int64 `[P]` positions below their lengths, both on the CPU, any
            number of each sequence; None for the last item of each.

        Returns
        -------
        h `[S, d]` in the order of the input, or `[P, d]` in that of `at`: without dropout, the h of the
        prefixes that end there.
        """
        if at is None:
            items, lengths = self.shown(items, lengths)
        encode = encode_plain if self.engine == "plain" else SequenceEncoder._encode_fast
        return self.output(encode(self, items, lengths, dropout, at))

    def shown(self, items: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return histories, `items` and `lengths` as in `forward`, as they are read; here as they are."""
        return items, lengths

    def output(self, x: Tensor) -> Tensor:
        """Map encoded positions `[P, d]` to representations; here they are the same."""
        return x

    def _encode_fast(
        self, items: Tensor, lengths: Tensor, dropout: Dropout | None, at: tuple[Tensor, Tensor] | None
    ) -> Tensor:
        """Encode ragged histories as `forward` does, in groups of similar length."""
        layout = Layout.of(lengths.numpy(), bidirectional=self.bidirectional)
        rows = layout.last if at is None else layout.tokens_at(*(index.numpy() for index in at))
        tokens = functional.embedding(layout.spread(items), self.item_embeddings, sparse=self.sparse_items)
        positions = functional.embedding(on(items.device, layout.position), self.position_embeddings)
        x: Tensor = self.input_norm(tokens + positions)  # Eq. 8 on flat tokens, [n_tokens, d]
        mask = self._token_mask("embedding", x, self.embedding_dropout, layout, dropout, rows=None)
        x = x if mask is None else x * mask
        for number, block in enumerate(self.blocks):
            top = number == len(self.blocks) - 1
            x = self._block(
                cast(Block, block), f"layer{number}", x, layout, dropout, rows=rows if top else None
            )
        return x[on(items.device, layout.back)] if at is None else x[: len(at[0])]

    def _block(
        self,
        block: Block,
        name: str,
        x: Tensor,
        layout: Layout,
        dropout: Dropout | None,
        *,
        rows: Int | None,
    ) -> Tensor:
        """Eq. 9, one block: `[n_tokens, d]` to the same, or to the tokens `rows` only, `[len(rows), d]`."""
        d, linear = x.shape[1], block.query_key_value
        residual = x if rows is None else x[on(x.device, rows)]
        last = rows is layout.last  # the one choice of rows for which other queries are never computed
        if last:
            query = functional.linear(residual, linear.weight[:d], linear.bias[:d])
            key_value = functional.linear(x, linear.weight[d:], linear.bias[d:])
        else:
            query, key_value = linear(x).split([d, 2 * d], dim=1)
        mask = self._attention_mask(name, query, layout, dropout, last=last)
        mixed = attend(query, key_value, layout, self.heads, mask, last=last)
        if rows is not None and not last:
            mixed = mixed[on(x.device, rows)]

        def add_and_normalize(to: Tensor, value: Tensor, norm: nn.Module, site: str) -> Tensor:
            mask = self._token_mask(f"{name}.{site}", value, self.hidden_dropout, layout, dropout, rows=rows)
            total: Tensor = norm(to + value if mask is None else torch.addcmul(to, value, mask))
            return total

        x = add_and_normalize(
            residual, block.attention_output(mixed), block.attention_norm, "attention_output"
        )
        value = block.feed_forward_out(functional.gelu(block.feed_forward_in(x)))
        return add_and_normalize(x, value, block.feed_forward_norm, "feed_forward")

    def _attention_mask(
        self, name: str, like: Tensor, layout: Layout, dropout: Dropout | None, *, last: bool
    ) -> Tensor | None:
        """The flat mask of a block's attention weights that `attend` takes; None where nothing is dropped."""
        if dropout is None or self.attention_dropout == 0:
            return None
        shape, cut = (mask_size(layout, self.heads, last=last),), partial(cut_mask, layout=layout, last=last)
        return dropout.mask(f"{name}.attention", shape, self.attention_dropout, cut, like)

    def _token_mask(
        self, site: str, x: Tensor, rate: float, layout: Layout, dropout: Dropout | None, *, rows: Int | None
    ) -> Tensor | None:
        """The mask for token rows, or for `rows` of them; None where nothing is dropped."""
        if dropout is None or rate == 0:
            return None

        def cut(mask: Tensor) -> Tensor:
            which = slice(None) if rows is None else rows
            return mask[layout.sequence[which], layout.position[which]]

        return dropout.mask(site, tuple(x.shape), rate, cut, x)
