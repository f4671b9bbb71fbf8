"""Where tokens lie: every one once, in its place, and few sizes of memory."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from degen.model.encoders.ragged_layout import Layout

lengths_of_a_batch = st.lists(st.integers(1, 60), min_size=1, max_size=40).map(np.array)


@given(lengths_of_a_batch)
def test_every_token_lies_at_its_position_of_its_sequence(length):
    layout = Layout.of(length)
    items = torch.arange(1, length.sum() + 1)
    tokens = layout.spread(items).numpy()
    assert len(tokens) == len(layout.position) == len(layout.sequence) == layout.n_tokens
    assert sorted(tokens[tokens > 0]) == items.tolist()
    start = np.cumsum(length) - length
    real = tokens > 0
    assert (tokens[real] - 1 == start[layout.sequence[real]] + layout.position[real]).all()
    assert (tokens[layout.last[layout.back]] == start + length).all()


@given(lengths_of_a_batch)
def test_slack_is_less_than_a_sixteenth_and_no_group_holds_it(length):
    layout = Layout.of(length)
    assert layout.used == layout.width.sum() == max(group.tokens.stop for group in layout.groups)
    assert layout.used <= layout.n_tokens < layout.used * 17 / 16
    assert (layout.spread(torch.ones(length.sum(), dtype=torch.int64))[layout.used :] == 0).all()


def test_batches_of_like_size_ask_for_few_sizes_of_memory(rng):
    sizes = {Layout.of(rng.integers(1, 20, 700)).n_tokens for _ in range(50)}
    assert len(sizes) <= 4


@given(data=st.data(), length=lengths_of_a_batch)
def test_tokens_at_positions_are_those_asked_for_and_a_little_slack(data, length):
    layout = Layout.of(length)
    places = [(s, t) for s, n in enumerate(length) for t in range(n)]
    asked = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=80))
    tokens = layout.tokens_at(*np.array(asked).T)
    found = zip(layout.sequence[tokens], layout.position[tokens], strict=True)
    assert list(found)[: len(asked)] == asked
    assert len(asked) <= len(tokens) < len(asked) * 17 / 16
    assert (tokens[len(asked) :] == 0).all()
