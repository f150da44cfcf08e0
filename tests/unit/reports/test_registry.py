"""Renderers are found by walking the package and through entry points."""

from __future__ import annotations

import pickle
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from reports import registry
from reports.base import RenderedFile
from reports.errors import DuplicateRenderer, InvalidModel, RenderFailed, UnknownLanguage, UnknownRenderer
from reports.oscal.renderer import OscalRenderer
from reports.paper.renderer_of import PaperRenderer


class Other:
    """A renderer from outside."""

    renderer_id: ClassVar[str] = "other"
    kind: ClassVar[str] = "posture"
    format: ClassVar[str] = "txt"

    def render(self, model: object, language: str | None = None) -> RenderedFile:
        """Write nothing much."""
        return RenderedFile("other.txt", "text/plain", b"other")


class Twin(Other):
    """A renderer that claims a built-in id."""

    renderer_id: ClassVar[str] = "pdf_posture"


OTHER = Other()
TWIN = Twin()


def _point(name: str, attribute: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{attribute}", registry.ENTRY_POINT_GROUP)


def test_built_in_renderers_are_found_by_their_folder() -> None:
    """An id names its folder; a kind in several forms has one folder for all of them."""
    for renderer_id in registry.renderer_ids():
        found = registry.renderer(renderer_id)

        assert found.renderer_id == renderer_id
        if isinstance(found, PaperRenderer):
            assert renderer_id == f"{found.format}_{found.kind.replace('-', '_')}"
        elif isinstance(found, OscalRenderer):
            assert renderer_id.partition("_")[0] == found.format
        else:
            assert type(found).__module__ == f"reports.{renderer_id}.renderer"
    assert {"pdf_posture", "xlsx_posture"} <= set(registry.renderer_ids())


def test_an_unknown_id_names_those_that_exist() -> None:
    """The error helps to find the right one."""
    with pytest.raises(UnknownRenderer, match="pdf_posture"):
        registry.renderer("nothing")


def test_an_outside_renderer_is_taken() -> None:
    """An entry point adds a renderer."""
    found = registry.collect((_point("other", "OTHER"),))

    assert found.renderers["other"] is OTHER
    assert found.broken == ()


def test_a_broken_plug_in_is_kept_and_shown() -> None:
    """A plug-in that fails to load takes nothing else down."""
    found = registry.collect((_point("missing", "MISSING"), _point("other", "OTHER")))

    assert "other" in found.renderers
    assert [each.name for each in found.broken] == ["missing"]
    assert "AttributeError" in found.broken[0].error


def test_two_renderers_of_one_id_are_refused() -> None:
    """An outside renderer cannot replace a built-in one in silence."""
    with pytest.raises(DuplicateRenderer, match="pdf_posture"):
        registry.collect((_point("twin", "TWIN"),))


@pytest.mark.parametrize(
    "error",
    [
        InvalidModel("a", "b"),
        UnknownLanguage("fr"),
        UnknownRenderer("a", ("b",)),
        DuplicateRenderer("a", "b", "c"),
        RenderFailed("a", "b"),
    ],
)
def test_errors_survive_pickling(error: Exception) -> None:
    """A worker can hand an error to its caller."""
    again = pickle.loads(pickle.dumps(error))

    assert str(again) == str(error)
    assert type(again) is type(error)
