"""Results as plain JSON and back, so that they can be stored, sent and shown.

One rule for all: dataclasses become objects, enums their value, tuples lists, bytes base64 text,
times ISO text. Reading back is strict: an unknown or missing key is an error, because a stored result
is evidence.
"""

from __future__ import annotations

import base64
import binascii
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, TypeAlias, TypeVar, cast

from scanners.errors import InvalidResult

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"

_T = TypeVar("_T")
_TEXTUAL = (IPv4Address, IPv6Address, IPv4Network, IPv6Network)


def to_json(value: object) -> Json:
    """Turn a result into what ``json.dumps`` takes.

    Raises:
        InvalidResult: a value of a type that has no JSON form here.
    """
    if isinstance(value, Enum):
        return to_json(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((to_json(item) for item in value), key=repr)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, _TEXTUAL):
        return str(value)
    raise InvalidResult(type(value).__name__, "has no JSON form")


def from_json(kind: type[_T], data: object) -> _T:
    """Read back what ``to_json`` wrote.

    Raises:
        InvalidResult: the data is not a *kind*; names the place.
    """
    return cast(_T, _read(kind, data, kind.__name__))


def _key(key: object) -> str:
    if isinstance(key, Enum):
        return str(key.value)
    if isinstance(key, str):
        return key
    raise InvalidResult(repr(key), "keys must be text")


def _read(kind: Any, data: object, where: str) -> object:
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return _read(typing.get_args(kind)[0], data, where)
    if origin in (typing.Union, types.UnionType):
        return _read_union(typing.get_args(kind), data, where)
    if origin in (tuple, list, frozenset, set):
        return _read_list(origin, typing.get_args(kind), data, where)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _read_mapping(typing.get_args(kind), data, where)
    if origin is typing.Literal:
        if data in typing.get_args(kind):
            return data
        raise InvalidResult(where, "is not one of the allowed values")
    if kind is Any or kind is object:
        return data
    if isinstance(kind, type):
        return _read_plain(kind, data, where)
    raise InvalidResult(where, f"cannot read {kind!r}")


def _read_plain(kind: type, data: object, where: str) -> object:
    if is_dataclass(kind):
        return _read_dataclass(kind, data, where)
    try:
        if kind is bytes:
            return base64.b64decode(_expect(str, data, where), validate=True)
        if issubclass(kind, Enum):
            return kind(data)
        if kind is datetime:
            return datetime.fromisoformat(_expect(str, data, where))
        if kind is date:
            return date.fromisoformat(_expect(str, data, where))
        if kind in _TEXTUAL:
            return kind(_expect(str, data, where))
    except (ValueError, binascii.Error) as error:
        if isinstance(error, InvalidResult):
            raise
        raise InvalidResult(where, f"is not a {kind.__name__}") from None
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind is int and isinstance(data, bool):
        raise InvalidResult(where, "is not an int")
    return _expect(kind, data, where)


def _read_dataclass(kind: type, data: object, where: str) -> object:
    given = _expect(dict, data, where)
    hints = _hints(kind)
    values: dict[str, object] = {}
    for field in fields(cast(Any, kind)):
        if field.name in given:
            values[field.name] = _read(hints[field.name], given[field.name], f"{where}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InvalidResult(f"{where}.{field.name}", "is missing")
    unknown = given.keys() - hints.keys()
    if unknown:
        raise InvalidResult(where, f"unknown key {min(unknown)!r}")
    return kind(**values)


def _read_union(kinds: tuple[Any, ...], data: object, where: str) -> object:
    if data is None and type(None) in kinds:
        return None
    last = InvalidResult(where, "fits no member of the union")
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _read(kind, data, where)
        except InvalidResult as error:
            last = error
    raise last


def _read_list(origin: Any, args: tuple[Any, ...], data: object, where: str) -> object:
    items = _expect(list, data, where)
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        if len(items) != len(args):
            raise InvalidResult(where, f"needs {len(args)} items")
        return tuple(
            _read(kind, item, f"{where}[{n}]") for n, (kind, item) in enumerate(zip(args, items, strict=True))
        )
    return origin(_read(args[0], item, f"{where}[{n}]") for n, item in enumerate(items))


def _read_mapping(args: tuple[Any, ...], data: object, where: str) -> dict[Any, object]:
    given = _expect(dict, data, where)
    return {
        _read(args[0], key, f"{where} key"): _read(args[1], item, f"{where}.{key}")
        for key, item in given.items()
    }


def _expect(kind: type[_T], data: object, where: str) -> _T:
    if not isinstance(data, kind):
        raise InvalidResult(where, f"is not a {kind.__name__}")
    return data


@lru_cache(maxsize=256)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
