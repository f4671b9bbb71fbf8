"""Files of matrices that must be refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from degen.embeddings import load_matrix
from degen.errors import UserError


def refused(path: Path, *words: str, key: str | None = None) -> None:
    """Check that the file is refused in one line that names it and holds the words."""
    with pytest.raises(UserError) as caught:
        load_matrix(path, key)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    for word in words:
        assert word in sentence
