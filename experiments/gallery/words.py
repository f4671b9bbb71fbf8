"""Write sentences of English as an interaction log: words as items, sentences as users.

    python experiments/gallery/words.py runs/words/words.txt
    degen train --dataset runs/words/words.txt --variant sasrec,duorec --min-user 1 --core once --epochs 10
    degen plot-svd runs/words
    degen compare runs/words

The text is the English that every Python brings along: docstrings of its standard library. Each line is one
sentence: its number, then its words. `degen train` reads it as one user per line. SASRec on it is a causal
language model with tied embeddings, a softmax over all words and a context of 50.
"""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

SHORTEST = 4
"""Words a sentence has at least: two are held out."""


def docstrings(library: Path) -> Iterator[str]:
    """Yield every docstring of the modules under `library`, tests and installed packages apart."""
    for path in sorted(library.rglob("*.py")):
        if {"test", "tests", "site-packages", "idlelib", "lib2to3"} & set(path.relative_to(library).parts):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:
            continue  # templates that are no Python
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield ast.get_docstring(node) or ""


def sentences(text: str) -> Iterator[list[str]]:
    """Yield the words of each sentence, in lower case."""
    for sentence in re.split(r"(?<=[.!?:])\s+|\n\s*\n", text):
        words = re.findall(r"[a-z]+", sentence.lower())
        if len(words) >= SHORTEST:
            yield words


def main(out: Path) -> None:
    """Write the log."""
    library = Path(sysconfig.get_paths()["stdlib"])
    lines = [words for text in docstrings(library) for words in sentences(text)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        "".join(f"{number} {' '.join(words)}\n" for number, words in enumerate(lines, start=1)),
        encoding="utf-8",
    )
    words = {word for line in lines for word in line}
    print(f"{out}: {len(lines):,} sentences, {sum(map(len, lines)):,} words, {len(words):,} different")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
