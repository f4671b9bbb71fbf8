"""Training steps on a pretended GPU: on one device, the CPU's numbers, and no step waits without need."""

from __future__ import annotations

import pytest
import torch
from pretended_cuda import DEVICE

from degen.model.variants import MITIGATIONS, VARIANTS
from degen.training.padded.stack import Stack
from degen.training.trainer import Trainer

CPU = torch.device("cpu")
STEPS = 2
RUNS = {"seed": 0}, {"seed": 3, "lambda": 0.5, "temperature": 0.4, "learning_rate": 0.003}
LOSSES = [
    (name, rec_loss)
    for name, variant in (VARIANTS | MITIGATIONS).items()
    for rec_loss in ("ce", "bce", "bpr")
    if rec_loss == "ce" or variant.recommendation is None
]


def of_stack(stack: Stack, cuda=None) -> tuple[list[dict[str, float]], torch.Tensor]:
    """The mean losses of a few steps, and the weights after them."""
    epoch = stack.epoch(1, STEPS)
    for _ in range(STEPS):
        epoch.step()
    if cuda is not None:
        assert not cuda.waits
    return [run.mean_losses() for run in epoch.epochs], stack.weights.detach().cpu()


@pytest.mark.parametrize(("variant", "rec_loss"), LOSSES)
def test_a_stack_moves_its_runs_as_on_the_cpu_and_never_waits(config, dataset, cuda, variant, rec_loss):
    configs = [config(variant=variant, rec_loss=rec_loss, weight_decay=0.01, **run) for run in RUNS]
    stacks = [Stack([Trainer(one, dataset, device) for one in configs]) for device in (CPU, DEVICE)]
    cuda.waits.clear()
    (expected, weights), (losses, moved) = of_stack(stacks[0]), of_stack(stacks[1], cuda)
    assert losses == expected
    assert torch.equal(moved, weights)


@pytest.mark.parametrize("runs", [1, 2])
def test_dropout_masks_are_drawn_on_the_device(config, dataset, cuda, runs):
    def stack(dropout: float) -> Stack:
        configs = [config(variant="duorec", dropout=dropout, seed=seed) for seed in range(runs)]
        return Stack([Trainer(one, dataset, DEVICE) for one in configs])

    dropped, plain = stack(0.3), stack(0.0)
    cuda.waits.clear()
    assert of_stack(dropped, cuda)[0] != of_stack(plain)[0]


OF_ROWS = "_unique2", "_coalesce"
"""Which rows of a sparse gradient there are."""

BY_BLOCKS = "_coalesce", "copy to the CPU"
"""The rows, and where each block of items begins among them."""


@pytest.mark.parametrize(
    ("settings", "reasons"),
    [
        ({}, ()),
        ({"rec_loss": "bpr"}, ()),
        ({"rec_loss": "sampled"}, ()),
        ({"rec_loss": "sampled", "sampling": "uniform", "negatives": 9}, ()),
        ({"variant": "item-uniformity"}, ()),
        ({"item_optimizer": "sgd"}, ()),
        ({"item_optimizer": "coupled-adam"}, ()),
        ({"rec_loss": "gbce", "negatives": 3}, ()),
        ({"batch_by": "users"}, ()),
        ({"engine": "plain"}, ("copy to the device", "index_put_ by a mask")),
        ({"rec_loss": "bce", "item_updates": "lazy"}, OF_ROWS),
        ({"rec_loss": "sampled", "item_updates": "lazy"}, OF_ROWS),
        ({"item_block": 5}, BY_BLOCKS),
        ({"item_block": 5, "batch_by": "users"}, BY_BLOCKS),
        ({"rec_loss": "bce", "item_block": 5}, ("_unique2", *BY_BLOCKS)),
    ],
    ids=str,
)
def test_steps_of_varying_shape_do_on_the_device_what_they_do_on_the_cpu(
    config, dataset, cuda, settings, reasons
):
    def steps(device: torch.device) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
        trainer = Trainer(config(**{"variant": "duorec", "batch_size": 16, **settings}), dataset, device)
        epoch = trainer.epoch(1)
        with cuda.may_wait(*(reasons if device is DEVICE else ())):
            for _ in range(STEPS):
                epoch.step()
        return epoch.mean_losses(), {name: w.cpu() for name, w in trainer.encoder.state_dict().items()}

    (expected, weights), (losses, moved) = steps(CPU), steps(DEVICE)
    assert losses == pytest.approx(expected, rel=1e-6)
    for name, weight in weights.items():
        torch.testing.assert_close(moved[name], weight, rtol=0, atol=1e-4)
