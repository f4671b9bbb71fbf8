from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from degen.tables.csv_file import read_rows, write_columns, write_rows


def test_columns_are_written_with_their_names_and_quotes(tmp_path: Path) -> None:
    columns = {"item": ['say "hi", twice', "NA", "ü"], "x": [1 / 3, -2.5e-7, 1e20], "n": [1, None, 3]}
    path = write_columns(tmp_path / "new" / "table.csv", columns)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [row["item"] for row in rows] == columns["item"]
    assert np.array([float(row["x"]) for row in rows]) == pytest.approx(np.array(columns["x"]), rel=1e-8)
    assert [row["n"] for row in rows] == ["1", "", "3"]


def test_columns_of_unequal_length_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        write_columns(tmp_path / "table.csv", {"a": [1, 2], "b": [1]})
    assert not list(tmp_path.iterdir())


def test_rows_may_lack_columns_and_keep_all_digits(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "table.csv", [{"a": 1 / 3}, {"b": "x", "a": 2}], digits=None)
    assert path.read_text(encoding="utf-8") == f"a,b\n{1 / 3!r},\n2,x\n"


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [{"name": "=1+1", "n": 3, "x": 0.25, "none": None}, {"name": "-", "n": -1, "x": 1e-9, "none": "a"}]
    assert read_rows(write_rows(tmp_path / "table.csv", rows)) == rows
