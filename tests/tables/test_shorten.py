"""Names shortened in the middle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from degen.tables.shorten import shortened

NAMES = st.lists(st.text("ab/_- é統.", min_size=1, max_size=40), min_size=1, max_size=8)


@given(NAMES, st.integers(1, 40))
def test_short_names_fit_keep_their_end_and_differ_where_the_names_do(names: list[str], room: int) -> None:
    found = shortened(names, room, cell_len)
    if found is None:
        return
    assert len(set(found)) == len(set(names))
    for name, short in zip(names, found, strict=True):
        assert cell_len(short) <= room
        if cell_len(name) <= room:
            assert short == name
        else:
            first, *_, last = short.split("…")
            assert name.startswith(first)
            assert name.endswith(last)


@given(NAMES)
def test_names_with_room_stay_whole(names: list[str]) -> None:
    assert shortened(names, max(map(cell_len, names)), cell_len) == names


@pytest.mark.parametrize(
    ("names", "room", "expected"),
    [
        (["runs/clothing-november/sasrec-s0"], 20, ["runs/…/sasrec-s0"]),
        (["embeddings-of-january-2024.npy"], 16, ["embed…y-2024.npy"]),
        (["x" * 30 + "1" + "y" * 30, "x" * 30 + "2" + "y" * 30], 12, ["…1…" + "y" * 9, "…2…" + "y" * 9]),
        (["a" * 50 + "1", "a" * 50 + "2"], 3, ["…a1", "…a2"]),
        (["1" + "a" * 50, "2" + "a" * 50], 3, ["1…a", "2…a"]),
        (["abc" * 20, "bcd" * 20], 1, None),
    ],
)
def test_the_place_of_the_cut(names: list[str], room: int, expected: list[str] | None) -> None:
    assert shortened(names, room) == expected


def test_what_all_names_share_goes_first():
    paths = [
        f"/home/anna/runs/queue/{log}/{name}-s0" for log in ("beauty", "yelp") for name in ("sasrec", "scl")
    ]
    found = ["…/beauty/sasrec-s0", "…/beauty/scl-s0", "…/yelp/sasrec-s0", "…/yelp/scl-s0"]
    assert shortened(paths, 24, cell_len) == found
    assert shortened(["synthetic-sasrec-s0", "synthetic-ucl-s0"], 12, cell_len) == ["…sasrec-s0", "…ucl-s0"]
    # A lone name shares nothing with others, and keeps its beginning.
    assert shortened(paths[:1], 24, cell_len) == ["/home/…/sasrec-s0"]
