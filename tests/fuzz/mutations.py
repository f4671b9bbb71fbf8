"""Mutations of a file's bytes, all drawn from one generator, so that a seed repeats them.

Each takes the generator and the bytes and returns others. Those at the end know a format: they unpack an
archive, a header or a document, mutate what is inside, and pack it again, so that the damage lies behind the
checks that would catch it at the door.
"""

from __future__ import annotations

import ast
import gzip
import io
import json
import random
import re
import struct
import tomllib
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import tomli_w

Mutation = Callable[[random.Random, bytes], bytes]

MOST = 1 << 20
"""Bytes of a mutated file: what grows beyond is cut, so that an input is small and what it costs is not."""

NUMBERS = (
    *["0", "-1", "1", "2", "3.5", "1e308", "-1.7e308", "1e-310", "1e999999999", "-1e999999999", "1e400"],
    *["NaN", "nan", "inf", "-Infinity", "0x10", "1_000", "٣", "½", "+5", ".5", "5.", "2147483648", "1e18"],
    *["-9223372036854775809", "9223372036854775808", "18446744073709551616", "4294967295"],
    "9" * 5000,
    "1e" + "9" * 400,
    "0." + "0" * 400 + "1",
    "",
    " ",
)

WORDS = (
    "\x1b]0;owned\x07",
    "\x1b[2J",
    "a\nb",
    "a\r\nb",
    "\r",
    "\u2028",
    "\u202e",
    "\x00",
    "\x85",
    "\ufeff",
    "[/nope]",
    "[bold red]x",
    "$\\frac{$",
    "\\write18{touch canary}",
    "=cmd|' /C calc'!A0",
    "</script><script>alert(1)</script>",
    "{{ 7*7 }}",
    "%s%n%(x)s{0}{x}",
    "../../etc/passwd",
    "/etc/passwd",
    "con",
    "~",
    '"',
    "'",
    ",,,,",
    "\t\t",
    "#",
    "user",
    "item",
    "timestamp",
    "null",
    "true",
    "日本語",
    "é" * 300,
    "x" * 5000,
    "𝔘𝔫𝔦",
    "__import__('canary')",
    "!!python/object/apply:os.system ['touch canary']",
)
BYTES = (
    b"",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc3(",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"PAR1",
    b"\x93NUMPY",
    b"\x80\x02ccanary\nrun\n(tR.",
    b"cos\nsystem\n(S'touch canary'\ntR.",
    b"\x89HDF\r\n\x1a\n",
    b"\x1c",
    b"\x00" * 64,
)


def tokens(rng: random.Random) -> bytes:
    """Return a number, a word or bytes that have broken readers before."""
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(NUMBERS).encode()
    return rng.choice(WORDS).encode() if kind < 0.85 else rng.choice(BYTES)


def place(rng: random.Random, content: bytes) -> int:
    """Return a position; beginnings and ends, where headers and indices lie, come up more often."""
    if rng.random() < 0.3:
        return min(len(content), rng.randrange(64))
    return (
        len(content) - min(len(content), rng.randrange(64))
        if rng.random() < 0.2
        else rng.randint(0, len(content))
    )


# ---------------------------------------------------------------------------------------- any bytes


def flip(rng: random.Random, content: bytes) -> bytes:
    """Flip one to eight bits."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8)) if changed else 0):
        changed[min(place(rng, content), len(changed) - 1)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(rng: random.Random, content: bytes) -> bytes:
    """Replace some bytes by a token or an extreme number."""
    at = place(rng, content)
    wide = struct.pack(rng.choice(["<Q", ">Q", "<q", "<I", ">I", "<H"]), rng.choice((0, 1, 2, 255, 65535)))
    wide = rng.choice((wide, b"\xff" * rng.choice((1, 2, 4, 8)), b"\x7f" + b"\xff" * 7, tokens(rng)))
    return content[:at] + wide + content[at + len(wide) :]


def insert(rng: random.Random, content: bytes) -> bytes:
    """Insert a token."""
    at = place(rng, content)
    return content[:at] + tokens(rng) + content[at:]


def cut(rng: random.Random, content: bytes) -> bytes:
    """Leave out the end, the beginning or a piece between."""
    first, last = sorted((place(rng, content), place(rng, content)))
    return rng.choice((content[:first], content[first:], content[:first] + content[last:]))


def repeat(rng: random.Random, content: bytes) -> bytes:
    """Repeat a piece."""
    first, last = sorted((place(rng, content), place(rng, content)))
    return content[:last] + content[first:last] * rng.choice((1, 2, 100, 5000)) + content[last:]


def whole(rng: random.Random, content: bytes) -> bytes:
    """Replace everything: nothing, white space, zeros, noise, a token."""
    noise = bytes(rng.randrange(256) for _ in range(rng.choice((1, 8, 300))))
    return rng.choice(
        (b"", b" ", b"\n", b"\n\n\n", b"\t", b"\x00" * 100, noise, tokens(rng), tokens(rng) + b"\n")
    )


# ---------------------------------------------------------------------------------------- text


def number(rng: random.Random, content: bytes) -> bytes:
    """Replace a number that is written in digits."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?", content))
    if not found:
        return insert(rng, content)
    match = rng.choice(found)
    return content[: match.start()] + rng.choice(NUMBERS).encode() + content[match.end() :]


def cell(rng: random.Random, content: bytes) -> bytes:
    """Replace, leave out or double a cell of a table of any separator."""
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    parts = re.split(rb"(::|[,;|\t ])", lines[at])
    one = rng.randrange(0, len(parts), 2)
    parts[one : one + 1] = rng.choice(
        ([tokens(rng)], [], [parts[one], b",", parts[one]], [b'"' + parts[one]])
    )
    lines[at] = b"".join(parts)
    return b"\n".join(lines)


def column(rng: random.Random, content: bytes) -> bytes:
    """Replace the same cell of every line, or change the separator."""
    if rng.random() < 0.3:
        one, other = (
            rng.choice((b",", b"\t", b" ", b";")),
            rng.choice((b",", b"\t", b" ", b"::", b"|", b";", b"")),
        )
        return content.replace(one, other)
    at, token = rng.randrange(4), tokens(rng)
    lines = [re.split(rb"([,\t ])", line) for line in content.split(b"\n")]
    for parts in lines:
        if 2 * at < len(parts) and any(parts):
            parts[2 * at] = token
    return b"\n".join(b"".join(parts) for parts in lines)


def line(rng: random.Random, content: bytes) -> bytes:
    """Leave out, double, empty, shuffle or replace lines."""
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    way = rng.randrange(5)
    if way == 0:
        del lines[at]
    elif way == 1:
        lines[at:at] = [lines[rng.randrange(len(lines))]] * rng.choice((1, 2, 300))
    elif way == 2:
        rng.shuffle(lines)
    else:
        lines[at] = b"" if way == 3 else tokens(rng)
    return b"\n".join(lines)


def line_ends(rng: random.Random, content: bytes) -> bytes:
    """Write other line ends, or none at the end."""
    end = rng.choice(
        (b"\r\n", b"\r", b"\x0b", b"\x0c", b"\x1e", "\x85".encode(), "\u2028".encode(), b"\n\n", b"")
    )
    return content.rstrip(b"\n") if rng.random() < 0.2 else content.replace(b"\n", end)


def encoding(rng: random.Random, content: bytes) -> bytes:
    """Write the text in another encoding."""
    with suppress(UnicodeError):
        return content.decode().encode(rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7", "utf-16-le")))
    return flip(rng, content)


def nest(rng: random.Random, content: bytes) -> bytes:
    """Open brackets that are never, or all, closed."""
    depth = rng.choice((10, 70, 1000, 100_000))
    opening, closing = rng.choice(
        ((b"[", b"]"), (b'{"a":', b"}"), (b"(", b")"), (b"[[", b"]]"), (b"a.", b""))
    )
    deep = opening * depth + rng.choice((b"", b"1")) + (closing * depth if rng.random() < 0.7 else b"")
    found = list(re.finditer(rb"(?<=[:=,\t ])[^,:\n\t]+", content))
    if not found or rng.random() < 0.3:
        return deep
    match = rng.choice(found)
    return content[: match.start()] + deep + content[match.end() :]


# ---------------------------------------------------------------------------------------- documents


def anything(rng: random.Random) -> Any:
    """Return a value of any kind."""
    nested: Any = []
    for _ in range(rng.choice((1, 3, 80))):
        nested = [nested]
    choices: tuple[Any, ...] = (
        None, True, 0, -1, 2**31, 2**63, 2**64, 10**400, 0.5, 1e308, "", "1", rng.choice(WORDS), "\ud800",
        [], {}, [1, 2], [[1]], {"a": 1}, nested, float("nan"), float("inf"), [None], ["x"] * 50,
    )  # fmt: skip
    return rng.choice(choices)


def document(rng: random.Random, value: Any) -> Any:
    """Return a document with one node replaced, left out or renamed."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        way = rng.random()
        if way < 0.12:
            return {name: inner for name, inner in value.items() if name != key}
        if way < 0.2:
            return {(rng.choice(WORDS) if name == key else name): inner for name, inner in value.items()}
        if way < 0.25:
            return {**value, rng.choice(WORDS): anything(rng)}
        return {**value, key: document(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        way = rng.random()
        if way < 0.15:
            return value[:at] + value[at + 1 :]
        return [*value[:at], document(rng, value[at]), *value[at + (way < 0.9) :]]
    return anything(rng)


def as_json(rng: random.Random, content: bytes) -> bytes:
    """Mutate JSON, or one line of JSON Lines, as a document."""
    lines = content.split(b"\n") if rng.random() < 0.5 else [content]
    at = rng.randrange(len(lines))
    lines[at] = json.dumps(document(rng, json.loads(lines[at]))).encode()
    return b"\n".join(lines)


def as_toml(rng: random.Random, content: bytes) -> bytes:
    """Mutate TOML as a document."""
    changed = document(rng, tomllib.loads(content.decode()))
    return tomli_w.dumps(changed).encode("utf-8", "surrogatepass")


# ---------------------------------------------------------------------------------------- packed


def as_gzip(rng: random.Random, content: bytes) -> bytes:
    """Mutate what a gzip file holds."""
    return gzip.compress(mutate(rng, gzip.decompress(content)), 1)


def as_zip(rng: random.Random, content: bytes) -> bytes:
    """Mutate one member of a zip, rename it, leave it out, double it, or pack it in another way."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        names = old.namelist()
        chosen, way = rng.choice(names), rng.random()
        for name in names:
            held, method = old.read(name), old.getinfo(name).compress_type
            called = name
            if name == chosen:
                if way < 0.1:
                    continue
                if way < 0.2:
                    called = rng.choice(WORDS).replace("\x00", "0")
                elif way < 0.3:
                    method = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
                else:
                    held = mutate(rng, held)
            new.writestr(called, held, method)
        if way > 0.95:
            new.writestr(zipfile.ZipInfo("more.npy"), b"\x93NUMPY")
    return buffer.getvalue()


_HEADER = (
    "O", "|O", "<f8", ">f4", "<f2", "<c8", "|S3", "<U2", "|V8", "<M8[s]", "<i8", "|b1", "", "<f16", "()", [],
    None, [["a", "<f4"]], [["a", "O"]], "f8,i4", 3, "<f4" * 50, "<S99999999999", "|u1",
)  # fmt: skip
_SHAPES = (
    (), (0,), (3,), (-1,), (2**63,), (2**62, 2), (2**31, 2**31), (0, 2**62), (2**62, 0), (1, 1, 1), [3, 4],
    "3", None, 12, (3.0, 4), (True, 12), (4, 3), (10**30,), (12, -1), (1,) * 70,
)  # fmt: skip


def as_npy(rng: random.Random, content: bytes) -> bytes:
    """Write another header before the numbers of an `.npy` file."""
    size = struct.unpack("<H", content[8:10])[0]
    header = ast.literal_eval(content[10 : 10 + size].decode())
    way = rng.randrange(5)
    if way == 0:
        header["descr"] = rng.choice(_HEADER)
    elif way == 1:
        header["shape"] = rng.choice(_SHAPES)
    elif way == 2:
        header["fortran_order"] = rng.choice((True, None, 7, "x"))
    elif way == 3:
        header = rng.choice(({}, [], {**header, "more": 1}, {"shape": (1,)}, 5, {1: 2}))
    text = repr(header).encode()
    if way == 4:
        text = mutate(rng, text)
    return content[:8] + struct.pack("<H", min(len(text), 65535)) + text + content[10 + size :]


def as_safetensors(rng: random.Random, content: bytes) -> bytes:
    """Write another header before the numbers of a `.safetensors` file."""
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    names = [name for name in header if name != "__metadata__"]
    way = rng.randrange(5)
    one = header[rng.choice(names)] if names else {}
    if way == 0:
        one["dtype"] = rng.choice(
            ("F64", "F8_E4M3", "BOOL", "U64", "I8", "BF16", "F16", "X", None, 3, "", "C64")
        )
    elif way == 1:
        shape = rng.choice(_SHAPES)
        one["shape"] = list(shape) if isinstance(shape, tuple) else shape
    elif way == 2:
        ends = (0, -1, 2**63, 2**64, 4, len(content), None, "0", 1.5)
        one["data_offsets"] = rng.choice(([rng.choice(ends), rng.choice(ends)], [], None, [0]))
    text = json.dumps(document(rng, header) if way == 3 else header).encode()
    if way == 4:
        text = mutate(rng, text)
    length = len(text) if rng.random() < 0.9 else rng.choice((0, 2**63, 2**64 - 1, 10**8))
    return struct.pack("<Q", length) + text + content[8 + size :]


PLAIN: tuple[Mutation, ...] = (flip, overwrite, insert, cut, repeat, whole)
TEXT: tuple[Mutation, ...] = (number, number, cell, cell, column, line, line_ends, encoding, nest, insert)


def knowing(content: bytes) -> list[Mutation]:
    """Return the mutations that know the format of the bytes."""
    if content[:2] == b"\x1f\x8b":
        return [as_gzip]
    if content[:2] == b"PK":
        return [as_zip]
    if content[:6] == b"\x93NUMPY":
        return [as_npy]
    if content[8:9] == b"{" and content[7:8] == b"\x00":
        return [as_safetensors]
    if content[:1] in (b"{", b"["):
        with suppress(ValueError):
            return [as_json if content.lstrip()[:1] == b"{" else as_toml, *TEXT]
    return [as_toml, *TEXT] if re.match(rb"[\w.\"-]+ = ", content) else [*TEXT]


def mutate(rng: random.Random, content: bytes) -> bytes:
    """Return the bytes after one to three mutations, half of which know the format."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        chosen = rng.choice(PLAIN) if rng.random() < 0.4 else rng.choice(knowing(content) or PLAIN)
        try:
            content = chosen(rng, content)[:MOST]
        except Exception:  # an earlier mutation has left nothing of the format
            content = rng.choice(PLAIN)(rng, content)[:MOST]
    return content
