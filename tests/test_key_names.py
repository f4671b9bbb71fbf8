"""λ and γ under present and former names: all are read, `lambda` and `gamma` written, and hashes stay."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny_fixtures
import tiny_runs
from commands import result_of, run

from degen.build import settle_names
from degen.cli.options import parse_assignments
from degen.config.decisive import run_identity
from degen.config.key_names import with_former
from degen.config.schema import Config
from degen.config.settle import by_group, settle
from degen.errors import UserError
from degen.evaluation.verify import verify
from degen.files.digest import Digest
from degen.runs.choose import select_runs
from degen.runs.directory import RunDirectory
from degen.runs.manifest import Manifest
from degen.runs.study import read_plan
from degen.sweeps.cells import cell_id
from degen.sweeps.plan import plan_lines
from degen.sweeps.study import Study
from degen.training.loop import train

log = tiny_fixtures.log

NAMES = ("lam", "lambda_", "lambda", "contrast_weight")


def with_log(**settings: object) -> Config:
    config = settle(options=by_group({"dataset": "synthetic", "name": "synthetic", **settings}))
    return config.model_copy(update={"data": config.data.model_copy(update={"fingerprint": "f" * 64})})


# Written down from the version before `lambda` and `gamma` were keys.
BEFORE = [
    ({}, "1f0dfedc86d36676", "10957fa28c"),
    ({"variant": "duorec", "lambda": 0.02}, "41dd010e8d90c977", "73cef05a68"),
    ({"variant": "cosreg", "gamma": 3.0, "seed": 4}, "664e720f26d1ffad", "4358aa5240"),
    ({"variant": "scl", "lambda": 0.0, "epochs": 7}, "1d6289be58705ad4", "93f0814ad0"),
]


@pytest.mark.parametrize(("settings", "identity", "cell"), BEFORE)
def test_hashes_of_runs_and_cells_are_those_of_earlier_versions(settings, identity, cell):
    config = with_log(**settings)
    assert (run_identity(config), cell_id(config)) == (identity, cell)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_sets_lambda(name):
    assert by_group({name: 0.3}) == {"objective": {"lambda": 0.3}}
    assert with_log(**{name: 0.3}).objective.lam == 0.3


def test_two_names_of_one_setting_must_agree(tmp_path):
    assert by_group({"lam": 0.3, "contrast_weight": 0.3}) == {"objective": {"lambda": 0.3}}
    with pytest.raises(UserError, match="`lam` and `contrast_weight` are names of one setting"):
        by_group({"lam": 0.3, "contrast_weight": 0.2})
    (tmp_path / "both.toml").write_text("[objective]\nlambda = 0.3\ncontrast_weight = 0.2\n")
    with pytest.raises(UserError, match=r"both\.toml: `lambda` and `contrast_weight` are names"):
        settle(tmp_path / "both.toml")


def test_options_override_a_file_with_the_former_names(tmp_path):
    file = tmp_path / "old.toml"
    file.write_text("[objective]\ncontrast_weight = 0.3\ncure_weight = 2\n")
    config = settle(file)
    assert (config.objective.lam, config.objective.gamma) == (0.3, 2)
    assert settle(file, by_group({"lam": 0.5})).objective.lam == 0.5
    old = settle(file, {"objective": {"contrast_weight": 0.6}})
    assert old.objective.lam == 0.6


def test_set_takes_both_names_and_the_last_one_counts():
    assert parse_assignments(["objective.contrast_weight=0.2", "objective.lambda=0.4"]) == {
        "objective": {"lambda": 0.4}
    }
    assert parse_assignments(["objective.cure_weight=2"]) == {"objective": {"gamma": 2}}


def test_the_present_names_are_written():
    text = with_log(variant="cosreg", contrast_weight=0.2, cure_weight=3).toml()
    assert "\nlambda = 0.2\n" in text
    assert "\ngamma = 3.0\n" in text
    assert "_weight = 0.2" not in text
    assert "cure_weight" not in text


def test_json_has_the_former_names_besides():
    printed = result_of("train", "--print-config", "--variant", "cosreg", "--gamma", "2")
    objective = printed["objective"]
    assert objective["gamma"] == objective["cure_weight"] == 2
    assert objective["lambda"] == objective["contrast_weight"] == 0.1
    # They stand for the same setting, so that they can be given back.
    assert settle(options={"objective": objective}).objective.gamma == 2
    assert with_former({"objective.lambda": 1, "x": 2}) == {
        "objective.lambda": 1,
        "objective.contrast_weight": 1,
        "x": 2,
    }


def aged(path):
    """Give a run the configuration that an earlier version would have written, and its manifest."""
    config = path / "config.toml"
    text = (
        config.read_text()
        .replace("\nlambda = ", "\ncontrast_weight = ")
        .replace("\ngamma = ", "\ncure_weight = ")
    )
    assert "contrast_weight" in text
    config.write_text(text)
    manifest = json.loads((path / "manifest.json").read_text())
    digest = Digest.of(config)
    manifest["files"]["config.toml"] |= {"size": digest.size, "sha256": digest.sha256}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return RunDirectory(path)


@pytest.fixture(scope="module")
def made(log, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    config = settle_names(tiny_runs.tiny_config(log, variant="cosreg", gamma=0.5, lam=0.2, epochs=1))
    return train(config, folder / "run").path


@pytest.fixture
def old(made, tmp_path):
    return aged(shutil.copytree(made, tmp_path / "old"))


def test_a_run_of_an_earlier_version_is_verified_and_read(old):
    [found] = verify(old.path)
    assert (found.whole, found.faults) == (True, [])
    assert old.config["objective"]["lambda"] == 0.2
    assert old.config["objective"]["gamma"] == 0.5
    assert Manifest.read(old.path).config == run_identity(settle(old.path / "config.toml"))


@pytest.mark.parametrize("name", ["gamma", "cure_weight"])
def test_a_run_of_an_earlier_version_goes_on(old, log, name):
    settings = {"variant": "cosreg", "epochs": 2, "lam": 0.2}
    longer = train(tiny_runs.tiny_config(log, **settings, **{name: 0.5}), old.path, resume=True)
    assert len(longer.metrics) == 2
    assert "\ngamma = 0.5\n" in (old.path / "config.toml").read_text()
    assert verify(old.path)[0].faults == []
    with pytest.raises(UserError, match=r"objective\.gamma = 0\.5, not 0\.7"):
        train(tiny_runs.tiny_config(log, **settings, **{name: 0.7}), old.path, resume=True)


def test_runs_of_both_versions_are_one_series(old, made, log):
    text = (old.path / "config.toml").read_text()
    (old.path / "config.toml").write_text(text.replace("\nseed = 0", "\nseed = 1"))
    [series] = select_runs([RunDirectory(made), RunDirectory(old.path)]).values()
    assert list(series) == ["cosreg"]


def identify(data):
    return "synthetic", "f" * 64


def test_a_study_file_with_the_former_name_is_the_study_with_the_present_one(tmp_path):
    lines = "[base]\nobjective = {{variant = 'duorec', {0} = 0.3}}\n[axis.g]\nkey = '{1}'\nvalues = '1:2'\n"
    for name, pair in {
        "old": ("contrast_weight", "cure_weight"),
        "new": ("lambda", "objective.gamma"),
    }.items():
        (tmp_path / name).write_text(lines.format(*pair))
    old, new = Study.from_toml(tmp_path / "old"), Study.from_toml(tmp_path / "new")
    assert old == new
    assert new.axes["g"].key == "objective.gamma"
    assert "contrast_weight" not in old.toml()


def test_a_plan_of_an_earlier_version_is_gone_on_with(tmp_path):
    study = Study.of_values(
        {
            "base": {"objective": {"variant": "duorec"}},
            "axes": {"lambda": {"key": "contrast_weight", "values": [0.0, 0.02]}},
        }
    )
    cells = study.cells(identify)
    out = tmp_path / "study"
    write = plan_lines(study, out, found=cells)
    out.mkdir()
    former = ""
    for line in write:
        line["axes"] = {"objective.contrast_weight": line["axes"]["objective.lambda"]}
        objective = line["config"]["objective"]
        objective["contrast_weight"] = objective.pop("lambda")
        former += json.dumps(line) + "\n"
    (out / "plan.jsonl").write_text(former)
    (out / "study.toml").write_text(study.toml().replace("objective.lambda", "objective.contrast_weight"))
    planned = read_plan(out)
    assert [entry.axes for entry in planned] == [{"objective.lambda": 0.0}, {"objective.lambda": 0.02}]
    assert [entry.config["objective"]["lambda"] for entry in planned] == [0.0, 0.02]
    assert [entry.id for entry in planned] == [line["id"] for line in write]
    assert plan_lines(study, out, found=cells) == []  # nothing is new
    assert Config.model_validate(planned[1].config).objective.lam == 0.02


def test_the_command_line_takes_lambda_by_option_and_by_both_keys():
    for words in (
        ("--lambda", "0.4"),
        ("--set", "objective.lambda=0.4"),
        ("--set", "objective.contrast_weight=0.4"),
    ):
        printed = run("train", "--print-config", "--variant", "scl", *words).stdout
        assert "\nlambda = 0.4\n" in printed
