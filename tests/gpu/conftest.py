from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_fixtures
import tiny_runs
from pretended_cuda import PretendedCuda, pretended

from degen.config.schema import Config

log, dataset = tiny_fixtures.log, tiny_fixtures.dataset


@pytest.fixture
def config(log: Path) -> Callable[..., Config]:
    """Configurations of tiny runs without dropout, whose masks would differ between devices."""
    return lambda **settings: tiny_runs.tiny_config(log, **{"dropout": 0.0, **settings})


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[PretendedCuda]:
    with pretended(monkeypatch) as device:
        yield device
