"""Progress reported while a log is read and written."""

from __future__ import annotations

import gzip

import pytest

from degen.data.load import DataOptions, load_dataset
from degen.data.prepared import write_log
from degen.progress import tell, watched

FREE = DataOptions(min_user=0, min_item=0, cache=False)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_log_tells_how_much_of_it_is_read_ordered_and_written(tmp_path, packed):
    text = "".join(f"u{n % 900},i{n % 7},{n}\n" for n in range(300_000)).encode()
    path = tmp_path / "log.csv"
    path.write_bytes(gzip.compress(text, 1) if packed else text)
    told: list[tuple[str, int, int]] = []
    with watched(lambda *what: told.append(what)):
        dataset = load_dataset(str(path), FREE)
        write_log(dataset.sequences, tmp_path / "out.txt.gz", {})
    reading = [done for what, done, total in told if what == "reading" and total == path.stat().st_size]
    # The file's head is read alone before, to see what it is; the rest follows in order, to the end.
    last_start = len(reading) - reading[::-1].index(min(reading)) - 1
    assert reading[last_start:] == sorted(reading[last_start:])
    assert reading[-1] == path.stat().st_size
    assert ("ordering", 0, 0) in told
    assert ("writing", 900, 900) in told
    assert list(dict.fromkeys(what for what, _, _ in told)) == ["checking", "reading", "ordering", "writing"]


def test_nothing_is_told_outside_the_block(tmp_path):
    told: list[str] = []
    with watched(lambda what, done, total: told.append(what)):
        tell("within", 1, 2)
    tell("after", 1, 2)
    assert told == ["within"]
