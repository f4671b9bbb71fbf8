"""The configuration: what wins over what, what is refused and how, and that no key is dead."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import degen
from degen.cli.options import parse_assignments
from degen.cli.wording import as_typed
from degen.config.facts import KEYS as FACTS
from degen.config.facts import OPTIONS, sentence
from degen.config.key_names import key_named
from degen.config.schema import Config
from degen.config.settle import DROPOUTS, OFFICIAL, by_group, merge, settle
from degen.errors import UserError

PACKAGE = Path(degen.__file__).parent
KEYS = [(group, key) for group, field in Config.model_fields.items() for key in field.annotation.model_fields]
# The paper's settings (§5.1.4) and, beside them, those of the authors' released code.
PAPER = {
    "reduction": "sum",
    "same_target_negatives": False,
    "padding_class": False,
    "epochs": 100,
    "stop_on": "NDCG@10",
    "patience": 10,
    "stop_decimals": None,
    "definition": "paper",
}
RELEASED = {
    "reduction": "mean",
    "same_target_negatives": True,
    "padding_class": True,
    "epochs": 50,
    "stop_on": "MRR@10",
    "patience": 11,
    "stop_decimals": 4,
    "definition": "official",
}


def flat(config: Config) -> dict[str, object]:
    return {key: value for keys in config.model_dump().values() for key, value in keys.items()}


def of_recipe(config: Config) -> dict[str, object]:
    return {key: flat(config)[key] for key in PAPER}


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "my.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# What wins over what


def test_the_defaults_are_the_papers_settings():
    settled = flat(settle())
    expected = PAPER | {
        "dim": 64,
        "layers": 2,
        "heads": 2,
        "feed_forward": 256,
        "max_length": 50,
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
        "lambda": 0.1,
        "temperature": 1.0,
        "similarity": "dot",
        "rec_loss": "ce",
        "batch_size": 256,
        "learning_rate": 1e-3,
        "patience": 10,
        "min_epochs": 1,
        "crop_rate": 0.6,
        "mask_rate": 0.3,
        "reorder_rate": 0.6,
        "probe_samples": 4096,
        "recipe": "paper",
        **dict.fromkeys(DROPOUTS, 0.5),
    }
    assert {key: settled[key] for key in expected} == expected


def test_a_file_wins_over_defaults_and_options_win_over_a_file(file):
    path = file("[training]\nepochs = 7\nseed = 3\n[model]\ndim = 32\n")
    settled = flat(settle(path, by_group({"seed": 4, "dropout": 0.1})))
    assert (settled["epochs"], settled["seed"], settled["dim"]) == (7, 4, 32)
    assert settled["attention_dropout"] == 0.1
    assert settled["patience"] == 10


def test_the_official_recipe_is_the_released_codes():
    assert of_recipe(settle(options=by_group({"recipe": "official"}))) == RELEASED


def test_a_recipe_named_by_a_file_stands_below_the_files_own_keys(file):
    path = file('[objective]\nrecipe = "official"\nreduction = "sum"\n[training]\nepochs = 20\n')
    assert of_recipe(settle(path)) == RELEASED | {"reduction": "sum", "epochs": 20}


def test_an_option_wins_over_the_recipe_beside_it():
    settled = settle(options=by_group({"recipe": "official", "epochs": 3, "padding_class": False}))
    assert of_recipe(settled) == RELEASED | {"epochs": 3, "padding_class": False}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("paper", "official", RELEASED), ("official", "paper", PAPER)],
)
def test_a_recipe_as_option_wins_over_a_settled_file(file, before, after, expected):
    old = settle(options=by_group({"recipe": before, "seed": 5}))
    new = settle(file(old.toml()), by_group({"recipe": after}))
    assert of_recipe(new) == expected
    assert flat(new)["recipe"] == after
    assert flat(new)["seed"] == 5


def test_the_recipes_differ_only_where_they_are_named():
    paper, official = flat(settle()), flat(settle(options=by_group({"recipe": "official"})))
    assert {key for key in paper if paper[key] != official[key]} == {*RELEASED, "recipe"}


def test_settling_changes_neither_options_nor_recipes():
    options = by_group({"recipe": "official", "epochs": 3})
    settle(options=options)
    assert options == {"objective": {"recipe": "official"}, "training": {"epochs": 3}}
    assert OFFICIAL["training"]["epochs"] == 50


def test_merge_keeps_what_is_not_replaced():
    base = {"training": {"seed": 1, "epochs": 2}}
    merged = merge(base, {"training": {"seed": 9}, "model": {"dim": 8}})
    assert merged == {"training": {"seed": 9, "epochs": 2}, "model": {"dim": 8}}
    assert base == {"training": {"seed": 1, "epochs": 2}}


# In and out


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"recipe": "official", "variant": "ucl+scl", "epochs": 4},
        {"columns": {"user": "who", "item": "0", "time": "when, exactly"}, "min_user": 0, "name": 'a "b" ü'},
        {"adam_eps": 1e-9, "learning_rate": 3e-05, "max_steps": 10, "threads": 2, "users": 100, "items": 50},
        {"dropout": 0.0, "engine": "plain", "device": "cuda:1", "deterministic": True, "keep_embeddings": 5},
    ],
)
def test_a_written_configuration_settles_to_itself(tmp_path, settings):
    config = settle(options=by_group(settings))
    config.write(tmp_path / "config.toml")
    assert settle(tmp_path / "config.toml") == config


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "lambda": st.floats(0, 1e6),
            "temperature": st.floats(1e-6, 1e6),
            "seed": st.integers(0, 2**63 - 1),
            "hidden_dropout": st.floats(0, 0.999),
            "dataset": st.text(st.characters(codec="utf-8"), min_size=1),
            "recipe": st.sampled_from(["paper", "official"]),
            "reduction": st.sampled_from(["sum", "mean"]),
            "stop_on": st.sampled_from(["HR@5", "MRR@20"]),
            "max_steps": st.integers(1, 10**9),
        },
    )
)
def test_numbers_and_texts_come_back_exactly(settings):
    config = settle(options=by_group(settings))
    written = tomllib.loads(config.toml())
    assert Config.model_validate(written) == config
    assert all(written[group][key] == getattr(getattr(config, group), key) for group, key in named(written))


def named(values):
    return [(group, key) for group, keys in values.items() for key in keys]


def test_a_settled_configuration_states_every_key_that_is_set():
    written = tomllib.loads(settle().toml())
    assert set(named(written)) == {
        (group, key) for group, key in KEYS if getattr(getattr(Config(), group), key) is not None
    }


# What is refused


@pytest.mark.parametrize(
    ("text", "wrong", "near"),
    [
        ("[trainng]\nseed = 1\n", "[trainng]", "'training'"),
        ("[training]\nepoch = 1\n", "training.epoch", "'epochs'"),
        ("[objective]\nlam = 1\n", "objective.lam", "lambda"),
        ("[model]\ndropuot = 0.1\n", "model.dropuot", "dropout'"),
        ('[objective]\nrecipe = "offical"\n', "objective.recipe (--recipe)", "'official'"),
        ('[objective]\nsimilarity = "cosin"\n', "--similarity", "'cosine'"),
        ('[objective]\nrec_loss = "bcr"\n', "--rec-loss", "'bpr'"),
        ('[training]\nstop_on = "NDGC@10"\n', "--stop-on", "'NDCG@10'"),
        ('[model]\nengine = "quick"\n', "--engine", "plain"),
        ('[training]\ndevice = "gpu"\n', "--device", "cuda"),
    ],
)
def test_a_wrong_name_in_a_file_gets_the_nearest(file, text, wrong, near):
    path = file(text)
    with pytest.raises(UserError) as error:
        settle(path)
    message = as_typed(str(error.value))
    assert str(path) in message
    assert wrong in message
    assert near in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("settings", "option"),
    [
        ({"epochs": 0}, "--epochs"),
        ({"lambda": -0.1}, "--lambda"),
        ({"temperature": 0}, "--temperature"),
        ({"dropout": 1.0}, "--dropout"),
        ({"dropout": -0.1}, "--dropout"),
        ({"learning_rate": 0}, "--learning-rate"),
        ({"learning_rate": float("nan")}, "--learning-rate"),
        ({"lambda": float("inf")}, "--lambda"),
        ({"batch_size": 0}, "--batch-size"),
        ({"max_steps": 0}, "--max-steps"),
        ({"steps_per_epoch": -1}, "--steps-per-epoch"),
        ({"keep_embeddings": 0}, "--keep-embeddings"),
        ({"threads": 0}, "--threads"),
        ({"seed": -1}, "--seed"),
        ({"dim": 0}, "--dim"),
        ({"max_length": 0}, "--max-length"),
        ({"negatives": 0}, "--negatives"),
        ({"patience": 0}, "--patience"),
        ({"min_user": -1}, "--min-user"),
        ({"mask_rate": 1.1}, "objective.mask_rate"),
        ({"crop_rate": 0}, "objective.crop_rate"),
        ({"adam_beta1": 1.0}, "training.adam_beta1"),
        ({"probe_samples": 1}, "evaluation.probe_samples"),
        ({"epochs": 2.5}, "--epochs"),
        ({"epochs": "many"}, "--epochs"),
        ({"device": "cuda:x"}, "--device"),
        ({"dataset": ""}, "--dataset"),
    ],
)
def test_a_value_out_of_range_names_its_option_and_itself(settings, option):
    with pytest.raises(UserError) as error:
        settle(options=by_group(settings))
    (value,) = settings.values()
    assert option in as_typed(str(error.value))
    assert "--" not in str(error.value)
    assert repr(value) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_option_is_not_blamed_on_the_file(file):
    path = file("[training]\nseed = 1\n")
    with pytest.raises(UserError) as error:
        settle(path, by_group({"epochs": 0}))
    assert "my.toml" not in str(error.value)


def test_heads_that_do_not_divide_the_dimension_are_refused():
    with pytest.raises(UserError, match=r"model.heads = 3 .* model.dim = 8"):
        settle(options=by_group({"dim": 8, "heads": 3}))


@pytest.mark.parametrize(
    ("text", "says"),
    [("seed = 1\n", "'seed'"), ("[training\n", "TOML"), ("[training]\nseed = \n", "TOML")],
)
def test_a_file_that_is_no_configuration(file, text, says):
    path = file(text)
    with pytest.raises(UserError) as error:
        settle(path)
    assert str(path) in str(error.value)
    assert says in str(error.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        settle(tmp_path / "none.toml")
    with pytest.raises(UserError, match="cannot be read"):
        settle(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match="cannot be read"):
        settle(tmp_path / "binary.toml")


def test_a_configuration_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        settle().training.seed = 3


# Keys without their groups


def test_keys_are_sorted_into_their_groups():
    assert by_group({"epochs": 1, "variant": "scl", "dim": 8, "probe_seed": 2, "users": 9}) == {
        "training": {"epochs": 1},
        "objective": {"variant": "scl"},
        "model": {"dim": 8},
        "evaluation": {"probe_seed": 2},
        "data": {"users": 9},
    }


def test_no_key_stands_in_two_groups():
    names = [key for _, key in KEYS]
    assert len(set(names)) == len(names)


def test_dropout_stands_for_those_of_the_three_that_are_not_given():
    assert by_group({"dropout": 0.3, "hidden_dropout": 0.1}) == {
        "model": {"embedding_dropout": 0.3, "hidden_dropout": 0.1, "attention_dropout": 0.3}
    }
    assert by_group({"dropout": None}) == {}


def test_an_unknown_key_without_group_gets_the_nearest():
    with pytest.raises(UserError, match=r"'leaning_rate'.*'learning_rate'"):
        by_group({"leaning_rate": 1})


# --set


def test_assignments_are_toml_values_or_bare_words():
    values = parse_assignments(
        [
            "training.adam_eps=1e-6",
            " objective.crop_rate = 0.5",
            "objective.padding_class=true",
            "data.name=my log",
            'data.dataset="a=b.csv"',
            "training.seed=3",
            "training.seed=4",
        ]
    )
    assert values == {
        "training": {"adam_eps": 1e-6, "seed": 4},
        "objective": {"crop_rate": 0.5, "padding_class": True},
        "data": {"name": "my log", "dataset": "a=b.csv"},
    }


@pytest.mark.parametrize("text", ["training.seed", "seed=3", "=3", "", "training=3"])
def test_an_assignment_of_another_form_is_refused(text):
    with pytest.raises(UserError, match=r"group\.key=value"):
        parse_assignments([text])


def test_an_assignment_to_an_unknown_group_gets_the_nearest():
    with pytest.raises(UserError, match=r"'trainig'.*'training'"):
        parse_assignments(["trainig.seed=3"])


# One sentence a key, one option a key


@pytest.mark.parametrize(("group", "key"), KEYS)
def test_every_key_has_a_sentence(group, key):
    text = sentence(key)
    assert FACTS[key][0] == group
    assert text.endswith(".")
    assert len(text) < 130


def test_the_names_of_options():
    named_otherwise = {"lambda": "--lambda", "gamma": "--gamma"}
    for key, option in OPTIONS.items():
        assert option == named_otherwise.get(key, "--" + key.replace("_", "-"))
    assert "adam_eps" not in OPTIONS


# No dead key


def reads_of(holder: str, room: str, *, group: str = "") -> set[str]:
    """Names read from a parameter annotated `holder`, from `….group`, or from a name that stands for either,
    in the files of one room, or in `build.py`.
    """
    found = set()
    for path in PACKAGE.glob(f"{room}.py") if room == "build" else (PACKAGE / room).rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        standing_for = {
            n.arg
            for n in nodes
            if isinstance(n, ast.arg) and n.annotation and holder in ast.unparse(n.annotation)
        }
        for node in nodes:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple | ast.Name):
                pairs = zip(parts(node.targets[0]), parts(node.value), strict=False)
                standing_for |= {t.id for t, v in pairs if isinstance(v, ast.Attribute) and v.attr == group}
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                value = node.value
                held = isinstance(value, ast.Name) and value.id in standing_for
                if held or (isinstance(value, ast.Attribute) and value.attr == group):
                    found.add(node.attr)
    return found


def parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


@pytest.mark.parametrize("group", ["objective", "training", "evaluation"])
def test_every_key_of_training_is_read(group):
    read = set()
    for room in ("training", "evaluation"):
        read |= reads_of(f"{group.capitalize()}Config", room, group=group)
    # The recipe is settled into other keys by degen.config.settle, and shown as a run begins.
    read |= reads_of("Config", "cli", group=group) & {"recipe"}
    assert {key for home, key in KEYS if home == group} <= {key_named(name) for name in read}


def test_every_key_of_the_data_is_read():
    # All but these go to DataOptions under their own names.
    own = {"dataset", "name", "fingerprint", "data_seed"}
    assert own <= reads_of("DataConfig", "build", group="data")
    assert {key for home, key in KEYS if home == "data"} - own <= reads_of("DataOptions", "data")


def test_every_key_of_the_model_is_used_by_the_encoder():
    # All of them are handed to the constructor by name.
    tree = ast.parse((PACKAGE / "model" / "encoders" / "parameters.py").read_text(encoding="utf-8"))
    (encoder,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "EncoderParameters"]
    (init,) = [n for n in encoder.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    used = {n.id for n in ast.walk(init) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    assert {key for home, key in KEYS if home == "model"} <= used
