"""The pretended device itself: the CPU's numbers, refused mixtures, noted waits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pretended_cuda import DEVICE, DeviceTensor, MixedDevices
from torch.nn import functional


def test_tensors_are_on_the_device_from_wherever_they_come(cuda):
    x = torch.arange(6.0, device=DEVICE)
    made = [
        x.view(2, 3)[0],
        x.new_zeros(2),
        torch.zeros_like(x),
        x.cpu().to(DEVICE),
        torch.tensor([1], device=DEVICE),
    ]
    assert all(isinstance(tensor, DeviceTensor) and tensor.device == DEVICE for tensor in made)
    assert x.cpu().device.type == torch.arange(3).device.type == "cpu"
    seen = []
    torch.func.vmap(lambda row: seen.append(row.device) or row.sum())(x.view(2, 3))
    assert seen == [DEVICE]


def test_what_is_computed_is_what_the_cpu_computes(cuda):
    def gradients(device: torch.device | str) -> list[list[float]]:
        weight = torch.linspace(-1, 1, 12).view(4, 3).to(device).requires_grad_()
        rows = functional.embedding(torch.tensor([0, 2, 2]).to(device), weight)
        ones = torch.ones(3).to(device)
        loss = torch.func.vmap(lambda row: row.square().sum() + ones @ row)(rows).sum()
        loss.backward()
        with torch.no_grad():
            weight[1] += weight.grad[2]
            weight.data = weight.data * 2
        return [weight.tolist(), weight.grad.tolist()]

    assert gradients(DEVICE) == gradients("cpu")


def test_operations_refuse_to_mix_devices(cuda):
    x, on_cpu = torch.ones(3, device=DEVICE), torch.ones(3)
    for mix in (
        lambda: x + on_cpu,
        lambda: on_cpu @ x,
        lambda: x.masked_fill(on_cpu > 0, 0),
        lambda: x.add_(on_cpu),
    ):
        with pytest.raises(MixedDevices):
            mix()
    with pytest.raises(MixedDevices, match="copy it to the CPU"):
        x.numpy()
    assert (x + torch.tensor(1.0)).tolist() == [2, 2, 2]  # a single number goes with the kernel


@pytest.mark.parametrize(
    ("wait", "reason"),
    [
        (lambda x: x.sum().item(), "_local_scalar_dense"),
        (lambda x: bool((x > 0).all()), "_local_scalar_dense"),
        (lambda x: x.tolist(), "copy to the CPU"),
        (lambda x: x.cpu(), "copy to the CPU"),
        (lambda x: x[x > 0], "index by a mask"),
        (lambda x: x.nonzero(), "nonzero"),
        (lambda x: x.unique(), "_unique2"),
        (lambda x: x[torch.tensor([0])], "index on the CPU"),
        (lambda x: x[np.array([0])], "copy to the device"),
        (lambda x: x.__setitem__(range(2), 1), "copy to the device"),
        (lambda x: x.copy_(torch.ones(3)), "copy to the device"),
        (lambda x: torch.ones(3).to(x.device), "copy to the device"),
        (lambda x: torch.tensor([1.0], device=x.device), "copy to the device"),
    ],
)
def test_what_makes_the_host_wait_is_noted(cuda, wait, reason):
    x = torch.zeros(3, device=DEVICE)
    assert not cuda.waits
    with cuda.may_wait(reason):
        wait(x)
    with pytest.raises(AssertionError, match=f"waits for.*{reason}"), cuda.may_wait():
        wait(x)


def test_what_lets_the_host_go_on_is_not_noted(cuda):
    x = torch.zeros(3, device=DEVICE)
    x[torch.zeros(2, dtype=torch.int64).pin_memory().to(DEVICE, non_blocking=True)] += 1
    x.where(x > 0, 0).sum()
    x.copy_(torch.ones(3), non_blocking=True)
    assert not cuda.waits
