"""Whether the rows of a matrix point everywhere, or all one way.

    average_cosine   mean cosine over all pairs of rows i < j: 0 for an isotropic cloud, 1 where all are
    parallel

(Ethayarajh, EMNLP 2019, there from sampled pairs; here over all of them, by a closed form.)
"""

from __future__ import annotations

from degen.analysis.matrix import Array, checked, float64_blocks, unit_rows
from degen.errors import UserError


def average_cosine(V: Array) -> float:
    """Return the mean of cos(vᵢ, vⱼ) over all pairs i < j of the rows of `V` [n, d], in [-1/(m-1), 1].

    Rows of length zero have no direction and are left out; m is the number of the others. With S the sum of
    the rows at length 1, the cosines of all pairs add up to (‖S‖² - m) / 2: O(n d), nothing is sampled.

    Raises
    ------
    UserError
        if fewer than two rows are not zero, or `checked` refuses `V`.
    """
    m: int = 0
    total: Array = 0.0
    for block in float64_blocks(checked(V)):
        units, alive = unit_rows(block)
        m, total = m + int(alive.sum()), total + units.sum(axis=0)
    if m < 2:
        raise UserError(f"the average cosine needs at least 2 rows that are not zero, the matrix has {m}")
    return float((total @ total - m) / (m * (m - 1)))
