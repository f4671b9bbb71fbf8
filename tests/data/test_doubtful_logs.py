"""Logs whose columns look like something else: refused with the mend, or read with a note that says so."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from degen.data.reading.read import read_interactions
from degen.data.reading.told import Told
from degen.errors import UserError

Line = Callable[[int, int, datetime, random.Random], str]


def log(path: Path, line: Line, header: str = "", n: int = 400) -> Path:
    """Write actions of 40 users on 60 items, user by user and oldest first, over two years."""
    draw = random.Random(13)
    start = datetime(2016, 3, 1, 8, 20, tzinfo=UTC)
    actions = sorted((k % 40, start + timedelta(minutes=draw.randrange(1_050_000))) for k in range(n))
    body = (line(user, 1_000 + draw.randrange(60), when, draw) for user, when in actions)
    path.write_text(header + "".join(f"{text}\n" for text in body), encoding="utf-8")
    return path


def stamp(when: datetime) -> int:
    return int(when.timestamp())


REFUSED: dict[str, tuple[str, Line, str]] = {
    "categories-without-names": (
        "",
        lambda u, i, t, d: f"{u},{i},{d.choice((2520377, 1234567, 7654321, 4756105))}",
        "may be counts or categories; pass `columns='user=0,item=1'`",
    ),
    "retailrocket-without-names": (
        "",
        lambda u, i, t, d: f"{stamp(t)}{d.randrange(1000):03},{u},{d.choice(('view', 'addtocart'))},{i},",
        "5 columns and no names",
    ),
    "orders-without-names": (
        "",
        lambda u, i, t, d: f"o{stamp(t)},c{u},p{i},{d.randint(1, 3)},{d.choice(('card', 'cash'))}",
        "5 columns and no names",
    ),
    "orders-between-spaces": (
        "",
        lambda u, i, t, d: f"o{stamp(t)} c{u} p{i} {d.randint(1, 3)} {d.choice(('card', 'cash'))}",
        "5 columns and no names",
    ),
    "row-numbers-without-names": (
        "",
        lambda u, i, t, d: f"{stamp(t) - 1456820400},{u},{i},{d.randint(1, 5)},{d.randint(90, 400)}",
        "5 columns and no names",
    ),
    "dates-first": (
        "",
        lambda u, i, t, d: f"{t:%Y-%m-%d %H:%M:%S},{u},{d.choice(('view', 'buy'))},{i},",
        "column 0 may be times",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_doubtful_log_is_refused_with_the_mend(tmp_path: Path, name: str) -> None:
    header, line, mend = REFUSED[name]
    path = log(tmp_path / "log.csv", line, header)
    with pytest.raises(UserError, match=re.escape(mend)) as caught:
        read_interactions(path)
    assert str(path) in str(caught.value)
    for columns in re.findall(r"`columns='([^'N…]*)'`", str(caught.value)):
        told = Told(dict(part.split("=") for part in columns.split(",")))
        assert len(read_interactions(path, told).users) == 400
    for pattern in re.findall(r"`time_format='([^'…]*)'`", str(caught.value)):
        assert len(read_interactions(path, Told(time_format=pattern)).users) == 400


@pytest.mark.parametrize("separator", [" ", "\t", ","])
def test_users_with_as_many_items_each_are_no_table(tmp_path: Path, separator: str) -> None:
    draw = random.Random(5)
    lines = [
        separator.join([f"u{user}", *(f"i{draw.randrange(50)}" for _ in range(6))]) for user in range(80)
    ]
    path = tmp_path / "users.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert len(read_interactions(path).users) == 480
