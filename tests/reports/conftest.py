"""What tests of the report may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile_runs import write_runs


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Runs of one dataset with hostile names; see `write_runs`."""
    return write_runs(tmp_path / "runs")
