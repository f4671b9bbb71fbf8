"""Rows of a checkpoint that are not items, for each project's names of weights; row i holds only i."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from checkpoints import Called, Global, pickled, tensor, write_checkpoint

from degen.embeddings import load_matrix
from degen.embeddings.known_projects import parse_rows
from degen.errors import UserError

N = 7
TABLE = torch.arange(1.0, N + 1)[:, None].expand(N, 3).clone()


def state(**names):
    """Weights by name, dots written __; True is the item matrix, a shape another one."""
    return {
        name.replace("__", "."): TABLE if what is True else torch.ones(what) for name, what in names.items()
    }


def rows(path, **options):
    """Return the rows of the item matrix that were taken."""
    matrix = load_matrix(path, **options)
    return [int(row) - 1 for row in matrix.values[:, 0]], " ".join(matrix.notes)


RECBOLE = state(
    item_embedding__weight=True, position_embedding__weight=(5, 3), trm_encoder__layer__0__w=(3, 3)
)
BERT4REC = {**RECBOLE, "output_ffn.weight": torch.ones(3, 3), "output_bias": torch.ones(6)}
PMIXER = state(item_emb__weight=True, pos_emb__weight=(5, 3), attention_layers__0__in_proj_weight=(9, 3))
SELFREC = state(item_emb=True, pos_emb=(5, 3), attention_layers__0__in_proj_weight=(9, 3))
DESCENDANT = state(
    item_embeddings__weight=True,
    position_embeddings__weight=(5, 3),
    item_encoder__layer__0__attention__query__weight=(3, 3),
)
S3REC = {**DESCENDANT, "attribute_embeddings.weight": torch.ones(4, 3), "mip_norm.weight": torch.ones(3, 3)}
GSASREC = state(
    item_embedding__weight=True,
    position_embedding__weight=(5, 3),
    transformer_blocks__0__w=(3, 3),
    seq_norm__weight=(3,),
)
SSLREC = state(
    emb_layer__token_emb__weight=True, emb_layer__position_emb__weight=(5, 3), transformer_layers__0__w=(3, 3)
)
DCREC = {**SSLREC, "layernorm.weight": torch.ones(3)}
MASK = "`skip_rows='first,last'`"


@pytest.mark.parametrize(
    ("weights", "out", "project", "doubt"),
    [
        (RECBOLE, [0], "RecBole", True),
        (BERT4REC, [0, 6], "RecBole", False),
        (PMIXER, [0], "SASRec.pytorch", False),
        (SELFREC, [0], "SELFRec", True),
        (DESCENDANT, [0], "descendant of S3Rec", True),
        (S3REC, [0, 6], "S3Rec", False),
        (GSASREC, [0, 6], "gSASRec-pytorch", False),
        (SSLREC, [0, 6], "SSLRec", False),
        (DCREC, [0], "SSLRec", True),
    ],
)
@pytest.mark.parametrize("wrap", [False, True])
def test_projects_told_by_the_names_of_their_weights(tmp_path, weights, out, project, doubt, wrap):
    path = tmp_path / "m.pth"
    torch.save({f"module.{name}": value for name, value in weights.items()} if wrap else weights, path)
    taken, note = rows(path)
    assert taken == [row for row in range(N) if row not in out]
    assert project in note
    assert f"({', '.join(map(str, out))})" in note
    assert "`skip_rows='none'`" in note
    assert (MASK in note) is doubt


@pytest.mark.parametrize("prefix", ["", "state_dict"])
def test_options_overrule_the_table(tmp_path, prefix):
    path = tmp_path / "m.pth"
    torch.save({prefix: S3REC} if prefix else S3REC, path)
    for text, out in (
        ("none", []),
        ("first", [0]),
        ("last", [6]),
        ("0,-1,3", [0, 3, 6]),
        (" First , 2", [0, 2]),
    ):
        assert rows(path, skip_rows=text) == ([row for row in range(N) if row not in out], "")
    assert rows(path, key="item_embeddings.weight")[0] == [1, 2, 3, 4, 5]
    # Another array of the same file has no such rows.
    assert load_matrix(path, "position_embeddings.weight").values.shape == (5, 3)


def recbole(path, model, **config):
    """As RecBole saves it: protocol 4, the weights under state_dict, beside them an object of its class."""
    config = {"model": model, "user_inter_num_interval": "[0,inf)", **config}
    weights = {"item_embedding.weight": tensor("0", (N, 3)), "trm_encoder.w": tensor("1", (3, 3))}
    described = {
        "config": Called(
            Global("recbole.config.configurator", "Config"),
            state={"final_config_dict": config, "compatibility": {}},
        ),
        "epoch": 3,
        "cur_step": 0,
        "best_valid_score": Called(Global("numpy", "float64"), 0.25),
        "state_dict": weights,
        "other_parameter": None,
        "optimizer": {"state": {0: {"exp_avg": tensor("2", (N, 3))}}},
    }
    storages = {"0": TABLE.numpy(), "1": np.ones(9, "f4"), "2": np.zeros(N * 3, "f4")}
    return write_checkpoint(path, described, storages, protocol=4, order=None)


@pytest.mark.parametrize(
    ("model", "out"),
    [("SASRec", [0]), ("DuoRec", [0]), ("GRU4Rec", [0]), ("BERT4Rec", [0, 6]), ("CL4SRec", [0, 6])],
)
def test_recbole_says_its_model(tmp_path, model, out):
    taken, note = rows(recbole(tmp_path / "m.pth", model))
    assert taken == [row for row in range(N) if row not in out]
    assert f"RecBole's {model}" in note
    assert MASK not in note


def test_recboles_filter_tells_how_its_items_are_numbered(tmp_path):
    path = tmp_path / "m.pth"
    intervals = {"user_inter_num_interval": "[3,inf)", "item_inter_num_interval": "[2, inf)"}
    assert load_matrix(recbole(path, "SASRec", **intervals)).cores == ((3, 2),)
    assert load_matrix(recbole(path, "SASRec")).cores == ((0, 0), (5, 5))
    intervals["item_inter_num_interval"] = "(4,100]"
    assert load_matrix(recbole(path, "SASRec", **intervals)).cores == ((0, 0), (5, 5))
    torch.save(PMIXER, path)
    assert load_matrix(path).cores == ()


@pytest.mark.parametrize("n_items", [5, 6, 7])
def test_warprec_says_how_many_items_it_has(tmp_path, n_items):
    path = tmp_path / "m.pth"
    weights = state(item_embedding__weight=True, position_embedding__weight=(5, 3), causal_mask=(5, 5))
    torch.save({"name": "CL4SRec", "params": {}, "info": {"n_items": n_items}, "state_dict": weights}, path)
    taken, note = rows(path)
    assert taken == list(range(n_items))
    assert ("WarpRec" in note) is (n_items < N)


@pytest.mark.parametrize("tokens", [("PAD",), ("PAD", "MASK")])
@pytest.mark.parametrize("external", ["objects", "numbers"])
def test_rectools_says_its_extra_tokens_and_its_ids(tmp_path, tokens, external):
    path = tmp_path / "m.ckpt"
    names = [*tokens, *range(100, 100 + N - len(tokens))]
    ids = np.array(names, dtype=object) if external == "objects" else np.arange(N, dtype=np.int64)
    hyper = {"item_extra_tokens": tokens, "item_external_ids": ids, "lr": 0.1}
    weights = state(torch_model__item_model__item_net_blocks__0__ids_emb__weight=True, other__weight=(9, 3))
    torch.save({"state_dict": weights, "hyper_parameters": hyper, "optimizer_states": []}, path)
    matrix = load_matrix(path)
    assert [int(row) - 1 for row in matrix.values[:, 0]] == list(range(len(tokens), N))
    assert matrix.ids == [str(name) for name in ids.tolist()[len(tokens) :]]
    assert "RecTools" in matrix.notes[0]


def test_both_matrices_of_gsasrec_are_item_matrices_so_one_is_to_be_chosen(tmp_path):
    path = tmp_path / "m.pt"
    torch.save({**GSASREC, "output_embedding.weight": TABLE * 2}, path)
    with pytest.raises(UserError, match="choose one with `key`"):
        load_matrix(path)
    assert load_matrix(path, "output_embedding.weight").values[:, 0].tolist() == [4, 6, 8, 10, 12]


def test_a_file_of_nobody_known_is_taken_whole_and_zeros_at_its_ends_are_named(tmp_path):
    path = tmp_path / "m.npy"
    values = TABLE.numpy().copy()
    np.save(path, values)
    assert rows(path) == (list(range(N)), "")
    values[0] = 0
    np.save(path, values)
    assert "first row is all zeros" in rows(path)[1]
    values[-1] = 0
    np.save(path, values)
    assert "`skip_rows='last'`" in rows(path)[1]
    assert rows(path, skip_rows="first,last") == ([1, 2, 3, 4, 5], "")


def test_ids_go_with_their_rows(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("".join(f"i{row},{row},1\n" for row in range(4)))
    assert load_matrix(path, skip_rows="1,-1").ids == ["i0", "i2"]


def test_rows_that_there_are_not(tmp_path):
    path = tmp_path / "m.npy"
    np.save(path, TABLE.numpy())
    for text, words in (
        ("7", "7 rows, so no row 7"),
        ("-8", "no row -8"),
        ("firts", "not 'firts'"),
        ("", "not ''"),
        ("none,1", "not 'none,1'"),
        ("0,1,2,3,4,5,6", "keep at least one"),
    ):
        with pytest.raises(UserError, match=words):
            load_matrix(path, skip_rows=text)
    assert parse_rows("first,last") == (0, -1)


def test_rectools_save_has_its_checkpoint_inside(tmp_path):
    weights = state(torch_model__item_model__item_net_blocks__0__ids_emb__weight=True, other__weight=(9, 3))
    hyper = {"item_extra_tokens": ("PAD",), "item_external_ids": np.arange(N, dtype=np.int64)}
    checkpoint = io.BytesIO()
    torch.save({"state_dict": weights, "hyper_parameters": hyper, "optimizer_states": []}, checkpoint)
    module = "rectools.models.nn.transformers.sasrec"
    made = Called(Global(module, "SASRecModel"), state={"fitted_checkpoint": checkpoint.getvalue()})
    path = tmp_path / "sasrec.save"
    path.write_bytes(pickled(made, 5))
    matrix = load_matrix(path)
    assert matrix.ids == [str(row) for row in range(1, N)]
    np.testing.assert_array_equal(matrix.values, TABLE[1:].numpy())
    made.state = {"fitted_checkpoint": checkpoint.getvalue()[:-9]}
    path.write_bytes(pickled(made, 5))
    with pytest.raises(UserError, match=r"not a \.save file of numbers"):
        load_matrix(path)
    # Its other models are objects with arrays.
    factors = {"item_factors": TABLE.numpy(), "user_factors": TABLE[:5].numpy()}
    inner = Called(Global("implicit.cpu.als", "AlternatingLeastSquares"), state=factors)
    path.write_bytes(pickled(Called(Global("rectools.models", "ALS"), state={"model": inner}), 5))
    assert load_matrix(path, "item_factors").values.shape == (N, 3)
