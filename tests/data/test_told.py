"""What the user tells of a log (columns, header, separator, time format), and what is then said of it."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from pathlib import Path

import pytest

from degen.cli.app import main
from degen.cli.wording import as_typed
from degen.data.interactions import Interactions
from degen.data.load import DataOptions, load_dataset
from degen.data.reading.read import read_interactions
from degen.data.reading.told import Told
from degen.errors import UserError

TAOBAO = "".join(f"1,226831{n % 7},252037{n % 3},pv,{1511544070 + n}\n" for n in range(60))
ML_1M = "".join(f"{n // 9 + 1}::{1193 + n}::5::{978300760 + n}\n" for n in range(60))
U_DATA = "".join(f"{196 + n // 9}\t{242 + n}\t3\t{881250949 + n}\n" for n in range(60))


def read(path: Path, content: str | bytes, **told: object) -> Interactions:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if isinstance(columns := told.get("columns"), str):
        told["columns"] = dict(part.split("=") for part in columns.split(","))
    return read_interactions(path, Told(**told))  # type: ignore[arg-type]


def first(log: Interactions) -> tuple[str, str, int | None]:
    time = None if log.times is None else int(log.times[0])
    return log.user_ids[log.users[0]], log.item_ids[log.items[0]], time


@pytest.mark.parametrize(
    ("content", "columns", "expected"),
    [
        (TAOBAO, "user=0,item=1,time=4", ("1", "2268310", 1511544070)),
        (TAOBAO, "user=0,item=1", ("1", "2268310", None)),
        (ML_1M, "user=0,item=1,time=3", ("1", "1193", 978300760)),
        (ML_1M, "user=1,item=0,time=3", ("1193", "1", 978300760)),
        (U_DATA, "user=0,item=1,time=3", ("196", "242", 881250949)),
    ],
)
def test_numbers_are_positions_and_no_first_line_is_lost(tmp_path, content, columns, expected):
    log = read(tmp_path / "log", content, columns=columns)
    assert len(log.users) == content.count("\n")
    assert first(log) == expected


def test_the_first_action_is_told_as_it_was_read(tmp_path):
    log = read(tmp_path / "log", "1,2268318,2520377,pv,1511572870\n" + TAOBAO, columns="user=0,item=1,time=4")
    assert "its first action is user 1, item 2268318, time 2017-11-25 01:21:10" in log.notes
    log = read(tmp_path / "log", "u1,i5,7\nu1,i6,8\n")
    assert "its first action is user u1, item i5, time 7" in log.notes
    log = read(tmp_path / "log", "u a b c d e f g\nv a b\n")
    assert "its first line is user u, items a, b, c, d, e, …" in log.notes


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_stamps_are_told_as_dates_in_any_unit(tmp_path, unit):
    log = read(tmp_path / "log", f"u,i,{1511572870 * unit}\n")
    assert log.notes[1].endswith("time 2017-11-25 01:21:10")


NAMED_BY_NUMBERS = "0,1,2\nu,a,30\nv,b,40\n"


def test_numbers_are_names_only_where_the_header_is_told(tmp_path):
    columns = "user=1,item=0,time=2"
    with pytest.raises(UserError, match="no line of column names"):
        read(tmp_path / "log", "u,a,30\n", columns="user=who,item=1")
    assert first(read(tmp_path / "log", "u,a,30\nv,b,40\n", columns=columns)) == ("a", "u", 30)
    told = read(tmp_path / "log", "1,2,0\n30,u,a\n40,v,b\n", columns="user=2,item=0,time=1", header=True)
    assert first(told) == ("u", "a", 30)
    assert len(told.users) == 2


def test_a_number_is_a_position_beside_a_column_of_that_name(tmp_path):
    content = "user,item,0,time\nu,i,x,5\n"
    assert first(read(tmp_path / "log", content, columns="user=0,item=1,time=3")) == ("u", "i", 5)
    told = read(tmp_path / "log", content, columns="user=0,item=1,time=3", header=True)
    assert first(told) == ("x", "i", 5)


def test_a_header_that_is_told_is_skipped_and_one_that_is_denied_is_an_action(tmp_path):
    words = "who,what\nann,x\nbob,y\n"
    assert len(read(tmp_path / "log", words, columns="user=0,item=1", header=True).users) == 2
    assert first(read(tmp_path / "log", words, columns="user=0,item=1"))[:2] == ("who", "what")
    assert len(read(tmp_path / "log", words, columns="user=who,item=what").users) == 2
    denied = read(tmp_path / "log", "user,item\nann,x\n", header=False)
    assert first(denied)[:2] == ("user", "item")


def test_a_name_matches_no_value(tmp_path):
    with pytest.raises(UserError, match="no line of column names, so no 'pv'"):
        read(tmp_path / "log", TAOBAO, columns="user=0,item=1,time=pv")


def test_a_missing_number_in_the_first_line_makes_no_header(tmp_path):
    log = read(
        tmp_path / "log", "ann,x,NA\n" + "".join(f"bob,y{n},{n}\n" for n in range(9)), columns="user=0,item=1"
    )
    assert first(log)[0] == "ann"


def test_a_header_by_its_words_is_told(tmp_path):
    body = "".join(f"u{n},i{n},{n}\n" for n in range(9))
    log = read(tmp_path / "log", "who,what,when\n" + body, columns="user=0,item=1,time=2")
    assert "first line names them (who, what, when)" in log.notes[0]
    assert len(log.users) == 9


def test_a_first_line_of_words_is_asked_about_where_no_time_tells(tmp_path):
    content = "ann,x,free\n" + "".join(f"bob,y{n},{n}.5\n" for n in range(9))
    with pytest.raises(UserError, match=r"\(ann, x, free\); pass `header=True` .* `header=False`"):
        read(tmp_path / "log", content, columns="user=0,item=1")
    assert len(read(tmp_path / "log", content, columns="user=0,item=1", header=False).users) == 10
    assert len(read(tmp_path / "log", content, columns="user=0,item=1", header=True).users) == 9


def test_one_column_has_one_role(tmp_path):
    with pytest.raises(UserError, match=r"one column of .* two roles"):
        read(tmp_path / "log", TAOBAO, columns="user=0,item=0")


@pytest.mark.parametrize("name", ["header", "separator"])
def test_what_means_nothing_for_a_format_is_refused(tmp_path, name):
    told = {"header": True} if name == "header" else {"separator": "tab"}
    with pytest.raises(UserError, match=f"`{name}` means nothing; leave it out"):
        read(tmp_path / "log", '{"user": "u", "item": "i"}\n', **told)


@pytest.mark.parametrize(
    ("separator", "sign"),
    [("tab", "\t"), ("\\t", "\t"), ("bar", "|"), ("~", "~"), ("||", "||"), ("SPACE", " ")],
)
def test_separators_by_name_and_by_sign(tmp_path, separator, sign):
    content = f"user{sign}item{sign}time\nu,1{sign}a;b{sign}5\nu,1{sign}c{sign}6\n"
    log = read(tmp_path / "log", content, separator=separator)
    assert first(log) == ("u,1", "a;b", 5)


@pytest.mark.parametrize("separator", ["", "komma", '"', "\n"])
def test_separators_that_cannot_be(separator):
    with pytest.raises(UserError, match="`separator`"):
        Told(separator=separator)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%d/%m/%Y", "03/04/2019", 1554249600),
        ("%m/%d/%Y", "03/04/2019", 1551657600),
        ("%d.%m.%y %H:%M", "03.04.19 10:30", 1554287400),
        ("%Y%m%d", "20190403", 1554249600),
        ("%m %d, %Y", '"04 03, 2019"', 1554249600),
        ("%Y-%m-%d %H:%M:%S.%f", "2019-04-03 00:00:00.5", 1554249600_500000),
    ],
)
def test_a_time_format(tmp_path, pattern, text, expected):
    log = read(tmp_path / "log", f"user,item,date\nu,i,{text}\n", time_format=pattern)
    assert first(log)[2] == expected
    assert any(f"'{pattern}'" in note for note in log.notes)


@pytest.mark.parametrize("pattern", ["", "date", "%d", "%H:%M", "%d/%m/%Q", "%Y-%m-%d %"])
def test_time_formats_that_cannot_be(pattern):
    with pytest.raises(UserError, match="`time_format`"):
        Told(time_format=pattern)


def test_a_date_that_decides_may_come_late(tmp_path):
    early = "".join(f"u,i{n},{n % 12 + 1}/{n % 11 + 1}/2019\n" for n in range(30_000))
    log = read(tmp_path / "log.csv", "user,item,date\n" + early + "u,last,12/31/2019\n")
    assert first(log)[2] == 1546300800
    assert any("'%m/%d/%Y' ('12/31/2019' fits no other)" in note for note in log.notes)
    with pytest.raises(UserError, match="line 30003 has the time '31/12/2019'"):
        read(tmp_path / "log.csv", "user,item,date\n" + early + "u,last,12/31/2019\nu,x,31/12/2019\n")


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("u,i,2019-01-02,930\nu,j,2019-01-02,1015\n", "user=0,item=1,time=2+3"),
        (
            "who,what,day,hour\nu,i,2019-01-02,9:30\nu,j,2019-01-02,10:15\n",
            "user=who,item=what,time=day+hour",
        ),
        ("u,i,20190102,93000\nu,j,20190102,101500\n", "user=0,item=1,time=2+3"),
        ("u,i,1/2/2019,9:30 AM\nu,j,1/13/2019,10:15 PM\n", "user=0,item=1,time=2+3"),
    ],
)
def test_date_and_time_of_day_are_joined(tmp_path, content, columns):
    assert first(read(tmp_path / "log", content, columns=columns))[2] == 1546421400


def test_a_column_whose_name_has_a_plus_stays_whole(tmp_path):
    log = read(tmp_path / "log", "u,i,a+b\nx,y,5\n", columns="user=u,item=i,time=a+b")
    assert first(log) == ("x", "y", 5)


@pytest.mark.parametrize("missing", ["", "NA", "NaN", "nan", "null", "None", "<NA>", "\\N"])
@pytest.mark.parametrize("quoted", [False, True])
def test_actions_without_a_user_are_left_out_and_counted(tmp_path, missing, quoted):
    item = '"a,b"' if quoted else "ab"
    content = f"user,item,time\nu,{item},5\n{missing},x,6\nv,y,7\n{missing},z,8\nw,x,9\n"
    log = read(tmp_path / "log", content)
    assert log.user_ids == ["u", "v", "w"]
    assert log.item_ids[1:] == ["y", "x"]
    assert log.times.tolist() == [5, 7, 9]
    assert "2 actions without a user were left out; the first is line 3" in log.notes


def test_one_action_without_a_user_is_in_the_singular(tmp_path):
    log = read(tmp_path / "log", "user,item,time\nu,a,5\n,x,6\nv,y,7\n")
    assert "1 action without a user was left out: line 3" in log.notes


def test_objects_and_rows_without_a_user_are_left_out_too(tmp_path):
    values = ["u", None, "", "NA", "v", "w", "x", "y", "z"]
    content = "".join(
        json.dumps({"user": value, "item": "i", "time": n}) + "\n" for n, value in enumerate(values)
    )
    log = read(tmp_path / "log", content)
    assert log.times.tolist() == [0, 4, 5, 6, 7, 8]
    assert "3 actions without a user were left out; the first is line 2" in log.notes
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    import pyarrow.parquet as pq

    table = pa.table({"user": values, "item": ["i"] * 9, "time": list(range(9))})
    pq.write_table(table, tmp_path / "log.parquet")
    log = read_interactions(tmp_path / "log.parquet")
    assert log.times.tolist() == [0, 4, 5, 6, 7, 8]
    assert "3 actions without a user were left out; the first is row 2" in log.notes


def test_a_bad_line_after_lines_without_a_user_is_named_rightly(tmp_path):
    with pytest.raises(UserError, match="line 5 has the time 'soon'"):
        read(tmp_path / "log", "user,item,time\nu,a,5\nNA,x,6\nv,y,7\nw,z,soon\n")


def test_a_log_without_most_users_is_refused(tmp_path):
    late = "user,item\n" + "u,i\n" * 40_000 + ",i\n" * 40_001
    with pytest.raises(UserError, match=r"40,001 of 80,001 actions have no user \(the first is line 40002"):
        read(tmp_path / "log", late)


@pytest.mark.parametrize("identifier", ["a\nb", "a\rb", "\n"])
@pytest.mark.parametrize("role", ["user", "item"])
def test_ids_with_line_breaks_are_refused(tmp_path, identifier, role):
    action = {"user": "u", "item": "i"} | {role: identifier}
    with pytest.raises(UserError, match=f"has the {role} .* line break"):
        read(tmp_path / "log.json", json.dumps(action) + "\n")
    if role == "item" and identifier != "a\rb":
        with pytest.raises(UserError, match="line break"):
            read(tmp_path / "log.csv", f'user,item\nu,"{identifier}"\n')


def test_a_lone_surrogate_is_refused_with_the_file(tmp_path):
    with pytest.raises(UserError, match=r"log\.json: the id .* not valid Unicode"):
        read(tmp_path / "log.json", '{"user": "u", "item": "\\ud800"}\n')


CSV = b"user,item,time\nu,i,5\nu,j,6\n"


def zipped(path: Path, **members: bytes) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_logs(tmp_path, pack):
    assert first(read(tmp_path / "log", pack(CSV))) == ("u", "i", 5)
    damaged = bytearray(pack(CSV * 5000))
    damaged[len(damaged) // 2] ^= 255
    with pytest.raises(UserError, match=r"damaged|truncated"):
        read(tmp_path / "log", bytes(damaged))
    with pytest.raises(UserError, match=r"truncated|damaged"):
        read(tmp_path / "log", pack(CSV * 5000)[:-20])


def test_a_zip_archive_of_one_file_and_of_two(tmp_path):
    one = zipped(tmp_path / "a.zip", **{"log.csv": CSV, "__MACOSX/log.csv": b"x"})
    assert first(read(tmp_path / "log.zip", one)) == ("u", "i", 5)
    two = zipped(tmp_path / "b.zip", **{"ratings.dat": CSV, "movies.dat": CSV})
    with pytest.raises(UserError, match=r"zip archive of 2 files \(ratings.dat, movies.dat\); unpack it"):
        read(tmp_path / "log.zip", two)


def test_nested_lists_by_dotted_names(tmp_path):
    sessions = [
        {"key": f"s{n}", "seen": [{"what": "a", "when": 5}, {"what": "b", "when": 6}]} for n in range(3)
    ]
    content = "".join(json.dumps(session) + "\n" for session in sessions)
    columns = {"user": "key", "item": "seen.what", "time": "seen.when"}
    log = read(tmp_path / "log", content, columns=columns)
    assert [log.item_ids[item] for item in log.items] == ["a", "b"] * 3
    assert log.times.tolist() == [5, 6] * 3


def test_deep_objects_are_one_sentence(tmp_path):
    deep = '{"user": "u", "item": ' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(UserError, match="line 1 is not one JSON object"):
        read(tmp_path / "log", deep + "\n")
    with pytest.raises(UserError, match="object 1 of its array is nested too deeply"):
        read(tmp_path / "log", f"[{deep}]\n")


def test_a_long_array_is_read_in_steps(tmp_path, monkeypatch):
    from degen.data.reading.objects import json_objects

    actions = [{"user": f"ü{n % 7}", "item": f"i{n % 50}", "time": n} for n in range(300)]
    whole = read(tmp_path / "log", json.dumps(actions, indent=2, ensure_ascii=False))
    monkeypatch.setattr(json_objects, "_STEP", 7)
    stepped = read(tmp_path / "log", json.dumps(actions, indent=2, ensure_ascii=False))
    assert whole.times.tolist() == stepped.times.tolist() == list(range(300))
    assert whole.user_ids == stepped.user_ids == [f"ü{n}" for n in range(7)]


def test_a_line_that_memory_may_not_hold_is_refused(tmp_path, monkeypatch):
    from degen.data.reading import open_log
    from degen.data.reading.objects import json_objects

    monkeypatch.setattr(open_log.open_text.__wrapped__, "__defaults__", ("utf-8-sig", 3_000_000))
    monkeypatch.setattr(json_objects, "LONGEST_LINE", 3_000_000)
    endless = b"u i 5\n" * 250_000 + b"x" * 5_000_000
    with pytest.raises(UserError, match="a line of more than 3,000,000 bytes"):
        read(tmp_path / "log.gz", gzip.compress(endless))
    action = b'{"user": "u", "item": "i"}\n'
    with pytest.raises(UserError, match="a line of more than 3,000,000 characters"):
        read(tmp_path / "log.gz", gzip.compress(action * 50_000 + b'{"user": "' + b"x" * 5_000_000))
    array = b"[" + b", ".join([action.strip()] * 200_000) + b"]"
    assert len(read(tmp_path / "log.gz", gzip.compress(array)).users) == 200_000


def test_options_are_part_of_what_the_cache_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("DEGEN_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "log.csv"
    path.write_text("user,item\n" + "u,i\nu,j\nu,k\n")
    free = {"min_user": 0, "min_item": 0}
    for header, actions in [(None, 3), (True, 3), (None, 3)]:
        found = load_dataset(str(path), DataOptions(header=header, **free))
        assert len(found.sequences.items) == actions
    path.write_text("u,x\n" + "u,i\nu,j\nu,k\n")
    columns = {"user": "0", "item": "1"}
    assert len(load_dataset(str(path), DataOptions(columns, **free)).sequences.items) == 4
    assert len(load_dataset(str(path), DataOptions(columns, header=True, **free)).sequences.items) == 3


def test_arguments_are_options_on_the_command_line():
    assert as_typed("pass `header=True` or `header=False`") == "pass --header or --no-header"
    assert as_typed("`time_format='%d/%m/%Y %H:%M'`") == "--time-format '%d/%m/%Y %H:%M'"
    assert as_typed("`separator` or `columns='user=0,item=2'`") == "--separator or --columns user=0,item=2"


def test_the_options_of_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DEGEN_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "log.csv"
    body = "".join(f"{u}~{u + n}~0{n + 1}/0{n % 4 + 2}/2019\n" for u in range(5) for n in range(6))
    path.write_text("1~0~2\n" + body)
    log = [str(path), "--columns", "user=1,item=0,time=2", "--min-user", "0", "--min-item", "0"]
    monkeypatch.setattr("sys.argv", ["degen", "data", "stats", *log, "--separator", "~", "--header"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "pass --time-format %d/%m/%Y or --time-format %m/%d/%Y" in error
    more = ["--separator", "~", "--header", "--time-format", "%d/%m/%Y", "--json"]
    monkeypatch.setattr("sys.argv", ["degen", "data", "stats", *log, *more])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert json.loads(capsys.readouterr().out)["actions"] == 30
