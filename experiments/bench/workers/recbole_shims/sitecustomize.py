"""Put back names that NumPy 2 removed and RecBole 1.2.1 uses. Python imports this module at its start."""

from __future__ import annotations

import numpy as np

OLD_NAMES = {"float_": np.float64, "complex_": np.complex128, "unicode_": np.str_, "bool8": np.bool_}

for name, kind in OLD_NAMES.items():
    if not hasattr(np, name):
        setattr(np, name, kind)
