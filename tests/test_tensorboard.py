"""Event files and projector files read back; what they should hold is computed here."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tiny_runs
from commands import mistake, result_of

import degen
from degen import tensorboard
from degen.analysis.passes.rows import Rows
from degen.errors import UserError
from degen.runs.directory import RunDirectory
from degen.tensorboard import Board, tag
from degen.training.run import Interrupted, Progress

event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason="tensorboardX is not installed")

N, D = 60, 5


def events(path: Path):
    """The events of one file: records of a length, its check sum, as many bytes, their check sum."""
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        yield event_pb2.Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]


def kept(folder: Path):
    """What TensorBoard shows: {step: {tag: value}}, later files taking back what earlier ones had."""
    steps: dict[int, dict] = {}
    for path in sorted(folder.glob("*tfevents*")):
        for event in events(path):
            if event.HasField("session_log"):
                steps = {step: values for step, values in steps.items() if step < event.step}
            for value in event.summary.value:
                what = value.histo if value.HasField("histo") else value.simple_value
                steps.setdefault(event.step, {})[value.tag] = what
    return steps


@pytest.fixture
def V(rng) -> np.ndarray:
    return rng.normal(size=(N, D)) * np.arange(1, N + 1)[:, None] + 3


def test_an_epoch_is_its_line_and_the_shape_of_its_items(tmp_path, V):
    V[7] = 0  # a zero row has a norm, but no angle
    board = Board(tmp_path, first_epoch=4)
    row = {
        "epoch": 4,
        "loss": 2.0,
        "valid_HR@5": 0.25,
        "alignment": None,
        "uniformity": -3.5,
        "sigma2_ratio": 0.5,
    }
    board.epoch(row | {"train_seconds": 1.5}, Rows(V))
    [shown] = kept(tmp_path).values()
    scalars = {name: value for name, value in shown.items() if isinstance(value, float)}
    assert scalars == {
        "loss/loss": 2,
        "ranking/valid_HR@5": 0.25,
        "geometry/uniformity": -3.5,
        "geometry/sigma2_ratio": 0.5,
        "run/train_seconds": 1.5,
    }
    norms = np.sqrt((V * V).sum(1))
    units = V[norms > 0] / norms[norms > 0, None]
    mean = units.sum(0) / np.linalg.norm(units.sum(0))
    for name, values in (("items/norm", norms), ("items/cosine_to_mean_direction", units @ mean)):
        shape = shown[name]
        assert (shape.min, shape.max) == pytest.approx((values.min(), values.max()), abs=1e-9)
        assert shape.num == len(values)
        assert shape.sum == pytest.approx(values.sum())
        assert shape.sum_squares == pytest.approx((values**2).sum())
        upto = [(values <= limit + 1e-9).sum() for limit in shape.bucket_limit]
        assert np.cumsum(shape.bucket).tolist() == upto
    s = np.linalg.svd(V, compute_uv=False)
    curve = shown["singular_values/normalized"]
    assert list(curve.bucket) == pytest.approx(s / s[0], rel=1e-9)
    assert curve.min == 0.5
    assert list(curve.bucket_limit) == [1.5, 2.5, 3.5, 4.5, 5.5]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("recommendation_loss", "loss/recommendation_loss"),
        ("test_MRR@5", "ranking/test_MRR@5"),
        ("alignment_dropout", "geometry/alignment_dropout"),
        ("effective_rank", "geometry/effective_rank"),
        ("best_epoch", "run/best_epoch"),
    ],
)
def test_tags_are_grouped(key, name):
    assert tag(key) == name


def test_without_tensorboardx_nothing_is_begun(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    out = tmp_path / "run"
    said = mistake(capfd, "train", "--dataset", "synthetic", "--tensorboard", "--out", out)
    assert said == 'tensorboard needs tensorboardX; install it with pip install "degen[tensorboard]"'
    with pytest.raises(UserError, match="needs tensorboardX"):
        degen.Monitor(out, [1, 2], tensorboard=True)
    assert not out.exists()


# In training


@pytest.fixture
def log(tmp_path) -> Path:
    return tiny_runs.write_log(tmp_path / "log.txt")


def test_training_writes_every_epoch_and_the_best_ones_items(log, tmp_path):
    words = tiny_runs.options(log, epochs=3)
    result_of(
        "train",
        "--variant",
        "scl",
        *words,
        "--out",
        tmp_path / "run",
        "--tensorboard",
        "--keep-embeddings",
        1,
    )
    run = RunDirectory(tmp_path / "run")
    shown = kept(run.path / "tensorboard")
    assert list(shown) == [1, 2, 3]
    for row in run.metrics:
        values = shown[row["epoch"]]
        assert values["loss/loss"] == pytest.approx(row["loss"], rel=1e-6)
        assert values["ranking/valid_NDCG@10"] == pytest.approx(row["valid_NDCG@10"], rel=1e-6)
        V = np.load(run.path / f"embeddings/e{row['epoch']:03d}.npy").astype(np.float64)
        assert values["items/norm"].sum == pytest.approx(np.linalg.norm(V, axis=1).sum(), rel=1e-9)
        assert values["items/norm"].num == len(run.items)
    tensors = np.loadtxt(run.path / "tensorboard/projector/tensors.tsv", delimiter="\t", dtype=np.float32)
    np.testing.assert_array_equal(tensors, run.item_embeddings)
    metadata = (run.path / "tensorboard/projector/metadata.tsv").read_text(encoding="utf-8").splitlines()
    labels = [f"{item}\t{count}" for item, count in zip(run.items, run.item_frequency, strict=True)]
    assert metadata == ["item\tfrequency", *labels]
    config = (run.path / "tensorboard/projector_config.pbtxt").read_text(encoding="utf-8")
    assert f'tensor_name: "item embeddings ({len(run.items)} of {len(run.items)} items)"' in config
    assert 'tensor_path: "projector/tensors.tsv"' in config


def test_an_interrupted_training_takes_back_no_epoch_and_repeats_none(log, tmp_path):
    class CtrlC(Progress):
        def epoch(self, row):
            if row["epoch"] == 2:
                raise KeyboardInterrupt

    out, settings = tmp_path / "run", {**tiny_runs.SETTINGS, "epochs": 3, "tensorboard": True}
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        degen.train("sasrec", log, out, progress=CtrlC(), **settings)
    degen.train("sasrec", log, out, resume=True, **settings)
    shown = kept(out / "tensorboard")
    assert list(shown) == [1, 2, 3]
    losses = [shown[row["epoch"]]["loss/loss"] for row in RunDirectory(out).metrics]
    assert losses == pytest.approx([row["loss"] for row in RunDirectory(out).metrics], rel=1e-6)


def test_nothing_is_written_unless_it_is_asked_for_and_overwriting_removes_it(log, tmp_path):
    settings = {**tiny_runs.SETTINGS, "epochs": 1}
    run = degen.train("sasrec", log, tmp_path / "run", tensorboard=True, **settings)
    assert (run.path / "tensorboard").exists()
    degen.train("sasrec", log, tmp_path / "run", overwrite=True, **settings)
    assert not (run.path / "tensorboard").exists()


# In a loop of one's own


def test_a_monitor_writes_the_same_and_takes_back_what_is_recorded_again(tmp_path, V):
    frequency, out = np.arange(N), tmp_path / "run"
    with degen.Monitor(out, frequency, tensorboard=True) as monitor:
        for epoch in (1, 2, 3):
            monitor.record(epoch, epoch * V, {"NDCG@10": 0.1 * epoch, "loss": 1 / epoch})
    with degen.Monitor(out, frequency, tensorboard=True, resume=True) as monitor:
        monitor.record(3, 30 * V, {"NDCG@10": 0.9, "loss": 0.5})
    shown = kept(out / "tensorboard")
    assert list(shown) == [1, 2, 3]
    assert [shown[epoch]["loss/loss"] for epoch in (1, 2, 3)] == [1, 0.5, 0.5]
    assert shown[3]["items/norm"].sum == pytest.approx(30 * np.linalg.norm(V, axis=1).sum())
    tensors = np.loadtxt(out / "tensorboard/projector/tensors.tsv", delimiter="\t", dtype=np.float32)
    np.testing.assert_array_equal(tensors, (30 * V).astype(np.float32))


def test_of_too_many_items_a_sample_says_how_many_of_how_many(tmp_path, V, monkeypatch):
    monkeypatch.setattr(tensorboard, "MOST_ITEMS", 20)
    frequency = np.arange(N) // 2
    items = [f"i{row}" for row in range(N)]
    with degen.Monitor(tmp_path / "run", frequency, items=items, tensorboard=True) as monitor:
        monitor.record(1, V)
    folder = tmp_path / "run/tensorboard"
    assert '"item embeddings (20 of 60 items)"' in (folder / "projector_config.pbtxt").read_text("utf-8")
    tensors = np.loadtxt(folder / "projector/tensors.tsv", delimiter="\t", dtype=np.float32)
    _, *labels = (folder / "projector/metadata.tsv").read_text(encoding="utf-8").splitlines()
    rows = [int(label.split("\t")[0][1:]) for label in labels]
    assert len(rows) == 20
    np.testing.assert_array_equal(tensors, V[rows].astype(np.float32))
    assert [label.split("\t")[1] for label in labels] == [str(row // 2) for row in rows]
