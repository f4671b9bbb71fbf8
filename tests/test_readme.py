"""README and map are held to: lengths, the order of installation, names of files, examples of commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from generated import commands
from page_blocks import PAGES, blocks
from typer.main import get_command

import degen
from degen.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= 150
    assert not [line for line in lines if len(line) > 120]


def test_nothing_is_left_to_be_filled_in() -> None:
    assert "PLACEHOLDER" not in README
    assert "@" not in re.sub(r"(?:HR|NDCG|MRR)@\d+|@(?:software|inproceedings)|HR@5", "", README)


def test_the_two_commands_of_a_fresh_machine_are_there_after_the_cpu_build() -> None:
    cpu = "pip install uv && uv pip install torch --torch-backend cpu"
    first, second = "pip install . && degen demo", 'pip install -e ".[test]" && pytest'
    assert README.index(cpu) < README.index(first) < README.index(second)
    assert re.findall(r"^pip install.*$", README, re.MULTILINE)[0] == cpu
    python = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())[1]
    assert f"Python {python} or later" in README


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted(ROOT.glob("experiments/**/*.md"))], ids=lambda page: page.name
)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = set(
        re.findall(
            r"\b(?:degen|experiments|tests|docs)/[\w/.-]+\.(?:py|sh|md|toml)\b",
            page.read_text(encoding="utf-8"),
        )
    )
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_links_and_figures_of_the_readme_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README.replace("\n", " "))
    assert len(links) > 10
    assert not [link for link in links if "://" not in link and not (ROOT / link).exists()]


def test_the_map_names_every_room_and_only_files_that_exist() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "degen").glob("*/__init__.py")}
    assert not [room for room in sorted(rooms) if not re.search(rf"\b{room}/", text)]
    named = set(re.findall(r"`([\w/.-]+(?:\.(?:py|md)|/))`", text))
    assert not [
        name for name in sorted(named) if not ((ROOT / name).exists() or (ROOT / "degen" / name).exists())
    ]


def test_adding_a_variant_takes_at_most_ten_lines() -> None:
    guide = ROOT / "docs" / "how-to" / "add-a-variant.md"
    declaration = next(block.code for block in blocks(guide) if "recent_half" in block.code)
    assert len([line for line in declaration.splitlines() if line.strip()]) <= 10


def test_every_command_has_an_example_in_its_help() -> None:
    assert not [name for name, command in commands(get_command(app)) if "Example" not in command.help]


def test_every_public_name_can_be_imported() -> None:
    for name in degen.__all__:
        assert getattr(degen, name) is not None
