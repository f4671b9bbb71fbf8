"""The pairwise measures as loops over rows; imports nothing of degen."""

from __future__ import annotations

import itertools
import math


def distance(a, b):
    return math.sqrt(math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def unit(row):
    length = math.sqrt(math.fsum(x * x for x in row))
    return [x / length for x in row]


def nonzero(rows):
    return [[float(x) for x in row] for row in rows if any(row)]


def alignment(first, second):
    pairs = zip(nonzero(first), nonzero(second), strict=True)
    squares = [distance(unit(x), unit(y)) ** 2 for x, y in pairs]
    return math.fsum(squares) / len(squares)


def official_alignment(first, second):
    distances = [distance(x, y) for x, y in zip(first.tolist(), second.tolist(), strict=True)]
    return math.fsum(distances) / len(distances)


def uniformity(rows, t=2.0):
    pairs = list(itertools.combinations([unit(row) for row in nonzero(rows)], 2))
    return math.log(math.fsum(math.exp(-t * distance(a, b) ** 2) for a, b in pairs) / len(pairs))


def official_uniformity(rows, t=2.0):
    pairs = list(itertools.combinations(rows.tolist(), 2))
    return math.log(math.fsum(math.exp(-t * distance(a, b)) for a, b in pairs) / len(pairs))


def average_cosine(rows):
    pairs = list(itertools.combinations([unit(row) for row in nonzero(rows)], 2))
    cosines = [math.fsum(x * y for x, y in zip(a, b, strict=True)) for a, b in pairs]
    return math.fsum(cosines) / len(cosines)
