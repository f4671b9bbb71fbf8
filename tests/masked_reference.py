"""BERT4Rec's and S3Rec's equations in their slowest form: loops in float64, written from the papers.

Weights and masks are as in `reference`. Nothing here imports degen.
"""

from __future__ import annotations

import math

import numpy as np
import reference


class Bidirectional(reference.Reference):
    """The encoder in which a position attends to every position of its row, as BERT4Rec, section 3.3."""

    def at(self, rows, places, masks=None, dropout=(0.0, 0.0, 0.0)):
        """Return the encoded positions `places`, pairs (row, position), `[P, d]`, before any output layer."""
        self.masks = masks
        self.embedding_rate, self.hidden_rate, self.attention_rate = dropout
        states = [self._history(s, row) for s, row in enumerate(rows)]
        return np.array([states[s][t] for s, t in places])

    def bert4rec(self, rows, places):
        """h = LayerNorm(GELU(W x + b)) at `places`: BERT4Rec, Eq. 7 before its product with the items."""
        x = self.at(rows, places)
        activated = [reference.gelu(self._affine(state, "head.linear")) for state in x]
        return np.array([self._norm(state, "head.norm") for state in activated])

    def s3rec(self, rows, places):
        """W x + b at `places`: what S3Rec, Eq. 7, multiplies with an item's embedding."""
        return np.array([self._affine(state, "masked_item") for state in self.at(rows, places)])

    def _attend(self, s, t, queries, keys, values, site):
        width = len(queries[0]) // self.heads
        parts = []
        for head in range(self.heads):
            own = slice(head * width, (head + 1) * width)
            scores = [float(queries[t][own] @ key[own]) / math.sqrt(width) for key in keys]
            total = np.zeros(width)
            for u, share in enumerate(reference.softmax(scores)):
                share = self._kept(share, f"{site}.attention", (s, head, t, u), self.attention_rate)
                total += share * values[u][own]
            parts.append(total)
        return np.concatenate(parts)


def cross_entropy(h, V, bias, targets):
    """BERT4Rec, Eq. 8: the mean over hidden places of -log softmax(V h + b)[target]."""
    total = 0.0
    for context, target in zip(h, targets, strict=True):
        scores = [float(context @ item) + b for item, b in zip(V, bias, strict=True)]
        total -= math.log(reference.softmax(scores)[target])
    return total / len(targets)


def masked_item_loss(h, V, targets, negatives, *, double):
    """S3Rec, Eq. 8: the mean of -log σ(f(target) - f(negative)); f is σ(h·v), or h·v where not `double`."""
    outer = reference.sigmoid if double else float
    total = 0.0
    for context, target, negative in zip(h, targets, negatives, strict=True):
        difference = outer(float(context @ V[target])) - outer(float(context @ V[negative]))
        total -= math.log(reference.sigmoid(difference))
    return total / len(targets)
