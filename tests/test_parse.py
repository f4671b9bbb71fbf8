"""Parsing within limits: the whole content, or a clause that says why not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from degen.cli.options import parse_assignments
from degen.config.settle import read_toml, settle
from degen.errors import UserError
from degen.files import parse
from degen.files.parse import Unreadable

DEEP = 100_000
DIGITS = "9" * 5000


@pytest.mark.parametrize(
    "text",
    [
        "[" * DEEP,
        "[" * DEEP + "]" * DEEP,
        '{"a":' * DEEP + "1" + "}" * DEEP,
        "[" * 100 + "]" * 100,
        DIGITS,
        "NaN",
    ],
    ids=["open", "closed", "objects", "hundred", "digits", "NaN"],
)
@pytest.mark.parametrize("of", [str, str.encode], ids=["text", "bytes"])
def test_json_that_would_break_a_parser_is_unreadable(text, of):
    with pytest.raises(Unreadable):
        parse.parse_json(of(text))


@pytest.mark.parametrize(
    "text",
    [
        f"a = {'[' * DEEP}",
        f"a = {'[' * 100}{']' * 100}",
        f"a = {DIGITS}",
        ".".join("a" * DEEP) + " = 1",
        "a = \ud800",
    ],
    ids=["open", "hundred", "digits", "dotted", "surrogate"],
)
def test_toml_that_would_break_a_parser_is_unreadable(text):
    with pytest.raises(Unreadable):
        parse.parse_toml(text)


def test_what_is_within_the_limits_is_read_whole():
    value = {"a": [1, 2.5, None, "ü[[[["], "b": {"c": True}}
    assert parse.parse_json(json.dumps(value)) == value
    nested = "[" * parse.MAX_DEPTH + "]" * parse.MAX_DEPTH
    assert json.dumps(parse.parse_json(nested)) == nested
    assert parse.parse_toml('a = [1, "x"]\n[b]\nc = 2.0') == {"a": [1, "x"], "b": {"c": 2.0}}


def test_lines_of_json_are_numbered_from_one(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": "x\u2028y"}\n{"a": 2}\n', encoding="utf-8")
    assert parse.read_json_lines(path) == [{"a": "x\u2028y"}, {"a": 2}]
    for line, said in (
        ("[1]", "line 2 is not a JSON object"),
        ("{", "line 2: it is not JSON"),
        ("", "line 2: it"),
    ):
        path.write_text(f'{{"a": 1}}\n{line}\n{{"a": 3}}\n', encoding="utf-8")
        with pytest.raises(Unreadable, match=said):
            parse.read_json_lines(path)
    path.write_text("")
    assert parse.read_json_lines(path) == []


def test_a_file_that_is_too_large_missing_or_no_text_is_unreadable(tmp_path):
    path = tmp_path / "x.json"
    with pytest.raises(Unreadable, match="No such file"):
        parse.read_json(path)
    path.write_bytes(b"[1, 2, 3]")
    assert parse.read_text(path, limit=9) == "[1, 2, 3]"
    with pytest.raises(Unreadable, match="more than 8 bytes"):
        parse.read_text(path, limit=8)
    path.write_bytes(b'"\xff"')
    with pytest.raises(Unreadable, match="byte 1 is not UTF-8"):
        parse.read_json(path)


@pytest.mark.parametrize("value", ["[" * 5000, DIGITS], ids=["deep", "digits"])
def test_a_configuration_that_would_break_a_parser_is_one_sentence(tmp_path, value):
    path = tmp_path / "config.toml"
    path.write_text(f"[training]\nepochs = {value}\n")
    with pytest.raises(UserError, match=r"config.toml cannot be read: it "):
        settle(path)
    assert parse_assignments([f"training.epochs={value}"]) == {"training": {"epochs": value}}


def test_a_configuration_that_is_not_there_says_so(tmp_path):
    with pytest.raises(UserError, match=r"study\.toml: there is no such file"):
        read_toml(tmp_path / "study.toml", "study.toml")


HEADERS = [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }",
    "{",
    "(",
    "'",
    "[" * 300,
    "{}",
    "\x00",
    "",
]


@pytest.mark.parametrize("header", HEADERS)
def test_an_array_is_whole_or_unreadable(tmp_path, header):
    path = tmp_path / "a.npy"
    text = header.encode() + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(32))
    if header == HEADERS[0]:
        assert parse.read_array(path).tolist() == [[0, 0]] * 4
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Unreadable, match=r"no whole \.npy file"):
        parse.read_array(path)


@pytest.mark.parametrize("shape", [(2**40,), (2**63, 2), (0, 2**62), (-1,), (10**30,)])
def test_an_array_that_claims_to_be_large_takes_no_memory(tmp_path, shape):
    path = tmp_path / "a.npy"
    text = repr({"descr": "<f8", "fortran_order": False, "shape": shape}).encode() + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8))
    with pytest.raises(Unreadable):
        parse.read_array(path)


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(Unreadable, match="never unpickled"):
        parse.read_array(path)


def test_a_number_of_thousands_of_digits_is_named():
    for parsed, text in ((parse.parse_json, DIGITS), (parse.parse_toml, f"a = {DIGITS}")):
        with pytest.raises(Unreadable, match=r"^it holds a whole number of more than 4,300 digits$"):
            parsed(text)
