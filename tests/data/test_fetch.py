"""Downloads from a server on this machine: they are checked, unpacked, and removed if anything is wrong."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from degen.data import fetch as module
from degen.data.catalog import CATALOG, Archive, downloads
from degen.data.fetch import fetch
from degen.data.load import DataOptions, load_dataset
from degen.errors import UserError

RATINGS = "".join(f"{u}::{i}::5::{978300760 + u + i}\n" for u in range(6) for i in range(6)).encode()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which it is served."""
    monkeypatch.delenv("DEGEN_DATA", raising=False)
    monkeypatch.setenv("DEGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    thread = threading.Thread(target=partial(server.serve_forever, 0.01), daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def packed(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in content.items():
            file.writestr(name, data)
    return buffer.getvalue()


def serve(
    monkeypatch: pytest.MonkeyPatch, served: tuple[Path, str], archive: bytes, digest: str | None = None
) -> None:
    folder, address = served
    (folder / "ml-1m.zip").write_bytes(archive)
    known = digest or hashlib.sha256(archive).hexdigest()
    entry = replace(CATALOG["ml-1m"], archive=Archive(f"{address}/ml-1m.zip", known, "ml-1m/ratings.dat"))
    monkeypatch.setitem(module.CATALOG, "ml-1m", entry)


def left_behind() -> list[Path]:
    return [path for path in downloads().rglob("*") if path.is_file()]


def test_a_download_is_unpacked_and_found_from_then_on(served, monkeypatch):
    serve(monkeypatch, served, packed({"ml-1m/ratings.dat": RATINGS, "ml-1m/README": b"more"}))
    path = fetch("ML-1M")
    assert path == downloads() / "ml-1m" / "ratings.dat"
    assert path.read_bytes() == RATINGS
    assert left_behind() == [path]
    dataset = load_dataset("ml-1m", DataOptions(min_user=6))
    assert (dataset.name, dataset.sequences.n_users, dataset.sequences.n_items) == ("ml-1m", 6, 6)


def test_what_is_here_is_not_downloaded_again(served, monkeypatch):
    serve(monkeypatch, served, packed({"ml-1m/ratings.dat": RATINGS}))
    fetch("ml-1m")
    (served[0] / "ml-1m.zip").unlink()
    assert fetch("ml-1m").read_bytes() == RATINGS


def test_another_checksum_leaves_nothing(served, monkeypatch):
    serve(monkeypatch, served, packed({"ml-1m/ratings.dat": RATINGS}), digest="0" * 64)
    with pytest.raises(UserError, match="another checksum"):
        fetch("ml-1m")
    assert left_behind() == []


@pytest.mark.parametrize("archive", [b"no zip at all", packed({"ml-1m/other.dat": RATINGS})])
def test_an_archive_without_the_file(served, monkeypatch, archive):
    serve(monkeypatch, served, archive)
    with pytest.raises(UserError, match=r"holds no ml-1m/ratings\.dat"):
        fetch("ml-1m")
    assert left_behind() == []


def test_a_server_that_has_nothing(served, monkeypatch):
    serve(monkeypatch, served, b"")
    (served[0] / "ml-1m.zip").unlink()
    with pytest.raises(UserError, match="cannot be downloaded"):
        fetch("ml-1m")
    assert left_behind() == []


@pytest.mark.parametrize("name", ["beauty", "sports", "clothing", "toys", "yelp"])
def test_what_has_no_checked_download_says_what_to_do(name, monkeypatch, tmp_path):
    monkeypatch.setenv("DEGEN_DATA", str(tmp_path))
    with pytest.raises(
        UserError, match=f"{name} has no download .*download .* from http.* into {tmp_path}"
    ) as caught:
        fetch(name)
    assert "\n" not in str(caught.value)


def test_unknown_and_generated_names():
    with pytest.raises(UserError, match="unknown dataset 'ml-1'; did you mean 'ml-1m'"):
        fetch("ml-1")
    with pytest.raises(UserError, match="generated"):
        fetch("synthetic")
