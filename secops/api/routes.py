"""Routes of the interface. Each is registered once, with everything that its description says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from controls.terms import TargetKind
from secops.api.openapi import document
from secops.api.registry import BIGGEST_ID, ID, LARGEST_PAGE, LINE, OPERATIONS, Operation, Resource, Schema
from secops.api.resources import ASSET, EVIDENCE, FINDING, SYSTEM
from secops.clock import utc_now
from secops.errors import BadInput, Conflict, NotFound
from secops.evidence.models import BlobState, Evidence
from secops.findings.models import Finding, FindingState
from secops.objects.models import Asset, Importance, System
from secops.objects.services import create_asset, get_system

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
_PAGE: dict[str, Schema] = {
    "after": {**ID, "description": "the number that the page before named as next"},
    "limit": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": 50},
}
_OF_SYSTEM: dict[str, Schema] = {"system_id": ID}


def _register(operation: Operation, view: Callable[..., Any]) -> None:
    OPERATIONS[:] = [one for one in OPERATIONS if one.name != operation.name] + [operation]
    blueprint.add_url_rule(operation.path, operation.name, view, methods=[operation.method])


def _db() -> Session:
    session: Session = current_app.extensions["secops"].session()
    return session


def _query(known: dict[str, Schema]) -> dict[str, Any]:
    """The arguments of the address, checked against their schemas; an unknown or repeated one is a fault.

    Raises:
        BadInput
    """
    values: dict[str, Any] = {
        name: schema["default"] for name, schema in known.items() if "default" in schema
    }
    for name, given in request.args.lists():
        schema = known.get(name)
        if schema is None or len(given) > 1:
            raise BadInput(
                f"参数 {name[:40]} 未知或重复。", f"{name[:40]} is unknown or given twice.", name[:40]
            )
        if schema["type"] == "integer":
            values[name] = _whole(name, given[0], schema)
        elif given[0] not in schema["enum"]:
            raise BadInput(f"参数 {name} 的值无效。", f"{name} has no such value.", name)
        else:
            values[name] = given[0]
    return values


def _whole(name: str, text: str, schema: Schema) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not schema["minimum"] <= int(text) <= schema["maximum"]:
        low, high = schema["minimum"], schema["maximum"]
        raise BadInput(
            f"{name} 应为 {low} 到 {high} 的整数。", f"{name} is a whole number from {low} to {high}.", name
        )
    return int(text)


def _collection(path: str, kind: type[Any], resource: Resource, area: str, summary: tuple[str, str], **filters: Schema) -> None:  # fmt: skip
    """A list by number, oldest first, and one row of it."""
    known = {**_PAGE, **filters}

    def index() -> Response:
        asked = _query(known)
        query = select(kind).order_by(kind.id).limit(asked["limit"] + 1)
        if "after" in asked:
            query = query.where(kind.id > asked["after"])
        for name in filters:
            if name in asked:
                query = query.where(getattr(kind, name) == asked[name])
        rows = _db().scalars(_visible(kind, query)).all()
        page = rows[: asked["limit"]]
        more = page[-1].id if len(rows) > len(page) else None
        return jsonify({"items": [resource.shown(row) for row in page], "next": more})

    def show(row_id: int) -> Response:
        _query({})
        row = None
        if row_id <= BIGGEST_ID:
            row = _db().scalar(_visible(kind, select(kind).where(kind.id == row_id)))
        if row is None:
            raise NotFound
        return jsonify(resource.shown(row))

    plural = path.strip("/")
    listed: Schema = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": resource.schema},
            "next": {"type": ["integer", "null"]},
        },
        "required": ["items", "next"],
        "additionalProperties": False,
    }
    one = (f"{summary[0]}：一条", f"{summary[1]}: one")
    _register(Operation("GET", path, plural, area, summary, (), listed, known), index)
    _register(
        Operation("GET", f"{path}/<int:row_id>", f"{plural}_one", area, one, (404,), resource.schema), show
    )


def _visible(kind: type[Any], query: Any) -> Any:
    """Evidence is there once its bytes are; the row scope does the rest."""
    return query.where(Evidence.blob_state == BlobState.OK) if kind is Evidence else query


_NEW_ASSET: Schema = {
    "type": "object",
    "properties": {
        "system_id": ID,
        "name": {"type": "string", "minLength": 1, "maxLength": 160, "pattern": LINE},
        "kind": {"type": "string", "enum": [kind.value for kind in TargetKind]},
        "address": {"type": "string", "maxLength": 64, "pattern": r"^[0-9A-Za-z.:\-]*$"},
        "importance": {"type": "string", "enum": [kind.value for kind in Importance]},
    },
    "required": ["system_id", "name", "kind"],
    "additionalProperties": False,
}


def _body(schema: Schema) -> dict[str, Any]:
    """The JSON of the request, checked against *schema*: the part of JSON Schema that is used here.

    Raises:
        BadInput
    """
    try:
        found = request.get_json()
    except RecursionError as error:
        raise BadRequest from error
    if not isinstance(found, dict):
        raise BadInput("请求体应为 JSON 对象。", "The body must be a JSON object.", "")
    unknown = sorted(set(found) - set(schema["properties"]))
    missing = sorted(set(schema["required"]) - set(found))
    if unknown or missing:
        raise BadInput(
            "字段缺少或多余。", "A field is missing, or one too many.", (unknown + missing)[0][:40]
        )
    for name, value in found.items():
        if not _fits(value, schema["properties"][name]):
            raise BadInput(f"字段 {name} 的值无效。", f"The value of {name} is not valid.", name)
    return found


def _fits(value: Any, schema: Schema) -> bool:
    if schema["type"] == "integer":
        # JSON Schema counts 1.0 as a whole number; true is none.
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        return bool(whole and schema["minimum"] <= value <= schema["maximum"])
    if not isinstance(value, str) or not value.isprintable() and "pattern" not in schema:
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    short_enough = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1000)
    listed = value in schema.get("enum", [value])
    return short_enough and listed and re.search(schema.get("pattern", ""), value) is not None


def new_asset() -> tuple[Response, int]:
    """Register a target; its system must be in scope."""
    _query({})
    given = _body(_NEW_ASSET)
    db = _db()
    try:
        asset = create_asset(
            db,
            get_system(db, int(given["system_id"])),
            name=given["name"],
            kind=given["kind"],
            address=given.get("address", ""),
            importance=Importance(given.get("importance", Importance.IMPORTANT.value)),
            now=utc_now(),
        )
        db.commit()
    except IntegrityError as error:
        raise Conflict(
            "已有同名同类的测评对象。", "There is a target of this kind and name already."
        ) from error
    return jsonify(ASSET.shown(asset)), 201


def openapi() -> Response:
    """The description of this interface."""
    _query({})
    return jsonify(document())


_collection("/systems", System, SYSTEM, "systems:read", ("定级对象", "Systems"))
_collection("/assets", Asset, ASSET, "assets:read", ("测评对象", "Targets"), **_OF_SYSTEM)
_collection(
    "/findings",
    Finding,
    FINDING,
    "findings:read",
    ("问题", "Findings"),
    **_OF_SYSTEM,
    state={"type": "string", "enum": [state.value for state in FindingState]},
)
_collection("/evidence", Evidence, EVIDENCE, "evidence:read", ("证据目录", "Evidence"), **_OF_SYSTEM)
_register(
    Operation(
        "POST", "/assets", "assets_new", "assets:write", ("登记测评对象", "Register a target"), (404, 409, 413, 415),
        ASSET.schema, body=_NEW_ASSET, good=201,
    ),
    new_asset,
)  # fmt: skip
_register(
    Operation(
        "GET", "/openapi.json", "openapi", "", ("接口说明", "This description"), (), {"type": "object"}
    ),
    openapi,
)
