"""Puts rows into a store: one minimal row of any table, or a whole district at once.

    rows = Rows(platform.engine)
    department = rows.one(Department, name="教育局")
    system = rows.one(System, department_id=department)
    finding = rows.one(Finding, system_id=system, severity="high")   # scan, asset, … are made as needed
    ids = rows.many(Asset, 200, lambda i: {"name": f"主机 {i}"}, system_id=system)

    district = build_district(platform.engine, systems=1000)          # about two seconds on SQLite

Rows go in by plain table inserts on a connection of their own: no scope hook, no audit event, no service rule.
That is what a test wants that needs *some* rows; a test of how rows come about calls the services instead.
What a column needs is read from the mapping, so a new table needs no edit here; ``_SHAPES`` only makes the
common ones look like the real thing.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Engine,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    insert,
    select,
)
from sqlalchemy import inspect as mapping_of
from sqlalchemy.orm import Mapper

from secops import models as _models  # noqa: F401  (every table is mapped before one is filled)
from secops.assessments.models import Assessment, AssessmentRecord, AssessmentRisk, AssessmentTarget
from secops.db import UtcDateTime
from secops.evidence.models import Evidence, EvidenceLink
from secops.findings.models import Finding, FindingEvent, FindingState, Severity
from secops.findings.rollup import Bucket, FindingRollup, apply
from secops.jobs.models import Job
from secops.objects.models import Asset, Department, System
from secops.posture.models import PostureCell, PostureSummary
from secops.reporting.models import ReportFile
from secops.scans.models import Outcome, ProbeRun, Scan, ScanAuthorization
from secops.schedules.models import Schedule
from secops.scope import DepartmentScoped

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
RULE = "ssh-root-login-disabled"

Values = dict[str, Any]
_COUNTERS: WeakKeyDictionary[Engine, Iterator[int]] = WeakKeyDictionary()


def _cycle(*choices: str) -> Callable[[int], str]:
    return lambda i: choices[i % len(choices)]


_LEVEL = {2: "S2A2G2", 3: "S3A3G3"}

_SHAPES: dict[type[Any], Callable[[int], Values]] = {
    Department: lambda i: {"code": f"D{i:05}", "name": f"部门 {i}", "leader": f"负责人 {i}"},
    System: lambda i: {
        "code": f"S{i:05}",
        "name": f"业务系统 {i}",
        "hosting": _cycle("government-cloud", "own-room")(i),
        "level": 2 + i % 2,
        "profile": _LEVEL[2 + i % 2],
        "business": "办理业务。",
    },
    Asset: lambda i: {
        "name": f"主机 {i}",
        "kind": _cycle("server", "database", "network-device", "application")(i),
        "address": f"192.0.2.{i % 250 + 1}",
    },
    ScanAuthorization: lambda i: {
        "title": f"扫描授权 {i}",
        "networks": ["192.0.2.0/24"],
        "probes": ["nmap"],
        "reason": "季度检查",
        "state": "approved",
        "requested_by": "contact",
        "decided_by": "officer",
        "valid_until": NOW + timedelta(days=30),
    },
    Scan: lambda i: {"state": _cycle("done", "done", "failed", "running")(i), "cause": "manual", "plan": []},
    ProbeRun: lambda i: {"probe": "nmap", "target": f"192.0.2.1#{i}", "state": "completed"},
    Outcome: lambda i: {
        "rule_id": f"{RULE}-{i}" if i else RULE,
        "outcome": _cycle("pass", "fail", "na", "manual", "error")(i),
        "reason": {"zh": "读取到的配置", "en": "as configured"},
    },
    Finding: lambda i: {
        "key": f"{RULE}:{i}",
        "rule_id": RULE,
        "title": {"zh": f"问题 {i}", "en": f"Finding {i}"},
        "severity": _cycle("high", "medium", "low")(i),
        "layer": _cycle("data", "application", "management", "infrastructure")(i),
        "units": ["L3-CES1-01"],
        "state": _cycle("open", "planned", "submitted", "closed")(i),
        "suggested_due": date(2026, 12, 24),
    },
    # A layer of its own, so that it stands beside what the findings themselves are counted under.
    FindingRollup: lambda i: {"layer": f"layer-{i}", "severity": "low", "state": "open", "number": 1},
    FindingEvent: lambda i: {"actor": "officer", "action": "open", "to_state": "open"},
    Evidence: lambda i: {
        "title": f"证据 {i}",
        "source": "upload",
        "state": _cycle("submitted", "accepted", "returned")(i),
        "file_name": f"制度 {i}.pdf",
        "media_type": "application/pdf",
        "size": 1024 + i,
        "sm3": f"{i:064x}",
        "blob_id": f"{i:032x}",
        "blob_state": "ok",
    },
    EvidenceLink: lambda i: {"edition": "gbt-28448-2019", "unit_id": f"L3-CES1-{i % 20 + 1:02}"},
    PostureCell: lambda i: {
        "unit_id": f"L3-CES1-{i % 20 + 1:02}",
        "verdict": (None, "compliant", "non_compliant", "partial")[i % 4],
    },
    PostureSummary: lambda i: {
        "catalogue": "gbt-28448-2019",
        "profile": "S3A3G3",
        "applicable": 211,
        "compliant": 20,
        "partial": 6,
        "non_compliant": 14,
        "na": 0,
        "not_examined": 171,
        "examined_share": 18.9573,
        "by_class": {},
        "by_layer": {},
    },
    Assessment: lambda i: {
        "number": f"A{i:05}",
        "title": f"测评 {i}",
        "framework": "gbt-28448-2019",
        "edition": "2025",
        "profile": "S3A3G3",
        "scope": {"units": ["L3-CES1-01", "L3-PES1-01"], "excluded": {}, "inherited": {}},
        "rules": {"y": "0.5", "multi_object_rule": "set", "rate_edge": "inclusive", "threshold": "exact"},
        "begins_on": date(2026, 11, 2),
        "cells": 2,
    },
    AssessmentTarget: lambda i: {"position": i, "kind": "system", "name": f"对象 {i}"},
    AssessmentRecord: lambda i: {
        "unit_id": "L3-PES1-01",
        "verdict": "compliant",
        "state": "decided",
        "origin": "person",
    },
    AssessmentRisk: lambda i: {"unit_id": "L3-PES1-01", "level": "low", "likelihood": "low", "impact": "low"},
    Job: lambda i: {
        "kind": "scan",
        "queue": "scan",
        "state": _cycle("done", "queued", "failed")(i),
        "actor": "officer",
    },
    Schedule: lambda i: {
        "name": f"计划 {i}",
        "kind": "scan",
        "cron": "30 2 * * 1",
        "time_zone": "Asia/Shanghai",
        "next_run_at": NOW + timedelta(days=365),
        "owner": "officer",
    },
    ReportFile: lambda i: {
        "number": f"R{i:05}",
        "kind": "posture",
        "renderer": _cycle("pdf_posture", "xlsx_posture")(i),
        "language": "zh",
        "built_by": "officer",
    },
}


@dataclass
class Rows:
    """Fills tables of one store. Parents that a row needs and that were not named are made once and shared."""

    engine: Engine
    now: datetime = NOW
    _number: Callable[[], int] = field(init=False)
    _parents: dict[tuple[type[Any], int | None], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Two builders over one store go on counting, so that codes and keys stay unique.
        self._number = _COUNTERS.setdefault(self.engine, itertools.count(1)).__next__

    def one(self, model: type[Any], **values: Any) -> int:
        """Insert one row and give its id."""
        return self.many(model, 1, **values)[0]

    def many(
        self, model: type[Any], count: int, each: Callable[[int], Values] | None = None, **common: Any
    ) -> list[int]:
        """Insert *count* rows and give their ids in order.

        Args:
            each: values of the i-th row, over the table's usual shape.
            common: values of every row, over both.
        """
        rows = []
        for i in range(count):
            number = self._number()
            rows.append({**self._shape(model, number), **(each(i) if each else {}), **common})
        if model is Department and "parent_id" not in common:
            root = _root(self)
            rows = [{"parent_id": root, **row} for row in rows]
        self._complete(model, rows)
        made = self._insert(model, rows)
        if model is Department and "path" not in common:
            _set_paths(self.engine, made)
        return made

    def _shape(self, model: type[Any], number: int) -> Values:
        return _SHAPES[model](number) if model in _SHAPES else {"__number__": number}

    def _complete(self, model: type[Any], rows: list[Values]) -> None:
        mapper: Mapper[Any] = mapping_of(model)
        departments = (
            self._departments_of(rows) if issubclass(model, DepartmentScoped) and model is not System else {}
        )
        for row in rows:
            number = row.pop("__number__", None) or self._number()
            if issubclass(model, DepartmentScoped) and model is not System:
                if "system_id" not in row:
                    row["system_id"] = self._parent(System, None)
                    departments.setdefault(row["system_id"], self._department_of(row["system_id"]))
                row.setdefault("department_id", departments[row["system_id"]])
            for column in mapper.local_table.columns:
                if column.key not in row and self._needs_value(column):
                    row[column.key] = self._value(model, column, number, row)

    @staticmethod
    def _needs_value(column: Column[Any]) -> bool:
        generated = column.primary_key and not column.foreign_keys and column.autoincrement in (True, "auto")
        return (
            not column.nullable and column.default is None and column.server_default is None and not generated
        )

    def _value(self, model: type[Any], column: Column[Any], number: int, row: Values) -> Any:
        if column.foreign_keys:
            return self._parent(self._referred(column), row.get("system_id"))
        kind = column.type
        if isinstance(kind, Enum):
            return kind.enums[0]
        if isinstance(kind, JSON):
            return (
                []
                if "list[" in str(model.__annotations__.get(column.key, "")).split("Mapped[", 1)[-1][:6]
                else {}
            )
        if isinstance(kind, UtcDateTime):
            return self.now
        if isinstance(kind, Date):
            return self.now.date()
        if isinstance(kind, Boolean):
            return False
        if isinstance(kind, (Integer, BigInteger, Float, Numeric)):
            return number
        if isinstance(kind, LargeBinary):
            return number.to_bytes(8)
        if isinstance(kind, String):
            text = f"{column.key} {number}"
            return text[: kind.length] if kind.length else text
        raise TypeError(f"{model.__name__}.{column.key}: no sample value for {kind!r}")

    def _referred(self, column: Column[Any]) -> type[Any]:
        table = next(iter(column.foreign_keys)).column.table
        for mapper in mapping_of(System).registry.mappers:
            if mapper.local_table is table:
                found: type[Any] = mapper.class_
                return found
        raise LookupError(f"no class is mapped to {table.name}")

    def _parent(self, model: type[Any], system_id: int | None) -> int:
        scoped = issubclass(model, DepartmentScoped) and model is not System
        key = (model, system_id if scoped else None)
        if scoped and system_id is not None and model is System:
            return system_id
        if key not in self._parents:
            self._parents[key] = self.one(model, **({"system_id": system_id} if scoped and system_id else {}))
        return self._parents[key]

    def _department_of(self, system_id: int) -> int:
        return self._departments_of([{"system_id": system_id}])[system_id]

    def _departments_of(self, rows: list[Values]) -> dict[int, int]:
        wanted = {row["system_id"] for row in rows if "system_id" in row}
        if not wanted:
            return {}
        table = System.__table__
        query = select(table.c.id, table.c.department_id)
        if len(wanted) <= 500:
            query = query.where(table.c.id.in_(sorted(wanted)))
        with self.engine.connect() as connection:
            return {row.id: row.department_id for row in connection.execute(query)}

    def _insert(self, model: type[Any], rows: list[Values]) -> list[int]:
        table = mapping_of(model).local_table
        keys: set[str] = set().union(*rows) if rows else set()
        if any(set(row) != keys for row in rows):
            raise ValueError(f"every {model.__name__} of one call needs the same columns")
        with self.engine.begin() as connection:
            key = next(iter(table.primary_key.columns))
            result = connection.execute(insert(table).returning(key, sort_by_parameter_order=True), rows)
            made = [int(found) for found in result.scalars()]
            if model is Finding:
                apply(connection, Counter(_bucket(row) for row in rows))
            return made


def _bucket(row: Values) -> Bucket:
    """What a session would have counted this finding under."""
    return Bucket(
        row["system_id"], row["layer"], Severity(row["severity"]).value, FindingState(row["state"]).value,
        row["department_id"],
    )  # fmt: skip


@dataclass(frozen=True)
class District:
    """What :func:`build_district` made: ids by kind, in order."""

    root_id: int
    departments: tuple[int, ...]
    systems: tuple[int, ...]
    ids: Mapping[type[Any], tuple[int, ...]]


def build_district(
    engine: Engine,
    *,
    systems: int = 12,
    departments: int = 4,
    assets: int = 2,
    findings: int = 3,
    cells: int = 20,
    now: datetime = NOW,
) -> District:
    """Fill a store with *systems* graded objects and what belongs to each of them.

    Below the root department come *departments*; each system has *assets* targets, *findings* findings with one
    event each, *cells* posture cells, and one of: authorisation, scan, probe run, outcome, evidence with a link,
    summary, job, schedule, report.
    """
    rows = Rows(engine, now)
    root = _root(rows)
    below = rows.many(Department, departments)
    made = rows.many(System, systems, lambda i: {"department_id": below[i % departments]})
    ids: dict[type[Any], tuple[int, ...]] = {}

    def add(
        model: type[Any], per_system: int, each: Callable[[int], Values] = lambda i: {}
    ) -> tuple[int, ...]:
        found = rows.many(
            model, systems * per_system, lambda i: {"system_id": made[i // per_system], **each(i)}
        )
        ids[model] = tuple(found)
        return ids[model]

    hosts = add(Asset, assets)
    allowed = add(ScanAuthorization, 1)
    scans = add(Scan, 1, lambda i: {"authorization_id": allowed[i]})
    runs = add(ProbeRun, 1, lambda i: {"scan_id": scans[i], "asset_id": hosts[i * assets]})
    add(Outcome, 1, lambda i: {"probe_run_id": runs[i], "scan_id": scans[i], "asset_id": hosts[i * assets]})
    found = add(
        Finding,
        findings,
        lambda i: {"asset_id": hosts[i // findings * assets], "last_scan_id": scans[i // findings]},
    )
    add(FindingEvent, findings, lambda i: {"finding_id": found[i]})
    kept = add(Evidence, 1)
    add(EvidenceLink, 1, lambda i: {"evidence_id": kept[i]})
    add(PostureCell, cells, lambda i: {"asset_id": hosts[i // cells * assets]})
    add(PostureSummary, 1)
    add(Job, 1)
    add(Schedule, 1)
    add(ReportFile, 1, lambda i: {"evidence_id": kept[i]})
    return District(root, tuple(below), tuple(made), ids)


def _root(rows: Rows) -> int:
    table = Department.__table__
    with rows.engine.connect() as connection:
        found = connection.scalar(select(table.c.id).where(table.c.parent_id.is_(None)).order_by(table.c.id))
    return int(found) if found is not None else rows.one(Department, code="ROOT", parent_id=None)


def _set_paths(engine: Engine, departments: list[int]) -> None:
    """Write the ids from the root into each path, as the services do."""
    table = Department.__table__
    with engine.begin() as connection:
        paths = {row.id: row.path for row in connection.execute(select(table.c.id, table.c.path))}
        parents = {row.id: row.parent_id for row in connection.execute(select(table.c.id, table.c.parent_id))}
        for found in departments:
            above = paths[parents[found]] if parents[found] is not None else "/"
            paths[found] = f"{above}{found}/"
            connection.execute(table.update().where(table.c.id == found).values(path=paths[found]))
