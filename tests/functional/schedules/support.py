"""A schedule that is due, with all that its scan needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from secops.clock import utc_now
from secops.objects.models import Asset, Department, System
from secops.platform import Platform
from secops.scans.models import AuthorizationState, ScanAuthorization
from secops.schedules.services import create_schedule
from tests.support.builders import Rows


def scannable(rows: Rows) -> tuple[int, int]:
    """A system with one target under an authorisation in force: (system, authorisation)."""
    system = rows.one(System, department_id=rows.one(Department))
    rows.one(Asset, system_id=system, address="192.0.2.7", is_this_machine=False)
    now = utc_now()
    authorization = rows.one(
        ScanAuthorization,
        system_id=system,
        networks=["192.0.2.0/24"],
        exceptions=[],
        path_roots=[],
        probes=["nmap"],
        state=AuthorizationState.APPROVED.value,
        valid_from=now - timedelta(days=1),
        valid_until=now + timedelta(days=30),
    )
    return system, authorization


def due_schedule(platform: Platform, rows: Rows, owner: str, **values: Any) -> int:
    """A schedule of scans that is due since a minute."""
    system, authorization = scannable(rows)
    now = utc_now()
    with platform.work("test") as session:
        return create_schedule(
            session,
            system=session.get_one(System, system),
            name="每日复查",
            kind="scan",
            payload={"authorization_id": authorization},
            owner=owner,
            time_zone="Asia/Shanghai",
            now=now,
            first_run_at=values.pop("first_run_at", now - timedelta(minutes=1)),
            **({"every_seconds": 3600} | values),
        ).id
