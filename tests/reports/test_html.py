"""The page as a file: nothing in it can load or run but our own script, whatever names and ids say."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hostile_runs import HOSTILE_IDS, ITEMS, counts, item_ids, matrix
from run_files import epochs, write_run

from degen.reports.gather import gather
from degen.reports.html import render, write_html
from degen.studies.analysis_options import AnalysisOptions


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text within scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[int, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in ("script", "style"):
            self.inside.setdefault(len(self.found) - 1, data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def parsed(page: str) -> Elements:
    elements = Elements()
    elements.feed(page)
    return elements


@pytest.fixture
def page(runs: Path) -> str:
    return render(gather([runs]))


def test_no_element_loads_anything(page: str) -> None:
    elements = parsed(page)
    assert len(elements.found) > 500
    assert not {name for name, _ in elements.found} & {
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    }
    for name, attributes in elements.found:
        assert not {"src", "srcset", "style", "action"} & attributes.keys(), (name, attributes)
        assert not any(key.startswith("on") for key in attributes), (name, attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in page
    assert "url(" not in page


def test_the_policy_names_just_the_script_and_the_style_that_are_there(page: str) -> None:
    elements = parsed(page)
    policy = next(meta["content"] for meta in elements.all("meta") if "http-equiv" in meta)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        inside = [
            text
            for position, text in elements.inside.items()
            if elements.found[position][0] == tag and "type" not in elements.found[position][1]
        ]
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert re.findall(rf"{tag}-src '([^;]*)'", policy) == [f"sha256-{digest}"]


def test_names_and_ids_are_text_and_nothing_else(page: str) -> None:
    assert "<b>shop" not in page
    assert "&lt;b&gt;shop &amp; co&lt;/b&gt;" in page
    elements = parsed(page)
    assert [attributes.get("type") for attributes in elements.all("script")] == ["application/json", None]
    assert page.count("</script") == 2
    assert "49" not in [text.strip() for text in elements.inside.values()]


def test_the_points_hold_every_id_as_it_is(page: str) -> None:
    elements = parsed(page)
    position = next(i for i, (_, found) in enumerate(elements.found) if found.get("id") == "points")
    [group] = json.loads(elements.inside[position])["groups"]
    [catalogue] = group["catalogues"]
    order = np.argsort(counts(), kind="stable")
    assert catalogue["ids"] == [item_ids()[row] for row in order]
    assert set(HOSTILE_IDS) <= set(catalogue["ids"])
    assert [panel["name"] for panel in group["panels"]] == ["SASRec", "SCL", "DuoRec"]
    assert catalogue["of"] == ITEMS


def test_every_picture_has_words_and_a_table(page: str) -> None:
    elements = parsed(page)
    pictures = [found for found in elements.all("svg") if found.get("aria-hidden") != "true"]
    assert len(pictures) > 5
    assert all(found["role"] == "img" and found["aria-label"] for found in pictures)
    # One more says which frequencies the deciles have.
    assert len(elements.all("details")) == len(pictures) + 1
    assert all(found.get("aria-label") for found in elements.all("canvas") if found.get("tabindex") == "0")


def test_landmarks_headings_and_labels_are_there(page: str) -> None:
    elements = parsed(page)
    assert [len(elements.all(tag)) for tag in ("main", "header", "nav", "footer", "h1")] == [1] * 5
    levels = [int(name[1]) for name, _ in elements.found if re.fullmatch(r"h\d", name)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [found["id"] for _, found in elements.found if found.get("id")]
    assert len(ids) == len(set(ids))
    assert all((found["href"] or "")[1:] in ids for found in elements.all("a"))
    assert all(found["for"] in ids for found in elements.all("label"))
    assert elements.all("html")[0]["lang"] == "en"
    assert all(found.get("scope") for found in elements.all("th"))


def test_the_same_runs_give_the_same_page(runs: Path) -> None:
    assert render(gather([runs])) == render(gather([runs]))


def test_the_numbers_of_the_page_are_those_of_the_runs(page: str) -> None:
    text = re.sub(r"<[^>]*>", " ", page)
    assert re.search(r"DuoRec\s+0\.1200", text)
    assert re.search(r"unfinished\s+4", text)
    V = matrix(2, 0.2).astype(np.float64)
    s = np.linalg.svd(V, compute_uv=False)
    assert re.search(rf"σ₂/σ₁\s+sigma2_ratio(\s+[\d.]+(\s+\(\w+\))?){{2}}\s+{s[1] / s[0]:.4f}\s", text)


def test_no_heading_is_said_again_below_it(page: str) -> None:
    headings = re.findall(r"<h\d[^>]*>([^<]*)<", page)
    captions = re.findall(r"<figcaption>([^<]*)<", page)
    assert "Singular values" in captions
    assert not set(headings) & set(captions)


def test_what_is_not_finished_is_not_compared(page: str) -> None:
    assert "Unfinished and so not compared: SCL." in page
    assert "unfinished: SCL; so far σ₂/σ₁" in page


def test_a_run_that_has_not_begun_is_shown_alone(tmp_path: Path) -> None:
    write_run(tmp_path / "run", "scl")
    page = render(gather([tmp_path]))
    assert "unfinished" in page
    assert "<canvas" not in page


def test_a_matrix_without_frequencies_has_no_brush(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(20, 4)))
    elements = parsed(render(gather([tmp_path / "vectors.npy"])))
    assert all("hidden" in found for found in elements.all("fieldset"))


def test_six_variants_on_four_logs_stay_under_5_mb(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = {"beauty": 12_101, "clothing": 23_033, "sports": 18_357, "ml-1m": 3_416}
    rows = [
        {**row, **{f"measure_{k}": float(value) for k, value in enumerate(rng.normal(size=16))}}
        for row in epochs(100)
    ]
    for dataset, n in sizes.items():
        frequency = rng.zipf(1.5, size=n).clip(max=500)
        for variant in ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec"):
            run = write_run(
                tmp_path / dataset / variant,
                variant,
                dataset=dataset,
                embeddings=rng.normal(size=(n, 4)),
                frequency=frequency,
                metrics=rows,
            )
            (run / "items.txt").write_text("".join(f"B{row:09d}\n" for row in range(n)))
    path = write_html(gather([tmp_path], AnalysisOptions(measures="spectrum")), tmp_path / "report.html")
    assert 4_000_000 < path.stat().st_size < 5_000_000
    assert '"of":23033' in path.read_text()
