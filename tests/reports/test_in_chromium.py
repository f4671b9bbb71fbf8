"""The page as a reader has it: in a real browser, by pointer and by key, in both themes, at 400 px."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import Page, find_chromium, open_browser
from hostile_runs import HOSTILE, ITEMS, counts, item_ids, matrix, write_runs

from degen.analysis.core import CORE
from degen.reports.gather import gather
from degen.reports.html import write_html
from degen.studies.analysis_options import AnalysisOptions

PANELS = "document.querySelectorAll('.plot canvas')"
# sasrec, scl and duorec as `write_runs` makes them
MATRICES = [matrix(0, 1.5), matrix(1, 0.2), matrix(2, 0.2)]
TAB, ENTER, END, PAGE_DOWN, LEFT, RIGHT = 9, 13, 35, 34, 37, 39


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        pytest.skip("needs a browser: install chromium (Debian: apt-get install chromium)")
    with open_browser(program) as page:
        yield page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    return write_html(gather([write_runs(folder / "runs")]), folder / "report.html")


@pytest.fixture
def page(browser: Page, file: Path) -> Iterator[Page]:
    """The page, opened anew; what it says of errors and asks of others is checked in the end."""
    browser.events.clear()
    browser.size(1200)
    browser.prefer("light")
    browser.open(file)
    yield browser
    assert browser.complaints() == []
    assert browser.requests() == [file.resolve().as_uri()]


def described(item: int, panel: int) -> str:
    """What the page says of an item: its id, and its frequency and norm counted here."""
    norm = np.sqrt((MATRICES[panel].astype(np.float64)[item] ** 2).sum())
    return f"{item_ids()[item]}frequency {counts()[item]} · norm {norm:.4g}"


def find(page: Page, name: str) -> None:
    page.evaluate("document.querySelector('input[type=search]').value = ''")
    page.evaluate("document.querySelector('input[type=search]').focus()")
    page.type(name)


def place(page: Page, panel: int) -> tuple[float, float]:
    """Where a panel's ring stands in the window, and scroll there."""
    page.evaluate(f"{PANELS}[{panel}].scrollIntoView({{block: 'center'}})")
    page.settle()
    x, y = page.evaluate(
        f"(() => {{ const box = {PANELS}[{panel}].parentNode.querySelector('.halo').getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    return float(x), float(y)


def tip(page: Page, panel: int) -> str | None:
    """The text beside the pointer in a panel, None where there is none."""
    return page.evaluate(
        f"(() => {{ const tip = {PANELS}[{panel}].parentNode.querySelector('.tip');"
        " return tip.hidden ? null : tip.textContent; })()"
    )


def same(found: str | None, expected: str) -> bool:
    """Equal up to the last digit of the norm, which 16 bits may change."""
    assert found is not None
    (name, norm), (wanted, value) = found.rsplit(" ", 1), expected.rsplit(" ", 1)
    return name == wanted and abs(float(norm) - float(value)) < 2e-4 * float(value) + 1e-3


def shown(page: Page, panel: int = 0) -> int:
    return int(page.evaluate(f"{PANELS}[{panel}].dataset.shown"))


def pixels(page: Page, panel: int = 0) -> str:
    return str(page.evaluate(f"{PANELS}[{panel}].toDataURL()"))


def status(page: Page) -> str:
    return str(page.evaluate("document.querySelector('.status').textContent"))


def test_hovering_names_an_item_with_its_frequency_and_norm(page: Page) -> None:
    # The longest row of DuoRec lies far out, so that no other is nearer to its place.
    V = MATRICES[2].astype(np.float64)
    U, s, _ = np.linalg.svd(V, full_matrices=False)
    item = int(np.argmax(np.hypot(*(U[:, :2] * s[:2]).T)))
    find(page, item_ids()[item])
    x, y = place(page, 2)
    page.move(5, 5)
    page.evaluate("document.activeElement.blur()")
    find(page, "no such item")
    assert tip(page, 2) is None
    page.evaluate(f"{PANELS}[2].scrollIntoView({{block: 'center'}})")
    page.move(x + 1, y - 1)
    assert same(tip(page, 2), described(item, 2))
    page.move(5, 5)
    assert tip(page, 2) is None


def test_points_lie_where_the_projection_has_them(page: Page) -> None:
    U, s, _ = np.linalg.svd(MATRICES[0].astype(np.float64), full_matrices=False)
    points = U[:, :2] * s[:2]
    points *= np.where(points.sum(0) < 0, -1, 1)
    rows = [20, 40, 60, 80]
    places = []
    for row in rows:
        find(page, item_ids()[row])
        places.append(place(page, 0))
    wanted, found = np.array([points[row] for row in rows]), np.array(places)
    # Both axes have one scale; y grows upwards, on the screen downwards.
    scale = (found[1, 0] - found[0, 0]) / (wanted[1, 0] - wanted[0, 0])
    assert scale > 0
    assert found - found[0] == pytest.approx((wanted - wanted[0]) * [scale, -scale], abs=1.5)


def test_an_item_is_ringed_in_every_panel(page: Page) -> None:
    find(page, item_ids()[50])
    assert page.evaluate("document.querySelectorAll('.halo:not([hidden])').length") == 3
    text = status(page)
    assert f"{item_ids()[50]}: frequency {counts()[50]}; SASRec norm " in text
    assert ", DuoRec norm " in text


def test_hostile_ids_are_text(page: Page) -> None:
    find(page, HOSTILE)
    assert status(page).startswith(HOSTILE)
    assert page.evaluate("document.querySelectorAll('.tip img, .status script').length") == 0
    assert same(tip(page, 0), described(0, 0))


def test_an_id_that_is_not_there_is_said_to_be(page: Page) -> None:
    find(page, "nothing of this name")
    assert "No item" in status(page)


def test_the_brush_draws_the_chosen_frequencies_only(page: Page) -> None:
    frequency, before = counts(), pixels(page)
    assert shown(page) == ITEMS
    page.evaluate("document.querySelector('.low').focus()")
    for _ in range(3):
        page.press("ArrowRight", RIGHT)
    page.evaluate("document.querySelector('.high').focus()")
    for _ in range(2):
        page.press("ArrowLeft", LEFT)
    values = np.unique(frequency)
    low, high = values[3], values[-3]
    inside = int(((frequency >= low) & (frequency <= high)).sum())
    assert [shown(page, panel) for panel in range(3)] == [inside] * 3
    assert pixels(page) != before
    text = page.evaluate("document.querySelector('.shown').textContent")
    assert text == f"{inside} of {ITEMS} items, frequency {low} to {high}."
    assert (
        page.evaluate("document.querySelector('.low').getAttribute('aria-valuetext')") == f"frequency {low}"
    )
    page.evaluate("document.querySelector('.all').click()")
    page.settle()
    assert shown(page) == ITEMS
    assert pixels(page) == before


def test_the_brush_follows_the_pointer(page: Page) -> None:
    page.evaluate("document.querySelector('.range').scrollIntoView({block: 'center'})")
    left, width, y = page.evaluate(
        "(() => { const b = document.querySelector('.range').getBoundingClientRect();"
        " return [b.left, b.width, b.top + b.height / 2]; })()"
    )
    end = left + width - 7
    for kind, x in (
        ("mousePressed", end),
        ("mouseMoved", left + width / 2),
        ("mouseReleased", left + width / 2),
    ):
        page.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1, buttons=1)
    page.settle()
    assert 0 < shown(page) < ITEMS
    # Half of the bar, less what the unseen ones take, is half of the logarithm.
    limit = 24 ** ((0.5 - 0.07) / 0.93)
    near = min(np.unique(counts())[1:], key=lambda f: abs(np.log(f) - np.log(limit)))
    assert shown(page) == int((counts() <= near).sum())


def test_the_ends_of_the_brush_do_not_cross(page: Page) -> None:
    page.evaluate("document.querySelector('.low').focus()")
    page.press("End", END)
    highest = counts().max()
    assert shown(page) == int((counts() == highest).sum())
    page.evaluate("document.querySelector('.high').focus()")
    page.press("ArrowLeft", LEFT)
    assert shown(page) == int((counts() == highest - 1).sum())


def test_items_outside_the_brush_are_not_named(page: Page) -> None:
    rare = int(np.argmin(counts()))
    page.evaluate("document.querySelector('.low').focus()")
    for _ in range(5):
        page.press("PageUp", 33)
    find(page, item_ids()[rare])
    assert "outside the chosen frequencies" in status(page)
    assert tip(page, 0) is None
    # Nor by the pointer: of all that lies under it, only what the brush holds has a name.
    page.evaluate(f"{PANELS}[0].scrollIntoView({{block: 'center'}})")
    left, top, width, height = page.evaluate(
        f"(() => {{ const box = {PANELS}[0].getBoundingClientRect();"
        " return [box.x, box.y, box.width, box.height]; })()"
    )
    lowest = int(page.evaluate("document.querySelector('.low').getAttribute('aria-valuetext').split(' ')[1]"))
    named = set()
    for x in range(8):
        for y in range(8):
            page.move(left + width * (0.3 + 0.08 * x), top + height * (0.1 + 0.1 * y))
            named.add(tip(page, 0))
    frequencies = {int(text.split("frequency ")[1].split(" ")[0]) for text in named if text is not None}
    assert len(frequencies) > 3
    assert min(frequencies) >= lowest


def test_arrow_keys_go_through_the_items_by_frequency(page: Page) -> None:
    order = np.argsort(counts(), kind="stable")
    page.evaluate(f"{PANELS}[1].focus()")
    page.press("ArrowRight", RIGHT)
    assert same(tip(page, 1), described(order[0], 1))
    page.press("ArrowRight", RIGHT)
    assert same(tip(page, 1), described(order[1], 1))
    page.press("PageDown", PAGE_DOWN)
    assert same(tip(page, 1), described(order[101], 1))
    page.press("End", END)
    assert same(tip(page, 1), described(order[-1], 1))
    page.press("ArrowRight", RIGHT)
    assert same(tip(page, 1), described(order[-1], 1))
    assert status(page).startswith(f"{item_ids()[order[-1]]}: frequency 24")
    page.press("Escape", 27)
    assert tip(page, 1) is None


def test_tables_sort_both_ways_and_say_so(page: Page) -> None:
    table = "document.querySelector('[aria-label$=ranked] table')"
    column = f"Array.from({table}.tBodies[0].rows, (row) => row.cells[4].firstChild.textContent)"
    header = f"{table}.tHead.rows[0].cells[4]"
    assert page.evaluate(column) == ["0.0400", "0.0600"]
    page.evaluate(f"{header}.querySelector('button').focus()")
    page.press("Enter", ENTER)
    assert page.evaluate(f"{header}.getAttribute('aria-sort')") == "ascending"
    assert page.evaluate(column) == ["0.0400", "0.0600"]
    page.press("Enter", ENTER)
    assert page.evaluate(f"{header}.getAttribute('aria-sort')") == "descending"
    assert page.evaluate(column) == ["0.0600", "0.0400"]
    page.evaluate(f"{table}.tHead.rows[0].cells[0].querySelector('button').click()")
    assert page.evaluate(f"{header}.getAttribute('aria-sort')") is None
    names = f"Array.from({table}.tBodies[0].rows, (row) => row.cells[0].textContent)"
    assert page.evaluate(names) == ["DuoRec", "SASRec"]


def test_numbers_sort_as_numbers_and_what_is_missing_comes_last(page: Page) -> None:
    runs = "document.querySelector('[aria-label^=Runs] table')"
    titles = page.evaluate(f"Array.from({runs}.tHead.rows[0].cells, (cell) => cell.textContent)")
    best = titles.index("best epoch")
    column = f"Array.from({runs}.tBodies[0].rows, (row) => row.cells[{best}].textContent)"
    for expected in (["3", "3", "–", "–"], ["3", "3", "–", "–"]):
        page.evaluate(f"{runs}.tHead.rows[0].cells[{best}].querySelector('button').click()")
        assert page.evaluate(column) == expected


def test_measures_are_found_by_any_of_their_words(page: Page) -> None:
    table = "document.querySelector('.tall table')"
    rows = f"Array.from({table}.querySelectorAll('tbody tr:not(.section)'))"
    shown = f"{rows}.filter((row) => row.checkVisibility())"
    field = "document.querySelector('.filter input')"
    count = f"{field}.parentNode.querySelector('span').textContent"

    def typed(text: str) -> list[str]:
        page.evaluate(f"{field}.value = ''; {field}.focus()")
        page.type(text)
        return page.evaluate(f"{shown}.map((row) => row.cells[1].textContent)")

    every = page.evaluate(f"{shown}.length")
    assert page.evaluate(count) == f"{every} of {every}"
    # By name, with blanks in it, by words in any order, by the heading of a section.
    assert typed("sigma2_ratio") == ["sigma2_ratio", "sigma2_ratio_centered"]
    assert typed("sigma2 ratio") == ["sigma2_ratio", "sigma2_ratio_centered"]
    assert page.evaluate(count) == f"2 of {every}"
    assert page.evaluate(f"Array.from({table}.tBodies, (body) => body.hidden)").count(False) == 2
    assert "tail_average_cosine" in typed("HALF cosine")
    assert typed("core")[:8] == list(CORE)
    assert typed("nothing like this") == []
    page.evaluate(f"{field}.value = ''; {field}.dispatchEvent(new Event('input'))")
    assert page.evaluate(f"{shown}.length") == every


def test_sections_keep_their_rows_when_a_table_is_sorted(page: Page) -> None:
    table = "document.querySelector('.tall table')"
    sections = (
        f"Array.from({table}.tBodies, (body) => [body.rows[0].textContent.trim(),"
        " Array.from(body.rows).slice(1).map((row) => row.cells[1].textContent)])"
    )
    before = page.evaluate(sections)
    page.evaluate(f"{table}.tHead.rows[0].cells[1].querySelector('button').click()")
    after = page.evaluate(sections)
    assert [heading for heading, _ in after] == [heading for heading, _ in before]
    assert before[0][0] == "Core"
    for (_, sorted_names), (_, names) in zip(after, before, strict=True):
        assert set(sorted_names) == set(names)
    assert after[0][1] == sorted(before[0][1]) != before[0][1]


def test_a_table_wider_than_the_page_says_so_and_ends_after_a_whole_column(page: Page) -> None:
    boxes = (
        "Array.from(document.querySelectorAll('.scroll')).filter((box) => box.checkVisibility())"
        ".map((box) => {"
        " const right = (one) => one.getBoundingClientRect().right, edge = right(box);"
        " const ends = Array.from(box.querySelector('thead tr').cells, right);"
        " return [box.scrollWidth > box.clientWidth + 1, box.previousElementSibling.checkVisibility(),"
        " Math.min(...ends.map((end) => Math.abs(end - edge)))]; })"
    )
    page.size(1280)
    page.settle()
    assert not any(hint for _, hint, _ in page.evaluate(boxes))
    page.size(400)
    page.settle()
    page.settle()
    found = page.evaluate(boxes)
    assert any(wide for wide, _, _ in found)
    for wide, hint, distance in found:
        assert wide == hint
        assert not wide or distance <= 2.5


def test_four_clouds_stand_two_by_two_with_the_spectrum_beside(browser: Page, tmp_path: Path) -> None:
    for name in "abcd":
        np.save(tmp_path / f"{name}.npy", matrix(ord(name)))
    files = [tmp_path / f"{name}.npy" for name in "abcd"]
    report = gather(files, AnalysisOptions(measures="average_cosine"))
    path = write_html(report, tmp_path / "report.html")
    browser.events.clear()
    browser.size(1280)
    browser.open(path)
    places = browser.evaluate(
        "Array.from(document.querySelectorAll('.panels > *'), (one) => {"
        " const box = one.getBoundingClientRect(); return [box.left, box.top]; })"
    )
    lefts, tops = zip(*places, strict=True)
    assert lefts[0] == lefts[2] < lefts[1] == lefts[3] < lefts[4]
    assert tops[0] == tops[1] == tops[4] < tops[2] == tops[3]


@pytest.mark.parametrize(("system", "first"), [("light", "light"), ("dark", "dark")])
def test_the_theme_follows_the_system_and_the_button(page: Page, system: str, first: str) -> None:
    page.prefer(system)
    page.settle()

    def dark() -> bool:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in color[4:-1].split(",")) < 3 * 128

    before = pixels(page)
    assert dark() == (first == "dark")
    assert (
        page.evaluate("document.getElementById('theme').textContent")
        == f"{'Light' if dark() else 'Dark'} theme"
    )
    page.evaluate("document.getElementById('theme').focus()")
    page.press("Enter", ENTER)
    assert dark() != (first == "dark")
    assert pixels(page) != before
    page.press("Enter", ENTER)
    assert pixels(page) == before


def test_paper_is_white_and_the_screen_comes_back(page: Page) -> None:
    page.prefer("dark")
    page.settle()
    before = pixels(page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = pixels(page)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.settle()
    assert pixels(page) == before != printed
    page.prefer("light")
    page.settle()
    assert pixels(page) == printed
    assert len(page.send("Page.printToPDF")["data"]) > 10_000


@pytest.mark.parametrize("width", [400, 700, 1200])
def test_nothing_reaches_beyond_the_window(page: Page, width: int) -> None:
    page.size(width)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.settle()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        "Array.from(document.querySelectorAll('main *, header *')).filter((one) =>"
        " !one.closest('.scroll, .hidden')"
        f" && one.getBoundingClientRect().right > {width} + 0.5).map((one) => one.outerHTML.slice(0, 80))"
    )
    assert beyond == []


def test_panels_follow_the_windows_width(page: Page) -> None:
    wide = page.evaluate(f"{PANELS}[0].width")
    page.size(400)
    page.settle()
    page.settle()
    narrow = page.evaluate(f"[{PANELS}[0].width, {PANELS}[0].clientWidth]")
    assert narrow[0] == narrow[1] != wide
    assert shown(page) == ITEMS


def test_everything_that_acts_is_reached_by_tab_and_shows_its_focus(page: Page) -> None:
    acting = page.evaluate(
        "Array.from(document.querySelectorAll('a, button, input, summary, [tabindex=\"0\"]'))"
        ".filter((one) => one.checkVisibility()).length"
    )
    reached = set()
    for _ in range(acting):
        page.press("Tab", TAB)
        mark = page.evaluate(
            "(() => { const one = document.activeElement; one.dataset.reached = 1;"
            " const outline = one.type === 'range' ? 'solid' : getComputedStyle(one).outlineStyle;"
            " return [one.tagName, outline]; })()"
        )
        reached.add(tuple(mark))
    assert {name for name, _ in reached} >= {"A", "BUTTON", "INPUT", "CANVAS", "SUMMARY", "DIV"}
    assert {outline for _, outline in reached} == {"solid"}
    assert page.evaluate("document.querySelectorAll('[data-reached]').length") == acting


def test_text_has_the_contrast_that_wcag_asks_for(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        page.settle()
        colors = page.evaluate(
            "Array.from(document.querySelectorAll('main *, header *, nav *, footer *')).filter((one) =>"
            " Array.from(one.childNodes).some((node) => node.nodeType === 3 && node.data.trim())"
            " && !one.closest('.tip, .hidden, canvas, title')).map((one) =>"
            " getComputedStyle(one)[one.closest('svg') ? 'fill' : 'color'])"
        )
        page_color = luminance(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for color in set(colors):
            assert contrast(luminance(color), page_color) >= 4.5, (scheme, color)
        strokes = page.evaluate(
            "Array.from(document.querySelectorAll('.swatch .line'), (line) => getComputedStyle(line).stroke)"
        )
        assert len(set(strokes)) == 4  # variants
        # A light page has the colours of the figures, which markers and dashes tell apart as well.
        for color in strokes if scheme == "dark" else ():
            assert contrast(luminance(color), page_color) >= 4.5, color


def luminance(color: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_without_frequencies_items_are_drawn_and_named(browser: Page, tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", MATRICES[0])
    path = write_html(gather([tmp_path / "vectors.npy"]), tmp_path / "report.html")
    browser.events.clear()
    browser.open(path)
    assert shown(browser) == ITEMS
    browser.evaluate(f"{PANELS}[0].focus()")
    browser.press("End", END)
    assert (tip(browser, 0) or "").startswith(f"{ITEMS - 1}frequency unknown · norm ")
    assert browser.complaints() == []
