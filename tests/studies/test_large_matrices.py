"""Large matrices: read and drawn from their file, one item in several, with a table of all."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from degen.analysis import Rows, uniformity
from degen.embeddings.file_rows import FileRows
from degen.embeddings.formats import named_arrays
from degen.errors import UserError
from degen.files import memory
from degen.plots import svd as plots
from degen.plots.svd import drawn_step
from degen.studies.figure_files import FigureOptions
from degen.studies.svd import SvdOptions, draw_svd


def test_a_step_draws_at_most_so_many():
    assert [drawn_step(count) for count in (0, 1, 500_000, 500_001, 1_000_001)] == [1, 1, 1, 2, 3]


@pytest.mark.parametrize("projection", ["svd", "pca"])
def test_a_matrix_in_its_file_is_never_read_whole(tmp_path, rng, monkeypatch, projection):
    V = rng.normal(size=(20_000, 4)).astype(np.float32) + 0.5
    np.save(tmp_path / "V.npy", V)
    options, look = SvdOptions(projection=projection), FigureOptions(out=tmp_path / "whole", formats="png")
    draw_svd([tmp_path / "V.npy"], options, look)

    monkeypatch.setattr(named_arrays, "LARGE", 1000)
    monkeypatch.setattr(plots, "MOST_DRAWN", 3000)
    longest, read = [], FileRows._read
    monkeypatch.setattr(
        FileRows, "_read", lambda self, start, stop: longest.append(stop - start) or read(self, start, stop)
    )
    look = FigureOptions(out=tmp_path / "large", formats="png")
    drawn = draw_svd([tmp_path / "V.npy"], options, look)
    assert 0 < max(longest) <= 8192
    assert f"V: one in 7 of its {len(V):,} items is drawn; the table has all" in drawn.notes
    tables = [tmp_path / name / f"{projection}-V.csv" for name in ("whole", "large")]
    rows = [list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) for path in tables]
    assert len(rows[1]) == len(V)
    assert rows[0] == rows[1]
    assert (rows[1][5]["item"], rows[1][5]["frequency"]) == ("5", "")


def test_all_pairs_of_too_many_rows_are_refused(monkeypatch, rng):
    V = rng.normal(size=(3000, 40))
    monkeypatch.setattr(memory, "ALWAYS_FITS", 1000)
    monkeypatch.setattr(memory, "available", lambda: 2_000_000)
    with pytest.raises(UserError, match=r"all its 3,000 rows in float64 needs about 2\.9 MB.*exact_rows"):
        uniformity(Rows(V))
    assert uniformity(Rows(V, exact_rows=100)) < 0
