"""What the read models of all papers begin with: head, subject, and how much of the items was examined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.loader import load_catalog
from reports.paper.model import Subject
from reports.read_model import STATES, Counts, Language, ReportMeta, RuleSet, Text
from secops import __version__
from secops.accounts.names import display_names
from secops.objects.models import Department, System
from secops.posture.catalogue import EDITION, selection_for
from secops.posture.services import counts_of, current_summaries

SUMMARIES_NOTE = Text(
    "控制项与测评步骤为本平台自编摘要，标准原文以正式出版物为准。",
    "Items and steps are our own summaries; the published standards prevail.",
)
SUGGESTED_NOTE = Text(
    "态势中的判定由规则依据扫描、台账和证据给出，未经测评人员确认；多对象合并规则为本平台设定，非官方口径。",
    "Verdicts of the posture are suggested by rules over scans, registers and evidence and not confirmed by an assessor; the rule over several targets is a setting of this platform, not official.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: one system or, with None, all that the session may see; and what varies between two runs."""

    system: System | None
    number: str
    language: str
    now: datetime
    zone: str

    @property
    def local(self) -> datetime:
        """The time of the report in the platform's zone, whole seconds, as documents keep it."""
        return self.now.replace(microsecond=0).astimezone(ZoneInfo(self.zone))

    @property
    def today(self) -> date:
        return self.local.date()


def meta(
    asked: Asked,
    title: Text,
    *,
    notes: Sequence[Text] = (),
    rule_sets: Sequence[RuleSet] = (),
    framework: str = EDITION,
) -> ReportMeta:
    """The head of a paper; *framework* is what its items are taken from."""
    found = load_catalog().framework(framework)
    return ReportMeta(
        title=title,
        report_number=asked.number,
        generated_at=asked.local,
        generator=f"secops {__version__}",
        catalogue_edition=f"{found.title.zh if asked.language == 'zh' else found.title.en} {found.edition}",
        language=Language.parse(asked.language),
        rule_sets=tuple(rule_sets),
        unofficial_notes=tuple(notes) or (SUMMARIES_NOTE, SUGGESTED_NOTE),
        marking=Text("自查材料，内部资料", "self-assessment, internal"),
    )


def systems_of(session: Session, asked: Asked) -> Sequence[System]:
    """The system, or all in scope but the platform itself, by code."""
    if asked.system is not None:
        return [asked.system]
    return session.scalars(select(System).where(System.is_platform.is_(False)).order_by(System.code)).all()


def subject(session: Session, asked: Asked, systems: Sequence[System]) -> Subject:
    """Whom the paper is about; a district is named after the highest department among those of its systems."""
    if asked.system is not None:
        one = asked.system
        unit = session.get_one(Department, one.department_id)
        return Subject(
            name=Text.same(one.name),
            code=one.code,
            unit=unit.name,
            level=one.level,
            profile=one.profile,
            filing=one.filing_number,
            is_example=one.is_example,
        )
    return Subject(
        name=Text(f"{len(systems)} 个系统", f"{len(systems)} systems"),
        code="",
        unit=top_department(session, {one.department_id for one in systems}),
        is_example=bool(systems) and all(one.is_example for one in systems),
        systems=len(systems),
    )


def top_department(session: Session, ids: Iterable[int]) -> str:
    """The lowest department that has all of these below it; "" when there is none."""
    wanted = list(ids)
    if not wanted:
        return ""
    paths = [
        row[0].strip("/").split("/")
        for row in session.execute(select(Department.path).where(Department.id.in_(wanted)))
    ]
    shared = reduce(_common, paths) if paths else []
    found = session.get(Department, int(shared[-1])) if shared and shared[-1] else None
    return found.name if found is not None else ""


def _common(one: list[str], two: list[str]) -> list[str]:
    both = []
    for left, right in zip(one, two, strict=False):
        if left != right:
            break
        both.append(left)
    return both


def examined(session: Session, systems: Sequence[System]) -> dict[int, Counts]:
    """The items of each system by state, one query; those of a classified system without a posture are open."""
    known = current_summaries(session, [one.id for one in systems])
    found = {}
    for one in systems:
        if one.id in known:
            found[one.id] = counts_of(known[one.id])
        elif one.profile:
            items = len(selection_for(one.profile, tuple(one.extensions)).units)
            found[one.id] = Counts(not_examined=items)
        else:
            found[one.id] = Counts()
    return found


def added(counts: Iterable[Counts]) -> Counts:
    """Counts added up."""
    listed = list(counts)
    return Counts(**{state: sum(one.of(state) for one in listed) for state in STATES})


def people(session: Session, names: Iterable[str], language: str) -> dict[str, str]:
    """What to print for these user names; work of the platform itself is called so in the report's language."""
    wanted = {name for name in names if name}
    found = display_names(session, wanted)
    platform = "平台" if language == "zh" else "platform"
    return {
        name: platform if name.startswith("platform") else found.get(name, name) for name in sorted(wanted)
    }
