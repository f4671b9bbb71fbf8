from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_runs
from pretended_cuda import PretendedCuda, pretended

from degen.build import load_data
from degen.config.schema import Config
from degen.data.load import Dataset


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_runs.write_log(tmp_path_factory.mktemp("log") / "toy.txt")


@pytest.fixture
def dataset(log: Path) -> Dataset:
    return load_data(tiny_runs.tiny_config(log).data)


@pytest.fixture
def config(log: Path) -> Callable[..., Config]:
    """Configurations of tiny runs without dropout, whose masks would differ between devices."""
    return lambda **settings: tiny_runs.tiny_config(log, **{"dropout": 0.0, **settings})


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[PretendedCuda]:
    with pretended(monkeypatch) as device:
        yield device
