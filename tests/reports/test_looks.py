"""Looks of lines on the page are those of the figures; on a dark page they are seen, in the same order."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from degen.plots.style import frequency_colors, variant_line, variant_marker
from degen.reports.looks import PAGES, Look, contrast, frequency_scale, lighter, style_sheet
from degen.variant_names import VARIANT_LABELS

NAMES = [*VARIANT_LABELS, "half-scl", "jan"]


@pytest.mark.parametrize("name", NAMES)
def test_a_light_page_has_the_colours_and_markers_of_the_figures(name: str) -> None:
    look = Look.of(name, 1)
    color = variant_line(name, 1)["color"]
    assert f"light-dark({color.lower()}, " in look.rule
    assert look.marker == variant_marker(name, 1)


def test_dashes_are_those_of_the_figures_in_widths_of_the_line() -> None:
    assert Look.of("sasrec").dashes == ()
    assert "--d" not in Look.of("sasrec").rule
    _, wanted = variant_line("scl")["linestyle"]
    assert Look.of("scl").dashes == pytest.approx(wanted)
    assert len(Look.of("jan", 0).dashes) == 4  # "-." of matplotlib


def test_looks_have_classes_of_their_own_and_one_rule_each() -> None:
    looks = [Look.of(name, place) for place, name in enumerate(NAMES)]
    names = {look.css_class for look in looks}
    assert len(names) == len(looks)
    assert all(re.fullmatch(r"l[\w-]+", name) for name in names)
    sheet = style_sheet([*looks, *looks])
    assert sheet.count("--c:") == len(looks)


def test_lines_are_seen_on_a_dark_page_and_stay_apart() -> None:
    found = [lighter(variant_line(name, place)["color"], PAGES["dark"]) for place, name in enumerate(NAMES)]
    assert all(contrast(color, PAGES["dark"]) >= 4.5 for color in found)
    assert len(set(found)) == len(found)
    # What is seen already stays as it is, and black becomes white.
    assert lighter("#e69f00", PAGES["dark"]) == "#e69f00"
    assert lighter("#000000", PAGES["dark"]) == "#ffffff"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#777777") == contrast("#777777", "#ffffff")


def test_rare_items_are_the_lightest_on_either_page() -> None:
    scale = frequency_scale()
    for page in ("light", "dark"):
        lightness = [np.dot(to_rgb(color), (0.2126, 0.7152, 0.0722)) for color in scale[page]]
        assert all(before >= after for before, after in itertools.pairwise(lightness))
        assert scale[page][0] == scale["light"][0]
    assert to_rgb(scale["light"][-1]) == pytest.approx(frequency_colors()(1.0)[:3], abs=0.003)
    assert min(contrast(color, PAGES["dark"]) for color in scale["dark"]) >= 3


@pytest.mark.parametrize(("marker", "filled"), [("s", True), ("o", True), ("x", False)])
def test_markers_are_paths_around_the_origin(marker: str, filled: bool) -> None:
    look = Look("#123456", marker=marker)
    numbers = [float(text) for text in re.findall(r"-?[\d.]+(?:e-?\d+)?", look.mark)]
    assert look.mark.startswith("M")
    assert look.filled is filled
    assert (min(numbers), max(numbers)) == pytest.approx((-3.25, 3.25))


def test_a_triangle_points_up_on_the_page_too() -> None:
    numbers = [float(text) for text in re.findall(r"-?[\d.]+(?:e-?\d+)?", Look("#123456", marker="^").mark)]
    corners = list(zip(numbers[::2], numbers[1::2], strict=True))
    assert sum(y < 0 for _, y in corners) == 1  # y grows downwards
