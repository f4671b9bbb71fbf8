"""All that a run wrote, for comparisons to the bit."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open

from degen.runs.directory import RunDirectory

TIMES = {"train_seconds", "eval_seconds", "samples_per_second"}


def result(out: Path) -> dict[str, object]:
    """All that a run wrote, to the bit, but for times, versions and settings that may change.

    The hash of the settings in the metadata of checkpoints is left out too.
    """
    rows = [
        {key: value for key, value in row.items() if key not in TIMES} for row in RunDirectory(out).metrics
    ]
    skipped = ("metrics.jsonl", "config.toml", "environment.json", "manifest.json")
    files = {
        str(path.relative_to(out)): contents(path)
        for path in out.rglob("*")
        if path.is_file() and path.name not in skipped
    }
    return {"rows": rows, **files}


def contents(path: Path) -> object:
    if path.suffix != ".safetensors":
        return path.read_bytes()
    with safe_open(path, framework="np") as file:  # the order of metadata in the file is not fixed
        about = {key: value for key, value in file.metadata().items() if key != "config"}
        return about, {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
