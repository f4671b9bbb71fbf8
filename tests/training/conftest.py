from __future__ import annotations

from pathlib import Path

import pytest
import tiny_runs

from degen.build import load_data
from degen.data.load import Dataset
from degen.model.variants import Variant


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_runs.write_log(tmp_path_factory.mktemp("log") / "toy.txt")


@pytest.fixture
def dataset(log: Path) -> Dataset:
    return load_data(tiny_runs.tiny_config(log).data)


@pytest.fixture
def drawn(monkeypatch):
    """The samples and the views of every batch whose views are drawn, as they are drawn."""
    batches = []
    draw = Variant.draw

    def remember(self, source, rows, rng):
        views = draw(self, source, rows, rng)
        batches.append((rows, dict(views)))
        return views

    monkeypatch.setattr(Variant, "draw", remember)
    return batches
