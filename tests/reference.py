"""The paper's equations in their slowest form: plain loops in float64, written from the equations.

Histories are lists of item numbers, oldest first. Weights are NumPy arrays under the names of the encoder's
parameters. A dropout mask is an array of booleans, True where a value is kept; without masks all are kept.
Nothing here imports degen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

Masks = Callable[[str], np.ndarray]


# Eq. 8, 9: the encoder


def layer_norm(x, weight, bias, eps):
    mean = sum(x) / len(x)
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    scale = math.sqrt(variance + eps)
    return np.array([(v - mean) / scale * w + b for v, w, b in zip(x, weight, bias, strict=True)])


def gelu(x):
    return np.array([value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x])


def softmax(scores):
    largest = max(scores)
    powers = [math.exp(score - largest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


class Reference:
    """Eq. 8-9 for one history after another, one head after another, one position after another."""

    def __init__(self, weights: Mapping[str, np.ndarray], *, layers: int, heads: int, eps: float = 1e-12):
        self.weights = {name: np.asarray(value, dtype=np.float64) for name, value in weights.items()}
        self.layers, self.heads, self.eps = layers, heads, eps

    def encode(self, histories: Sequence[Sequence[int]], masks: Masks | None = None, dropout=(0.0, 0.0, 0.0)):
        """Return h [S, d]; `dropout`: rates of embedding, hidden and attention, to scale what is kept."""
        self.masks = masks
        self.embedding_rate, self.hidden_rate, self.attention_rate = dropout
        return np.array([self._history(s, history)[-1] for s, history in enumerate(histories)])

    def _kept(self, value, site, index, rate):
        if self.masks is None:
            return value
        return value * np.asarray(self.masks(site))[index] / (1 - rate)

    def _affine(self, x, name):
        return self.weights[f"{name}.weight"] @ x + self.weights[f"{name}.bias"]

    def _norm(self, x, name):
        return layer_norm(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], self.eps)

    def _history(self, s, history):
        items, positions = self.weights["item_embeddings"], self.weights["position_embeddings"]
        states = []
        for t, item in enumerate(history):
            state = self._norm(items[item] + positions[t], "input_norm")
            states.append(self._kept(state, "embedding", (s, t), self.embedding_rate))
        for layer in range(self.layers):
            states = self._block(s, states, f"layer{layer}", f"blocks.{layer}")
        return states

    def _block(self, s, states, site, name):
        # The rows of the joint projection: all queries, all keys, all values; within each, head after head.
        projected = [self._affine(x, f"{name}.query_key_value") for x in states]
        d = len(states[0])
        queries, keys, values = ([p[part * d : (part + 1) * d] for p in projected] for part in range(3))
        out = []
        for t, x in enumerate(states):
            attended = self._affine(
                self._attend(s, t, queries, keys, values, site), f"{name}.attention_output"
            )
            attended = self._kept(attended, f"{site}.attention_output", (s, t), self.hidden_rate)
            x = self._norm(x + attended, f"{name}.attention_norm")
            fed = self._affine(gelu(self._affine(x, f"{name}.feed_forward_in")), f"{name}.feed_forward_out")
            fed = self._kept(fed, f"{site}.feed_forward", (s, t), self.hidden_rate)
            out.append(self._norm(x + fed, f"{name}.feed_forward_norm"))
        return out

    def _attend(self, s, t, queries, keys, values, site):
        width = len(queries[0]) // self.heads
        parts = []
        for head in range(self.heads):
            own = slice(head * width, (head + 1) * width)
            scores = [float(queries[t][own] @ keys[u][own]) / math.sqrt(width) for u in range(t + 1)]
            total = np.zeros(width)
            for u, share in enumerate(softmax(scores)):
                share = self._kept(share, f"{site}.attention", (s, head, t, u), self.attention_rate)
                total += share * values[u][own]
            parts.append(total)
        return np.concatenate(parts)


# Eq. 10, 11, and the two losses with sampled negatives


def score_items(h, V):
    return np.array([[sum(a * b for a, b in zip(context, item, strict=True)) for item in V] for context in h])


def recommendation_loss(h, V, targets):
    """Eq. 11, the mean over the batch."""
    return float(np.mean([-math.log(softmax(s)[t]) for s, t in zip(score_items(h, V), targets, strict=True)]))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def bce_loss(h, V, targets, negatives):
    """SASRec's own: -log σ(target's score) - mean over the negatives of log(1 - σ(score)); batch mean."""
    scores, total = score_items(h, V), 0.0
    for b, target in enumerate(targets):
        total -= math.log(sigmoid(scores[b][target]))
        total -= sum(math.log(1 - sigmoid(scores[b][n])) for n in negatives[b]) / len(negatives[b])
    return total / len(targets)


def gbce_loss(h, V, targets, negatives, t, n_items):
    """gSASRec's: minus the mean of log σ(target's score)^β and k times log(1 - σ(negative's)); batch mean."""
    scores, total = score_items(h, V), 0.0
    k = len(negatives[0])
    alpha = k / (n_items - 1)
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    for b, target in enumerate(targets):
        total -= math.log(sigmoid(scores[b][target]) ** beta)
        total -= sum(math.log(1 - sigmoid(scores[b][n])) for n in negatives[b])
    return total / (k + 1) / len(targets)


def bpr_loss(h, V, targets, negatives):
    """Log σ of how far the target's score lies above the negative's; the mean over all pairs of the batch."""
    scores = score_items(h, V)
    pairs = [(b, t, n) for b, t in enumerate(targets) for n in negatives[b]]
    return sum(-math.log(sigmoid(scores[b][t] - scores[b][n])) for b, t, n in pairs) / len(pairs)


# Eq. 14


def product(x, y, similarity):
    dot = sum(a * b for a, b in zip(x, y, strict=True))
    return (
        dot / (math.sqrt(sum(a * a for a in x)) * math.sqrt(sum(b * b for b in y)))
        if similarity == "cosine"
        else dot
    )


def one_direction(sources, positives, targets, temperature, similarity, same_target_negatives):
    """The first half of Eq. 14: mean over i of -log softmax toward positives[i] from sources[i]."""
    total = 0.0
    for i, source in enumerate(sources):
        toward_positive = math.exp(product(source, positives[i], similarity) / temperature)
        toward_all = toward_positive
        for j in range(len(sources)):
            if j == i or (targets[j] == targets[i] and not same_target_negatives):
                continue
            for view in (sources[j], positives[j]):
                toward_all += math.exp(product(source, view, similarity) / temperature)
        total -= math.log(toward_positive / toward_all)
    return total / len(sources)


def contrastive_loss(
    first, second, targets, temperature=1.0, *, similarity="dot", same_target_negatives=False, reduction="sum"
):
    """Eq. 14: both directions added, or (`mean`, as the authors' code does) averaged."""
    rest = (targets, temperature, similarity, same_target_negatives)
    both = one_direction(first, second, *rest) + one_direction(second, first, *rest)
    return both / 2 if reduction == "mean" else both


# Ranking


def rank(scores, target):
    """1 + how many items score higher + half of the others that score the same."""
    higher = sum(score > scores[target] for score in scores)
    others_equal = sum(score == scores[target] for score in scores) - 1
    return Fraction(1) + int(higher) + Fraction(int(others_equal), 2)
