"""Each module says what is public."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import controls

MODULES = sorted(found.name for found in pkgutil.walk_packages(controls.__path__, "controls."))


@pytest.mark.parametrize("name", MODULES)
def test_all(name: str) -> None:
    """``__all__`` is sorted, names what is there, and every public thing explains itself."""
    module = importlib.import_module(name)

    assert module.__doc__
    assert list(module.__all__) == sorted(module.__all__)
    for public in module.__all__:
        thing = getattr(module, public)
        if (
            callable(thing)
            and getattr(thing, "__module__", "").startswith("controls")
            and isinstance(thing, type)
        ):
            assert thing.__doc__, public
