"""The pages of labels, requests and review: what they show, what they refuse, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from secops.accounts.models import GrantRequest, Role
from secops.audit_log.models import AuditEvent
from secops.evidence.models import Evidence
from secops.objects.models import System
from secops.platform import Platform
from secops.sensitivity import Sensitivity
from tests.support.builders import Rows, build_district
from tests.support.platforms import ClientAs, account_of, add_person


def test_a_label_takes_effect_with_the_next_question(client_as: ClientAs, platform: Platform) -> None:
    """Set by the security administrator, with a reason in the log; gone for whoever lacks the clearance."""
    rows = Rows(platform.engine)
    system = rows.one(System, name="核心业务")
    evidence = rows.one(Evidence, system_id=system, title="测评底稿")
    security, officer = client_as(Role.SECURITY_ADMIN), client_as(Role.OFFICER)
    assert "核心业务" in officer.get("/systems/").get_data(as_text=True)

    security.post(f"/labels/evidence/{evidence}", {"to": "sensitive", "reason": "含拓扑"})
    assert officer.get(f"/evidence/{evidence}").status_code == 404
    assert officer.get(f"/systems/{system}").status_code == 200
    security.post(f"/labels/systems/{system}", {"to": "restricted", "reason": "重要数据"})
    assert officer.get(f"/systems/{system}").status_code == 404
    assert "核心业务" not in officer.get("/systems/").get_data(as_text=True)
    user_id = account_of(platform, officer.username).user_id
    with platform.engine.begin() as connection:
        from secops.accounts.models import Account

        connection.execute(
            update(Account).where(Account.user_id == user_id).values(clearance=int(Sensitivity.RESTRICTED))
        )
    assert "高度敏感" in officer.get(f"/systems/{system}").get_data(as_text=True)

    with platform.work("test:look") as session:
        noted = session.scalars(select(AuditEvent).where(AuditEvent.action == "label.change")).all()
    assert [(event.actor, event.reason) for event in noted] == [
        (security.username, "含拓扑"),
        (security.username, "重要数据"),
    ]


@pytest.mark.parametrize(
    ("to", "reason", "words"),
    [
        ("涉密", "x1", "不得存储、处理国家秘密"),
        ("top-secret", "x1", "不得存储、处理国家秘密"),
        ("made-up", "x1", "没有这个敏感度标记"),
        ("sensitive", "", "请填写理由"),
        ("internal", "x1", "标记没有变化"),
    ],
)
def test_what_is_no_label_is_refused(
    client_as: ClientAs, platform: Platform, to: str, reason: str, words: str
) -> None:
    """A state secret, an unknown word, no reason, no change: nothing happens and the page says why."""
    system = Rows(platform.engine).one(System)
    security = client_as(Role.SECURITY_ADMIN)

    page = security.post(f"/labels/systems/{system}", {"to": to, "reason": reason}, follow_redirects=True)

    assert words in page.get_data(as_text=True)
    with platform.work("test:look") as session:
        assert session.get_one(System, system).sensitivity == Sensitivity.INTERNAL
    assert security.post("/labels/systems/999999", {"to": "public", "reason": "xx"}).status_code == 404
    assert security.get("/labels/nonsense/export?format=csv").status_code == 404


@pytest.mark.parametrize("systems", [12, 1000])
def test_query_counts_do_not_grow(
    client_as: ClientAs, platform: Platform, query_recorder: Any, systems: int
) -> None:
    """Labels, requests and review cost the same queries with many rows as with few."""
    build_district(platform.engine, systems=systems, cells=1, findings=1, assets=1)
    security = client_as(Role.SECURITY_ADMIN)
    add_person(platform, Role.LEADER, username="zhao")
    Rows(platform.engine).many(
        GrantRequest,
        systems // 12,
        user_id=account_of(platform, "zhao").user_id,
        kind="role",
        role="officer",
        state="pending",
        department_id=1,
        decided_by="",
    )
    engine = security.app.extensions["secops"].engine
    for url, most in (
        ("/labels/", 6),
        ("/labels/evidence", 5),
        ("/labels/people", 6),
        ("/approvals/", 6),
        ("/review/", 8),
    ):
        with query_recorder(engine) as queries:
            assert security.get(f"{url}?size=200").status_code == 200
        assert queries.count == most, (url, queries.told())
