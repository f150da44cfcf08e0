"""Kinds of targets that rules can be written for, found by walking the package.

A folder of ``scanners`` with a module ``facts.py`` that has ``PLATFORM`` (a name), ``FACTS`` (what it can
tell, by id) and ``facts_from_sample`` (pieces of text to facts, for the samples in rules) is a platform. A probe
that looks at several kinds of targets has ``PLATFORMS`` in its ``facts.py``, modules with those three names each.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import scanners
from scanners.baseline.model import FactInfo, Facts, FactValue
from scanners.errors import InvalidProbe


@dataclass(frozen=True, slots=True)
class Platform:
    """One kind of target: its name, the facts it can tell, and how samples become facts."""

    name: str
    facts: Mapping[str, FactInfo]
    facts_from_sample: Callable[[Mapping[str, Mapping[str, FactValue]]], Facts]


@cache
def platforms() -> Mapping[str, Platform]:
    """Find all platforms.

    Raises:
        InvalidProbe: two folders claim one platform.
    """
    found: dict[str, Platform] = {}
    for folder in pkgutil.iter_modules(scanners.__path__):
        name = f"{scanners.__name__}.{folder.name}.facts"
        if not folder.ispkg or importlib.util.find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        own = (module,) if hasattr(module, "PLATFORM") else getattr(module, "PLATFORMS", ())
        for one in own:
            platform = Platform(one.PLATFORM, one.FACTS, one.facts_from_sample)
            if platform.name in found:
                raise InvalidProbe(folder.name, f"platform {platform.name!r} is claimed twice")
            found[platform.name] = platform
    return found
