"""Names of datasets, and the files that they are found in."""

from __future__ import annotations

from pathlib import Path

import pytest

from degen.data.catalog import CATALOG, Counts, find, here, other_logs
from degen.errors import UserError

# The paper's Table 1, as printed.
TABLE_1 = {
    "beauty": Counts(22363, 12101, 198502),
    "sports": Counts(35598, 18357, 296337),
    "clothing": Counts(39387, 23033, 278677),
    "ml-1m": Counts(6041, 3417, 999611),
    "yelp": Counts(30499, 20068, 317182),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEGEN_DATA", str(tmp_path))
    monkeypatch.setenv("DEGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1 2 3 4\n")


def test_table_1_is_recorded():
    assert {name: entry.table1 for name, entry in CATALOG.items() if entry.table1} == TABLE_1
    assert CATALOG["ml-1m"].real == Counts(6040, 3416, 999611)
    assert set(CATALOG) == {*TABLE_1, "toys", "ml-100k", "synthetic"}


def test_every_entry_says_where_it_is_from_and_what_may_be_done_with_it():
    for entry in CATALOG.values():
        assert entry.page
        assert entry.licence.endswith(".")


def test_every_download_has_a_checksum():
    for entry in CATALOG.values():
        if entry.archive is not None:
            assert len(bytes.fromhex(entry.archive.sha256)) == 32
            assert entry.archive.url.startswith("https://")


@pytest.mark.parametrize(
    "name",
    [
        "beauty.txt.gz",
        "Beauty.csv",
        "reviews_Beauty_5.json.gz",
        "ratings_Beauty.csv",
        "Amazon_Beauty.inter",
        "beauty/beauty.inter",
    ],
)
def test_beauty_under_the_names_that_it_goes_by(folder, name):
    put(folder, name)
    assert find("beauty").path == folder / name
    assert find("BEAUTY").name == "beauty"


def test_its_own_name_comes_first_and_text_before_json(folder):
    put(folder, "reviews_Beauty_5.json.gz", "ratings_Beauty.csv", "beauty.json", "beauty.txt.gz")
    assert find("beauty").path == folder / "beauty.txt.gz"


@pytest.mark.parametrize("name", ["ml-1m/ratings.dat", "ml-1m.inter", "ml-1m/ml-1m.inter"])
def test_movielens_as_it_is_unpacked(folder, name):
    put(folder, name)
    assert find("ml-1m").path == folder / name


def test_ml_1m_is_never_its_partial_copy(folder):
    put(folder, "ml-1m-partial.txt.gz")
    with pytest.raises(UserError, match="ml-1m is not here; `degen data fetch ml-1m`"):
        find("ml-1m")
    assert find("ml-1m-partial").path == folder / "ml-1m-partial.txt.gz"
    assert find("ml-1m-partial").entry is None
    put(folder, "ml-1m.txt.gz")
    assert find("ml-1m").path == folder / "ml-1m.txt.gz"


def test_downloads_are_looked_into_after_the_users_folder(folder):
    put(folder, "cache/downloads/ml-1m/ratings.dat")
    assert find("ml-1m").path == folder / "cache" / "downloads" / "ml-1m" / "ratings.dat"
    put(folder, "ml-1m.csv")
    assert find("ml-1m").path == folder / "ml-1m.csv"


def test_other_logs_of_the_folder_answer_to_their_names(folder):
    put(folder, "games.txt.gz", "Music.csv", "beauty.txt", "README.md", "notes.pdf")
    assert list(other_logs()) == ["games", "music"]
    assert find("Games").path == folder / "games.txt.gz"
    assert find("Games").name == "games"


def test_a_path_is_a_path(folder):
    put(folder, "mine.v2.csv.gz")
    found = find(str(folder / "mine.v2.csv.gz"))
    assert (found.name, found.entry) == ("mine.v2", None)
    assert find("synthetic").path is None


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("beuaty", "unknown dataset 'beuaty'; did you mean 'beauty'"),
        ("gamse", "did you mean 'games'"),
        ("no/such/file.csv", "no/such/file.csv does not exist"),
        ("nosuch.csv", "does not exist"),
        ("toys", r"toys is not here; download reviews_Toys_and_Games_5.json.gz .* from http"),
    ],
)
def test_what_is_not_here(folder, source, what):
    put(folder, "games.txt.gz")
    with pytest.raises(UserError, match=what):
        find(source)


def test_without_a_folder_only_downloads_are_looked_into(folder, monkeypatch):
    monkeypatch.delenv("DEGEN_DATA")
    assert here(CATALOG["beauty"]) is None
    assert other_logs() == {}
    monkeypatch.setenv("DEGEN_DATA", str(folder / "nowhere"))
    with pytest.raises(UserError, match=r"DEGEN_DATA is .* no folder"):
        find("beauty")
