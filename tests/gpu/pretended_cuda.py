"""A CUDA device pretended on the CPU, in any build of PyTorch, without a driver.

A tensor on it computes on the CPU, so that a run can be compared number by number with the run on the CPU.
Python sees it on `cuda:0`, PyTorch's C++ on `meta`, whose operations are intercepted here as they are by
PyTorch's `FakeTensorMode`. As on a GPU, an operation refuses to mix devices; and whatever makes the host wait
for the device is noted. Kernels, speed and CUDA's own libraries are not tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = torch.device("cuda", 0)

SIZE_DEPENDS_ON_VALUES = {
    *("nonzero", "masked_select", "bincount", "_coalesce", "_unique2", "unique_dim", "unique_consecutive"),
    *("equal", "repeat_interleave", "_local_scalar_dense"),
}
"""Operations whose result, or its size, the host has to know: it waits for them."""

BY_INDEX = {"index", "index_put_", "_index_put_impl_", "_unsafe_index"}
"""Operations that copy indices on the CPU to the device by themselves, and wait for that."""


class MixedDevices(AssertionError):
    """An operation got tensors of the device and of the CPU."""


class DeviceTensor(Tensor):
    """A tensor on the device; `inner` is the tensor on the CPU that computes for it."""

    inner: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: Tensor) -> DeviceTensor:
        about: dict[str, Any] = {"dtype": inner.dtype, "layout": inner.layout, "device": "meta"}
        if inner.layout == torch.strided:
            about |= {"strides": inner.stride(), "storage_offset": inner.storage_offset()}
        made = Tensor._make_wrapper_subclass(cls, inner.size(), **about)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        raise AssertionError(f"{operation} on the pretended device after its end")

    @property
    def data(self) -> Tensor:
        return Tensor.data.__get__(self)

    @data.setter
    def data(self, value: DeviceTensor) -> None:
        Tensor.data.__set__(self, value)
        self.inner = value.inner

    def __getitem__(self, index: Any) -> Tensor:
        return super().__getitem__(on_device(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(on_device(index), value)

    def tolist(self):
        return self.cpu().tolist()

    def numpy(self):
        raise MixedDevices("a tensor of the device has no NumPy array; copy it to the CPU first")

    def __array__(self, *_given):
        return self.numpy()

    def __repr__(self) -> str:
        return f"DeviceTensor({self.inner})"


def on_device(index: Any) -> Any:
    """Bring NumPy's indices to the device, as PyTorch does by itself, and waits for it."""
    if isinstance(index, tuple):
        return tuple(map(on_device, index))
    return torch.as_tensor(index).to(DEVICE) if isinstance(index, np.ndarray | list | range) else index


def leaves(values: Iterable[Any]) -> Iterator[Any]:
    """Values, and those in lists of them."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from value
        else:
            yield value


def each(change: Callable[[Any], Any], value: Any) -> Any:
    """Change a value, or each in a list."""
    return type(value)(map(change, value)) if type(value) in (list, tuple) else change(value)


def inner_of(value: Any) -> Any:
    return value.inner if isinstance(value, DeviceTensor) else value


class PretendedCuda(TorchDispatchMode):
    """Computes for the device and for the CPU.

    Attributes
    ----------
    waits
        how often the host waited for the device, by operation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name, kwargs = operation._schema.name.removeprefix("aten::"), kwargs or {}
        if name == "is_pinned":
            return False
        if name == "_pin_memory":
            return args[0].clone()
        tensors = [value for value in leaves((*args, *kwargs.values())) if isinstance(value, Tensor)]
        here = [tensor for tensor in tensors if isinstance(tensor, DeviceTensor)]
        if not here and kwargs.get("device") is None:
            return operation(*args, **kwargs)
        if any(tensor.device.type == "meta" for tensor in tensors):
            raise MixedDevices(f"{name} of a tensor that PyTorch made unseen")
        onto_device = isinstance(args[0], DeviceTensor) if name == "copy_" else bool(here)
        if kwargs.get("device") is not None:
            onto_device = torch.device(kwargs["device"]).type in ("cuda", "meta")
            kwargs = {**kwargs, "device": torch.device("cpu")}
        if name in ("copy_", "_to_copy"):
            self._note_copy(tensors, onto_device, non_blocking(name, args, kwargs))
        else:
            self._check(name, tensors, here)
        if onto_device and torch.Tag.inplace_view in operation.tags:
            with no_dispatch():
                operation(*args, **kwargs)  # gives the tensor on the device itself another shape
        owners = {id(tensor.inner): tensor for tensor in here}

        def owned(value: Any) -> Any:
            """What was computed in place is what was given; all else is a tensor of its own."""
            if not onto_device or not isinstance(value, Tensor):
                return value
            return owners.get(id(value)) if id(value) in owners else DeviceTensor(value)

        inner = [each(inner_of, value) for value in args]
        return each(owned, operation(*inner, **{key: each(inner_of, value) for key, value in kwargs.items()}))

    def _note_copy(self, tensors: list[Tensor], onto_device: bool, without_waiting: bool) -> None:
        for source in tensors[-1:]:  # a number of Python's has none
            from_device = isinstance(source, DeviceTensor)
            if from_device and not onto_device:
                self.waits["copy to the CPU"] += 1
            elif onto_device and not from_device and source.dim() > 0 and not without_waiting:
                self.waits["copy to the device"] += 1

    def _check(self, name: str, tensors: list[Tensor], here: list[DeviceTensor]) -> None:
        """Numbers without dimensions go to the device with the kernel; other tensors must lie there."""
        if not here:
            return
        others = [tensor for tensor in tensors if not isinstance(tensor, DeviceTensor) and tensor.dim() > 0]
        masked = name in BY_INDEX and any(tensor.dtype == torch.bool for tensor in tensors[1:])
        if others and not (name in BY_INDEX and tensors[0] is here[0]):
            shapes = [(tuple(tensor.shape), str(tensor.device)) for tensor in tensors]
            raise MixedDevices(f"{name} of tensors on different devices: {shapes}")
        if others or masked or name in SIZE_DEPENDS_ON_VALUES:
            self.waits[f"{name} on the CPU" if others else f"{name} by a mask" if masked else name] += 1

    @contextmanager
    def may_wait(self, *reasons: str) -> Iterator[None]:
        """Let the host wait for the device for these reasons and no others, each of them at least once."""
        before = Counter(self.waits)
        yield
        found = set(self.waits - before)
        assert found == set(reasons), f"the host waits for {found}, not for {set(reasons)}"


def non_blocking(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    given = args[2] if name == "copy_" and len(args) > 2 else kwargs.get("non_blocking")
    return bool(given)


class CpuGenerator(torch.Generator):
    """A generator of whatever device, which draws on the CPU."""

    def __new__(cls, device: object = "cpu") -> CpuGenerator:
        return super().__new__(cls)


def seen_device(tensor: Tensor, actual=Tensor.device) -> torch.device:
    """The device that Python sees, under `torch.func.vmap` too."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return DEVICE if isinstance(tensor, DeviceTensor) else actual.__get__(tensor)


@contextmanager
def pretended(monkeypatch: pytest.MonkeyPatch) -> Iterator[PretendedCuda]:
    """Have a device `cuda:0` for a while."""
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "_lazy_init", lambda: None)
        patch.setattr(torch.cuda, "device_count", lambda: 1)
        patch.setattr(torch.cuda, "get_device_name", lambda device: "pretended")
        patch.setattr(torch, "Generator", CpuGenerator)
        patch.setattr(Tensor, "device", property(seen_device), raising=False)
        lifts = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)  # `torch.tensor(…, device=…)` copies where it is seen
        try:
            with PretendedCuda() as cuda:
                yield cuda
        finally:
            torch._C._set_only_lift_cpu_tensors(lifts)
