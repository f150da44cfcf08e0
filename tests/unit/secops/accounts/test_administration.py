"""Disable, enable, revoke: reasons, nobody on themselves, and the last administrator stays."""

from __future__ import annotations

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.accounts import administration
from secops.accounts.models import ADMINISTRATORS, Account, Role, RoleGrant
from secops.audit_log.models import AuditEvent
from secops.errors import BadInput, Refused
from secops.platform import Platform
from tests.support.platforms import NOW, add_person


def _account(session: Session, username: str) -> Account:
    return session.scalars(
        select(Account).join(User, User.id == Account.user_id).where(User.username == username)
    ).one()


def _grant(session: Session, username: str) -> RoleGrant:
    query = select(RoleGrant).join(User, User.id == RoleGrant.user_id).where(User.username == username)
    return session.scalars(query).one()


def test_disabling_ends_sessions_and_leaves_a_trace(platform: Platform) -> None:
    """A disabled account has a new epoch, and the event tells who, whom and why."""
    add_person(platform, Role.OFFICER, username="zhao")
    with platform.work("test") as session:
        before = _account(session, "zhao").session_epoch
        administration.disable_account(
            session, _account(session, "zhao"), by="admin", reason=" 离职 ", now=NOW
        )
    with platform.work("test") as session:
        account = _account(session, "zhao")
        assert account.session_epoch == before + 1
        assert not session.get_one(User, account.user_id).active
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "account.disable")).one()
        assert (event.object_id, event.reason, event.result) == ("zhao", "离职", "ok")
        administration.enable_account(session, account, by="admin", reason="返聘", now=NOW)
        assert session.get_one(User, account.user_id).active


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_the_last_administrator_stays(platform: Platform, role: Role) -> None:
    """The last holder of an administrator's role can be neither disabled nor stripped; a disabled one does not count."""
    add_person(platform, role, username="first")
    add_person(platform, role, username="second")
    with platform.work("test") as session:
        administration.disable_account(
            session, _account(session, "second"), by="other", reason="离职", now=NOW
        )
    with platform.work("test") as session:
        with pytest.raises(Refused):
            administration.disable_account(
                session, _account(session, "first"), by="other", reason="离职", now=NOW
            )
        with pytest.raises(Refused):
            administration.revoke_grant(session, _grant(session, "first"), by="other", reason="调岗", now=NOW)
        administration.enable_account(
            session, _account(session, "second"), by="other", reason="返聘", now=NOW
        )
        session.flush()
        administration.revoke_grant(session, _grant(session, "first"), by="other", reason="调岗", now=NOW)


def test_nobody_acts_on_themselves(platform: Platform) -> None:
    """Own account and own grant are out of reach."""
    add_person(platform, Role.OFFICER, username="zhao")
    with platform.work("test") as session:
        for act in (administration.disable_account, administration.enable_account):
            with pytest.raises(Refused):
                act(session, _account(session, "zhao"), by="zhao", reason="试试", now=NOW)
        with pytest.raises(Refused):
            administration.revoke_grant(session, _grant(session, "zhao"), by="zhao", reason="试试", now=NOW)


@pytest.mark.parametrize("reason", ["", "   ", "x"])
def test_no_change_of_rights_without_a_reason(platform: Platform, reason: str) -> None:
    """An empty reason is refused and names the field."""
    add_person(platform, Role.OFFICER, username="zhao")
    with platform.work("test") as session, pytest.raises(BadInput) as caught:
        administration.revoke_grant(session, _grant(session, "zhao"), by="admin", reason=reason, now=NOW)
    assert caught.value.field == "reason"


def test_revoking_twice_is_refused(platform: Platform) -> None:
    """The second revocation of a grant changes nothing and says so."""
    add_person(platform, Role.OFFICER, username="zhao")
    with platform.work("test") as session:
        administration.revoke_grant(session, _grant(session, "zhao"), by="admin", reason="调岗", now=NOW)
        with pytest.raises(Refused):
            administration.revoke_grant(session, _grant(session, "zhao"), by="admin", reason="调岗", now=NOW)
