"""Download datasets whose owners allow it, and check the SHA-256 before anything is kept."""

from __future__ import annotations

import logging
import tempfile
import zipfile
from pathlib import Path

import pooch

from degen.data.catalog import CATALOG, DATA_FOLDER, SYNTHETIC, Archive, Entry, downloads, here, how_to_get
from degen.errors import UserError, nearest
from degen.files.writing import atomic_path


def fetch(name: str) -> Path:
    """Return the file of a known dataset; download it first where there is none.

    Raise a `UserError` and leave nothing behind if the name is unknown, there is no checked download (it says
    what to do instead), the network fails, or the checksum differs.
    """
    entry = CATALOG.get(name.lower())
    if entry is None:
        raise UserError(f"unknown dataset '{name}'{nearest(name, CATALOG)}")
    if entry.name == SYNTHETIC:
        raise UserError(
            f"{SYNTHETIC} is generated, not downloaded: `degen data prepare {SYNTHETIC}` writes it"
        )
    path = here(entry)
    if path is not None:
        return path
    if entry.archive is None:
        raise UserError(f"{entry.name} has no download with a published checksum: {how_to_get(entry)}")
    archive = entry.archive
    target = downloads() / archive.member
    with tempfile.TemporaryDirectory(prefix="degen-") as folder:
        packed = _retrieve(entry, archive, folder)
        try:
            with zipfile.ZipFile(packed) as file, atomic_path(target) as temporary:
                temporary.write_bytes(file.read(archive.member))
        except (zipfile.BadZipFile, KeyError) as error:
            raise UserError(f"{archive.url} holds no {archive.member}; {how_to_get(entry)}") from error
    return target


def _retrieve(entry: Entry, archive: Archive, folder: str) -> Path:
    import requests

    pooch.get_logger().setLevel(logging.WARNING)
    try:
        return Path(pooch.retrieve(archive.url, f"sha256:{archive.sha256}", fname="archive.zip", path=folder))
    except ValueError as error:
        raise UserError(
            f"{archive.url} has another checksum than the one known for {entry.name}, so it was discarded; "
            f"try again, or look at {entry.page}"
        ) from error
    except (requests.RequestException, OSError) as error:
        reason = type(error).__name__ if len(str(error)) > 80 else str(error)
        raise UserError(
            f"{archive.url} cannot be downloaded ({reason}); get {archive.member} of {entry.page} "
            f"by other means and put it into the folder that {DATA_FOLDER} names"
        ) from error
