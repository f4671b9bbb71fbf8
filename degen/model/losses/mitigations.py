"""Mitigations of degeneration from the literature, one small function per formula.

    in place of Eq. 11, from h `[B, d]`, V `[n, d]` and targets
    adversarial_loss         a margin ε‖v‖‖h‖ at the target (Wang et al. 2019)
    gated_loss               Eq. 4's push on rare items, scaled down (Yu et al. 2022)
    direct_au_loss           alignment and uniformity, no negatives (C. Wang et al. 2022)

    beside the recommendation loss, from V `[n, d]` alone, weighted by γ
    cosine_regularization    mean cosine of all pairs (Gao et al. 2019)
    spectrum_concentration   1 / participation ratio, ours, after spectrum control (L. Wang et al. 2020)
    uniform                  uniformity (Wang & Isola 2020), of some items

Tensors keep the precision that they are given. Losses are scalars. No shape depends on a value, so that all
of them work under `torch.func.vmap`. Cosine scores (Gupta et al. 2019) are in `degen.model.scores`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def adversarial_loss(h: Tensor, V: Tensor, targets: Tensor, *, epsilon: float, **_: object) -> Tensor:
    """Eq. 11 where each target's embedding is at its worst within a ball of radius ε‖v‖.

    D. Wang, C. Gong, Q. Liu, "Improving neural language modeling via adversarial training", ICML 2019. The
    worst point is v - ε‖v‖ h/‖h‖, so that the target's score is ⟨v, h⟩ - ε‖v‖‖h‖: a margin. (Their code
    takes it only where the cosine is positive, and holds the perturbation constant in the backward pass.)
    """
    v = functional.embedding(targets, V)
    margin = epsilon * v.norm(dim=1) * h.norm(dim=1)
    scores = (h @ V.T).scatter_add(1, targets[:, None], -margin[:, None])
    return functional.cross_entropy(scores, targets)


def gated_loss(
    h: Tensor, V: Tensor, targets: Tensor, *, per_step: Tensor, rare_rate: float, **_: object
) -> Tensor:
    """Eq. 11 in value and in the gradient of h; in that of V the push on rare items is scaled by `gates`.

    S. Yu et al., "Rare tokens degenerate all tokens", ACL 2022 (adaptive gradient gating): cross-entropy
    with V held constant, which trains the encoder, and cross-entropy of g ⊙ z + (1 - g) ⊙ z̄, z = V h̄ and
    the bar a constant, which trains V. Both have the same probabilities, so that one softmax is enough.
    """
    g = gates(targets, per_step, rare_rate).to(h.dtype)
    trains_h, trains_V = h @ V.detach().T, h.detach() @ V.T  # the same scores
    scores = torch.addcmul(trains_h, g, trains_V - trains_V.detach())
    return functional.cross_entropy(scores, targets)


def gates(targets: Tensor, per_step: Tensor, rare_rate: float) -> Tensor:
    """Compute the factor of each row's push on each class, in [0, 1], `[B, n]`.

    A class is rare if it is a target less than `rare_rate` times per step (α of Yu et al. 2022). In a row
    whose target is not rare, the gate of a rare class is its rate. In a row whose target is rare, it is the
    rate divided by the rare classes' mean, at most 1. The row's target and all other classes keep 1.
    `per_step`, `[n]`, is infinite for rows that are no item.
    """
    rare = per_step < rare_rate
    mean_rate = torch.where(rare, per_step, 0).sum() / rare.sum().clamp(min=1)
    beside_common = torch.where(rare, per_step, 1)
    beside_rare = torch.where(rare, (per_step / mean_rate.clamp(min=1e-12)).clamp(max=1), 1)
    by_row = torch.where(rare[targets][:, None], beside_rare, beside_common)
    return by_row.scatter(1, targets[:, None], 1)


def direct_au_loss(h: Tensor, V: Tensor, targets: Tensor, *, gamma: float, **_: object) -> Tensor:
    """Alignment of h with its target, and γ times the mean uniformity of h and of the batch's items.

    C. Wang et al., "Towards representation alignment and uniformity in collaborative filtering", KDD 2022
    (DirectAU), with h in place of the user's embedding; γ is 0.5 in their command for Beauty. Each
    item of the batch counts once here: two copies are a pair at distance 0, and would drown the rare items.
    """
    v = functional.embedding(targets, V)
    aligned = functional.normalize(h, dim=1) - functional.normalize(v, dim=1)
    spread = uniform(h) + uniform(v, first_of_each(targets))
    return aligned.square().sum(1).mean() + gamma * spread / 2


def first_of_each(values: Tensor) -> Tensor:
    """Mark the first occurrence of each value of `[B]`, bool `[B]`.

    >>> first_of_each(torch.tensor([7, 7, 9])).tolist()
    [True, False, True]
    """
    earlier = (values[:, None] == values).tril(-1)
    return ~earlier.any(1)


def uniform(x: Tensor, kept: Tensor | None = None, *, t: float = 2.0) -> Tensor:
    """Uniformity: log of the mean over pairs i < j of exp(-t‖x̂ᵢ - x̂ⱼ‖²); 0 where there is no pair.

    T. Wang, P. Isola, ICML 2020; on items of the catalogue as DirectAU (C. Wang et al., KDD 2022) has it on
    those of a batch. O(n² d). `kept`, bool `[n]`, are the rows of x `[n, d]` that count; None for all.
    """
    units = functional.normalize(x, dim=1)
    kernel = (2 * t * units @ units.T).exp_()  # of -t‖x̂ᵢ - x̂ⱼ‖² = 2t cos - 2t all but the constant
    diagonal = torch.exp(2 * t * units.square().sum(1))
    counted = x.new_ones(len(x)) if kept is None else kept.to(x.dtype)
    n_pairs = counted.sum() * (counted.sum() - 1)
    mean = (counted @ kernel @ counted - diagonal @ counted) / n_pairs.clamp(min=1)
    return torch.log(torch.where(n_pairs > 0, mean * math.exp(-2 * t), 1))


def cosine_regularization(V: Tensor) -> Tensor:
    """Sum of the cosines of all pairs i ≠ j over n²: (‖S‖² - n) / n², S the sum of the rows at length 1.

    J. Gao et al., "Representation degeneration problem in training natural language generation models", ICLR
    2019, γ = 1 there. O(n d) by the closed form; takes away the direction that the rows share, and no more.
    """
    total = functional.normalize(V, dim=1).sum(0)
    return (total @ total - len(V)) / len(V) ** 2


def spectrum_concentration(V: Tensor) -> Tensor:
    """‖VᵀV‖²_F / (tr VᵀV)² = Σσ⁴ / (Σσ²)² = 1 / participation ratio, from 1/d (a flat spectrum) to 1 (one
    direction).

    The aim is spectrum control's, the penalty is ours: L. Wang et al., "Improving neural language generation
    with spectrum control", ICLR 2020, decompose V = U Σ Wᵀ with soft orthogonality and guide Σ along a
    slowly falling prior. Here the d × d Gram matrix is enough: O(n d²), and no gradient of singular vectors,
    which has no bound where singular values meet.
    """
    gram = V.T @ V
    return gram.square().sum() / gram.trace().square()
