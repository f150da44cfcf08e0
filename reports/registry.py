"""Finds renderers: every sub-package with a ``renderer`` module, then entry points ``secops.renderers``.

The module names one ``RENDERER``, or the ``RENDERERS`` of a kind that is written in several forms.

A built-in that cannot be imported stops the caller. An outside one that cannot is kept as
:class:`BrokenPlugin`, so that a faulty extension is seen and takes nothing else down.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import reports
from reports.base import Renderer
from reports.errors import DuplicateRenderer, UnknownRenderer

ENTRY_POINT_GROUP = "secops.renderers"


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """An outside renderer that could not be loaded."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class Found:
    """All renderers by id, and the plug-ins that failed."""

    renderers: dict[str, Renderer[Any]]
    broken: tuple[BrokenPlugin, ...]


def renderer(renderer_id: str) -> Renderer[Any]:
    """Give the renderer of this id.

    Raises:
        UnknownRenderer: naming those that exist.
    """
    found = find().renderers
    try:
        return found[renderer_id]
    except KeyError:
        raise UnknownRenderer(renderer_id, tuple(found)) from None


def renderer_ids() -> tuple[str, ...]:
    """List all ids, sorted."""
    return tuple(find().renderers)


@lru_cache(maxsize=1)
def find() -> Found:
    """Look once through the package and the entry points.

    Raises:
        DuplicateRenderer: two claim one id.
    """
    return collect(tuple(entry_points(group=ENTRY_POINT_GROUP)))


def collect(outside: tuple[EntryPoint, ...]) -> Found:
    """Gather the built-in renderers and those behind *outside*."""
    origin: dict[str, str] = {}
    found: dict[str, Renderer[Any]] = {}

    def add(candidate: Renderer[Any], where: str) -> None:
        name = candidate.renderer_id
        if name in found:
            raise DuplicateRenderer(name, origin[name], where)
        found[name] = candidate
        origin[name] = where

    for module in _builtin_modules():
        found_there = importlib.import_module(module)
        for each in getattr(found_there, "RENDERERS", None) or (found_there.RENDERER,):
            add(each, module)
    broken: list[BrokenPlugin] = []
    for point in sorted(outside, key=lambda each: each.name):
        try:
            candidate = point.load()
            add(candidate, point.value)
        except DuplicateRenderer:
            raise
        except Exception as error:  # noqa: BLE001 - border to code that is not ours
            broken.append(BrokenPlugin(point.name, f"{type(error).__name__}: {error}"))
    return Found(dict(sorted(found.items())), tuple(broken))


def _builtin_modules() -> list[str]:
    names = []
    for package in pkgutil.iter_modules(reports.__path__):
        if not package.ispkg:
            continue
        folder = importlib.import_module(f"{reports.__name__}.{package.name}")
        if any(inner.name == "renderer" for inner in pkgutil.iter_modules(folder.__path__)):
            names.append(f"{folder.__name__}.renderer")
    return names
