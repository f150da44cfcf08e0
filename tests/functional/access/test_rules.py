"""三员分立 by construction: the service refuses, and the database refuses what goes past the service."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from secops.accounts import administration
from secops.accounts.models import ADMINISTRATORS, Account, Role, RoleGrant
from secops.accounts.services import active_grants, grant_role, principal_for
from secops.clock import utc_now
from secops.errors import BadInput, Refused
from secops.installation import root_department
from secops.platform import Platform
from secops.store import trigger_names
from tests.support.platforms import NOW, add_person

BUSINESS = [role for role in Role if role not in ADMINISTRATORS]


def _user_id(session: Session, name: str) -> int:
    return session.scalars(select(User.id).where(User.username == name)).one()


def _give(
    session: Session, name: str, role: Role, *, by: str = "test:setup", until: datetime | None = None
) -> RoleGrant:
    account = session.get_one(Account, _user_id(session, name))
    return grant_role(
        session,
        account=account,
        role=role,
        department=root_department(session),
        by=by,
        now=NOW,
        valid_until=until,
    )


def _raw(platform: Platform, name: str, role: Role, **values: object) -> None:
    """Write a grant past every service."""
    with platform.engine.begin() as connection:
        user_id = connection.scalar(select(User.id).where(User.username == name))
        row = {
            "user_id": user_id, "role": role, "department_id": 1, "granted_by": "somebody", "granted_at": NOW,
            "assignment": "", "approved_by": "", "reviewed_by": "", **values,
        }  # fmt: skip
        connection.execute(insert(RoleGrant).values(row))


@pytest.mark.parametrize("held", sorted(ADMINISTRATORS))
@pytest.mark.parametrize("second", [*sorted(ADMINISTRATORS), Role.OFFICER, Role.LEADER])
def test_an_administrator_holds_one_role(platform: Platform, held: Role, second: Role) -> None:
    """Whoever holds one of the three gets no other role, and nobody else gets one of the three beside theirs."""
    add_person(platform, held, username="li")
    add_person(platform, second, username="wang")
    if held is second:
        pytest.skip("the same role twice is no second role")

    with platform.work("test") as session, pytest.raises(Refused):
        _give(session, "li", second)
    with platform.work("test") as session, pytest.raises(Refused):
        _give(session, "wang", held)


def test_the_database_holds_the_same_rules(both_platforms: Platform) -> None:
    """A write past the service is refused: a second role, a grant to oneself, an assessor's grant without an end."""
    platform = both_platforms
    add_person(platform, Role.AUDIT_ADMIN, username="li")
    add_person(platform, Role.OWNER, username="wang")

    for name, role, values in (
        ("li", Role.SYSTEM_ADMIN, {}),
        ("li", Role.OFFICER, {}),
        ("wang", Role.SECURITY_ADMIN, {}),
        ("wang", Role.LEADER, {"granted_by": "wang"}),
        ("wang", Role.ASSESSOR, {}),
    ):
        with pytest.raises(IntegrityError):
            _raw(platform, name, role, **values)
    assert {name for name in trigger_names(platform.engine) if name.startswith("role_grant_rule")}
    # What is lawful goes through, so the refusals above are no accident.
    _raw(platform, "wang", Role.LEADER)
    _raw(platform, "wang", Role.ASSESSOR, valid_until=NOW + timedelta(days=9))


def test_an_update_past_the_service_is_refused(both_platforms: Platform) -> None:
    """Turning a business role into an administrator's, or waking a revoked one up, is held to the same rule."""
    platform = both_platforms
    add_person(platform, Role.OWNER, username="wang")
    _raw(platform, "wang", Role.LEADER)
    _raw(platform, "wang", Role.AUDIT_ADMIN, revoked_at=NOW)

    for change in (
        update(RoleGrant).where(RoleGrant.role == Role.LEADER).values(role=Role.SYSTEM_ADMIN),
        update(RoleGrant).where(RoleGrant.role == Role.AUDIT_ADMIN).values(revoked_at=None),
    ):
        with pytest.raises(IntegrityError), platform.engine.begin() as connection:
            connection.execute(change)


def test_an_assessor_ends(platform: Platform) -> None:
    """No assessor without an end; at its end the role is gone by itself, whatever was open."""
    add_person(platform, Role.LEADER, username="sun")
    with platform.work("test") as session, pytest.raises(BadInput):
        _give(session, "sun", Role.ASSESSOR)
    with platform.work("test") as session, pytest.raises(BadInput):
        _give(session, "sun", Role.ASSESSOR, until=NOW)
    end = NOW + timedelta(days=5)
    with platform.work("test") as session:
        _give(session, "sun", Role.ASSESSOR, until=end)

    with platform.work("test") as session:
        user = session.get_one(User, _user_id(session, "sun"))
        before = principal_for(session, user, end - timedelta(seconds=1))
        after = principal_for(session, user, end)
    assert before.roles == {"leader", "assessor"}
    assert after.roles == {"leader"}


def test_nobody_grants_to_themselves(platform: Platform) -> None:
    """Neither as the one who grants nor as the second person."""
    add_person(platform, Role.LEADER, username="wang")
    with platform.work("test") as session:
        account = session.get_one(Account, _user_id(session, "wang"))
        for by, second in (("wang", ""), ("li", "wang"), ("li", "li")):
            with pytest.raises(Refused):
                grant_role(
                    session,
                    account=account,
                    role=Role.OWNER,
                    department=root_department(session),
                    by=by,
                    approved_by=second,
                    now=NOW,
                )


def _race(*works: Callable[[], object]) -> list[str]:
    """Run these at one time and tell how each ended."""
    start = threading.Barrier(len(works))
    ends: list[str] = []

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
            ends.append("done")
        except (Refused, IntegrityError, StaleDataError):
            ends.append("refused")

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return sorted(ends)


@pytest.mark.parametrize("way", ["revoke", "disable", "one of each"])
@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_the_last_one_stays_when_two_go_at_once(both_platforms: Platform, role: Role, way: str) -> None:
    """Of two removals at one time from a role with two holders exactly one happens."""
    platform = both_platforms
    names = [add_person(platform, role) for _ in range(2)]

    def revoke(name: str) -> None:
        with platform.work("test:race") as session:
            grant = active_grants(session, _user_id(session, name), NOW)[0]
            administration.revoke_grant(session, grant, by="console", reason="调岗", now=NOW)

    def disable(name: str) -> None:
        with platform.work("test:race") as session:
            account = session.get_one(Account, _user_id(session, name))
            administration.disable_account(session, account, by="console", reason="调岗", now=NOW)

    acts = {"revoke": (revoke, revoke), "disable": (disable, disable), "one of each": (revoke, disable)}[way]

    ends = _race(*(lambda act=act, name=name: act(name) for act, name in zip(acts, names, strict=True)))

    assert ends == ["done", "refused"]
    with platform.work("test") as session:
        query = (
            select(RoleGrant.id)
            .join(User, User.id == RoleGrant.user_id)
            .where(RoleGrant.role == role, RoleGrant.revoked_at.is_(None), User.active.is_(True))
        )
        assert len(session.scalars(query).all()) == 1


def test_two_grants_at_once_make_no_double_administrator(both_platforms: Platform) -> None:
    """Two administrators' roles given to one person at one time: one of them is refused."""
    platform = both_platforms
    name = add_person(platform, Role.LEADER)
    with platform.work("test") as session:
        grant = active_grants(session, _user_id(session, name), NOW)[0]
        administration.revoke_grant(session, grant, by="console", reason="调岗", now=NOW)

    def give(role: Role) -> None:
        with platform.work("test:race") as session:
            _give(session, name, role)

    ends = _race(lambda: give(Role.SYSTEM_ADMIN), lambda: give(Role.AUDIT_ADMIN))

    assert ends == ["done", "refused"]
    with platform.work("test") as session:
        assert len(active_grants(session, _user_id(session, name), NOW)) == 1


def test_an_administrator_with_an_end_is_no_last_one(platform: Platform) -> None:
    """A holder whose role will end by itself does not count as the one who stays."""
    add_person(platform, Role.AUDIT_ADMIN, username="li")
    add_person(platform, Role.LEADER, username="wang")
    with platform.work("test") as session:
        administration.revoke_grant(
            session,
            active_grants(session, _user_id(session, "wang"), NOW)[0],
            by="console",
            reason="调岗",
            now=NOW,
        )
        _give(session, "wang", Role.AUDIT_ADMIN, until=utc_now() + timedelta(days=30))

    with platform.work("test") as session:
        account = session.get_one(Account, _user_id(session, "li"))
        with pytest.raises(Refused):
            administration.disable_account(session, account, by="console", reason="调岗", now=NOW)
        session.rollback()


def test_the_framework_has_no_powerful_role(platform: Platform) -> None:
    """FAB's own Admin and Public are not made, and the one role that its table needs carries no permission."""
    add_person(platform, Role.OFFICER)
    with platform.work("test") as session:
        found = {role.name: list(role.permissions) for role in session.scalars(select(FabRole))}

    assert found == {"secops": []}


@pytest.mark.parametrize("role", list(Role))
def test_administrators_see_no_rows(platform: Platform, role: Role) -> None:
    """An administrator's grant opens no department and no system, even at the root."""
    name = add_person(platform, role)
    with platform.work("test") as session:
        who = principal_for(session, session.get_one(User, _user_id(session, name)), NOW)

    assert who.everything is (role not in ADMINISTRATORS)
    assert bool(who.department_ids) is (role not in ADMINISTRATORS)
    assert role in BUSINESS or not who.system_ids
