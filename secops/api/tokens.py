"""Make, find and end tokens of the interface."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Engine, func, or_, select, update
from sqlalchemy.orm import Session

from secops.accounts.factors import FACTOR
from secops.accounts.models import Account
from secops.api.models import ApiToken
from secops.audit_log.services import record
from secops.errors import BadInput, NotFound, Refused
from smcrypto import sm3

PREFIX = "secops_"
MAX_DAYS = 90
MAX_TOKENS = 20
TOUCH_EVERY = timedelta(seconds=60)
AREAS: dict[str, tuple[str, str]] = {
    "systems:read": ("读取定级对象", "Read systems"),
    "assets:read": ("读取测评对象", "Read targets"),
    "assets:write": ("登记测评对象", "Register targets"),
    "findings:read": ("读取问题", "Read findings"),
    "evidence:read": ("读取证据目录", "Read the list of evidence"),
}


def token_hash(token: str) -> str:
    return sm3.hexdigest(b"secops api token\x00" + token.encode())


def create_token(
    session: Session, account: Account, *, name: str, areas: list[str], days: int, now: datetime
) -> str:
    """Make a token and give it; it is shown this once.

    Raises:
        BadInput: no name, no area or an unknown one, or more days than a token may live.
        Refused: the account has as many as it may have.
    """
    name = name.strip()
    if not name or len(name) > 80:
        raise BadInput("请填写名称，最多 80 个字符。", "Give a name of at most 80 characters.", "name")
    if not areas or set(areas) - set(AREAS):
        raise BadInput("请选择至少一个范围。", "Choose at least one area.", "areas")
    if not 1 <= days <= MAX_DAYS:
        raise BadInput(f"有效期为 1 到 {MAX_DAYS} 天。", f"A token lives 1 to {MAX_DAYS} days.", "days")
    if len(open_tokens(session, account, now=now)) >= MAX_TOKENS:
        raise Refused(f"每个账号最多 {MAX_TOKENS} 个令牌。", f"An account has at most {MAX_TOKENS} tokens.")
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=account.user_id,
        name=name,
        token_hash=token_hash(token),
        areas=",".join(area for area in AREAS if area in areas),
        epoch=account.session_epoch,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    record(session, "token.create", row, now=now, detail={"name": name, "areas": row.areas, "days": days})
    session.flush()
    return token


def open_tokens(session: Session, account: Account, *, now: datetime) -> list[ApiToken]:
    """Tokens that still open something, newest first."""
    query = select(ApiToken).where(
        ApiToken.user_id == account.user_id,
        ApiToken.ended_at.is_(None),
        ApiToken.epoch == account.session_epoch,
        ApiToken.expires_at > now,
    )
    return list(session.scalars(query.order_by(ApiToken.id.desc())))


def end_token(session: Session, user_id: int, token_id: int, *, now: datetime) -> None:
    """End one of a person's own tokens.

    Raises:
        NotFound: there is none of this number that is theirs and open.
    """
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != user_id or row.ended_at is not None:
        raise NotFound
    row.ended_at = now
    record(session, "token.end", row, now=now, detail={"name": row.name})
    session.flush()


def find_token(session: Session, token: str, now: datetime) -> tuple[ApiToken, User, Account] | None:
    """The token with its owner, when it opens anything at *now*; one query."""
    row = session.execute(
        select(ApiToken, User, Account)
        .join(User, User.id == ApiToken.user_id)
        .join(Account, Account.user_id == ApiToken.user_id)
        .where(
            ApiToken.token_hash == token_hash(token),
            ApiToken.ended_at.is_(None),
            ApiToken.expires_at > now,
            ApiToken.epoch == Account.session_epoch,
            User.active.is_(True),
            or_(Account.valid_until.is_(None), Account.valid_until > now),
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def has_factor(session: Session, user_id: int) -> bool:
    return FACTOR.is_enrolled(session, user_id)


def touch(engine: Engine, row: ApiToken, now: datetime) -> None:
    """Note a use; at most once a minute, in a transaction of its own."""
    if row.last_used_at is not None and now - row.last_used_at < TOUCH_EVERY:
        return
    with Session(engine) as session:
        session.execute(
            update(ApiToken)
            .where(ApiToken.id == row.id, func.coalesce(ApiToken.last_used_at, row.created_at) <= now)
            .values(last_used_at=now)
        )
        session.commit()
