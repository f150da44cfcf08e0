"""Take evidence in, give it out, decide on it. Bytes first to a staging name, then the row, then the final name.

The order survives a kill at any point: seal to staging → commit the row as pending → rename → commit the row
as ok with its links, receipt and event. Recovery brings what a crash left to one of the two ends.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from secops.audit_log.services import record, record_alone
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, NotReady, Refused
from secops.evidence import requests
from secops.evidence.inspect_words import words_of
from secops.evidence.inspecting import spooled
from secops.evidence.inspection import REFUSED
from secops.evidence.media import sniff
from secops.evidence.models import (
    BlobState,
    Evidence,
    EvidenceLink,
    EvidenceSource,
    EvidenceState,
)
from secops.evidence.store import BlobRef, NotEnoughSpace, UploadTooLarge
from secops.evidence.vault import Staged
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.posture.services import recompute
from secops.scope import Principal
from smcrypto.errors import KeyProviderError

EDITION = "gbt-28448-2019"
MAX_NAME = 255


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """What comes with the bytes. ``units`` are unit ids of GB/T 28448; ``asset_id`` None speaks for the system."""

    system_id: int
    title: str
    file_name: str
    source: EvidenceSource
    state: EvidenceState
    units: tuple[str, ...] = ()
    asset_id: int | None = None
    note: str = ""
    media_type: str = ""
    effective_from: date | None = None
    effective_until: date | None = None
    origin_key: str | None = None
    replaces_id: int | None = None
    request_id: int | None = None
    reused_from: int | None = None
    document_kind: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def blob_ref(evidence: Evidence) -> BlobRef:
    """What the vault needs to find and open this evidence."""
    return BlobRef(
        evidence.blob_id,
        evidence.size,
        evidence.sm3,
        evidence.blob_header or None,
        _context(evidence.system_id),
    )


def _context(system_id: int) -> bytes:
    # Binds the container to its system: bytes moved under another system's row do not open.
    return f"system:{system_id}".encode()


def check_new(session: Session, new: NewEvidence) -> System:
    """Everything about the request that can be wrong, before a byte is read.

    Raises:
        BadInput, NotFound
    """
    system = session.scalar(select(System).where(System.id == new.system_id))
    if system is None:
        raise NotFound
    if not new.title.strip():
        raise BadInput("请填写证据名称。", "Give the evidence a title.", "title")
    if len(new.title) > 200:
        raise BadInput("证据名称最长 200 字。", "A title has at most 200 characters.", "title")
    if not new.file_name or len(new.file_name) > MAX_NAME or "\x00" in new.file_name:
        raise BadInput(
            "请选择文件；文件名最长 255 字。", "Choose a file; its name has at most 255 characters.", "file"
        )
    if new.effective_from and new.effective_until and new.effective_until < new.effective_from:
        raise BadInput("有效期止早于有效期起。", "The period ends before it begins.", "effective_until")
    if new.asset_id is not None:
        asset = session.scalar(select(Asset).where(Asset.id == new.asset_id, Asset.system_id == system.id))
        if asset is None:
            raise NotFound
    if new.replaces_id is not None:
        _check_replaced(session, new)
    if new.request_id is not None and requests.get_open(session, new.request_id).system_id != system.id:
        raise NotFound
    check_units(new.units)
    return system


def _check_replaced(session: Session, new: NewEvidence) -> None:
    old = get_visible(session, new.replaces_id or 0)
    if old.system_id != new.system_id:
        raise NotFound
    if old.source not in (EvidenceSource.UPLOAD, EvidenceSource.REUSE):
        raise Refused("平台自己收集的证据没有新版本。", "What the platform collected has no newer version.")
    if old.state is EvidenceState.SUPERSEDED:
        raise Refused("这份证据已被更新的版本替代。", "A newer version took its place already.")


def check_units(units: Sequence[str]) -> None:
    """Refuse ids that no unit of the catalogue has.

    Raises:
        BadInput
    """
    from controls.loader import load_catalog

    catalog = load_catalog()
    for unit in units:
        if not catalog.has_unit(unit):
            raise BadInput(f"没有测评单元 {unit}。", f"There is no assessment unit {unit}.", "units")


def store(platform: Platform, principal: Principal, new: NewEvidence, stream: Readable) -> int:
    """Seal *stream* into the vault and make the row; returns its id once nothing can lose it any more.

    Raises:
        BadInput, NotFound: the request is wrong; nothing was read.
        NotReady: no room on the disk, or the keys are missing; nothing was kept.
    """
    with platform.work_as(principal) as session:
        system = check_new(session, new)
        department_id = system.department_id
        _check_quota(platform, session, department_id, new, principal)
    staged, inspection = _stage_inspected(platform, principal, new, stream)
    with staged:
        with platform.work_as(principal) as session:
            evidence_id = _pending_row(session, new, department_id, staged, principal, inspection)
        platform.vault.publish(staged)
        with platform.work_as(principal) as session:
            complete(platform, session, session.get_one(Evidence, evidence_id), now=utc_now())
    return evidence_id


_GIVEN = (EvidenceSource.UPLOAD, EvidenceSource.REUSE)
_MB = 1024 * 1024


def _check_quota(
    platform: Platform, session: Session, department_id: int, new: NewEvidence, principal: Principal
) -> None:
    """What people give is limited by day and by department; what the platform makes is not.

    Raises:
        Refused
    """
    if new.source not in _GIVEN:
        return
    settings = platform.settings
    size = func.coalesce(func.sum(Evidence.size), 0)
    kept = Evidence.blob_state.in_((BlobState.OK, BlobState.PENDING))
    since = utc_now() - timedelta(hours=24)
    # The platform's eye: a department's quota counts what this person may not see as well.
    with platform.work("quota") as whole:
        day = whole.scalar(
            select(size).where(Evidence.given_by == principal.name, Evidence.given_at >= since, kept)
        )
        held = whole.scalar(select(size).where(Evidence.department_id == department_id, kept))
    if (day or 0) >= settings.upload_daily_limit_mb * _MB:
        raise Refused(
            f"24 小时内上传已达 {settings.upload_daily_limit_mb} MB 的上限。",
            f"The limit of {settings.upload_daily_limit_mb} MB within 24 hours is reached.",
        )
    if settings.department_quota_mb and (held or 0) >= settings.department_quota_mb * _MB:
        raise Refused(
            f"部门证据已达 {settings.department_quota_mb} MB 的配额。",
            f"The department's quota of {settings.department_quota_mb} MB is used up.",
        )


def _stage_inspected(
    platform: Platform, principal: Principal, new: NewEvidence, stream: Readable
) -> tuple[Staged, dict[str, Any]]:
    """Seal it; what people give is looked into before it becomes a row, and a trap leaves nothing but an event."""
    if new.source not in _GIVEN:
        return _stage(platform, new, stream), {}
    with spooled(stream, platform.settings.folder("inspection")) as spool:
        staged = _stage(platform, new, spool)
        try:
            found = spool.inspect(new.file_name, platform.settings.clamd_socket)
        except BaseException:
            staged.close()
            raise
    if found.verdict != "refused":
        return staged, found.row()
    staged.close()
    record_alone(
        platform.engine, principal, "evidence.refuse", now=utc_now(), object_type="System",
        object_id=str(new.system_id), result="refused", reason=",".join(found.found),
        detail={"file_name": new.file_name, "sm3": staged.sm3, "threat": found.detail},
    )  # fmt: skip
    zh, en = words_of([code for code in found.found if code in REFUSED])
    raise BadInput(f"文件没有保存：{zh}。", f"The file was not kept: {en}.", "file")


def store_bytes(platform: Platform, principal: Principal, new: NewEvidence, content: bytes) -> int:
    """The same for bytes at hand."""
    return store(platform, principal, new, io.BytesIO(content))


def _stage(platform: Platform, new: NewEvidence, stream: Readable) -> Staged:
    try:
        return platform.vault.stage(stream, context=_context(new.system_id))
    except UploadTooLarge as error:
        limit = error.limit // (1024 * 1024)
        raise BadInput(
            f"文件超过 {limit} MB 的上限，没有保存。",
            f"The file is larger than {limit} MB; nothing was saved.",
            "file",
        ) from error
    except NotEnoughSpace as error:
        raise NotReady(
            "磁盘空间不足，证据没有保存。请联系系统管理员清理空间后重试。",
            "The disk is nearly full; nothing was saved. Ask the system administrator for room, then try again.",
        ) from error
    except KeyProviderError as error:
        raise NotReady(
            "平台的密钥不可用，证据没有保存。请系统管理员运行 secops doctor。",
            "The platform's keys are not available; nothing was saved. An administrator can run: secops doctor",
        ) from error


def _pending_row(
    session: Session,
    new: NewEvidence,
    department_id: int,
    staged: Staged,
    principal: Principal,
    inspection: dict[str, Any],
) -> int:
    now = utc_now()
    if new.origin_key is not None:
        _supersede_interrupted(session, new.origin_key, now)
    evidence = Evidence(
        department_id=department_id,
        system_id=new.system_id,
        title=new.title.strip(),
        source=new.source,
        state=new.state,
        file_name=new.file_name,
        media_type=new.media_type or "application/octet-stream",
        size=staged.size,
        sm3=staged.sm3,
        blob_id=staged.blob_id,
        blob_state=BlobState.PENDING,
        blob_header=staged.ref.header or b"",
        origin_key=new.origin_key,
        note=new.note,
        effective_from=new.effective_from,
        effective_until=new.effective_until,
        given_by=str(new.extra.get("given_by", principal.name)),
        given_at=now,
        replaces_id=new.replaces_id,
        reused_from=new.reused_from,
        document_kind=new.document_kind,
        document=new.document,
        inspection=inspection,
    )
    session.add(evidence)
    session.flush()
    for unit in dict.fromkeys(new.units):
        session.add(
            EvidenceLink(
                department_id=department_id,
                system_id=new.system_id,
                evidence_id=evidence.id,
                edition=EDITION,
                unit_id=unit,
                asset_id=new.asset_id,
            )
        )
    record(session, "evidence.receive", evidence, now=now, detail={"sm3": staged.sm3, "size": staged.size})
    if new.request_id is not None:
        requests.answer(session, new.request_id, evidence, now=now)
    return evidence.id


def _supersede_interrupted(session: Session, origin_key: str, now: datetime) -> None:
    """A run that was cut off left its bytes; the row stays for the record but speaks for nothing any more."""
    old = session.scalar(select(Evidence).where(Evidence.origin_key == origin_key))
    if old is not None:
        old.origin_key = None
        old.state = EvidenceState.SUPERSEDED
        old.state_reason = "interrupted run"
        record(session, "evidence.supersede", old, now=now, reason="interrupted run")
        session.flush()


def complete(platform: Platform, session: Session, evidence: Evidence, *, now: datetime) -> None:
    """The bytes are in place: look at their type, sign the receipt, show the row."""
    if evidence.media_type == "application/octet-stream":
        evidence.media_type = sniff(_head(platform, evidence), evidence.file_name)
    evidence.blob_state = BlobState.OK
    evidence.receipt = make_receipt(platform, evidence)
    record(session, "evidence.store", evidence, now=now, detail={"sm3": evidence.sm3, "size": evidence.size})


def _head(platform: Platform, evidence: Evidence) -> bytes:
    with platform.vault.open(blob_ref(evidence)) as blob:
        return next(iter(blob), b"")


def make_receipt(platform: Platform, evidence: Evidence) -> dict[str, Any]:
    """The SM2-signed receipt of one piece of evidence.

    ``signed`` is the exact text under the signature: one JSON array, so that no field border can shift.
    """
    from smcrypto.keys import Signer

    signed = json.dumps(
        [
            "secops-receipt-1",
            evidence.blob_id,
            evidence.file_name,
            evidence.size,
            evidence.sm3,
            evidence.given_by,
            evidence.given_at.isoformat(),
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    signature = platform.keys.sign(Signer.RECEIPT, signed.encode())
    return {
        "signed": signed,
        "signature": signature.hex(),
        "algorithm": "SM2-with-SM3",
        "certified": platform.keys.certified,
    }


def receipt_is_good(platform: Platform, receipt: dict[str, Any]) -> bool:
    """Check a receipt with this installation's keys, older versions included."""
    from smcrypto import sm2
    from smcrypto.keys import KeyKind, Signer

    message, signature = receipt["signed"].encode(), bytes.fromhex(receipt["signature"])
    for info in platform.keys.key_info():
        if info.kind is KeyKind.SIGNING and info.name == Signer.RECEIPT.value:
            public = platform.keys.public_key(Signer.RECEIPT, version=info.version)
            if sm2.verify(public, message, signature):
                return True
    return False


def get_visible(session: Session, evidence_id: int) -> Evidence:
    """One piece of evidence whose bytes are in place.

    Raises:
        NotFound: there is none in this scope.
    """
    evidence = session.scalar(
        select(Evidence).where(Evidence.id == evidence_id, Evidence.blob_state == BlobState.OK)
    )
    if evidence is None:
        raise NotFound
    return evidence


def open_for_reading(
    platform: Platform, session: Session, evidence_id: int, *, now: datetime
) -> tuple[Evidence, Iterator[bytes]]:
    """Give the row and its verified bytes in pieces; the reading itself is an event. The caller commits first."""
    evidence = get_visible(session, evidence_id)
    record(session, "evidence.read", evidence, now=now)
    return evidence, platform.vault.open(blob_ref(evidence))


def read_all(platform: Platform, evidence: Evidence) -> bytes:
    """All bytes, for small things such as raw scan output."""
    with platform.vault.open(blob_ref(evidence), verify_first=True) as blob:
        return b"".join(blob)


def decide(
    session: Session, evidence_id: int, *, accept: bool, reason: str, actor: str, now: datetime
) -> Evidence:
    """Accept or return what was submitted; returning asks for a reason, and nobody decides on their own."""
    evidence = get_visible(session, evidence_id)
    if evidence.state is not EvidenceState.SUBMITTED:
        raise Refused(
            "只有待审核的证据可以采纳或退回。", "Only submitted evidence can be accepted or returned."
        )
    if evidence.given_by == actor:
        raise Refused("不能审核自己提交的证据。", "Nobody decides on their own evidence.")
    if not accept and not reason.strip():
        raise BadInput("退回须写明原因。", "Say why it is returned.", "reason")
    evidence.state = EvidenceState.ACCEPTED if accept else EvidenceState.RETURNED
    evidence.decided_by, evidence.decided_at = actor, now
    evidence.state_reason = reason.strip()[:400]
    record(
        session,
        "evidence.accept" if accept else "evidence.return",
        evidence,
        now=now,
        reason=evidence.state_reason,
    )
    requests.follow(session, evidence, actor=actor, now=now)
    touched = [evidence.id]
    if accept and evidence.replaces_id is not None:
        _supersede(session, evidence, now)
        touched.append(evidence.replaces_id)
    session.flush()
    units = session.scalars(select(EvidenceLink.unit_id).where(EvidenceLink.evidence_id.in_(touched))).all()
    # A paper speaks to all units of its kind, and other kinds may refer to it.
    only = None if evidence.document_kind else set(units)
    recompute(session, session.get_one(System, evidence.system_id), now=now, only=only)
    return evidence


def _supersede(session: Session, newer: Evidence, now: datetime) -> None:
    """The version before steps back only now: until the newer one is accepted the old one counts."""
    old = session.get(Evidence, newer.replaces_id)
    if old is not None and old.state is not EvidenceState.SUPERSEDED:
        old.state = EvidenceState.SUPERSEDED
        old.state_reason = f"#{newer.id}"
        record(session, "evidence.supersede", old, now=now, detail={"by": newer.id})


def link_rows(session: Session, evidence_ids: Iterable[int]) -> dict[int, list[EvidenceLink]]:
    """Links of many pieces of evidence, one query."""
    found: dict[int, list[EvidenceLink]] = {}
    for link in session.scalars(select(EvidenceLink).where(EvidenceLink.evidence_id.in_(list(evidence_ids)))):
        found.setdefault(link.evidence_id, []).append(link)
    return found
