"""Two other pictures of the items in a plane, beside the paper's singular directions (`project`).

    pca_projection    principal components: as `project`, but minus the mean, so that the cone's axis is gone
    tsne_projection   t-SNE: who is near to whom; distances, sizes and gaps of groups mean little

The components come from the two passes over blocks of rows (`Rows`); t-SNE is scikit-learn's.
"""

from __future__ import annotations

import numpy as np

from degen.analysis.measures.spectrum import Projection, project, variance_share
from degen.analysis.passes.arrays import Array, scaled_by, to_numpy
from degen.analysis.passes.buckets import Int, sample_rows
from degen.analysis.passes.rows import Rows
from degen.errors import UserError

MOST_ITEMS = 10_000
"""Items that t-SNE places at most; more of them are sampled."""

_PERPLEXITY = 30.0


def pca_projection(V: Rows | Array) -> Projection:
    """Return the rows of `V` [n, d], minus their mean, on their first two principal components.

    `singular_values` and `variance_share` are those of the centred matrix. In either direction the entry
    of the greatest magnitude is positive.
    """
    rows = Rows.of(V)
    project(rows)  # refuses what has no projection
    exponent, mean, directions = rows.axes.exponent, rows.axes.mean, rows.axes.centered[:, :2]
    largest = directions[np.abs(directions).argmax(axis=0), [0, 1]]
    directions = directions * np.where(largest < 0, -1.0, 1.0)
    coordinates = np.empty((len(rows), 2))
    for place, block in rows.blocks():
        centered = scaled_by(to_numpy(block), -exponent) - mean
        coordinates[place] = np.ldexp(centered @ directions, exponent)
    s = rows.centered_singular_values
    return Projection(coordinates, s, variance_share(s))


def tsne_projection(V: Rows | Array, *, seed: int = 0, most: int = MOST_ITEMS) -> tuple[Projection, Int]:
    """Return the rows of `V` [n, d] as t-SNE (van der Maaten and Hinton, JMLR 2008) places them, and which.

    Parameters
    ----------
    V
        at least four rows; a sample in which rare and frequent items keep their shares if it has more than
        `most`.
    seed
        of t-SNE and of the sample.
    most
        number of rows to place at most.

    Returns
    -------
    Projection
        with float64 [m, 2] coordinates; its singular values and variance shares are those of all of `V`.
    int64 [m]
        the rows, ascending.

    Raises
    ------
    UserError
        as `project`, and for fewer than four rows.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    rows = Rows.of(V)
    whole = project(rows)
    if len(rows) < 4:
        raise UserError(f"the matrix has {len(rows)} rows; t-SNE needs at least four")
    shown = np.sort(sample_rows(rows.frequency, len(rows), most, seed))
    model = TSNE(perplexity=min(_PERPLEXITY, (len(shown) - 1) / 3), init="pca", random_state=seed)
    # One thread: t-SNE adds up its threads' sums, so that another number of them gives another picture.
    with threadpool_limits(1, user_api="openmp"):
        values = scaled_by(np.asarray(rows.values[shown], dtype=np.float64), -rows.axes.exponent)
        coordinates = model.fit_transform(values)
    return Projection(coordinates.astype(np.float64), whole.singular_values, whole.variance_share), shown
