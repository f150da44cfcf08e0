"""Credentials with which probes log in: sealed under a key of the installation, one file per target.

They are no rows of the store: no query, export, report or interface can reach them, and a backup leaves them out, so
that after a restore they are typed in again. The secret leaves this module towards a probe only.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scanners.database.result import DEFAULT_PORTS, Credentials, DatabaseKind, TlsUse
from secops.audit_log.services import record
from secops.errors import BadInput, NotFound, NotReady
from secops.keyring import keys_of
from secops.objects.models import Asset
from smcrypto.errors import SmCryptoError
from smcrypto.keys import Purpose, Wrapped

PROBES = ("database",)
"""Probes that log in with what is kept here."""

FOLDER = "credentials"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """What may be told of credentials; the secret is not here."""

    probe: str
    asset_id: int
    port: int
    kind: str
    username: str
    tls: str
    database: str
    made_by: str
    made_at: str

    @property
    def bound(self) -> bytes:
        """What the sealed secret is bound to: it opens for this target and this account alone."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True).encode()


def keep(
    session: Session,
    asset_id: int,
    *,
    kind: str,
    port: int | None,
    username: str,
    password: str,
    database: str,
    tls: str,
    actor: str,
    now: datetime,
) -> Kept:
    """Seal credentials for one port of a target; older ones for it are replaced.

    Raises:
        NotFound: no such target in scope.
        BadInput: something is missing or is none of the words allowed.
        NotReady: the keys are not there.
    """
    asset = _asset(session, asset_id)
    if not asset.address:
        raise BadInput("该对象没有登记地址。", "The target has no address.", "asset")
    if kind not in set(DatabaseKind):
        raise BadInput("请选择数据库类型。", "Choose the kind of database.", "kind")
    if tls not in set(TlsUse):
        raise BadInput("请选择加密要求。", "Choose about encryption.", "tls")
    if not username.strip():
        raise BadInput("请填写账号。", "Give the account.", "username")
    if not password or len(password) > 200 or "\0" in password:
        raise BadInput(
            "请填写密码（不超过 200 个字符）。", "Give the password, at most 200 characters.", "password"
        )
    number = port or DEFAULT_PORTS[DatabaseKind(kind)]
    if not 1 <= number <= 65535:
        raise BadInput("端口须为 1–65535。", "A port from 1 to 65535.", "port")
    kept = Kept(
        "database", asset.id, number, kind, username.strip(), tls, database.strip(), actor, now.isoformat()
    )
    sealed = keys_of(session).wrap(Purpose.FIELD_ENC, password.encode(), aad=kept.bound)
    record(
        session,
        "credentials.keep",
        asset,
        now=now,
        detail={"probe": kept.probe, "port": number, "kind": kind, "username": kept.username},
    )
    # the event first: when the log can't take it, nothing is kept
    session.flush()
    document = {"format": _FORMAT, **asdict(kept), "kid": sealed.kid, "sealed": _text(sealed.blob)}
    _write(_file(session, kept.probe, asset.id, number), json.dumps(document))
    return kept


def forget(session: Session, asset_id: int, port: int, *, now: datetime) -> None:
    """Take credentials away.

    Raises:
        NotFound: no such target in scope, or nothing is kept for it.
    """
    asset = _asset(session, asset_id)
    file = _file(session, "database", asset.id, port)
    if not file.is_file():
        raise NotFound
    record(session, "credentials.forget", asset, now=now, detail={"probe": "database", "port": port})
    session.flush()
    file.unlink(missing_ok=True)


def kept_for(session: Session, asset_ids: frozenset[int] | None = None) -> list[Kept]:
    """What is kept, for these targets or for all in the folder, ordered; the caller narrows to its scope."""
    folder = _folder(session)
    found = []
    for file in sorted(folder.glob("database-*.json")) if folder.is_dir() else ():
        one = _read(file)
        if one is not None and (asset_ids is None or one[0].asset_id in asset_ids):
            found.append(one[0])
    return sorted(found, key=lambda one: (one.asset_id, one.port))


def lend(session: Session, entry: Mapping[str, Any]) -> Credentials | None:
    """Open the credentials for one entry of a plan; ``None`` when there are none.

    Raises:
        NotReady: the keys are not there, or the file was changed.
    """
    one = _read(_file(session, str(entry["probe"]), int(entry["asset_id"]), int(entry.get("port") or 0)))
    if one is None:
        return None
    kept, sealed = one
    try:
        password = keys_of(session).unwrap(Purpose.FIELD_ENC, sealed, aad=kept.bound).decode()
    except SmCryptoError as error:
        raise NotReady(
            "登录凭据无法打开：文件被改动或密钥不在。",
            "The credentials can't be opened: the file was changed, or the key is not here.",
        ) from error
    return Credentials(
        kept.username,
        password,
        kind=DatabaseKind(kept.kind),
        database=kept.database or "postgres",
        tls=TlsUse(kept.tls),
    )


def _asset(session: Session, asset_id: int) -> Asset:
    found = session.scalar(select(Asset).where(Asset.id == asset_id))
    if found is None:
        raise NotFound
    return found


def _folder(session: Session) -> Path:
    keys: Any = session.get_bind().get_execution_options().get("key_folder")
    if keys is None:
        raise NotReady("安装目录未知。", "The home of the installation is not known.")
    return Path(keys).parent / FOLDER


def _file(session: Session, probe: str, asset_id: int, port: int) -> Path:
    if probe not in PROBES:
        raise NotFound
    return _folder(session) / f"{probe}-{asset_id}-{port}.json"


def _read(file: Path) -> tuple[Kept, Wrapped] | None:
    try:
        document = json.loads(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    sealed = Wrapped(document.pop("kid"), base64.b64decode(document.pop("sealed")))
    document.pop("format")
    return Kept(**document), sealed


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(fresh, file)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
