"""A model that RecBole trained and saved, where RecBole is installed: equal matrix, ids and figures."""

from __future__ import annotations

import csv
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from degen.analysis.measures.spectrum import project
from degen.embeddings import load_matrix
from degen.embeddings.file_options import FileOptions
from degen.studies.figure_files import FigureOptions
from degen.studies.svd import SvdOptions, draw_svd

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("recbole") is None, reason="needs RecBole: pip install recbole"),
]


@pytest.fixture(scope="module", params=["SASRec", "BERT4Rec"])
def saved(request, tmp_path_factory) -> tuple[Path, str]:
    """A folder with `log/log.inter` and what RecBole made of it."""
    folder = tmp_path_factory.mktemp("recbole")
    rng = np.random.default_rng(0)
    rows = [
        (f"u{user}", f"i{rng.zipf(1.5) % 40}", time)
        for user in range(60)
        for time in range(rng.integers(3, 12))
    ]
    (folder / "log").mkdir()
    lines = ["\t".join(map(str, rows[row])) for row in rng.permutation(len(rows))]
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (folder / "log" / "log.inter").write_text("\n".join([header, *lines]) + "\n")
    script = Path(__file__).with_name("recbole_training.py")
    command = [sys.executable, "-W", "ignore", str(script), str(folder), request.param]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, request.param


def items_of(folder: Path, model: str) -> np.ndarray:
    weight = np.load(folder / "weight.npy")
    return weight[1:] if model == "SASRec" else weight[1:-1]


def test_the_matrix_is_the_models_own_without_padding_and_mask(saved):
    folder, model = saved
    matrix = load_matrix(folder / f"{model}.pth")
    np.testing.assert_array_equal(matrix.values, items_of(folder, model))
    assert f"RecBole's {model}" in matrix.notes[0]


def test_the_figure_is_that_of_its_own_weights_with_its_own_ids(saved):
    folder, model = saved
    options = SvdOptions(FileOptions(frequency=folder / "log" / "log.inter"))
    drawn = draw_svd([folder / f"{model}.pth"], options, FigureOptions(out=folder / "out"))
    with next(path for path in drawn.files if path.name == f"svd-{model}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["item"] for row in rows] == (folder / "tokens.txt").read_text().splitlines()[1:]
    points = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    np.testing.assert_allclose(points, project(items_of(folder, model)).coordinates, rtol=1e-7)
    counts = np.loadtxt(folder / "log" / "log.inter", dtype=str, skiprows=1)[:, 1]
    assert all(int(row["frequency"]) <= (counts == row["item"]).sum() for row in rows)
    assert sum(int(row["frequency"]) for row in rows) > len(counts) / 2
