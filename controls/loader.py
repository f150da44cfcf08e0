"""Data files → ``Catalog``.

Shape and ids are always checked; an error names file, line and key. What is not written yet is no
error here: it is listed in ``Catalog.missing``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from controls.build_crypto import build_crypto
from controls.build_head import Built, head_cursor
from controls.build_mlps import build_mlps
from controls.build_plain import build_plain
from controls.catalog import Catalog
from controls.errors import UnknownFramework
from controls.registry import BrokenPlugin, FrameworkSource, find_frameworks

__all__ = ["build_catalog", "load_catalog", "load_with_plugins"]

_BUILDERS: dict[str, Callable[[FrameworkSource], Built]] = {"crypto": build_crypto, "items": build_plain}


def build_catalog(sources: Sequence[FrameworkSource], *, strict: bool = True) -> Catalog:
    """Build a catalogue from framework folders.

    Args:
        strict: False keeps a class file out that contradicts its table, and names it as missing.

    Raises:
        DataError: a file is wrong.
        UnknownFramework: a framework names a partner that is not among *sources*.
    """
    by_id = {source.id: source for source in sources}
    built = Built()
    for source in sources:
        head = head_cursor(source)
        kind = head.at("kind").string()
        if kind == "mlps-requirements":
            partner = by_id.get(head.at("units_in").string())
            if partner is None:
                raise UnknownFramework(head.at("units_in").string(), f"named by {source.id}")
            built.add(build_mlps(source, partner, strict=strict))
        elif kind in _BUILDERS:
            built.add(_BUILDERS[kind](source))
        elif kind != "mlps-evaluation":
            head.at("kind").fail("must be one of mlps-requirements, mlps-evaluation, " + ", ".join(_BUILDERS))
    return Catalog(built.frameworks, built.items, built.units, built.families, built.missing)


@cache
def load_with_plugins() -> tuple[Catalog, tuple[BrokenPlugin, ...]]:
    """Load everything once per process, with the plug-ins that failed."""
    sources, broken = find_frameworks()
    return build_catalog(sources), broken


def load_catalog() -> Catalog:
    """Give the catalogue of all built-in frameworks and plug-ins; the same object on each call."""
    return load_with_plugins()[0]
