"""The training objective (Eq. 15): the sum of a step's losses."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def objective(
    recommendation: Tensor,
    contrastive: Tensor,
    lam: float | Tensor,
    item_losses: Sequence[Tensor] = (),
    item_weight: float = 0.0,
    processes: int = 1,
) -> Tensor:
    """Eq. 15: ℓ = ℓ_Rec + λ ℓ_Reg, and γ times a mitigation's loss of the item embeddings, where it has one.

    Losses are scalars, or `[R]` for R runs. An item loss is divided by the number of processes, each of which
    adds the same one to a sum of gradients.
    """
    total = recommendation + lam * contrastive
    for item_loss in item_losses:
        total = total + item_weight * item_loss / processes
    return total
