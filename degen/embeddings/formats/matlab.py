"""Arrays in MATLAB's `.mat` up to version 7.2, which SciPy reads without executing anything."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from struct import error as StructError

import numpy as np

from degen.embeddings.file_rows import Values
from degen.embeddings.formats.named_arrays import ArrayFile, StoredArray
from degen.embeddings.formats.numpy_files import DAMAGE, unreadable
from degen.errors import UserError

_NUMBERS = {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
_DAMAGE = (*DAMAGE, KeyError, IndexError, AttributeError, StructError, ArithmeticError)


def open_mat(path: Path) -> ArrayFile:
    """Return the arrays of numbers in `path`.

    Raise a `UserError` where it is damaged, or of version 7.3, which is HDF5.
    """
    from scipy.io import whosmat
    from scipy.io.matlab import MatReadError

    try:
        with warnings.catch_warnings(action="ignore"):
            found = whosmat(path)
    except NotImplementedError as error:
        raise UserError(
            f"{path} is of MATLAB 7.3, which is HDF5; save it again with save(…, '-v7'), or as .npy"
        ) from error
    except (*_DAMAGE, MatReadError) as error:
        raise unreadable(path, "scipy.io.savemat or MATLAB's save") from error
    return ArrayFile(
        {
            name: StoredArray(tuple(shape), partial(_read, path, name))
            for name, shape, kind in found
            if kind in _NUMBERS
        }
    )


def _read(path: Path, name: str) -> Values:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        with warnings.catch_warnings(action="ignore"):
            return np.asarray(loadmat(path, variable_names=[name])[name])
    except (*_DAMAGE, MatReadError, NotImplementedError) as error:
        raise unreadable(path, "scipy.io.savemat or MATLAB's save") from error
