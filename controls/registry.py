"""Frameworks found in the package and through entry points.

An entry point of the group ``secops.frameworks`` names a module or a path; every folder below it
that holds a ``framework.yaml`` is a framework. A plug-in that cannot be loaded is kept as
``BrokenPlugin`` for people to see; a broken built-in stops the load.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from controls.errors import DuplicateFramework
from controls.sources import Sources, builtin_sources

__all__ = [
    "BrokenPlugin",
    "FrameworkSource",
    "GROUP",
    "find_frameworks",
]

GROUP = "secops.frameworks"


@dataclass(frozen=True, slots=True)
class FrameworkSource:
    """A folder with a ``framework.yaml``; ``plugin`` is ``""`` for built-in ones."""

    id: str
    folder: str
    sources: Sources
    plugin: str


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plug-in that gave no framework, and why."""

    name: str
    error: str


def find_frameworks(
    builtin: Sources | None = None, plugins: Iterable[EntryPoint] | None = None
) -> tuple[tuple[FrameworkSource, ...], tuple[BrokenPlugin, ...]]:
    """Find all framework folders.

    Args:
        builtin: Sources of the package; ``None`` for the real ones.
        plugins: Entry points; ``None`` for those installed.

    Raises:
        DataError: a built-in head cannot be read.
        DuplicateFramework: two folders carry one id.
    """
    sources = builtin or builtin_sources()
    found = _folders(sources, sources.root / "frameworks", "")
    broken: list[BrokenPlugin] = []
    for point in sorted(entry_points(group=GROUP) if plugins is None else plugins, key=lambda p: p.name):
        try:
            root = _root_of(point)
            extra = _folders(Sources(root), root, point.name)
            if not extra:
                broken.append(BrokenPlugin(point.name, f"no framework.yaml below {root.name}"))
        except Exception as error:  # noqa: BLE001  foreign code runs here; its failure is shown, not ours
            broken.append(BrokenPlugin(point.name, f"{type(error).__name__}: {error}"))
            continue
        found += extra
    _refuse_duplicates(found)
    return tuple(found), tuple(broken)


def _root_of(point: EntryPoint) -> Path:
    thing = point.load()
    if isinstance(thing, (str, Path)):
        return Path(thing)
    return Path(thing.__file__).parent


def _folders(sources: Sources, root: Path, plugin: str) -> list[FrameworkSource]:
    found: list[FrameworkSource] = []
    for head in sorted(root.rglob("framework.yaml")) if root.is_dir() else []:
        folder = head.parent.relative_to(sources.root).as_posix()
        name = "framework.yaml" if folder == "." else f"{folder}/framework.yaml"
        cursor = sources.document(name).cursor()
        framework_id = cursor.at("id").string()
        if framework_id != head.parent.name:
            cursor.at("id").fail(f"must equal the folder's name {head.parent.name}")
        found.append(FrameworkSource(framework_id, "" if folder == "." else folder, sources, plugin))
    return found


def _refuse_duplicates(found: Iterable[FrameworkSource]) -> None:
    seen: dict[str, FrameworkSource] = {}
    for source in found:
        first = seen.setdefault(source.id, source)
        if first is not source:
            raise DuplicateFramework(source.id, first.plugin or "built in", source.plugin or "built in")
