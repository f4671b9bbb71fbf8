"""One run by several processes: `torchrun --nproc-per-node N -m degen train …`.

Every process draws the whole batch from the same generator and encodes its part of the rows. So the order of
samples, partners and augmentations does not depend on the number of processes, and N of them do what one
does, apart from dropout masks, for which each process has its own stream.

    recommendation   Each process takes its rows, as a share of the batch; the shares add up (Eq. 11).
                     Sampled negatives are drawn for the whole batch, alike in every process.
    contrastive      Each process takes the gathered views of all, so that negatives come from all (Eq. 14).
    gradient         It is summed over the processes once per step; then each takes the same step of Adam. Of
                     a large V only rows are sent: those of a sparse gradient, or with blocks of items the
                     batch's h, from which every process forms the gradient of every block. That work is
                     repeated, because sending the gradient would take longer.

Only process 0, the main one, writes, prints and measures the probe. An error of one process ends all.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from degen.errors import LostProcess, UserError

if dist.is_available():
    # Imported later, as PyTorch does of itself, its functions' defaults would hold the group for good: gloo's
    # threads would outlive `destroy_process_group` and abort the process if one frees a tensor at its end.
    import torch.distributed.nn.functional

PATIENCE = timedelta(minutes=30)
"""Time that a process waits for the others: longer than the main one needs to measure and write an epoch."""

STEPS_BETWEEN_SIGNALS = 16
"""Steps between exchanges about a Ctrl-C; asking at every step would hold up a GPU."""


@dataclass(frozen=True)
class World:
    """The `size` processes that train a run together, seen from number `rank`, from 0, the main one."""

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Return whether this is the process that writes and prints."""
        return self.rank == 0

    def part(self, n: int) -> slice:
        """Return the process's share of n rows: consecutive ones, about as many as the others have."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def own_device(self, wanted: str) -> str:
        """Return the device of this process: each of several on one machine takes another GPU."""
        if self.size == 1 or wanted == "cpu" or not torch.cuda.is_available():
            return wanted
        if wanted not in ("auto", "cuda"):
            raise UserError(f"`device='{wanted}'` is one GPU for all processes; use `device='cuda'`")
        local_rank, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
        if local_rank >= gpus:
            raise UserError(
                f"torchrun starts more processes than the {gpus} GPUs here; start {gpus}, or add "
                "`device='cpu'`"
            )
        return f"cuda:{local_rank}"

    def gather(self, x: Tensor, n: int) -> Tensor:
        """Put the parts `x` of all processes together, `[n, …]`, with a gradient for this process's own.

        Every process computes the same loss of the gathered rows, so that the gradient of its rows is
        complete without the others'.
        """
        return x if self.size == 1 else _Gather.apply(x, self, n)  # type: ignore[no-untyped-call]

    def gather_rows(self, x: Tensor, n: int) -> Tensor:
        """The same without a gradient."""
        parts = [World(rank, self.size).part(n) for rank in range(self.size)]
        return self._gather(x, [part.stop - part.start for part in parts])

    def gather_any(self, x: Tensor) -> Tensor:
        """Put the rows `x` of all processes together, however many each has; without a gradient."""
        if self.size == 1:
            return x
        counts = [torch.empty(1, dtype=torch.int64, device=x.device) for _ in range(self.size)]
        with _contact():
            dist.all_gather(counts, torch.tensor([len(x)], device=x.device))
        return self._gather(x, torch.cat(counts).tolist())

    def _gather(self, x: Tensor, counts: list[int]) -> Tensor:
        """Rows of all processes, of which each has a count known to all."""
        if self.size == 1:
            return x
        padded = x.new_zeros((max(counts), *x.shape[1:]))
        padded[: len(x)] = x
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        with _contact():
            dist.all_gather(parts, padded)
        return torch.cat([rows[:count] for rows, count in zip(parts, counts, strict=True)])

    def sum_gradients(
        self, parameters: Iterable[Tensor], loss: Tensor, sparse: Tensor | None = None
    ) -> Tensor:
        """Add up the gradients over the processes, in place, and `loss`, a scalar, which is returned.

        `sparse` is the one of the parameters whose gradient is sparse: only its rows are on the way.
        """
        if sparse is not None:
            rows, values = torch.empty(0, dtype=torch.int64, device=sparse.device), sparse.detach()[:0]
            if sparse.grad is not None:  # a process without rows has none
                gradient = sparse.grad.coalesce()
                rows, values = gradient.indices()[0], gradient.values()
            rows, values = self.gather_any(rows), self.gather_any(values)  # some rows more than once
            sparse.grad = torch.sparse_coo_tensor(rows[None], values, sparse.shape, check_invariants=False)
        owners = [parameter for parameter in parameters if parameter is not sparse]
        for owner in owners:
            if owner.grad is None:  # a process without rows has none
                owner.grad = torch.zeros_like(owner)
        flat = torch.cat([*(owner.grad.reshape(-1) for owner in owners), loss.view(1)])  # type: ignore[union-attr]
        with _contact():
            dist.all_reduce(flat)
        sums = torch.split(flat[:-1], [owner.numel() for owner in owners])
        for owner, summed in zip(owners, sums, strict=True):
            owner.grad = summed.view_as(owner)
        return flat[-1]

    def any(self, flag: bool) -> bool:
        """Return whether `flag` is true in any process."""
        return flag if self.size == 1 else any(self._share(flag))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Wait for all at the end of the block; where one raised a `UserError`, all raise the first one's."""
        if self.size == 1:
            yield
            return
        message = None
        try:
            yield
        except UserError as error:
            message = str(error)
        for other in self._share(message):
            if other is not None:
                raise UserError(other)

    def _share(self, value: Any) -> list[Any]:
        """Return the values of all processes, in the order of ranks."""
        values: list[Any] = [None] * self.size
        with _contact():
            dist.all_gather_object(values, value)
        return values


@contextmanager
def joined() -> Iterator[World]:
    """Join the processes that `torchrun` started beside this one; alone where it did not.

    After a `LostProcess` SIGTERM is ignored, for the process is about to say so and to end.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "MASTER_ADDR" not in os.environ:
        yield World()
        return
    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local < torch.cuda.device_count():  # else it trains with `--device cpu`, or `pick_device` refuses
            torch.cuda.set_device(local)
    with _contact():
        dist.init_process_group(backend, timeout=PATIENCE)
    # When one process dies, torchrun ends the others by SIGTERM; each says so, for it may be the main one.
    before = signal.signal(signal.SIGTERM, _ended)
    try:
        yield World(dist.get_rank(), size)
    except LostProcess:
        # torchrun's SIGTERM may follow the lost contact, and must not cut the message off.
        before = signal.SIG_IGN
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
        dist.destroy_process_group()


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, world: World, n: int) -> Tensor:
        ctx.part = world.part(n)
        return world.gather_rows(x, n)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return grad[ctx.part], None, None


def _ended(_signal: int, _frame: object) -> None:
    raise LostProcess(
        f"process {os.environ.get('RANK', '0')} was told to end, as torchrun does when another one has died "
        "(see its report), or a scheduler when the time is up; the same command with `resume=True` goes on "
        "after the last whole epoch"
    )


@contextmanager
def _contact() -> Iterator[None]:
    """Turn PyTorch's RuntimeErrors about another process, of many wordings, into one `LostProcess`."""
    try:
        yield
    except RuntimeError as error:
        raise LostProcess(
            f"process {os.environ.get('RANK', '0')} lost contact with the others of this run: one has ended "
            "or cannot be reached; see what it said, then go on by the same command with `resume=True` "
            f"({str(error).splitlines()[0]})"
        ) from error
