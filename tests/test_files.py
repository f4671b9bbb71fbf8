"""Files whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest

from degen.errors import UserError
from degen.files import writing
from degen.files.writing import atomic_path, is_temporary


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_appears_under_its_name_only_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "folder" / "file.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.suffix == ".txt"
        assert is_temporary(temporary)
    assert target.read_text(encoding="utf-8") == "half"
    assert everything(tmp_path) == ["new", "new/folder", "new/folder/file.txt"]


def test_the_mode_is_that_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        writing.write_text(tmp_path / "file.txt", "x")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError("half way"), KeyboardInterrupt()])
def test_nothing_is_left_and_the_old_file_stays_when_the_body_raises(tmp_path, error):
    target = tmp_path / "file.txt"
    target.write_text("old", encoding="utf-8")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert everything(tmp_path) == ["file.txt"]
    assert target.read_text(encoding="utf-8") == "old"


def test_a_disk_that_fills_up_is_one_sentence(tmp_path):
    target = tmp_path / "file.txt"
    with (
        pytest.raises(
            UserError, match=r"cannot write .*file\.txt: No space left on device; free some space or"
        ),
        atomic_path(target),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert everything(tmp_path) == []


def test_a_read_only_folder_is_one_sentence(tmp_path, monkeypatch):
    def refuse(**_where):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(
        UserError, match=r"cannot write .*file\.txt: Read-only file system; choose another path"
    ):
        writing.write_text(tmp_path / "file.txt", "x")
    assert everything(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_folder_without_permission_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="Permission denied"):
            writing.write_text(tmp_path / "file.txt", "x")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_below_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match=r"cannot write .*file/below/x\.json: .*; choose another path$"):
        writing.write_json(tmp_path / "file" / "below" / "x.json", {})
    assert everything(tmp_path) == ["file"]


def test_a_folder_in_the_files_place_is_one_sentence(tmp_path):
    (tmp_path / "x.json").mkdir()
    with pytest.raises(UserError, match=r"cannot write .*/x\.json: Is a directory; choose another path$"):
        writing.write_json(tmp_path / "x.json", {})
    assert everything(tmp_path) == ["x.json"]


def test_what_is_written_is_read_again(tmp_path, rng):
    array = rng.normal(size=(3, 4)).astype(np.float32)
    writing.write_array(tmp_path / "a.npy", array)
    writing.write_json(tmp_path / "a.json", {"HR@5": 0.1, "none": None, "ü": "σ"})
    writing.write_lines(tmp_path / "a.txt", ["0000013714", "NA", "ü", ""])
    read = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert read.dtype == np.float32
    assert read.tobytes() == array.tobytes()
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"HR@5": 0.1, "none": None, "ü": "σ"}
    assert (tmp_path / "a.txt").read_bytes() == "0000013714\nNA\nü\n\n".encode()
    assert everything(tmp_path) == ["a.json", "a.npy", "a.txt"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_refused(tmp_path, value):
    with pytest.raises(ValueError, match="JSON"):
        writing.write_json(tmp_path / "a.json", {"x": value})
    assert everything(tmp_path) == []


def test_objects_are_never_pickled(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle"):
        writing.write_array(tmp_path / "a.npy", np.array([{}], dtype=object))
    assert everything(tmp_path) == []


def test_leftovers_of_a_killed_run_go_and_nothing_else(tmp_path):
    (tmp_path / "embeddings").mkdir()
    for name in (".partial-abc.npy", "embeddings/.partial-x.npy", "a.npy", "embeddings/e001.npy"):
        (tmp_path / name).touch()
    writing.remove_leftovers(tmp_path)
    assert everything(tmp_path) == ["a.npy", "embeddings", "embeddings/e001.npy"]


def test_no_leftovers_in_a_folder_that_is_not_there(tmp_path):
    writing.remove_leftovers(tmp_path / "none")
    assert everything(tmp_path) == []


def test_a_folder_with_the_name_of_a_leftover_stays(tmp_path):
    (tmp_path / ".partial-x").mkdir()
    (tmp_path / ".partial-x" / "mine.txt").touch()
    assert not is_temporary(tmp_path / ".partial-x")
    writing.remove_leftovers(tmp_path)
    assert everything(tmp_path) == [".partial-x", ".partial-x/mine.txt"]


@pytest.mark.parametrize("line", ["a\nb", "a\rb", "a\ud800b"])
def test_a_line_that_would_be_two_or_is_no_text_is_refused(tmp_path, line):
    with pytest.raises(UserError, match=r"items\.txt: .* (holds a line break|is no text)"):
        writing.write_lines(tmp_path / "items.txt", ["fine", line])
    assert everything(tmp_path) == []


class OfRust(Exception):
    """An error of a library in another language, which is no OSError."""


@pytest.mark.parametrize("words", ["I/O error: No space left on device (os error 28)", "os error 28"])
def test_a_full_disk_is_named_whatever_library_met_it(tmp_path, words):
    with (
        pytest.raises(
            UserError, match=r"cannot write .*a\.safetensors: No space left on device; free some space"
        ),
        atomic_path(tmp_path / "a.safetensors"),
    ):
        raise OfRust(words)
    assert everything(tmp_path) == []
