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
    "day-first": (
        "user,item,date\n",
        lambda u, i, t, d: f"{u},{i},{t:%d%m%Y}",
        "pass `time_format='%d%m%Y'`",
    ),
    "day-first-without-names": ("", lambda u, i, t, d: f"{u},{i},{t:%d%m%Y}", "pass `time_format='%d%m%Y'`"),
    "month-first": ("user,item,ts\n", lambda u, i, t, d: f"{u},{i},{t:%m%d%Y}", "`time_format='%m%d%Y'`"),
    "day-first-two-digit-years": (
        "user,item,date\n",
        lambda u, i, t, d: f"{u},{i},{t:%d%m%y}",
        "`time_format='%d%m%y'`",
    ),
    "days-without-a-year": (
        "user,item,date\n",
        lambda u, i, t, d: f"{u},{i},{t:%m%d}",
        "days without a year",
    ),
    "hours": (
        "user,item,time\n",
        lambda u, i, t, d: f"{u},{i},{t.hour}",
        "may be times of day without a date",
    ),
    "hours-and-minutes": (
        "user,item,time\n",
        lambda u, i, t, d: f"{u},{i},{100 * t.hour + t.minute}",
        "may be times of day without a date",
    ),
    "ages": (
        "user,item,ts\n",
        lambda u, i, t, d: f"{u},{i},{18 + 7 * u % 63}",
        "one for all lines of each user, as ages are",
    ),
    "percents": (
        "user,item,time\n",
        lambda u, i, t, d: f"{u},{i},{d.randrange(101)}",
        "may be ages, percents or counts",
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


def test_dates_without_their_zeros_are_not_read_by_a_pattern_either(tmp_path: Path) -> None:
    path = log(tmp_path / "log.csv", lambda u, i, t, d: f"{u},{i},{int(f'{t:%d%m%Y}')}", "user,item,date\n")
    with pytest.raises(UserError, match="and all others with 8 digits, then pass `time_format='%d%m%Y'`"):
        read_interactions(path)
    with pytest.raises(UserError, match="does not fit the pattern"):  # of 1112017 nothing can be told
        read_interactions(path, Told(time_format="%d%m%Y"))


NOTED: dict[str, tuple[str, Line, str]] = {
    "seconds-watched": (
        "user,item,time\n",
        lambda u, i, t, d: f"{u},{i},{d.randrange(1, 9000)}",
        "if 'time' holds durations or counts, leave it out with `columns='user=user,item=item'`",
    ),
    "names-of-their-own": (
        "user,item,signup_ts,last_seen\n",
        lambda u, i, t, d: f"{u},{i},{stamp(t) - 9999},{t:%Y-%m-%d}",
        "'signup_ts' and 'last_seen' may be times and were not read: name one with "
        "`columns='user=user,item=item,time=signup_ts'`",
    ),
    "parts-of-a-date": (
        "user,item,day,month,year\n",
        lambda u, i, t, d: f"{u},{i},{t.day},{t.month},{t.year}",
        "day, month, year were not read",
    ),
    "date-and-hour": (
        "user,item,date,hour\n",
        lambda u, i, t, d: f"{u},{i},{t:%Y-%m-%d},{t.hour}",
        "join them with `columns='user=user,item=item,time=date+hour'`",
    ),
    "missing-items": (
        "user,item,time\n",
        lambda u, i, t, d: f"{u},{'NaN' if i == 1_007 else i},{stamp(t)}",
        "actions have the item 'NaN', which stands for a missing value",
    ),
    "two-units": (
        "user,item,time\n",
        lambda u, i, t, d: f"{u},{i},{stamp(t) * (1000 if u % 4 else 1)}",
        "its times are in several units (100 in seconds, 300 in milliseconds)",
    ),
    "missing-times": (
        "user,item,time\n",
        lambda u, i, t, d: f"{u},{i},{stamp(t) if u else -1}",
        "10 of 400 times are no moments from 1990 to 2100, such as -1",
    ),
    "names-of-two-texts": (
        "follower,followee\n",
        lambda u, i, t, d: f"user{'abcdefgh'[u % 8]},{'abcdefgh'[i % 8]}",
        "if it names the columns, pass `columns='user=follower,item=followee'`",
    ),
    "large-numbers-in-no-order": (
        "",
        lambda u, i, t, d: f"{u},{i},{d.randrange(10**7, 10**8)}",
        "numbers in no order",
    ),
}


@pytest.mark.parametrize("name", NOTED)
def test_a_doubtful_log_is_read_with_a_note(tmp_path: Path, name: str) -> None:
    header, line, note = NOTED[name]
    found = read_interactions(log(tmp_path / "log.csv", line, header))
    assert len(found.users) == 400 + (name == "names-of-two-texts")
    assert [text for text in found.notes if note in text]


def test_ratings_of_a_short_table_are_noted(tmp_path: Path) -> None:
    path = log(tmp_path / "log.csv", lambda u, i, t, d: f"{u},{i},{d.randint(1, 5)}", n=20)
    assert any("may hold ratings" in note for note in read_interactions(path).notes)


ORDINARY: dict[str, tuple[str, Line]] = {
    "seconds": ("user,item,time\n", lambda u, i, t, d: f"{u},{i},{stamp(t)}"),
    "milliseconds": ("user,item,time\n", lambda u, i, t, d: f"{u},{i},{stamp(t)}001"),
    "fractions": ("user,item,time\n", lambda u, i, t, d: f"{u},{i},{stamp(t)}.25"),
    "day-numbers": ("user,item,day\n", lambda u, i, t, d: f"{u},{i},{stamp(t) // 86400 - 16860}"),
    "days-since-the-start": ("user,item,time\n", lambda u, i, t, d: f"{u},{i},{stamp(t) // 86400 - 16860}"),
    "two-texts": ("", lambda u, i, t, d: f"user{'abcdefgh'[u % 8]},{'abcdefgh'[i % 8]}"),
    "year-first": ("user,item,date\n", lambda u, i, t, d: f"{u},{i},{t:%Y%m%d}"),
    "two-digit-year-first": ("user,item,date\n", lambda u, i, t, d: f"{u},{i},{t:%y%m%d}"),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_log_is_read_without_doubts(tmp_path: Path, name: str) -> None:
    header, line = ORDINARY[name]
    found = read_interactions(log(tmp_path / "log.csv", line, header))
    assert len(found.users) == 400
    doubtful = "may be|if '|units|no moments|stands for"
    assert not re.search(doubtful, "; ".join(found.notes))


def test_three_columns_of_one_moment_are_one_time(tmp_path: Path) -> None:
    header = "user_id,video_id,play_duration,time,date,timestamp,watch_ratio\n"
    path = log(
        tmp_path / "log.csv", lambda u, i, t, d: f"{u},{i},4381,{t},{t:%Y%m%d},{stamp(t)}.25,0.72", header
    )
    found = read_interactions(path)
    assert found.times is not None
    assert found.times[0] % 1_000_000 == 250_000


def test_hours_joined_by_hand_are_hours(tmp_path: Path) -> None:
    path = log(
        tmp_path / "log.csv", lambda u, i, t, d: f"{u},{i},{t:%Y-%m-%d},{t.hour}", "user,item,date,hour\n"
    )
    found = read_interactions(path, Told({"user": "user", "item": "item", "time": "date+hour"}))
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    hours = [datetime.strptime(f"{day} {hour} +0000", "%Y-%m-%d %H %z") for _, _, day, hour in rows]
    assert found.times is not None
    assert found.times.tolist() == list(map(stamp, hours))
