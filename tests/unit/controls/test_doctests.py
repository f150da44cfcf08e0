"""Examples in docstrings give what they print."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["controls.terms", "controls.grading", "controls.rounding"])
def test_examples(name: str) -> None:
    """The examples of a module hold, and it has some."""
    found = doctest.testmod(importlib.import_module(name))

    assert found.failed == 0
    assert found.attempted > 0
