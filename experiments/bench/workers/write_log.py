"""The log in the two forms that the peers read: `write_log.py DATASET FOLDER`.

    FOLDER/log.txt          user item item …        one user a line, integers from 1, oldest first
    FOLDER/log/log.inter    user_id item_id timestamp    tab-separated, a line an action

The timestamp is the place in the sequence.
"""

from __future__ import annotations

import sys
from pathlib import Path

from degen.data.load import load_dataset
from degen.errors import one_sentence


def write(dataset: str, folder: Path) -> None:
    """Write both forms of a log as degen has processed it."""
    sequences = load_dataset(dataset).sequences
    (folder / "log").mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("w") as text, (folder / "log" / "log.inter").open("w") as inter:
        inter.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for user in range(sequences.n_users):
            items = sequences.items[sequences.offsets[user] : sequences.offsets[user + 1]].tolist()
            text.write(f"{user + 1} {' '.join(map(str, items))}\n")
            inter.writelines(f"{user + 1}\t{item}\t{place}\n" for place, item in enumerate(items))


if __name__ == "__main__":
    with one_sentence("bench"):
        write(sys.argv[1], Path(sys.argv[2]))
