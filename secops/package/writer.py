"""Write an evidence package: the evidence of one system, its receipts, the events about it, and their proofs."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from sqlalchemy import inspect, select

from secops.audit_log import checkpoints
from secops.audit_log.chain import FIELDS, Checkpoint, SignedCheckpoint, plain_json
from secops.audit_log.export import export_lines
from secops.audit_log.merkle import prove_many
from secops.audit_log.models import AuditEvent
from secops.audit_log.services import AuditHeadMissing, record, sealed_head
from secops.errors import NotFound, NotReady
from secops.evidence.models import BlobState, Evidence
from secops.evidence.services import blob_ref, link_rows
from secops.evidence.store import VaultError
from secops.objects.models import System
from secops.package.verify import CHECKPOINTS, EVENTS, EVIDENCE, FORMAT, LOG, MANIFEST, SIGNATURE, fingerprint
from secops.platform import Platform
from secops.scope import Principal
from smcrypto import passphrase, sm3
from smcrypto.errors import SmCryptoError
from smcrypto.keys import Signer
from smcrypto.sm2_files import encode_public_key_pem

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


@dataclass(frozen=True, slots=True)
class Written:
    """What a package holds."""

    members: int
    bytes: int
    events: int
    signer: str


def write(
    platform: Platform,
    principal: Principal,
    system_id: int,
    file: IO[bytes],
    *,
    secret: bytes | None = None,
    with_log: bool = False,
    now: datetime,
) -> Written:
    """Write the package of one system to *file*, sealed when *secret* is given.

    Every piece of evidence is checked to its end while it is packed; one that is damaged ends the whole.

    Args:
        with_log: The whole audit log besides; it tells of all systems, so only for who may see all.

    Raises:
        NotFound: no such system in this person's scope.
        NotReady: a file is damaged or missing, or the log is not the one that was signed.
    """
    with platform.work_as(principal) as session:
        system = session.scalar(select(System).where(System.id == system_id))
        if system is None or (with_log and not principal.unlimited):
            raise NotFound
        record(
            session,
            "evidence.package",
            system,
            now=now,
            detail={"with_log": with_log, "sealed": secret is not None},
        )
    if checkpoints.sign_due(platform, now=now, at_once=True) == "refused":
        raise NotReady(
            "审计日志与已签名的检查点不符，不能打包。",
            "The audit log is not the one that was signed; no package is written.",
        )
    if secret is None:
        return _Packing(platform, principal, system_id, now).run(file, with_log)
    # A zip is written with steps back, which a sealed stream has not: through a file without a name.
    with tempfile.TemporaryFile(dir=platform.settings.folder("tmp")) as plain:
        done = _Packing(platform, principal, system_id, now).run(plain, with_log)
        plain.seek(0)
        passphrase.seal(plain, file, secret)
    return done


class _Packing:
    def __init__(self, platform: Platform, principal: Principal, system_id: int, now: datetime) -> None:
        self._platform = platform
        self._principal = principal
        self._system_id = system_id
        self._now = now
        self._members: list[dict[str, Any]] = []

    def run(self, file: IO[bytes], with_log: bool) -> Written:
        keys = self._platform.keys
        signed = self._checkpoints()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as self._archive:
            with self._platform.work_as(self._principal) as session:
                system = session.get_one(System, self._system_id)
                rows = session.scalars(
                    select(Evidence)
                    .where(Evidence.system_id == system.id, Evidence.blob_state == BlobState.OK)
                    .order_by(Evidence.id)
                ).all()
                links = link_rows(session, [row.id for row in rows])
            about = [self._evidence(row, [link.unit_id for link in links.get(row.id, [])]) for row in rows]
            self._add(EVIDENCE, iter([json.dumps(about, ensure_ascii=False, indent=1).encode()]))
            newest = max(
                (Checkpoint.parse(one.text) for one in signed), key=lambda one: one.size, default=None
            )
            events = self._events([str(row.id) for row in rows], newest)
            self._add(CHECKPOINTS, iter([f"{one.to_json()}\n".encode() for one in signed]))
            if with_log:
                self._add(LOG, self._log(newest))
            manifest = {
                "secops_package": FORMAT,
                "made_at": self._now.isoformat(),
                "log_id": newest.log_id if newest else "",
                "system": {"code": system.code, "name": system.name, "profile": system.profile},
                "certified": keys.certified,
                "keys": {
                    "report": _pem(self._platform, Signer.REPORT)[-1],
                    "receipt": _pem(self._platform, Signer.RECEIPT),
                    "checkpoint": _pem(self._platform, Signer.CHECKPOINT),
                },
                "events": events,
                "members": self._members,
            }
            raw = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
            signature = keys.sign(Signer.REPORT, raw).hex()
            self._archive.writestr(MANIFEST, raw)
            self._archive.writestr(
                SIGNATURE, json.dumps({"algorithm": "SM2-with-SM3", "signature": signature})
            )
        size = sum(one["size"] for one in self._members)
        return Written(len(self._members), size, len(events), fingerprint(keys.public_key(Signer.REPORT)))

    def _add(self, name: str, pieces: Iterator[bytes]) -> None:
        hasher, size = sm3.Hasher(), 0
        with self._archive.open(name, "w", force_zip64=True) as member:
            for piece in pieces:
                hasher.update(piece)
                size += len(piece)
                member.write(piece)
        self._members.append({"name": name, "size": size, "sm3": hasher.digest().hex()})

    def _evidence(self, row: Evidence, units: list[str]) -> dict[str, Any]:
        name = f"evidence/{row.id}-{_UNSAFE.sub('_', row.file_name).lstrip('.') or 'file'}"
        try:
            with self._platform.vault.open(blob_ref(row)) as blob:
                self._add(name, blob)
        except (VaultError, SmCryptoError, OSError) as error:
            raise NotReady(
                f"证据 #{row.id} 不能读取，没有打包。",
                f"Evidence #{row.id} can't be read, so there is no package.",
            ) from error
        return {
            "id": row.id, "member": name, "title": row.title, "file_name": row.file_name, "state": row.state.value,
            "source": row.source.value, "units": sorted(set(units)), "given_by": row.given_by,
            "given_at": row.given_at.isoformat(), "document_kind": row.document_kind, "receipt": row.receipt,
            "effective_from": str(row.effective_from or ""), "effective_until": str(row.effective_until or ""),
        }  # fmt: skip

    def _checkpoints(self) -> list[SignedCheckpoint]:
        path = checkpoints.folder_of(self._platform) / "checkpoints.jsonl"
        return checkpoints.read_checkpoints(path) if path.exists() else []

    def _events(self, evidence_ids: Sequence[str], newest: Checkpoint | None) -> list[int]:
        """Events about the evidence up to the newest checkpoint, each with its path; the log itself is not scoped."""
        if newest is None:
            self._add(EVENTS, iter([]))
            return []
        with self._platform.work("package") as session:
            hashes = session.scalars(
                select(AuditEvent.hash).where(AuditEvent.seq <= newest.size).order_by(AuditEvent.seq)
            )
            leaves = [bytes.fromhex(one) for one in hashes]
            rows: list[AuditEvent] = []
            for start in range(0, len(evidence_ids), 500):
                rows += session.scalars(
                    select(AuditEvent).where(
                        AuditEvent.object_type == "Evidence",
                        AuditEvent.object_id.in_(evidence_ids[start : start + 500]),
                        AuditEvent.seq <= newest.size,
                    )
                )
        rows.sort(key=lambda row: row.seq)
        paths = prove_many(leaves, [row.seq - 1 for row in rows])
        lines = (
            plain_json({"row": _fields(row), "path": [node.hex() for node in path]}).encode() + b"\n"
            for row, path in zip(rows, paths, strict=True)
        )
        self._add(EVENTS, lines)
        return [row.seq for row in rows]

    def _log(self, newest: Checkpoint | None) -> Iterator[bytes]:
        with self._platform.work("package") as session:
            sealed = sealed_head(session)
            if sealed is None:
                raise AuditHeadMissing
            names = [attribute.key for attribute in inspect(AuditEvent).column_attrs]
            query = select(AuditEvent).where(AuditEvent.seq <= sealed.head.seq).order_by(AuditEvent.seq)
            rows = (
                {name: getattr(row, name) for name in names}
                for row in session.scalars(query.execution_options(yield_per=2000))
            )
            for line in export_lines(sealed.head.log_id, rows, sealed.head, sealed.mac):
                yield f"{line}\n".encode()


def _fields(row: AuditEvent) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in FIELDS if hasattr(row, name)}
    found["at"] = f"{row.at:%Y-%m-%dT%H:%M:%S.%f}Z"
    return found | {"hash": row.hash}


def _pem(platform: Platform, signer: Signer) -> list[str]:
    """Public keys of all versions, the current one last."""
    versions = sorted(one.version for one in platform.keys.key_info() if one.name == signer.value)
    return [encode_public_key_pem(platform.keys.public_key(signer, version=one)).decode() for one in versions]
