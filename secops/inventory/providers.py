"""Inheritance: what a provider publishes, what a tenant takes of it, and what happens when the report ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.ids import UnitId
from controls.loader import load_catalog
from controls.terms import Verdict
from secops.audit_log.services import record
from secops.errors import BadInput, NotFound, Refused
from secops.findings.models import FindingSource, Severity
from secops.findings.services import Found, close_register, open_or_refresh
from secops.inventory.models import InheritedUnit, Publication
from secops.objects.models import System
from secops.posture.catalogue import selection_for
from secops.posture.services import recompute
from secops.scope import Principal, principal_of

RESPONSIBILITIES = ("inherited", "shared", "theirs")


@contextmanager
def beyond_scope(session: Session, purpose: str) -> Iterator[None]:
    """Read as the platform for a moment: what is published is meant for others than its department.

    Callers hand out only provider, level, dates and verdicts of requirement families, never a row.
    """
    own = principal_of(session)
    session.info["principal"] = Principal.platform(purpose)
    try:
        yield
    finally:
        session.info["principal"] = own


def units_of(system: System) -> Sequence[AssessmentUnit]:
    return selection_for(system.profile, tuple(system.extensions)).units if system.profile else ()


def publish(
    session: Session,
    provider: System,
    *,
    report: str,
    results: Mapping[str, str],
    decided_on: date,
    expires_on: date,
    actor: str,
    now: datetime,
) -> Publication:
    """Hand results down to every tenant that takes units from *provider*, and bring their postures up to date.

    Args:
        results: verdict by unit of the provider's own level.

    Raises:
        BadInput: no level, no result, an unknown unit or verdict, or dates the wrong way round.
    """
    if provider.level is None:
        raise BadInput("提供方尚未定级，不能发布结果。", "The provider has no level yet.", "report")
    if expires_on <= decided_on:
        raise BadInput("有效期须晚于结论日期。", "It must end after the day of the results.", "expires_on")
    if not report.strip():
        raise BadInput("请填写报告编号或名称。", "Name the report.", "report")
    row = Publication(
        department_id=provider.department_id, system_id=provider.id, report=report.strip()[:200], level=provider.level,
        decided_on=decided_on, expires_on=expires_on, results=_by_family(provider, results),
        published_by=actor, published_at=now,
    )  # fmt: skip
    session.add(row)
    record(
        session, "publication.create", row, now=now,
        detail={"report": report[:120], "units": len(row.results), "until": expires_on.isoformat()},
    )  # fmt: skip
    session.flush()
    _hand_down(session, provider.id, now)
    return row


def _by_family(provider: System, results: Mapping[str, str]) -> dict[str, str]:
    known = {str(unit.id): unit.family for unit in units_of(provider)}
    found: dict[str, str] = {}
    for unit_id, verdict in results.items():
        if unit_id not in known:
            raise BadInput(
                f"{unit_id} 不是提供方适用的测评单元。", f"{unit_id} is no unit of the provider.", "results"
            )
        if verdict not in {one.value for one in Verdict}:
            raise BadInput(
                f"{unit_id} 的判定“{verdict}”无效。", f"{unit_id}: no such verdict {verdict}.", "results"
            )
        found[known[unit_id]] = verdict
    if not found:
        raise BadInput("没有可发布的结果。", "There is no result to publish.", "results")
    return found


def withdraw_publication(session: Session, publication_id: int, *, reason: str, now: datetime) -> Publication:
    """Take a publication back; its results no longer count for any tenant.

    Raises:
        NotFound, BadInput
    """
    row = session.scalar(select(Publication).where(Publication.id == publication_id))
    if row is None or row.withdrawn_at is not None:
        raise NotFound
    if not reason.strip():
        raise BadInput("请写明理由。", "Say why.", "reason")
    row.withdrawn_at = now
    record(session, "publication.withdraw", row, now=now, reason=reason[:200])
    session.flush()
    _hand_down(session, row.system_id, now)
    return row


def _latest(session: Session, provider_id: int) -> dict[str, tuple[Publication, str]]:
    """Family → the newest publication that holds it, with its verdict. Call it beyond the scope."""
    rows = session.scalars(
        select(Publication)
        .where(Publication.system_id == provider_id, Publication.withdrawn_at.is_(None))
        .order_by(Publication.decided_on, Publication.id)
    )
    found: dict[str, tuple[Publication, str]] = {}
    for row in rows:
        found |= {family: (row, verdict) for family, verdict in row.results.items()}
    return found


def _hand_down(session: Session, provider_id: int, now: datetime) -> int:
    """Write what is published into the tenants' rows; returns how many tenants changed."""
    with beyond_scope(session, "inheritance"):
        latest = _latest(session, provider_id)
        provider = session.get_one(System, provider_id)
        tenants: dict[int, list[InheritedUnit]] = {}
        for row in session.scalars(select(InheritedUnit).where(InheritedUnit.provider_id == provider_id)):
            tenants.setdefault(row.system_id, []).append(row)
        for system_id, rows in tenants.items():
            for row in rows:
                _copy(row, latest, provider.name)
            record(
                session,
                "inheritance.update",
                rows[0],
                now=now,
                detail={"provider": provider.code, "units": len(rows)},
            )
            session.flush()
            recompute(
                session, session.get_one(System, system_id), now=now, only={row.unit_id for row in rows}
            )
    return len(tenants)


def _copy(row: InheritedUnit, latest: Mapping[str, tuple[Publication, str]], provider_name: str) -> None:
    family = load_catalog().unit(UnitId(row.unit_id)).family
    found = latest.get(family)
    row.provider_name = provider_name
    row.verdict = found[1] if found else None
    row.decided_on = found[0].decided_on if found else None
    row.expires_on = found[0].expires_on if found else None
    row.report = found[0].report if found else ""
    row.expiry_told_on = None


@dataclass(frozen=True, slots=True)
class Provider:
    """What anybody may know of a provider that publishes."""

    id: int
    name: str
    level: int
    report: str
    expires_on: date
    families: frozenset[str]


def providers(session: Session, *, but: int = 0) -> list[Provider]:
    """Systems with a publication that was not withdrawn, by name; the newest report of each."""
    with beyond_scope(session, "inheritance"):
        query = (
            select(Publication, System.name)
            .join(System, System.id == Publication.system_id)
            .where(Publication.withdrawn_at.is_(None), Publication.system_id != but)
            .order_by(Publication.decided_on, Publication.id)
        )
        newest: dict[int, Provider] = {}
        for row, name in session.execute(query):
            before = newest.get(row.system_id)
            families = frozenset(row.results) | (before.families if before else frozenset())
            newest[row.system_id] = Provider(
                row.system_id, name, row.level, row.report, row.expires_on, families
            )
    return sorted(newest.values(), key=lambda one: one.name)


def claim(
    session: Session,
    tenant: System,
    units: Iterable[str],
    *,
    responsibility: str,
    provider_id: int | None,
    letter_id: int | None = None,
    actor: str,
    now: datetime,
) -> int:
    """Say how *tenant* answers these units; a unit that was claimed before is claimed anew. Returns how many.

    Raises:
        BadInput: unknown responsibility, provider or unit.
        Refused: a system answers to itself, or *theirs* without a letter.
    """
    if responsibility not in RESPONSIBILITIES:
        raise BadInput("请选择责任方式。", "Choose who answers.", "responsibility")
    wanted = list(dict.fromkeys(units))
    known = {str(unit.id) for unit in units_of(tenant)}
    if not wanted or not set(wanted) <= known:
        raise BadInput("请选择适用于该系统的控制项。", "Choose items that bind the system.", "units")
    latest, name = _provider_of(session, tenant, responsibility, provider_id, letter_id)
    rows = {
        row.unit_id: row
        for row in session.scalars(
            select(InheritedUnit).where(
                InheritedUnit.system_id == tenant.id, InheritedUnit.unit_id.in_(wanted)
            )
        )
    }
    for unit_id in wanted:
        row = rows.get(unit_id)
        if row is None:
            row = InheritedUnit(department_id=tenant.department_id, system_id=tenant.id, unit_id=unit_id)
            session.add(row)
        row.responsibility, row.provider_id, row.letter_id = responsibility, provider_id, letter_id
        row.claimed_by, row.claimed_at = actor, now
        _copy(row, latest, name)
    if provider_id is not None:
        _watch_level(session, tenant, provider_id, name, now)
    record(
        session, "inheritance.claim", tenant, now=now,
        detail={"units": wanted[:40], "count": len(wanted), "how": responsibility, "provider": name[:80]},
    )  # fmt: skip
    session.flush()
    recompute(session, tenant, now=now, only=set(wanted))
    return len(wanted)


def _provider_of(
    session: Session, tenant: System, responsibility: str, provider_id: int | None, letter_id: int | None
) -> tuple[Mapping[str, tuple[Publication, str]], str]:
    if responsibility == "theirs":
        if letter_id is None:
            raise Refused(
                "由他方负责时须附上对方的说明函（证据）。",
                "Answered by others takes their letter as evidence.",
            )
        return {}, ""
    if provider_id is None or provider_id == tenant.id:
        raise BadInput("请选择提供方。", "Choose the provider.", "provider")
    if provider_id not in {one.id for one in providers(session)}:
        raise BadInput("该系统没有发布可继承的结果。", "That system publishes nothing.", "provider")
    with beyond_scope(session, "inheritance"):
        provider = session.get_one(System, provider_id)
        return _latest(session, provider_id), provider.name


LOWER_LEVEL = "provider-level"


def _watch_level(session: Session, tenant: System, provider_id: int, name: str, now: datetime) -> None:
    """A provider of a lower level than what it carries is a high-risk case; it closes once the level fits.

    Source: high-risk guide 2025, cloud computing: the platform's level is not below that of what it carries.
    """
    with beyond_scope(session, "inheritance"):
        level = session.get_one(System, provider_id).level or 0
    key = f"{LOWER_LEVEL}@{provider_id}"
    if level >= (tenant.level or 0):
        close_register(session, tenant, key, note="提供方的等级已不低于本系统。", now=now)
        return
    found = Found(
        key=key,
        source=FindingSource.REGISTER,
        rule_id=LOWER_LEVEL,
        title={
            "zh": "云平台等级低于其承载的系统",
            "en": "The platform is of a lower level than what it carries",
        },
        target=name[:200],
        severity=Severity.HIGH,
        severity_reason={
            "zh": "高风险判例：平台等级不得低于其承载的系统，是否构成高风险由人判定",
            "en": "high-risk case: a platform must not be of a lower level; whether it applies is for a person to decide",
        },
        layer="infrastructure",
        units=tuple(str(unit.id) for unit in units_of(tenant) if unit.family == "cloud-cms-provider-choice"),
        observed={
            "zh": f"{name} 为第 {level} 级，本系统为第 {tenant.level} 级",
            "en": f"{name} is of level {level}, this system of level {tenant.level}",
        },
        advice={
            "zh": "把系统迁到等级不低于它的平台，或由提供方重新定级、整改并测评。",
            "en": "Move the system to a platform of its level or above, or have the provider classified and evaluated anew.",
        },
    )
    open_or_refresh(session, tenant, found, now=now)


def release(session: Session, tenant: System, units: Iterable[str], *, now: datetime) -> int:
    """Take claims back: the system answers these units itself. Returns how many there were."""
    wanted = list(dict.fromkeys(units))
    rows = session.scalars(
        select(InheritedUnit).where(InheritedUnit.system_id == tenant.id, InheritedUnit.unit_id.in_(wanted))
    ).all()
    for row in rows:
        session.delete(row)
    if rows:
        record(
            session, "inheritance.release", tenant, now=now, detail={"units": wanted[:40], "count": len(rows)}
        )
        session.flush()
        recompute(session, tenant, now=now)
    return len(rows)


def tell_expired(session: Session, *, today: date, now: datetime) -> list[int]:
    """Tell once of every claim whose report has ended and recompute its system; returns the systems.

    Runs daily as the platform.
    """
    rows = session.scalars(
        select(InheritedUnit).where(InheritedUnit.expires_on < today, InheritedUnit.expiry_told_on.is_(None))
    ).all()
    systems: dict[int, list[InheritedUnit]] = {}
    for row in rows:
        row.expiry_told_on = today
        systems.setdefault(row.system_id, []).append(row)
    for system_id, found in systems.items():
        system = session.get_one(System, system_id)
        record(
            session, "inheritance.expired", system, now=now,
            detail={"provider": found[0].provider_name, "report": found[0].report[:120], "units": len(found)},
        )  # fmt: skip
        session.flush()
        recompute(session, system, now=now)
    return sorted(systems)
