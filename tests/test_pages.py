"""README and documentation are held to: their code runs, and their commands and options exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
from page_blocks import (
    LANGUAGES,
    PAGES,
    ROOT,
    Block,
    Quoted,
    blocks,
    flags_of,
    outputs,
    quoted,
    script,
    typed,
    wrong_with,
)

named = {"ids": lambda page: page.relative_to(ROOT).as_posix()}
RUNNABLE = [page for page in PAGES if script(page)]
TYPED = [*PAGES, *sorted(ROOT.glob("experiments/**/*.md"))]


@pytest.mark.parametrize("page", RUNNABLE, **named)
def test_the_code_of_a_page_runs_and_prints_what_is_quoted(page, tmp_path):
    environment = {**os.environ, "DEGEN_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    environment |= {"COLUMNS": "80", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    environment.pop("DEGEN_DATA", None)
    folder = tmp_path / "here"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script(page)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    printed = outputs(done.stdout)
    wrong = [why for quote in quoted(page) if (why := quote.differs_from(printed))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", TYPED, **named)
def test_commands_and_options_of_a_page_exist(page):
    wrong = []
    for block in blocks(page):
        assert block.language in {*LANGUAGES, "setup"}, f"{block.place}: name the language of the block"
        if block.language == "bash":
            checked = subprocess.run(["bash", "-n"], input=block.code, text=True, capture_output=True)
            assert checked.returncode == 0, f"{block.place}: {checked.stderr}"
            wrong += [
                f"{block.place}: {words}: {why}" for words in typed(block.code) if (why := wrong_with(words))
            ]
        elif block.language in ("python", "py", "setup"):
            compile(block.code, block.place, "exec")
        elif block.language == "toml":
            tomllib.loads(block.code)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", TYPED, **named)
def test_options_in_the_text_of_a_page_exist(page):
    wrong = []
    for code in re.findall(r"(?<!`)`(degen [a-z][^`\n]*)`(?!`)", page.read_text(encoding="utf-8")):
        words = code.split()[1:]
        flags = re.findall(r"(?<!\S)--[a-z][\w-]*", code)
        wrong += [f"`{code}`: {flag}" for flag in flags if flag not in flags_of(words)]
    assert not wrong, "\n".join(wrong)


def test_what_is_typed_is_found_and_judged():
    code = "degen train --variant all \\\n  --dataset beauty  # six\ncd x && degen runs x | head\n"
    code += "torchrun --nnodes 2 -m degen train --resume\npip install degen\n"
    assert list(typed(code)) == [
        ["train", "--variant", "all", "--dataset", "beauty"],
        ["runs", "x"],
        ["train", "--resume"],
    ]
    assert wrong_with(shlex.split("train --variant all --epochs 3")) is None
    assert wrong_with(["--version"]) is None
    assert "no command" in wrong_with(["trian"])
    assert "--lr" in wrong_with(shlex.split("train --lr 1"))
    assert wrong_with(shlex.split("train --epochs many"))
    assert wrong_with(["compare"])


def test_blocks_know_their_line_their_note_and_what_is_hidden(tmp_path):
    page = ROOT / "docs" / "made_up.md"
    text = "# A\n\n<!-- setup\na = 1\n-->\n\n```python\nb = a\n```\n"
    text += "\n<!-- not run: no GPU -->\n```bash\nx\n```\n"
    text += '\n=== "Tab"\n\n    <!-- run -->\n    ```bash\n    degen --version\n    ```\n'

    class Page(type(page)):
        def read_text(self, encoding=None):
            return text

    found = blocks(Page(page))
    assert [(b.line, b.language, b.code, b.runs) for b in found] == [
        (4, "setup", "a = 1\n", True),
        (8, "python", "b = a\n", True),
        (13, "bash", "x\n", False),
        (20, "bash", "degen --version\n", True),
    ]
    assert found[2].place == "docs/made_up.md:13"


def test_quoted_output_has_the_words_and_the_numbers_that_were_printed():
    def differs(text, printed, note="output"):
        return Quoted(Block(ROOT / "a.md", 1, "text", text, note), "a").differs_from({"a": printed})

    printed = "jan: 5,000 items\nσ₂/σ₁    0.5872 ± 0.0110\nrank (0.64 → 0.31)\n"
    assert differs("jan: 5,000 items\nσ₂/σ₁ 0.5872 ± 0.0110\n", printed) is None
    assert differs("jan: 5,000 items\n…\nrank (0.64 → 0.31)\n", printed) is None
    assert differs("σ₂/σ₁ 0.5873 ± 0.011\n", printed) is None
    assert "0.5874" in differs("σ₂/σ₁ 0.5874 ± 0.0110\n", printed)
    assert differs("σ₂/σ₁ 0.58 ± 0.011\n", printed, "output: ± 2 %") is None
    for wrong in ("5,001 items", "rank (0.64 → 0.33)", "rank 0.64", "rank (0.64 → 0.31)\n…\njan:"):
        assert differs(wrong, printed), wrong
    assert differs("rank (0.6 -> 0.3)", printed)
