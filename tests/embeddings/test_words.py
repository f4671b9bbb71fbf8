"""fastText's models and gensim's: vectors as their own libraries give them, and by a loop over n-grams."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from checkpoints import Called, Global, pickled
from refusals import refused

from degen.embeddings import FileRows, load_matrix
from degen.embeddings.formats.weights import subwords
from degen.errors import UserError

WORDS = ["</s>", "a", "kühl", "日本語", "warm", "x" * 12]
SHORTEST, LONGEST, BUCKET, D = 2, 4, 37, 5
ROWS = np.random.default_rng(0).normal(size=(len(WORDS) + BUCKET, D)).astype(np.float32)
OUTPUT = np.random.default_rng(1).normal(size=(len(WORDS), D)).astype(np.float32)


def fnv(ngram: str) -> int:
    """FNV-1a of 32 bits over signed bytes, as fastText computes it."""
    state = 2166136261
    for byte in ngram.encode():
        state ^= byte if byte < 128 else byte | 0xFFFFFF00
        state = state * 16777619 % 2**32
    return state


def ngrams(word, shortest, longest):
    marked = f"<{word}>"
    for start in range(len(marked)):
        for length in range(max(shortest, 1), longest + 1):
            end = start + length
            if end <= len(marked) and not (length == 1 and (start == 0 or end == len(marked))):
                yield marked[start:end]


def vector(rows, number, word, shortest=SHORTEST, longest=LONGEST):
    parts = [number]
    if word != "</s>":
        parts += [len(WORDS) + fnv(ngram) % BUCKET for ngram in ngrams(word, shortest, longest)]
    return rows[parts].astype(np.float64).mean(axis=0)


def model(
    *,
    version=12,
    kind=2,
    lengths=(SHORTEST, LONGEST),
    labels=0,
    pruned=-1,
    quantised=0,
    rows=ROWS,
    bucket=BUCKET,
):
    """The bytes of a model, built from the description of the format."""
    arguments = struct.pack("<12id", D, 5, 1, 1, 5, 1, 2, kind, bucket, *lengths, 100, 1e-4)
    entries = b"".join(word.encode() + b"\0" + struct.pack("<qb", 9, 0) for word in WORDS)
    entries += b"".join(b"__label__%d\0" % n + struct.pack("<qb", 9, 1) for n in range(labels))
    dictionary = struct.pack("<3i2q", len(WORDS) + labels, len(WORDS), labels, 99, pruned) + entries
    matrices = [
        bytes([quantised]) + struct.pack("<2q", *matrix.shape) + matrix.tobytes() for matrix in (rows, OUTPUT)
    ]
    return struct.pack("<2i", 793712314, version) + arguments + dictionary + b"".join(matrices)


def test_the_vector_of_a_word_is_the_mean_of_its_row_and_its_ngrams(tmp_path):
    path = tmp_path / "m.bin"
    path.write_bytes(model())
    matrix = load_matrix(path)
    assert matrix.ids == WORDS
    assert matrix.values.dtype == np.float32
    expected = [vector(ROWS, number, word) for number, word in enumerate(WORDS)]
    np.testing.assert_allclose(matrix.values, expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(load_matrix(path, "output").values, OUTPUT)
    assert load_matrix(path, "output").ids == WORDS


@pytest.mark.parametrize("lengths", [(1, 1), (1, 3), (3, 6), (5, 2)])
def test_lengths_of_ngrams(tmp_path, lengths, monkeypatch):
    # Small blocks: words and rows of buckets are read in several.
    monkeypatch.setattr(subwords, "_WORDS", 2)
    monkeypatch.setattr(subwords, "_ROWS", 10)
    path = tmp_path / "m.bin"
    path.write_bytes(model(lengths=lengths))
    expected = [vector(ROWS, number, word, *lengths) for number, word in enumerate(WORDS)]
    np.testing.assert_allclose(load_matrix(path).values, expected, rtol=1e-6, atol=1e-7)


def test_models_without_ngrams_are_rows_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("degen.embeddings.formats.named_arrays.LARGE", 40)
    path = tmp_path / "m.bin"
    for content in (model(lengths=(0, 0)), model(version=11, kind=3, labels=2)):
        path.write_bytes(content)
        values = load_matrix(path).values
        assert isinstance(values, FileRows)
        np.testing.assert_array_equal(values[:], ROWS[: len(WORDS)])


@pytest.mark.parametrize("lengths", [(SHORTEST, LONGEST), (0, 0)])
def test_large_models_are_read_in_parts(tmp_path, monkeypatch, lengths):
    monkeypatch.setattr("degen.embeddings.formats.named_arrays.LARGE", 40)
    path = tmp_path / "m.bin"
    path.write_bytes(model(lengths=lengths))
    expected = [vector(ROWS, number, word, *lengths) for number, word in enumerate(WORDS)]
    np.testing.assert_allclose(load_matrix(path).values[:], expected, rtol=1e-6, atol=1e-7)


def test_models_that_are_quantised_or_of_another_version(tmp_path):
    path = tmp_path / "m.bin"
    for content in (model(quantised=1), model(pruned=3)):
        path.write_bytes(content)
        refused(path, "quantised fastText model", "made from")
    path.write_bytes(model(version=13))
    refused(path, "version 13", ".vec")
    (tmp_path / "m.ftz").write_bytes(model(quantised=1))
    refused(tmp_path / "m.ftz", "quantised fastText model", "made from")


def test_damaged_models(tmp_path):
    path, whole = tmp_path / "m.bin", model()
    for content in (whole[:-1], whole[:300], whole[:60], whole[:10], model(rows=ROWS[:-1]), model(bucket=-1)):
        path.write_bytes(content)
        refused(path, "not a .bin file of numbers", "save_model")
    # Bytes 64 to 76: the numbers of entries, of words and of labels.
    for at in (64, 68, 72):
        path.write_bytes(whole[:at] + b"\xff\xff\xff\x7f" + whole[at + 4 :])
        refused(path, "not a .bin file of numbers")


def test_fasttext_itself(tmp_path):
    fasttext = pytest.importorskip("fasttext", reason="needs fastText: pip install fasttext-wheel")
    lines = [f"{a} kühl warm 日本語 {b} heiss" for a in ("eins", "zwei") for b in ("vier", "fünf")] * 20
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    for more in ({"minn": 1, "maxn": 5}, {"minn": 3, "maxn": 6}, {"maxn": 0}):
        trained = fasttext.train_unsupervised(
            str(tmp_path / "text.txt"), dim=6, minCount=1, bucket=300, epoch=1, thread=1, verbose=0, **more
        )
        trained.save_model(str(tmp_path / "m.bin"))
        matrix = load_matrix(tmp_path / "m.bin")
        assert matrix.ids == trained.words
        expected = [trained.get_word_vector(word) for word in trained.words]
        np.testing.assert_allclose(matrix.values, expected, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(
            load_matrix(tmp_path / "m.bin", "output").values, trained.get_output_matrix(), rtol=1e-6
        )


# ----------------------------------------------------------------------------------------------------- gensim


def saved(path, wv, of="FastTextKeyedVectors", **around):
    """Write a pickle as gensim does: keyed vectors, or a model that has them as `wv`."""
    vectors = Called(Global("gensim.models.keyedvectors", of), state=wv)
    made = Called(Global("gensim.models.fasttext", "FastText"), state={"wv": vectors, **around})
    path.write_bytes(pickled(made if path.suffix == ".model" else vectors, 4))
    return path


FASTTEXT = {
    "vectors_vocab": ROWS[: len(WORDS)],
    "vectors_ngrams": ROWS[len(WORDS) :],
    "index_to_key": WORDS,
    "min_n": SHORTEST,
    "max_n": LONGEST,
    "bucket": BUCKET,
    "compatible_hash": True,
    "__numpys": [],
    "__ignoreds": ["vectors", "buckets_word"],
}


@pytest.mark.parametrize("name", ["m.kv", "m.model"])
def test_gensims_fasttext_is_computed_from_its_ngrams(tmp_path, name):
    path = saved(tmp_path / name, FASTTEXT, syn1neg=OUTPUT)
    matrix = load_matrix(path)
    # gensim gives `</s>` n-grams, unlike fastText.
    expected = [vector(ROWS, n, word) for n, word in enumerate(WORDS)][1:]
    np.testing.assert_allclose(matrix.values[1:], expected, rtol=1e-6, atol=1e-7)
    assert matrix.ids == WORDS
    np.testing.assert_array_equal(load_matrix(path, "vectors_vocab").values, ROWS[: len(WORDS)])
    plain = saved(tmp_path / name, {**FASTTEXT, "bucket": 0})
    np.testing.assert_array_equal(load_matrix(plain).values, ROWS[: len(WORDS)])


def test_gensims_fasttext_without_its_ngrams_is_refused(tmp_path):
    prefix = {"m.kv": "", "m.model": "wv."}
    for name, part in prefix.items():
        state = {key: value for key, value in FASTTEXT.items() if not key.startswith("vectors_")}
        path = saved(tmp_path / name, {**state, "__numpys": ["vectors_vocab", "vectors_ngrams"]})
        np.save(tmp_path / f"{name}.{part}vectors_vocab.npy", ROWS[: len(WORDS)])
        refused(path, "n-grams", "bring along all files")
        np.save(tmp_path / f"{name}.{part}vectors_ngrams.npy", ROWS[len(WORDS) :])
        assert load_matrix(path).values.shape == (len(WORDS), D)
    refused(saved(tmp_path / "m.kv", {**FASTTEXT, "compatible_hash": False}), "save it again with gensim 4")
    refused(saved(tmp_path / "m.kv", {**FASTTEXT, "min_n": "x"}), "not a .kv file of numbers")


def test_older_gensims_names(tmp_path):
    for vectors, ids in (("syn0", "index2word"), ("vectors", "index2word"), ("vectors", "index2entity")):
        path = saved(tmp_path / "m.kv", {vectors: OUTPUT, ids: WORDS, "vocab": {}}, "KeyedVectors")
        assert load_matrix(path).ids == WORDS
    np.save(tmp_path / "m.kv.syn0.npy", OUTPUT)
    path = saved(tmp_path / "m.kv", {"__numpys": ["syn0"], "index2word": WORDS, "syn0norm": None})
    np.testing.assert_array_equal(load_matrix(path).values, OUTPUT)
    assert load_matrix(path).ids == WORDS


def test_names_of_files_beside_lead_nowhere_else(tmp_path):
    np.save(tmp_path / "secret.npy", OUTPUT)
    (tmp_path / "sub").mkdir()
    for name in ("../../secret", "/secret", "../secret", 5, None):
        path = saved(tmp_path / "sub" / "m.kv", {"__numpys": [name], "vectors": OUTPUT})
        assert load_matrix(path).values.shape == OUTPUT.shape
    for hostile in (7, "vectors", {"vectors": 1}):
        assert load_matrix(saved(path, {"__numpys": hostile, "vectors": OUTPUT})).values.shape == OUTPUT.shape


def test_a_model_of_documents_has_two_matrices(tmp_path):
    of_words = Called(Global("g", "K"), state={"vectors": OUTPUT, "index_to_key": WORDS})
    of_documents = Called(Global("g", "K"), state={"vectors": OUTPUT[:3], "index_to_key": ["d0", "d1", "d2"]})
    made = Called(Global("gensim.models.doc2vec", "Doc2Vec"), state={"wv": of_words, "dv": of_documents})
    path = tmp_path / "m.model"
    path.write_bytes(pickled(made, 4))
    refused(path, "2 matrices", "`key`")
    assert load_matrix(path, "dv.vectors").ids == ["d0", "d1", "d2"]


@pytest.mark.filterwarnings("ignore")
def test_gensim_itself(tmp_path):
    models = pytest.importorskip("gensim.models", reason="needs gensim: pip install gensim")
    text = [["eins", "kühl", "warm", "日本語"], ["zwei", "heiss", "warm", "a"]] * 20
    given = {"vector_size": 7, "min_count": 1, "epochs": 1, "workers": 1}
    for trained in (
        models.Word2Vec(text, **given),
        models.FastText(text, bucket=90, **given),
        models.FastText(text, bucket=90, min_n=1, max_n=2, **given),
        models.FastText(text, bucket=0, **given),
    ):
        trained.save(str(tmp_path / "m.model"))
        trained.wv.save(str(tmp_path / "m.kv"))
        trained.wv.save(str(tmp_path / "apart.kv"), sep_limit=1)
        for name in ("m.model", "m.kv", "apart.kv"):
            matrix = load_matrix(tmp_path / name)
            assert matrix.ids == trained.wv.index_to_key
            np.testing.assert_allclose(matrix.values, trained.wv.vectors, rtol=1e-5, atol=1e-9)
        for beside in tmp_path.glob("*.npy"):
            beside.unlink()
    fasttext = models.FastText(text, bucket=90, **given)
    models.fasttext.save_facebook_model(fasttext, str(tmp_path / "m.bin"))
    np.testing.assert_allclose(
        load_matrix(tmp_path / "m.bin").values, fasttext.wv.vectors, rtol=1e-5, atol=1e-9
    )


def test_models_of_which_any_byte_was_changed_are_read_or_refused(tmp_path):
    saved(tmp_path / "m.kv", FASTTEXT)
    contents = {"m.bin": model(), "m.kv": (tmp_path / "m.kv").read_bytes()}
    for name, whole in contents.items():
        path = tmp_path / name
        # The numbers at the end are only numbers.
        for at in range(0, min(len(whole), 1500), 9):
            for changed in (whole[at] ^ 255, 0, 127):
                path.write_bytes(whole[:at] + bytes([changed]) + whole[at + 1 :])
                try:
                    load_matrix(path, finite=False)
                except UserError:
                    continue
