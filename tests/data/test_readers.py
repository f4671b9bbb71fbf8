"""Logs of every format, plain and gzipped: the layout guessed, the actions read, and the files refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from degen.data.interactions import Interactions
from degen.data.reading import read, table
from degen.data.reading.told import Told
from degen.errors import UserError

Action = tuple[str, str, int]

# Ids that careless readers spoil, and times a second apart that float32 cannot tell apart.
ACTIONS: list[Action] = [
    ("A3NA", "0000013714", 1369699201),
    ("A3NA", "1e5", 1369699200),
    ("007", "NA", 1369699200),
    ("7", "null", 1252800000),
    ("007", "0000013714", 1369699200),
]


def read_interactions(path: Path, columns=None, input_format=None, **more) -> Interactions:
    return read.read_interactions(path, Told(columns, input_format, **more))


def rows_of(log: Interactions) -> list[tuple[str, str, int | None]]:
    times = [None] * len(log.users) if log.times is None else log.times.tolist()
    users = [log.user_ids[code] for code in log.users]
    return [
        (user, log.item_ids[code], time) for user, code, time in zip(users, log.items, times, strict=True)
    ]


def lines(form: Callable[[str, str, int], str], header: str = "") -> str:
    return header + "".join(form(*action) + "\n" for action in ACTIONS)


def objects(form: Callable[[str, str, int], dict[str, object]]) -> str:
    return lines(lambda *action: json.dumps(form(*action)))


FORMATS = {
    "ml.inter": lines(
        lambda u, i, t: f"{u}\t{i}\t3\t{t}", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    ),
    "yelp.inter": lines(
        lambda u, i, t: f"r\t{u}\t{i}\t3\t{t}.0",
        "review_id:token\tuser_id:token\tbusiness_id:token\tstars:float\tdate:float\n",
    ),
    "pairs.txt": lines(lambda u, i, t: f"{u} {i} {t}"),
    "tabs.tsv": lines(lambda u, i, t: f"{u}\t{i}\t{t}"),
    "commas.csv": lines(lambda u, i, t: f"{u},{i},{t}"),
    "headed.txt": lines(lambda u, i, t: f"{u} {i} {t}", "user item time\n"),
    "semicolons.csv": lines(lambda u, i, t: f"{t};{i};{u}", "timestamp;item;user\n"),
    "ratings.dat": lines(lambda u, i, t: f"{u}::{i}::5::{t}"),
    "u.data": lines(lambda u, i, t: f"{u}\t{i}\t3\t{t}"),
    "ratings.csv": lines(lambda u, i, t: f"{u},{i},3.5,{t}", "userId,movieId,rating,timestamp\n"),
    "quoted.csv": lines(
        lambda u, i, t: f'"{u}","{i}","said ""hm"", and\nleft",{t}', "user_id,item_id,text,time\n"
    ),
    "ratings_Beauty.csv": lines(lambda u, i, t: f"{u},{i},5.0,{t}"),
    "Luxury_Beauty.csv": lines(lambda u, i, t: f"{i},{u},5.0,{t}").replace("null", "NA"),
    "reviews_2014.json": objects(
        lambda u, i, t: {
            "reviewerID": u,
            "asin": i,
            "overall": 5.0,
            "unixReviewTime": t,
            "reviewTime": "09 13, 2009",
        }
    ),
    "python.json": lines(
        lambda u, i, t: str({"reviewerID": u, "asin": i, "unixReviewTime": t, "it's": None})
    ),
    "reviews_2023.jsonl": objects(
        lambda u, i, t: {"rating": 5.0, "asin": "variant", "parent_asin": i, "user_id": u, "timestamp": t}
    ),
    "2023.csv": lines(lambda u, i, t: f"{u},{i},5.0,{t}", "user_id,parent_asin,rating,timestamp\n"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_recognised_and_read(tmp_path, name, packed):
    # The name says nothing of gzip: the content does.
    path = tmp_path / name
    text = FORMATS[name].encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    expected = [(u, "NA" if name.startswith("Luxury") and i == "null" else i, t) for u, i, t in ACTIONS]
    assert rows_of(read_interactions(path)) == expected


@pytest.mark.parametrize("name", FORMATS)
def test_small_blocks_and_windows_line_ends_change_nothing(tmp_path, monkeypatch, name):
    monkeypatch.setattr(table, "_BLOCK", 40)
    monkeypatch.setattr(table, "_CHUNK", 2)
    path = tmp_path / name
    path.write_bytes(FORMATS[name].replace("\n", "\r\n").encode())
    assert [row[0] for row in rows_of(read_interactions(path))] == [user for user, _, _ in ACTIONS]
    assert [row[2] for row in rows_of(read_interactions(path))] == [time for _, _, time in ACTIONS]


def test_milliseconds_and_dates_keep_their_order(tmp_path):
    path = tmp_path / "review.json"
    path.write_text(
        '{"id": "x", "user_id": "u", "business_id": "b", "stars": 4.0, "date": "2019-01-01 10:00:01"}\n'
        '{"id": "y", "user_id": "u", "business_id": "c", "stars": 4.0, "date": "2019-01-01 10:00:00"}\n'
    )
    log = read_interactions(path)
    assert rows_of(log) == [("u", "b", 1546336801), ("u", "c", 1546336800)]
    assert any("seconds since 1970" in note for note in log.notes)
    path.write_text('{"user_id": "u", "parent_asin": "b", "timestamp": 1588687728923}\n')
    assert rows_of(read_interactions(path)) == [("u", "b", 1588687728923)]


def test_numbers_in_json_stay_the_text_that_they_are(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"user": 1e5, "item": 0.10, "time": 1.0}\n{"user": 100000, "item": 7, "time": 2}\n')
    assert rows_of(read_interactions(path)) == [("1e5", "0.10", 1), ("100000", "7", 2)]


@pytest.mark.parametrize("separator", [" ", "\t"])
@pytest.mark.parametrize("name", ["log.txt", "log.txt.gz"])
def test_one_user_a_line(tmp_path, name, separator):
    path = tmp_path / name
    text = (
        "\n".join(separator.join(line.split()) for line in ["u1 a b c d", "", "u2 b a", "u3 007 7 1e5 NA"])
        + "\n"
    )
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    log = read_interactions(path)
    assert log.times is None
    assert "one user per line" in log.notes[0]
    expected = [("u1", "abcd"), ("u2", "ba"), ("u3", ["007", "7", "1e5", "NA"])]
    assert rows_of(log) == [(user, item, None) for user, items in expected for item in items]


def test_one_user_a_line_with_spaces_in_ids(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("ann lee\tThe Wall\tAnimals\tMeddle\nbob\tAnimals\tThe Wall\n")
    assert rows_of(read_interactions(path))[0] == ("ann lee", "The Wall", None)


def test_a_tab_after_the_user_and_spaces_between_the_items(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("u1\ta b c\nu2\tb c d e\n")
    assert [item for _, item, _ in rows_of(read_interactions(path))] == list("abcbcde")


def test_three_items_a_user_with_large_numbers_are_no_times(tmp_path):
    path = tmp_path / "books.txt"
    path.write_text(
        "1 9780141036144 9780141036145 9780141036146\n2 9780141036145 9780141036144 9780141036147\n"
    )
    assert len(read_interactions(path).users) == 6


def test_a_file_of_candidates_is_pointed_out(tmp_path):
    path = tmp_path / "Beauty_sample.txt"
    path.write_text("1 5 6 7 8\n2 5 6 9 1\n")
    assert "candidates" in read_interactions(path).notes[-1]


def test_users_without_items_are_counted(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("0 5 6 7 8\n1\n2 5 6\n")
    log = read_interactions(path)
    assert "1 lines have a user and no item" in log.notes[2]
    assert len(log.users) == 6


def test_pairs_without_times_are_in_file_order_and_say_so(tmp_path):
    path = tmp_path / "beauty.txt"
    path.write_text("1 5\n1 3\n2 5\n")
    log = read_interactions(path)
    assert rows_of(log) == [("1", "5", None), ("1", "3", None), ("2", "5", None)]
    assert any("order of the file" in note for note in log.notes)


def test_a_third_column_of_many_ratings_is_no_time(tmp_path):
    path = tmp_path / "ratings.tsv"
    path.write_text("".join(f"u{n % 9}\ti{n}\t{n % 5 + 1}\n" for n in range(60)))
    log = read_interactions(path)
    assert log.times is None
    assert "rating" in log.notes[0]
    columns = {"user": "0", "item": "1", "time": "2"}
    assert read_interactions(path, columns).times is not None


def test_amazons_orders_are_told_by_the_ids_before_the_name(tmp_path):
    users = ["A39HTATAQ9V7YF", "A3JM6GV9MNOF9X"]
    for name in ("ratings_Beauty.csv", "All_Beauty.csv", "anything.csv"):
        path = tmp_path / name
        path.write_text("".join(f"{u},B00{n}005N7P,5.0,1369699200\n" for n in range(3) for u in users))
        assert read_interactions(path).user_ids == users
        path.write_text("".join(f"B00{n}005N7P,{u},5.0,1369699200\n" for n in range(3) for u in users))
        log = read_interactions(path)
        assert log.user_ids == users
        assert "2018" in log.notes[0]


def test_an_unknown_file_of_ratings_has_the_user_first(tmp_path):
    # Sorted by user, as MovieLens' are: fewer users than items must not turn them round.
    path = tmp_path / "mine.csv"
    path.write_text("".join(f"{n // 20},{n},4.0,{978300760 + n}\n" for n in range(100)))
    assert len(read_interactions(path).user_ids) == 5
    assert len(read_interactions(path, input_format="amazon-2018").user_ids) == 100


def test_columns_by_name_and_by_number(tmp_path):
    named, bare = tmp_path / "named.csv", tmp_path / "bare.csv"
    bare.write_text("2019-01-02,x,shop,ann\n2019-01-01,y,shop,ann\n")
    named.write_text("day,thing,place,who\n" + bare.read_text())
    expected = [("ann", "x", 1546387200), ("ann", "y", 1546300800)]
    assert rows_of(read_interactions(named, {"user": "who", "item": "thing", "time": "day"})) == expected
    assert rows_of(read_interactions(bare, {"user": "3", "item": "1", "time": "0"})) == expected
    without = read_interactions(named, {"user": "who", "item": "thing"})
    assert without.times is None


def test_latin1_is_read_and_said(tmp_path):
    path = tmp_path / "ratings.dat"
    path.write_bytes("1::Amélie::5::978300760\n1::Léon::5::978300761\n".encode("latin-1"))
    log = read_interactions(path)
    assert log.item_ids == ["Amélie", "Léon"]
    assert any("Latin-1" in note for note in log.notes)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_bytes("\ufeffuser,item,time\nu,i,1\n".encode())
    assert rows_of(read_interactions(path)) == [("u", "i", 1)]


def test_the_format_can_be_forced(tmp_path):
    path = tmp_path / "log"
    path.write_text("1 2\n3 4\n")
    assert rows_of(read_interactions(path, input_format="sequences")) == [("1", "2", None), ("3", "4", None)]
    path.write_text("1 20 30\n2 40 50\n")
    assert [row[2] for row in rows_of(read_interactions(path, input_format="PAIRS"))] == [30, 50]
    with pytest.raises(UserError, match="`input_format` 'parqet' is unknown; did you mean 'parquet'"):
        read_interactions(path, input_format="parqet")


def parquet_file(path: Path, **columns: object) -> Path:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_plain_and_gzipped(tmp_path):
    users, items, times = zip(*ACTIONS, strict=True)
    path = parquet_file(tmp_path / "x.parquet", user_id=users, item_id=items, timestamp=times, more=times)
    assert rows_of(read_interactions(path)) == ACTIONS
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    columns = {"user": "user_id", "item": "item_id", "time": "more"}
    assert rows_of(read_interactions(packed, columns, "parquet")) == ACTIONS


def test_parquet_of_other_types(tmp_path):
    from datetime import date, datetime

    stamp = datetime(2019, 1, 1)
    path = parquet_file(tmp_path / "a.parquet", user=[7], item=[10**15], time=[stamp])
    assert rows_of(read_interactions(path)) == [("7", "1000000000000000", 1_546_300_800_000_000)]
    path = parquet_file(tmp_path / "b.parquet", user=["x"], item=[b"y".decode()], time=[date(1970, 1, 2)])
    assert rows_of(read_interactions(path)) == [("x", "y", 86_400_000_000)]
    path = parquet_file(tmp_path / "c.parquet", user=["x", "x"], item=["y", "z"], time=[2.0, 1.0])
    assert [row[2] for row in rows_of(read_interactions(path))] == [2, 1]


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"user": ["a", "a"], "item": ["b", None], "time": [1, 2]}, "row 2 has no 'item'"),
        ({"user": ["a", "b"], "item": ["b", "c"], "time": [1, None]}, "row 2 has no 'time'"),
        ({"user": ["a", "b"], "item": ["b", "c"], "time": [1.0, float("nan")]}, "row 2 has the time 'nan'"),
        ({"user": ["a"], "item": ["b"], "time": ["soon"]}, "row 1 has the time 'soon'"),
        ({"one": ["a"], "two": ["b"]}, "has the columns one, two: say which"),
    ],
)
def test_parquet_that_is_refused(tmp_path, columns, what):
    with pytest.raises(UserError, match=what):
        read_interactions(parquet_file(tmp_path / "x.parquet", **columns))


def test_a_damaged_parquet_file(tmp_path):
    path = parquet_file(tmp_path / "x.parquet", user=["a"], item=["b"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        read_interactions(path)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    import sys

    (tmp_path / "x.parquet").write_bytes(b"PAR1 and more")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"pip install 'degen\[parquet\]'"):
        read_interactions(tmp_path / "x.parquet")


TRUNCATED = gzip.compress(b"".join(b"user%d item%d %d\n" % (n, n * 7919, n) for n in range(2000)))

BAD = {
    "empty": (b"", "is empty"),
    "blank": (b"\n \n", "is empty"),
    "empty gzip": (gzip.compress(b""), "is empty"),
    "binary": (bytes(range(256)), "binary file"),
    "packed binary": (gzip.compress(bytes(range(256))), "binary file"),
    "zip": (b"PK\x03\x04....", "damaged zip file"),
    "utf-16": ("user,item\n".encode("utf-16"), "UTF-16"),
    "truncated gzip": (TRUNCATED[:-2000], "truncated gzip"),
    "damaged gzip": (TRUNCATED[:2000] + b"xxxx" + TRUNCATED[2004:], "damaged gzip"),
    "one field": (b"alone\nagain\n", "line 1 has one field"),
    "header only": (b"user,item,time\n", "holds no interaction"),
    "short line": (b"u,i,1\nu,j,2\nu,k\nv,i,3\n", "line 3 has 2 fields where 3"),
    "long line": (b"u i 1\nu j 2\n\nu k 3 4\nv i 3\n", "line 4 has 4 fields where 3"),
    "no item": (b"user,item,time\nu,i,1\nu,,2\n", "line 3 has no item"),
    "short line among users that come once": (b"u,i,1\nv,j\nw,k,3\n", "line 2 has 2 fields where 3"),
    "long line among users that come once": (b"u,i,5\nv,j,6,7\nw,k,3\n", "line 2 has 4 fields where 3"),
    "short line between spaces": (b"u i 1\nv j\nw k 3\n", "line 2 has 2 fields where 3"),
    "bad time": (b"u i 5\nu j 6\n\nu k soon\n", "line 4 has the time 'soon'"),
    "bad time in quotes": (b'user,item,time\n"u","a\nb",1\n"u","c","?"\n', r"line 4 has the time '\?'"),
    "third is no time": (b"u i x\nu j y\n", "line 1 has the time 'x'"),
    "unknown names": (b"who,what,when\nu,i,1\n", "has the columns who, what, when: say which"),
    "many columns": (b"1,2,3,4,5,6\n1,3,3,4,5,6\n", "has 6 columns and no names"),
    "open quotation": (b'user,item\n"u,i\n' + b"u,i\n" * 50_000, "quotation mark left open"),
    "split already": (
        b"session_id:token\titem_id_list:token_seq\titem_id:token\nu\ti j\tk\n",
        "already split",
    ),
    "json array": (b'[{"user": 1}]\n', "has the columns user: say which"),
    "json array of numbers": (b"[1, 2]\n", "object 1 of its array is not one JSON object"),
    "json array cut": (
        b'[{"user": "u", "item": "i"}, {"user": "u", "it',
        "object 2 of its array is .* cut off",
    ),
    "json cut": (b'{"user": "u", "item": "i"}\n{"user": "u", "it\n', "line 2 is not one JSON object"),
    "json field": (b'{"user": "u", "item": "i"}\n\n{"user": "u"}\n', "line 3 has no 'item'"),
    "json time": (b'{"user": "u", "item": "i", "time": "soon"}\n', "line 1 has the time 'soon' in 'time'"),
    "json names": (b'{"who": "u", "what": "i"}\n', "has the columns who, what"),
    "code": (b'{"user": __import__("os").system("true"), "item": 1}\n', "line 1 is not one JSON object"),
}


@pytest.mark.parametrize(("content", "what"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_clear_sentence(tmp_path, content, what):
    path = tmp_path / "log.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=what) as caught:
        read_interactions(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_line_far_into_a_long_file(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "_BLOCK", 1000)
    path = tmp_path / "log.csv"
    good = [f"u{n},i{n},{n}" for n in range(2000)]
    path.write_text("\n".join([*good[:1500], "u,i,tomorrow", *good[1500:]]))
    with pytest.raises(UserError, match="line 1501 has the time 'tomorrow'"):
        read_interactions(path)
    path.write_text("\n".join([*good[:1500], "u,i", *good[1500:]]))
    with pytest.raises(UserError, match="line 1501 has 2 fields"):
        read_interactions(path)
    path.write_text("\n".join([*good[:1500], "u,,3", *good[1500:]]))
    with pytest.raises(UserError, match="line 1501 has no item"):
        read_interactions(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_interactions(tmp_path / "none.csv")
    with pytest.raises(UserError, match="is a folder"):
        read_interactions(tmp_path)


def test_pairs_asked_for_have_no_header_whatever_their_first_line_looks_like(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("AB i6\n0000000001 i11\n0000000001 i6\n", encoding="utf-8")
    log = read_interactions(path, input_format="pairs")
    assert [log.user_ids[u] for u in log.users] == ["AB", "0000000001", "0000000001"]
    assert [log.item_ids[i] for i in log.items] == ["i6", "i11", "i6"]


@pytest.mark.parametrize("text", ["u,i\ra,b\ra,c\r", f"user,item\na,{'x' * 200_000}\n"])
def test_what_no_table_holds_is_one_sentence_with_the_line(tmp_path, text):
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode())
    with pytest.raises(UserError, match=r"log\.csv"):
        read_interactions(path)


def test_a_literal_that_python_cannot_build_is_one_sentence(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("{'reviewerID': 'u', 'asin': {[1]: 2}}\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 1 is not one JSON object"):
        read_interactions(path)
