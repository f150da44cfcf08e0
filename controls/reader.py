"""YAML and CSV files → plain values with known shape.

Files are parsed by the C loader without positions. Only when a value is wrong is its file parsed
again with positions, so a sound catalogue pays nothing for good error messages.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from controls.catalog import Text
from controls.errors import DataError

__all__ = ["Cursor", "Document", "read_csv", "read_yaml"]

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_Base):  # type: ignore[misc]
    """Refuses a key that stands twice in one mapping; YAML would keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file; ``name`` is the short name used in messages."""

    path: Path
    name: str
    data: Any

    def cursor(self) -> Cursor:
        """Start reading at the root."""
        return Cursor(self, (), self.data)

    def line_of(self, path: Sequence[str | int]) -> int:
        """Find the line of a key path by parsing the file again with positions; 0 when unknown."""
        try:
            node = yaml.compose(self.path.read_bytes(), Loader=_Base)
        except (OSError, yaml.YAMLError):
            return 0
        line = 0
        for step in path:
            child = _child(node, step)
            if child is None:
                break
            line, node = child
        return line or 1


def _child(node: Any, step: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A value in a document together with the way to it."""

    document: Document
    path: tuple[str | int, ...]
    value: Any

    def fail(self, problem: str) -> NoReturn:
        """Raise a DataError that names file, line and key of this value."""
        key = ".".join(map(str, self.path))
        raise DataError(self.document.name, self.document.line_of(self.path), key, problem)

    def has(self, key: str) -> bool:
        """Say whether a mapping carries a key with a value."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def at(self, key: str) -> Cursor:
        """Go to a key that must be there."""
        if not isinstance(self.value, dict):
            self.fail("must be a mapping")
        if key not in self.value:
            Cursor(self.document, (*self.path, key), None).fail("is missing")
        return Cursor(self.document, (*self.path, key), self.value[key])

    def only(self, *keys: str) -> None:
        """Refuse keys outside *keys*."""
        if not isinstance(self.value, dict):
            self.fail("must be a mapping")
        for key in self.value:
            if key not in keys:
                Cursor(self.document, (*self.path, str(key)), None).fail("is not a known key")

    def each(self) -> Iterator[Cursor]:
        """Walk a list that must not be empty."""
        if not isinstance(self.value, list) or not self.value:
            self.fail("must be a list with at least one entry")
        for position, value in enumerate(self.value):
            yield Cursor(self.document, (*self.path, position), value)

    def entries(self) -> Iterator[tuple[str, Cursor]]:
        """Walk a mapping."""
        if not isinstance(self.value, dict):
            self.fail("must be a mapping")
        for key, value in self.value.items():
            yield str(key), Cursor(self.document, (*self.path, str(key)), value)

    def string(self) -> str:
        """Read a text that is not blank."""
        if not isinstance(self.value, str) or not self.value.strip():
            self.fail("must be a text")
        return self.value

    def integer(self) -> int:
        """Read a whole number."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail("must be a whole number")
        return self.value

    def boolean(self) -> bool:
        """Read true or false."""
        if not isinstance(self.value, bool):
            self.fail("must be true or false")
        return self.value

    def strings(self) -> tuple[str, ...]:
        """Read a list of texts."""
        return tuple(entry.string() for entry in self.each())

    def text(self) -> Text:
        """Read a text in both languages: ``zh`` holds Chinese, ``en`` does not."""
        value = self.value
        if not isinstance(value, dict) or value.keys() != {"zh", "en"}:
            self.fail("must have exactly zh and en")
        zh, en = value["zh"], value["en"]
        if not isinstance(zh, str) or not isinstance(en, str) or not zh.strip() or not en.strip():
            self.fail("zh and en must be texts")
        if zh.isascii():
            self.at("zh").fail("must be Chinese")
        if not en.isascii() and any("\u4e00" <= letter <= "\u9fff" for letter in en):
            self.at("en").fail("must not contain Chinese")
        return Text(zh, en)


def read_yaml(path: Path, name: str) -> Document:
    """Parse one YAML file.

    Raises:
        DataError: unreadable, no YAML, or a key that stands twice.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(name, 0, "", error.strerror or "cannot be read") from error
    try:
        data = yaml.load(content, Loader=_UniqueKeyLoader)  # noqa: S506  a SafeLoader by descent
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DataError(name, mark.line + 1 if mark else 0, "", error.problem or "is no YAML") from error
    except yaml.YAMLError as error:
        raise DataError(name, 0, "", f"is no YAML: {error}") from error
    return Document(path, name, data)


def read_csv(path: Path, name: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV file with exactly these columns; row *n* of the result stands in line *n* + 2.

    Raises:
        DataError: unreadable, other columns, or a row of another width.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
    except OSError as error:
        raise DataError(name, 0, "", error.strerror or "cannot be read") from error
    if not rows or rows[0] != list(columns):
        raise DataError(name, 1, "", "the columns must be " + ",".join(columns))
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            raise DataError(name, line, "", f"has {len(row)} fields instead of {len(columns)}")
    return [dict(zip(columns, row, strict=True)) for row in rows[1:]]
