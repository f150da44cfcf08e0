"""A small world with something to leak: two departments, a child, a restricted system, a restricted file.

Every table under the row scope holds a row in each place, and every text of it carries the place's mark, so that a
page that shows a foreign row shows its mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import JSON, Enum, String, inspect, update
from werkzeug.routing import Rule

from secops.accounts.models import Account, Role, RoleGrant
from secops.clock import utc_now
from secops.evidence.models import Evidence
from secops.objects.models import Classification, Department, System
from secops.platform import Platform
from secops.scope import scoped_classes
from secops.sensitivity import Sensitivity
from secops.web.gate import permissions
from tests.support import platforms
from tests.support.builders import Rows
from tests.support.platforms import Client

MARKS = {
    "own": "MarkOwn",
    "child": "MarkChild",
    "other": "MarkOther",
    "hidden": "MarkHidden",
    "sealed": "MarkSealed",
}
MISSING = 987_654_321
UNIT = "L3-CES1-01"
_FREE_TEXT = (
    "name",
    "title",
    "note",
    "reason",
    "business",
    "person",
    "text",
    "requested_by",
    "given_by",
    "actor",
    "owner",
)
# Arguments that name no scoped row: accounts, grants, the log, words, and drafts of one's own.
NO_ROW = frozenset(
    {"user_id", "grant_id", "request_id", "seq", "code", "number", "locale", "filename", "kind", "item_id", "draft_id",
     "unit_id", "token_id", "session_id", "name", "line_id"}
)  # fmt: skip
_REGISTERS = {
    "SystemRegister": "system", "AssetRegister": "asset", "DepartmentRegister": "department", "FilingRegister": "filing",
    "DataRegister": "data_category", "FlowRegister": "data_flow", "ReleaseRegister": "release", "PolicyRegister": "policy",
    "PostRegister": "key_post",
}  # fmt: skip
_ALIASES = {
    "finding_id": "finding", "report_id": "report_file", "authorization_id": "scan_authorization",
    "exclusion_id": "unit_exclusion", "target_id": "assessment_target",
}  # fmt: skip

Place = dict[type[Any], int]


@dataclass
class World:
    """The application, and the ids of the rows of each place by class."""

    app: Flask
    platform: Platform
    departments: dict[str, int]
    places: dict[str, Place]
    people: dict[str, Client] = field(default_factory=dict)

    def add_elsewhere(self) -> None:
        """One more row of everything in the other department, and one more restricted system in the own one."""
        fill(self.platform, self.departments["other"], "other")
        fill(self.platform, self.departments["own"], "hidden", Sensitivity.RESTRICTED)


# Values that pages read and that no sample text will do for.
_READABLE: dict[type[Any], dict[str, Any]] = {
    Classification: {"profile": "S3A3G3", "s_level": 3, "a_level": 3, "level": 3}
}


def fill(
    platform: Platform, department: int, place: str, sensitivity: Sensitivity = Sensitivity.INTERNAL
) -> Place:
    """A system with a row of every scoped table, marked all over."""
    rows = Rows(platform.engine)
    ids: Place = {System: rows.one(System, department_id=department, sensitivity=int(sensitivity))}
    for cls in sorted(scoped_classes(), key=lambda cls: cls.__name__):
        if cls is System:
            continue
        own = "system_id" in inspect(cls).local_table.columns
        if not own and place == "hidden":
            continue  # belongs to a department, and has no label
        ids[cls] = rows.one(cls, **_READABLE.get(cls, {}), **({"system_id": ids[System]} if own else {"department_id": department, "system_id": ids[System]}))  # fmt: skip
    with platform.engine.begin() as connection:
        for cls, row in ids.items():
            values = _marked(cls, row, MARKS[place])
            if values:
                key = inspect(cls).primary_key[0]
                connection.execute(update(inspect(cls).local_table).where(key == row).values(values))
    return ids


def _marked(cls: type[Any], row: int, mark: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in inspect(cls).local_table.columns:
        if column.key not in _FREE_TEXT or (cls is Classification and column.key == "business"):
            continue
        if isinstance(column.type, JSON):
            values[column.key] = {"zh": f"{mark} {row}", "en": f"{mark} {row}"}
        elif isinstance(column.type, String) and not isinstance(column.type, Enum):
            values[column.key] = f"{mark} {row}"
    return values


def build(template: Path, home: Path) -> World:
    """The world, and its people: see ``PEOPLE`` of the tests."""
    platform = platforms.copy_installation(template, home)
    rows = Rows(platform.engine)
    own, other = rows.many(Department, 2)
    child = rows.one(Department, parent_id=own)
    departments = {"own": own, "child": child, "other": other}
    places = {name: fill(platform, department, name) for name, department in departments.items()}
    places["hidden"] = fill(platform, own, "hidden", Sensitivity.RESTRICTED)
    places["sealed"] = _seal(platform, places["own"])
    world = World(platforms.application(platform), platform, departments, places)
    _people(world)
    return world


def _seal(platform: Platform, own: Place) -> Place:
    """A restricted file of the own system, with all that hangs on it."""
    rows = Rows(platform.engine)
    ids: Place = {
        Evidence: rows.one(Evidence, system_id=own[System], sensitivity=int(Sensitivity.RESTRICTED))
    }
    for cls in scoped_classes():
        if "evidence_id" in inspect(cls).columns:
            ids[cls] = rows.one(cls, system_id=own[System], evidence_id=ids[Evidence])
    with platform.engine.begin() as connection:
        for cls, row in ids.items():
            values = _marked(cls, row, MARKS["sealed"])
            key = inspect(cls).primary_key[0]
            if values:
                connection.execute(update(inspect(cls).local_table).where(key == row).values(values))
    return ids


def _people(world: World) -> None:
    own, system = world.departments["own"], world.places["own"][System]
    wanted: dict[str, tuple[Role, dict[str, Any]]] = {
        "contact": (Role.CONTACT, {"department_id": own}),
        "assessor": (Role.ASSESSOR, {"department_id": own, "system_id": system}),
        "officer": (Role.OFFICER, {}),
        "cleared": (Role.OFFICER, {}),
        "inspector": (Role.INSPECTOR, {"department_id": own}),
        "leader": (Role.LEADER, {"department_id": own}),
        "ended": (Role.ASSESSOR, {"department_id": own, "system_id": system}),
    }
    for name, (role, where) in wanted.items():
        platforms.add_person(world.platform, role, username=name, **where)
    with world.platform.engine.begin() as connection:
        by_name = {name: platforms.account_of(world.platform, name).user_id for name in ("cleared", "ended")}
        connection.execute(
            update(Account)
            .where(Account.user_id == by_name["cleared"])
            .values(clearance=int(Sensitivity.RESTRICTED))
        )
        ago = utc_now() - timedelta(seconds=1)
        connection.execute(
            update(RoleGrant).where(RoleGrant.user_id == by_name["ended"]).values(valid_until=ago)
        )
    for name in wanted:
        world.people[name] = Client(world.app).sign_in(name)


# ---- what can be asked -----------------------------------------------------------------------------------------


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route of our pages with each of its methods; static files and log-out apart."""
    for rule in app.url_map.iter_rules():
        if (
            rule.endpoint.endswith("static")
            or rule.endpoint == "LoginView.logout"
            or rule.rule.startswith("/api/")
        ):
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield rule, method


def model_of(rule: Rule, argument: str) -> type[Any] | None:
    """The class that an argument names a row of; None when it names none that is under the scope."""
    if argument in NO_ROW or not argument.endswith("_id"):
        return None
    page = rule.endpoint.partition(".")[0]
    table = (
        _REGISTERS.get(page) if argument == "row_id" else _ALIASES.get(argument, argument.removesuffix("_id"))
    )
    if table == "department":
        return None
    for cls in scoped_classes():
        if cls.__tablename__ == table:
            return cls
    raise LookupError(
        f"{rule.endpoint}: tell tests/functional/access/world.py which table {argument} belongs to"
    )


def address(app: Flask, rule: Rule, place: Place | None) -> str | None:
    """The route for the rows of a place, or for rows that don't exist; None when it takes no scoped row."""
    values: dict[str, Any] = {}
    scoped = False
    for argument in rule.arguments:
        model = model_of(rule, argument)
        if model is None:
            is_number = "Integer" in type(rule._converters[argument]).__name__
            values[argument] = UNIT if argument == "unit_id" else MISSING if is_number else "none"
            continue
        scoped = True
        if place is not None and model not in place:
            return None
        values[argument] = MISSING if place is None else place[model]
    if not scoped or "draft_id" in rule.arguments or "item_id" in rule.arguments:
        return None
    with app.test_request_context():
        return str(app.url_map.bind("localhost").build(rule.endpoint, values, method="GET" if "GET" in (rule.methods or ()) else "POST"))  # fmt: skip


def admitted(client: Client, rule: Rule, method: str, roles: set[str]) -> bool:
    return permissions().admits(rule.endpoint, method, frozenset(roles), signed_in=True)


def lists(world: World, roles: set[str], place: str = "own") -> list[str]:
    """Every page and export that this role may get: lists, and the pages of the own rows, in several forms."""
    urls = []
    for rule, method in rules(world.app):
        if method != "GET" or not permissions().admits(
            rule.endpoint, "GET", frozenset(roles), signed_in=True
        ):
            continue
        if rule.arguments:
            url = address(world.app, rule, world.places[place])
        else:
            url = rule.rule
        page, _, action = rule.endpoint.partition(".")
        if url is None or page in _NO_LISTS or action in _NO_ROWS:
            continue
        if rule.endpoint.endswith("export"):
            urls.append(f"{url}?format=csv")
        else:
            urls.append(url if rule.arguments else f"{url}?q=Mark&sort=-name&size=200")
    return sorted(set(urls))


# Show no rows of the store: the frame, the catalogue, the samples, the matrix; empty forms.
_NO_LISTS = frozenset(
    {"HomeView", "LocaleView", "LanguageView", "ThemeView", "UtilView", "HealthView", "CatalogView", "ComponentView", "MatrixView",
     "AccountView", "LoginView"}
)  # fmt: skip
_NO_ROWS = frozenset({"template", "upload"})
_CHANGING = (
    re.compile(r'name="csrf_token" value="[^"]*"'),
    re.compile(r'(nonce|value|content)="[^"]{20,}"'),
    re.compile(r"\b[0-9a-f]{16,}\b"),
    # The session of the one who looks was last used now.
    re.compile(r"(?<=\d{4}-\d\d-\d\d[ T])\d\d:\d\d(:\d\d)?"),
)


def plain(text: str) -> str:
    """A body without what differs between two answers to one question: tokens, nonces, request numbers, time of day."""
    for pattern in _CHANGING:
        text = pattern.sub("", text)
    return text


def body(client: Client, url: str) -> str:
    answer = client.get(url)
    text = answer.get_data(as_text=True) if answer.mimetype.startswith("text/") else answer.mimetype
    status = answer.status_code
    answer.close()
    return f"{status} {text}"
