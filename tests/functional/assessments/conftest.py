"""A small system with targets, a posture and two people who assess."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from secops.accounts.models import Role
from secops.assessments.deciding import Decision, decide, get_assessment, load_frame
from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentTarget
from secops.assessments.planning import Plan, create
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.posture.services import recompute
from secops.scope import Principal
from secops.sensitivity import HIGHEST
from tests.support.builders import Rows

ONE = Principal(name="one", roles=frozenset({"assessor"}), everything=True, clearance=HIGHEST)
TWO = Principal(name="two", roles=frozenset({"officer"}), everything=True, clearance=HIGHEST)


@dataclass
class Bench:
    """One running assessment."""

    platform: Platform
    assessment_id: int
    system_id: int
    assets: list[int]

    @contextmanager
    def work(self, who: Principal = ONE) -> Iterator[tuple[Session, Assessment, Frame]]:
        with self.platform.work_as(who) as session:
            found = get_assessment(session, self.assessment_id)
            yield session, found, load_frame(session, found)

    def grow(self, count: int) -> None:
        """Add servers to the frozen scope, as a larger system would have had them from the start."""
        with self.work() as (session, found, _):
            place = {
                "department_id": found.department_id,
                "system_id": found.system_id,
                "assessment_id": found.id,
            }
            session.execute(
                insert(AssessmentTarget),
                [
                    place
                    | {
                        "position": 10 + n,
                        "kind": "server",
                        "name": f"云主机 {n}",
                        "asset_id": None,
                        "reason": {},
                    }
                    for n in range(count)
                ],
            )
            record(session, "assessment.create", found, now=utc_now())

    def decide(
        self, unit: str, target: int | None = None, who: Principal = ONE, version: int = 0, **what: Any
    ) -> Any:
        with self.work(who) as (session, found, frame):
            place = frame.places[unit][0].id if target is None else target
            return decide(session, found, frame, Decision(unit, place, version, **what), now=utc_now())


@pytest.fixture
def make_bench(platform: Platform, rows: Rows) -> Callable[..., Bench]:
    def make(
        kinds: tuple[str, ...] = ("server", "server", "database"), edition: str = "2025", **system: Any
    ) -> Bench:
        values = {"level": 3, "profile": "S3A3G3", "code": "SYS-1", "name": "审批系统"} | system
        system_id = rows.one(System, **values)
        assets = [
            rows.one(Asset, system_id=system_id, kind=kind, name=f"{kind} {n}")
            for n, kind in enumerate(kinds)
        ]
        with platform.work("test:posture") as session:
            recompute(session, session.get_one(System, system_id), now=utc_now())
        with platform.work_as(ONE) as session:
            found = create(
                session,
                session.get_one(System, system_id),
                Plan(edition=edition, assets=assets),
                now=utc_now(),
            )
        return Bench(platform, found.id, system_id, assets)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


__all__ = ["ONE", "TWO", "Bench", "Role"]
