"""Writes an invented district by plain inserts: reproducible, and minutes shorter than through the services.

Only into a store without systems of its own. One audit event tells of it. Everything is marked as an example.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.orm import Session

from controls.terms import TargetKind
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import Refused
from secops.findings.models import Finding, FindingEvent
from secops.findings.rollup import rebuild
from secops.objects.models import Asset, Classification, Department, System
from secops.posture.catalogue import selection_for
from secops.posture.models import PostureCell, PostureSummary
from secops.scope import Principal
from secops.seed import words

START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
_CHUNK = 5_000
_PROFILES = ("S2A2G2", "S3A3G3", "S2A2G2", "S3A2G3", "S1A2G2", "S2A2G2")
_EXTENSIONS: tuple[list[str], ...] = ([], ["cloud"], [], ["mobile"], [], [])
_KINDS = ("server", "server", "database", "application", "network-device", "security-device", "middleware", "terminal", "data", "document")  # fmt: skip
_STATES = (
    "open",
    "open",
    "planned",
    "in-progress",
    "submitted",
    "returned",
    "closed",
    "closed",
    "false-positive",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each; results are the cells of the posture."""

    departments: int
    systems: int
    assets: int
    results: int
    findings: int
    months: int


SIZES = {
    "S": Size(departments=8, systems=12, assets=60, results=2_400, findings=240, months=12),
    "M": Size(departments=40, systems=1_000, assets=10_000, results=200_000, findings=100_000, months=12),
}


def pick(choices: Sequence[Any], *key: object) -> Any:
    """One of *choices*, the same for the same key on every machine."""
    return choices[number(*key) % len(choices)]


def number(*key: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=6).digest())


def seed(engine: Engine, size: Size) -> dict[str, int]:
    """Fill the store; returns how many rows of each kind there are now.

    Raises:
        Refused: the store holds systems already.
    """
    with engine.begin() as connection:
        _require_empty(connection)
        departments = _departments(connection, size)
        systems = _systems(connection, size, departments)
        assets = _assets(connection, size, systems)
        results = _results(connection, size, systems, assets)
        findings = _findings(connection, size, assets)
        rebuild(connection)
    counts = {
        "departments": len(departments), "systems": len(systems), "assets": len(assets),
        "results": results, "findings": findings,
    }  # fmt: skip
    with Session(engine) as session:
        session.info["principal"] = Principal.platform("seed")
        record(session, "bench.seed", now=utc_now(), object_type="table", object_id="seed", detail=counts)
        session.commit()
    return counts


def _require_empty(connection: Connection) -> None:
    query = (
        select(func.count()).select_from(System.__table__).where(System.__table__.c.is_platform.is_(False))
    )
    if connection.scalar(query):
        raise Refused(
            "这个实例里已有系统，示例数据只写入空实例。请换一个空目录：SECOPS_HOME=$HOME/secops-bench secops init",
            "This installation holds systems already; seeds go into an empty one: SECOPS_HOME=$HOME/secops-bench secops init",
        )


def _write(connection: Connection, model: Any, rows: Iterable[dict[str, Any]]) -> list[int]:
    """Insert in chunks and give the ids in order."""
    table = model.__table__
    ids: list[int] = []
    for chunk in _chunks(rows):
        result = connection.execute(insert(table).returning(table.c.id, sort_by_parameter_order=True), chunk)
        ids.extend(int(found) for found in result.scalars())
    return ids


def _write_many(connection: Connection, model: Any, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    for chunk in _chunks(rows):
        connection.execute(insert(model.__table__), chunk)
        count += len(chunk)
    return count


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _person(*key: object) -> str:
    return f"{pick(words.FAMILY, 'family', *key)}{pick(words.GIVEN, 'one', *key)}{pick(words.GIVEN, 'two', *key)}"


def _departments(connection: Connection, size: Size) -> list[int]:
    table = Department.__table__
    root = connection.execute(select(table.c.id, table.c.path).where(table.c.parent_id.is_(None))).one()
    names = [*words.DEPARTMENTS, *words.TOWNS][: size.departments]
    rows = [
        {
            "code": f"B{place + 1:03}", "name": name, "parent_id": root.id, "path": root.path,
            "leader": _person("leader", name), "is_example": True, "version": 1,
        }
        for place, name in enumerate(names)
    ]  # fmt: skip
    ids = _write(connection, Department, rows)
    for found in ids:
        connection.execute(table.update().where(table.c.id == found).values(path=f"{root.path}{found}/"))
    return ids


@dataclass(frozen=True, slots=True)
class _System:
    id: int
    department_id: int
    profile: str
    extensions: tuple[str, ...]


def _systems(connection: Connection, size: Size, departments: Sequence[int]) -> list[_System]:
    rows = [_system_row(place, departments) for place in range(size.systems)]
    ids = _write(connection, System, rows)
    found = [
        _System(made, row["department_id"], row["profile"], tuple(row["extensions"]))
        for made, row in zip(ids, rows, strict=True)
    ]
    _write_many(connection, Classification, (_classification(one) for one in found))
    return found


def _system_row(place: int, departments: Sequence[int]) -> dict[str, Any]:
    profile = pick(_PROFILES, "profile", place)
    level = int(profile[-1])
    cloud = pick(("done", "done", "migrating", "contracted", "applied", "open", "exempt"), "cloud", place)
    filed = place % 5 != 0
    return {
        "code": f"YX-{place + 1:04}",
        "name": f"{pick(words.BUSINESSES, 'business', place)}{pick(words.BUSINESSES, 'more', place)}{pick(words.FORMS, 'form', place)}（{place + 1}）",
        "department_id": departments[place % len(departments)],
        "kind": "business", "business": "面向群众和企业办理业务。", "boundary": "", "users": f"约 {100 + place % 900} 人",
        "hosting": "government-cloud" if cloud == "done" else pick(("own-room", "superior"), "host", place),
        "state": pick(("running", "running", "running", "planned", "retired"), "state", place),
        "level": level, "profile": profile, "extensions": list(pick(_EXTENSIONS, "ext", place)),
        "internet_facing": place % 3 == 0, "maintainer": f"数科运维{place % 7 + 1}部", "lost_maintainer": place % 23 == 0,
        "run_elsewhere": place % 11 == 0, "filing_number": f"440600-26{place:05}" if filed else "",
        "filed_on": date(2025, 1, 6) + timedelta(days=place % 500) if filed else None,
        "in_operation_on": date(2019, 3, 1) + timedelta(days=place % 1800),
        "last_evaluation_on": date(2024, 6, 1) + timedelta(days=number("evaluated", place) % 880) if place % 7 else None,
        "cloud_state": cloud, "cloud_note": "依赖专用硬件" if cloud == "exempt" else "", "data_kinds": "业务数据",
        "networks": [f"10.{place // 250 % 250}.{place % 250}.0/24"], "domains": [], "responsible": _person("owner", place),
        "maintained_until": date(2026, 6, 1) + timedelta(days=number("contract", place) % 700),
        "evaluation_body": "", "is_example": True, "is_platform": False, "created_at": START, "version": 1,
    }  # fmt: skip


def _classification(one: _System) -> dict[str, Any]:
    return {
        "department_id": one.department_id, "system_id": one.id, "rule_set": "gbt-22240-2020@2020.1",
        "business": [["public", "general"]], "service": [["public", "general"]],
        "s_level": int(one.profile[1]), "a_level": int(one.profile[3]), "level": int(one.profile[5]),
        "profile": one.profile, "reason": "示例", "detail": {}, "decided_by": "seed", "decided_at": START,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asset:
    id: int
    system: _System
    kind: str


def _assets(connection: Connection, size: Size, systems: Sequence[_System]) -> list[_Asset]:
    kinds = {kind.value for kind in TargetKind}
    rows = []
    for place in range(size.assets):
        system = systems[place % len(systems)]
        kind = pick(_KINDS, "kind", place)
        if kind not in kinds:
            raise AssertionError(kind)
        rows.append(
            {
                "department_id": system.department_id, "system_id": system.id, "name": f"{TargetKind(kind).zh} {place + 1}",
                "kind": kind, "address": f"10.{place // 62500 % 250}.{place // 250 % 250}.{place % 250 + 1}",
                "importance": pick(("key", "important", "important", "normal"), "weight", place), "is_this_machine": False,
                "is_example": True, "version": 1,
            }
        )  # fmt: skip
    ids = _write(connection, Asset, rows)
    return [
        _Asset(made, systems[place % len(systems)], rows[place]["kind"]) for place, made in enumerate(ids)
    ]


def _results(connection: Connection, size: Size, systems: Sequence[_System], assets: Sequence[_Asset]) -> int:
    """Cells of the posture, as many as wanted, over the assets of each kind; then the summaries of every month."""
    each = max(1, size.results // max(1, len(assets)))
    written = _write_many(connection, PostureCell, _cells(size, each, assets))
    _write_many(connection, PostureSummary, _summaries(size, systems))
    return written


def _cells(size: Size, each: int, assets: Sequence[_Asset]) -> Iterator[dict[str, Any]]:
    for place, asset in enumerate(assets):
        units = selection_for(asset.system.profile, asset.system.extensions).units
        for step in range(each):
            unit = units[(place * 7 + step) % len(units)]
            verdict = pick(
                ("compliant", "compliant", "partial", "non_compliant", None), "verdict", place, step
            )
            reason = (
                {"zh": "尚未检查", "en": "not examined"}
                if verdict is None
                else {"zh": "示例结果", "en": "example"}
            )
            yield {
                "department_id": asset.system.department_id, "system_id": asset.system.id, "unit_id": str(unit.id),
                "asset_id": asset.id, "verdict": verdict, "suggested": verdict, "reasons": [reason], "steps": [], "evidence_ids": [],
                "computed_at": START,
            }  # fmt: skip


def _summaries(size: Size, systems: Sequence[_System]) -> Iterator[dict[str, Any]]:
    for system in systems:
        total = len(selection_for(system.profile, system.extensions).units)
        for month in range(size.months):
            seen = total * (month + 4) // (size.months + 20)
            good = seen * (60 + number("good", system.id) % 30) // 100
            bad = (seen - good) // 2
            yield {
                "department_id": system.department_id, "system_id": system.id,
                "computed_at": START - timedelta(days=30 * (size.months - 1 - month)), "catalogue": "gbt-28448-2019",
                "profile": system.profile, "applicable": total, "compliant": good, "partial": seen - good - bad,
                "non_compliant": bad, "na": 0, "not_examined": total - seen,
                "examined_share": round(100 * seen / total, 4), "open_findings": 0, "by_class": {}, "by_layer": {},
                "current": month == size.months - 1,
            }  # fmt: skip


def _findings(connection: Connection, size: Size, assets: Sequence[_Asset]) -> int:
    rows = [_finding(place, assets) for place in range(size.findings)]
    ids = _write(connection, Finding, rows)
    events = (
        {
            "department_id": row["department_id"], "system_id": row["system_id"], "finding_id": made,
            "at": row["opened_at"], "actor": "platform:job:scan", "action": "open", "from_state": "",
            "to_state": "open", "note": "", "detail": {},
        }
        for made, row in zip(ids, rows, strict=True)
    )  # fmt: skip
    _write_many(connection, FindingEvent, events)
    return len(ids)


def _finding(place: int, assets: Sequence[_Asset]) -> dict[str, Any]:
    asset = assets[place % len(assets)]
    rule, zh, en, severity, layer, units = words.RULES[place // len(assets) % len(words.RULES)]
    turn = place // len(assets) // len(words.RULES)
    state = pick(_STATES, "finding", place)
    opened = START - timedelta(days=number("opened", place) % 330)
    days = {"high": 30, "medium": 90, "low": 180}[severity]
    return {
        "department_id": asset.system.department_id, "system_id": asset.system.id, "key": f"{rule}:{asset.id}:{turn}",
        "title": {"zh": zh, "en": en}, "rule_id": rule, "asset_id": asset.id, "target": "", "severity": severity,
        "severity_reason": {}, "layer": layer, "units": list(units), "observed": {"zh": "示例", "en": "example"},
        "advice": {}, "high_risk_case": "", "state": state,
        "owner": _person("fixer", place % 50) if state not in ("open", "closed") else "",
        "suggested_due": (opened + timedelta(days=days)).date(),
        "due": (opened + timedelta(days=days)).date() if state not in ("open", "closed", "false-positive") else None,
        "opened_at": opened, "closed_at": opened + timedelta(days=20) if state == "closed" else None, "version": 1,
    }  # fmt: skip
