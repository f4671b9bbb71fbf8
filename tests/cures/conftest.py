"""The study is a folder of scripts, not a package that is installed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / "experiments" / "cures")]
