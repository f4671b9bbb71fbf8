"""Folders of Hugging Face: weights in one file or in parts, and the tokenizer's tokens as ids."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from degen.embeddings import load_matrix
from degen.embeddings.select import select
from degen.errors import UserError

N = 9
VALUES = np.arange(1, 28, dtype=np.float32).reshape(N, 3)
TOKENS = ["[PAD]", "[UNK]", "the", "##s", "日本", "e", "f"]
WEIGHTS = {
    "bert.embeddings.word_embeddings.weight": VALUES,
    "bert.embeddings.position_embeddings.weight": np.ones((20, 3), "f4"),
    "bert.encoder.layer.0.w": np.ones((3, 3), "f4"),
}
SPECIAL = ["[UNK]", "[PAD]"]
NAME = "bert.embeddings.word_embeddings.weight"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert", "vocab_size": 9}')
    return tmp_path


def in_parts(folder, suffix="safetensors", **changed):
    """Save each weight in a part of its own, with an index."""
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    places = {}
    for number, (name, values) in enumerate(WEIGHTS.items(), start=1):
        part = f"{stem}-{number:05}-of-{len(WEIGHTS):05}.{suffix}"
        if suffix == "safetensors":
            save_file({name: values}, folder / part)
        else:
            torch.save({name: torch.from_numpy(values)}, folder / part)
        places[name] = part
    index = {"metadata": {"total_size": 1}, "weight_map": places | changed}
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps(index))
    return places


def refused(folder, *words, key=None):
    with pytest.raises(UserError) as caught:
        load_matrix(folder, key)
    for word in (str(folder), *words):
        assert word in str(caught.value)


def test_one_file_parts_and_pytorchs_own(folder):
    save_file(WEIGHTS, folder / "model.safetensors")
    np.testing.assert_array_equal(load_matrix(folder).values, VALUES)
    assert load_matrix(folder, "position_embeddings.weight").values.shape == (20, 3)
    (folder / "model.safetensors").unlink()
    for suffix in ("safetensors", "bin"):
        in_parts(folder, suffix)
        matrix = load_matrix(folder)
        np.testing.assert_array_equal(matrix.values, VALUES)
        assert NAME in matrix.notes[0]
        refused(folder, "did you mean", key="word_embedding.weight")
        for part in folder.glob("*model*"):
            part.unlink()
    torch.save(
        {name: torch.from_numpy(values) for name, values in WEIGHTS.items()}, folder / "pytorch_model.bin"
    )
    np.testing.assert_array_equal(load_matrix(folder).values, VALUES)


@pytest.mark.parametrize(
    "name",
    [
        "wte.weight",
        "transformer.wte.weight",
        "model.embed_tokens.weight",
        "gpt_neox.embed_in.weight",
        "shared.weight",
        "item_embedding.weight",
        "backbone.embeddings.weight",
    ],
)
def test_usual_names_of_the_embedding(folder, name):
    more = {"encoder.embed_tokens.weight": VALUES * 2} if name == "shared.weight" else {}
    save_file({name: VALUES, "lm_head.weight": VALUES * 3, **more}, folder / "model.safetensors")
    np.testing.assert_array_equal(load_matrix(folder).values, VALUES)


def test_embeddings_of_no_usual_name_are_listed(folder):
    save_file({"a": VALUES, "b": VALUES[:4]}, folder / "model.safetensors")
    refused(folder, "2 matrices", "a [9, 3], b [4, 3]")
    two = {"encoder.embed_tokens.weight": VALUES, "decoder.embed_tokens.weight": VALUES}
    save_file(two, folder / "model.safetensors")
    refused(folder, "2 matrices", "`key`")


# ------------------------------------------------------------------------------------------------------- ids


def vocabulary(folder, name):
    numbers = {token: number for number, token in enumerate(TOKENS)}
    plain = {token: number for token, number in numbers.items() if number not in (0, 6)}
    special = [{"id": 0, "content": "[PAD]", "special": True}, {"id": 6, "content": "f", "special": False}]
    contents = {
        "vocab.txt": "\n".join(TOKENS) + "\n",
        "vocab.json": json.dumps(plain),
        "bpe": json.dumps({"model": {"type": "BPE", "vocab": plain}, "added_tokens": special}),
        "unigram": json.dumps({"model": {"type": "Unigram", "vocab": [[token, -1.0] for token in TOKENS]}}),
    }
    if name == "vocab.json":
        (folder / "added_tokens.json").write_text('{"[PAD]": 0, "f": 6}')
    if name not in ("bpe", "unigram"):
        (folder / "special_tokens_map.json").write_text('{"pad_token": {"content": "[PAD]"}, "x": "the"}')
    file = folder / (name if name in ("vocab.txt", "vocab.json") else "tokenizer.json")
    file.write_text(contents[name], encoding="utf-8")


@pytest.mark.parametrize("name", ["vocab.txt", "vocab.json", "bpe", "unigram"])
def test_tokens_are_the_ids_and_rows_without_one_are_left_out(folder, name):
    save_file(WEIGHTS, folder / "model.safetensors")
    vocabulary(folder, name)
    matrix = load_matrix(folder)
    assert matrix.ids == TOKENS
    np.testing.assert_array_equal(matrix.values, VALUES[:7])
    notes = " ".join(matrix.notes)
    assert "left out 7, 8" in notes
    if name != "unigram":
        assert "[PAD] (0)" in notes
        assert "`skip_rows='0'`" in notes
    whole = load_matrix(folder, skip_rows="none")
    assert whole.ids == [*TOKENS, "[no token 7]", "[no token 8]"]
    # Other matrices have no tokens.
    assert load_matrix(folder, "position_embeddings.weight").ids is None


def test_the_library_itself(folder):
    tokenizers = pytest.importorskip("tokenizers", reason="needs tokenizers: pip install tokenizers")
    from tokenizers import models, pre_tokenizers, trainers

    for model, trainer in (
        (models.BPE(unk_token="[UNK]"), trainers.BpeTrainer(special_tokens=SPECIAL)),
        (models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(special_tokens=SPECIAL)),
        (models.Unigram(), trainers.UnigramTrainer(unk_token="[UNK]", special_tokens=SPECIAL)),
    ):
        tokenizer = tokenizers.Tokenizer(model)
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer.show_progress = False
        tokenizer.train_from_iterator(["the cat sat on the mat, kühl und warm"] * 4, trainer)
        tokenizer.add_tokens(["<item_1>", "<item_2>"])
        tokenizer.save(str(folder / "tokenizer.json"))
        n = tokenizer.get_vocab_size()
        rows = np.arange(1, 3 * n + 13, dtype=np.float32).reshape(n + 4, 3)
        save_file({"wte.weight": rows}, folder / "model.safetensors")
        matrix = load_matrix(folder)
        assert matrix.ids == [tokenizer.id_to_token(number) for number in range(n)]
        np.testing.assert_array_equal(matrix.values, rows[:n])
        assert "[UNK] (0), [PAD] (1)" in " ".join(matrix.notes)


def test_tokenizers_that_do_not_fit_or_are_damaged(folder):
    save_file({"wte.weight": VALUES[:5]}, folder / "model.safetensors")
    vocabulary(folder, "vocab.txt")
    matrix = load_matrix(folder)
    assert matrix.ids == TOKENS[:5]
    assert "7 tokens, but the matrix has 5 rows" in " ".join(matrix.notes)
    for content in (
        "",
        "[" * 9999,
        "{}",
        '{"model": {"vocab": {"a": -1}}}',
        '{"model": {"vocab": {"a": "0"}}}',
    ):
        (folder / "tokenizer.json").write_text(content)
        refused(folder, "tokenizer.json", "not a tokenizer's")
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink()
    (folder / "spiece.model").write_bytes(b"\n")
    assert "spiece.model" in " ".join(load_matrix(folder).notes)


# ------------------------------------------------------------------------------ files that lead elsewhere


@pytest.mark.parametrize(
    "part", ["../secret.safetensors", "/etc/passwd", "sub/x.safetensors", "..", "", "a\\b", "a\0b", "C:x"]
)
def test_an_index_leads_to_no_file_outside(folder, part):
    save_file({NAME: VALUES}, folder.parent / "secret.safetensors")
    in_parts(folder, **{NAME: part})
    refused(folder, "not a file of its folder")


def test_links_out_of_the_folder(folder):
    outside = folder.parent / f"{folder.name}-outside.safetensors"
    save_file(WEIGHTS, outside)
    os.symlink(outside, folder / "model.safetensors")
    refused(folder, "a link to a file outside the folder")
    # The library's own cache: snapshots/<revision>/model.safetensors -> ../../blobs/<hash>
    cache = folder / "models--a--b"
    (cache / "blobs").mkdir(parents=True)
    (cache / "snapshots" / "abc").mkdir(parents=True)
    save_file(WEIGHTS, cache / "blobs" / "0123")
    (cache / "snapshots" / "abc" / "config.json").write_text("{}")
    os.symlink("../../blobs/0123", cache / "snapshots" / "abc" / "model.safetensors")
    np.testing.assert_array_equal(load_matrix(cache / "snapshots" / "abc").values, VALUES)


def test_parts_that_are_missing_or_of_another_model(folder):
    places = in_parts(folder)
    (folder / places["bert.encoder.layer.0.w"]).unlink()
    refused(folder, "model-00003-of-00003.safetensors", "bring it along")
    in_parts(folder, **{"bert.pooler.weight": places[NAME]})
    refused(folder, "bert.pooler.weight", "bring along the parts of one model")
    for content in ("", "[1]", '{"weight_map": 5}', '{"weight_map": {"a": 5}}', "[" * 9999):
        (folder / "model.safetensors.index.json").write_text(content)
        refused(folder, "no index of weights")


def test_quantised_embeddings_are_refused(folder):
    save_file({"wte.weight": VALUES.astype(np.int8)}, folder / "model.safetensors")
    refused(folder, "whole numbers", "give the model as float")
    save_file({"wte.weight": VALUES, "wte.weight_scale_inv": VALUES}, folder / "model.safetensors")
    refused(folder, "scales in 'wte.weight_scale_inv'")


def test_a_folder_of_a_model_is_no_folder_of_runs(folder):
    save_file(WEIGHTS, folder / "model.safetensors")
    [source] = select([folder]).sources
    assert source.run is None
    assert source.open().values.shape == (N, 3)


@pytest.mark.parametrize(
    ("name", "words"),
    [(".zgroup", "zarr.open"), ("zarr.json", "zarr.open"), (".metadata", "dcp_to_torch")],
)
def test_other_folders_are_refused_with_the_mend(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "__0_0.distcp").write_bytes(b"")
    refused(tmp_path, words)
    with pytest.raises(UserError, match=words):
        select([tmp_path])


def test_tokenizers_and_indices_of_which_any_byte_was_changed_are_read_or_refused(folder):
    in_parts(folder)
    vocabulary(folder, "bpe")
    for name in ("tokenizer.json", "model.safetensors.index.json"):
        whole = (folder / name).read_bytes()
        for at in range(len(whole)):
            changed = (whole[at] ^ 255, ord("["), ord("1"))[at % 3]
            (folder / name).write_bytes(whole[:at] + bytes([changed]) + whole[at + 1 :])
            try:
                load_matrix(folder)
            except UserError:
                continue
        (folder / name).write_bytes(whole)
