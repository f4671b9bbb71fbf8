"""Tiny valid files of every kind that degen reads, made here: invented ids, random numbers.

    write_corpus(folder)     folder/<kind>/<sample>/…files

A sample is a folder, in which the commands of its kind are started.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tiny_runs
from checkpoints import Called, Global, pickled, tensor, write_checkpoint

ROWS, WIDTH = 24, 4


def values(seed: int = 0, kind: str = "<f4") -> np.ndarray:
    """A matrix of 24 rows of 4 numbers."""
    return np.random.default_rng(seed).normal(size=(ROWS, WIDTH)).astype(kind)


def ids() -> list[str]:
    """An id per row."""
    return [f"item{row:02d}" for row in range(ROWS)]


def actions(seed: int = 0) -> list[tuple[str, str, int]]:
    """A hundred and twenty actions of 12 users on 15 items: user, item, seconds."""
    rng = random.Random(seed)
    return [
        (f"u{rng.randrange(12)}", f"i{rng.randrange(15):02d}", 1_400_000_000 + 86_400 * step)
        for step in range(120)
    ]


def _text(lines: list[str], end: str = "\n") -> bytes:
    return (end.join(lines) + end).encode()


# ---------------------------------------------------------------------------------------- logs


def _json_rows(user: str, item: str, time: str) -> bytes:
    return _text([json.dumps({user: u, item: i, "overall": 5.0, time: t}) for u, i, t in actions()])


def _parquet(**columns: Any) -> bytes:
    pyarrow = __import__("pyarrow.parquet")
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def _log_parquet() -> bytes:
    users, items, times = zip(*actions(), strict=True)
    return _parquet(user_id=list(users), item_id=list(items), timestamp=list(times))


def _by_user(separator: str) -> bytes:
    found: dict[str, list[str]] = {}
    for user, item, _ in actions():
        found.setdefault(user, []).append(item)
    return _text([separator.join([user, *items]) for user, items in found.items()])


def _zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return buffer.getvalue()


def logs() -> dict[str, bytes]:
    """Logs by file name."""
    rows = actions()
    csv = _text(["user_id,item_id,rating,timestamp", *(f"{u},{i},4.5,{t}" for u, i, t in rows)])
    days = [
        f"{2010 + n // 40}-{1 + n % 12:02d}-{1 + n % 28:02d} 10:{n % 60:02d}:00" for n in range(len(rows))
    ]
    return {
        "log.csv": csv,
        "dates.csv": _text(
            ["user,item,date", *(f"{u},{i},{d}" for (u, i, _), d in zip(rows, days, strict=True))]
        ),
        "quoted.csv": _text(['"user","item","time"', *(f'"{u}","a ""{i}"", b",{t}' for u, i, t in rows)]),
        "bare.csv": _text([f"{u},{i},4.0,{t}" for u, i, t in rows]),
        "log.tsv": _text([f"{u[1:]}\t{i[1:]}\t3\t{t}" for u, i, t in rows]),
        "ratings.dat": _text([f"{u[1:]}::{i[1:]}::5::{t}" for u, i, t in rows]),
        "log.inter": _text(
            [
                "user_id:token\titem_id:token\trating:float\ttimestamp:float",
                *(f"{u}\t{i}\t4\t{t}.0" for u, i, t in rows),
            ]
        ),
        "amazon.json": _json_rows("reviewerID", "asin", "unixReviewTime"),
        "log.jsonl": _json_rows("user_id", "parent_asin", "timestamp"),
        "pairs.txt": _text([f"{u[1:]} {i[1:]}" for u, i, _ in rows]),
        "sequences.txt": _by_user(" "),
        "tabs.txt": _by_user("\t"),
        "semicolons.csv": csv.replace(b",", b";"),
        "log.csv.gz": gzip.compress(csv),
        "amazon.json.gz": gzip.compress(_json_rows("reviewerID", "asin", "unixReviewTime")),
        "log.csv.bz2": bz2.compress(csv),
        "log.csv.xz": lzma.compress(csv),
        "log.csv.zip": _zipped("log.csv", csv),
        "array.json": json.dumps([{"user_id": u, "item_id": i, "timestamp": t} for u, i, t in rows]).encode(),
        "log.parquet": _log_parquet(),
        "log.parquet.gz": gzip.compress(_log_parquet()),
    }


# ---------------------------------------------------------------------------------------- matrices


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _npz(save: Callable[..., None] = np.savez, **arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def safetensors(**arrays: np.ndarray) -> bytes:
    """A file of float32 tensors, written by hand."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, array in arrays.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in arrays.values())


def _checkpoint(path: Path, protocol: int = 2) -> bytes:
    one = {"item_embedding.weight": tensor("0", (ROWS, WIDTH)), "bias": tensor("1", (WIDTH,))}
    state = {
        "state_dict": one,
        "epoch": 3,
        "config": Called(Global("recbole.config", "Config"), state={"a": 1}),
    }
    storages = {"0": values(), "1": values()[0]}
    return write_checkpoint(path, state, storages, protocol=protocol).read_bytes()


def _legacy() -> bytes:
    """A checkpoint of PyTorch before 1.6: five pickles, then the storages."""
    about = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = [0x1950A86A20F9469CFC6C, 1001, about, {"weight": tensor("7", (ROWS, WIDTH))}, ["7"]]
    return b"".join(pickled(part) for part in head) + struct.pack("<q", ROWS * WIDTH) + values().tobytes()


def _keyed_vectors() -> bytes:
    about = (3, "<", None, None, None, -1, -1, 0)
    kind = Called(Global("numpy", "dtype"), "f4", 0, 1, state=about)
    start = (Global("numpy", "ndarray"), (0,), b"b")
    state = (1, (ROWS, WIDTH), kind, False, values().tobytes())
    array = Called(Global("numpy.core.multiarray", "_reconstruct"), *start, state=state)
    held = {
        "vectors": array,
        "index_to_key": ids(),
        "key_to_index": {name: n for n, name in enumerate(ids())},
        "vector_size": WIDTH,
    }
    return pickled(Called(Global("gensim.models.keyedvectors", "KeyedVectors"), state=held), 2)


def _word2vec() -> bytes:
    rows = [f"{name} ".encode() + row.tobytes() + b"\n" for name, row in zip(ids(), values(), strict=True)]
    return f"{ROWS} {WIDTH}\n".encode() + b"".join(rows)


def _table(separator: str, header: list[str]) -> bytes:
    rows = [
        separator.join([name, *map(repr, row.tolist())]) for name, row in zip(ids(), values(), strict=True)
    ]
    return _text([*([separator.join(header)] if header else []), *rows])


def matrices(scratch: Path) -> dict[str, bytes]:
    """Matrices by file name."""
    v = values()
    names = [f"d{column}" for column in range(WIDTH)]
    columns = {name: v[:, at].tolist() for at, name in enumerate(names)}
    return {
        "m.npy": _npy(v),
        "f8.npy": _npy(values(1, ">f8")),
        "fortran.npy": _npy(np.asfortranarray(v)),
        "one.npz": _npz(embeddings=v),
        "two.npz": _npz(np.savez_compressed, a=v, b=v[:3], c=np.arange(5)),
        "m.safetensors": safetensors(**{"item_embedding.weight": v, "position.weight": v[:2], "b": v[0]}),
        "m.pt": _checkpoint(scratch / "m.pt"),
        "m.pth": _checkpoint(scratch / "m.pth", protocol=4),
        "legacy.bin": _legacy(),
        "m.kv": _keyed_vectors(),
        "w2v.bin": _word2vec(),
        "m.csv": _table(",", ["id", *names]),
        "m.tsv": _table("\t", []),
        "glove.txt": _table(" ", []),
        "w2v.vec": _text([f"{ROWS} {WIDTH}"]) + _table(" ", []),
        "bare.txt": _text([" ".join(map(repr, row.tolist())) for row in v]),
        "m.itememb": _text(
            ["iid:token\titem_emb:float_seq"]
            + [f"{name}\t{' '.join(map(repr, row.tolist()))}" for name, row in zip(ids(), v, strict=True)]
        ),
        "lists.parquet": _parquet(item=ids(), frequency=list(range(ROWS)), embedding=v.tolist()),
        "columns.parquet": _parquet(item=ids(), **columns),
    }


def _frame() -> Any:
    import pandas as pd

    return pd.DataFrame(values(2), index=ids(), columns=[f"d{column}" for column in range(WIDTH)])


def _fasttext() -> bytes:
    """A model of skip-grams by the layout of fastText's own writer, without n-grams."""
    words = [b"</s>", *(name.encode() for name in ids()[1:])]
    arguments = struct.pack("<12id", WIDTH, 5, 5, 1, 5, 1, 2, 1, 0, 0, 0, 100, 1e-4)
    entries = b"".join(word + b"\0" + struct.pack("<qb", 9, 0) for word in words)
    dictionary = struct.pack("<3i2q", ROWS, ROWS, 0, 1000, -1) + entries
    matrix = struct.pack("<?2q", False, ROWS, WIDTH) + values(3).tobytes()
    return struct.pack("<2i", 793712314, 12) + arguments + dictionary + matrix + matrix


def more_matrices() -> dict[str, bytes]:
    """Matrices of formats whose writers are libraries, by file name."""
    import pyarrow
    import pyarrow.feather
    import scipy.io

    table = pyarrow.table(
        {"item": ids(), **{f"d{n}": column for n, column in enumerate(values(4).T.tolist())}}
    )
    feather, stream, mat = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pyarrow.feather.write_feather(table, feather, compression="uncompressed")
    with pyarrow.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    scipy.io.savemat(mat, {"embeddings": values(5)}, do_compression=True)
    rows = [{"id": name, "embedding": row.tolist()} for name, row in zip(ids(), values(6), strict=True)]
    return {
        "m.feather": feather.getvalue(),
        "m.arrow": stream.getvalue(),
        "m.mat": mat.getvalue(),
        "frame.pkl": pickle.dumps(_frame(), 4),
        "array.pkl": pickle.dumps(values(7), 4),
        "dict.pickle": pickle.dumps(
            {name: row.tolist() for name, row in zip(ids(), values(8), strict=True)}, 2
        ),
        "m.json": json.dumps({row["id"]: row["embedding"] for row in rows}).encode(),
        "rows.jsonl": _text([json.dumps(row) for row in rows]),
        "m.csv.gz": gzip.compress(_table(",", ["id", "a", "b", "c", "d"])),
        "fasttext.bin": _fasttext(),
    }


def frequencies() -> dict[str, bytes]:
    """Frequencies of the matrix `m.csv`, by the word that follows `--frequency`."""
    counts = np.arange(ROWS)
    pairs = list(zip(ids(), counts.tolist(), strict=True))
    log = [f"u{n % 7},{name},{1_400_000_000 + n}" for name, n in pairs for _ in range(3)]
    return {
        "counts.npy": _npy(counts),
        "counts.txt": _text([str(n) for n in counts]),
        "ids.txt": _text([f"{name} {n}" for name, n in pairs]),
        "ids.csv": _text(["item,count", *(f"{name},{n}" for name, n in pairs)]),
        "table.csv:count": _text(["id,count,other", *(f"{name},{n},x" for name, n in pairs)]),
        "table.parquet:frequency": _parquet(id=ids(), frequency=counts.tolist()),
        "arrays.npz:n": _npz(n=counts, more=counts),
        "tensors.safetensors:n": safetensors(n=counts.astype("<f4")),
        "log.csv": _text(["user,item,time", *log]),
        "log.csv.gz": gzip.compress(_text(["user,item,time", *log])),
        "log.inter": _text(
            ["user_id:token\titem_id:token\ttimestamp:float", *(row.replace(",", "\t") for row in log)]
        ),
    }


# ---------------------------------------------------------------------------------------- runs, studies


def train_runs(folder: Path) -> None:
    """Train two tiny runs into `folder/runs`, one of them traced, on the log `folder/toy.txt`."""
    from degen import train

    log = tiny_runs.write_log(folder / "toy.txt")
    more: dict[str, Any] = {"trace_gradients": True, "keep_embeddings": 1, "epochs": 3}
    for variant in ("duorec", "sasrec"):
        settings = {
            **tiny_runs.SETTINGS,
            **(more if variant == "duorec" else {}),
            "dim": 4,
            "feed_forward": 4,
        }
        train(variant, log, folder / "runs" / f"{variant}-s0", **settings)


STUDY = """\
[study]
figure = "curve"
datasets = ["synthetic"]
seeds = "0-1"
metrics = ["HR@5", "NDCG@5"]
zip = false

[base]
objective = {variant = "duorec"}
training = {epochs = 2}

[axis.lambda]
key = "objective.contrast_weight"
values = [0.1, 0.2]

[control.sasrec]
objective = {variant = "sasrec"}
"""

CONFIG = """\
[data]
dataset = "toy.txt"
min_user = 2

[model]
dim = 16
hidden_dropout = 0.2

[objective]
variant = "duorec"
contrast_weight = 0.1

[training]
epochs = 3
seed = 1
device = "cpu"

[evaluation]
definition = "paper"
"""


def write_studies(folder: Path) -> None:
    """Write a study of finished runs into `folder/study`, with a failed one."""
    from study_files import PlannedCell, pretend, write_study

    cells = [PlannedCell({"objective.contrast_weight": value}, seeds=(0, 1)) for value in (0.1, 0.2)]
    study = {"figure": "curve", "datasets": ["toy"], "seeds": [0, 1], "metrics": ["HR@5", "NDCG@5"]}
    write_study(folder / "study", cells, pretend(), study)
    name = f"{cells[0].id}-s1"
    (folder / "study" / "done" / name).unlink()
    failed = {"sentence": "training diverged", "stderr": ["x"], "tries": 3}
    (folder / "study" / "failed" / name).write_text(json.dumps(failed))


def write_corpus(folder: Path) -> Path:
    """Write all samples, and return the folder."""

    def put(kind: str, sample: str, files: dict[str, bytes]) -> Path:
        place = folder / kind / sample.replace(":", "+")
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
        return place

    for name, content in logs().items():
        put("log", name, {name: content})
    for name, content in {**matrices(folder), **more_matrices()}.items():
        put("matrix", name, {name: content, "other.npy": _npy(values(5))})
    for name, content in frequencies().items():
        put(
            "frequency",
            name,
            {"m.csv": _table(",", ["id", "a", "b", "c", "d"]), name.partition(":")[0]: content},
        )
    put("config", "config", {"config.toml": CONFIG.encode(), "toy.txt": _by_user(" ")})
    put("study file", "file", {"study.toml": STUDY.encode()})
    write_studies(put("study", "folder", {}))
    train_runs(put("run", "runs", {}))
    return folder
