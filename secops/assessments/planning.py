"""Begin an assessment: everything it rests on is frozen here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session, aliased

from controls.catalog import AssessmentUnit
from controls.editions import unit_digest
from controls.loader import load_catalog
from controls.scoring import Edition, MultiObjectRule, RateEdge, ThresholdBasis, default_edition
from controls.terms import LevelProfile
from secops.assessments.frame import PROVIDER, SYSTEM, Frame, Target
from secops.assessments.models import (
    Assessment,
    AssessmentCampaign,
    AssessmentChange,
    AssessmentRecord,
    AssessmentState,
    AssessmentTarget,
    RecordOrigin,
    RecordState,
)
from secops.assessments.sampling import sample
from secops.audit_log.services import record
from secops.db import local_day
from secops.errors import BadInput, Refused
from secops.inventory.models import ExclusionState, InheritedUnit, UnitExclusion
from secops.objects.models import Asset, Department, System
from secops.posture.catalogue import EDITION, selection_for
from secops.scope import principal_of
from smcrypto.sm3 import hexdigest

CRYPTO = "gbt-39786-2021"
EDITIONS = tuple(edition.value for edition in Edition)
ROLES = ("platform", "officer", "assessor")
MAX_TARGETS = 5_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person chose. ``assets`` None takes what the sampling rules propose."""

    edition: str = ""
    title: str = ""
    assets: Sequence[int] | None = None
    begins_on: date | None = None
    ends_on: date | None = None
    lead: str = ""
    y: str = "0.5"
    multi_object_rule: str = MultiObjectRule.SET.value
    rate_edge: str = RateEdge.INCLUSIVE.value
    threshold: str = ThresholdBasis.EXACT.value
    campaign: AssessmentCampaign | None = None


def create(session: Session, system: System, plan: Plan, *, now: datetime) -> Assessment:
    """Freeze scope, catalogue edition and rule sets; the cells come to be as they are touched.

    Raises:
        BadInput: the system has no level, an unknown edition, no or foreign targets, dates the wrong way round.
        Refused: the person's role does not assess.
    """
    who = principal_of(session)
    _require(who)
    if not system.profile:
        raise BadInput("请先为系统定级。", "Classify the system first.", "system")
    today = local_day(session, now)
    begins = plan.begins_on or today
    edition = plan.edition or default_edition(begins).value
    if edition not in EDITIONS:
        raise BadInput(f"没有计分版本 {edition}，可用：{'、'.join(EDITIONS)}。",
                       f"There is no edition {edition}; known: {', '.join(EDITIONS)}.", "edition")  # fmt: skip
    if plan.ends_on is not None and plan.ends_on < begins:
        raise BadInput("结束日期早于开始日期。", "It ends before it begins.", "ends_on")
    crypto = Edition(edition).is_crypto
    units = units_for(system, crypto)
    scope = _scope(session, system, units, crypto)
    assets = _assets(session, system, plan)
    title = (
        plan.title.strip() or f"{system.name} {begins.year} {'密评自评估' if crypto else '等级测评自评估'}"
    )
    assessment = Assessment(
        department_id=system.department_id, system_id=system.id, number=_number(session, system, begins),
        title=title[:160], state=AssessmentState.RUNNING, framework=CRYPTO if crypto else EDITION,
        catalogue=catalogue_mark(units), edition=edition, profile=system.profile,
        extensions=[] if crypto else list(system.extensions), scope=scope, rules=_rules(plan, crypto),
        begins_on=begins, ends_on=plan.ends_on, lead=plan.lead or who.name,
        campaign_id=plan.campaign.id if plan.campaign else None, previous_id=_previous(session, system, crypto),
        cells=0, created_by=who.name, created_at=now,
    )  # fmt: skip
    session.add(assessment)
    session.flush()
    targets = _add_targets(session, assessment, assets, scope)
    frame = Frame(tuple(units), targets, scope["excluded"], scope["inherited"])
    assessment.cells = frame.count
    _add_given(session, assessment, frame, now)
    note(session, assessment, "create", who.name, now, after={"targets": len(targets), "cells": frame.count})
    record(session, "assessment.create", assessment, now=now,
           detail={"system": system.code, "edition": edition, "targets": len(targets)})  # fmt: skip
    session.flush()
    return assessment


MAX_CAMPAIGN = 300


def create_campaign(
    session: Session, systems: Sequence[System], plan: Plan, *, now: datetime
) -> tuple[AssessmentCampaign, list[Assessment]]:
    """Begin an assessment of each system, all or none; the sampling rules choose the targets of each.

    Raises:
        BadInput: no title, no system, too many, one without a level, or one whose assessment runs already.
        Refused
    """
    who = principal_of(session)
    _require(who)
    if not plan.title.strip():
        raise BadInput("请填写标题。", "Give it a title.", "title")
    if not 1 <= len(systems) <= MAX_CAMPAIGN:
        raise BadInput(
            f"请选择 1 到 {MAX_CAMPAIGN} 个系统。", f"Choose 1 to {MAX_CAMPAIGN} systems.", "systems"
        )
    running = session.scalars(
        select(System.name)
        .join(Assessment, Assessment.system_id == System.id)
        .where(
            System.id.in_([one.id for one in systems]),
            Assessment.state == AssessmentState.RUNNING,
            Assessment.framework == (CRYPTO if plan.edition.startswith("crypto") else EDITION),
        )
        .limit(5)
    ).all()
    if running:
        names = "、".join(running)
        raise BadInput(
            f"这些系统已有进行中的测评：{names}。", f"These have a running assessment: {names}.", "systems"
        )
    campaign = AssessmentCampaign(
        department_id=_common_department(session, systems), title=plan.title.strip()[:160],
        edition=plan.edition or default_edition(plan.begins_on or local_day(session, now)).value,
        begins_on=plan.begins_on, ends_on=plan.ends_on, created_by=who.name, created_at=now,
    )  # fmt: skip
    session.add(campaign)
    session.flush()
    record(
        session,
        "assessment.campaign",
        campaign,
        now=now,
        detail={"systems": len(systems), "edition": campaign.edition},
    )
    made = []
    for system in systems:
        own = replace(
            plan, title=f"{plan.title.strip()}：{system.name}"[:160], assets=None, campaign=campaign
        )
        made.append(create(session, system, own, now=now))
    return campaign, made


def _common_department(session: Session, systems: Sequence[System]) -> int:
    """The department that all of them belong to or lie below, as far as this person sees it."""
    paths = [
        [int(part) for part in path.split("/") if part]
        for path in session.scalars(
            select(Department.path).where(Department.id.in_({one.department_id for one in systems}))
        )
    ]
    who = principal_of(session)
    shared = [one for one in paths[0] if all(one in path for path in paths)] if paths else []
    visible = [one for one in shared if who.may_see(one, None)]
    return visible[-1] if visible else systems[0].department_id


def _require(who: Any) -> None:
    if not who.has(*ROLES):
        raise Refused("由网络安全专员或测评人员开展测评。", "A security officer or an assessor assesses.")


def units_for(system: System, crypto: bool) -> Sequence[AssessmentUnit]:
    """The units an assessment of this system is about."""
    if not crypto:
        return selection_for(system.profile, tuple(system.extensions)).units
    # The crypto framework knows levels 1 to 4, by the system's own level.
    return load_catalog().units(CRYPTO, level=LevelProfile.parse(system.profile).g)


def catalogue_mark(units: Sequence[AssessmentUnit]) -> str:
    """A digest over the content of these units; another edition of the catalogue has another one."""
    return hexdigest("\n".join(f"{unit.id} {unit_digest(unit)}" for unit in units).encode())[:32]


def _rules(plan: Plan, crypto: bool) -> dict[str, Any]:
    if crypto:
        return {}
    try:
        MultiObjectRule(plan.multi_object_rule), RateEdge(plan.rate_edge), ThresholdBasis(plan.threshold)
        share = float(plan.y)
    except ValueError:
        raise BadInput("计分规则不正确。", "There is no such scoring rule.", "rules") from None
    if not 0 <= share <= 1:
        raise BadInput("y 在 0 到 1 之间。", "y lies between 0 and 1.", "y")
    return {
        "y": plan.y,
        "multi_object_rule": plan.multi_object_rule,
        "rate_edge": plan.rate_edge,
        "threshold": plan.threshold,
    }


def _scope(session: Session, system: System, units: Sequence[AssessmentUnit], crypto: bool) -> dict[str, Any]:
    known = {str(unit.id) for unit in units}
    scope: dict[str, Any] = {"units": [str(unit.id) for unit in units], "excluded": {}, "inherited": {}}
    if crypto:
        return scope
    excluded = select(UnitExclusion).where(
        UnitExclusion.system_id == system.id, UnitExclusion.state == ExclusionState.APPROVED
    )
    for one in session.scalars(excluded):
        if one.unit_id in known:
            scope["excluded"][one.unit_id] = {
                "reason": one.reason, "requested_by": one.requested_by, "decided_by": one.decided_by,
            }  # fmt: skip
    for row in session.scalars(select(InheritedUnit).where(InheritedUnit.system_id == system.id)):
        if row.unit_id in known and row.unit_id not in scope["excluded"]:
            scope["inherited"][row.unit_id] = {
                "responsibility": row.responsibility,
                "provider": row.provider_name or "运行方",
                "verdict": row.verdict,
                "report": row.report,
                "expires": row.expires_on.isoformat() if row.expires_on else None,
                "letter": row.letter_id,
            }
    return scope


def shared_assets(session: Session, system: System) -> set[int]:
    """Assets whose address is registered for another system too, as far as this person sees; one query."""
    other = aliased(Asset)
    return set(
        session.scalars(
            select(Asset.id)
            .join(other, (other.address == Asset.address) & (other.system_id != Asset.system_id))
            .where(Asset.system_id == system.id, Asset.address != "")
        )
    )


def _assets(session: Session, system: System, plan: Plan) -> list[tuple[Asset, dict[str, str]]]:
    rows = session.scalars(
        select(Asset).where(Asset.system_id == system.id).order_by(Asset.kind, Asset.id)
    ).all()
    proposed = {
        one.asset.id: {"rule": one.rule, "zh": one.zh, "en": one.en}
        for one in sample(
            rows,
            system.level or 3,
            internet_facing=system.internet_facing,
            shared=shared_assets(session, system),
        )
    }
    if plan.assets is None:
        return [(row, proposed[row.id]) for row in rows if proposed[row.id]["rule"]]
    wanted = set(plan.assets)
    if wanted - {row.id for row in rows}:
        raise BadInput("所选对象不属于该系统。", "A chosen target does not belong to the system.", "assets")
    if len(wanted) > MAX_TARGETS:
        raise BadInput(f"最多 {MAX_TARGETS} 个测评对象。", f"At most {MAX_TARGETS} targets.", "assets")
    by_hand = {"rule": "person", "zh": "由人选定", "en": "chosen by a person"}
    return [
        (row, proposed[row.id] if proposed[row.id]["rule"] else by_hand) for row in rows if row.id in wanted
    ]


def _add_targets(
    session: Session,
    assessment: Assessment,
    assets: Sequence[tuple[Asset, dict[str, str]]],
    scope: dict[str, Any],
) -> tuple[Target, ...]:
    place = {
        "department_id": assessment.department_id,
        "system_id": assessment.system_id,
        "assessment_id": assessment.id,
    }
    rows: list[dict[str, Any]] = [
        place | {"position": 0, "asset_id": None, "kind": SYSTEM, "name": "整个系统", "address": "", "importance": "",
                 "reason": {"rule": "system", "zh": "没有对应对象的控制项在此判定", "en": "for items without a target"}}
    ]  # fmt: skip
    providers = dict.fromkeys(one["provider"] for one in scope["inherited"].values())
    rows += [
        place | {"position": len(rows) + i, "asset_id": None, "kind": PROVIDER, "name": name, "address": "",
                 "importance": "", "reason": {"rule": "provider", "zh": "继承自提供方", "en": "inherited"}}
        for i, name in enumerate(providers)
    ]  # fmt: skip
    first = len(rows)
    rows += [
        place | {"position": first + i, "asset_id": asset.id, "kind": asset.kind, "name": asset.name,
                 "address": asset.address, "importance": asset.importance.value, "reason": reason}
        for i, (asset, reason) in enumerate(assets)
    ]  # fmt: skip
    session.execute(insert(AssessmentTarget), rows)
    return targets_of(session, assessment.id)


def targets_of(session: Session, assessment_id: int) -> tuple[Target, ...]:
    """The columns of the grid in their order; one query."""
    columns = (
        AssessmentTarget.id, AssessmentTarget.kind, AssessmentTarget.name, AssessmentTarget.asset_id,
        AssessmentTarget.position, AssessmentTarget.address,
    )  # fmt: skip
    rows = session.execute(
        select(*columns)
        .where(AssessmentTarget.assessment_id == assessment_id)
        .order_by(AssessmentTarget.position)
    )
    return tuple(Target(*row) for row in rows)


def _add_given(session: Session, assessment: Assessment, frame: Frame, now: datetime) -> None:
    """Records for what was settled before the start: approved exclusions and inherited results."""
    place = {
        "department_id": assessment.department_id, "system_id": assessment.system_id,
        "assessment_id": assessment.id, "state": RecordState.ACCEPTED, "decided_at": now, "reviewed_at": now,
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for unit_id, why in frame.excluded.items():
        rows.append(
            place | {"unit_id": unit_id, "target_id": frame.whole.id, "verdict": "na", "text": why["reason"],
                     "origin": RecordOrigin.EXCLUSION, "assessor": why["requested_by"], "reviewer": why["decided_by"],
                     "evidence_ids": []}
        )  # fmt: skip
    providers = {target.name: target.id for target in frame.by_kind.get(PROVIDER, ())}
    for unit_id, given in frame.inherited.items():
        if given["verdict"] is None or given["expires"] is None:
            continue
        words = f"继承自{given['provider']}（{given['report']}），有效至 {given['expires']}"
        letter = [given["letter"]] if given.get("letter") else []
        rows.append(
            place | {"unit_id": unit_id, "target_id": providers[given["provider"]], "verdict": given["verdict"],
                     "text": words, "origin": RecordOrigin.INHERITED, "assessor": "platform", "reviewer": "platform",
                     "evidence_ids": letter}
        )  # fmt: skip
    if rows:
        session.execute(insert(AssessmentRecord), rows)


def _previous(session: Session, system: System, crypto: bool) -> int | None:
    framework = CRYPTO if crypto else EDITION
    return session.scalar(
        select(func.max(Assessment.id)).where(
            Assessment.system_id == system.id,
            Assessment.framework == framework,
            Assessment.state == AssessmentState.CLOSED,
        )
    )


def _number(session: Session, system: System, begins: date) -> str:
    # One at a time per system, so that two never get the same number.
    session.scalar(select(System.id).where(System.id == system.id).with_for_update())
    count = session.scalar(select(func.count(Assessment.id)).where(Assessment.system_id == system.id)) or 0
    return f"{system.code}-{begins:%Y}-{count + 1:02}"


def note(
    session: Session, assessment: Assessment, action: str, actor: str, now: datetime, **rest: Any
) -> None:
    session.add(
        AssessmentChange(
            department_id=assessment.department_id, system_id=assessment.system_id, assessment_id=assessment.id,
            at=now, actor=actor, action=action, **rest,
        )
    )  # fmt: skip
