"""Stacks of runs that a GPU trains as one model: which runs go together, and how many fit into its memory.

A worker on CUDA takes a free run and, with it, free runs that differ from it only in seed, dropout rates, λ,
τ and learning rate (`degen.training.rules`). On a CPU runs train alone: there a stack gains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from degen.config.schema import Config
from degen.training.rules import shared_settings

FLOAT = 4
"""Bytes of a number."""

SHARE_OF_MEMORY = 0.7
"""Part of a GPU's free memory that a stack is planned for."""

COPIES = 4
"""Weights, gradients and Adam's two moments."""

SCORES = 3
"""Arrays of a batch's scores that a step holds at once: the scores, their softmax and its gradient."""

VIEWS = 3
"""Sequences that a step encodes per sample, at most: h and two views."""

ACTIVATIONS = 16
"""Numbers that a block keeps per position and dimension for the backward pass, feed-forward included."""


def run_bytes(config: Config, n_items: int) -> int:
    """Return the memory that a run adds to a stack, an estimate that errs upwards.

    >>> run_bytes(Config(), 12_101) // 2**20
    348
    """
    model, batch = config.model, config.training.batch_size
    block = 4 * model.dim**2 + 2 * model.dim * model.feed_forward
    weights = (n_items + model.max_length + 2) * model.dim + model.layers * block
    encoded = VIEWS * batch * model.max_length * model.dim * model.layers * ACTIVATIONS
    return FLOAT * (COPIES * weights + SCORES * batch * n_items + encoded)


def stacks(configs: Sequence[Config], n_items: int, memory: int) -> list[list[int]]:
    """Return the numbers of the runs of one log that train together, in the order of their first runs.

    Parameters
    ----------
    configs
        configurations of runs that can be stacked.
    n_items
        number of items of the log.
    memory
        bytes that a stack may take; a single run is never refused.
    """
    alike: dict[str, list[int]] = {}
    for number, config in enumerate(configs):
        alike.setdefault(repr(shared_settings(config)), []).append(number)
    found = []
    for members in alike.values():
        most = max(1, memory // run_bytes(configs[members[0]], n_items))
        found += [members[first : first + most] for first in range(0, len(members), most)]
    return sorted(found)


def companions(config: Config, others: Sequence[Config]) -> list[int]:
    """Return the numbers of the runs that this worker's GPU can train together with a run; none on a CPU.

    `others` are configurations of free runs, without `config`'s.
    """
    from degen.build import load_data
    from degen.device import pick_device
    from degen.training.rules import why_alone

    device = pick_device(config.training.device)
    if device.type != "cuda":
        return []
    import torch

    n_items = load_data(config.data).sequences.n_items
    if why_alone(config, n_items, device):
        return []
    free, _ = torch.cuda.mem_get_info(device)
    return [number - 1 for number in stacks([config, *others], n_items, int(SHARE_OF_MEMORY * free))[0][1:]]
