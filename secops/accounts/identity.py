"""The two seams of the log-in: where identities are checked, and what a second factor is.

Passwords of the platform's own and one-time codes are what there is. A directory, OpenID Connect, a passkey or an SM2
certificate is another class of one of these shapes; sessions, limits, audit and the gate stay as they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from secops.accounts.passwords import check_nobody, check_password
from secops.keyring import keys_of


class IdentitySource(Protocol):
    """Says whether a secret belongs to an account. Takes the same time whether there is such an account or not."""

    def check(self, session: Session, user: User | None, secret: str) -> bool:
        """True when *secret* is right for *user*; always False for nobody."""


class SecondFactor(Protocol):
    """Something shown beside the password."""

    def is_enrolled(self, session: Session, user_id: int) -> bool:
        """Whether this account has this factor."""

    def verify(self, session: Session, user_id: int, answer: str, now: datetime) -> bool:
        """True once for each right answer; the caller commits before it lets anybody in."""


class LocalPasswords:
    """Passwords kept by the platform."""

    def check(self, session: Session, user: User | None, secret: str) -> bool:
        if user is None or not user.password:
            return check_nobody(secret)
        return check_password(user.password, secret, keys_of(session))


LOCAL: IdentitySource = LocalPasswords()
