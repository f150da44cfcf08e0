"""Write audit events in the same transaction as the change they tell of.

:func:`record` only notes the event; the rows are written just before the commit, when the head row is locked
for as short as possible. A transaction that changed an audited table and noted no event is refused: there is
no change without an event. When the events can't be written, the change is rolled back with them.
"""

from __future__ import annotations

import secrets
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import Connection, Engine, event, insert, inspect, select, update
from sqlalchemy.orm import ORMExecuteState, Session

from secops.audit_log import chain
from secops.audit_log.chain import Head, Mac, SignedCheckpoint
from secops.audit_log.models import AuditEvent, AuditHead
from secops.audit_log.verify import SealedHead, VerifyResult, verify_log
from secops.db import Pending
from secops.keyring import keys_of
from secops.scope import Principal, principal_of
from smcrypto import sm2
from smcrypto.keys import KeyProvider

_SESSION = "secops_session"


class UnauditedChange(RuntimeError):
    """A transaction changed these tables and noted no event; a programming error, so nothing is committed."""

    def __init__(self, tables: tuple[str, ...]) -> None:
        super().__init__(tables)
        self.tables = tables


class AuditHeadMissing(RuntimeError):
    """The store has no head row; it was not set up by ``secops init``, or somebody deleted it."""


@dataclass(frozen=True, slots=True)
class _Noted:
    actor: Principal
    action: str
    subject: Any
    object_type: str
    object_id: str
    at: datetime
    result: str
    reason: str
    detail: dict[str, Any]


_EVENTS: Pending[_Noted] = Pending("audit_events")
_CHANGED: Pending[str] = Pending("audit_changes")


def record(
    session: Session,
    action: str,
    subject: Any = None,
    *,
    now: datetime,
    object_type: str = "",
    object_id: str = "",
    actor: Principal | None = None,
    result: str = "ok",
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Note one event; it becomes a row when this transaction commits.

    Args:
        action: constant word such as ``finding.close``.
        subject: the row that the event is about; its id is read at commit time.
        object_type: only where there is no row.
        now: aware moment.
        detail: strings, integers, booleans, None, lists and dicts of them; never a secret.
    """
    noted = _Noted(
        actor=actor or principal_of(session),
        action=action,
        subject=subject,
        object_type=object_type or (type(subject).__name__ if subject is not None else ""),
        object_id=object_id,
        at=now,
        result=result,
        reason=reason,
        detail=detail or {},
    )
    _EVENTS.add(session, noted)


def start_log(session: Session) -> None:
    """Make the head row of an empty store; does nothing when there is one."""
    if session.get(AuditHead, 1) is None:
        session.add(AuditHead(id=1, log_id=secrets.token_hex(8), seq=0, hash=chain.GENESIS))
        session.flush()


def record_alone(engine: Engine, principal: Principal, action: str, *, now: datetime, **rest: Any) -> None:
    """Write one event in a transaction of its own: denied requests and reads change nothing else."""
    with Session(engine) as session:
        session.info["principal"] = principal
        record(session, action, now=now, **rest)
        session.commit()


def verify_now(
    session: Session,
    *,
    checkpoints: Sequence[SignedCheckpoint] = (),
    public_keys: Sequence[sm2.PublicKey] = (),
    mac_from: int | None = None,
) -> VerifyResult:
    """Walk the whole log of this store and compare it with its head, and with *checkpoints* from outside.

    Read the checkpoints before calling: what was signed before the head is read can't be newer than the head.

    The head is read first and the rows up to it, so writers that go on meanwhile disturb nothing.
    """
    head = sealed_head(session)
    if head is None:
        raise AuditHeadMissing
    table = AuditEvent.__table__
    query = select(table).where(table.c.seq <= head.head.seq).order_by(table.c.seq)
    # On this query only: an option of the connection would stay for all that the transaction does later.
    rows = session.connection().execute(query, execution_options={"yield_per": 2000}).mappings()
    return verify_log(
        (dict(row) for row in rows),
        head.head.log_id,
        head=head,
        keys=keys_of(session),
        mac_from=mac_from,
        needs_head=True,
        checkpoints=checkpoints,
        public_keys=public_keys,
    )


def sealed_head(session: Session) -> SealedHead | None:
    """The head row with its MAC; None when there is none."""
    columns = (
        AuditHead.log_id,
        AuditHead.seq,
        AuditHead.hash,
        AuditHead.mac_from,
        AuditHead.kid,
        AuditHead.mac,
    )
    row = session.execute(select(*columns)).one_or_none()
    if row is None:
        return None
    return SealedHead(Head(row.log_id, row.seq, row.hash, row.mac_from), Mac(row.kid, row.mac))


def _identity(subject: Any) -> str:
    identity = inspect(subject).identity
    return "/".join(str(part) for part in identity) if identity else ""


def _rows(
    noted: list[_Noted], log_id: str, seq: int, prev: str, keys: KeyProvider
) -> Iterator[dict[str, Any]]:
    for item in noted:
        seq += 1
        row: dict[str, Any] = {
            "seq": seq,
            "at": item.at,
            "actor": item.actor.name,
            "actor_id": item.actor.user_id,
            "roles": ",".join(sorted(item.actor.roles)),
            "session_ref": item.actor.session_ref,
            "address": item.actor.address,
            "action": item.action,
            "object_type": item.object_type,
            "object_id": (item.object_id or (_identity(item.subject) if item.subject is not None else "")),
            "result": item.result,
            "reason": item.reason,
            "request_id": item.actor.request_id,
            "detail": item.detail,
            "prev": prev,
        }
        row = chain.prepare_row(log_id, row)
        row["hash"] = prev = chain.row_hash(log_id, row)
        mac = chain.row_mac(keys, prev)
        yield row | {"kid": mac.kid, "mac": mac.value}


def _write_events(session: Session) -> None:
    if session.in_nested_transaction():
        # The end of a savepoint makes nothing durable; the head row is locked once, last.
        return
    # Flush here, so that new rows have their ids and every change is known.
    session.flush()
    noted = _EVENTS.take(session)
    changed = _CHANGED.take(session)
    if not noted:
        if changed:
            raise UnauditedChange(tuple(sorted(set(changed))))
        return
    # The update takes the lock on either database before the head is read.
    moved = session.execute(
        update(AuditHead).where(AuditHead.id == 1).values(seq=AuditHead.seq + len(noted)),
        execution_options={"synchronize_session": False},
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise AuditHeadMissing
    log_id, seq, prev, mac_from = session.execute(
        select(AuditHead.log_id, AuditHead.seq, AuditHead.hash, AuditHead.mac_from)
    ).one()
    keys = keys_of(session)
    rows = list(_rows(noted, log_id, seq - len(noted), prev, keys))
    session.execute(insert(AuditEvent), rows)
    # A log from before MACs needs them from its next row on.
    head = Head(log_id, seq, rows[-1]["hash"], mac_from or rows[0]["seq"])
    sealed = chain.head_mac(keys, head)
    session.execute(
        update(AuditHead)
        .where(AuditHead.id == 1)
        .values(hash=head.hash, mac_from=head.mac_from, kid=sealed.kid, mac=sealed.value),
        execution_options={"synchronize_session": False},
    )


def _is_audited(row: Any) -> bool:
    return isinstance(row, Model) and getattr(row, "__audited__", True)


def _note_changes(session: Session, context: Any) -> None:
    changed = {type(row).__name__ for row in (*session.new, *session.deleted) if _is_audited(row)}
    changed |= {type(row).__name__ for row in session.dirty if _is_audited(row) and session.is_modified(row)}
    for name in changed:
        _CHANGED.add(session, name)


def _note_bulk(state: ORMExecuteState) -> None:
    if (state.is_update or state.is_delete or state.is_insert) and state.bind_mapper is not None:
        kind = state.bind_mapper.class_
        if issubclass(kind, Model) and getattr(kind, "__audited__", True):
            _CHANGED.add(state.session, kind.__name__)


def _remember_session(session: Session, transaction: Any, connection: Connection) -> None:
    connection.info[_SESSION] = weakref.ref(session)


def _last_look(connection: Connection) -> None:
    """Stop the COMMIT itself when something slipped past ``before_commit``, such as a savepoint left open."""
    reference = connection.info.get(_SESSION)
    session = reference() if reference is not None else None
    if session is not None and (_CHANGED.any(session) or _EVENTS.any(session)):
        raise UnauditedChange(tuple(sorted(set(_CHANGED.take(session)))))


event.listen(Session, "before_commit", _write_events)
event.listen(Session, "after_flush", _note_changes)
event.listen(Session, "do_orm_execute", _note_bulk)
event.listen(Session, "after_begin", _remember_session)
event.listen(Engine, "commit", _last_look)
