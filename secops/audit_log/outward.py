"""The log as files for another machine: rows with their head, checkpoints, public key."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select

from secops.audit_log.checkpoints import folder_of
from secops.audit_log.export import export_lines
from secops.audit_log.models import AuditEvent
from secops.audit_log.services import AuditHeadMissing, record, sealed_head
from secops.errors import BadInput
from secops.platform import Platform
from smcrypto.keys import Signer
from smcrypto.sm2_files import encode_public_key_pem

_CHUNK = 2000


def write_export(platform: Platform, file: Path, *, now: datetime) -> dict[str, Any]:
    """Write *file*, and beside it ``.checkpoints`` and ``.pub``; the export itself becomes an event.

    Raises:
        BadInput: a file is there already, or the folder can't be written.
    """
    beside = {name: file.with_name(f"{file.name}.{name}") for name in ("checkpoints", "pub")}
    for path in (file, *beside.values()):
        if path.exists():
            raise BadInput(f"{path} 已存在，不会覆盖。", f"{path} exists and is not overwritten.", "file")
    kept = folder_of(platform) / "checkpoints.jsonl"
    # Read before the rows: a checkpoint signed later may know rows that the export lacks.
    signed = kept.read_bytes() if kept.exists() else b""
    try:
        count = _write_rows(platform, file, now)
        beside["checkpoints"].write_bytes(signed)
        beside["pub"].write_bytes(encode_public_key_pem(platform.keys.public_key(Signer.CHECKPOINT)))
    except OSError as error:
        raise BadInput(f"无法写入：{error.strerror}", f"Cannot write: {error.strerror}", "file") from None
    return {"file": str(file), "records": count, **{name: str(path) for name, path in beside.items()}}


def _write_rows(platform: Platform, file: Path, now: datetime) -> int:
    with platform.work("audit-export") as session:
        sealed = sealed_head(session)
        if sealed is None:
            raise AuditHeadMissing
        head = sealed.head
        query = select(AuditEvent).where(AuditEvent.seq <= head.seq).order_by(AuditEvent.seq)
        names = [attribute.key for attribute in inspect(AuditEvent).column_attrs]
        rows = (
            {name: getattr(row, name) for name in names}
            for row in session.scalars(query.execution_options(yield_per=_CHUNK))
        )
        with file.open("x", encoding="utf-8") as stream:
            for line in export_lines(head.log_id, rows, head, sealed.mac):
                stream.write(f"{line}\n")
        record(
            session,
            "audit.export",
            now=now,
            object_type="AuditEvent",
            object_id=str(head.seq),
            detail={"records": head.seq},
        )
        return int(head.seq)
