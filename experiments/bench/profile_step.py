"""Profile of a training step by kind of work, on one CPU thread.

    python experiments/bench/profile_step.py --dataset beauty --variant duorec --json

Times are PyTorch's own of each operation, without its children; `Python and NumPy` is what is left of the
steps' wall time: views, dropout words, layout, and the way between operations.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict

import torch
from torch.profiler import ProfilerActivity, profile

from degen.build import load_data
from degen.config.settle import settle
from degen.training.epoch import Epoch
from degen.training.trainer import Trainer

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm", "addmm_"),
    "softmax, exponentials, sums": ("_softmax", "exp_", "exp", "amax", "sum", "logsumexp", "log", "sub_"),
    "GELU": ("gelu", "gelu_backward"),
    "layer norms": ("native_layer_norm", "native_layer_norm_backward"),
    "dropout and residual sums": ("mul", "mul_", "addcmul", "addcmul_", "add", "add_"),
    "copies, gathers and fills": (
        *("copy_", "fill_", "cat", "index", "index_select", "_index_put_impl_", "embedding_dense_backward"),
        *("index_add_", "gather"),
    ),
    "Adam": ("_fused_adam_",),
}


def kinds_of(epoch: Epoch, steps: int) -> dict[str, float]:
    """Milliseconds a step of each kind of work, the largest first."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        wall = steps * ms_per_step(epoch, steps)
    kind_of = {f"aten::{name}": kind for kind, names in KINDS.items() for name in names}
    spent: dict[str, float] = defaultdict(float)
    for event in record.key_averages():
        if event.key.startswith("aten::"):
            spent[kind_of.get(event.key, "other operations")] += event.self_cpu_time_total / 1e3
    spent["Python and NumPy"] = wall - sum(spent.values())
    return {kind: spent[kind] / steps for kind in sorted(spent, key=spent.__getitem__, reverse=True)}


def ms_per_step(epoch: Epoch, steps: int) -> float:
    """Milliseconds a step, a mean."""
    started = time.perf_counter()
    for _ in range(steps):
        epoch.step()
    return (time.perf_counter() - started) * 1e3 / steps


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--variant", default="duorec")
    parser.add_argument("--batch-by", default="samples")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    options = {
        "data": {"dataset": arguments.dataset},
        "objective": {"variant": arguments.variant},
        "training": {"device": "cpu", "batch_by": arguments.batch_by},
    }
    trainer = Trainer(settle(options=options), load_data(settle(options=options).data), torch.device("cpu"))
    epoch = trainer.epoch(1)
    ms_per_step(epoch, 20)  # warms up
    alone = ms_per_step(epoch, arguments.steps)
    kinds = kinds_of(epoch, arguments.steps)
    total = sum(kinds.values())
    if arguments.json:
        print(json.dumps({"ms_per_step": alone, "ms_per_step_profiled": total, "kinds": kinds}))
        return
    for kind, ms in kinds.items():
        print(f"{kind:32} {ms:7.2f} ms {100 * ms / total:5.1f} %")
    print(f"{'a step, profiled':32} {total:7.2f} ms\n{'a step, without the profiler':32} {alone:7.2f} ms")


if __name__ == "__main__":
    main()
