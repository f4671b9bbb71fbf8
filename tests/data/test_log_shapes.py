"""Logs in the shapes that known collections have, with invented ids: read right, or refused with the mend."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from degen.data.interactions import Interactions
from degen.data.reading.read import read_interactions
from degen.data.reading.told import Told
from degen.errors import UserError

Action = tuple[str, str, datetime]


def drawn(n: int = 240, users: int = 24, items: int = 30, days: int = 40) -> list[Action]:
    """Actions by user, each user's in order of time but the last two, so that times decide."""
    draw = random.Random(7)
    actions = []
    for user in range(users):
        start = datetime(2017, 11, 1, tzinfo=UTC) + timedelta(minutes=draw.randrange(60 * 24))
        times = sorted(start + timedelta(minutes=draw.randrange(60 * 24 * days)) for _ in range(n // users))
        times[-1], times[-2] = times[-2], times[-1]
        actions += [(str(1_000 + user), str(2_268_000 + draw.randrange(items)), time) for time in times]
    return actions


ACTIONS = drawn()


def rows(log: Interactions) -> list[tuple[str, str, int | None]]:
    times = [None] * len(log.users) if log.times is None else log.times.tolist()
    return [
        (log.user_ids[user], log.item_ids[item], time)
        for user, item, time in zip(log.users, log.items, times, strict=True)
    ]


def seconds(time: datetime) -> int:
    return int(time.timestamp())


def to_minute(time: datetime) -> int:
    return seconds(time.replace(second=0))


def to_day(time: datetime) -> int:
    return seconds(time.replace(hour=0, minute=0, second=0))


def milliseconds(time: datetime) -> int:
    return seconds(time) * 1000


def no_time(time: datetime) -> None:
    return None


def us_date(time: datetime) -> str:
    return f"{time.month}/{time.day}/{time.year}"


def text(form: Callable[[str, str, datetime], str], header: str = "") -> str:
    return header + "".join(form(*action) + "\n" for action in ACTIONS)


def twelve(time: datetime) -> str:
    return f"{us_date(time)} {(time.hour - 1) % 12 + 1}:{time:%M:%S} {'AM' if time.hour < 12 else 'PM'}"


Expected = Callable[[datetime], int | None]

READ: dict[str, tuple[str, Expected]] = {
    "yoochoose-clicks.dat": (
        text(lambda u, i, t: f"{u},{t:%Y-%m-%dT%H:%M:%S.000Z},{i},0"),
        seconds,
    ),
    "yoochoose-buys.dat": (text(lambda u, i, t: f"{u},{t:%Y-%m-%dT%H:%M:%S.000Z},{i},1046,1"), seconds),
    "gowalla.txt": (
        text(lambda u, i, t: f"{u}\t{t:%Y-%m-%dT%H:%M:%SZ}\t30.2359091167\t-97.7951395833\t{i}"),
        seconds,
    ),
    "foursquare_NYC.txt": (
        text(
            lambda u, i, t: (
                f"{u}\t{i}\t4bf58dd8d48988d127951735\tArts & Crafts Store\t40.719810\t-74.002581\t-240\t"
                f"{t:%a %b %d %H:%M:%S} +0000 {t.year}"
            )
        ),
        seconds,
    ),
    "UserBehavior.csv": (text(lambda u, i, t: f"{u},{i},2520377,pv,{seconds(t)}"), seconds),
    "hm.csv": (
        text(
            lambda u, i, t: f"{t:%Y-%m-%d},{u},0{i},0.0508,2",
            "t_dat,customer_id,article_id,price,sales_channel_id\n",
        ),
        to_day,
    ),
    "kion.csv": (
        text(
            lambda u, i, t: f"{u},{i},{t:%Y-%m-%d},4250,72.0",
            "user_id,item_id,last_watch_dt,total_dur,watched_pct\n",
        ),
        to_day,
    ),
    "ta-feng.csv": (
        text(
            lambda u, i, t: f'"{us_date(t)}","{u}","45-49","115","110411","{i}","2","24","30"',
            '"TRANSACTION_DT","CUSTOMER_ID","AGE_GROUP","PIN_CODE","PRODUCT_SUBCLASS","PRODUCT_ID","AMOUNT",'
            '"ASSET","SALES_PRICE"\n',
        ),
        to_day,
    ),
    "online-retail.csv": (
        text(
            lambda u, i, t: f'536365,{i},"HOLDER, WHITE",6,{us_date(t)} {t.hour}:{t:%M},2.55,{u},"1,000"',
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
        ),
        to_minute,
    ),
    "goodreads.json": (
        text(
            lambda u, i, t: json.dumps(
                {
                    "user_id": u,
                    "book_id": i,
                    "review_id": "r",
                    "is_read": False,
                    "rating": 0,
                    "date_added": f"{t:%a %b %d %H:%M:%S} -0700 {t.year}",
                    "read_at": "",
                }
            )
        ),
        lambda t: seconds(t) + 7 * 3600,
    ),
    "goodreads.csv": (
        text(lambda u, i, t: f"{u},{i},1,4,0", "user_id,book_id,is_read,rating,is_reviewed\n"),
        no_time,
    ),
    "array.json": (
        json.dumps([{"user": u, "item": i, "time": seconds(t)} for u, i, t in ACTIONS], indent=1),
        seconds,
    ),
    "otto.jsonl": (
        "".join(
            json.dumps(
                {
                    "session": int(user),
                    "events": [
                        {"aid": int(i), "ts": milliseconds(t), "type": "clicks"}
                        for u, i, t in ACTIONS
                        if u == user
                    ],
                }
            )
            + "\n"
            for user in dict.fromkeys(u for u, _, _ in ACTIONS)
        ),
        milliseconds,
    ),
    "date-and-hhmm.csv": (
        text(lambda u, i, t: f"{u},{i},{t:%Y-%m-%d},{int(f'{t:%H%M}')}", "user,item,date,time\n"),
        to_minute,
    ),
    "date-and-clock.csv": (
        text(lambda u, i, t: f"{t:%Y%m%d};{t:%H:%M:%S};{u};{i}", "date;time;user_id;item_id\n"),
        seconds,
    ),
    "slashes.csv": (text(lambda u, i, t: f"{u},{i},{t:%Y/%m/%d %H:%M}"), to_minute),
    "snap-edges.txt": (
        "# Directed graph: invented.txt\n# Nodes: 24 Edges: 240\n# FromNodeId\tToNodeId\n"
        + text(lambda u, i, t: f"{u}\t{i}"),
        no_time,
    ),
    "date-beside-stamp.csv": (
        text(lambda u, i, t: f"{u},{i},{t:%m/%d/%Y},{seconds(t)}", "user,item,date,timestamp\n"),
        seconds,
    ),
    "steam.json": (
        text(
            lambda u, i, t: str(
                {"username": u, "hours": 0.1, "product_id": i, "page_order": 0, "date": f"{t:%Y-%m-%d}"}
            )
        ),
        to_day,
    ),
    "steam-items.json": (
        "".join(
            str(
                {
                    "user_id": user,
                    "items_count": 2,
                    "items": [{"item_id": i} for u, i, _ in ACTIONS if u == user],
                }
            )
            + "\n"
            for user in dict.fromkeys(u for u, _, _ in ACTIONS)
        ),
        no_time,
    ),
    "retailrocket.csv": (
        text(
            lambda u, i, t: f"{milliseconds(t)},{u},view,{i},",
            "timestamp,visitorid,event,itemid,transactionid\n",
        ),
        milliseconds,
    ),
    "rees46.csv": (
        text(
            lambda u, i, t: (
                f"{t:%Y-%m-%d %H:%M:%S} UTC,view,{i},2103807459595387724,,sony,35.79,{u},72d76fde"
            ),
            "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n",
        ),
        seconds,
    ),
    "foursquare-kaggle.csv": (
        text(
            lambda u, i, t: (
                f'{u},{i},4bf5,"Arts, Crafts",40.7,-74.0,-240,{t:%a %b %d %H:%M:%S} +0000 {t.year}'
            ),
            "userId,venueId,venueCategoryId,venueCategory,latitude,longitude,timezoneOffset,utcTimestamp\n",
        ),
        seconds,
    ),
    "rectools.csv": (
        text(lambda u, i, t: f"{u},{i},1.0,{t:%Y-%m-%d %H:%M:%S}", "user_id,item_id,weight,datetime\n"),
        seconds,
    ),
    "books.csv": (text(lambda u, i, t: f"{u},{i},{int(i) % 11}"), no_time),
    "konect.txt": ("% bip weighted\n" + text(lambda u, i, t: f"{u} {i} 4.5 {seconds(t)}"), seconds),
    "marked-header.tsv": (text(lambda u, i, t: f"{u}\t{i}\t{seconds(t)}", "#user\titem\ttime\n"), seconds),
    "jester.dat": (text(lambda u, i, t: f"{u}\t\t{i}\t\t{int(i) % 19 - 9.28:.3f}"), no_time),
    "semicolons-in-commas.csv": (
        text(lambda u, i, t: f"{u};{i};a, b;{seconds(t)}", "user_id;item_id;title;timestamp\n"),
        seconds,
    ),
    "seconds-of-a-study.tsv": (
        text(lambda u, i, t: f"{u}\t{i}\t{seconds(t) - 1_500_000_000}"),
        lambda t: seconds(t) - 1_500_000_000,
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_shape_is_read_right(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    content, when = READ[name]
    path.write_text(content, encoding="utf-8")
    log = read_interactions(path)
    zero = "0" if name == "hm.csv" else ""
    assert rows(log) == [(u, zero + i, when(t)) for u, i, t in ACTIONS]
    assert any(note.startswith("its first action is user 1000, item ") for note in log.notes)


def test_as_many_items_for_every_user_are_sequences(tmp_path: Path) -> None:
    draw = random.Random(3)
    for first in (1, 1_500_000_000):  # ids may look like times since 1970
        lines = [[str(user), *(str(first + draw.randrange(90)) for _ in range(6))] for user in range(60)]
        path = tmp_path / "users.txt"
        path.write_text("".join(" ".join(line) + "\n" for line in lines))
        log = read_interactions(path)
        assert rows(log) == [(line[0], item, None) for line in lines for item in line[1:]]


REFUSED: dict[str, tuple[str, str]] = {
    "diginetica.csv": (
        text(
            lambda u, i, t: f"{u};{'NA' if int(u) % 5 else u};{i};526309;{t:%Y-%m-%d}",
            "sessionId;userId;itemId;timeframe;eventdate\n",
        ),
        "user=sessionId,item=itemId,time=timeframe",
    ),
    "lastfm-360k.tsv": (
        text(lambda u, i, t: f"{int(u):040x}\t{i}-mbid\tbetty blowtorch\t{int(i) % 900}"),
        "user=0,item=2",
    ),
    "user-item-count.txt": (text(lambda u, i, t: f"{u} {i} {int(i) % 37}"), "user=0,item=1"),
    "lfm1b-les.txt": (
        text(lambda u, i, t: f"{u}\t12\t83\t{i}\t{seconds(t)}"),
        "column 4 may be times",
    ),
    "lfm1b-named.tsv": (
        text(
            lambda u, i, t: f"{u}\t12\t83\t{i}\t{seconds(t)}",
            "user_id\tartist_id\talbum_id\ttrack_id\ttimestamp\n",
        ),
        "artist_id and album_id and track_id",
    ),
    "behaviors.tsv": (
        text(lambda u, i, t: f"{i}\tU{u}\t{twelve(t)}\tN1 N2 N3\tN4-1 N5-0"),
        "clicked",
    ),
    "counts-as-times.csv": (
        text(lambda u, i, t: f"{u},{i},1", "user_id,item_id,time\n"),
        "can hardly be times",
    ),
    "ratings-as-times.csv": (
        text(lambda u, i, t: f"{u},{i},{int(i) % 5 + 1}", "user_id,item_id,time\n"),
        "as ratings and counts do",
    ),
    "four-without-times.csv": (
        text(lambda u, i, t: f"{u},{i},{int(i) % 5},{int(i) % 37}"),
        "4 columns and no names",
    ),
    "days-or-months.csv": (
        "user,item,date\n"
        + "".join(f"{u},{i},{i % 9 + 1}/{u % 9 + 1}/2019\n" for u in range(9) for i in range(9)),
        "time_format='%d/%m/%Y'` or `time_format='%m/%d/%Y'",
    ),
    "two-users.csv": (
        text(lambda u, i, t: f"{u},x,{i}", "user_id,userId,item_id\n"),
        "two columns named like",
    ),
    "lastfm-1k.tsv": (
        text(lambda u, i, t: f"user_{u}\t{t:%Y-%m-%dT%H:%M:%SZ}\tf1b1\tDeep Dish\t\tFuego {i}"),
        "column 1 may be times",
    ),
    "numbered-reviews.csv": (
        "".join(f"r{n:05d},{u},{i},5,{seconds(t)}\n" for n, (u, i, t) in enumerate(ACTIONS)),
        "column 4 may be times; if each line is a user and the items of that user",
    ),
    "numbered-actions.csv": (
        "".join(f"r{n:05d},{u},{i},{seconds(t)}\n" for n, (u, i, t) in enumerate(ACTIONS)),
        "column 3 may be times",
    ),
    "user-time-item.tsv": (text(lambda u, i, t: f"{u}\t{seconds(t)}\t{i}"), "column 1 may be times"),
    "date-user-item.csv": (text(lambda u, i, t: f"{t:%Y-%m-%d},{u},{i}"), "column 0 may be times"),
    "user-item-category-time.csv": (
        text(lambda u, i, t: f"{u},{i},{2_520_000 + int(i) % 9},{seconds(t)}"),
        "column 3 may be times",
    ),
    "jester-data.csv": (
        "".join(f"{n},{n % 9 - 4.25},99,{n % 7 - 3.5},{n % 5}.5,99,99\n" for n in range(100)),
        "7 columns and no names",
    ),
    "two-times.csv": (
        text(
            lambda u, i, t: f"{u},{i},{t:%Y-%m-%d %H:%M},{t.year + 1}-03-{t:%d}",
            "user,item,created_at,date_added\n",
        ),
        "created_at and date_added, which are times of different days",
    ),
    "nobody.csv": (
        text(lambda u, i, t: f"NaN,{i},{seconds(t)}", "user,item,time\n"),
        "no value in most lines",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_shape_that_cannot_be_told_is_refused_with_the_mend(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    content, what = REFUSED[name]
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(what)) as caught:
        read_interactions(path)
    assert str(path) in str(caught.value)


MENDS = re.compile(r"`columns='([^'N…]*)'`")


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_refusal_recommends_reads_every_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(REFUSED[name][0], encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_interactions(path)
    message = str(caught.value)
    for mend in MENDS.findall(message):
        columns = dict(part.split("=") for part in mend.split(","))
        log = read_interactions(path, Told(columns))
        assert len(log.users) == len(ACTIONS)
    for pattern in re.findall(r"`time_format='([^']*)'`", message):
        assert len(read_interactions(path, Told(time_format=pattern)).users) == 81
