"""A matrix as the two files that TensorBoard's embedding projector loads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from degen.files import atomic_path, write_text

TENSORS = "tensors.tsv"
METADATA = "metadata.tsv"


def write_projector(
    folder: Path, values: npt.NDArray[Any], columns: dict[str, Sequence[Any]]
) -> tuple[Path, Path]:
    """Write `tensors.tsv`, a row a line, and `metadata.tsv`, with the row's labels; return both.

    Parameters
    ----------
    folder
        made if it does not exist.
    values
        [n, d], written to nine digits, which float32 needs.
    columns
        n labels under each name. Tabs and line breaks in them become spaces. As the projector expects, the
        names are written only where there are several.
    """
    tensors, metadata = folder / TENSORS, folder / METADATA
    with atomic_path(tensors) as temporary:
        np.savetxt(temporary, values, fmt="%.9g", delimiter="\t")
    lines = [[" ".join(str(label).split()) for label in row] for row in zip(*columns.values(), strict=True)]
    named = [list(columns), *lines] if len(columns) > 1 else lines
    write_text(metadata, "".join("\t".join(line) + "\n" for line in named))
    return tensors, metadata
