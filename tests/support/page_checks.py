"""What tests of pages share: how many queries a page needs, and what the audit log says afterwards."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Engine, select

from secops.audit_log.models import AuditEvent
from secops.objects.models import Department
from secops.platform import Platform
from tests.support.builders import Rows, build_district
from tests.support.platforms import Client
from tests.support.queries import recorded_queries


def queries_of(client: Client, engine: Engine, url: str) -> int:
    """Statements that one request for *url* runs; the page must be there."""
    app_engine = client.app.extensions["secops"].engine
    client.get(url)
    with recorded_queries(app_engine) as queries:
        answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return queries.count


def counts_small_and_large(client: Client, engine: Engine, *urls: str) -> dict[str, tuple[int, int]]:
    """Queries of each page with 12 systems in the store, and with about 1,000."""
    build_district(engine, systems=12)
    small = {url: queries_of(client, engine, url) for url in urls}
    build_district(engine, systems=1000 - 12, departments=40, cells=1, assets=1)
    return {url: (small[url], queries_of(client, engine, url)) for url in urls}


def audit_actions(platform: Platform, object_type: str | None = None) -> list[str]:
    """Actions in the log, oldest first."""
    with platform.work("test:look") as session:
        query = select(AuditEvent.action).order_by(AuditEvent.seq)
        if object_type is not None:
            query = query.where(AuditEvent.object_type == object_type)
        return list(session.scalars(query))


def last_event(platform: Platform, action: str) -> Any:
    """The newest event of this action."""
    with platform.work("test:look") as session:
        return session.scalars(
            select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.seq.desc()).limit(1)
        ).one()


def plain(text: str) -> str:
    """A page's words without markup, for looking a sentence up."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def two_departments(rows: Rows) -> tuple[int, int]:
    """Two departments side by side below the root: neither sees the other's rows."""
    one, two = (rows.one(Department, id=number, path=f"/1/{number}/", parent_id=1) for number in (101, 102))
    return one, two
