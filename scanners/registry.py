"""Probes found in this package and through entry points; adding one edits no other file.

A folder ``scanners/<probe_id>/`` with a module ``probe.py`` is a probe. Other distributions add theirs
through the entry point group ``secops.probes``. A broken built-in stops the start, because the release
itself is broken; a broken plug-in is kept and shown, because the rest still works.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias, cast

import scanners
from scanners.base import Probe
from scanners.errors import DuplicateProbe, InvalidProbe, UnknownProbe

ENTRY_POINT_GROUP = "secops.probes"

_ID_RE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

ProbeClass: TypeAlias = type[Probe[Any]]


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plug-in that is installed and cannot be used; ``error`` is for the person who installed it."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class ProbeRegistry:
    """All usable probe classes by id, and the plug-ins that are not usable."""

    probes: Mapping[str, ProbeClass]
    broken: tuple[BrokenPlugin, ...] = ()

    def get(self, probe_id: str) -> ProbeClass:
        """Give the class of one probe.

        Raises:
            UnknownProbe: no such probe, or only a broken plug-in of that name.
        """
        try:
            return self.probes[probe_id]
        except KeyError:
            raise UnknownProbe(probe_id, tuple(sorted(self.probes))) from None


def load_registry(
    package: ModuleType = scanners, plugins: Iterable[importlib.metadata.EntryPoint] | None = None
) -> ProbeRegistry:
    """Find every probe.

    Args:
        package: Where built-in probes lie, one sub-package each.
        plugins: Entry points to load; ``None`` means those installed in the group ``secops.probes``.

    Raises:
        InvalidProbe: a built-in folder with ``probe.py`` does not expose exactly one probe of its name.
        ImportError, SyntaxError, ...: whatever the import of a built-in probe raises.
    """
    probes = _built_in(package)
    broken: list[BrokenPlugin] = []
    if plugins is None:
        plugins = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    for entry_point in sorted(plugins, key=lambda found: (found.name, found.value)):
        try:
            probe_class = _check(entry_point.name, entry_point.load())
            if probe_class.probe_id in probes:
                first = probes[probe_class.probe_id]
                raise DuplicateProbe(probe_class.probe_id, first.__module__, entry_point.value)
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything at import
            broken.append(BrokenPlugin(entry_point.name, f"{type(error).__name__}: {error}"))
        else:
            probes[probe_class.probe_id] = probe_class
    return ProbeRegistry(dict(sorted(probes.items())), tuple(broken))


def _built_in(package: ModuleType) -> dict[str, ProbeClass]:
    probes: dict[str, ProbeClass] = {}
    for found in pkgutil.iter_modules(package.__path__):
        if not found.ispkg:
            continue
        name = f"{package.__name__}.{found.name}.probe"
        if importlib.util.find_spec(name) is None:
            continue
        probes[found.name] = _check(found.name, _only_probe(found.name, importlib.import_module(name)))
    return probes


def _only_probe(folder: str, module: ModuleType) -> object:
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__ and "probe_id" in vars(value)
    ]
    if len(found) != 1:
        raise InvalidProbe(
            folder, f"probe.py must define exactly one class with probe_id, found {len(found)}"
        )
    return found[0]


def _check(name: str, candidate: object) -> ProbeClass:
    if not inspect.isclass(candidate):
        raise InvalidProbe(name, "is not a class")
    probe_id = getattr(candidate, "probe_id", None)
    if not isinstance(probe_id, str) or not _ID_RE.fullmatch(probe_id):
        raise InvalidProbe(name, "probe_id must be lower-case words joined by underscores")
    if probe_id != name:
        raise InvalidProbe(name, f"probe_id is {probe_id!r}")
    if not callable(getattr(candidate, "run", None)):
        raise InvalidProbe(name, "has no run()")
    return cast(ProbeClass, candidate)
