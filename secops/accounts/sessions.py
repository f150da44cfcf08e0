"""Sessions of people, kept on the server: made in one place, looked up by one query, over when the row says so.

The browser holds a random token of 256 bits; the store holds only its SM3 digest. A session is over when it was ended,
when it idled or lasted too long, and when the account's epoch moved on: a log-in that runs beside a disabling or a new
password carries the earlier epoch and is dead from the start. Nothing is cached, so each web worker sees an end with
its next request.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from secops.accounts.models import ADMINISTRATORS, Account, UserSession
from secops.audit_log.services import record
from secops.config import Settings
from secops.errors import NotFound
from smcrypto import sm3

TOUCH_EVERY = timedelta(seconds=60)
_ADMINISTRATORS = frozenset(role.value for role in ADMINISTRATORS)


class Ending(StrEnum):
    """Why a session is over."""

    LOGOUT = "logout"
    OWN = "own"
    ADMINISTRATOR = "administrator"
    RIGHTS = "rights"
    PASSWORD = "password"
    FACTOR = "factor"
    DISABLED = "disabled"
    LIMIT = "limit"
    IDLE = "idle"
    ABSOLUTE = "absolute"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session may idle and last, and how many an account may have at a time."""

    idle: timedelta
    idle_administrator: timedelta
    longest: timedelta
    parallel: int

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(
            timedelta(minutes=settings.session_idle_minutes),
            timedelta(minutes=settings.session_idle_admin_minutes),
            timedelta(hours=settings.session_hours),
            settings.sessions_max,
        )

    def idle_for(self, roles: frozenset[str]) -> timedelta:
        """Shorter for administrators."""
        return min(self.idle, self.idle_administrator) if roles & _ADMINISTRATORS else self.idle


def token_hash(token: str) -> str:
    return sm3.hexdigest(b"secops session\x00" + token.encode())


def start_session(
    session: Session,
    account: Account,
    *,
    now: datetime,
    address: str,
    agent: str,
    limits: Limits,
    factor_at: datetime | None = None,
) -> str:
    """Make the one kind of session there is, and give its token; the oldest ones over the limit end.

    The caller has checked who it is, and commits.
    """
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            user_id=account.user_id,
            token_hash=token_hash(token),
            epoch=account.session_epoch,
            created_at=now,
            last_seen_at=now,
            reauth_at=now,
            factor_at=factor_at,
            address=address[:45],
            agent=agent[:200],
        )
    )
    session.flush()
    for row in open_sessions(session, account, now=now, limits=limits)[limits.parallel :]:
        _end(row, now, Ending.LIMIT)
    return token


def find_session(session: Session, token: str) -> tuple[UserSession, User, Account] | None:
    """The session with its user and account, ended ones too; one query."""
    row = session.execute(
        select(UserSession, User, Account)
        .join(User, User.id == UserSession.user_id)
        .join(Account, Account.user_id == UserSession.user_id)
        .where(UserSession.token_hash == token_hash(token))
    ).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def ending_of(
    row: UserSession, user: User, account: Account, roles: frozenset[str], *, now: datetime, limits: Limits
) -> Ending | None:
    """Why this session is over at *now*; None while it goes on."""
    if row.ended_at is not None:
        return Ending(row.end_reason)
    if not user.active or account.ended(now):
        return Ending.DISABLED
    if row.epoch != account.session_epoch:
        return Ending.RIGHTS
    if now - row.created_at >= limits.longest:
        return Ending.ABSOLUTE
    if now - row.last_seen_at >= limits.idle_for(roles):
        return Ending.IDLE
    return None


def touch(engine: Engine, row: UserSession, now: datetime) -> None:
    """Note that the session was used; at most once a minute, in a transaction of its own."""
    if now - row.last_seen_at < TOUCH_EVERY:
        return
    with Session(engine) as session:
        session.execute(
            update(UserSession)
            .where(UserSession.id == row.id, UserSession.ended_at.is_(None), UserSession.last_seen_at < now)
            .values(last_seen_at=now)
        )
        session.commit()


def rotate(session: Session, row: UserSession) -> str:
    """Give the session a new token; the old one is nobody's from the commit on."""
    token = secrets.token_urlsafe(32)
    row.token_hash = token_hash(token)
    session.flush()
    return token


def open_sessions(session: Session, account: Account, *, now: datetime, limits: Limits) -> list[UserSession]:
    """Sessions of an account that are not over, newest first; one that only idles is over."""
    query = (
        select(UserSession)
        .where(
            UserSession.user_id == account.user_id,
            UserSession.ended_at.is_(None),
            UserSession.epoch == account.session_epoch,
            UserSession.created_at > now - limits.longest,
            UserSession.last_seen_at > now - limits.idle,
        )
        .order_by(UserSession.created_at.desc(), UserSession.id.desc())
    )
    return list(session.scalars(query))


def end_session(session: Session, row: UserSession, *, now: datetime, why: Ending) -> None:
    """End one session and say so in the audit log."""
    _end(row, now, why)
    action = "logout" if why is Ending.LOGOUT else "session.end"
    record(session, action, row, now=now, object_id=str(row.user_id), detail={"session": row.ref})


def end_own(session: Session, user_id: int, session_id: int, *, now: datetime) -> UserSession:
    """End one of a person's own sessions.

    Raises:
        NotFound: there is none of this number that is theirs and open.
    """
    row = session.get(UserSession, session_id)
    if row is None or row.user_id != user_id or row.ended_at is not None:
        raise NotFound
    end_session(session, row, now=now, why=Ending.OWN)
    return row


def end_all(
    session: Session, account: Account, *, now: datetime, why: Ending, keep: int | None = None
) -> int:
    """End every session of an account, but for the one numbered *keep*; gives how many.

    Without *keep* the epoch moves on too, so that a log-in on its way is dead. The caller notes the event.
    """
    query = update(UserSession).where(UserSession.user_id == account.user_id, UserSession.ended_at.is_(None))
    if keep is not None:
        query = query.where(UserSession.id != keep)
    else:
        account.session_epoch += 1
    ended = session.execute(query.values(ended_at=now, end_reason=why.value))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def _end(row: UserSession, now: datetime, why: Ending) -> None:
    row.ended_at = now
    row.end_reason = why.value
