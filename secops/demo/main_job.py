"""The main job, step by step: an empty folder becomes a real assessment of this machine and its report.

Every step looks first at what is there, so a second run, or one after an interruption, adds nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from secops.accounts.passwords import one_time_password
from secops.accounts.services import principal_for, reset_password
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.demo import assessment, district, summary
from secops.demo.certificates import write_sm2_pair
from secops.demo.client import Browser
from secops.demo.start import require_not_full
from secops.errors import NotReady
from secops.evidence.models import Evidence, EvidenceSource
from secops.evidence.services import read_all
from secops.findings import services as findings
from secops.findings.models import Finding, FindingState
from secops.jobs.models import OPEN_STATES, Job, JobState
from secops.jobs.services import publisher
from secops.objects.models import System
from secops.objects.services import system_by_code
from secops.platform import Platform
from secops.posture.models import PostureSummary
from secops.reporting import services as reporting
from secops.reporting.models import ReportFile
from secops.scans import services as scans
from secops.scans.models import AuthorizationState, Outcome, ProbeRun, Scan, ScanAuthorization, ScanState
from secops.schedules.models import Schedule
from secops.schedules.services import create_schedule
from secops.scope import Principal
from secops.supervisor import Supervisor
from secops.web.labels import label

SYSTEM = "YX-APPROVAL"
# What can be looked at on any machine: the demo has neither a web server nor a database of its own.
PROBES = ("local", "nmap", "tls", "sshkex", "sm_crypto", "tlcp")
AUTHORIZATION = "演示：本机基线与国密检查"
UPLOAD_TITLE = "系统账号与口令管理规定（演示文件）"
UPLOAD_UNITS = ("L3-CES1-01", "L3-CES1-07")
SCHEDULE = "演示：定时复查一次"
WAIT_S = 240.0
WAKE_AFTER_S = 3.0

Say = Callable[[str, str], None]


@dataclass
class DemoRun:
    """State of one run. ``say(zh, en)`` prints a line; ``step(n, total, zh, en)`` opens a step."""

    supervisor: Supervisor
    platform: Platform
    say: Say
    step: Callable[[int, int, str, str], None]
    # One-time passwords made in this run, and those of earlier runs that still hold.
    passwords: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    report_paths: list[str] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Do every step; returns what goes into ``demo.json``."""
        steps: list[tuple[str, str, Callable[[], None]]] = [
            ("启动平台：网页、任务、计划", "start web, worker and beat", self.start_services),
            ("载入示例区：部门、系统、定级、账号", "load the example district", self.load_district),
            ("申请并审批扫描授权", "request and approve a scan authorisation", self.authorize),
            ("准备 SM2 证书对", "make an SM2 certificate pair", self.make_certificates),
            ("扫描本机：基线、端口、TLS、SSH、国密自检", "scan this machine", self.scan),
            ("以责任人身份通过网页上传证据", "upload evidence through the real page", self.upload),
            ("整改一个问题并复测", "work one finding up to its retest", self.remediate),
            ("由计划任务自动复查一次", "let the schedule repeat the scan once", self.wait_for_schedule),
            (
                "开始一次测评，采用扫描给出的建议",
                "begin an assessment with what the scans propose",
                self.assess,
            ),
            ("生成态势报告（PDF 与 XLSX）", "write the posture report", self.report),
        ]
        for number, (zh, en, work) in enumerate(steps, start=1):
            self.step(number, len(steps), zh, en)
            work()
        return self.write_summary()

    # 2
    def load_district(self) -> None:
        now = utc_now()
        entries, _ = summary.read_entries(self.platform.settings.home)
        with self.platform.work("demo") as session:
            self.passwords = summary.renew_lost(session, entries, now=now)
            self.known = summary.known_passwords(session, entries)
            made = district.load_accounts(session, now=now)
            self.passwords |= made
            added = district.load_systems(session, now=now)
            granted = district.grant_roles(session, now=now)
            total = session.scalar(select(func.count(System.id)).where(System.is_platform.is_(False)))
            # Before the commit: an account whose password is written nowhere would be lost at an interruption.
            self._write_summary(session)
        self.say(
            f"新增系统 {added} 个，账号 {len(made)} 个，授权 {granted} 项；共 {total} 个定级对象",
            f"{added} systems, {len(made)} accounts and {granted} grants added; {total} systems in all",
        )

    # 1
    def start_services(self) -> None:
        from secops.celery import use_broker

        self.supervisor.start()
        use_broker(self.supervisor.broker_url)
        self.supervisor.wait_ready()

    def as_user(self, session: Session, username: str) -> Principal:
        user = session.scalars(select(User).where(User.username == username)).one()
        return principal_for(session, user, utc_now(), address="demo")

    def principal(self, username: str) -> Principal:
        with self.platform.work("demo") as session:
            return self.as_user(session, username)

    # 3
    def authorize(self) -> None:
        now = utc_now()
        with self.platform.work_as(self.principal("contact")) as session:
            system = system_by_code(session, SYSTEM)
            found = self._authorization(session, now)
            if found is not None and found.state is AuthorizationState.APPROVED:
                self.say("授权仍在有效期内，沿用", "the authorisation still holds")
                return
            if found is None:
                found = scans.request_authorization(
                    session,
                    system,
                    title=AUTHORIZATION,
                    networks=["127.0.0.1/32"],
                    exceptions=["127.0.0.1/32"],
                    path_roots=[str(self.certificate_folder)],
                    probes=list(PROBES),
                    reason="演示：检查平台所在主机。回环地址作为例外写入本授权。",
                    valid_from=now - timedelta(minutes=1),
                    valid_until=now + timedelta(days=30),
                    actor="contact",
                    now=now,
                )
            authorization_id = found.id
        with self.platform.work_as(self.principal("officer")) as session:
            scans.decide_authorization(
                session, authorization_id, approve=True, actor="officer", now=utc_now()
            )
        self.say(
            "contact 申请，officer 批准；回环地址例外已写明", "requested by contact, approved by officer"
        )

    def _authorization(self, session: Session, now: datetime) -> ScanAuthorization | None:
        return session.scalar(
            select(ScanAuthorization)
            .where(
                ScanAuthorization.title == AUTHORIZATION,
                ScanAuthorization.valid_until > now + timedelta(hours=1),
                ScanAuthorization.state.in_([AuthorizationState.REQUESTED, AuthorizationState.APPROVED]),
            )
            .order_by(ScanAuthorization.id.desc())
            .limit(1)
        )

    # 4
    @property
    def certificate_folder(self) -> Path:
        return self.platform.settings.home / "sm-certificates"

    def make_certificates(self) -> None:
        made = write_sm2_pair(self.certificate_folder, now=utc_now())
        self.say(
            "新制签名与加密证书各一" if made else "证书对已存在，沿用",
            "a signing and an encryption certificate were made" if made else "the pair exists already",
        )

    # 5
    def scan(self) -> None:
        with self.platform.work_as(self.principal("officer")) as session:
            system = system_by_code(session, SYSTEM)
            done = session.scalar(
                select(Scan.id).where(
                    Scan.system_id == system.id, Scan.cause == "demo", Scan.state == ScanState.DONE
                )
            )
            waiting = session.scalar(
                select(Scan).where(
                    Scan.system_id == system.id,
                    Scan.cause == "demo",
                    Scan.state.in_([ScanState.QUEUED, ScanState.RUNNING]),
                )
            )
            authorization = self._authorization(session, utc_now())
            if done is None and waiting is None and authorization is not None:
                waiting = scans.request_scan(
                    session,
                    system=system,
                    authorization_id=authorization.id,
                    actor="officer",
                    now=utc_now(),
                    cause="demo",
                )
            scan_id, job_id = (waiting.id, waiting.job_id) if waiting is not None else (done, None)
        if job_id is not None:
            self.wait_for_job(job_id)
        self._tell_scan(int(scan_id or 0))

    def _tell_scan(self, scan_id: int) -> None:
        with self.platform.work("demo") as session:
            runs = session.scalars(select(ProbeRun).where(ProbeRun.scan_id == scan_id)).all()
            query = select(Outcome.outcome, func.count(Outcome.id)).where(Outcome.scan_id == scan_id)
            outcomes = {row[0]: row[1] for row in session.execute(query.group_by(Outcome.outcome))}
            summary = session.scalar(
                select(PostureSummary).where(
                    PostureSummary.system_id == system_by_code(session, SYSTEM).id,
                    PostureSummary.current.is_(True),
                )
            )
        failed = [run for run in runs if run.state.value == "failed"]
        rules = ", ".join(f"{word} {count}" for word, count in sorted(outcomes.items()))
        share = f"{summary.examined_share:.1f}%" if summary else "–"
        self.say(
            f"探测 {len(runs)} 项（未能查看 {len(failed)} 项）；规则结果：{rules}；已检查 {share}",
            f"{len(runs)} targets asked ({len(failed)} could not be seen); rules: {rules}; examined {share}",
        )
        for run in failed:
            why = label("failure", run.reason)
            # The one program of the machine that a probe needs.
            missing = run.probe == "nmap" and run.reason == "missing-tool"
            next_zh = "；安装后再扫描即可：apt install nmap" if missing else ""
            next_en = "; install it and scan again: apt install nmap" if missing else ""
            self.say(
                f"未能查看 {run.probe} {run.target}：{why.zh}（{run.detail}）{next_zh}",
                f"not seen: {run.probe} {run.target}: {why.en} ({run.detail}){next_en}",
            )

    def wait_for_job(self, job_id: int) -> None:
        """Follow a job's progress until it is over.

        Raises:
            NotReady: it failed, or nothing moved for :data:`WAIT_S` seconds.
        """
        shown = ""
        deadline = time.monotonic() + WAIT_S
        # The message of a job that a killed run left queued may be lost with its broker: then wake a worker again.
        wake_at = time.monotonic() + WAKE_AFTER_S
        while True:
            with self.platform.work("demo") as session:
                job = session.get_one(Job, job_id)
                state, step, share, error = job.state, job.step, job.progress, job.error
                queue = job.queue
            if state not in OPEN_STATES:
                break
            if step and step != shown:
                shown = step
                deadline = time.monotonic() + WAIT_S
                self.say(f"{share:4.0%} {step}", f"{share:4.0%} {step}")
            if state is JobState.QUEUED and time.monotonic() > wake_at:
                wake_at = deadline
                publisher[0](job_id, queue)
            require_not_full(self.platform.settings)
            if time.monotonic() > deadline:
                raise NotReady(
                    "任务长时间没有进展。请运行 secops doctor 查看，再次运行 secops demo 会从中断处继续。",
                    "The job does not move. Run secops doctor; running secops demo again goes on from here.",
                )
            time.sleep(0.3)
        if state is not JobState.DONE:
            raise NotReady(
                f"任务未完成：{error or state.value}", f"The job did not finish: {error or state.value}"
            )

    # 6
    def upload(self) -> None:
        with self.platform.work("demo") as session:
            system = system_by_code(session, SYSTEM)
            there = session.scalar(
                select(Evidence.id).where(
                    Evidence.system_id == system.id, Evidence.source == EvidenceSource.UPLOAD
                )
            )
            system_id = system.id
        # While it is there the owner's password is one that nobody knows.
        marker = self.platform.settings.folder("run") / "demo-upload"
        if there is not None:
            if marker.exists():
                self._hand_back_owner(marker)
            self.say("证据已上传过，沿用", "the evidence was uploaded before")
            return
        marker.touch(mode=0o600)
        first, second = self._reset_password("owner"), one_time_password()
        browser = Browser(self.platform.settings.url)
        browser.submit("/login/", {"username": "owner", "password": first})
        browser.submit("/account/password", {"old_password": first, "new_password": second, "again": second})
        path = f"/evidence/upload?system={system_id}"
        fields = [("system", str(system_id)), ("title", UPLOAD_TITLE), ("note", "")]
        fields += [("units", unit) for unit in UPLOAD_UNITS]
        browser.upload(path, fields, "账号与口令管理规定.txt", _POLICY_TEXT.encode())
        browser.submit("/login/out", {}, page=browser.get("/account/password"))
        self._hand_back_owner(marker)
        self.say("已封存并签发回执，对应 2 个测评单元", "sealed, receipted, speaks to two units")

    def _hand_back_owner(self, marker: Path) -> None:
        """Give the owner a one-time password again, to be changed at the first log-in."""
        self.passwords["owner"] = self._reset_password("owner")
        self.write_summary()
        marker.unlink()

    def _reset_password(self, username: str) -> str:
        with self.platform.work("demo") as session:
            return reset_password(session, username, now=utc_now())

    # 7
    def remediate(self) -> None:
        who = self.principal("officer")
        with self.platform.work_as(who) as session:
            system = system_by_code(session, SYSTEM)
            worked = session.scalar(
                select(Finding).where(Finding.system_id == system.id, Finding.owner != "").limit(1)
            )
            if worked is not None and worked.state is not FindingState.SUBMITTED:
                self.say("已有问题走过整改流程，沿用", "a finding went through the workflow before")
                return
            finding = worked or session.scalar(
                select(Finding)
                .where(Finding.system_id == system.id, Finding.state == FindingState.OPEN)
                .order_by(Finding.severity != "high", Finding.id)
                .limit(1)
            )
            if finding is None:
                self.say("本次扫描没有发现问题", "this scan found nothing to remedy")
                return
            if finding.state is FindingState.OPEN:
                now = utc_now()
                findings.plan(
                    session,
                    finding,
                    text="按规则给出的整改建议调整配置，并保留变更记录。",
                    owner="owner",
                    due=finding.suggested_due or (now + timedelta(days=30)).date(),
                    who=who,
                    now=now,
                )
                findings.act(
                    session,
                    finding,
                    "submit",
                    who=who,
                    now=now,
                    note="演示：提交后立即复测，未对本机作任何改动。",
                )
            session.flush()
            # An interrupted run may have asked already; its retest goes on by itself.
            retest = session.scalar(
                select(Scan).where(
                    Scan.finding_id == finding.id, Scan.state.in_([ScanState.QUEUED, ScanState.RUNNING])
                )
            ) or findings.request_retest(session, finding, who=who, now=utc_now())
            finding_id, job_id, title = finding.id, retest.job_id, dict(finding.title)
        self.wait_for_job(int(job_id or 0))
        with self.platform.work_as(who) as session:
            state = session.get_one(Finding, finding_id).state
        zh = "复测通过，已关闭" if state is FindingState.CLOSED else "复测未通过，已退回（本机没有改动）"
        en = "the retest passed: closed" if state is FindingState.CLOSED else "the retest failed: returned"
        self.say(f"{title['zh']}：{zh}", f"{title['en']}: {en}")

    # 8
    def wait_for_schedule(self) -> None:
        with self.platform.work_as(self.principal("officer")) as session:
            system = system_by_code(session, SYSTEM)
            schedule = session.scalar(
                select(Schedule).where(Schedule.system_id == system.id, Schedule.name == SCHEDULE)
            )
            if schedule is None:
                authorization = self._authorization(session, utc_now())
                schedule = create_schedule(
                    session,
                    system=system,
                    name=SCHEDULE,
                    kind="scan",
                    payload={"authorization_id": authorization.id if authorization else 0},
                    owner="officer",
                    time_zone=self.platform.settings.time_zone,
                    every_seconds=86_400,
                    first_run_at=utc_now(),
                    max_runs=1,
                    now=utc_now(),
                )
            schedule_id = schedule.id
        self.wait_for_job(self._job_of_schedule(schedule_id))
        self.say("beat 按计划触发，扫描已完成", "started by beat, finished")

    def _job_of_schedule(self, schedule_id: int) -> int:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with self.platform.work("demo") as session:
                job_id = session.scalar(select(Scan.job_id).where(Scan.schedule_id == schedule_id).limit(1))
                error = session.get_one(Schedule, schedule_id).last_error
            if job_id is not None:
                return job_id
            if error:
                raise NotReady(f"计划任务失败：{error}", f"The schedule failed: {error}")
            time.sleep(0.5)
        raise NotReady(
            "计划任务没有被触发。请运行 secops doctor 检查 beat 与 worker。",
            "The schedule was not started. Run secops doctor to look at beat and worker.",
        )

    # 9
    def assess(self) -> None:
        with self.platform.work_as(self.principal("assessor")) as session:
            found, taken = assessment.begin(session, system_by_code(session, SYSTEM))
            number = found.number
        self.say(
            f"{number}：{taken} 格采用了建议，其余待测评人员判定",
            f"{number}: {taken} cells took the proposal, the rest is for an assessor",
        )

    # 10
    def report(self) -> None:
        who = self.principal("officer")
        with self.platform.work_as(who) as session:
            system = system_by_code(session, SYSTEM)
            rows = session.scalars(select(ReportFile).where(ReportFile.system_id == system.id)).all()
            pending = session.scalar(
                select(Job.id).where(
                    Job.system_id == system.id, Job.kind == "report", Job.state.in_(OPEN_STATES)
                )
            )
            if not rows and pending is None:
                pending = reporting.request_report(
                    session,
                    system,
                    kind="posture",
                    renderers=reporting.USUAL,
                    language="zh",
                    actor="officer",
                    now=utc_now(),
                ).id
        if pending is not None:
            self.wait_for_job(pending)
        self._copy_reports(who)

    def _copy_reports(self, who: Principal) -> None:
        folder = self.platform.settings.folder("reports")
        with self.platform.work_as(who) as session:
            system = system_by_code(session, SYSTEM)
            query = select(Evidence).join(ReportFile, ReportFile.evidence_id == Evidence.id)
            for evidence in session.scalars(
                query.where(ReportFile.system_id == system.id).order_by(ReportFile.id)
            ):
                path = folder / evidence.file_name.replace("/", "_")
                summary.write_private(path, read_all(self.platform, evidence))
                record(session, "evidence.read", evidence, now=utc_now(), reason="demo copy")
                if str(path) not in self.report_paths:
                    self.report_paths.append(str(path))
        for path_text in self.report_paths:
            self.say(path_text, path_text)

    def write_summary(self) -> dict[str, Any]:
        """Write ``demo.json`` as things stand now."""
        with self.platform.work("demo") as session:
            return self._write_summary(session)

    def _write_summary(self, session: Session) -> dict[str, Any]:
        settings = self.platform.settings
        _, old_reports = summary.read_entries(settings.home)
        accounts = summary.account_lines(session, {**self.known, **self.passwords})
        return summary.write(settings.home, settings.url, accounts, self.report_paths or old_reports)


_POLICY_TEXT = """账号与口令管理规定（演示文件，内容为示例）

一、每名使用人员一个账号，不得共用；岗位变动当日停用。
二、口令不少于 12 位，包含三类以上字符，每 90 天更换一次。
三、连续 5 次登录失败即锁定 30 分钟。
"""
