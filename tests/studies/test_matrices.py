"""What users name as a matrix: runs, files of runs, exports and files of others, with ids and counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_files import write_run

from degen.embeddings import FileRows
from degen.embeddings.file_options import FileOptions
from degen.embeddings.item_matrix import ItemMatrix
from degen.embeddings.select import select_one
from degen.errors import UserError

VALUES = np.arange(12, dtype=np.float32).reshape(6, 2) + 1
COUNTS = [5, 4, 3, 2, 1, 0]


def open_matrix(path: Path, **options: Any) -> ItemMatrix:
    return select_one(path, FileOptions(**options)).open()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    place = write_run(tmp_path / "runs" / "scl-s0", "scl", embeddings=VALUES, frequency=COUNTS)
    (place / "embeddings").mkdir()
    np.save(place / "embeddings" / "e002.npy", VALUES * 2)
    return place


@pytest.mark.parametrize(
    ("inside", "factor"), [(".", 1), ("..", 1), ("item_embeddings.npy", 1), ("embeddings/e002.npy", 2)]
)
def test_a_run_and_its_files_have_its_ids_and_counts(run: Path, inside: str, factor: int) -> None:
    found = open_matrix((run / inside).resolve())
    assert found.values[:].tolist() == (VALUES * factor).tolist()
    assert found.ids == found.names == [f"item {row}" for row in range(6)]
    assert found.frequency is not None
    assert found.frequency.tolist() == COUNTS
    assert found.run is not None
    assert found.run.variant == "scl"
    assert found.notes == ()


def test_counts_that_are_named_go_before_a_runs(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "c.npy", np.ones(6, dtype=int))
    found = open_matrix(run, frequency=tmp_path / "c.npy")
    assert found.frequency is not None
    assert found.frequency.tolist() == [1] * 6


def test_a_file_of_nobody_has_row_numbers_for_names(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VALUES)
    found = open_matrix(tmp_path / "v.npy", skip_rows="first")
    assert (found.ids, found.frequency, found.run) == (None, None, None)
    assert found.names == ["0", "1", "2", "3", "4"]
    assert found.values[:].tolist() == VALUES[1:].tolist()


def test_what_is_not_finite_is_refused_or_let_through(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([[1, np.nan], [1, 2]]))
    with pytest.raises(UserError, match="row 0"):
        open_matrix(tmp_path / "v.npy")
    assert np.isnan(open_matrix(tmp_path / "v.npy", finite=False).values[:]).sum() == 1


def test_a_log_gives_the_counts_by_id(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("b,1,2\na,3,4\n")
    (tmp_path / "log.inter").write_text("user_id:token\titem_id:token\nu\ta\nv\ta\nw\tb\n")
    found = open_matrix(tmp_path / "v.csv", frequency=tmp_path / "log.inter")
    assert found.frequency is not None
    assert found.frequency.tolist() == [1, 2]
    assert "every action" in found.notes[0]


def test_a_large_matrix_stays_in_its_file(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("degen.embeddings.formats.named_arrays.LARGE", 1)
    found = open_matrix(run)
    assert isinstance(found.values, FileRows)
    assert found.ids == [f"item {row}" for row in range(6)]


def test_mistakes(run: Path, tmp_path: Path) -> None:
    write_run(run.parent / "ucl-s0", "ucl")
    np.save(run / "embeddings" / "e003.npy", VALUES[:5])
    for path, options, words in (
        (run, {"key": "a"}, "`key` and `skip_rows` are for files"),
        (run, {"skip_rows": "first"}, "`key` and `skip_rows` are for files"),
        (run.parent, {}, "holds 2 runs"),
        (run.parent / "ucl-s0", {}, "no item_embeddings.npy yet"),
        (run / "embeddings" / "e003.npy", {}, "5 rows, but 6 items are listed"),
        (tmp_path / "none", {}, "does not exist"),
        (tmp_path / "none.npy", {}, "does not exist"),
        (tmp_path / "runs", {"frequency": tmp_path / "none.npy"}, "holds 2 runs"),
        (run, {"frequency": tmp_path / "none.npy"}, "none.npy does not exist"),
    ):
        with pytest.raises(UserError, match=words):
            open_matrix(path, **options)
