"""Padding rows told by the matrix's name in RecBole's models, by zeros, and by an optimizer's moments."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from checkpoints import Called, Global, tensor, write_checkpoint

from degen.embeddings import load_matrix
from degen.errors import UserError

N, USERS = 7, 5
TABLE = np.repeat(np.arange(1.0, N + 1, dtype=np.float32)[:, None], 3, axis=1)

NEUMF = {
    "user_mf_embedding.weight": (USERS, 3),
    "item_mf_embedding.weight": (N, 3),
    "user_mlp_embedding.weight": (USERS, 3),
    "item_mlp_embedding.weight": (N, 3),
    "mlp_layers.mlp_layers.1.weight": (4, 6),
    "predict_layer.weight": (1, 7),
}
FPMC = {
    "UI_emb.weight": (USERS, 3),
    "IU_emb.weight": (N, 3),
    "LI_emb.weight": (N, 3),
    "IL_emb.weight": (N, 3),
}
REPEATNET = {
    "item_matrix.weight": (N, 3),
    "gru.weight_ih_l0": (9, 3),
    "repeat_explore_mechanism.Wre.weight": (4, 3),
    "explore_recommendation_decoder.matrix_for_explore.weight": (N, 6),
}
MULTIVAE = {"encoder.0.weight": (4, N), "encoder.2.weight": (6, 4), "decoder.0.weight": (4, 3)}
MULTIVAE |= {"decoder.2.weight": (N, 4)}
CDAE = {"h_user.weight": (USERS, 3), "h_item.weight": (3, N), "out_layer.weight": (N, 3)}
SASREC = {"item_embedding.weight": (N, 3), "position_embedding.weight": (N, 3), "trm_encoder.w": (3, 3)}
TABLES = {"token_embedding_table.embedding.weight": (N, 3), "mlp_layers.mlp_layers.1.weight": (N, 4)}


def recbole(path, model, shapes, *, config=True):
    """A checkpoint as RecBole saves it; each matrix has its row number, from 1, in all columns."""
    weights, storages = {}, {}
    for number, (name, shape) in enumerate(shapes.items()):
        weights[name] = tensor(str(number), shape)
        rows = np.arange(1, shape[0] + 1, dtype=np.float32)
        storages[str(number)] = np.repeat(rows[:, None], shape[1], axis=1)
    settings = {"final_config_dict": {"model": model}}
    described = {
        "config": Called(Global("recbole.config.configurator", "Config"), state=settings),
        "epoch": 3,
        "state_dict": weights,
        "other_parameter": None,
    }
    return write_checkpoint(path, described if config else weights, storages, protocol=4)


def first_rows(path, key=None, **options):
    matrix = load_matrix(path, key, **options)
    return [int(row) for row in matrix.values[:, 0]], " ".join(matrix.notes)


WITHOUT = list(range(2, N + 1))


@pytest.mark.parametrize("config", [True, False])
@pytest.mark.parametrize(
    ("model", "shapes", "keys"),
    [
        ("NeuMF", NEUMF, ["item_mf_embedding.weight", "item_mlp_embedding.weight"]),
        ("FPMC", FPMC, ["IU_emb.weight", "LI_emb.weight", "IL_emb.weight"]),
        ("RepeatNet", REPEATNET, ["item_matrix.weight"]),
    ],
)
def test_matrices_of_recbole_under_other_names(tmp_path, model, shapes, keys, config):
    path = recbole(tmp_path / "m.pth", model, shapes, config=config)
    for key in keys:
        rows, note = first_rows(path, key)
        assert rows == WITHOUT
        assert f"{key} of RecBole's {model}, without rows that are no items (0)" in note
        assert first_rows(path, key, skip_rows="none") == (list(range(1, N + 1)), "")
    if len(keys) == 1:
        assert first_rows(path)[0] == WITHOUT
    else:
        with pytest.raises(UserError, match="choose one with `key`"):
            load_matrix(path)


@pytest.mark.parametrize(
    ("model", "shapes", "key"),
    [("MultiVAE", MULTIVAE, "decoder.2.weight"), ("CDAE", CDAE, "out_layer.weight")],
)
def test_output_layers_of_recboles_autoencoders(tmp_path, model, shapes, key):
    path = recbole(tmp_path / "m.pth", model, shapes)
    for asked in (None, key):
        rows, note = first_rows(path, asked)
        assert rows == WITHOUT
        assert f"{key} of RecBole's {model}" in note
    other = "encoder.2.weight" if model == "MultiVAE" else "h_item.weight"
    assert first_rows(path, other) == (list(range(1, shapes[other][0] + 1)), "")


def test_users_positions_and_matrices_of_the_items_size(tmp_path):
    path = recbole(tmp_path / "m.pth", "FPMC", FPMC)
    rows, note = first_rows(path, "UI_emb.weight")
    assert rows == [2, 3, 4, 5]
    assert "users" in note
    path = recbole(tmp_path / "m.pth", "SASRec", SASREC)
    assert first_rows(path)[0] == WITHOUT
    assert first_rows(path, "position_embedding.weight") == (list(range(1, N + 1)), "")
    path = recbole(tmp_path / "m.pth", "RepeatNet", REPEATNET)
    rows, note = first_rows(path, "explore_recommendation_decoder.matrix_for_explore.weight")
    assert rows == WITHOUT
    assert "as many rows" in note
    assert first_rows(path, "gru.weight_ih_l0")[0] == list(range(1, 10))


def test_a_matrix_of_recbole_that_cannot_be_told_keeps_its_rows_with_a_note(tmp_path):
    path = recbole(tmp_path / "m.pth", "DeepFM", TABLES)
    rows, note = first_rows(path, "token_embedding_table.embedding.weight")
    assert rows == list(range(1, N + 1))
    assert "with all rows" in note
    assert "`skip_rows='first'`" in note


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_rows_of_zeros_at_the_ends_of_weights(tmp_path, suffix):
    from safetensors.torch import save_file

    path, save = tmp_path / f"m{suffix}", save_file if suffix == ".safetensors" else torch.save
    weights = torch.from_numpy(TABLE.copy())
    for zero, left in (((0,), WITHOUT), ((6,), WITHOUT[:-1]), ((0, 6), WITHOUT[:-1])):
        changed = weights.clone()
        changed[list(zero)] = 0
        save({"vectors": changed, "bias": torch.ones(3)}, path)
        rows, note = first_rows(path)
        assert rows == (left if 0 in zero else list(range(1, N)))
        assert f"left out {', '.join(map(str, zero))}" in note
        assert "`skip_rows='none'`" in note
        assert len(first_rows(path, skip_rows="none")[0]) == N
    # An item that looks the same: nothing is left out.
    changed[[0, 3]] = 0
    changed[6] = 1
    save({"vectors": changed}, path)
    rows, note = first_rows(path)
    assert len(rows) == N
    assert "cannot be told" in note
    assert "1 others" in note


def test_rows_of_zeros_that_have_ids_are_items(tmp_path):
    weights = torch.from_numpy(TABLE.copy())
    weights[0] = 0
    torch.save({"vectors": weights}, tmp_path / "item_embeddings.pt")
    (tmp_path / "items.txt").write_text("".join(f"i{row}\n" for row in range(N)))
    rows, note = first_rows(tmp_path / "item_embeddings.pt")
    assert len(rows) == N
    assert "first row is all zeros" in note


def trained(path, rows, *, optimizer=torch.optim.Adam, name="optimizer", listed=False):
    """Train an embedding without a padding index, of which some rows are used, and save both."""
    torch.manual_seed(0)
    tables = {"user_table": torch.nn.Embedding(N, 4), "item_table": torch.nn.Embedding(N, 4)}
    model = torch.nn.ModuleDict(tables)
    steps = optimizer(model.parameters(), lr=0.1)
    loss = model["item_table"](torch.tensor(rows)).sum() + model["user_table"](torch.arange(N)).sum()
    loss.backward()
    steps.step()
    held = [steps.state_dict()] if listed else steps.state_dict()
    torch.save({"state_dict": model.state_dict(), name: held}, path)
    return model["item_table"].weight.detach().numpy()


@pytest.mark.parametrize(
    "more",
    [{}, {"name": "optimizer_states", "listed": True}, {"optimizer": torch.optim.Adagrad}],
)
def test_a_row_that_the_optimizer_never_updated(tmp_path, more):
    path = tmp_path / "m.pt"
    whole = trained(path, range(1, N), **more)
    matrix = load_matrix(path, "item_table.weight")
    np.testing.assert_array_equal(matrix.values, whole[1:])
    assert "never trained" in matrix.notes[0]
    assert "left out 0" in matrix.notes[0]
    # All rows of the other matrix of this shape were trained.
    users = load_matrix(path, "user_table.weight")
    assert (len(users.values), users.notes) == (N, ())


def test_items_that_were_never_trained_either_keep_the_row(tmp_path):
    path = tmp_path / "m.pt"
    trained(path, [1, 2, 4, 5, 6])
    matrix = load_matrix(path, "item_table.weight")
    assert len(matrix.values) == N
    assert "cannot be told" in matrix.notes[0]


def test_moments_that_may_belong_to_another_matrix_say_nothing(tmp_path):
    path = tmp_path / "m.pt"
    trained(path, range(1, N))
    saved = torch.load(path, weights_only=True)
    saved["state_dict"]["copy.weight"] = torch.ones(N, 4)
    torch.save(saved, path)
    assert load_matrix(path, "item_table.weight").notes == ()


def test_names_in_notes_are_shown_without_controls(tmp_path):
    path = recbole(tmp_path / "m.pth", "Fa\x1b]0;x\x07ke\n", SASREC)
    [note] = load_matrix(path).notes
    assert "\x1b" not in note
    assert "\n" not in note
    assert r"Fa\x1b]0;x\x07ke\n" in note
