"""Files made to execute code or to fill the memory when they are opened: they do neither."""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import sys
import time
from collections import OrderedDict

import numpy as np
import pytest
from checkpoints import Called, Global, pickled, tensor, write_checkpoint

from degen.embeddings import load_matrix
from degen.embeddings.formats.inert_pickle import Call, Name, NotAPickle, Reference, read_pickle
from degen.errors import UserError

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)
GETATTR = Global("builtins", "getattr")


def payloads(marker):
    """Calls that would make the file `marker`, or worse."""
    shell = f"touch {marker}"
    importing = Called(Global("builtins", "__import__"), "os")
    opened = Called(Global("builtins", "open"), str(marker), "w")
    code = f"__import__('os').system({shell!r})"
    return {
        "os.system": Called(Global("os", "system"), shell),
        "posix.system": Called(Global("posix", "system"), shell),
        "eval": Called(Global("builtins", "eval"), code),
        "exec": Called(Global("builtins", "exec"), code),
        "python 2": Called(Global("__builtin__", "eval"), code),
        "open": opened,
        "subprocess": Called(Global("subprocess", "Popen"), ["touch", str(marker)]),
        "getattr chain": Called(Called(GETATTR, importing, "system"), shell),
        "dotted name": Called(Global("os", "path.os.system"), shell),
        "numpy": Called(Global("numpy.testing._private.utils", "runstring"), code, {}),
        "pickle in pickle": Called(Global("pickle", "loads"), pickle.dumps(VALUES)),
        "torch.load": Called(Global("torch", "load"), str(marker)),
        "state": Called(
            Global("some.module", "Config"), state={"hook": Called(Global("os", "system"), shell)}
        ),
        "state of a function": Called(
            GETATTR, state=(None, {"__code__": Called(Global("os", "system"), shell)})
        ),
        "setstate": Called(
            GETATTR, Called(Global("functools", "partial"), Global("os", "system"), shell), "__call__"
        ),
        "codecs": Called(Global("_codecs", "encode"), Called(Global("os", "system"), shell), "latin1"),
    }


NAMES = list(payloads("x"))


def hostile(path, name, marker, protocol):
    """Put a call at every place of a checkpoint: beside the weights, deep in them, inside a tensor's call."""
    call = payloads(marker)[name]
    weights = OrderedDict(
        [("bad", call), ("items", tensor("0", (4, 3))), ("list", [call, (call, {"x": call})])]
    )
    called = Called(call.function, state=call)
    inside = Called(Global("torch._utils", "_rebuild_tensor_v2"), call, 0, (4, 3), (3, 1), False, call)
    described = {"config": call, "state_dict": weights, "deep": called, "inside": inside}
    return write_checkpoint(path, described, {"0": VALUES}, protocol=protocol)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_read_and_nothing_else_happens(tmp_path, name, protocol):
    marker = tmp_path / "marker"
    path = hostile(tmp_path / "m.pth", name, marker, protocol)
    np.testing.assert_array_equal(load_matrix(path, "items").values, VALUES)
    assert not marker.exists()


def test_the_payloads_are_live(tmp_path):
    # Read by pickle itself, the same bytes do make the file: the test above tests something.
    marker = tmp_path / "marker"
    pickle.loads(pickled(payloads(marker)["os.system"]))
    assert marker.exists()


def test_python_sees_no_import_no_code_and_no_process(tmp_path):
    # Audit hooks see whatever Python does at their level, and cannot be removed: a process of its own.
    paths = [
        str(hostile(tmp_path / f"{number}-{protocol}.pth", name, tmp_path / "marker", protocol))
        for number, name in enumerate(NAMES)
        for protocol in (2, 4)
    ]
    (tmp_path / "words.kv").write_bytes(pickled(payloads(tmp_path / "marker")["eval"], 4))
    code = f"""
import sys, json
from degen.embeddings import load_matrix
from degen.errors import UserError
paths = json.loads({json.dumps(json.dumps(paths))})
load_matrix(paths[0], "items")  # what is imported on first use
seen = []
quiet = ("open", "builtins.id")
sys.addaudithook(lambda event, arguments: None if event in quiet else seen.append((event, str(arguments))))
before = set(sys.modules)
for path in paths:
    load_matrix(path, "items")
try:
    load_matrix({str(tmp_path / "words.kv")!r})
except UserError:
    pass
print(seen, sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[] []\n", done.stdout + done.stderr
    assert not (tmp_path / "marker").exists()


# ----------------------------------------------------------------------------------------- the machine itself


def read(content):
    return read_pickle(io.BytesIO(content))


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_is_itself(protocol):
    plain = {
        "a": [1, -2, 3.5, 10**30, None, True, False],
        "b": ("x", ("y",), (), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        7: {"nested": {"deep": []}},
        "text": "é" * 300,
        "many": list(range(2000)),
    }
    assert read(pickle.dumps(plain, protocol)) == plain
    if protocol >= 3:
        values = [b"bytes", {1, 2}, frozenset({3}), bytearray(b"x"), b"y" * 300]
        found = read(pickle.dumps(values, protocol))
        # Older protocols call the types; newer ones have instructions for them.
        assert found[0] == b"bytes"
        assert found[4] == b"y" * 300
        assert protocol < 4 or found[:3] == values[:3]
    shared = [1]
    found = read(pickle.dumps([shared, shared], protocol))
    assert found[0] is found[1]


def test_what_is_called_is_a_note():
    note = read(pickled(Called(Global("os", "system"), "true", state={"a": 1})))
    assert isinstance(note, Call)
    assert (note.name, note.arguments, note.state) == ("os.system", ("true",), {"a": 1})
    assert isinstance(note.function, Name)


def test_a_list_inside_itself_ends():
    loop = []
    loop.append(loop)
    found = read(pickle.dumps(loop))
    assert found[0] is found


def test_objects_keep_their_state_and_their_entries():
    class_ = type("Thing", (dict,), {"__module__": __name__})
    globals()["Thing"] = class_
    thing = class_(a=1)
    thing.note = "n"
    found = read(pickle.dumps(thing, 4))
    assert found.items == {"a": 1}
    assert found.state == {"note": "n"}
    assert found.name.endswith("Thing") or found.function


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04",
        b"\x80\x04N",
        b".",
        b"(.",
        b"\x80\x02h\x00.",
        b"\x80\x02]K\x01s.",
        b"\x80\x02K\x01K\x02a.",
        b"\x80\x02\x82\x01.",
        b"\x80\x05\x97.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02)\x81.",
        b"I12x\n.",
        b"hello, this is text",
        b"\x80\x02c\xff\n\xff\nR.",
    ],
)
def test_programs_without_sense(content):
    with pytest.raises(NotAPickle):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x96" + struct.pack("<Q", 1 << 62) + b"x.",
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
        b"\x80\x02X" + struct.pack("<I", (1 << 32) - 1) + b"x.",
        b"\x80\x02\x8b" + struct.pack("<i", (1 << 31) - 1) + b"x.",
        b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"x.",
        b"\x80\x02N" + b"r" + struct.pack("<I", (1 << 32) - 1),
    ],
    ids=["bytearray", "bytes", "text", "integer", "frame", "memo"],
)
def test_a_size_that_is_not_there_is_not_believed(content):
    with pytest.raises(NotAPickle):
        read(content)


def test_a_far_place_in_the_memo_takes_no_memory():
    # pickle's own memo is an array as long as the largest place.
    content = (
        b"\x80\x02K\x07r" + struct.pack("<I", (1 << 32) - 1) + b"0j" + struct.pack("<I", (1 << 32) - 1) + b"."
    )
    assert read(content) == 7


def test_tuples_of_tuples_as_keys_do_not_take_forever():
    # Each holds the one before it twice: hashing the last would visit 2^60 values.
    doubled = (
        b"\x80\x02}N"
        + b"q\x00h\x00\x86"
        + b"".join(bytes([ord("q"), i, ord("h"), i, 0x86]) for i in range(1, 60))
    )
    start = time.monotonic()
    assert read(doubled + b"K\x01s.") == {}
    assert time.monotonic() - start < 5


def test_a_number_with_too_many_digits_is_refused():
    with pytest.raises(NotAPickle):
        read(b"I" + b"9" * 10_000_000 + b"\n.")


def test_identifiers_are_references():
    assert isinstance(read(b"Pabc\n."), Reference)
    assert read(b"Pabc\n.").identifier == "abc"


def test_a_loop_of_containers_is_walked_once(tmp_path):
    state = {"items": tensor("0", (4, 3))}
    state["self"] = state
    path = write_checkpoint(tmp_path / "m.pt", state, {"0": VALUES})
    np.testing.assert_array_equal(load_matrix(path).values, VALUES)


def test_a_pickle_under_the_name_of_keyed_vectors_that_holds_none(tmp_path):
    (tmp_path / "m.kv").write_bytes(pickled(payloads(tmp_path / "marker")["os.system"], 4))
    with pytest.raises(UserError, match="nothing"):
        load_matrix(tmp_path / "m.kv")
    assert not (tmp_path / "marker").exists()
