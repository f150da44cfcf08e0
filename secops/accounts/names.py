"""Names that people are known by, for services and pages alike."""

from __future__ import annotations

from collections.abc import Iterable

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.accounts.models import Account


def display_names(session: Session, usernames: Iterable[str]) -> dict[str, str]:
    """Display names of these user names, one query; unknown ones are left out."""
    wanted = {name for name in usernames if name}
    rows = session.execute(
        select(User.username, Account.display_name)
        .join(Account, Account.user_id == User.id)
        .where(User.username.in_(sorted(wanted)))
    )
    return {row.username: row.display_name for row in rows}
