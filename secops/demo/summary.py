"""What ``secops demo`` leaves for the person: address, accounts and reports in ``demo.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.accounts.models import Account
from secops.accounts.passwords import check_password
from secops.accounts.services import reset_password
from secops.demo import district
from secops.keyring import keys_of

FILE = "demo.json"


def read_entries(home: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Accounts by name, and report paths, of an earlier run; empty when the file is gone or no longer readable."""
    try:
        content = json.loads((home / FILE).read_text(encoding="utf-8"))
        return {entry["username"]: entry for entry in content["accounts"]}, list(content["reports"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}, []


def known_passwords(session: Session, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The one-time passwords of *entries* that still open their accounts; costs one hash each."""
    known: dict[str, str] = {}
    for user, account in _accounts(session):
        word = entries.get(user.username, {}).get("password")
        if word and account.must_change_password and check_password(user.password, word, keys_of(session)):
            known[user.username] = word
    return known


def renew_lost(
    session: Session, entries: Mapping[str, Mapping[str, Any]], *, now: datetime
) -> dict[str, str]:
    """New one-time passwords for accounts that nobody ever used and whose password is written nowhere."""
    return {
        user.username: reset_password(session, user.username, now=now)
        for user, account in _accounts(session)
        if account.must_change_password and account.is_example and user.username not in entries
    }


def account_lines(session: Session, known: Mapping[str, str]) -> list[dict[str, Any]]:
    """One entry per account; ``password`` only while it opens the account and must still be changed."""
    open_now = {user.username for user, account in _accounts(session) if account.must_change_password}
    lines = []
    for entry in district.read_district()["accounts"]:
        word = known.get(entry["username"]) if entry["username"] in open_now else None
        lines.append(
            {"username": entry["username"], "role": entry["role"], "password": word, "changed": word is None}
        )
    return lines


def write(
    home: Path, url: str, accounts: Sequence[Mapping[str, Any]], reports: Sequence[str]
) -> dict[str, Any]:
    """Write the file anew; gives its content."""
    content = {"url": url, "accounts": list(accounts), "reports": list(reports)}
    write_private(home / FILE, json.dumps(content, ensure_ascii=False, indent=2).encode())
    return content


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step, readable by its owner only."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _accounts(session: Session) -> list[tuple[User, Account]]:
    names = [entry["username"] for entry in district.read_district()["accounts"]]
    query = select(User, Account).join(Account, Account.user_id == User.id).where(User.username.in_(names))
    return [(row[0], row[1]) for row in session.execute(query.order_by(User.id))]
