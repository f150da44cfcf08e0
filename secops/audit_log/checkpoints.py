"""Signed checkpoints of the audit log outside of the database, written by a witness that only ever extends.

``audit/witness.json`` is what was signed last (size, hash, peaks of the tree), ``audit/checkpoints.jsonl`` every
signed checkpoint, one a line. Whoever changes the database can't change these two unseen: a log that lost or changed
rows no longer fits, the witness refuses to sign it and says so.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.audit_log.chain import CheckpointSigner, SignedCheckpoint
from secops.audit_log.merkle import MerkleLog
from secops.audit_log.models import AuditEvent, AuditHead
from secops.audit_log.services import record, verify_now
from secops.audit_log.verify import VerifyResult
from secops.clock import utc_now
from secops.platform import Platform
from smcrypto import sm2
from smcrypto.keys import Signer

EVERY = timedelta(seconds=60)
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Witness:
    """What was signed last."""

    log_id: str
    log: MerkleLog
    hash: str
    at_ms: int
    refused: str = ""
    # First row that must carry a MAC: kept here, since whoever strips all MACs can change the head too.
    mac_from: int | None = None

    def to_json(self) -> str:
        fields = {
            "log_id": self.log_id, "size": self.log.size, "peaks": [peak.hex() for peak in self.log.peaks],
            "hash": self.hash, "at_ms": self.at_ms, "refused": self.refused,
            "mac_from": self.mac_from,
        }  # fmt: skip
        return json.dumps(fields)

    @classmethod
    def from_json(cls, text: str) -> Witness:
        fields = json.loads(text)
        peaks = [bytes.fromhex(peak) for peak in fields["peaks"]]
        return cls(
            fields["log_id"],
            MerkleLog(fields["size"], peaks),
            fields["hash"],
            fields["at_ms"],
            fields["refused"],
            fields.get("mac_from"),
        )


def folder_of(platform: Platform) -> Path:
    """``audit/`` of the home; made with mode 0700."""
    folder = platform.settings.home / "audit"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def read_witness(platform: Platform) -> Witness | None:
    """What was signed last; None before the first checkpoint."""
    path = folder_of(platform) / "witness.json"
    return Witness.from_json(path.read_text(encoding="ascii")) if path.exists() else None


def read_checkpoints(path: Path) -> list[SignedCheckpoint]:
    """Every checkpoint of a file.

    Raises:
        ValueError: a line is none. The last line may be cut by a crash in the middle of writing; it is left out.
    """
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    return [SignedCheckpoint.from_json(line) for line in lines]


def sign_due(platform: Platform, *, now: datetime, at_once: bool = False) -> str:
    """Sign what came since the last checkpoint, when that is a minute old; run by the tick, harmless if run twice.

    Returns:
        ``signed``, ``nothing`` (too early, no new event, or another process is at it) or ``refused``.
    """
    with alone(folder_of(platform)) as mine:
        if not mine:
            return "nothing"
        before = read_witness(platform)
        now_ms = int(now.timestamp() * 1000)
        if before is not None and not at_once and now_ms - before.at_ms < EVERY / timedelta(milliseconds=1):
            return "nothing"
        with platform.work("checkpoint") as session:
            head = session.execute(select(AuditHead.log_id, AuditHead.seq)).one_or_none()
            if head is None or (before is None and head.seq == 0):
                return "nothing"
            if before is not None and (fault := _fault(session, before, head.log_id, head.seq)):
                return _refuse(platform, before, fault)
            return _sign(platform, session, before, head.log_id, now_ms)


def _fault(session: Session, before: Witness, log_id: str, seq: int) -> str:
    """Why the log in the database is not the one that was signed; "" when it is."""
    if log_id != before.log_id:
        return "another log"
    if seq < before.log.size:
        return f"the log ends at {seq}, {before.log.size} were signed"
    found = session.scalar(select(AuditEvent.hash).where(AuditEvent.seq == before.log.size))
    return "" if found == before.hash else f"row {before.log.size} is not the one that was signed"


def _sign(platform: Platform, session: Session, before: Witness | None, log_id: str, now_ms: int) -> str:
    signer = CheckpointSigner(platform.keys, log_id, before.log if before is not None else None)
    hashes = list(_new_hashes(session, signer.log.size))
    signed = signer.advance(hashes, time_ms=now_ms)
    if signed is None:
        return "nothing"
    # The checkpoint first: a crash in between leaves one that the old witness can only sign again.
    _append(folder_of(platform) / "checkpoints.jsonl", signed.to_json())
    mac_from = before.mac_from if before is not None else None
    if mac_from is None:
        mac_from = session.scalar(select(AuditHead.mac_from))
    witness = Witness(log_id, signer.log, hashes[-1], now_ms, mac_from=mac_from)
    replace_file(folder_of(platform) / "witness.json", witness.to_json())
    return "signed"


def _new_hashes(session: Session, size: int) -> Iterator[str]:
    """Hashes of the rows after *size* as far as they follow without a gap."""
    wanted = size + 1
    query = select(AuditEvent.seq, AuditEvent.hash).where(AuditEvent.seq > size).order_by(AuditEvent.seq)
    for seq, row_hash in session.execute(query.execution_options(yield_per=_CHUNK)):
        if seq != wanted:
            return
        yield row_hash
        wanted += 1


def _refuse(platform: Platform, before: Witness, fault: str) -> str:
    """Remember the refusal; the first one is an event, so that the audit administrator sees it in the log too."""
    if before.refused != fault:
        replace_file(
            folder_of(platform) / "witness.json",
            replace(before, refused=fault).to_json(),
        )
        with platform.work("checkpoint") as session:
            record(
                session, "audit.checkpoint-refused", now=utc_now(), object_type="AuditEvent",
                object_id=str(before.log.size), result="failed", reason=fault,
            )  # fmt: skip
    return "refused"


@contextmanager
def alone(folder: Path, name: str = "lock") -> Iterator[bool]:
    """Hold the lock of the witness, or another one; False when another process holds it."""
    descriptor = os.open(folder / name, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _append(path: Path, line: str) -> None:
    """Add one line for good; what a crash cut off before is ended first, so that no two lines run together."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        if cut:
            whole = os.pread(descriptor, size, 0).rfind(b"\n") + 1
            os.ftruncate(descriptor, whole)
        os.write(descriptor, line.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)


def state_of(platform: Platform, *, now: datetime) -> dict[str, Any]:
    """What the audit administrator sees: size and age of the last checkpoint, and why the witness refuses, if it does."""
    witness = read_witness(platform)
    if witness is None:
        return {"size": 0, "age_s": None, "refused": ""}
    return {
        "size": witness.log.size,
        "age_s": max(0, round(now.timestamp() - witness.at_ms / 1000)),
        "refused": witness.refused,
    }


def public_keys(platform: Platform) -> list[sm2.PublicKey]:
    """Every version of the checkpoint signer's public key."""
    versions = [one.version for one in platform.keys.key_info() if one.name == Signer.CHECKPOINT.value]
    return [platform.keys.public_key(Signer.CHECKPOINT, version=version) for version in versions]


def verify_with(platform: Platform, session: Session) -> VerifyResult:
    """Check the log of *session* against the checkpoints outside of the database."""
    path = folder_of(platform) / "checkpoints.jsonl"
    signed = read_checkpoints(path) if path.exists() else []
    witness = read_witness(platform)
    return verify_now(
        session,
        checkpoints=signed,
        public_keys=public_keys(platform) if signed else (),
        mac_from=witness.mac_from if witness is not None else None,
    )


def note_check(session: Session, found: VerifyResult, *, now: datetime) -> None:
    """Make what a verification found an event itself."""
    record(
        session, "audit.verify", now=now, object_type="AuditEvent", object_id=str(found.last_seq),
        result="ok" if found.ok else "failed", reason="" if found.ok else found.detail,
        detail={
            "records": found.records, "first_bad": found.first_bad,
            "damage": found.damage.value if found.damage else None,
            "macs_checked": found.macs_checked, "checkpoints_checked": found.checkpoints_checked,
        },
    )  # fmt: skip
