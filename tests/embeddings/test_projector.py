from __future__ import annotations

import numpy as np

from degen.embeddings.projector import write_projector


def test_the_projectors_files_hold_every_float_to_the_bit(tmp_path, rng):
    values = rng.normal(size=(7, 3)).astype(np.float32)
    columns = {"item": [f"i{row}" for row in range(7)], "frequency": range(7)}
    tensors, metadata = write_projector(tmp_path / "projector", values, columns)
    np.testing.assert_array_equal(np.loadtxt(tensors, delimiter="\t", dtype=np.float32), values)
    lines = metadata.read_text(encoding="utf-8").split("\n")
    assert lines == ["item\tfrequency", *(f"i{row}\t{row}" for row in range(7)), ""]


def test_a_single_column_has_no_name_and_a_label_no_tab_or_line_break(tmp_path):
    _, metadata = write_projector(tmp_path, np.zeros((2, 2)), {"item": ["a\tb \n c", "é"]})
    assert metadata.read_text(encoding="utf-8") == "a b c\né\n"
