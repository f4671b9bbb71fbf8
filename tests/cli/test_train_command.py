"""`degen train` as users type it, and what it says of their mistakes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib

import pytest
import tiny_runs
import typer
from commands import mistake, result_of, run

from degen.cli.app import app
from degen.config.facts import KEYS, OPTIONS, sentence
from degen.config.settle import by_group, settle
from degen.errors import UserError
from degen.runs.directory import RunDirectory
from degen.training.loop import train

SIX = ["sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec"]


@pytest.fixture
def log(tmp_path):
    return tiny_runs.write_log(tmp_path / "toy.txt")


@pytest.fixture
def words(log):
    """`train` and its options for a tiny run."""

    def make(**settings):
        return ["train", *tiny_runs.options(log, **settings)]

    return make


@pytest.fixture
def ctrl_c(monkeypatch):
    """Press Ctrl-C after a step."""

    def press(epoch: int, step: int, times: int = 1):
        def pressed(self, now, number, losses):
            if (now, number) == (epoch, step):
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr("degen.bars.Bar.step", pressed)

    return press


# The options are the configuration's keys


def test_every_option_is_on_the_command_and_says_the_keys_sentence():
    command = typer.main.get_command(app).commands["train"]
    helps = {flag: option.help for option in command.params for flag in option.opts}
    assert set(OPTIONS) <= set(KEYS)
    for key, flag in OPTIONS.items():
        assert flag in helps, f"degen train has no {flag}"
        if key != "variant":  # the variant is repeatable there, and may be `all`
            text, _, note = helps[flag].partition("  [dim]")
            assert text == sentence(key)
            default = KEYS[key][1].default
            assert (str(default) in note) if default not in (None, False) else True


def test_help_lists_the_few_values_that_a_key_has():
    command = typer.main.get_command(app).commands["train"]
    shown = {flag: option.metavar for option in command.params for flag in option.opts}
    assert shown["--recipe"] == "NAME"  # its help names the four and says what they are
    assert shown["--rec-loss"] == "ce|bce|gbce|bpr|sampled"
    assert shown["--stop-on"] == "METRIC"
    assert shown["--epochs"] is None


def test_flags_look_as_if_they_took_no_value(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    for words in ([], ["train"], ["data"], ["data", "stats"]):
        assert "<bool>" not in run(*words, "--help").stdout


def test_every_option_reaches_its_key(log):
    # A value that is not the default for each of them.
    values = {
        "dataset": str(log),
        "input_format": "sequences",
        "separator": "|",
        "time_format": "%Y",
        "min_user": 3,
        "min_item": 2,
        "core": "once",
        "users": 11,
        "items": 12,
        "data_seed": 13,
        "dim": 14,
        "layers": 3,
        "heads": 7,
        "max_length": 15,
        "embedding_dropout": 0.11,
        "hidden_dropout": 0.12,
        "attention_dropout": 0.13,
        "engine": "plain",
        "recipe": "official",
        "lambda": 0.14,
        "temperature": 0.15,
        "similarity": "cosine",
        "rec_loss": "sampled",
        "sampling": "uniform",
        "negatives": 16,
        "seed": 17,
        "epochs": 18,
        "patience": 19,
        "min_epochs": 12,
        "stop_on": "HR@20",
        "max_steps": 20,
        "steps_per_epoch": 21,
        "batch_size": 22,
        "batch_by": "users",
        "learning_rate": 0.23,
        "item_updates": "lazy",
        "item_optimizer": "sgd",
        "item_learning_rate": 0.27,
        "item_momentum": 0.28,
        "device": "cpu",
        "precision": "bf16",
        "threads": 24,
        "keep_embeddings": 25,
    }
    switches = {"header": True, "deterministic": True, "trace_gradients": True, "tensorboard": True}
    of_baselines = {key for key in OPTIONS if KEYS[key][0] == "baseline"}
    elsewhere = {"variant", "gamma", "columns", "negatives_exclude", "gbce_t", *of_baselines}
    assert set(values) == set(OPTIONS) - elsewhere - set(switches)
    typed = [word for key, value in values.items() for word in (OPTIONS[key], value)]
    columns = {"user": "who", "item": "what"}
    printed = result_of(
        *["train", "--print-config", "--variant", "SU", "--columns", "user=who,item=what"],
        *[OPTIONS[key] for key in switches],
        *typed,
    )
    expected = settle(options=by_group({**values, "variant": "scl", "columns": columns, **switches}))
    assert printed["objective"].pop("contrast_weight") == 0.14
    assert printed == expected.model_dump(exclude_none=True)


def test_options_of_baselines_reach_their_keys():
    def printed(*words):
        return result_of("train", "--print-config", "--variant", *words)["baseline"]

    assert printed("gru4rec", "--hidden-size", 7, "--output-bias")["hidden_size"] == 7
    assert printed("gru4rec", "--output-bias")["output_bias"]
    assert printed("caser", "--final-relu", "--l2", 0.5)["final_relu"]
    assert printed("bpr-mf", "--l2", 0.25)["l2"] == 0.25


def test_t_is_of_gbce(log, capfd):
    words = ["train", "--print-config", "--dataset", log, "--gbce-t", "0.5"]
    assert result_of(*words, "--rec-loss", "gbce")["objective"]["gbce_t"] == 0.5
    assert "add --rec-loss gbce, or leave --gbce-t out" in mistake(capfd, *words)


def test_several_configurations_are_headed_by_their_variant_and_seed(log):
    words = ["train", "--print-config", "--dataset", log, "--variant", "sasrec,ucl"]
    documents = run(*words, "--seeds", "0,4").stdout.split("# ")[1:]
    assert [document.partition("\n")[0] for document in documents] == [
        "sasrec, seed 0",
        "sasrec, seed 4",
        "ucl, seed 0",
        "ucl, seed 4",
    ]
    for document in documents:
        assert tomllib.loads("# " + document)["objective"]["variant"] == document.partition(",")[0]
    assert not run(*words[:-2]).stdout.startswith("#")


def test_negatives_may_leave_out_the_history(log):
    words = ["train", "--print-config", "--dataset", log, "--rec-loss"]
    printed = result_of(*words, "bce", "--negatives-exclude", "history")
    assert printed["objective"]["negatives_exclude"] == "history"
    with pytest.raises(UserError, match=r"negatives_exclude = history .* objective\.rec_loss is ce"):
        settle(options=by_group({"negatives_exclude": "history"}))


# What is trained


def test_a_run_and_its_result(words, tmp_path):
    out = tmp_path / "run"
    result = result_of(*words(epochs=2, seed=4), "--variant", "scl", "--out", out)
    run_directory = RunDirectory(out)
    test = run_directory.test
    assert result == {
        "run": str(out),
        "variant": "scl",
        "dataset": "toy",
        "seed": 4,
        "epoch": test["epoch"],
        **{name: test[name] for name in ("HR@5", "NDCG@5", "HR@10", "NDCG@10")},
    }
    assert len(run_directory.metrics) == 2


def test_the_command_and_the_library_do_the_same(words, log, tmp_path):
    run(*words(recipe="official"), "--variant", "US", "--lambda", "0.3", "--out", tmp_path / "command")
    config = tiny_runs.tiny_config(log, recipe="official", variant="ucl+scl", lam=0.3)
    train(config, tmp_path / "library")
    for name in ("item_embeddings.npy", "config.toml", "test.json"):
        assert (tmp_path / "command" / name).read_bytes() == (tmp_path / "library" / name).read_bytes()


def test_without_out_a_run_goes_below_runs(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = result_of(*words(max_steps=1), "--variant", "us_x", "--seed", 3)
    assert result["run"] == "runs/toy/duorec-s3"
    assert RunDirectory(tmp_path / "runs" / "toy" / "duorec-s3").state == "finished"


def test_all_trains_the_six_below_one_folder(words, tmp_path):
    results = result_of(*words(max_steps=1), "--variant", "all", "--out", tmp_path / "six")
    assert [result["variant"] for result in results] == SIX
    assert sorted(path.name for path in (tmp_path / "six").iterdir()) == sorted(f"{v}-s0" for v in SIX)
    for result in results:
        assert not any(isinstance(value, dict | list) for value in result.values())
        assert RunDirectory(tmp_path / "six" / f"{result['variant']}-s0").variant == result["variant"]


def test_several_variants_by_comma_or_repetition_each_once(words, tmp_path):
    names = ["--variant", "scl, UCL", "--variant", "su", "-v", "sasrec"]
    results = result_of(*words(max_steps=1), *names, "--out", tmp_path)
    assert [result["variant"] for result in results] == ["scl", "ucl", "sasrec"]


def test_the_words_on_stdout_are_a_table_and_progress_is_on_stderr(words, tmp_path):
    result = run(*words(epochs=2), "--variant", "ucl", "--out", tmp_path / "run")
    assert "HR@5" in result.stdout
    assert "ucl" in result.stdout
    assert "epoch   2" not in result.stdout
    assert "ucl on toy: 30 users, 20 items" in result.stderr
    assert "epoch   1" in result.stderr
    assert "epoch   2" in result.stderr
    assert "test, best epoch" in result.stderr


def test_quiet_says_results_only(words, tmp_path):
    result = run(*words(max_steps=1), "--quiet", "--out", tmp_path / "run")
    assert result.stderr == ""
    assert "duorec" in result.stdout


def test_set_reaches_any_other_key(words, tmp_path):
    typed = ["--set", "training.adam_eps=1e-6", "--set", "data.name=other", "--set", "objective.variant=ucl"]
    run(*words(max_steps=1), *typed, "--out", tmp_path / "run")
    config = RunDirectory(tmp_path / "run").config
    assert config["training"]["adam_eps"] == 1e-6
    assert config["data"]["name"] == "other"
    assert config["objective"]["variant"] == "ucl"


def test_a_configuration_file_and_options_over_it(log, tmp_path):
    settings = tiny_runs.tiny_config(log, variant="cl4srec", seed=8, max_steps=1)
    settings.write(tmp_path / "my.toml")
    result = result_of("train", "--config", tmp_path / "my.toml", "--seed", 9, "--out", tmp_path / "run")
    assert (result["variant"], result["seed"]) == ("cl4srec", 9)
    # Its own config.toml repeats a run.
    again = result_of("train", "--config", tmp_path / "run" / "config.toml", "--out", tmp_path / "again")
    assert again == result | {"run": str(tmp_path / "again")}


# --print-config


def test_print_config_prints_toml_and_does_nothing_else(words, tmp_path):
    out = tmp_path / "run"
    result = run(*words(recipe="official"), "--variant", "SCL", "--out", out, "--print-config")
    printed = tomllib.loads(result.stdout)
    assert printed["objective"]["variant"] == "scl"
    assert printed["objective"]["reduction"] == "mean"
    (tmp_path / "again.toml").write_text(result.stdout, encoding="utf-8")
    assert settle(tmp_path / "again.toml").model_dump(exclude_none=True) == printed
    assert not out.exists()


def test_print_config_shows_the_file_settled(tmp_path):
    (tmp_path / "my.toml").write_text('[objective]\nvariant = "us_x"\n[training]\nepochs = 3\n')
    printed = result_of("train", "--config", tmp_path / "my.toml", "--print-config")
    assert printed["training"]["epochs"] == 3
    assert printed["objective"]["variant"] == "duorec"


# Stopping and going on


def test_ctrl_c_exits_130_and_says_how_to_go_on(words, tmp_path, ctrl_c):
    out = tmp_path / "run"
    ctrl_c(2, 1)
    result = run(*words(), "--out", out)
    assert result.exit_code == 130
    assert f"1 finished epoch is in {out}" in result.stderr
    assert "--resume" in result.stderr
    assert result.stdout == ""
    assert len(RunDirectory(out).metrics) == 1
    ctrl_c(0, 0)
    assert result_of(*words(), "--out", out, "--resume")["run"] == str(out)
    assert len(RunDirectory(out).metrics) == 3


def test_ctrl_c_before_the_first_epoch_and_twice(words, tmp_path, ctrl_c):
    ctrl_c(1, 1)
    result = run(*words(), "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "no epoch was finished yet" in result.stderr
    ctrl_c(1, 1, times=2)
    assert run(*words(), "--out", tmp_path / "other").exit_code == 130


def test_ctrl_c_in_the_last_epoch_of_the_first_variant_stops_them_all(words, tmp_path, ctrl_c):
    ctrl_c(1, 1)
    result = run(*words(epochs=1, steps_per_epoch=1), "-v", "scl,ucl", "--out", tmp_path / "two", "--quiet")
    assert result.exit_code == 130
    assert not (tmp_path / "two" / "ucl-s0").exists()
    ctrl_c(0, 0)
    both = result_of(
        *words(epochs=1, steps_per_epoch=1), "-v", "scl,ucl", "--out", tmp_path / "two", "--resume"
    )
    assert [one["variant"] for one in both] == ["scl", "ucl"]


def test_a_finished_run_is_resumed_with_exit_0(words, tmp_path):
    typed = [*words(max_steps=1), "--out", tmp_path / "run"]
    first = result_of(*typed)
    assert result_of(*typed, "--resume") == first
    assert result_of(*typed, "--overwrite") == first


def test_a_run_started_from_a_file_with_an_alias_goes_on(log, tmp_path, ctrl_c):
    tiny_runs.tiny_config(log, variant="us_x").write(tmp_path / "my.toml")
    typed = ["train", "--config", tmp_path / "my.toml", "--out", tmp_path / "run"]
    ctrl_c(2, 1)
    assert run(*typed).exit_code == 130
    ctrl_c(0, 0)
    assert result_of(*typed, "--resume")["variant"] == "duorec"


# Mistakes


def test_what_is_there_already_is_refused_before_any_training(words, tmp_path, capfd):
    run(*words(max_steps=1), "--variant", "ucl", "--out", tmp_path / "two" / "ucl-s0")
    said = mistake(capfd, *words(max_steps=1), "--variant", "scl,ucl", "--out", tmp_path / "two")
    assert "ucl-s0 holds a finished run; add --overwrite" in said
    assert not (tmp_path / "two" / "scl-s0").exists()


@pytest.mark.parametrize(
    ("typed", "wrong", "near"),
    [
        (["--variant", "duorek"], "unknown variant 'duorek'", "'duorec'"),
        (["--variant", "scl,duorek"], "unknown variant 'duorek'", "'duorec'"),
        (["--dataset", "synthetik"], "unknown dataset 'synthetik'", "'synthetic'"),
        (["--dataset", "no/such/file.csv"], "no/such/file.csv does not exist", "degen data list"),
        (["--set", "training.leaning_rate=1"], "unknown key training.leaning_rate", "'learning_rate'"),
        (["--set", "trainign.seed=1"], "unknown group 'trainign'", "'training'"),
        (["--set", "seed"], "--set seed", "group.key=value"),
        (["--recipe", "offical"], "(--recipe)", "'official'"),
        (["--similarity", "cosinus"], "(--similarity)", "'cosine'"),
        (["--rec-loss", "cee"], "(--rec-loss)", "'ce'"),
        (["--engine", "fats"], "(--engine)", "'fast'"),
        (["--stop-on", "NDCG@1O"], "(--stop-on)", "'NDCG@10'"),
        (["--core", "iterate"], "core", "'iterated'"),
        (["--input-format", "sequence"], "'sequence'", "'sequences'"),
        (["--device", "gpu"], "(--device)", "cuda"),
        (["--epochs", "0"], "(--epochs)", "greater than or equal to 1"),
        (["--lambda", "-1"], "(--lambda)", "greater than or equal to 0"),
        (["--lambda", "nan"], "(--lambda)", "finite"),
        (["--temperature", "0"], "(--temperature)", "greater than 0"),
        (["--dropout", "1"], "dropout", "less than 1"),
        (["--learning-rate", "-0.1"], "(--learning-rate)", "greater than 0"),
        (["--min-user", "-1"], "(--min-user)", "greater than or equal to 0"),
        (["--seed", "-1"], "(--seed)", "greater than or equal to 0"),
        (["--heads", "3"], "model.heads = 3", "model.dim = 8"),
        (["--set", "objective.crop_rate=2"], "objective.crop_rate", "less than or equal to 1"),
        (["--config", "missing.toml"], "--config missing.toml", "no such file"),
        (["--resume", "--overwrite"], "--resume", "--overwrite"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(
    words, tmp_path, capfd, monkeypatch, typed, wrong, near
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = mistake(capfd, *words(), *typed, "--out", tmp_path / "run")
    assert wrong in said
    assert near in said
    assert sorted(tmp_path.rglob("*")) == before


def test_cuda_where_there_is_none_is_one_sentence(words, tmp_path, capfd):
    said = mistake(capfd, *words(device="cuda:99"), "--out", tmp_path / "run")
    assert "--device cuda:99" in said
    assert "--device cpu" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "content", [b"[training\n", b"\xff\xfe\x00", b"seed = 1\n", b"[trainign]\nseed = 1\n"]
)
def test_a_broken_configuration_file_is_named(words, tmp_path, capfd, content):
    (tmp_path / "my.toml").write_bytes(content)
    said = mistake(capfd, *words(), "--config", tmp_path / "my.toml", "--out", tmp_path / "run")
    assert "my.toml" in said
    assert not (tmp_path / "run").exists()


def test_a_place_that_cannot_be_written_is_one_sentence(words, tmp_path, capfd):
    (tmp_path / "file").touch()
    assert "is a file" in mistake(capfd, *words(), "--out", tmp_path / "file")
    assert "cannot write" in mistake(capfd, *words(), "--quiet", "--out", tmp_path / "file" / "run")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    assert "is no run" in mistake(capfd, *words(), "--overwrite", "--out", tmp_path / "full")


def test_a_log_that_leaves_nobody_is_one_sentence(words, tmp_path, capfd):
    said = mistake(capfd, *words(min_user=1000), "--out", tmp_path / "run")
    assert "--min-user" in said
    assert not (tmp_path / "run").exists()


def test_divergence_is_one_sentence(words, tmp_path):
    # Progress is on stderr too, so this one is looked at without the command's frame.
    with pytest.raises(UserError, match=r"`learning_rate`"):
        run(*words(learning_rate=1e30, epochs=20), "--quiet", "--out", tmp_path / "run")


@pytest.mark.parametrize("typed", [["--epoch", "3"], ["--variant"], ["extra"]])
def test_what_is_no_option_is_exit_code_2(words, typed):
    result = run(*words(), *typed)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_the_program_itself_says_one_sentence(tmp_path):
    command = [sys.executable, "-m", "degen", "train", "--variant", "duorek"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "degen: unknown variant 'duorek'; did you mean 'duorec'?\n"
    assert list(tmp_path.iterdir()) == []


# Several seeds


def test_seeds_are_runs_with_a_mean_and_a_deviation(words, tmp_path):
    out = tmp_path / "runs"
    found = result_of(*words(epochs=1, variant="scl"), "--seeds", "0,2-3", "--out", out)
    assert [one["seed"] for one in found["runs"]] == [0, 2, 3]
    assert sorted(path.name for path in out.iterdir()) == ["scl-s0", "scl-s2", "scl-s3"]
    values = [RunDirectory(out / f"scl-s{seed}").test["NDCG@10"] for seed in (0, 2, 3)]
    (summary,) = found["over_seeds"]
    mean = sum(values) / 3
    assert (summary["variant"], summary["dataset"], summary["seeds"]) == ("scl", "toy", 3)
    assert summary["NDCG@10"] == pytest.approx(mean)
    deviation = (sum((value - mean) ** 2 for value in values) / 2) ** 0.5
    assert summary["NDCG@10_sd"] == pytest.approx(deviation)
    again = run(*words(epochs=1, variant="scl"), "--seeds", "0,2-3", "--out", out, "--resume")
    assert f"{mean:.4f} ± {deviation:.4f}" in again.stdout


def test_stacked_and_in_turn_seeds_write_the_same_folders(words, tmp_path):
    typed = [*words(max_steps=2), "--variant", "sasrec", "--variant", "ucl", "--seeds", "0-1", "--quiet"]
    for switch in ("--stack", "--no-stack"):
        assert run(*typed, switch, "--out", tmp_path / switch).exit_code == 0
    stacked, in_turn = (
        sorted(str(path.relative_to(tmp_path / switch)) for path in (tmp_path / switch).rglob("*"))
        for switch in ("--stack", "--no-stack")
    )
    assert stacked == in_turn
    assert "ucl-s1/test.json" in stacked


def test_a_run_says_whether_it_was_stacked(words, tmp_path):
    for switch, stacked in (("--stack", True), ("--no-stack", False)):
        run(*words(epochs=1), switch, "--quiet", "--out", tmp_path / switch)
        assert RunDirectory(tmp_path / switch).environment["stacked"] is stacked


def test_several_runs_do_not_go_into_a_run(words, tmp_path, capfd):
    run(*words(epochs=1), "--quiet", "--out", tmp_path / "run")
    before = sorted((tmp_path / "run").iterdir())
    assert "is a run; with several" in mistake(
        capfd, *words(epochs=1), "--seeds", "0-1", "--out", tmp_path / "run"
    )
    assert sorted((tmp_path / "run").iterdir()) == before


def test_torchrun_is_for_training(capfd, monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "none", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert mistake(capfd, "demo").endswith("`degen demo` has work for one; leave torchrun out")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert run("data", "list").exit_code == 0


def test_a_stack_says_whose_line_it_is(words, tmp_path):
    result = run(*words(epochs=1), "--seeds", "4,9", "--stack", "--out", tmp_path / "runs")
    lines = [line for line in result.stderr.splitlines() if "epoch   1" in line]
    assert [line.split("epoch")[0].strip() for line in lines] == ["seed 4", "seed 9"]


def test_workers_train_what_runs_in_turn_train_and_say_whose_line_it_is(words, tmp_path, monkeypatch):
    monkeypatch.setattr("degen.training.children.cores.available_cores", lambda: 2)
    typed = [*words(epochs=1), "--variant", "sasrec,ucl", "--seeds", "0-1"]
    found = result_of(*typed, "--out", tmp_path / "in-turn")
    beside = run(*typed, "--workers", "2", "--out", tmp_path / "beside", "--json")
    assert beside.stdout.replace("beside", "in-turn") == json.dumps(found, indent=2) + "\n"
    lines = [line for line in beside.stderr.splitlines() if "epoch   1" in line]
    labels = sorted(line.split("epoch")[0].strip() for line in lines)
    assert labels == ["sasrec seed 0", "sasrec seed 1", "ucl seed 0", "ucl seed 1"]


def test_more_workers_than_cores_are_refused(words, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("degen.training.children.cores.available_cores", lambda: 2)
    typed = [*words(threads=None), "--seeds", "0-3", "--out", tmp_path / "runs"]
    said = mistake(capfd, *typed, "--workers", "3")
    assert said == (
        "--workers 3 is more than the 2 cores of this machine; give --workers 2 or fewer, or add --threads 1 "
        "to start them all the same"
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--seeds", "0-x"], "0-7 or 0,3,5"),
        (["--dropout", "1.5"], "--dropout should be less than 1; got 1.5"),
        (["--epoch", "3"], "train has no option --epoch; did you mean --epochs?"),
        (["--zzz"], "train has no option --zzz; `degen train --help` lists them"),
        (["--epochs", "x"], "--epochs takes one whole number, not 'x'"),
        (["--workers", "0"], "--workers 0: it must be 1 or more"),
        (["--seeds", "0-1", "--workers", "2", "--stack"], "and --stack all in one; choose one"),
        (["--seeds", "5-2"], "write 2-5"),
        (["--seeds", "1,0-2"], "twice"),
        (["--seeds", "0-100000000"], "100,000,001 runs; 10,000 at most"),
        (["--seeds", "1,2", "--seed", "3"], "one of the two"),
        (["--seeds", "0-1", "--stack", "--batch-by", "users"], "--no-stack"),
        (["--precision", "tf32"], "--precision tf32"),
        (["--precision", "bf16"], "or with --stack; use --precision fp32"),
        (["--device", "tpu"], "auto (CUDA if available), cpu, cuda or cuda:N; got 'tpu'"),
        (["--set", "training.cuda_graph=true"], "training.cuda_graph"),
        (
            [*["--rec-loss", "sampled", "--item-updates", "lazy", "--set"], "training.item_block=9"],
            "has neither; leave it out",
        ),
    ],
)
def test_mistakes_about_seeds_stacks_and_precision(words, tmp_path, capfd, typed, said):
    assert said in mistake(capfd, *words(), *typed, "--out", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
