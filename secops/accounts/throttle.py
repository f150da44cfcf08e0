"""Limits on guessing, shared by every path that checks a secret: log-in, one-time code, re-authentication, token.

An attempt is written down as failed *before* the secret is looked at, in a transaction of its own, and is marked
right afterwards. So of fifty attempts at one time no more than the limit are looked at, on any number of web workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from sqlalchemy import ColumnElement, Engine, delete, func, select, update
from sqlalchemy.orm import Session

from secops.accounts.models import Account, LoginAttempt, UserSession

WINDOW = timedelta(minutes=15)
LOCK_FOR = timedelta(minutes=30)
PER_ACCOUNT = 5
PER_ADDRESS = 10
IN_TOTAL = 1000
_KEEP = timedelta(days=1)
_KNOWN_FOR = timedelta(days=7)

FAILED, RIGHT, REFUSED, CLEARED = "failed", "right", "refused", "cleared"


class Path(StrEnum):
    """Where a secret was asked for."""

    LOGIN = "login"
    CODE = "code"
    REAUTH = "reauth"
    TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; ``refused`` names the limit that forbids to look at the secret, "" when it may be looked at."""

    id: int
    refused: str


def begin(session: Session, path: Path, user_id: int | None, address: str, now: datetime) -> Attempt:
    """Note an attempt and say whether a limit stands against it."""
    engine = cast(Engine, session.get_bind())
    with Session(engine) as own:
        row = LoginAttempt(at=now, path=path.value, user_id=user_id, address=address[:45], outcome=FAILED)
        own.add(row)
        own.flush()
        if row.id % 100 == 0:
            own.execute(delete(LoginAttempt).where(LoginAttempt.at < now - _KEEP))
        own.commit()
        refused = _limit(own, user_id, address, now)
        if refused:
            row.outcome = REFUSED
        own.commit()
        return Attempt(row.id, refused)


def _limit(own: Session, user_id: int | None, address: str, now: datetime) -> str:
    if user_id is not None and _count(own, now, LoginAttempt.user_id == user_id, (FAILED,)) > PER_ACCOUNT:
        return "locked"
    bad = (FAILED, REFUSED)
    if _count(own, now, LoginAttempt.address == address[:45], (*bad, CLEARED)) > _per_address(own):
        return "address"
    if _count(own, now, None, bad) > IN_TOTAL and not _is_known(own, address, now):
        return "total"
    return ""


def _per_address(own: Session) -> int:
    options = own.get_bind().get_execution_options()
    return int(options.get("login_failures_per_address", PER_ADDRESS))


def _count(own: Session, now: datetime, what: ColumnElement[bool] | None, outcomes: tuple[str, ...]) -> int:
    query = select(func.count()).select_from(LoginAttempt)
    query = query.where(LoginAttempt.at > now - WINDOW, LoginAttempt.outcome.in_(outcomes))
    return own.scalar(query if what is None else query.where(what)) or 0


def _is_known(own: Session, address: str, now: datetime) -> bool:
    """Whether somebody was signed in from here lately: a flood from elsewhere must not lock everybody out."""
    query = select(UserSession.id).where(
        UserSession.address == address[:45], UserSession.created_at > now - _KNOWN_FOR
    )
    return own.scalar(query.limit(1)) is not None


def succeed(session: Session, attempt: Attempt) -> None:
    """The secret was right: this attempt is none against anybody.

    Earlier failures stay until the whole log-in is through (:func:`forgive`): a right password must not pay for
    guessing at the second factor. Those of the address stay at all times.
    """
    session.execute(update(LoginAttempt).where(LoginAttempt.id == attempt.id).values(outcome=RIGHT))


def forgive(session: Session, user_id: int) -> None:
    """Forget the failures of an account: it is signed in, was unlocked, or its password is new."""
    session.execute(
        update(LoginAttempt)
        .where(LoginAttempt.user_id == user_id, LoginAttempt.outcome == FAILED)
        .values(outcome=CLEARED)
    )


def lock_if_due(session: Session, account: Account, now: datetime) -> bool:
    """After a failure: lock the account when it was one too many. True when this call did."""
    if _count(session, now, LoginAttempt.user_id == account.user_id, (FAILED,)) < PER_ACCOUNT:
        return False
    # By a statement, not by the row: two failures at one time must not clash on its version.
    done = session.execute(
        update(Account)
        .where(
            Account.user_id == account.user_id,
            (Account.locked_until.is_(None)) | (Account.locked_until <= now),
        )
        .values(locked_until=now + LOCK_FOR),
        execution_options={"synchronize_session": "fetch"},
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]
