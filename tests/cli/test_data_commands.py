"""`degen data …` as it is typed: what it prints, as words and as JSON, and its exit codes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from degen.cli.commands.data import app
from degen.errors import UserError

RUN = CliRunner()


def degen(*arguments: str) -> Result:
    return RUN.invoke(app, arguments, catch_exceptions=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DEGEN_DATA", raising=False)
    return tmp_path


@pytest.fixture
def log(folder: Path) -> Path:
    """Six users with the same six items, and one more with one."""
    path = folder / "visits.csv"
    rows = [f"{n},page{n},visitor{v}" for n in range(6) for v in range(6)]
    path.write_text("when,page,who\n" + "\n".join([*rows, "9,page0,passer-by"]) + "\n")
    return path


COLUMNS = ("--columns", "user=who,item=page,time=when")


def test_stats_as_json(log):
    result = degen("stats", str(log), *COLUMNS, "--json")
    found = json.loads(result.stdout)
    assert (found["users"], found["items"], found["actions"]) == (6, 6, 36)
    assert found["training_samples"] == 6 * 3
    assert (found["average_length"], found["sparsity"]) == (6.0, 0.0)
    assert (found["name"], found["source"], found["table1"]) == ("visits", str(log), None)
    assert found["tie_share"] == 0
    # Training frequencies 6 6 6 6 0 0: of 36 ordered pairs, 16 differ, by 6; the mean is 4.
    assert found["gini"] == pytest.approx(16 * 6 / 36 / 2 / 4)
    assert found["rarest_half_share"] == pytest.approx(1 / 4)
    assert any("36 of 37 actions are left" in note for note in found["notes"])
    assert "36 of 37" in result.stderr


def test_stats_in_words_and_quiet(log):
    result = degen("stats", str(log), *COLUMNS, "--quiet")
    assert result.exit_code == 0
    assert "training samples" in result.stdout
    assert "100.00%" not in result.stdout
    assert result.stderr == ""


def test_the_data_options_reach_the_reader(log):
    result = degen(
        "stats", str(log), *COLUMNS, "--json", "--min-user", "0", "--min-item", "0", "--core", "once"
    )
    found = json.loads(result.stdout)
    assert (found["users"], found["actions"], found["dropped_users"]) == (6, 36, 1)
    forced = degen("stats", str(log), "--input-format", "sequences", "--json")
    assert "one user per line" in json.loads(forced.stdout)["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--columns", "user=whom,item=page"), "no column 'whom'; did you mean 'who'"),
        (("--columns", "user=who"), "`columns` lacks item"),
        ((), "has the columns when, page, who"),
        ((*COLUMNS, "--min-user", "-2"), "`min_user` is -2"),
        ((*COLUMNS, "--core", "twice"), "`core` 'twice' is unknown"),
        ((*COLUMNS, "--input-format", "cvs"), "did you mean 'csv'"),
        ((*COLUMNS, "--min-user", "40"), "nobody is left"),
    ],
)
def test_mistakes_are_the_users_to_mend(log, arguments, what):
    result = degen("stats", str(log), *arguments)
    assert isinstance(result.exception, UserError)
    assert what in str(result.exception)
    assert result.stdout == ""


def test_list_shows_what_is_here_beside_table_1(folder, monkeypatch):
    (folder / "beauty.txt").write_text("".join(f"{u} 1 2 3 4 5\n" for u in range(5)))
    (folder / "games.txt.gz").write_bytes(gzip.compress(b"")[:-3])
    monkeypatch.setenv("DEGEN_DATA", str(folder))
    rows = {row["name"]: row for row in json.loads(degen("list", "--json").stdout)}
    assert list(rows)[:5] == ["beauty", "clothing", "sports", "ml-1m", "yelp"]
    assert (rows["beauty"]["users"], rows["beauty"]["items"], rows["beauty"]["actions"]) == (5, 5, 25)
    assert rows["beauty"]["table1_users"] == 22363
    assert rows["beauty"]["where"] == str(folder / "beauty.txt")
    assert (rows["toys"]["users"], rows["toys"]["where"]) == (None, "not here")
    assert rows["synthetic"]["actions"] > 0
    # A damaged log says what is wrong with it, and the list goes on.
    assert "truncated" in rows["games"]["problem"]
    assert rows["games"]["where"] == str(folder / "games.txt.gz")
    words = degen("list")
    assert "22,363" in words.stdout
    assert "GroupLens" in words.stderr


def test_fetch_of_what_may_not_be_downloaded(folder):
    result = degen("fetch", "clothing")
    assert isinstance(result.exception, UserError)
    assert "reviews_Clothing_Shoes_and_Jewelry_5.json.gz" in str(result.exception)


def test_fetch_of_what_is_here_already(folder, monkeypatch):
    (folder / "toys.txt").write_text("1 2 3 4\n")
    monkeypatch.setenv("DEGEN_DATA", str(folder))
    assert json.loads(degen("fetch", "Toys", "--json").stdout) == {
        "name": "toys",
        "path": str(folder / "toys.txt"),
    }


def test_prepare_writes_a_log_that_stats_reads_as_the_same(log, folder):
    before = json.loads(degen("stats", str(log), *COLUMNS, "--json").stdout)
    result = degen("prepare", str(log), *COLUMNS, "--out", str(folder / "out"), "--json")
    made = json.loads(result.stdout)
    assert made["path"] == str(folder / "out" / "visits.txt.gz")
    assert (made["users"], made["actions"], made["settings"]["columns"]["user"]) == (6, 36, "who")
    assert gzip.decompress(Path(made["path"]).read_bytes()).startswith(b"visitor0 page0 page1 ")
    after = json.loads(degen("stats", made["path"], "--json").stdout)
    assert after["fingerprint"] == before["fingerprint"] == made["fingerprint"]


def test_prepare_goes_to_the_cache_folder_by_itself(log, folder):
    result = degen("prepare", str(log), *COLUMNS)
    assert result.stdout.strip() == str(folder / "cache" / "prepared" / "visits.txt.gz")
    assert "degen train --dataset" in result.stderr


def test_prepare_synthetic_of_any_size(folder):
    out = folder / "big.txt.gz"
    result = degen(
        "prepare", "synthetic", "--users", "80", "--items", "900", "--seed", "5", "--out", str(out), "--json"
    )
    made = json.loads(result.stdout)
    assert (made["users"], made["settings"]["items"], made["settings"]["seed"]) == (80, 900, 5)
    assert json.loads(degen("stats", str(out), "--json").stdout)["fingerprint"] == made["fingerprint"]
    other = degen(
        "prepare", "synthetic", "--users", "80", "--items", "900", "--seed", "6", "--out", str(out), "--json"
    )
    assert json.loads(other.stdout)["sha256"] != made["sha256"]


@pytest.mark.parametrize("command", ["stats", "prepare"])
@pytest.mark.parametrize("option", ["--users", "--items", "--seed"])
def test_the_size_of_a_log_that_is_read_cannot_be_chosen(log, command, option):
    result = degen(command, str(log), *COLUMNS, option, "3")
    assert isinstance(result.exception, UserError)
    assert f"{option} is only for synthetic" in str(result.exception)
    assert str(log) in str(result.exception)


def test_both_commands_have_the_same_options_of_data():
    data = (
        "--columns",
        "--input-format",
        "--min-user",
        "--min-item",
        "--core",
        "--users",
        "--items",
        "--seed",
    )
    for command in ("stats", "prepare"):
        help_text = degen(command, "--help").stdout
        assert all(f"{option} " in help_text for option in data)


def test_prepare_never_replaces_its_own_source(log, folder):
    source = folder / "visits.txt.gz"
    source.write_bytes(gzip.compress(b"".join(b"u%d a b c d e\n" % n for n in range(5))))
    before = source.read_bytes()
    result = degen("prepare", str(source), "--out", str(folder))
    assert isinstance(result.exception, UserError)
    assert source.read_bytes() == before


def test_every_command_shows_an_example():
    for command in ("list", "stats", "fetch", "prepare"):
        result = degen(command, "--help")
        assert result.exit_code == 0
        assert "degen data" in result.stdout


def test_help_imports_nothing_heavy():
    heavy = ("numpy", "pandas", "torch", "matplotlib", "pooch", "pyarrow")
    code = f"import degen.cli.commands.data, sys; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
