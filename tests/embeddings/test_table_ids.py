"""Columns of ids and counts in tables: named, pandas' own, or told by their numbers; and what is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma

import numpy as np
import pandas as pd
import pytest
from refusals import refused

from degen import analyze
from degen.embeddings import load_matrix
from degen.embeddings.file_options import FileOptions
from degen.embeddings.item_matrix import open_file
from degen.errors import UserError

N, D = 40, 5


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(3).normal(size=(N, D)).round(6)


@pytest.fixture(scope="module")
def numbers():
    """Ids of a shop: distinct, in no order, with gaps."""
    return np.random.default_rng(4).permutation(90_000)[:N] + 10_000


def frame(values, **columns):
    held = pd.DataFrame(values, columns=[f"d{at}" for at in range(values.shape[1])])
    for place, (name, cells) in columns.values():
        held.insert(place % (held.shape[1] + 1), name, cells)
    return held


def write_csv(held, path):
    held.to_csv(path, index=False)


def write_tsv(held, path):
    held.to_csv(path, index=False, sep="\t")


def write_txt(held, path):
    held.to_csv(path, index=False, sep=" ")


def write_parquet(held, path):
    held.to_parquet(path, index=False)


def write_feather(held, path):
    held.to_feather(path)


WRITERS = {
    "m.csv": write_csv,
    "m.tsv": write_tsv,
    "m.txt": write_txt,
    "m.parquet": write_parquet,
    "m.feather": write_feather,
}
NAMES = (
    *("movieId", "product_id", "asin", "track_id", "user_id", "node", "sku", "ID", "article_id", "item_id"),
    *("ItemId", "uid", "Unnamed: 0", "__index_level_0__", "index", "isbn", "business id", "iid:token"),
)


@pytest.mark.parametrize("place", [0, 2, -1], ids=["first", "middle", "last"])
@pytest.mark.parametrize("name", sorted(WRITERS))
def test_whole_numbers_under_a_name_of_ids_are_ids_wherever_they_stand(
    tmp_path, values, numbers, name, place
):
    for column in NAMES if name != "m.txt" else [each for each in NAMES if " " not in each]:
        WRITERS[name](frame(values, ids=(place, (column, numbers))), tmp_path / name)
        matrix = load_matrix(tmp_path / name)
        np.testing.assert_array_equal(matrix.values, values)
        assert matrix.ids == [str(number) for number in numbers]
        assert any(repr(column) in note and "ids" in note for note in matrix.notes), column


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_measures_are_those_of_the_dimensions(tmp_path, values, numbers, name):
    WRITERS[name](frame(values, ids=(0, ("movieId", numbers))), tmp_path / name)
    names = "average_cosine,effective_rank"
    wanted, found = analyze(values, measures=names), analyze(tmp_path / name, measures=names)
    for measure in names.split(","):
        assert found[measure] == pytest.approx(wanted[measure], abs=1e-9)


@pytest.mark.parametrize("writer", ["parquet", "feather", "csv"])
def test_the_index_of_pandas_is_ids(tmp_path, values, numbers, writer):
    held = pd.DataFrame(values, index=numbers)
    held.columns = [f"d{at}" for at in range(D)]
    path = tmp_path / f"m.{writer}"
    if writer == "feather":
        pytest.importorskip("pyarrow.feather").write_feather(held, str(path))
    else:
        getattr(held, f"to_{writer}")(path)
    matrix = load_matrix(path)
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.ids == [str(number) for number in numbers]
    # Under a name of its own the index is known by pandas' mark alone.
    if writer == "parquet":
        held.index.name = "shelf"
        held.to_parquet(path)
        assert load_matrix(path).ids == matrix.ids


def test_an_index_beside_ids_is_no_dimension(tmp_path, values, numbers):
    held = frame(values, ids=(0, ("product_id", numbers)))
    held.to_csv(tmp_path / "m.csv")
    matrix = load_matrix(tmp_path / "m.csv")
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.ids == [str(number) for number in numbers]
    assert any("left out" in note and "column 0" in note for note in matrix.notes)


def test_other_ids_that_repeat_are_no_dimension(tmp_path, values, numbers):
    held = frame(values, ids=(0, ("item_id", numbers)), group=(1, ("category_id", numbers % 3)))
    for name, writer in WRITERS.items():
        writer(held, tmp_path / name)
        matrix = load_matrix(tmp_path / name)
        np.testing.assert_array_equal(matrix.values, values)
        assert any("left out" in note and "'category_id'" in note for note in matrix.notes)


@pytest.mark.parametrize("column", ["count", "Frequency", "freq", "item_count", "num_ratings"])
def test_a_column_of_counts_is_the_frequency(tmp_path, values, numbers, column):
    held = frame(values, ids=(0, ("asin", numbers)), counts=(-1, (column, np.arange(N) % 7)))
    for name, writer in WRITERS.items():
        writer(held, tmp_path / name)
        matrix = open_file(tmp_path / name)
        np.testing.assert_array_equal(matrix.values, values)
        assert matrix.frequency is not None
        assert matrix.frequency.tolist() == (np.arange(N) % 7).tolist()
        assert any("frequency" in note for note in matrix.notes)
    np.save(tmp_path / "counts.npy", np.arange(N))
    matrix = open_file(tmp_path / "m.csv", FileOptions(frequency=tmp_path / "counts.npy"))
    assert matrix.frequency is not None
    assert matrix.frequency.tolist() == list(range(N))
    assert (
        load_matrix(tmp_path / "m.csv", skip_rows="first").frequency.tolist()
        == (np.arange(1, N) % 7).tolist()
    )


def test_a_popularity_that_is_no_count_is_left_out(tmp_path, values):
    held = frame(values, counts=(1, ("popularity", np.linspace(0, 1, N))))
    write_parquet(held, tmp_path / "m.parquet")
    matrix = load_matrix(tmp_path / "m.parquet")
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.frequency is None
    assert any("left out" in note and "'popularity'" in note for note in matrix.notes)


# ---------------------------------------------------------------------------------- without a name that tells


def headless(values, numbers, place, separator):
    table = np.insert(values.astype(object), place % (D + 1), numbers, axis=1)
    return "".join(separator.join(map(str, row)) + "\n" for row in table.tolist())


@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize(
    ("name", "separator"), [("m.csv", ","), ("m.tsv", "\t"), ("m.txt", " "), ("m.vec", " ")]
)
def test_whole_numbers_at_the_edge_of_real_ones_are_ids(tmp_path, values, numbers, name, separator, place):
    for ids in (numbers, np.arange(N), np.arange(1, N + 1)):
        (tmp_path / name).write_text(headless(values, ids, place, separator))
        matrix = load_matrix(tmp_path / name)
        np.testing.assert_array_equal(matrix.values, values)
        assert matrix.ids == [str(each) for each in ids]
        assert any("distinct whole numbers" in note and "`ids='none'`" in note for note in matrix.notes)
        whole = load_matrix(tmp_path / name, ids="none")
        assert (whole.values.shape, whole.ids) == ((N, D + 1), None)


def test_numpys_text_of_ids_and_values_in_one_array(tmp_path, values, numbers):
    np.savetxt(tmp_path / "m.txt", np.c_[numbers, values])
    matrix = load_matrix(tmp_path / "m.txt")
    np.testing.assert_array_equal(matrix.values, values)
    assert [float(each) for each in matrix.ids or []] == numbers.tolist()


def test_whole_numbers_in_the_middle_or_in_a_series_of_names_are_refused(tmp_path, values, numbers):
    (tmp_path / "m.csv").write_text(headless(values, numbers, 2, ","))
    refused(tmp_path / "m.csv", "column 2", "`ids='2'`", "`ids='none'`")
    assert load_matrix(tmp_path / "m.csv", ids="2").ids == [str(each) for each in numbers]
    assert load_matrix(tmp_path / "m.csv", ids=2).values.shape == (N, D)
    for held in (
        pd.DataFrame(np.c_[numbers, values]).rename(columns=str),
        frame(values, ids=(-1, ("d5", numbers))),
    ):
        held.to_parquet(tmp_path / "m.parquet")
        refused(tmp_path / "m.parquet", "holds distinct whole numbers", "`ids=")


def test_two_columns_of_distinct_whole_numbers_are_refused(tmp_path, values, numbers):
    held = frame(values, a=(0, ("shelf", numbers)), b=(-1, ("rank", np.arange(N))))
    for name, writer in WRITERS.items():
        writer(held, tmp_path / name)
        refused(tmp_path / name, "'shelf'", "1 more", "`ids='shelf'`")
        assert load_matrix(tmp_path / name, ids="shelf").values.shape == (N, D + 1)


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_quantised_numbers_are_dimensions_and_their_ids_are_ids(tmp_path, name):
    whole = np.random.default_rng(5).integers(-128, 128, size=(300, 6)).astype(np.int8)
    held = pd.DataFrame(whole, columns=list("abcdef"))
    WRITERS[name](held, tmp_path / name)
    matrix = load_matrix(tmp_path / name)
    np.testing.assert_array_equal(matrix.values, whole)
    assert (matrix.ids, matrix.notes) == (None, ())
    held.insert(0, "shelf", np.arange(300))
    WRITERS[name](held, tmp_path / name)
    matrix = load_matrix(tmp_path / name)
    np.testing.assert_array_equal(matrix.values, whole)
    assert matrix.ids == [str(each) for each in range(300)]
    held["shelf"] = held["shelf"].to_numpy()[::-1]
    WRITERS[name](held, tmp_path / name)
    refused(tmp_path / name, "'shelf'", "`ids='none'`")


def test_ids_that_repeat_after_the_first_rows_are_refused(tmp_path):
    values = np.random.default_rng(6).normal(size=(600, 3))
    shelf = np.arange(600)
    shelf[599] = 598
    held = frame(values, ids=(0, ("shelf", shelf)))
    for name, writer in WRITERS.items():
        writer(held, tmp_path / name)
        refused(tmp_path / name, "'shelf' holds whole numbers", "`ids='shelf'`", "`ids='none'`")
        matrix = load_matrix(tmp_path / name, ids="none")
        assert (matrix.values.shape, matrix.ids) == ((600, 4), None)


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_counts_under_no_known_name_are_refused_at_the_edge_and_told_elsewhere(
    tmp_path, values, numbers, name
):
    sold = np.arange(N) % 9
    cases = (
        (frame(values, n=(-1, ("n", sold))), ("'n'", "`ids='none'`", "'count'")),
        (frame(values, n=(0, ("n", sold))), ("'n'", "`ids='none'`", "'count'")),
        (frame(values, i=(0, ("asin", numbers)), n=(-1, ("occurrences", sold))), ("`ids='asin'`", "'count'")),
        (frame(values, i=(0, ("shelf", numbers)), n=(1, ("n", sold))), ("'n'", "`ids='shelf'`", "'count'")),
    )
    for held, words in cases:
        WRITERS[name](held, tmp_path / name)
        refused(tmp_path / name, "holds whole numbers among", *words)
    # What the sentence says to do is done.
    assert load_matrix(tmp_path / name, ids="shelf").values.shape == (N, D + 1)
    WRITERS[name](held.rename(columns={"n": "count"}), tmp_path / name)
    assert load_matrix(tmp_path / name).frequency.tolist() == sold.tolist()
    # Marks of 0 and 1 are no counts, nor are whole numbers in the middle, nor some below 0.
    for place, cells in ((-1, sold % 2), (2, sold), (0, sold - 4), (-1, np.zeros(N, dtype=int))):
        WRITERS[name](frame(values, n=(place, ("n", cells))), tmp_path / name)
        assert load_matrix(tmp_path / name).values.shape == (N, D + 1)


def test_an_untold_number_beside_text_ids_is_refused(tmp_path, values, numbers):
    titles = [f"t{row}" for row in range(N)]
    held = frame(values, x=(0, ("x", numbers)), title=(0, ("title", titles)))
    for name, writer in WRITERS.items():
        writer(held, tmp_path / name)
        refused(tmp_path / name, "'x' holds whole numbers", "`ids='title'`")
        assert load_matrix(tmp_path / name, ids="title").values.shape == (N, D + 1)


def test_counts_without_a_header_are_refused(tmp_path, values, numbers):
    whole = np.c_[values, np.arange(N) % 9]
    (tmp_path / "m.csv").write_text("".join(",".join(map(repr, row)) + "\n" for row in whole.tolist()))
    refused(tmp_path / "m.csv", f"column {D} holds whole numbers")
    (tmp_path / "m.csv").write_text(headless(np.c_[np.arange(N) % 9, values], numbers, 0, ","))
    refused(tmp_path / "m.csv", "column 1 holds whole numbers", "`ids='0'`")


@pytest.mark.parametrize("seed", range(8))
def test_a_short_matrix_of_whole_numbers_has_columns_that_are_distinct_by_chance(tmp_path, seed):
    whole = np.random.default_rng(seed).integers(-100, 101, size=(20, 16))
    np.savetxt(tmp_path / "m.txt", whole, fmt="%g")
    matrix = load_matrix(tmp_path / "m.txt")
    np.testing.assert_array_equal(matrix.values, whole)
    assert (matrix.ids, matrix.notes) == (None, ())
    for ids in (np.arange(20), np.random.default_rng(seed).permutation(9000)[:20] + 1000):
        np.savetxt(tmp_path / "m.txt", np.c_[ids, whole], fmt="%g")
        assert load_matrix_or_refusal(tmp_path / "m.txt") in ("ids", "refused")


def load_matrix_or_refusal(path):
    try:
        return "ids" if load_matrix(path).ids else "a dimension"
    except UserError as error:
        assert "column 0 holds distinct whole numbers" in str(error)  # noqa: PT017
        return "refused"


def test_ids_keep_their_zeros_and_all_their_digits(tmp_path, values):
    ids = [f"{2**60 + row:020}" for row in range(N)]
    (tmp_path / "m.csv").write_text(
        "asin,a,b\n" + "".join(f"{each},0.5,{row}.5\n" for row, each in enumerate(ids))
    )
    assert load_matrix(tmp_path / "m.csv").ids == ids
    big = np.arange(N) + 2**60
    write_parquet(frame(values, ids=(0, ("asin", big))), tmp_path / "m.parquet")
    assert load_matrix(tmp_path / "m.parquet").ids == [str(each) for each in big]


def test_ids_named_by_the_user(tmp_path, values, numbers):
    held = frame(values, a=(0, ("item", np.arange(N))), b=(-1, ("title", [f"t{row}" for row in range(N)])))
    write_csv(held, tmp_path / "m.csv")
    assert load_matrix(tmp_path / "m.csv").ids == [str(row) for row in range(N)]
    assert load_matrix(tmp_path / "m.csv", ids="title").ids == [f"t{row}" for row in range(N)]
    assert load_matrix(tmp_path / "m.csv", ids=-1).ids == [f"t{row}" for row in range(N)]
    for wrong, words in (("titel", "did you mean 'title'?"), ("9", "7 columns"), ("-8", "7 columns")):
        with pytest.raises(Exception, match=r"m\.csv") as caught:
            load_matrix(tmp_path / "m.csv", ids=wrong)
        assert words in str(caught.value).replace("\\", "")
    np.save(tmp_path / "m.npy", values)
    with pytest.raises(Exception, match="leave out `ids='x'`"):
        load_matrix(tmp_path / "m.npy", ids="x")


# ------------------------------------------------------------------------------------- one column that is all


@pytest.mark.parametrize("large", [False, True])
def test_a_column_that_carries_nearly_everything_is_named(tmp_path, monkeypatch, values, large):
    if large:
        for module in ("named_arrays", "numpy_files"):
            monkeypatch.setattr(f"degen.embeddings.formats.{module}.LARGE", 100)
    np.save(tmp_path / "m.npy", np.insert(values, 3, np.arange(N) * 10, axis=1))
    matrix = load_matrix(tmp_path / "m.npy")
    assert isinstance(matrix.values, np.ndarray) is not large
    [note] = matrix.notes
    assert "dimension 3 carries 9" in note
    assert "% of the sum of squares" in note
    np.save(tmp_path / "m.npy", values)
    assert load_matrix(tmp_path / "m.npy").notes == ()


def test_the_warning_names_the_column_of_a_table(tmp_path, values):
    held = frame(values, ids=(0, ("asin", np.arange(N))), price=(3, ("price", np.linspace(1000, 9000.5, N))))
    for name, writer in WRITERS.items():
        writer(held, tmp_path / name)
        assert any("column 'price' carries" in note for note in load_matrix(tmp_path / name).notes)


def test_extreme_numbers_have_a_share_too(tmp_path):
    for scale in (1e300, 1e-300):
        np.save(tmp_path / "m.npy", np.array([[1.0, 100], [2, 200], [3, 100]]) * scale)
        assert "dimension 1 carries 99.9" in load_matrix(tmp_path / "m.npy").notes[0]


# ------------------------------------------------------------------------------------- packed, and separators


@pytest.mark.parametrize(
    ("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
@pytest.mark.parametrize("name", ["m.csv", "m.tsv", "m.txt"])
def test_packed_text(tmp_path, values, numbers, name, suffix, pack):
    WRITERS[name](frame(values, ids=(0, ("asin", numbers))), tmp_path / name)
    whole = pack((tmp_path / name).read_bytes())
    path = tmp_path / f"{name}.{suffix}"
    path.write_bytes(whole)
    matrix = load_matrix(path)
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.ids == [str(number) for number in numbers]
    for end in range(0, len(whole) - 1, 101):
        path.write_bytes(whole[:end])
        refused(path)
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 255]) + whole[61:])
    refused(path)


@pytest.mark.parametrize("separator", [";", "|", "\t", " ", ","])
@pytest.mark.parametrize("name", ["m.csv", "m.txt", "m.tsv"])
def test_the_separator_is_that_of_the_first_lines(tmp_path, values, numbers, name, separator):
    held = frame(values, ids=(0, ("asin", [f"B{number}" for number in numbers])))
    held.to_csv(tmp_path / name, index=False, sep=separator)
    matrix = load_matrix(tmp_path / name)
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.ids == [f"B{number}" for number in numbers]


def test_a_separator_that_is_named(tmp_path, values):
    path = tmp_path / "m.csv"
    for sign, named in (("!", "!"), (":", ":"), ("\t", "tab"), (" ", "blank"), ("|", "|")):
        pd.DataFrame(values).to_csv(path, index=False, header=False, sep=sign)
        np.testing.assert_array_equal(load_matrix(path, separator=named).values, values)
    for wrong in ("", "ab", "5", "."):
        with pytest.raises(Exception, match="`separator` takes one sign"):
            load_matrix(path, separator=wrong)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_are_refused(tmp_path, values, separator):
    for header in (True, False):
        pd.DataFrame(values).to_csv(
            tmp_path / "m.csv", index=False, header=header, sep=separator, decimal=","
        )
        refused(tmp_path / "m.csv", "decimal comma", "line ")


@pytest.mark.parametrize("ids", [False, True])
def test_decimal_commas_between_commas_are_refused_and_whole_numbers_are_not(tmp_path, values, numbers, ids):
    path = tmp_path / "m.csv"
    held = pd.DataFrame(values / 10)
    if ids:
        held.insert(0, "asin", numbers)
    held.to_csv(path, index=False, header=False, sep=";", decimal=",")
    path.write_text(path.read_text().replace(";", ","))
    refused(path, "decimal comma")
    # NumPy writes -0 for what it rounds.
    np.savetxt(path, np.c_[values, values] * 3, fmt="%.0f", delimiter=",")
    assert load_matrix(path).values.shape == (N, 2 * D)
    np.savetxt(path, np.abs(np.c_[values, values] * 3), fmt="%.0f", delimiter=",")
    assert load_matrix(path).values.shape == (N, 2 * D)


def test_a_header_of_numpys(tmp_path, values, numbers):
    path = tmp_path / "m.txt"
    np.savetxt(path, values, header="five dimensions of\neach item")
    np.testing.assert_array_equal(load_matrix(path).values, values)
    np.savetxt(path, values, header="1 2 3 4 5")
    np.testing.assert_array_equal(load_matrix(path).values, values)
    np.savetxt(path, np.c_[values, numbers], header="a b c d e asin")
    matrix = load_matrix(path)
    np.testing.assert_array_equal(matrix.values, values)
    assert any("'asin'" in note for note in matrix.notes)
    np.savetxt(tmp_path / "m.csv", values, delimiter=",", header="a,b,c,d,e")
    np.testing.assert_array_equal(load_matrix(tmp_path / "m.csv").values, values)


def test_a_word_that_is_the_sign_of_a_comment(tmp_path):
    (tmp_path / "m.vec").write_text("# 0.5 1.5\n. 2.5 3.5\na 1 2\n")
    assert load_matrix(tmp_path / "m.vec").ids == ["#", ".", "a"]


def test_words_of_glove_that_hold_blanks(tmp_path):
    rows = ["the 0.5 1.5", ". . . 2.5 3.5", "at name@example.com 1 2", "7 4 5"]
    (tmp_path / "m.txt").write_text("\n".join(rows) + "\n")
    matrix = load_matrix(tmp_path / "m.txt")
    assert matrix.ids == ["the", ". . .", "at name@example.com", "7"]
    np.testing.assert_array_equal(matrix.values, [[0.5, 1.5], [2.5, 3.5], [1, 2], [4, 5]])
    (tmp_path / "m.txt").write_text("the 0.5 1.5\na 1 2 3\n")
    refused(tmp_path / "m.txt", "line 2 has 4 columns where 3 are expected")


def test_node2vecs_file(tmp_path, values, numbers):
    lines = (
        f"{number} {' '.join(map(repr, row))}" for number, row in zip(numbers, values.tolist(), strict=True)
    )
    (tmp_path / "m.emb").write_text(f"{N} {D}\n" + "\n".join(lines) + "\n")
    matrix = load_matrix(tmp_path / "m.emb")
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.ids == [str(number) for number in numbers]


def test_gensim_reads_the_same(tmp_path, values, numbers):
    gensim = pytest.importorskip("gensim.models", reason="needs gensim: pip install gensim")
    vectors = gensim.KeyedVectors(D)
    vectors.add_vectors([str(number) for number in numbers], values.astype(np.float32))
    vectors.save_word2vec_format(str(tmp_path / "m.emb"))
    matrix = load_matrix(tmp_path / "m.emb")
    np.testing.assert_allclose(matrix.values, vectors.vectors, rtol=1e-6)
    assert matrix.ids == vectors.index_to_key


def test_row_names_of_r(tmp_path, values, numbers):
    # write.table: one name fewer than there are columns.
    lines = [" ".join("abcde"), *(headless(values, numbers, 0, " ").splitlines())]
    (tmp_path / "m.txt").write_text("\n".join(lines) + "\n")
    matrix = load_matrix(tmp_path / "m.txt")
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.ids == [str(number) for number in numbers]


@pytest.mark.parametrize(("name", "separator"), [("m.txt", " "), ("m.tsv", "\t")])
def test_quotation_marks_of_r_are_none_of_the_ids(tmp_path, name, separator):
    # write.table(m), with row.names = FALSE, with col.names = FALSE; quotation marks have a backslash.
    ids = ["1", "new york", 'say "x"', "é"]
    values = np.array([[0.5, 1.5], [2.5, -1e-5], [3.25, 4], [5, 6.5]])
    quoted = ['"' + each.replace('"', r"\"") + '"' for each in ids]
    rows = [
        separator.join([each, *map(repr, row)]) for each, row in zip(quoted, values.tolist(), strict=True)
    ]
    for head in ([separator.join(('"a"', '"b"'))], [separator.join(('"asin"', '"a"', '"b"'))], []):
        (tmp_path / name).write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
        matrix = load_matrix(tmp_path / name)
        np.testing.assert_array_equal(matrix.values, values)
        assert matrix.ids == ids
    numeric = [
        separator.join([str(7 - at), row.partition('"' + separator)[2]]) for at, row in enumerate(rows)
    ]
    (tmp_path / name).write_text("\n".join([separator.join(('"asin"', '"a"', '"b"')), *numeric]) + "\n")
    matrix = load_matrix(tmp_path / name)
    assert (matrix.values.tolist(), matrix.ids) == (values.tolist(), ["7", "6", "5", "4"])


def test_quotation_marks_of_words_stay(tmp_path):
    ids = ['"', '"quoted"', "a", '"']
    for name, separator in (("m.txt", " "), ("m.tsv", "\t")):
        rows = (separator.join([each, "0.5", "1.5"]) for each in ids)
        (tmp_path / name).write_text("\n".join(rows) + "\n")
        matrix = load_matrix(tmp_path / name)
        assert matrix.ids == ids
        assert any("3 different ids; 2 rows are '\"'" in note for note in matrix.notes)


@pytest.mark.parametrize("end", [",", ", ", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_a_separator_at_the_end_of_each_line_begins_no_column(tmp_path, values, end, header):
    separator = end.strip(" ")
    rows = [separator.join(map(repr, row)) for row in values.tolist()]
    head = [separator.join("abcde")] if header else []
    path = tmp_path / ("m.tsv" if separator == "\t" else "m.csv")
    path.write_text("".join(f"{row}{end}\n" for row in [*head, *rows]))
    matrix = load_matrix(path)
    np.testing.assert_array_equal(matrix.values, values)
    assert matrix.ids is None
    assert any("left out" in note and "column 5" in note for note in matrix.notes)


@pytest.mark.parametrize("name", ["grid", "valid", "paid", "bid", "humid", "Void", "GRID"])
def test_a_word_that_merely_ends_in_id_is_no_name_of_ids(tmp_path, values, name):
    write_csv(frame(values, flag=(2, (name, np.arange(N) % 2))), tmp_path / "m.csv")
    matrix = load_matrix(tmp_path / "m.csv")
    assert (matrix.values.shape, matrix.ids) == ((N, D + 1), None)


@pytest.mark.parametrize("name", ["photo_id", "hotelId", "HotelID", "shop.id", "vid", "x ids"])
def test_a_name_that_tells_by_its_case_or_a_sign_is_one(tmp_path, values, numbers, name):
    write_csv(frame(values, ids=(2, (name, numbers))), tmp_path / "m.csv")
    assert load_matrix(tmp_path / "m.csv").ids == [str(number) for number in numbers]


def test_ids_beside_lists_are_told_by_their_numbers(tmp_path, values, numbers):
    lists = {"x": numbers, "v": values.tolist()}
    for name in ("m.parquet", "m.feather"):
        WRITERS[name](pd.DataFrame(lists), tmp_path / name)
        matrix = load_matrix(tmp_path / name)
        np.testing.assert_array_equal(matrix.values, values)
        assert matrix.ids == [str(number) for number in numbers]
        assert any("'x'" in note and "`ids='none'`" in note for note in matrix.notes)
        assert load_matrix(tmp_path / name, ids="none").ids is None
        WRITERS[name](pd.DataFrame(lists | {"y": np.arange(N), "z": 0.5}), tmp_path / name)
        matrix = load_matrix(tmp_path / name)
        assert matrix.ids is None
        assert any("left out" in note and "'x', column 'y', column 'z'" in note for note in matrix.notes)


def test_an_array_that_may_hold_ids_is_told(tmp_path, values, numbers):
    np.savez(tmp_path / "m.npz", emb=values, foo=numbers, weights=np.linspace(0, 1, N) + 0.01)
    matrix = load_matrix(tmp_path / "m.npz")
    assert matrix.ids is None
    assert [note for note in matrix.notes if "'foo' may hold ids" in note and "weights" not in note]
    assert load_matrix(tmp_path / "m.npz", ids="foo").ids == [str(number) for number in numbers]


def test_ids_that_several_rows_have_are_told(tmp_path, values):
    write_csv(frame(values, ids=(0, ("item_id", np.arange(N) % 7))), tmp_path / "m.csv")
    assert any(
        f"{N} rows have 7 different ids; 6 rows are '0'" in note
        for note in load_matrix(tmp_path / "m.csv").notes
    )


def test_python_s_own_numbers_are_ids(tmp_path):
    (tmp_path / "m.csv").write_text("".join(f"12_{row},0.5,{row}.25\n" for row in range(9)))
    assert load_matrix(tmp_path / "m.csv").ids == [f"12_{row}" for row in range(9)]
    (tmp_path / "m.csv").write_text("a,0.5,1_000\nb,0.5,2\n")
    refused(tmp_path / "m.csv", "line 1: '1_000' is not a number")


@pytest.mark.parametrize("header", ["", "item_id,price,embedding\n"])
@pytest.mark.parametrize("cell", ['"[0.5, 1.5]"', "[0.5 1.5]", "0.5 1.5 2", '"(0.5, 1)"', "0.5|1.5"])
def test_lists_in_a_cell_of_text_are_refused(tmp_path, header, cell):
    rows = "".join(f"{row},{row}.5,{cell}\n" for row in range(9))
    (tmp_path / "m.csv").write_text(header + rows)
    refused(tmp_path / "m.csv", "is not a number", "a column of its own")


def test_a_tab_before_numbers_with_blanks_is_a_blank(tmp_path):
    (tmp_path / "m.txt").write_text("".join(f"{row}\t0.5 {row}.25 1.5\n" for row in range(9)))
    matrix = load_matrix(tmp_path / "m.txt")
    assert matrix.values.shape == (9, 3)
    assert matrix.ids == [str(row) for row in range(9)]
    (tmp_path / "m.txt").write_text("new york\t0.5\t1.5\nrome\t1\t2\n")
    assert load_matrix(tmp_path / "m.txt").ids == ["new york", "rome"]
