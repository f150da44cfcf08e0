"""Grants that matter take two people: what is in force when, who may decide, and what happens at one time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from sqlalchemy.orm.exc import StaleDataError

from secops.accounts import approvals
from secops.accounts.models import Account, GrantRequest, RequestState, Role, RoleGrant
from secops.accounts.services import grant_role
from secops.audit_log.models import AuditEvent
from secops.clock import utc_now
from secops.errors import Refused
from secops.installation import root_department
from secops.objects.models import Department
from secops.platform import Platform
from secops.scope import Principal
from secops.sensitivity import Sensitivity
from tests.support.builders import Rows
from tests.support.platforms import Client, ClientAs, account_of, add_person


def _ask(client: Client, user_id: int, role: str, **values: str) -> int:
    form = {"user": str(user_id), "role": role, "department": "1", "reason": "部门来函", **values}
    return client.post("/grants/new", form).status_code


def _roles(platform: Platform, username: str) -> set[str]:
    with platform.work("test:look") as session:
        query = (
            select(RoleGrant.role)
            .join(User, User.id == RoleGrant.user_id)
            .where(User.username == username, RoleGrant.revoked_at.is_(None))
        )
        return {role.value for role in session.scalars(query)}


def _actions(platform: Platform) -> list[str]:
    with platform.work("test:look") as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.seq)))


def _bare_person(platform: Platform, username: str) -> int:
    """Somebody without any role."""
    add_person(platform, Role.LEADER, username=username)
    with platform.engine.begin() as connection:
        user_id = connection.scalar(select(User.id).where(User.username == username))
        connection.execute(update(RoleGrant).where(RoleGrant.user_id == user_id).values(revoked_at=utc_now()))
    return int(user_id or 0)


@pytest.mark.parametrize("role", ["system-admin", "security-admin", "audit-admin", "officer", "inspector"])
def test_what_matters_waits_for_a_second_person(client_as: ClientAs, platform: Platform, role: str) -> None:
    """Asked for by one security administrator it grants nothing; another's approval does, and both are in the log."""
    first, second = client_as(Role.SECURITY_ADMIN), client_as(Role.SECURITY_ADMIN)
    user_id = _bare_person(platform, "zhao")

    assert _ask(first, user_id, role) == 302
    assert _roles(platform, "zhao") == set()
    assert "1" in second.get("/grants/").get_data(as_text=True).split('class="count"')[1][:40]
    own = first.post("/approvals/1/decide", {"to": "approved", "reason": "本人批准"}, follow_redirects=True)
    assert "须由第二个人决定" in own.get_data(as_text=True)
    assert _roles(platform, "zhao") == set()

    second.post("/approvals/1/decide", {"to": "approved", "reason": "已核实"})

    assert _roles(platform, "zhao") == {role}
    with platform.work("test:look") as session:
        grant = session.scalars(
            select(RoleGrant).where(RoleGrant.user_id == user_id, RoleGrant.revoked_at.is_(None))
        ).one()
        assert (grant.granted_by, grant.approved_by) == (first.username, second.username)
    assert {"grant.request", "grant.approve", "role.grant"} <= set(_actions(platform))


@pytest.mark.parametrize("role", ["contact", "owner", "leader", "api-client"])
def test_ordinary_grants_are_in_force_at_once(client_as: ClientAs, platform: Platform, role: str) -> None:
    """What is not in the list of grants that matter needs one person."""
    user_id = _bare_person(platform, "zhao")

    _ask(client_as(Role.SECURITY_ADMIN), user_id, role)

    assert _roles(platform, "zhao") == {role}


def test_an_officer_below_the_root_needs_one_person(client_as: ClientAs, platform: Platform) -> None:
    """The wide roles matter at the root only."""
    user_id = _bare_person(platform, "zhao")
    below = Rows(platform.engine).one(Department)

    _ask(client_as(Role.SECURITY_ADMIN), user_id, "officer", department=str(below))

    assert _roles(platform, "zhao") == {"officer"}


def test_the_service_lets_no_person_grant_alone(platform: Platform) -> None:
    """Past the page, on behalf of a person, the service itself refuses a grant that matters without a second name."""
    user_id = _bare_person(platform, "zhao")
    person = Principal(name="sec-1", user_id=99, roles=frozenset({"security-admin"}))
    with platform.work_as(person) as session, pytest.raises(Refused):
        grant_role(
            session,
            account=session.get_one(Account, user_id),
            role=Role.AUDIT_ADMIN,
            department=root_department(session),
            by="sec-1",
            now=utc_now(),
        )


def test_refused_withdrawn_and_expired_requests_grant_nothing(
    client_as: ClientAs, platform: Platform
) -> None:
    """Each end but approval leaves everything as it was, and a request that is over can't be decided again."""
    first, second = client_as(Role.SECURITY_ADMIN), client_as(Role.SECURITY_ADMIN)
    user_id = _bare_person(platform, "zhao")
    _ask(first, user_id, "officer")
    assert _ask(first, user_id, "officer") == 400  # the same is waiting already
    second.post("/approvals/1/decide", {"to": "refused", "reason": "不属实"})
    second.post("/approvals/1/decide", {"to": "approved", "reason": "改主意"})
    _ask(first, user_id, "officer")
    second.post("/approvals/2/withdraw", {"reason": "不是我的"})
    assert second.post("/approvals/2/withdraw", {"reason": "不是我的"}).status_code == 302
    first.post("/approvals/2/withdraw", {"reason": "填错"})
    _ask(first, user_id, "officer")
    with platform.engine.begin() as connection:
        connection.execute(
            update(GrantRequest)
            .where(GrantRequest.id == 3)
            .values(expires_at=utc_now() - timedelta(seconds=1))
        )
    late = second.post("/approvals/3/decide", {"to": "approved", "reason": "迟到"}, follow_redirects=True)

    assert "已过期" in late.get_data(as_text=True)
    assert _roles(platform, "zhao") == set()
    with platform.work("test:look") as session:
        states = session.scalars(select(GrantRequest.state).order_by(GrantRequest.id)).all()
    assert states == [RequestState.REFUSED, RequestState.WITHDRAWN, RequestState.PENDING]
    assert second.post("/approvals/999/decide", {"to": "approved", "reason": "x"}).status_code == 404


def test_a_decision_needs_a_reason(client_as: ClientAs, platform: Platform) -> None:
    """Without one nothing is decided."""
    first, second = client_as(Role.SECURITY_ADMIN), client_as(Role.SECURITY_ADMIN)
    _ask(first, _bare_person(platform, "zhao"), "officer")

    page = second.post("/approvals/1/decide", {"to": "approved", "reason": " "}, follow_redirects=True)

    assert "请填写理由" in page.get_data(as_text=True)
    assert _roles(platform, "zhao") == set()


def test_only_the_configured_roles_decide(client_as: ClientAs, platform: Platform) -> None:
    """An officer sees the requests; deciding is for whom the setting names."""
    first, officer = client_as(Role.SECURITY_ADMIN), client_as(Role.OFFICER)
    _ask(first, _bare_person(platform, "zhao"), "inspector")
    officer.post("/approvals/1/decide", {"to": "approved", "reason": "同意"})
    assert _roles(platform, "zhao") == set()

    wider = replace(platform.settings, grant_approvers="security-admin,officer")
    with platform.work("test") as session:
        approvals.approve(
            session,
            session.get_one(GrantRequest, 1),
            who=Principal(
                name=officer.username,
                user_id=account_of(platform, officer.username).user_id,
                roles=frozenset({"officer"}),
            ),
            reason="同意",
            now=utc_now(),
            settings=wider,
        )
    assert _roles(platform, "zhao") == {"inspector"}


def test_of_two_approvals_at_one_time_one_wins(client_as: ClientAs, platform: Platform) -> None:
    """Both have read the open request; the second to write fails and grants nothing twice."""
    first = client_as(Role.SECURITY_ADMIN)
    _ask(first, _bare_person(platform, "zhao"), "officer")
    people = [
        Principal(name=f"sec-{i}", user_id=900 + i, roles=frozenset({"security-admin"})) for i in (1, 2)
    ]

    with platform.work("one") as one, platform.work("two") as two:
        ours, theirs = one.get_one(GrantRequest, 1), two.get_one(GrantRequest, 1)
        approvals.approve(one, ours, who=people[0], reason="同意", now=utc_now(), settings=platform.settings)
        one.commit()
        with pytest.raises(StaleDataError):
            approvals.approve(
                two, theirs, who=people[1], reason="同意", now=utc_now(), settings=platform.settings
            )
        two.rollback()

    with platform.work("test:look") as session:
        assert len(session.scalars(select(RoleGrant).where(RoleGrant.role == Role.OFFICER)).all()) == 1


def test_a_role_change_ends_the_session(client_as: ClientAs, platform: Platform) -> None:
    """Whoever is given or loses a role signs in again under the new rights."""
    security = client_as(Role.SECURITY_ADMIN)
    add_person(platform, Role.OWNER, username="zhao")
    zhao = Client(security.app).sign_in("zhao")
    assert zhao.get("/account/password").status_code == 200

    _ask(security, account_of(platform, "zhao").user_id, "leader")

    assert zhao.get("/account/password").status_code == 302


def test_a_high_clearance_takes_two_and_a_lower_one_does_not(client_as: ClientAs, platform: Platform) -> None:
    """Raising above the usual level waits; lowering is in force at once; nobody changes their own."""
    first, second = client_as(Role.SECURITY_ADMIN), client_as(Role.SECURITY_ADMIN)
    add_person(platform, Role.OFFICER, username="zhao")
    user_id = account_of(platform, "zhao").user_id
    own = account_of(platform, first.username).user_id

    first.post(f"/labels/people/{user_id}", {"to": "sensitive", "reason": "工作需要"})
    assert account_of(platform, "zhao").clearance == Sensitivity.INTERNAL
    second.post("/approvals/1/decide", {"to": "approved", "reason": "已核实"})
    assert account_of(platform, "zhao").clearance == Sensitivity.SENSITIVE
    first.post(f"/labels/people/{user_id}", {"to": "public", "reason": "调岗"})
    assert account_of(platform, "zhao").clearance == Sensitivity.PUBLIC
    first.post(f"/labels/people/{own}", {"to": "restricted", "reason": "自己"})
    assert account_of(platform, first.username).clearance == Sensitivity.INTERNAL


def test_the_review_finds_what_is_old_and_unused(client_as: ClientAs, platform: Platform) -> None:
    """A grant of last winter is due and its account unused; the confirmation is noted, one's own is left out."""
    security = client_as(Role.SECURITY_ADMIN)
    add_person(platform, Role.OWNER, username="old")
    user_id = account_of(platform, "old").user_id
    long_ago = utc_now() - timedelta(days=200)
    with platform.engine.begin() as connection:
        connection.execute(update(RoleGrant).where(RoleGrant.user_id == user_id).values(granted_at=long_ago))
        connection.execute(
            update(User).where(User.id == user_id).values(last_login=long_ago.replace(tzinfo=None))
        )
        grant_id = connection.scalar(select(RoleGrant.id).where(RoleGrant.user_id == user_id))
    due = security.get("/review/?state=due").get_data(as_text=True)
    assert "old" in due
    assert security.username not in due.split("<table")[1]
    assert "old" in security.get("/review/?state=unused").get_data(as_text=True)

    security.post("/review/confirm", {"ids": str(grant_id), "action": "confirm"})

    assert "<table" not in security.get("/review/?state=due").get_data(as_text=True)
    assert "review.confirm" in _actions(platform)
    export = security.get("/review/export?format=csv").get_data(as_text=True)
    assert "old" in export
    mine = account_of(platform, security.username).user_id
    with platform.work("test:look") as session:
        own = session.scalars(select(RoleGrant.id).where(RoleGrant.user_id == mine)).one()
    refused = security.post("/review/confirm", {"ids": str(own)}, follow_redirects=True)
    assert "自己的授权由他人复核" in refused.get_data(as_text=True)
