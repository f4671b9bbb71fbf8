"""What tests ask of drawn figures: their texts and where these stand, and what a PDF holds."""

from __future__ import annotations

import itertools
import re
import zlib
from pathlib import Path
from unittest import mock
from weakref import WeakKeyDictionary

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

_DRAWN: WeakKeyDictionary[Figure, dict[str, list[Bbox]]] = WeakKeyDictionary()


def texts(figure: Figure) -> dict[str, list[Bbox]]:
    """The boxes of all texts that drawing the figure draws, by their wording.

    A figure that has not changed since it was drawn for this is not drawn again.
    """
    if figure.stale or figure not in _DRAWN:
        _DRAWN[figure] = _draw(figure)
    return _DRAWN[figure]


def _draw(figure: Figure) -> dict[str, list[Bbox]]:
    drawn: list[Text] = []
    original = Text.draw

    def record(text: Text, renderer: object) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn.append(text)
        original(text, renderer)

    # What an axis holds in ticks is more than what it draws; only drawing tells.
    with mock.patch.object(Text, "draw", record):
        FigureCanvasAgg(figure).draw()
    boxes: dict[str, list[Bbox]] = {}
    for text in dict.fromkeys(drawn):
        # An annotation's own extent would include the line that joins it to its point.
        boxes.setdefault(text.get_text(), []).append(Text.get_window_extent(text))
    return boxes


def overlaps(figure: Figure, slack: float = 0.5) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes share more than `slack` pixels in both directions."""
    every = [(name, box) for name, boxes in texts(figure).items() for box in boxes]
    found = []
    for (one, a), (other, b) in itertools.combinations(every, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > slack and up > slack:
            found.append((one, other))
    return found


def outside(figure: Figure, slack: float = 0.5) -> list[str]:
    """Texts that reach beyond the figure."""
    edge = figure.bbox
    return [
        name
        for name, boxes in texts(figure).items()
        for box in boxes
        if box.x0 < -slack or box.y0 < -slack or box.x1 > edge.x1 + slack or box.y1 > edge.y1 + slack
    ]


def media_box(pdf: Path) -> tuple[float, float]:
    """Width and height of a PDF's page in inches, as its MediaBox says."""
    numbers = re.search(rb"/MediaBox \[([^\]]+)\]", pdf.read_bytes()).group(1).split()
    return (float(numbers[2]) - float(numbers[0])) / 72, (float(numbers[3]) - float(numbers[1])) / 72


def font_types(pdf: Path) -> set[bytes]:
    """The subtypes of all fonts in a PDF; Type 42 is embedded as CIDFontType2 or TrueType."""
    text = pdf.read_bytes() + b"".join(_streams(pdf))
    return {match for match in re.findall(rb"/Subtype /(Type3|TrueType|Type1|CIDFontType\d)", text)}


def images(pdf: Path) -> list[tuple[int, int]]:
    """Width and height in pixels of the images in a PDF."""
    found = re.findall(rb"<<[^>]*?/Subtype /Image[^>]*?>>", pdf.read_bytes(), re.S)
    size = [(re.search(rb"/Width (\d+)", one), re.search(rb"/Height (\d+)", one)) for one in found]
    return [(int(w.group(1)), int(h.group(1))) for w, h in size if w and h]


def _streams(pdf: Path) -> list[bytes]:
    parts = []
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf.read_bytes(), re.S):
        try:
            parts.append(zlib.decompress(raw))
        except zlib.error:
            continue
    return parts
