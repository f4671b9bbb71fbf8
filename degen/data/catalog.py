"""The datasets that degen knows by name, with Table 1's counts, their official source and their local file.

Nothing is shipped. A name is looked up in the folder that the variable `DEGEN_DATA` names, then among the
downloads of `degen data fetch`. Any other log in these folders goes by the name of its file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from degen.data.cache import cache_folder
from degen.data.reading.open_log import SUFFIXES, stem
from degen.data.reading.packed import PACKED_SUFFIXES
from degen.errors import UserError, nearest, similar_file

SYNTHETIC = "synthetic"
DATA_FOLDER = "DEGEN_DATA"


class Counts(NamedTuple):
    """Numbers of users, items and actions after the core filter."""

    users: int
    items: int
    actions: int


class Archive(NamedTuple):
    """A zip that `fetch` may download, its SHA-256, and the one file that is needed from it."""

    url: str
    sha256: str
    member: str


@dataclass(frozen=True)
class Entry:
    """A known dataset: its name in commands, a description, its official page, and the terms of use.

    `download` is the file to download there, and `archive` the zip that `fetch` can download and check.
    `table1` are the paper's counts, `real` those without the padding that they include, and `remark` says why
    they differ from the log's. `stems` are other names that its file goes by, without suffixes. `core` is the
    minimum number of actions per user and per item.
    """

    name: str
    title: str
    page: str
    licence: str
    download: str
    table1: Counts | None = None
    real: Counts | None = None
    remark: str = ""
    stems: tuple[str, ...] = ()
    archive: Archive | None = None
    core: tuple[int, int] = (5, 5)


_AMAZON_LICENCE = (
    "Amazon's reviews as collected by McAuley et al., for research; cite their papers, pass nothing on."
)
_MOVIELENS_LICENCE = (
    "Research with acknowledgement; no redistribution or commercial use without GroupLens' permission."
)


def _amazon(name: str, category: str, table1: Counts | None) -> Entry:
    return Entry(
        name=name,
        title=f"Amazon {category.replace('_', ' ')}, 2014, 5-core",
        page="http://jmcauley.ucsd.edu/data/amazon/index_2014.html",
        licence=_AMAZON_LICENCE,
        download=f"reviews_{category}_5.json.gz (5-core) or ratings_{category}.csv (ratings only)",
        table1=table1,
        stems=(f"reviews_{category}_5", f"ratings_{category}", f"amazon_{category}", category),
    )


def _movielens(name: str, size: str, archive: Archive, **more: Counts | str) -> Entry:
    return Entry(
        name=name,
        title=f"MovieLens {size}",
        page=f"https://grouplens.org/datasets/movielens/{size.lower()}/",
        licence=_MOVIELENS_LICENCE,
        download=f"{name}.zip and unpack {archive.member}",
        archive=archive,
        **more,  # type: ignore[arg-type]
    )


_ENTRIES = (
    _amazon("beauty", "Beauty", Counts(22_363, 12_101, 198_502)),
    _amazon("clothing", "Clothing_Shoes_and_Jewelry", Counts(39_387, 23_033, 278_677)),
    _amazon("sports", "Sports_and_Outdoors", Counts(35_598, 18_357, 296_337)),
    _movielens(
        "ml-1m",
        "1M",
        Archive(
            "https://files.grouplens.org/datasets/movielens/ml-1m.zip",
            "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            "ml-1m/ratings.dat",
        ),
        table1=Counts(6_041, 3_417, 999_611),
        real=Counts(6_040, 3_416, 999_611),
        remark="Table 1 counts a padding user and a padding item",
    ),
    Entry(
        name="yelp",
        title="Yelp reviews from 2019-01-01 on, 5-core",
        page="https://business.yelp.com/data/resources/open-dataset/",
        licence="Academic use under Yelp's own agreement, accepted on its site; no redistribution.",
        download="yelp_academic_dataset_review.json, keep the reviews of 2019",
        table1=Counts(30_499, 20_068, 317_182),
        remark="Table 1 seems to count padding as well, and no public recipe rebuilds its edition exactly",
    ),
    _amazon("toys", "Toys_and_Games", None),
    _movielens(
        "ml-100k",
        "100K",
        Archive(
            "https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            "ml-100k/u.data",
        ),
    ),
    Entry(
        name=SYNTHETIC,
        title="generated: popularity skewed like Amazon's, items that follow one another",
        page="degen itself: `degen data prepare synthetic`",
        licence="Yours to use and to pass on.",
        download="nothing",
        core=(0, 0),
    ),
)

CATALOG: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""The known datasets by name."""


@dataclass(frozen=True)
class DatasetSource:
    """The name of a dataset, its file (None for `synthetic`) and its entry (None for a log without one)."""

    name: str
    path: Path | None
    entry: Entry | None


def downloads() -> Path:
    """Return the folder that `fetch` downloads to."""
    return cache_folder() / "downloads"


def find(source: str) -> DatasetSource:
    """Return the dataset that a name or a path means; a known name takes precedence over a file of that name.

    Raise a `UserError` where there is no such dataset, or a known one has to be downloaded first.
    """
    entry = CATALOG.get(source.lower())
    if entry is not None:
        log = here(entry) if entry.name != SYNTHETIC else None
        if log is None and entry.name != SYNTHETIC:
            raise UserError(f"{entry.name} is not here; {how_to_get(entry)}")
        return DatasetSource(entry.name, log, entry)
    path = Path(source)
    if path.is_file():
        return DatasetSource(stem(path), path, None)
    others = other_logs()
    if source.lower() in others:
        return DatasetSource(source.lower(), others[source.lower()], None)
    if path.is_dir():
        raise UserError(f"{source} is a folder; give the path of one file of interactions")
    beside = similar_file(path)
    if (
        len(path.parts) > 1
        or path.suffix.lower() in (*PACKED_SUFFIXES, *SUFFIXES)
        or (path.suffix and beside)
    ):
        mend = beside or "; give a log's path, or a name of `degen data list`"
        raise UserError(f"{source} does not exist{mend}")
    raise UserError(f"unknown dataset '{source}'{nearest(source, [*CATALOG, *others])}")


def how_to_get(entry: Entry) -> str:
    """Return one sentence on how to get a dataset."""
    if entry.archive is not None:
        return (
            f"`degen data fetch {entry.name}` downloads it, or put {entry.archive.member} of {entry.page} "
            f"into the folder that {DATA_FOLDER} names"
        )
    folder = os.environ.get(DATA_FOLDER) or f"a folder that the variable {DATA_FOLDER} names"
    return (
        f"download {entry.download} from {entry.page}; put it, or {entry.name}.txt.gz (one user per line), "
        f"into {folder}"
    )


def here(entry: Entry) -> Path | None:
    """Return the local file of a known dataset, or None where there is none."""
    names = {entry.name, *(other.lower() for other in entry.stems)}
    for folder in _folders():
        logs = _logs(folder)
        # The dataset's own name comes first: `beauty.txt.gz` before `reviews_Beauty_5.json.gz`.
        for name in sorted(names, key=lambda name: (name != entry.name, name)):
            if name in logs:
                return logs[name]
        if entry.archive is not None and (folder / entry.archive.member).is_file():
            return folder / entry.archive.member
        if log := _logs(folder / entry.name).get(entry.name):
            return log
    return None


def other_logs() -> dict[str, Path]:
    """Return the logs in the folders that belong to no known dataset, by their names in lower case."""
    known = {name for entry in CATALOG.values() for name in (entry.name, *map(str.lower, entry.stems))}
    logs: dict[str, Path] = {}
    for folder in reversed(_folders()):
        logs |= _logs(folder)
    return {name: path for name, path in sorted(logs.items()) if name not in known}


def _folders() -> list[Path]:
    named = os.environ.get(DATA_FOLDER)
    if named and not Path(named).is_dir():
        raise UserError(f"{DATA_FOLDER} is '{named}', which is no folder; set it to the folder of your logs")
    return [*([Path(named)] if named else []), downloads()]


def _logs(folder: Path) -> dict[str, Path]:
    """Return the logs of a folder by name; of several with one name, the first suffix of `SUFFIXES` wins."""
    if not folder.is_dir():
        return {}
    # The note of a prepared log is not a log, even where the log itself is gone.
    files = [
        path
        for path in folder.iterdir()
        if _suffix(path) is not None and path.is_file() and not path.name.endswith(".txt.gz.json")
    ]
    files.sort(key=lambda path: (SUFFIXES.index(_suffix(path) or ""), path.name), reverse=True)
    return {stem(path).lower(): path for path in files}


def _suffix(path: Path) -> str | None:
    """Return the suffix of a log that tells its format, before `.gz` and the like, or None without one."""
    name = Path(path.name.lower())
    suffix = Path(name.stem).suffix if name.suffix in PACKED_SUFFIXES else name.suffix
    return suffix if suffix in SUFFIXES else None
