"""Posture recomputed unit by unit equals posture computed from scratch, after any order of events."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from secops.assessments.models import Assessment, AssessmentRecord, AssessmentTarget
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.evidence.models import Evidence, EvidenceLink
from secops.inventory.models import InheritedUnit, UnitExclusion
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.posture.catalogue import selection_for
from secops.posture.models import PostureCell, PostureSummary
from secops.posture.services import recompute
from secops.scans.judge import rules_by_id
from secops.scans.models import Outcome, ProbeRun, Scan
from tests.support.builders import NOW, Rows

EVENTS = 10_000 if os.environ.get("SECOPS_FULL") == "1" else 250


class World:
    """A system, and the events that can happen to it; each gives the units it can change."""

    def __init__(self, platform: Platform, rows: Rows) -> None:
        self.rows, self.random = rows, random.Random(20261125)
        self.system = rows.one(System, level=3, profile="S3A3G3")
        self.assets = [
            rows.one(Asset, system_id=self.system, kind=kind) for kind in ("server", "server", "database")
        ]
        self.scan = rows.one(Scan, system_id=self.system)
        self.units = [str(unit.id) for unit in selection_for("S3A3G3").units]
        self.rules = [rule for rule in rules_by_id().values() if rule.platforms[0] == "linux"]
        with platform.engine.connect() as connection:
            self.department = connection.execute(
                select(System.department_id).where(System.id == self.system)
            ).scalar_one()
        self.place = {"department_id": self.department, "system_id": self.system}
        self.clock = NOW

    def outcome(self, session: Any) -> set[str]:
        rule, asset = self.random.choice(self.rules), self.random.choice(self.assets[:2])
        word = self.random.choice(("pass", "fail", "na", "error", "manual"))
        session.execute(
            update(Outcome)
            .where(Outcome.asset_id == asset, Outcome.rule_id == rule.id, Outcome.current.is_(True))
            .values(current=False),
            execution_options={"synchronize_session": False},
        )
        answers = [
            {"unit": one.unit, "step": one.step, "strength": one.strength.value} for one in rule.answers
        ]
        run = self.rows._number()
        session.execute(
            insert(ProbeRun),
            [
                self.place
                | {
                    "id": 1000 + run,
                    "asset_id": asset,
                    "started_at": self.clock,
                    "finished_at": self.clock,
                    "scan_id": self.scan,
                    "entry": {},
                    "probe": "local",
                    "target": f"{run}",
                    "state": "completed",
                }
            ],
        )
        session.execute(
            insert(Outcome),
            [self.place | {"scan_id": self.scan, "probe_run_id": 1000 + run, "asset_id": asset, "target": "192.0.2.1", "rule_id": rule.id,
                           "check_id": "", "outcome": word, "reason": {"zh": f"看到 {word}", "en": f"saw {word}"}, "facts": {},
                           "answers": answers, "current": True, "observed_at": self.clock}],
        )  # fmt: skip
        families = {one.unit for one in rule.answers}
        # A rule can also settle a step together with others.
        return set(self.units) if len(self.rules) < 2 else families | self._together(rule.id)

    def _together(self, rule: str) -> set[str]:
        from scanners.baseline.steps import load_combinations

        return {one.unit for one in load_combinations("linux") if rule in one.rules}

    def evidence(self, session: Any) -> set[str]:
        unit = self.random.choice(self.units)
        state = self.random.choice(("submitted", "accepted", "returned"))
        number = self.rows._number()
        made = session.execute(
            insert(Evidence).returning(Evidence.id),
            [self.place | {"title": "制度", "source": "upload", "state": state, "file_name": "a.pdf", "media_type": "application/pdf",
                           "blob_id": f"{number:032x}", "blob_state": "ok", "blob_header": b"", "given_by": "x", "given_at": self.clock}],
        ).scalar_one()  # fmt: skip
        session.execute(
            insert(EvidenceLink),
            [
                self.place
                | {"evidence_id": made, "edition": "gbt-28448-2019", "unit_id": unit, "asset_id": None}
            ],
        )
        return {unit}

    def evidence_state(self, session: Any) -> set[str]:
        found = session.execute(select(EvidenceLink.evidence_id, EvidenceLink.unit_id)).all()
        if not found:
            return set()
        evidence, unit = self.random.choice(found)
        state = self.random.choice(("accepted", "returned", "superseded"))
        session.execute(
            update(Evidence).where(Evidence.id == evidence).values(state=state),
            execution_options={"synchronize_session": False},
        )
        return {unit}

    def exclusion(self, session: Any) -> set[str]:
        unit = self.random.choice(self.units[:40])
        session.execute(
            delete(UnitExclusion).where(UnitExclusion.unit_id == unit),
            execution_options={"synchronize_session": False},
        )
        if self.random.random() < 0.6:
            session.execute(
                insert(UnitExclusion),
                [
                    self.place
                    | {
                        "unit_id": unit,
                        "reason": "没有",
                        "state": "approved",
                        "requested_by": "a",
                        "requested_at": self.clock,
                        "decided_by": "b",
                        "decision_note": "",
                    }
                ],
            )
        return {unit}

    def inheritance(self, session: Any) -> set[str]:
        unit = self.random.choice(self.units[:40])
        session.execute(
            delete(InheritedUnit).where(InheritedUnit.unit_id == unit),
            execution_options={"synchronize_session": False},
        )
        if self.random.random() < 0.7:
            until = NOW.date() + timedelta(days=self.random.choice((-5, 30)))
            session.execute(
                insert(InheritedUnit),
                [self.place | {"unit_id": unit, "responsibility": self.random.choice(("inherited", "shared", "theirs")), "provider_name": "政务云",
                               "verdict": self.random.choice((None, "compliant", "partial")), "expires_on": until, "report": "2026 报告",
                               "claimed_by": "x", "claimed_at": self.clock}],
            )  # fmt: skip
        return {unit}

    def decision(self, session: Any) -> set[str]:
        """Another assessment is closed: what it decided stands from now on, what the one before decided no more."""
        before = set(
            session.scalars(select(AssessmentRecord.unit_id).where(AssessmentRecord.system_id == self.system))
        )
        base = self.place | {"scope": {"units": []}, "rules": {}, "extensions": [], "framework": "gbt-28448-2019", "edition": "2025", "profile": "S3A3G3",
                             "catalogue": "x", "begins_on": NOW.date(), "cells": 1, "created_by": "x", "created_at": self.clock, "title": "t", "state": "closed",
                             "result": {}, "conclusion": "", "lead": ""}  # fmt: skip
        made = session.execute(
            insert(Assessment).returning(Assessment.id), [base | {"number": f"N{self.rows._number()}"}]
        ).scalar_one()
        units = set(self.random.sample(self.units, 6))
        for position, asset in enumerate([None, *self.assets]):
            target = session.execute(
                insert(AssessmentTarget).returning(AssessmentTarget.id),
                [
                    self.place
                    | {
                        "assessment_id": made,
                        "position": position,
                        "asset_id": asset,
                        "kind": "server",
                        "name": "x",
                        "reason": {},
                    }
                ],
            ).scalar_one()
            session.execute(
                insert(AssessmentRecord),
                [self.place | {"assessment_id": made, "unit_id": unit, "target_id": target, "verdict": self.random.choice(("compliant", "non_compliant")),
                               "state": "accepted", "origin": "person", "text": "", "comment": "", "methods": [], "steps": {}, "evidence_ids": [], "crypto": {},
                               "suggestion": {}, "assessor": "x", "decided_at": self.clock} for unit in sorted(units)],
            )  # fmt: skip
        return units | before


def _cells(session: Any, system: int) -> list[tuple[Any, ...]]:
    session.expire_all()
    rows = session.scalars(select(PostureCell).where(PostureCell.system_id == system))
    return sorted(
        (
            row.unit_id,
            row.asset_id or 0,
            row.verdict or "",
            str(row.reasons),
            str(row.steps),
            str(row.evidence_ids),
        )
        for row in rows
    )


def _summary(session: Any, system: int) -> Any:
    row = session.scalars(
        select(PostureSummary).where(PostureSummary.system_id == system, PostureSummary.current.is_(True))
    ).one()
    return (
        row.compliant,
        row.partial,
        row.non_compliant,
        row.na,
        row.not_examined,
        row.by_class,
        row.by_layer,
    )


def test_unit_by_unit_equals_from_scratch(platform: Platform, rows: Rows) -> None:
    """After every tenth of the events both ways give the same cells and the same roll-up."""
    world = World(platform, rows)
    events = [
        world.outcome,
        world.outcome,
        world.outcome,
        world.evidence,
        world.evidence_state,
        world.exclusion,
        world.inheritance,
        world.decision,
    ]
    with platform.work("test:posture") as session:
        system = session.get_one(System, world.system)
        recompute(session, system, now=NOW)
        for number in range(EVENTS):
            world.clock = NOW + timedelta(seconds=number)
            units = world.random.choice(events)(session)
            recompute(session, system, now=NOW, only=units)
            if number % (EVENTS // 10) == EVENTS // 10 - 1:
                piecewise = (_cells(session, world.system), _summary(session, world.system))
                recompute(session, system, now=NOW)
                assert piecewise == (_cells(session, world.system), _summary(session, world.system)), number
        record(session, "posture.test", system, now=utc_now())


def test_a_decision_stands_until_something_newer_is_seen(platform: Platform, rows: Rows) -> None:
    """An assessor's verdict is the posture's too; a later failing result takes its place."""
    world = World(platform, rows)
    world.random = random.Random(3)
    with platform.work("test:posture") as session:
        system = session.get_one(System, world.system)
        world.clock = NOW
        units = world.decision(session)
        recompute(session, system, now=NOW)
        found = session.scalars(select(PostureCell).where(PostureCell.unit_id == sorted(units)[0])).all()
        assert {row.verdict for row in found} <= {"compliant", "non_compliant"}
        assert all("判定" in row.reasons[0]["zh"] for row in found)
        recompute(session, system, now=NOW + timedelta(days=366))
        session.expire_all()
        found = session.scalars(select(PostureCell).where(PostureCell.unit_id == sorted(units)[0])).all()
        assert {row.verdict for row in found} == {None}
        record(session, "posture.test", system, now=utc_now())
