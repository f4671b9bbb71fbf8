"""The bench is a folder of scripts, not a package that is installed."""

from __future__ import annotations

import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "experiments" / "bench"
sys.path[:0] = [str(BENCH), str(BENCH / "workers")]
