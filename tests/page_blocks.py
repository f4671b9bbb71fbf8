"""Blocks of code of a Markdown page, and the script that runs them as a reader would, one after another.

```python                  run, in one process per page, in an empty folder
```bash                    each `degen …` is parsed: commands, options and values have to exist
<!-- run -->               before a block of bash: it is run as well
<!-- not run: REASON -->   before a block of Python or bash that cannot be run here
<!-- setup … -->           Python that is run at its place and not shown, for files that a page assumes
<!-- output -->            before a block of text: it is part of what the block before it prints. A line `…`
                           leaves lines out. Blanks do not count. Numbers may differ by one unit of their last
                           decimal, since another CPU rounds otherwise; whole numbers are equal
<!-- output: ± 2 % -->     the same, with decimals that may differ by so much
```py                      recipes for other libraries, which `tests/test_callbacks.py` runs
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / ".github/CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
LANGUAGES = {"python", "py", "bash", "text", "toml", "yaml", "json", "bibtex", "latex", "csv"}
_FENCE = re.compile(
    r"(?:^[ ]*<!--[ ](?P<note>run|not[ ]run:[^\n]*?|output(?::[^\n]*?)?)[ ]-->\n+)?"
    r"^(?P<indent>[ ]*)```[ ]*(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)```[ ]*$"
    r"|^<!--[ ]setup\n(?P<setup>.*?)^-->$",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, its code, the line where it begins, and the note before it."""

    page: Path
    line: int
    language: str
    code: str
    note: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        if self.language == "bash":
            return self.note == "run"
        return self.language in ("python", "setup") and not self.note.startswith("not run")


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in order; hidden ones have the language `setup`."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        start = match.start("setup") if match["setup"] is not None else match.start("code")
        language = "setup" if match["setup"] is not None else match["language"]
        code = dedent(match["setup"] if match["setup"] is not None else match["code"])
        found.append(Block(page, text.count("\n", 0, start) + 1, language, code, match["note"] or ""))
    return found


_RUNNER = """
import subprocess, sys, traceback
GLOBALS = {"__name__": "__main__"}
DEGEN = 'degen() { "' + sys.executable + '" -m degen "$@"; }\\n'


def run(words):
    from degen.cli.app import main

    sys.argv = ["degen", *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code, f"degen {words} ended with exit code {end.code}"


for place, language, code in STEPS:
    print("\\x1e" + place, flush=True)
    try:
        if language == "bash":
            subprocess.run(["bash", "-euo", "pipefail", "-c", DEGEN + code], check=True)
        elif language == "degen":
            for words in code:
                run(words)
        else:
            exec(compile(code, place, "exec"), GLOBALS)
    except BaseException:
        traceback.print_exc()
        sys.exit(f"the block at {place} failed")
"""


def _step(block: Block) -> tuple[str, str, str | list[list[str]]]:
    """Return a block as a step of the script. What is `degen` alone runs in its process, which is quicker."""
    plain = all(re.match(r"(degen |#|$)", line) for line in block.code.replace("\\\n", " ").splitlines())
    if block.language == "bash" and plain and not re.search(r"[<>|&;$]", block.code):
        return block.place, "degen", list(typed(block.code))
    return block.place, block.language, block.code


def script(page: Path) -> str:
    """Return a script that runs what can be run of a page; empty if nothing can."""
    steps = [_step(block) for block in blocks(page) if block.runs]
    return f"STEPS = {steps!r}\n{_RUNNER}" if any(language != "setup" for _, language, _ in steps) else ""


@dataclass(frozen=True)
class Quoted:
    """Output that a page quotes, and the place of the block that prints it."""

    block: Block
    printed_at: str

    def differs_from(self, printed: dict[str, str]) -> str | None:
        """Return the part that was not printed, by the place of a block; None if all of it was."""
        share = re.fullmatch(r"output: ± ([\d.]+) %", self.block.note)
        assert share or self.block.note == "output", (
            f"{self.block.place}: {self.block.note!r} says no tolerance"
        )
        words, start = printed[self.printed_at].split(), 0
        for part in re.split(r"^ *…$", self.block.code, flags=re.MULTILINE):
            wanted = part.split()
            start = _found(wanted, words, start, float(share[1]) / 100 if share else 0)
            if start < 0:
                return f"{self.block.place}: not printed:\n{part}\nbut:\n{printed[self.printed_at]}"
        return None


def quoted(page: Path) -> list[Quoted]:
    """Return the outputs of a page that are compared with what the block before them prints."""
    every = [block for block in blocks(page) if block.language != "setup"]
    found = []
    for before, block in zip([None, *every], every, strict=False):
        if block.note.startswith("output"):
            assert before is not None, f"{block.place}: no block before it"
            assert before.runs, f"{block.place}: the block before it is not run"
            found.append(Quoted(block, before.place))
    return found


def outputs(stdout: str) -> dict[str, str]:
    """Return what each block printed, by its place, from what the script of a page printed."""
    return dict(part.split("\n", 1) for part in stdout.split("\x1e")[1:])


def _found(wanted: list[str], words: list[str], start: int, share: float) -> int:
    """Return where the words after `wanted` begin, or -1 where it is not found from `start` on."""
    for first in range(start, len(words) - len(wanted) + 1):
        if all(_same(a, b, share) for a, b in zip(wanted, words[first:], strict=False)):
            return first + len(wanted)
    return -1


def _same(wanted: str, word: str, share: float) -> bool:
    if wanted == word:
        return True
    a, b = (re.split(r"(\d+\.\d+)", text) for text in (wanted, word))
    if a[::2] != b[::2]:  # all but decimals
        return False
    for one, other in zip(a[1::2], b[1::2], strict=True):
        digits = min(len(one.split(".")[1]), len(other.split(".")[1]))
        if abs(float(one) - float(other)) > max(1.001 * 10.0**-digits, share * abs(float(one))):
            return False
    return True


def typed(code: str) -> Iterator[list[str]]:
    """Yield the words of each `degen` command of a block of bash, without `degen` itself."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        ends = [k for k, word in enumerate(words) if re.fullmatch(r"&&|\|\|?|;|\d?>{1,2}|&", word)]
        for start, end in zip([0, *(end + 1 for end in ends)], [*ends, len(words)], strict=True):
            part = words[start:end]
            if "degen" in part and (part[0] == "degen" or part[part.index("degen") - 1] == "-m"):
                yield [word.rstrip(";") for word in part[part.index("degen") + 1 :]]


def wrong_with(words: list[str]) -> str | None:
    """Return what is wrong with a typed command, or None: it is parsed, but not carried out."""
    from typer.main import get_command

    from degen.cli.app import app
    from degen.errors import UserError
    from degen.paper.targets import target

    command = get_command(app)
    context = command.context_class(command, info_name="degen")
    words, path = list(words), []
    while getattr(command, "commands", None):
        if not words or words[0].startswith("-"):
            return None
        path.append(words.pop(0))
        if path[-1] not in command.commands:
            return f"there is no command {path[-1]}"
        command = command.commands[path[-1]]
    try:
        typed = command.make_context(path[-1], words, parent=context).params
        if path[0] == "paper":
            names = typed.get("targets") or []
            for name in names.split(",") if isinstance(names, str) else names:
                target(name)
    except UserError as error:
        return str(error)
    except Exception as error:  # Typer has its own copy of Click and its errors
        message = getattr(error, "format_message", None)
        return str(message()) if message else None if type(error).__name__ == "Exit" else repr(error)
    return None


def flags_of(words: list[str]) -> set[str]:
    """Return the long options of a command, an empty set if there is no such command."""
    from typer.main import get_command

    from degen.cli.app import app

    command = get_command(app)
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    return {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)} | {"--help", "--version"}


if __name__ == "__main__":
    exec(script(Path(sys.argv[1]).absolute()))
