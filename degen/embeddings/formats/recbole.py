"""Read RecBole's file of item embeddings: per line an `iid:token`, a tab and an `item_emb:float_seq`."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
import numpy.typing as npt

from degen.embeddings.formats.text import numbered_lines, numbers
from degen.errors import UserError

HEADER = "iid:token\titem_emb:float_seq"


def read_itememb(path: Path) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Return the matrix, float64 [n, d], and its ids; further columns are ignored.

    Raises
    ------
    UserError
        where the first line names no token or no float_seq, or a line has another number of fields.
    """
    lines = numbered_lines(path)
    _, header = next(lines, (0, [""]))
    token, sequence = (
        next((column for column, name in enumerate(header) if name.endswith(kind)), None)
        for kind in (":token", ":float_seq")
    )
    if token is None or sequence is None:
        raise UserError(f"{path} line 1 must name an id:token and a vector:float_seq, separated by a tab")
    values, ids, d = array("d"), [], None
    for number, fields in lines:
        row = numbers(path, number, fields[sequence].split()) if len(fields) == len(header) else []
        if not row or len(row) != (d := d or len(row)):
            raise UserError(
                f"{path} line {number} has {len(fields)} fields and {len(row)} numbers where {len(header)} "
                f"and {d or 'some'} are expected; mend that line"
            )
        ids.append(fields[token])
        values.extend(row)
    return np.array(values).reshape(len(ids), d or 0), ids
