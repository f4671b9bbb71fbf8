from __future__ import annotations

import pytest
import tiny_fixtures

from degen.model.variants import Variant

log, dataset = tiny_fixtures.log, tiny_fixtures.dataset


@pytest.fixture
def drawn(monkeypatch):
    """The samples and the views of every batch whose views are drawn, as they are drawn."""
    batches = []
    draw = Variant.draw

    def remember(self, source, rows, rng):
        views = draw(self, source, rows, rng)
        batches.append((rows, dict(views)))
        return views

    monkeypatch.setattr(Variant, "draw", remember)
    return batches
