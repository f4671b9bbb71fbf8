"""Weights that Keras and RecTools themselves saved, where they are installed."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import refused

from degen.embeddings import load_matrix


@pytest.mark.filterwarnings("ignore")
def test_keras_itself(tmp_path):
    keras = pytest.importorskip("keras", reason="needs Keras: pip install keras")
    model = keras.Sequential(
        [
            keras.layers.Input((4,), dtype="int32"),
            keras.layers.Embedding(9, 5, name="item_embedding"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    model.compile("adam", "mse")
    expected = np.asarray(model.layers[0].get_weights()[0])
    for name in ("m.keras", "m.weights.h5", "m.h5"):
        (model.save_weights if name == "m.weights.h5" else model.save)(str(tmp_path / name))
        np.testing.assert_array_equal(load_matrix(tmp_path / name).values, expected)


@pytest.mark.filterwarnings("ignore")
def test_rectools_itself(tmp_path):
    pytest.importorskip("rectools", reason="needs RecTools: pip install 'rectools[torch]'")
    pytest.importorskip("pytorch_lightning", reason="needs RecTools: pip install 'rectools[torch]'")
    import pandas as pd

    if int(pd.__version__.partition(".")[0]) > 2:
        pytest.skip("RecTools needs pandas before 3")
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import PureSVDModel, SASRecModel

    rng = np.random.default_rng(0)
    rows = [
        (f"u{user}", f"i{rng.integers(20)}", 1.0, day)
        for user in range(30)
        for day in range(rng.integers(3, 9))
    ]
    table = pd.DataFrame(rows, columns=[Columns.User, Columns.Item, Columns.Weight, Columns.Datetime])
    table[Columns.Datetime] = pd.Timestamp("2024-01-01") + pd.to_timedelta(table[Columns.Datetime], unit="D")
    dataset = Dataset.construct(table)
    model = SASRecModel(n_factors=8, n_blocks=1, n_heads=1, epochs=1, session_max_len=5, verbose=0)
    model.fit(dataset)
    model.save(tmp_path / "m.save")
    matrix = load_matrix(tmp_path / "m.save")
    weights = model.torch_model.item_model.item_net_blocks[0].ids_emb.weight.detach().numpy()
    extra = model.data_preparator.n_item_extra_tokens
    np.testing.assert_array_equal(matrix.values, weights[extra:])
    assert matrix.ids == [str(name) for name in model.data_preparator.item_id_map.external_ids[extra:]]
    PureSVDModel(factors=4).fit(dataset).save(tmp_path / "svd.save")
    refused(tmp_path / "svd.save", "2 matrices", "item_factors [20, 4]")
