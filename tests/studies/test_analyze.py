"""`degen.analyze`: what it takes, on which engine, and how files are gone over."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import degen
from degen.analysis import Rows
from degen.analysis.passes.engines import StreamedRows, rows_on
from degen.errors import UserError
from degen.progress import watched

V = np.random.default_rng(0).normal(size=(60, 5)) + 0.3
COUNTS = np.arange(60) % 9


def same(a, b):
    assert a.reasons == b.reasons
    assert a.values == pytest.approx(b.values, rel=1e-9, abs=1e-9)


def test_arrays_tensors_lists_and_rows_are_one_matrix():
    expected = degen.analyze(V, frequency=COUNTS, name="v")
    assert expected.name == "v"
    same(degen.analyze(torch.from_numpy(V), frequency=COUNTS), expected)
    same(degen.analyze(V.tolist(), frequency=COUNTS), expected)
    same(degen.analyze(Rows(V, COUNTS)), expected)
    same(degen.analyze(V, frequency=COUNTS, engine="torch", device="cpu"), expected)
    same(degen.analyze(torch.from_numpy(V), frequency=COUNTS, engine="numpy"), expected)
    assert expected["norm_mean"] == pytest.approx(np.linalg.norm(V, axis=1).mean())


def test_a_path_is_read_with_its_options(tmp_path):
    np.savez(tmp_path / "a.npz", item=np.vstack([np.zeros(5), V]), user=V + 1)
    (tmp_path / "counts.txt").write_text("".join(f"{count}\n" for count in COUNTS))
    found = degen.analyze(
        tmp_path / "a.npz",
        key="item",
        skip_rows="first",
        frequency=tmp_path / "counts.txt",
        measures="norm_mean,popularity",
    )
    assert found.name == "a"
    same(found, degen.analyze(V, frequency=COUNTS, measures="norm_mean,popularity"))
    assert (
        degen.analyze(str(tmp_path / "a.npz"), key="user", name="users", measures="norm_mean").name == "users"
    )


def test_frequency_for_an_array_may_be_a_file(tmp_path):
    np.save(tmp_path / "f.npy", COUNTS)
    same(
        degen.analyze(V, frequency=tmp_path / "f.npy", measures="popularity"),
        degen.analyze(V, frequency=COUNTS, measures="popularity"),
    )


def test_the_engine_follows_the_tensor():
    assert isinstance(rows_on(torch.from_numpy(V), "auto", None, "v").values, torch.Tensor)
    assert isinstance(rows_on(V, "auto", None, "v").values, np.ndarray)
    assert isinstance(rows_on(V, "torch", torch.device("cpu"), "v").values, torch.Tensor)
    with pytest.raises(UserError, match="CUDA"):
        degen.analyze(V, device="cuda:99")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A matrix of three blocks that stays in its file."""
    monkeypatch.setattr("degen.embeddings.formats.named_arrays.LARGE", 1)
    big = np.random.default_rng(1).normal(size=(20_000, 3)).astype(np.float32)
    np.save(tmp_path / "big.npy", big)
    return tmp_path / "big.npy", big


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_a_file_is_read_in_blocks_and_told_of(file, engine):
    path, big = file
    told = []
    with watched(lambda what, done, total: told.append((what, done, total))):
        found = degen.analyze(path, engine=engine, device="cpu", measures="spectrum,isotropy,health")
    same(found, degen.analyze(big, measures="spectrum,isotropy,health"))
    assert set(told) == {("measuring big", done, 20_000) for done in (8192, 16384, 20_000)}
    # Two passes for all measures but the count of repeated rows, which takes one of its own.
    assert told.count(("measuring big", 20_000, 20_000)) == 3


def test_rows_of_a_file_are_taken_by_number(file):
    path, big = file
    streamed = StreamedRows(degen.load_matrix(path).values, "x")
    np.testing.assert_array_equal(streamed[np.array([1, 5, 19_999])], big[[1, 5, 19_999]])
    assert (streamed.shape, streamed.dtype, len(streamed)) == (big.shape, big.dtype, 20_000)


def test_what_cannot_be_is_said():
    with pytest.raises(UserError, match="59 frequencies for 60 rows"):
        degen.analyze(V, frequency=COUNTS[1:])
    for no_numbers, what in [
        (np.array([["a"]]), "holds <U1, not real numbers"),
        (np.array([[None, 1]]), "holds object, not real numbers"),
        (V * 1j, "holds complex128, not real numbers"),
        ([[1.0, 2.0], [3.0]], "differ in length"),
    ]:
        with pytest.raises(UserError, match=what):
            degen.analyze(no_numbers)
    with pytest.raises(UserError, match="there is no argument `no_such_option`; known: device, "):
        degen.analyze(V, no_such_option=1)
