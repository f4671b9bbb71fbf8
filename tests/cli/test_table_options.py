"""`--ids` and `--separator` as users type them, with mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import mistake, result_of, run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 4)).round(4), columns=list("abcd"))
    frame.insert(2, "shelf", rng.permutation(1000)[:60])
    frame.to_csv(tmp_path / "shop.csv", index=False, sep="!")
    return tmp_path / "shop.csv"


def test_every_command_of_files_takes_the_column_of_ids(table: Path, tmp_path: Path) -> None:
    options = ("--ids", "shelf", "--separator", "!")
    found = result_of("analyze", table, *options, "--measures", "average_cosine")
    assert abs(found["average_cosine"]) < 0.1
    result_of("plot-svd", table, *options, "--out", tmp_path / "figures", "--format", "png")
    points = pd.read_csv(tmp_path / "figures" / "svd-shop.csv")
    assert set(points["item"]) == set(pd.read_csv(table, sep="!")["shelf"])
    assert run("report", table, *options, "--out", tmp_path / "r.html").exit_code == 0


def test_what_may_be_ids_is_asked_and_mistakes_are_one_sentence(capfd: Any, table: Path) -> None:
    said = mistake(capfd, "analyze", table, "--separator", "!")
    assert "column 'shelf' holds distinct whole numbers" in said
    assert "--ids shelf or --ids none" in said
    assert "no column 'shelve'; did you mean 'shelf'?" in mistake(
        capfd, "analyze", table, "--separator", "!", "--ids", "shelve"
    )
    assert "--separator takes one sign" in mistake(capfd, "analyze", table, "--separator", "!!")
    assert "no column 9" in mistake(capfd, "analyze", table, "--separator", "!", "--ids", "9")
    np.save(table.with_suffix(".npy"), np.eye(3))
    assert "leave out --ids shelf" in mistake(capfd, "analyze", table.with_suffix(".npy"), "--ids", "shelf")
