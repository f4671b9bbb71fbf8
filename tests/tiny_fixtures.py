"""Fixtures of a tiny log, for the folders of tests that train on it."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_runs

from degen.build import load_data
from degen.data.load import Dataset


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_runs.write_log(tmp_path_factory.mktemp("log") / "toy.txt")


@pytest.fixture
def dataset(log: Path) -> Dataset:
    return load_data(tiny_runs.tiny_config(log).data)
