"""Plain YAML with line numbers, read strictly: no tags, no duplicate keys, a cap on size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import yaml

from scanners.baseline.model import Bilingual
from scanners.errors import PolicyError

MAX_BYTES = 256_000

_PLAIN_TAGS = frozenset({"map", "seq", "str", "int", "float", "null", "bool", "timestamp", "value", "merge"})

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlFile:
    """One file after parsing: ``data`` and, for every path into it, the line where it stands.

    A path is a text such as ``samples.2.outcome``.
    """

    def __init__(self, path: str, text: str, error: Callable[[str, int, str, str], PolicyError]) -> None:
        self.path = path
        self._error = error
        self._lines: dict[str, int] = {"": 1}
        if len(text.encode()) > MAX_BYTES:
            self.fail("", f"larger than {MAX_BYTES} bytes")
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                self.fail("", "is empty")
            self._nodes: set[int] = set()
            self.data = self._read(loader, node, "")
        except yaml.MarkedYAMLError as broken:
            line = broken.problem_mark.line + 1 if broken.problem_mark else 1
            raise error(path, line, "", f"is not YAML: {broken.problem}") from None
        finally:
            loader.dispose()

    def fail(self, where: str, why: str) -> NoReturn:
        """Raise the error of this file, with the line of *where* or of the nearest known place above it."""
        place = where
        while place not in self._lines:
            place = place.rpartition(".")[0]
        raise self._error(self.path, self._lines[place], where, why)

    def _read(self, loader: Any, node: Any, where: str) -> Any:
        self._lines[where] = node.start_mark.line + 1
        if id(node) in self._nodes:
            self.fail(where, "aliases are not allowed")
        self._nodes.add(id(node))
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        if kind not in _PLAIN_TAGS:
            self.fail(where, "tags are not allowed")
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(loader, node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(loader, item, _join(where, str(n))) for n, item in enumerate(node.value)]
        # "no", "off" and dates stay texts: settings are full of them
        if kind not in ("int", "float", "null", "bool") or (
            kind == "bool" and node.value not in ("true", "false")
        ):
            return node.value
        return loader.construct_object(node)

    def _read_mapping(self, loader: Any, node: yaml.MappingNode, where: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            place = _join(where, key)
            if key in result:
                self._lines[place] = key_node.start_mark.line + 1
                self.fail(place, "stands here twice")
            result[key] = self._read(loader, value_node, place)
            self._lines[place] = key_node.start_mark.line + 1
        return result

    def mapping(
        self, value: Any, where: str, required: frozenset[str], optional: frozenset[str]
    ) -> dict[str, Any]:
        """Check that *value* is a mapping with these keys and no others."""
        if not isinstance(value, dict):
            self.fail(where, "must be a mapping")
        for key in sorted(required - value.keys()):
            self.fail(_join(where, key), "is missing")
        for key in value:
            if key not in required and key not in optional:
                self.fail(_join(where, key), "is not a key that belongs here")
        return value

    def text(self, value: Any, where: str) -> str:
        """Check that *value* is a text with something in it."""
        if not isinstance(value, str) or not value.strip():
            self.fail(where, "must be a text")
        return value.strip()

    def texts(self, value: Any, where: str) -> tuple[str, ...]:
        """Check that *value* is a list of texts."""
        if not isinstance(value, list):
            self.fail(where, "must be a list")
        return tuple(self.text(item, _join(where, str(n))) for n, item in enumerate(value))

    def integer(self, value: Any, where: str, low: int, high: int) -> int:
        """Check that *value* is a whole number within bounds."""
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.fail(where, f"must be a whole number from {low} to {high}")
        return value

    def bilingual(self, value: Any, where: str) -> Bilingual:
        """Check that *value* has a text in both languages."""
        both = self.mapping(value, where, frozenset({"zh", "en"}), frozenset())
        return Bilingual(self.text(both["zh"], f"{where}.zh"), self.text(both["en"], f"{where}.en"))

    def choice(self, value: Any, where: str, allowed: Mapping[str, Any] | tuple[str, ...]) -> str:
        """Check that *value* is one of a closed list of words."""
        if not isinstance(value, str) or value not in allowed:
            self.fail(where, f"must be one of {', '.join(allowed)}")
        return value


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
