"""A training step recorded once as a CUDA graph and replayed: one launch a step from Python, not hundreds.

Everything that a replay reads lies where it lay when the step was recorded: the batch is copied into tensors
of its own, and weights, moments and step counts are moved in place. Random numbers come from registered
generators, whose place in their stream every replay moves on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from degen.training.padded.batches import Batch

WARM_UP = 3
"""Steps before the recording, on a separate stream, because libraries set themselves up in the first ones."""


class RecordedStep:
    """Replays one step on other batches of the same shapes.

    `step`, from a batch to its losses, moves `state` in place, draws from `generators` only, at the start of
    their streams, and never waits for the device. Recording leaves all of these as they were. Where CUDA
    cannot record it, a RuntimeError is raised. PyTorch may then still count the generators as part of the
    recording, so they must not be used again.
    """

    def __init__(
        self,
        step: Callable[[Batch], Tensor],
        example: Batch,
        generators: Sequence[torch.Generator],
        state: Sequence[Tensor],
    ):
        self.batch = {name: tensor.clone() for name, tensor in example.items()}
        self.graph = torch.cuda.CUDAGraph()
        before = [tensor.detach().clone() for tensor in state]
        try:
            with torch.cuda.device(state[0].device):  # streams and the recording are of the current device
                self._record(step, generators)
        finally:
            for tensor, value in zip(state, before, strict=True):
                tensor.detach().copy_(value)
        for generator in generators:
            generator.manual_seed(generator.initial_seed())

    def _record(self, step: Callable[[Batch], Tensor], generators: Sequence[torch.Generator]) -> None:
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                step(self.batch)
        torch.cuda.current_stream().wait_stream(beside)
        for generator in generators:
            if hasattr(self.graph, "register_generator_state"):  # later versions find generators themselves
                self.graph.register_generator_state(generator)
        with torch.cuda.graph(self.graph):
            self.losses = step(self.batch)

    def __call__(self, batch: Batch) -> Tensor:
        """Train on another batch; the losses are overwritten by the next call."""
        for name, tensor in batch.items():
            self.batch[name].copy_(tensor)
        self.graph.replay()
        return self.losses
