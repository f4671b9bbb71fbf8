"""Deprecation warnings are errors where degen or its tests cause them, and not among dependencies."""

from __future__ import annotations

import warnings

import pytest


def deprecated_in(module: str) -> None:
    warnings.warn_explicit("old", DeprecationWarning, "file.py", 1, module=module)


@pytest.mark.parametrize("module", ["degen.data.load", "degen", "tests.data.test_load", "test_api"])
def test_own_deprecations_are_errors(module):
    with pytest.raises(DeprecationWarning):
        deprecated_in(module)


@pytest.mark.parametrize("module", ["matplotlib._fontconfig_pattern", "pyparsing.core"])
def test_a_dependencys_own_are_none(module):
    deprecated_in(module)


def test_other_warnings_are_errors_wherever_they_come_from():
    with pytest.raises(RuntimeWarning):
        warnings.warn_explicit("overflow", RuntimeWarning, "file.py", 1, module="numpy")
