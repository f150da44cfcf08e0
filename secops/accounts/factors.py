"""The second factor of an account: one-time codes, and recovery codes for the day the phone is gone."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from secops.accounts import totp
from secops.accounts.models import ADMINISTRATORS, Account, RecoveryCode, TotpFactor
from secops.accounts.sessions import Ending, end_all
from secops.audit_log.services import record
from secops.config import Settings
from secops.errors import BadInput, Refused
from secops.keyring import keys_of
from smcrypto.keys import KeyProvider, Purpose, Wrapped

RECOVERY_CODES = 10
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_ADMINISTRATORS = frozenset(role.value for role in ADMINISTRATORS)
WRONG = ("动态口令不正确，或已经用过。", "The code is wrong, or was used before.")


def is_required(settings: Settings, roles: frozenset[str]) -> bool:
    """Whether somebody with these roles must have a second factor."""
    policy = settings.factor_policy
    return policy == "all" or (policy == "administrators" and bool(roles & _ADMINISTRATORS))


def begin(session: Session, user_id: int, *, now: datetime) -> TotpFactor:
    """Make a new seed that waits for its first code; one that waits already is replaced.

    Raises:
        Refused: the account has a second factor; it is removed first.
    """
    factor = session.get(TotpFactor, user_id)
    if factor is not None and factor.confirmed_at is not None:
        raise Refused("已启用动态口令。", "One-time codes are set up already.")
    wrapped = keys_of(session).wrap(Purpose.TOTP_SEED, totp.new_seed(), aad=_aad(user_id))
    if factor is None:
        factor = TotpFactor(user_id=user_id, last_step=0, created_at=now, seed="", kid="")
        session.add(factor)
    factor.seed = base64.b64encode(wrapped.blob).decode("ascii")
    factor.kid = wrapped.kid
    factor.created_at = now
    session.flush()
    return factor


def seed_of(session: Session, factor: TotpFactor) -> bytes:
    """Open the seed: for the page that shows it before the first code, and for checking a code."""
    wrapped = Wrapped(factor.kid, base64.b64decode(factor.seed))
    return keys_of(session).unwrap(Purpose.TOTP_SEED, wrapped, aad=_aad(factor.user_id))


def confirm(session: Session, account: Account, answer: str, *, now: datetime) -> list[str]:
    """Take the factor into use with its first code; ends every session, and gives the recovery codes.

    Raises:
        BadInput: nothing waits for a code, or the code is wrong.
    """
    factor = session.get(TotpFactor, account.user_id)
    if factor is None or factor.confirmed_at is not None or not _use(session, factor, answer, now):
        raise BadInput(*WRONG, "code")
    factor.confirmed_at = now
    codes = _new_codes(session, account.user_id)
    end_all(session, account, now=now, why=Ending.FACTOR)
    record(session, "factor.enrol", account, now=now, object_id=str(account.user_id))
    session.flush()
    return codes


def renew_codes(session: Session, account: Account, *, now: datetime) -> list[str]:
    """New recovery codes; the old ones are worthless."""
    codes = _new_codes(session, account.user_id)
    record(session, "factor.codes", account, now=now, object_id=str(account.user_id))
    return codes


def remove(session: Session, account: Account, *, now: datetime, action: str, reason: str = "") -> None:
    """Take the second factor away; ends every session."""
    session.execute(delete(TotpFactor).where(TotpFactor.user_id == account.user_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == account.user_id))
    end_all(session, account, now=now, why=Ending.FACTOR)
    record(session, action, account, now=now, object_id=str(account.user_id), reason=reason)


def codes_left(session: Session, user_id: int) -> int:
    query = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(query) or 0


class OneTimeCodes:
    """Codes of an app, or a recovery code in their place."""

    def is_enrolled(self, session: Session, user_id: int) -> bool:
        query = select(TotpFactor.user_id).where(
            TotpFactor.user_id == user_id, TotpFactor.confirmed_at.is_not(None)
        )
        return session.scalar(query) is not None

    def verify(self, session: Session, user_id: int, answer: str, now: datetime) -> bool:
        """True once for each code: of two that show the same code at one time, one is refused."""
        factor = session.get(TotpFactor, user_id)
        if factor is None or factor.confirmed_at is None:
            return False
        return _use(session, factor, answer, now) or _use_recovery(session, user_id, answer, now)


FACTOR = OneTimeCodes()


def _use(session: Session, factor: TotpFactor, answer: str, now: datetime) -> bool:
    step = totp.matching_step(seed_of(session, factor), answer, now)
    if step is None:
        return False
    # The database decides who was first.
    done = session.execute(
        update(TotpFactor)
        .where(TotpFactor.user_id == factor.user_id, TotpFactor.last_step < step)
        .values(last_step=step),
        execution_options={"synchronize_session": False},
    )
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def _use_recovery(session: Session, user_id: int, answer: str, now: datetime) -> bool:
    typed = totp.normal(answer).upper().replace("-", "")
    keys = keys_of(session)
    rows = session.scalars(
        select(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    ).all()
    for row in rows:
        kid = row.code_hash.partition("$")[0]
        if hmac.compare_digest(row.code_hash, _hash(keys, kid, typed)):
            done = session.execute(
                update(RecoveryCode)
                .where(RecoveryCode.id == row.id, RecoveryCode.used_at.is_(None))
                .values(used_at=now),
                execution_options={"synchronize_session": False},
            )
            return bool(done.rowcount == 1)  # type: ignore[attr-defined]
    return False


def _new_codes(session: Session, user_id: int) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    keys = keys_of(session)
    made = ["".join(secrets.choice(_LETTERS) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(user_id=user_id, code_hash=_hash(keys, keys.current_kid, code)) for code in made
    )
    session.flush()
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in made]


def _hash(keys: KeyProvider, kid: str, code: str) -> str:
    return f"{kid}${keys.mac(Purpose.PASSWORD_PEPPER, b'recovery ' + code.encode(), kid=kid).hex()}"


def _aad(user_id: int) -> bytes:
    return f"totp {user_id}".encode()
