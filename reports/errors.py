"""Everything a renderer may raise.

ReportError
├── InvalidModel          the read model contradicts itself or cannot be read
├── UnknownLanguage       a language no text exists in
├── UnknownRenderer       no renderer of that id
├── DuplicateRenderer     two renderers of one id
└── RenderFailed          the engine behind a format refused the document
"""

from __future__ import annotations


class ReportError(Exception):
    """Base of all errors of this package."""


class InvalidModel(ReportError, ValueError):
    """The read model cannot be shown as it is; ``where`` is a path such as ``items[3].cells[0]``."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class UnknownLanguage(ReportError, ValueError):
    """Only ``zh`` and ``en`` have texts."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        self.language = language

    def __str__(self) -> str:
        return f"no texts in language {self.language!r}; known: zh, en"


class UnknownRenderer(ReportError, LookupError):
    """No renderer has this id; ``known`` lists those that are there."""

    def __init__(self, renderer_id: str, known: tuple[str, ...]) -> None:
        super().__init__(renderer_id, known)
        self.renderer_id = renderer_id
        self.known = known

    def __str__(self) -> str:
        return f"no renderer {self.renderer_id!r}; known: {', '.join(self.known) or 'none'}"


class DuplicateRenderer(ReportError):
    """Two renderers claim one id."""

    def __init__(self, renderer_id: str, first: str, second: str) -> None:
        super().__init__(renderer_id, first, second)
        self.renderer_id = renderer_id
        self.first = first
        self.second = second

    def __str__(self) -> str:
        return f"renderer {self.renderer_id!r} is claimed by {self.first} and by {self.second}"


class RenderFailed(ReportError):
    """The engine that writes the format refused; ``detail`` is its own message."""

    def __init__(self, renderer_id: str, detail: str) -> None:
        super().__init__(renderer_id, detail)
        self.renderer_id = renderer_id
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.renderer_id} could not write the document: {self.detail}"
