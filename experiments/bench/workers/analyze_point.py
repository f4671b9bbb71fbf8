"""One point of the bench's section `analyze`, in a process of its own; prints a line of JSON.

    analyze_point.py write N FILE       a matrix of N × 64 float32: a cone with a decaying spectrum
    analyze_point.py svd FILE           numpy.linalg.svd, and what follows from σ
    analyze_point.py textbook FILE      each measure as its formula is written

The last two are what one writes in a notebook: NumPy, the numbers as the file has them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

BLOCK = 250_000


def write(n: int, path: Path) -> dict[str, float]:
    """Write the matrix a block at a time."""
    rng = np.random.default_rng(0)
    weights = np.arange(1, 65, dtype=np.float32) ** -0.5
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n, 64)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, n, BLOCK):
            rows = rng.standard_normal((min(BLOCK, n - start), 64), dtype=np.float32)
            file.write((rows * weights + np.float32(0.3)).tobytes())
    return {"bytes": path.stat().st_size}


def of_spectrum(s: np.ndarray, suffix: str = "") -> dict[str, float]:
    """Return the measures of singular values."""
    s = s.astype(np.float64)
    p, energy = s / s.sum(), s**2
    return {
        f"sigma2_ratio{suffix}": s[1] / s[0],
        f"effective_rank{suffix}": np.exp(-(p * np.log(p)).sum()),
        f"stable_rank{suffix}": energy.sum() / energy[0],
        f"information_abundance{suffix}": s.sum() / s[0],
        f"participation_ratio{suffix}": energy.sum() ** 2 / (energy**2).sum(),
        f"condition_number{suffix}": s[0] / s[-1],
        f"explained_variance_1{suffix}": energy[0] / energy.sum(),
    }


def svd(path: Path) -> dict[str, float]:
    """The spectrum by the function that everybody knows; the left vectors are the points of Fig. 1."""
    V = np.load(path)
    _, s, _ = np.linalg.svd(V, full_matrices=False)
    return of_spectrum(s)


def textbook(path: Path) -> dict[str, float]:
    """The measures as their papers write them."""
    V = np.load(path)
    n = len(V)
    _, s, W = np.linalg.svd(V, full_matrices=False)
    centered = np.linalg.svd(V - V.mean(axis=0), compute_uv=False)
    norms = np.linalg.norm(V, axis=1)
    units = V / norms[:, None]
    cosines = (units @ units.T)[~np.eye(n, dtype=bool)]
    eigenvalues = np.linalg.eigvalsh(np.cov(V.T))
    scores = V @ W.T
    Z = np.concatenate([np.exp(scores).sum(axis=0), np.exp(-scores).sum(axis=0)])
    axis = units.sum(axis=0) / np.linalg.norm(units.sum(axis=0))
    angles = np.degrees(np.arccos(units @ axis))
    scaled = np.sqrt(64) * eigenvalues / np.linalg.norm(eigenvalues)
    defect = np.linalg.norm(scaled - 1) / np.sqrt(2 * (64 - np.sqrt(64)))
    isoscore = ((64 - defect**2 * (64 - np.sqrt(64))) ** 2 - 64) / (64 * 63)
    return {
        **of_spectrum(s),
        **of_spectrum(centered, "_centered"),
        "average_cosine": cosines.mean(),
        "mean_squared_cosine": (cosines**2).mean(),
        "isotropy": Z.min() / Z.max(),
        "isoscore": isoscore,
        "mean_resultant_length": np.linalg.norm(units.mean(axis=0)),
        "cone_angle_median": np.median(angles),
        "norm_mean": norms.mean(),
        "duplicate_rows": n - len(np.unique(V, axis=0)),
        "zero_rows": (norms == 0).sum(),
    }


def main() -> None:
    """Do what the first argument says."""
    kind, *rest = sys.argv[1:]
    if kind == "write":
        found = write(int(rest[0]), Path(rest[1]))
    else:
        found = {"svd": svd, "textbook": textbook}[kind](Path(rest[0]))
    print(json.dumps({name: float(value) for name, value in found.items()}))


if __name__ == "__main__":
    main()
