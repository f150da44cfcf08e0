"""What every OSCAL document needs: ids that follow from the report, strings that OSCAL takes, and the head.

Source: OSCAL 1.1.3, JSON model. Titles and descriptions are Markdown there, so everything typed is escaped and stays
text; property values are plain lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from reports.paper.frame import Pen
from reports.read_model import ReportMeta, Text
from reports.text import clean

VERSION = "1.1.3"
#: Name space of our properties.
NAMESPACE = "urn:secops:oscal"
_ROOT = UUID("6f1d4c1e-5a0b-5d8e-9a57-3c1b2f0e7d64")
_MARKS = re.compile(r"([\\`*_\[\]{}~^!|#])")
_NOTHING = "—"


class Maker:
    """Makes the parts of one document."""

    def __init__(self, meta: ReportMeta, pen: Pen, kind: str) -> None:
        self.meta, self.pen = meta, pen
        self._root = uuid5(_ROOT, f"{meta.report_number}/{kind}/{pen.language.value}")

    def uuid(self, *parts: object) -> str:
        """The id of a part; the same report gives the same ids."""
        return str(uuid5(self._root, "/".join(map(str, parts))))

    @property
    def at(self) -> str:
        """The time of the report."""
        return self.meta.generated_at.isoformat()

    def prop(self, name: str, value: object) -> dict[str, str]:
        """One of our properties."""
        return {"name": name, "ns": NAMESPACE, "value": line(value)}

    def props(self, values: Mapping[str, object]) -> list[dict[str, str]]:
        """Properties of what is not empty."""
        return [self.prop(name, value) for name, value in values.items() if value not in (None, "")]

    def head(self, name: str, organisation: str, *, is_draft: bool, nature: Text) -> dict[str, Any]:
        """The metadata."""
        notes = [nature, *self.meta.unofficial_notes]
        return {
            "title": title(name),
            "last-modified": self.at,
            "version": line(self.meta.report_number),
            "oscal-version": VERSION,
            "props": self.props(
                {
                    "generator": self.meta.generator,
                    "catalogue-edition": self.meta.catalogue_edition,
                    "draft": "yes" if is_draft else "no",
                    "self-assessment": "yes",
                }
            ),
            "roles": [{"id": "creator", "title": self.pen.t("编制单位", "Document creator")}],
            "parties": [
                {"uuid": self.uuid("party"), "type": "organization", "name": line(organisation)},
            ],
            "responsible-parties": [{"role-id": "creator", "party-uuids": [self.uuid("party")]}],
            "remarks": "\n\n".join(words(self.pen.of(one)) for one in notes),
        }


def line(value: object) -> str:
    """A plain line without space around it; OSCAL takes no empty one."""
    return clean(str(value), keep_newlines=False).strip() or _NOTHING


def words(text: str) -> str:
    """Text as Markdown that shows exactly it; never empty."""
    cleaned = clean(text).strip() or _NOTHING
    escaped = cleaned.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", escaped)


def title(text: str) -> str:
    """The same on one line."""
    return words(clean(text, keep_newlines=False))


def written(document: Mapping[str, Any]) -> bytes:
    """The document as JSON; keys stay in their order."""
    return f"{json.dumps(document, ensure_ascii=False, indent=1)}\n".encode()


def joined(parts: Iterable[str]) -> str:
    """A list as one property value."""
    return " ".join(parts)
