from __future__ import annotations

import struct
from pathlib import Path

import pytest
from drawn import font_types, media_box
from matplotlib.figure import Figure

from degen.errors import UserError
from degen.plots.layout import fit_height
from degen.plots.save import figure_formats, save_figure
from degen.plots.style import figure_style


def sample(width: float = 3.337) -> Figure:
    figure = Figure(figsize=(width, 2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([1, 2, 3], [1, 4, 9])
    axes.set(xlabel=r"$\sigma_1 u_1$", ylabel="height", title="a title")
    return figure


def save(folder: Path, formats: list[str]) -> list[Path]:
    with figure_style("paper"):
        return save_figure(sample(), folder / "v1.2", formats, title="Title", caption="σ₁")


def test_a_pdf_has_the_width_asked_for_and_true_type_fonts(tmp_path: Path) -> None:
    [pdf] = save(tmp_path, ["pdf"])
    assert pdf.name == "v1.2.pdf"
    assert media_box(pdf) == pytest.approx((3.337, 2.0), abs=1e-4)
    kinds = font_types(pdf)
    assert kinds
    assert kinds <= {b"TrueType", b"CIDFontType2"}


def test_a_png_has_300_dots_an_inch(tmp_path: Path) -> None:
    [png] = save(tmp_path, ["png"])
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    assert (width, height) == (int(3.337 * 300), 600)


def test_an_svg_keeps_its_letters(tmp_path: Path) -> None:
    [svg] = save(tmp_path, ["svg"])
    assert ">a title</text>" in svg.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["pdf", "png", "svg"])
def test_a_figure_saved_twice_is_the_same_to_the_byte(tmp_path: Path, kind: str) -> None:
    [one] = save(tmp_path / "a", [kind])
    [other] = save(tmp_path / "b", [kind])
    assert one.read_bytes() == other.read_bytes()


def test_files_hold_no_date(tmp_path: Path) -> None:
    pdf, svg = save(tmp_path, ["pdf", "svg"])
    assert b"Date" not in pdf.read_bytes()
    assert "date>" not in svg.read_text(encoding="utf-8")


def test_formats_do_not_depend_on_which_was_written_first(tmp_path: Path) -> None:
    alone = save(tmp_path / "a", ["pdf"])
    after = save(tmp_path / "b", ["png", "svg", "pdf"])
    assert alone[0].read_bytes() == after[-1].read_bytes()


def test_nothing_but_the_files_is_left_behind(tmp_path: Path) -> None:
    save(tmp_path, ["pdf", "png"])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [".degen-outputs.jsonl", "v1.2.pdf", "v1.2.png"]


def test_a_folder_that_is_a_file_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*taken.*choose another path"):
        save(tmp_path / "taken", ["pdf"])
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_formats_are_read_from_a_list_once_each() -> None:
    assert figure_formats("pdf, .PNG,pdf") == ["pdf", "png"]


@pytest.mark.parametrize(("text", "message"), [("pgn", "did you mean 'png'"), (" , ", "empty")])
def test_unknown_formats_are_named(text: str, message: str) -> None:
    with pytest.raises(UserError, match=f"`formats`.*{message}"):
        figure_formats(text)


@pytest.mark.parametrize("shape", [0.5, 1.3])
def test_fit_height_gives_panels_their_shape_and_keeps_the_width(shape: float) -> None:
    with figure_style("paper"):
        figure = Figure(figsize=(5, 9), layout="constrained")
        grid = figure.add_gridspec(3, 2, height_ratios=[1, 1, 0.5])
        panels = [figure.add_subplot(grid[row, column]) for row in range(2) for column in range(2)]
        figure.add_subplot(grid[2, :]).set_xlabel("below")
        fit_height(figure, panels[0], shape, 2.5)
        figure.draw_without_rendering()
    assert figure.get_size_inches()[0] == 5
    for panel in panels:
        box = panel.get_window_extent()
        assert box.height / box.width == pytest.approx(shape, rel=0.01)


def test_a_figure_without_room_is_the_users_to_mend() -> None:
    with figure_style("slides"):
        figure = sample(1.5)
        figure.axes[0].set_ylabel("a label as high as a house, or higher\n" * 6)
        with pytest.raises(UserError, match=r"1.5 inches wide.*`width`"):
            fit_height(figure, figure.axes[0], 1, 1)
