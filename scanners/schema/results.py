"""Types of results → JSON Schema, by the same rules as ``scanners.jsonable`` writes them.

``python -m scanners.schema.results`` writes ``result-<probe>.schema.json`` beside this file for every probe.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Any, TypeAlias

from scanners.base import Completed
from scanners.errors import InvalidProbe
from scanners.registry import ProbeClass, load_registry

Schema: TypeAlias = dict[str, Any]

FOLDER = Path(__file__).resolve().parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PLAIN: Mapping[Any, Schema] = {
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    Any: {},
    object: {},
} | {kind: {"type": "string"} for kind in (IPv4Address, IPv6Address, IPv4Network, IPv6Network)}


def result_type(probe: ProbeClass) -> type:
    """Give the type of the result that a probe says it gives.

    Raises:
        InvalidProbe: its ``run`` does not say.
    """
    told = typing.get_type_hints(probe.run).get("return")
    for kind in typing.get_args(told):
        if typing.get_origin(kind) is Completed:
            found = typing.get_args(kind)[0]
            if isinstance(found, type):
                return found
    raise InvalidProbe(probe.__name__, "run() does not say what it gives")


def schema_of(kind: type, name: str) -> Schema:
    """Describe the JSON form of a dataclass; *name* stands in the title.

    Every key is written always; a result may gain keys, so others are allowed.
    """
    definitions: dict[str, Schema] = {}
    reference = _describe(kind, definitions)
    return {
        "$schema": DIALECT,
        "$id": f"result-{name}.schema.json",
        "title": f"result of the probe {name}",
        **reference,
        "$defs": dict(sorted(definitions.items())),
    }


def _describe(kind: Any, definitions: dict[str, Schema]) -> Schema:
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_describe(one, definitions) for one in args]}
    if origin is typing.Literal:
        return {"enum": list(args)}
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        parts = [_describe(one, definitions) for one in args]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    if origin in (tuple, list, frozenset, set):
        return {"type": "array", "items": _describe(args[0], definitions)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _describe(args[1], definitions)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [one.value for one in kind]}
    if is_dataclass(kind):
        return _describe_dataclass(kind, definitions)
    raise InvalidProbe(str(kind), "has no JSON form")


def _describe_dataclass(kind: Any, definitions: dict[str, Schema]) -> Schema:
    name, home = kind.__name__, {"description": f"{kind.__module__}.{kind.__name__}"}
    if definitions.setdefault(name, home)["description"] != home["description"]:
        raise InvalidProbe(home["description"], f"has the name of {definitions[name]['description']}")
    if definitions[name] == home:
        hints = typing.get_type_hints(kind)
        names = [field.name for field in fields(kind)]
        definitions[name] = {
            **home,
            "type": "object",
            "properties": {one: _describe(hints[one], definitions) for one in names},
            "required": names,
        }
    return {"$ref": f"#/$defs/{name}"}


def all_results() -> dict[str, str]:
    """Give the text of every schema by the name of its file, built-in probes only."""
    probes = load_registry(plugins=()).probes
    schemas = {name: schema_of(result_type(probe), name) for name, probe in probes.items()}
    return {
        f"result-{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


def main() -> None:
    """Write the files."""
    for name, text in all_results().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
