"""The study is a folder of scripts, not a package that is installed."""

from __future__ import annotations

import sys
from pathlib import Path

# Behind the bench's folder, which has a run.py too.
sys.path.append(str(Path(__file__).parents[2] / "experiments" / "cures"))
