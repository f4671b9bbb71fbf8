"""Reading safetensors files against the library that writes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from degen.model.encoders.encoder import SequenceEncoder
from degen.model.weights import StoredTensors, load_weights


@pytest.fixture
def tensors(rng):
    return {
        "a": torch.from_numpy(rng.normal(size=(5, 3)).astype(np.float32)),
        "b.c": torch.from_numpy(rng.normal(size=7)),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
    }


@pytest.fixture
def path(tensors, tmp_path):
    save_file(tensors, tmp_path / "some.safetensors", {"epoch": "4"})
    return tmp_path / "some.safetensors"


def test_every_tensor_comes_back_to_the_bit(tensors, path):
    stored = StoredTensors(path)
    assert stored.metadata == {"epoch": "4"}
    assert stored.shapes == {name: value.shape for name, value in tensors.items()}
    for name, value in tensors.items():
        found = stored.read(name)
        assert found.dtype == value.dtype
        assert torch.equal(found, value)


def test_places_are_filled_whatever_their_precision_and_order_in_memory(tensors, path):
    stored = StoredTensors(path)
    for place in (torch.zeros(5, 3), torch.zeros(5, 3).double(), torch.zeros(3, 5).T, torch.zeros(9, 3)[2:7]):
        stored.read_into("a", place)
        assert torch.equal(place.float(), tensors["a"])


def test_what_was_read_does_not_depend_on_the_file_any_more(tensors, path):
    found = StoredTensors(path).read("a")
    path.write_bytes(bytes(path.stat().st_size))
    assert torch.equal(found, tensors["a"])


def test_a_place_of_another_shape_stays_as_it_is(path):
    place = torch.zeros(3, 5)
    with pytest.raises(ValueError, match=r"a has shape \(5, 3\), not \(3, 5\)"):
        StoredTensors(path).read_into("a", place)
    assert not place.any()


def test_what_is_not_there_is_a_key_error(path):
    stored = StoredTensors(path)
    with pytest.raises(KeyError):
        stored.read("d")
    with pytest.raises(KeyError):
        stored.read_into("d", torch.zeros(1))


@pytest.mark.parametrize("cut", [0, 7, 40, -1])
def test_a_file_that_was_cut_off_is_refused(path, cut):
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SafetensorError):
        StoredTensors(path)


def test_a_file_that_shrinks_after_it_was_opened_is_noticed(path):
    stored = StoredTensors(path)
    path.write_bytes(path.read_bytes()[: stored._data + 1])
    with pytest.raises(ValueError, match="ends before"):
        stored.read("a")


def test_integers_are_no_weights(tmp_path):
    save_file({"n": torch.arange(3)}, tmp_path / "n.safetensors")
    with pytest.raises(KeyError):
        StoredTensors(tmp_path / "n.safetensors").read("n")


def make_encoder(seed, **keys):
    return SequenceEncoder(9, dim=4, feed_forward=6, max_length=5, seed=seed, **keys)


def test_an_encoder_is_filled_in_place_and_only_from_its_own_weights(tmp_path):
    one, other = make_encoder(1), make_encoder(2)
    addresses = [value.data_ptr() for value in other.parameters()]
    save_file({f"model.{k}": v for k, v in one.state_dict().items()}, tmp_path / "w.safetensors")
    stored = StoredTensors(tmp_path / "w.safetensors")
    load_weights(other, stored, "model.")
    assert [value.data_ptr() for value in other.parameters()] == addresses
    for name, value in one.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)
    for wrong in (make_encoder(3, layers=1), make_encoder(3, layers=3)):
        with pytest.raises(KeyError):
            load_weights(wrong, stored, "model.")
    with pytest.raises(KeyError):
        load_weights(other, stored)
