"""What a renderer is: a read model in, one file out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

ModelT_contra = TypeVar("ModelT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A finished file. ``name`` is a proposal for a download and is safe as a file name on any system."""

    name: str
    media_type: str
    content: bytes


class Renderer(Protocol[ModelT_contra]):
    """Writes one kind of document.

    ``renderer_id`` equals the folder's name; ``kind`` is the kind of report it shows (``posture``, …),
    ``format`` the suffix of the file it gives (``pdf``, ``xlsx``, …).
    """

    renderer_id: ClassVar[str]
    kind: ClassVar[str]
    format: ClassVar[str]

    def render(self, model: ModelT_contra, language: str | None = None) -> RenderedFile:
        """Write *model*; the same model and language give the same bytes, on any machine and at any time.

        Args:
            model: The read model of this kind.
            language: ``zh`` or ``en``; ``None`` takes the language of the model.

        Raises:
            InvalidModel: the model contradicts itself.
            UnknownLanguage: another language.
            RenderFailed: the engine of the format refused.
        """
        ...
