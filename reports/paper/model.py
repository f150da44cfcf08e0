"""What the read models of all papers have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reports.read_model import Counts, ReportMeta, Text

__all__ = ["PaperModel", "Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a paper is about: one system, or all systems somebody may see (then ``systems`` of them, no level).

    ``unit`` is the responsible department; ``filing`` the number of the filing, "" without one.
    """

    name: Text
    code: str
    unit: str
    level: int | None = None
    profile: str = ""
    filing: str = ""
    is_example: bool = False
    systems: int = 1

    @property
    def is_district(self) -> bool:
        """Several systems, not one."""
        return self.code == ""


class PaperModel(Protocol):
    """A frozen read model that :func:`reports.paper.frame.lay_out` can put a cover on.

    ``counts`` are the requirement items in scope by state; they give the examined share.
    """

    @property
    def meta(self) -> ReportMeta: ...
    @property
    def subject(self) -> Subject: ...
    @property
    def counts(self) -> Counts: ...
