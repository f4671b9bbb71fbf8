"""Kinds of input: the samples to start from, the files to mutate, and the commands that read them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutations import WORDS, mutate

Words = list[str]


@dataclass(frozen=True)
class Case:
    """An input: the folder it lies in, and the words of the command that reads it."""

    folder: Path
    words: Words


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes
    ----------
    corpus
        folder of its samples in the corpus.
    files
        patterns of the files that may be mutated.
    commands
        returns the words of a command, from a generator and the name of the mutated file.
    weight
        share of the inputs.
    """

    corpus: str
    files: Sequence[str]
    commands: Callable[[random.Random, str], Words]
    weight: int = 1


def _stats(rng: random.Random, name: str) -> Words:
    more: Words = rng.choice(
        ([], [], ["--min-user", "2", "--min-item", "1"], ["--columns", "user=0,item=1,time=3"])
    )
    if rng.random() < 0.15:
        return ["data", "prepare", name, "--out", "out", *more]
    return ["data", "stats", name, *more, *rng.choice(([], ["--json"]))]


_KEYS = {"two.npz": "a", "m.safetensors": "item_embedding.weight", "one.npz": "embeddings", "m.pt": "weight"}


def _matrix(rng: random.Random, name: str) -> Words:
    key = ["--key", _KEYS[name]] if name in _KEYS else []
    way = rng.random()
    if way < 0.06:
        return ["plot-svd", name, *key, "--out", "figures"]
    if way < 0.1 and name not in ("two.npz", "m.safetensors"):
        return ["compare", name, "other.npy"]
    more: Words = rng.choice(([], [], ["--skip-rows", "first"], ["--drop-nonfinite"], ["--exact-rows", "10"]))
    if rng.random() < 0.1:
        more = [*more, "--out", "out"]
    return ["analyze", name, *key, *more, *rng.choice(([], ["--json"]))]


def _frequency(rng: random.Random, name: str) -> Words:
    column = {
        "table.csv": "count",
        "table.parquet": "frequency",
        "arrays.npz": "n",
        "tensors.safetensors": "n",
    }
    word = f"{name}:{column[name]}" if name in column else name
    return ["analyze", "m.csv", "--frequency", word, *rng.choice(([], ["--json"]))]


_OF_RUNS: tuple[Words, ...] = (
    ["runs", "runs"],
    ["runs", "runs", "--json"],
    ["runs", "runs/duorec-s0"],
    ["analyze", "runs", "--json"],
    ["analyze", "runs/duorec-s0"],
    ["analyze", "runs/duorec-s0", "--with-model"],
    ["compare", "runs"],
    ["uniformity", "runs", "--out", "figures"],
    ["dynamics", "runs", "--out", "figures"],
    ["mechanism", "runs", "--out", "figures"],
    ["plot-svd", "runs", "--out", "figures"],
    ["evaluate", "runs/duorec-s0", "--json"],
    ["export", "runs/duorec-s0", "--to", "word2vec"],
    ["export", "runs/duorec-s0"],
    [
        "train",
        "--config",
        "runs/duorec-s0/config.toml",
        "--out",
        "runs/duorec-s0",
        "--resume",
        "--epochs",
        "4",
    ],
    ["report", "runs", "--out", "report.html"],
    ["verify", "runs"],
)
_EACH = (8, 8, 6, 4, 4, 1, 2, 1, 1, 1, 1, 2, 3, 1, 2, 1, 8)


def _run(rng: random.Random, _name: str) -> Words:
    return list(rng.choices(_OF_RUNS, _EACH)[0])


def _study_file(_rng: random.Random, name: str) -> Words:
    return ["sweep", name, "--print"]


def _study(rng: random.Random, _name: str) -> Words:
    return rng.choice(
        (
            ["sweep", "study", "--collect"],
            ["runs", "study"],
            ["runs", "study", "--json"],
            ["analyze", "study"],
        )
    )


def _config(rng: random.Random, name: str) -> Words:
    return [
        "train",
        "--config",
        name,
        "--print-config",
        *rng.choice(([], ["--epochs", "2"], ["--variant", "scl"])),
    ]


def _cache(_rng: random.Random, _name: str) -> Words:
    return ["data", "stats", "toy.txt", "--json"]


def _note(rng: random.Random, _name: str) -> Words:
    return ["data", "stats", "out/toy.txt.gz", *rng.choice(([], ["--json"]))]


def _words(rng: random.Random, _name: str) -> Words:
    """Return a command with a word that means harm in place of a value."""
    word = rng.choice([word for word in WORDS if "\x00" not in word])
    return list(
        rng.choice(
            (
                ["train", "--config", "config.toml", "--print-config", "--set", f"training.epochs={word}"],
                ["train", "--config", "config.toml", "--print-config", "--set", word],
                ["train", "--variant", word, "--print-config"],
                ["train", "--dataset", word, "--print-config"],
                ["data", "stats", word],
                ["analyze", word],
                ["analyze", "toy.txt", "--key", word],
                ["data", "stats", "toy.txt", "--columns", word],
                ["sweep", "--lambda", word, "--dry-run"],
                ["runs", word],
            )
        )
    )


KINDS: dict[str, Kind] = {
    "log": Kind("log", ["*"], _stats, 30),
    "matrix": Kind("matrix", ["[!o]*", "one.npz"], _matrix, 34),
    "frequency": Kind("frequency", ["[!m]*"], _frequency, 10),
    "run": Kind("run", ["runs/**/*.*"], _run, 6),
    "study file": Kind("study file", ["study.toml"], _study_file, 3),
    "study": Kind("study", ["study/*", "study/done/*", "study/failed/*", "cells/**/*.*"], _study, 4),
    "config": Kind("config", ["config.toml"], _config, 8),
    "cache": Kind("cache", ["cache/processed/*"], _cache, 3),
    "prepared": Kind("prepared", ["out/*"], _note, 3),
    "words": Kind("config", [], _words, 4),
}


def as_it_is(kind: str, sample: Path, folder: Path) -> list[Case]:
    """Copy a sample, and return its commands for a hundred draws with the file unchanged."""
    shutil.copytree(sample, folder)
    name = next((path.name for pattern in KINDS[kind].files for path in sorted(folder.glob(pattern))), "")
    found = {tuple(KINDS[kind].commands(random.Random(draw), name)) for draw in range(100)}
    return [Case(folder, list(words)) for words in sorted(found)]


def case(kind: str, seed: str, corpus: Path, folder: Path) -> Case:
    """Write the input of a kind and a seed into `folder`, and return it with its command."""
    rng = random.Random(f"{kind} {seed}")
    about = KINDS[kind]
    samples = sorted(path for path in (corpus / about.corpus).iterdir() if path.is_dir())
    shutil.copytree(rng.choice(samples), folder)
    files = sorted(
        {
            path
            for pattern in about.files
            for path in folder.glob(pattern)
            if path.is_file() and not path.is_symlink()
        }
    )
    name = ""
    if files:
        chosen = rng.choice(files)
        name = chosen.name
        chosen.write_bytes(mutate(rng, chosen.read_bytes()))
        if rng.random() < 0.03:
            chosen.unlink()
    return Case(folder, about.commands(rng, name))
