"""The OpenAPI 3.1 description, made from the registrations."""

from __future__ import annotations

from typing import Any

from secops import __version__
from secops.api.registry import OPERATIONS, Operation

_WORDS = {
    200: "What was asked for", 201: "Made", 400: "The call can't be understood", 401: "No token, or one that does not count",
    403: "The owner's roles, or the areas of the token, do not include this", 404: "There is no such row in this scope",
    405: "Not by this method", 409: "There is one like it already", 413: "Too large", 415: "The body must be JSON",
    429: "Too many wrong tokens from this address", 503: "Not available right now",
}  # fmt: skip
PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "request_id"],
}


def document() -> dict[str, Any]:
    """The whole description; the same for everybody."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = operation.path.replace("<int:row_id>", "{row_id}")
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "secops",
            "version": __version__,
            "description": "Bearer tokens of accounts; rows are those that the owner of the token sees on the pages.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": PROBLEM},
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in operation.query.items()
    ]
    if "<int:row_id>" in operation.path:
        schema = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
        parameters.append({"name": "row_id", "in": "path", "required": True, "schema": schema})
    responses: dict[str, Any] = {
        str(operation.good): _answer(operation.good, "application/json", operation.answer)
    }
    for status in sorted({*operation.statuses, 400, 401, 403, 405, 429, 503}):
        responses[str(status)] = _answer(
            status, "application/problem+json", {"$ref": "#/components/schemas/Problem"}
        )
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary[1],
        "description": f"{operation.summary[0]}。Area: {operation.area or '–'}",
        "parameters": parameters,
        "responses": responses,
    }
    if operation.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": operation.body}},
        }
    return found


def _answer(status: int, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": _WORDS[status], "content": {media_type: {"schema": schema}}}
