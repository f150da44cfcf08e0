"""Frozen dataclasses to plain JSON values and back, driven by their annotations.

Knows no particular model. Decimals travel as strings, dates and times as ISO 8601, tuples as arrays,
enums by their value. Unknown and missing keys are refused, so an older or a damaged file never reads
as a half-empty report.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar, cast

from reports.errors import InvalidModel

T = TypeVar("T")


def to_plain(value: object) -> Any:
    """Turn a model value into dicts, lists, strings, numbers, booleans and ``None``.

    Raises:
        TypeError: a value of a type no read model may hold.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):  # a datetime is a date too
        return value.isoformat()
    if isinstance(value, tuple):
        return [to_plain(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} is not part of a read model")


def from_plain(kind: type[T], data: object, where: str = "$") -> T:
    """Build a *kind* from what :func:`to_plain` gave.

    Raises:
        InvalidModel: naming the path of the first value that does not fit.
    """
    return cast(T, _read(kind, data, where))


def dumps(value: object) -> str:
    """Write a model as JSON with sorted keys: equal models give equal text."""
    return json.dumps(to_plain(value), ensure_ascii=False, sort_keys=True, indent=1)


def loads(kind: type[T], text: str | bytes) -> T:
    """Read what :func:`dumps` wrote.

    Raises:
        InvalidModel: not JSON, or JSON of another shape.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InvalidModel("$", f"not JSON: {error}") from None
    return from_plain(kind, data)


@lru_cache(maxsize=128)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, data: object, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return _read_optional(kind, data, where)
    if origin is tuple:
        return _read_tuple(kind, data, where)
    if is_dataclass(kind) and isinstance(kind, type):
        return _read_dataclass(kind, data, where)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _convert(kind, str, data, where)
    if kind is datetime or kind is date:
        return _convert(kind.fromisoformat, str, data, where)
    if kind is Decimal:
        return _convert(Decimal, str, data, where)
    if kind in (str, int, bool) and type(data) is kind:
        return data
    raise InvalidModel(where, f"{type(data).__name__} where {getattr(kind, '__name__', kind)} is expected")


def _convert(make: Any, wanted: type, data: object, where: str) -> Any:
    if not isinstance(data, wanted):
        raise InvalidModel(where, f"{type(data).__name__} where {wanted.__name__} is expected")
    try:
        return make(data)
    except (ValueError, InvalidOperation):
        raise InvalidModel(where, f"{data!r} cannot be read") from None


def _read_optional(kind: Any, data: object, where: str) -> Any:
    if data is None:
        return None
    inner = next(arg for arg in typing.get_args(kind) if arg is not type(None))
    return _read(inner, data, where)


def _read_tuple(kind: Any, data: object, where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise InvalidModel(where, f"{type(data).__name__} where a list is expected")
    inner = typing.get_args(kind)[0]
    return tuple(_read(inner, part, f"{where}[{number}]") for number, part in enumerate(data))


def _read_dataclass(kind: type, data: object, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise InvalidModel(where, f"{type(data).__name__} where an object is expected")
    known: dict[str, Field[Any]] = {field.name: field for field in fields(kind)}
    if unknown := sorted(set(data) - set(known)):
        raise InvalidModel(where, f"unknown keys: {', '.join(unknown)}")
    hints = _hints(kind)
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in data:
            values[name] = _read(hints[name], data[name], f"{where}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InvalidModel(where, f"missing key: {name}")
    return kind(**values)
