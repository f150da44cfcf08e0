"""Errors carry their fields and survive pickling, which task queues need."""

from __future__ import annotations

import pickle

import pytest

from scanners import errors


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidTarget("127.1", "why"),
        errors.InvalidScope("why"),
        errors.InvalidProbe("name", "why"),
        errors.DuplicateProbe("id", "a", "b"),
        errors.UnknownProbe("id", ("a", "b")),
        errors.InvalidResult("where", "why"),
        errors.InvalidRule("p", 3, "w", "why"),
        errors.DuplicateRule("id", "a", "b"),
        errors.InvalidPolicy("p", 3, "w", "why"),
        errors.UnknownProfile("p", ("a",)),
    ],
)
def test_errors_survive_pickling(error: errors.ScannersError) -> None:
    """The same error with the same words comes out on the other side."""
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
