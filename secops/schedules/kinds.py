"""What a schedule can stand for. Each kind hands over to the service that does the same by hand.

A new kind is one entry of :data:`KINDS`: its words, who may plan it, what its form asks, and how it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.config import Settings
from secops.errors import BadInput, Refused
from secops.jobs.models import Job
from secops.jobs.services import enqueue
from secops.objects.models import Department, System, SystemState
from secops.schedules.models import Schedule
from secops.scope import Principal

EXTENTS = ("system", "department")
MOST_SYSTEMS = 300


@dataclass(frozen=True, slots=True)
class Start:
    """One start: for whom, for which due moment."""

    session: Session
    settings: Settings
    schedule: Schedule
    system: System
    who: Principal
    actor: str
    due: datetime
    now: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The jobs that were started; none, with a reason, when the same work goes on already."""

    jobs: tuple[int, ...]
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """``needs`` are settings without which it is refused; ``asks`` names the parts of its form.

    Of the whole platform (``platform``) are kinds that belong to no single system: their schedule hangs on the
    platform's own.
    """

    zh: str
    en: str
    note_zh: str
    note_en: str
    start: Callable[[Start], Begun]
    roles: tuple[str, ...] = ("officer", "contact")
    platform: bool = False
    asks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    icon: str = "calendar2-check"

    def missing(self, settings: Settings) -> list[str]:
        """Names of the settings that have to be set first."""
        return [f"SECOPS_{name.upper()}" for name in self.needs if not getattr(settings, name)]

    def require_settings(self, settings: Settings) -> None:
        """Refuse with what to set.

        Raises:
            Refused
        """
        missing = self.missing(settings)
        if missing:
            zh, en = "、".join(missing), ", ".join(missing)
            raise Refused(f"请系统管理员先设置 {zh}。", f"The system administrator has to set {en} first.")


def kind_of(name: str) -> Kind:
    """The kind of this name.

    Raises:
        BadInput
    """
    try:
        return KINDS[name]
    except KeyError:
        raise BadInput("未知的计划类型。", "Unknown kind of schedule.", "kind") from None


def check_payload(name: str, payload: Mapping[str, Any], system: System) -> None:
    """Refuse what could never start.

    Raises:
        BadInput
    """
    from secops.assessments.planning import EDITIONS
    from secops.reporting.kinds import KINDS as REPORTS
    from secops.reporting.kinds import SYSTEM

    kind = kind_of(name)
    if kind.platform and not system.is_platform:
        raise BadInput("这类计划属于整个平台。", "This kind belongs to the whole platform.", "system")
    if "extent" in kind.asks and payload.get("extent") not in EXTENTS:
        raise BadInput("请选择范围。", "Choose how far it reaches.", "extent")
    if "forms" in kind.asks:
        report = REPORTS.get(payload.get("report") or "")
        forms = payload.get("renderers") or []
        if report is None or SYSTEM not in report.of:
            raise BadInput("请选择报告。", "Choose a report.", "report")
        if not forms or set(forms) - set(report.renderers) or payload.get("language") not in ("zh", "en"):
            raise BadInput("请选择报告的格式和语言。", "Choose forms and language of the report.", "forms")
    if "edition" in kind.asks and payload.get("edition") not in EDITIONS:
        raise BadInput("请选择计分版本。", "Choose an edition.", "edition")
    if "authorization" in kind.asks and not isinstance(payload.get("authorization_id"), int):
        raise BadInput("请选择扫描授权。", "Choose an authorisation.", "authorization")


def _scan(start: Start) -> Begun:
    from secops.scans.services import request_scan

    scan = request_scan(
        start.session,
        system=start.system,
        authorization_id=int(start.schedule.payload["authorization_id"]),
        actor=start.actor,
        now=start.now,
        cause=start.cause,
        schedule_id=start.schedule.id,
    )
    return Begun((scan.job_id,) if scan.job_id is not None else ())


def _posture(start: Start) -> Begun:
    return _begun(
        _once(start, "posture", system, {"system_id": system.id}, f"posture:{system.id}")
        for system in _systems(start)
        if system.profile or start.schedule.payload.get("extent") == "system"
    )


def _report(start: Start) -> Begun:
    from secops.reporting.services import request_report

    payload = start.schedule.payload
    # The number carries the day of the platform's own zone; typst takes no fractions of a second.
    at = start.now.astimezone(ZoneInfo(start.settings.time_zone)).replace(microsecond=0)
    jobs = [
        request_report(
            start.session,
            system,
            kind=payload["report"],
            renderers=payload["renderers"],
            language=payload["language"],
            actor=start.actor,
            now=at,
        ).id
        for system in _systems(start)
        if system.profile or payload["extent"] == "system"
    ]
    return _begun(jobs)


def _campaign(start: Start) -> Begun:
    day = start.due.astimezone(ZoneInfo(start.schedule.time_zone)).date()
    payload = {
        "systems": [system.id for system in _systems(start)],
        "title": f"{start.schedule.name[:80]} {day:%Y-%m-%d}",
        "edition": start.schedule.payload["edition"],
    }
    return _begun(
        [_once(start, "assessment-campaign", start.system, payload, f"campaign:{start.schedule.id}")]
    )


def _folder(start: Start) -> Begun:
    from secops.evidence.folder import folder_of

    folder_of(start.settings.import_folder, start.system.code)
    return _begun([_once(start, "folder-import", start.system, {}, f"folder:{start.system.id}")])


def _duties(*kinds: str) -> Callable[[Start], Begun]:
    """Work that the platform does by itself too: never twice beside that."""

    def begin(start: Start) -> Begun:
        return _begun(_once(start, kind, start.system, {}, f"duty:{kind}") for kind in kinds)

    return begin


def _backup(start: Start) -> Begun:
    from secops.backup.services import read_passphrase

    # Told at once, not by a job in the night: the file is gone, open to others or too short.
    read_passphrase(Path(start.settings.backup_passphrase_file))
    return _begun([_once(start, "backup", start.system, {}, "backup")])


def _once(start: Start, kind: str, system: System, payload: dict[str, Any], dedupe_key: str) -> int | None:
    """A job, unless the same is open already."""
    if start.session.scalar(select(Job.id).where(Job.dedupe_key == dedupe_key)) is not None:
        return None
    return enqueue(
        start.session,
        kind=kind,
        department_id=system.department_id,
        system_id=system.id,
        payload=payload,
        actor=start.actor,
        now=start.now,
        cause=start.cause,
        dedupe_key=dedupe_key,
    ).id


def _begun(jobs: Any) -> Begun:
    found = list(jobs)
    if not found:
        raise Refused("范围内没有已定级的系统。", "There is no classified system within its reach.")
    started = tuple(job for job in found if job is not None)
    same = "同样的工作已在排队或进行。 / The same work waits or runs already."
    return Begun(started, "" if started else same)


def _systems(start: Start) -> list[System]:
    """The schedule's own system, or those of its department and below, as far as the person sees them.

    Raises:
        Refused: too many at once.
    """
    if start.schedule.payload.get("extent") != "department":
        return [start.system]
    top = select(Department.path).where(Department.id == start.schedule.department_id).scalar_subquery()
    found = start.session.scalars(
        select(System)
        .join(Department, Department.id == System.department_id)
        .where(
            Department.path.startswith(top),
            System.is_platform.is_(False),
            System.state != SystemState.RETIRED,
            System.sensitivity <= start.who.clearance,
        )
        .order_by(System.code)
    ).all()
    seen = [one for one in found if start.who.may_see(one.department_id, one.id)]
    if len(seen) > MOST_SYSTEMS:
        raise Refused(
            f"范围内有 {len(seen)} 个系统，一次最多 {MOST_SYSTEMS} 个，请按下级部门分别建立计划。",
            f"It reaches {len(seen)} systems, at most {MOST_SYSTEMS} at once; make one schedule for each part.",
        )
    return seen


_OFFICER = ("officer",)
KINDS: dict[str, Kind] = {
    "scan": Kind(
        "扫描", "Scan", "在有效授权下检查系统的对象，结果写回态势和问题",
        "examines a system's targets under an authorisation in force", _scan, asks=("authorization",), icon="radar",
    ),
    "posture": Kind(
        "重算态势", "Posture recompute", "由现有证据重新得出各检查项的结果",
        "works out each item anew from the evidence at hand", _posture, asks=("system", "extent"), icon="speedometer2",
    ),
    "report": Kind(
        "报告订阅", "Report subscription", "定期生成报告，存入证据库并列在报告中",
        "builds a report; it is kept and listed under Reports", _report,
        asks=("system", "extent", "forms"), icon="file-earmark-text",
    ),
    "assessment-campaign": Kind(
        "批量开始测评", "Assessment campaign", "为范围内已定级的系统开始一次测评，仍在进行的除外",
        "begins an assessment of each classified system in its reach, unless one still runs", _campaign,
        roles=_OFFICER, asks=("system", "extent", "edition"), icon="clipboard-check",
    ),
    "folder-import": Kind(
        "从目录导入证据", "Evidence from a folder", "监视目录中以系统编码命名的子目录，文件成为待审核的证据",
        "takes in the files of the subfolder named by the system's code, as evidence to be reviewed", _folder,
        asks=("system",), needs=("import_folder",), icon="folder-symlink",
    ),
    "expiry": Kind(
        "到期检查", "Expiry sweep", "证据、继承结论、备案证明和合同的到期",
        "evidence, inherited results, filing certificates and contracts that end",
        _duties("evidence-expiry", "inheritance-expiry", "clock-reminders"),
        roles=_OFFICER, platform=True, icon="calendar-x",
    ),
    "reminders": Kind(
        "期限提醒", "Reminders", "测评、备案、整改等临近或已过的日期，每项提醒一次",
        "dates that come near or have passed, each told once", _duties("clock-reminders"),
        roles=_OFFICER, platform=True, icon="bell",
    ),
    "audit-verify": Kind(
        "审计日志校验", "Audit log verification", "整条链与外部检查点核对",
        "the whole chain against the checkpoints outside", _duties("audit-verify"),
        roles=_OFFICER, platform=True, icon="journal-check",
    ),
    "vault-scrub": Kind(
        "证据库逐份校验", "Vault scrub", "每份证据读到末尾并与登记的摘要核对",
        "reads each piece of evidence to its end and compares it with its row", _duties("vault-scrub"),
        roles=_OFFICER, platform=True, icon="shield-check",
    ),
    "backup": Kind(
        "备份", "Backup", "数据库、证据库和密钥，加密写入备份目录并读回校验",
        "database, vault and keys, sealed into the backup folder and read back", _backup,
        roles=_OFFICER, platform=True, needs=("backup_folder", "backup_passphrase_file"), icon="hdd",
    ),
}  # fmt: skip
