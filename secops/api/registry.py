"""One registration for each operation: route, area, words and schema; the description is made from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Schema = dict[str, Any]
BIGGEST_ID = 2**31 - 1
LARGEST_PAGE = 200
ID: Schema = {"type": "integer", "minimum": 0, "maximum": BIGGEST_ID}
LINE = r"^[^\x00-\x1f\x7f-\x9f\s]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s])?$"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource: its name, its schema, and how it is read off a row."""

    name: str
    schema: Schema
    read: Callable[[Any], Any]

    def of(self, row: Any) -> Any:
        value = self.read(row)
        return value.isoformat() if isinstance(value, datetime | date) else value


@dataclass(frozen=True, slots=True)
class Resource:
    """What a kind of row looks like outside. Only the fields named here ever leave."""

    name: str
    fields: tuple[Field, ...]

    def shown(self, row: Any) -> dict[str, Any]:
        return {one.name: one.of(row) for one in self.fields}

    @property
    def schema(self) -> Schema:
        return {
            "type": "object",
            "properties": {one.name: one.schema for one in self.fields},
            "required": [one.name for one in self.fields],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """One route and method."""

    method: str
    path: str
    name: str
    area: str
    summary: tuple[str, str]
    statuses: tuple[int, ...]
    answer: Schema
    query: dict[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    good: int = 200


OPERATIONS: list[Operation] = []


def text(name: str, read: Callable[[Any], Any], *, one_of: tuple[str, ...] = ()) -> Field:
    return Field(name, {"type": "string", **({"enum": list(one_of)} if one_of else {})}, read)


def number(name: str, read: Callable[[Any], Any], *, optional: bool = False) -> Field:
    return Field(name, {"type": ["integer", "null"] if optional else "integer"}, read)


def flag(name: str, read: Callable[[Any], Any]) -> Field:
    return Field(name, {"type": "boolean"}, read)


def moment(name: str, read: Callable[[Any], Any], *, day: bool = False) -> Field:
    return Field(name, {"type": ["string", "null"], "format": "date" if day else "date-time"}, read)


def pair(name: str, read: Callable[[Any], Any]) -> Field:
    """Words in both languages."""
    return Field(name, {"type": "object", "additionalProperties": {"type": "string"}}, read)


def words(name: str, read: Callable[[Any], Any]) -> Field:
    return Field(name, {"type": "array", "items": {"type": "string"}}, read)
