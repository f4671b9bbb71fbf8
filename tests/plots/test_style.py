from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pytest

from degen.errors import UserError, one_of
from degen.plots.marks.widths import shortened, text_ems, wrapped
from degen.plots.style import (
    figure_ems,
    figure_style,
    figure_width,
    frequency_colors,
    quality_colors,
    variant_line,
    variant_marker,
)
from degen.variant_names import in_paper_order, variant_label

PAPER = ["sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec"]


def luminance(colors: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB colours (WCAG 2)."""
    rgb = np.asarray(colors)[..., :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    ("text", "inches"),
    [("column", 241.147 / 72.27), ("text", 506.295 / 72.27), ("Column", 3.337), ("5", 5.0), ("2.5", 2.5)],
)
def test_widths_are_those_of_acm_or_inches(text: str, inches: float) -> None:
    assert figure_width(text) == pytest.approx(inches, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [("colum", "did you mean 'column'"), ("0.5", "1.5 to 40"), ("41", "1.5 to 40"), ("nan", "1.5 to 40")],
)
def test_an_impossible_width_is_named(text: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"`width` '?{text}'?.*{message}"):
        figure_width(text)


@pytest.mark.parametrize("colors", [frequency_colors(), frequency_colors("cividis"), quality_colors()])
def test_colours_darken_all_the_way_and_start_visible_on_white(colors: matplotlib.colors.Colormap) -> None:
    levels = luminance(colors(np.linspace(0, 1, 64)))
    assert (np.diff(levels) < 0).all()
    contrast = 1.05 / (levels[0] + 0.05)
    assert contrast > 1.5
    assert 1.05 / (levels[-1] + 0.05) > 12


def test_quality_runs_from_yellow_to_blue() -> None:
    low, high = quality_colors()(0.0), quality_colors()(1.0)
    assert low[0] > low[2]
    assert high[2] > high[0]


def test_an_unknown_map_is_named() -> None:
    with pytest.raises(UserError, match=r"`cmap` 'viridi'.*did you mean 'viridis'"):
        frequency_colors("viridi")


def test_style_sets_type_42_and_restores_what_was_there() -> None:
    with matplotlib.rc_context({"font.size": 3, "axes.titlesize": 40, "savefig.bbox": "tight"}):
        with figure_style("paper"):
            assert matplotlib.rcParams["pdf.fonttype"] == matplotlib.rcParams["ps.fonttype"] == 42
            assert matplotlib.rcParams["savefig.bbox"] is None
            # What a user's own settings say has no say here.
            assert matplotlib.rcParams["axes.titlesize"] < 10
        assert matplotlib.rcParams["font.size"] == 3
        assert matplotlib.rcParams["savefig.bbox"] == "tight"


def test_paper_letters_are_7_to_8_points_and_slides_larger() -> None:
    with figure_style("paper"):
        assert 7 <= matplotlib.rcParams["font.size"] <= 8
        assert 6 <= matplotlib.rcParams["xtick.labelsize"] <= 7
        assert figure_ems(1.0) == pytest.approx(72 / matplotlib.rcParams["font.size"])
    with figure_style("Slides"):
        assert matplotlib.rcParams["xtick.labelsize"] >= 12


def test_an_unknown_style_is_named() -> None:
    with pytest.raises(UserError, match=r"`style` 'papper'.*did you mean 'paper'"), figure_style("papper"):
        pass


def test_variants_come_in_the_papers_order_then_by_name() -> None:
    assert in_paper_order(["zeta", *reversed(PAPER), "alpha", "scl"]) == [*PAPER, "alpha", "zeta"]


# Deuteranopia and protanopia in linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def cielab(color: str, sight: str = "normal") -> np.ndarray:
    """CIELAB (D65) of an sRGB colour as it is seen."""
    rgb = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(SIGHT[sight] @ linear, 0, 1)
    to_xyz = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
    x = to_xyz @ seen / np.array([0.95047, 1, 1.08883])
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
def test_variants_stay_apart_for_every_eye(sight: str) -> None:
    for one, other in itertools.combinations(PAPER, 2):
        colors = variant_line(one)["color"], variant_line(other)["color"]
        apart = np.linalg.norm(cielab(colors[0], sight) - cielab(colors[1], sight))
        assert apart > 22, (one, other, apart)


def test_in_grey_variants_differ_in_lightness_and_in_both_dashes_and_markers() -> None:
    for one, other in itertools.combinations(PAPER, 2):
        a, b = variant_line(one), variant_line(other)
        assert a["linestyle"] != b["linestyle"]
        assert variant_marker(one) != variant_marker(other)
        if {one, other} != {"ucl", "cl4srec"}:
            assert abs(cielab(a["color"])[0] - cielab(b["color"])[0]) > 11, (one, other)


def test_variants_have_the_papers_spelling_and_lines_of_their_own() -> None:
    assert [variant_label(name) for name in PAPER] == ["SASRec", "CL4SRec", "UCL", "SCL", "UCL+SCL", "DuoRec"]
    assert variant_label("mine") == "mine"
    lines = [variant_line(name) for name in PAPER] + [variant_line("mine", k) for k in range(3)]
    assert len({line["color"] for line in lines}) == len(lines)
    assert len({str(line["linestyle"]) for line in lines[:6]}) == 6


def test_thirty_names_outside_the_paper_have_lines_of_their_own() -> None:
    lines = [tuple(variant_line(f"own {position}", position).values()) for position in range(30)]
    assert len(set(map(str, lines))) == 30
    marked = [(*line, variant_marker(f"own {position}", position)) for position, line in enumerate(lines)]
    assert len({marker for *_, marker in marked[:7]}) == 7
    assert len({color for color, _ in lines[:6]}) == 6
    paper = {variant_line(name)["color"] for name in ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec")}
    assert paper.isdisjoint(color for color, _ in lines)


def test_names_are_shortened_to_the_room_they_have_and_keep_their_ends() -> None:
    assert shortened("DuoRec", 10) == "DuoRec"
    whole = "embeddings-of-january-and-february.npy"
    short = shortened(whole, 10)
    beginning, end = short.split("…")
    assert whole.startswith(beginning)
    assert whole.endswith(end)
    assert len(end) > len(beginning) > 2  # names differ at their ends
    assert 9 < text_ems(short) <= 10
    assert shortened("WWWWWWWW", 0.1) == "W…W"


def test_widths_are_those_of_the_letters() -> None:
    assert text_ems("iii") < text_ems("mmm") / 3
    assert text_ems("short\nand longer") == text_ems("and longer")
    assert text_ems("") == 0


def test_sentences_are_broken_between_words() -> None:
    lines = wrapped("one sentence that is too long for a line, and another", 14).split("\n")
    assert len(lines) > 1
    assert " ".join(lines) == "one sentence that is too long for a line, and another"
    assert max(map(text_ems, lines)) <= 14


def test_options_are_taken_in_any_case() -> None:
    assert one_of("--style", "PAPER", ["paper"]) == "paper"


def test_the_papers_variants_have_the_colours_that_figures_of_papers_are_compared_by() -> None:
    # Okabe and Ito 2008, and wine of Tol 2021 for the one that grey and deuteranopia would not tell from SCL.
    black, orange, sky, green, blue, wine = "#000000", "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#882255"
    expected = {"sasrec": black, "cl4srec": orange, "ucl": sky, "scl": green, "ucl+scl": wine, "duorec": blue}
    assert {name: str(variant_line(name)["color"]).lower() for name in expected} == expected
