"""Fuzz the readers of pickles, safetensors and .npy with libFuzzer, guided by coverage.

    pip install atheris
    python tests/fuzz/atheris_targets.py pickle CORPUS -max_total_time=600 -rss_limit_mb=2048 -timeout=10

Targets are `pickle`, `checkpoint`, `safetensors` and `npy`. Seeds are written into the empty folder CORPUS. A
reader may return, or raise what it says that it raises; libFuzzer stops at anything else, and keeps the input
that made it so. The options after the folder are libFuzzer's.
"""

from __future__ import annotations

import io
import pickle
import sys
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)


def seeds_of_pickles() -> list[bytes]:
    """Return pickles of plain data, of arrays and of objects, by each protocol."""
    plain = {
        "a": [1, 2.5, None, True, 10**30],
        "b": (b"x", "é" * 9, {1, 2}),
        "v": VALUES,
        "o": OrderedDict(a=1),
    }
    return [pickle.dumps(plain, protocol) for protocol in range(6)]


def seeds_of_checkpoints() -> list[bytes]:
    """Return checkpoints as PyTorch writes them, where it is installed."""
    try:
        import torch
    except ImportError:
        return []
    found = []
    for value in ({"w": torch.ones(4, 3)}, {"w": torch.ones(4, 3).to_sparse()}):
        for new in (True, False):
            buffer = io.BytesIO()
            torch.save(value, buffer, _use_new_zipfile_serialization=new)
            found.append(buffer.getvalue())
    return found


def seeds_of_safetensors() -> list[bytes]:
    """Return files of safetensors with one and with several arrays."""
    from safetensors.numpy import save

    return [save({"w": VALUES}), save({"w": VALUES, "b": VALUES[0], "n": VALUES.astype(np.int64)})]


def seeds_of_npy() -> list[bytes]:
    """Return arrays of several types and orders, alone and in an archive."""
    found = []
    for values in (VALUES, np.asfortranarray(VALUES), VALUES.astype(">i2"), VALUES[0], VALUES.astype("U3")):
        buffer = io.BytesIO()
        np.save(buffer, values)
        found.append(buffer.getvalue())
    return found


def targets(folder: Path) -> dict[str, Callable[[bytes], None]]:
    """Return for each target what reads an input; `folder` is for the files that the readers take."""
    from degen.embeddings.formats.checkpoint import open_checkpoint
    from degen.embeddings.formats.inert_pickle import NotAPickle, read_pickle
    from degen.embeddings.formats.named_arrays import ArrayFile
    from degen.embeddings.formats.numpy_files import open_npz, read_npy
    from degen.embeddings.formats.safetensors import open_safetensors
    from degen.embeddings.formats.weights.pickled_models import open_pickled
    from degen.embeddings.known_projects import known_matrices
    from degen.errors import UserError

    def through(suffix: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
        path = (folder / "input").with_suffix(suffix)

        def test(content: bytes) -> None:
            path.write_bytes(content)
            with suppress(UserError):
                found = read(path)
                if isinstance(found, ArrayFile):
                    known_matrices(found)
                    for stored in found.arrays.values():
                        with suppress(UserError):
                            stored.read()

        return test

    of_model, single, packed = (
        through(".kv", open_pickled),
        through(".npy", read_npy),
        through(".npz", open_npz),
    )

    def of_pickle(content: bytes) -> None:
        with suppress(NotAPickle):
            read_pickle(io.BytesIO(content))
            of_model(content)

    def of_npy(content: bytes) -> None:
        single(content)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("m.npy", content)
        packed(buffer.getvalue())

    return {
        "pickle": of_pickle,
        "checkpoint": through(".pt", open_checkpoint),
        "safetensors": through(".safetensors", open_safetensors),
        "npy": of_npy,
    }


SEEDS = {
    "pickle": seeds_of_pickles,
    "checkpoint": seeds_of_checkpoints,
    "safetensors": seeds_of_safetensors,
    "npy": seeds_of_npy,
}


def main() -> None:
    """Write the seeds, and fuzz the target that the command line names until libFuzzer stops."""
    import atheris

    sys.path.insert(0, str(Path(__file__).parents[2]))
    name, corpus, *options = sys.argv[1:]
    memory = Path("/dev/shm")
    with atheris.instrument_imports(include=["degen", "pickletools", "json", "numpy.lib"]):
        test = targets(Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None)))[name]
    Path(corpus).mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(SEEDS[name]()):
        (Path(corpus) / f"seed-{number}").write_bytes(content)
    atheris.Setup([sys.argv[0], corpus, *options], test)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
