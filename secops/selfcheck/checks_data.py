"""Lines 43 to 56 and 59 to 61: encryption, keys, the audit log, backup and deletion."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import delete, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from secops.accounts.labelling import set_label
from secops.accounts.models import Role
from secops.audit_log import checkpoints, syslog
from secops.audit_log.models import AuditEvent, AuditHead
from secops.audit_log.services import AuditHeadMissing
from secops.backup import services as backups
from secops.clock import utc_now
from secops.evidence import rotation
from secops.evidence.models import BlobState, Evidence
from secops.evidence.services import blob_ref, receipt_is_good
from secops.evidence.vault import ScrubOutcome
from secops.installation import platform_system
from secops.platform import Platform
from secops.selfcheck.checks_web import kept_evidence
from secops.selfcheck.line import Facts, Found, check
from secops.selfcheck.parts import missing
from secops.selfcheck.rig import Bench
from secops.sensitivity import Sensitivity
from smcrypto.keys import Signer
from smcrypto.selftest import run_self_test


@check(43)
def tls_everywhere(bench: Bench) -> Found:
    facts = Facts.new()
    settings = bench.settings
    facts.note(settings.behind_tls, "页面经 TLS 访问", "pages are reached through TLS", else_zh="页面未声明 TLS", else_en="no TLS is declared for the pages")  # fmt: skip
    local = not settings.database_url or settings.database_url.startswith("sqlite") or "host=/" in settings.database_url  # fmt: skip
    facts.note(local or "sslmode=verify" in settings.database_url, "数据库在本机或经校验证书的 TLS 连接", "the database is local or reached through TLS with a checked certificate")  # fmt: skip
    broker = not settings.broker_url or settings.broker_url.startswith(
        ("rediss://", "amqps://", "redis+socket")
    )
    facts.note(broker, "消息队列在本机或经 TLS 连接", "the broker is local or reached through TLS")
    return facts.found()


@check(44)
def encrypted_at_rest(bench: Bench) -> Found:
    mark = secrets.token_hex(16).encode()
    kept_evidence(bench, "canary.txt", b"canary " + mark * 64)
    home = bench.scratch.settings.home
    bare = [path.name for path in home.rglob("*") if path.is_file() and mark in path.read_bytes()]
    facts = Facts.new()
    facts.note(not bare, "证据以 SM4 加密，整个安装目录找不到明文", "evidence is sealed with SM4; its text is nowhere in the home", else_zh=f"明文出现在 {', '.join(bare)}", else_en=f"the text stands in {', '.join(bare)}")  # fmt: skip
    with bench.platform.work("selfcheck") as session:
        open_rows = session.scalar(
            select(func.count())
            .select_from(Evidence)
            .where(Evidence.blob_state == BlobState.OK, Evidence.blob_header == b"")  # fmt: skip
        )
    facts.note(
        not open_rows, "本安装的每份证据都有密封头", "every piece of evidence here has a sealed header"
    )
    facts.note(_findings_are_sealed(bench), "问题描述加密保存", "texts of findings are encrypted", else_zh="问题描述在库中是明文", else_en="texts of findings are in the clear in the store")  # fmt: skip
    return facts.found()


def _findings_are_sealed(bench: Bench) -> bool:
    columns = {column["name"] for column in inspect(bench.platform.engine).get_columns("finding")}
    return bool(columns & {"sealed", "title_sealed", "observed_sealed"})


@check(45)
def integrity_of_rights(bench: Bench) -> Found:
    look = inspect(bench.platform.engine)
    facts = Facts.new()
    for table, zh, en in (("role_grant", "授权行", "grants"), ("system", "系统标记", "labels of systems")):
        columns = {column["name"] for column in look.get_columns(table)}
        facts.note(bool(columns & {"mac", "row_mac"}), f"{zh}带 HMAC-SM3", f"{en} carry an HMAC-SM3", else_zh=f"{zh}没有 HMAC", else_en=f"{en} carry no HMAC")  # fmt: skip
    return facts.found()


@check(46)
def signatures(bench: Bench) -> Found:
    facts = Facts.new()
    evidence_id = kept_evidence(bench, "signed.txt", b"signed")
    with bench.scratch.work("selfcheck:look") as session:
        receipt = dict(session.get_one(Evidence, evidence_id).receipt)
    facts.note(receipt_is_good(bench.scratch, receipt), "回执以 SM2 签名并可验证", "receipts are signed with SM2 and verify")  # fmt: skip
    changed = {**receipt, "signed": receipt["signed"].replace("signed.txt", "forged.txt")}
    facts.note(not receipt_is_good(bench.scratch, changed), "改动后的回执验证不过", "a changed receipt does not verify")  # fmt: skip
    facts.note(
        any("report" in signer.value for signer in Signer), "有报告签名密钥", "there is a key for reports"
    )
    with bench.platform.work("selfcheck") as session:
        samples = session.scalars(
            select(Evidence.receipt)
            .where(Evidence.blob_state == BlobState.OK)
            .order_by(Evidence.id.desc())
            .limit(20)
        ).all()
    bad = sum(1 for item in samples if item and not receipt_is_good(bench.platform, item))
    facts.note(
        not bad, f"本安装最近 {len(samples)} 份回执均可验证", f"the last {len(samples)} receipts here verify"
    )
    return facts.found()


@check(47)
def approved_algorithms(bench: Bench) -> Found:
    facts = Facts.new()
    facts.note(run_self_test(messages=10).passed, "SM2、SM3、SM4 已知答案测试通过", "known answers of SM2, SM3 and SM4 are met")  # fmt: skip
    facts.note(bench.platform.keys.certified, "密钥由认证模块提供", "keys come from a certified module", else_zh="密钥为软件实现，未经认证", else_en="keys are in software, without certification")  # fmt: skip
    return facts.found()


@check(49)
def key_management(bench: Bench) -> Found:
    facts = Facts.new()
    infos = bench.platform.keys.key_info()
    facts.note(bool(infos), f"密钥清单 {len(infos)} 项", f"an inventory of {len(infos)} keys")
    folder = bench.settings.home / "keys"
    loose = [
        path.name
        for path in folder.iterdir()
        if path.is_file() and path.suffix != ".pub" and path.stat().st_mode & 0o077
    ]
    facts.note(not loose, "密钥文件只有属主可读", "key files are their owner's alone", else_zh=f"密钥文件对他人开放：{', '.join(loose)}", else_en=f"open to others: {', '.join(loose)}")  # fmt: skip
    facts.note(_rotates(bench), "轮换主密钥并销毁旧密钥后证据仍可读", "after rotation and destruction of the old main key the evidence opens")  # fmt: skip
    return facts.found()


def _rotates(bench: Bench) -> bool:
    """On a scratch installation of its own, since the destroyed key takes older MACs with it."""
    from secops.selfcheck.rig import open_bench

    with open_bench(bench.platform) as own:
        evidence_id = kept_evidence(own, "rotated.txt", b"rotated")
        old = own.scratch.keys.current_kid
        rotation.rotate(own.scratch)
        rotation.rewrap_vault(own.scratch)
        own.scratch.keys.destroy_main_key(old)
        with own.scratch.work("selfcheck:look") as session:
            row = session.get_one(Evidence, evidence_id)
            return own.scratch.vault.check(blob_ref(row)).outcome is ScrubOutcome.OK


@check(50)
def events_are_logged(bench: Bench) -> Found:
    visitor, person = bench.signed_in(Role.OFFICER)
    bench.visitor().post("/login/", {"username": person.username, "password": "Wrong-1-xy"}, form="/login/")
    visitor.get("/users/")
    visitor.get("/systems/export?format=csv")
    _log_out = visitor.post("/login/out", {}, form="/account/password")
    _log_out.close()
    with bench.scratch.work("selfcheck:look") as session:
        found = {
            (row.action, row.result)
            for row in session.execute(
                select(AuditEvent.action, AuditEvent.result).where(
                    (AuditEvent.actor == person.username) | (AuditEvent.object_id == person.username)
                )
            )
        }
    facts = Facts.new()
    for wanted, zh, en in (
        (("login", "ok"), "登录", "log-in"),
        (("login", "refused"), "登录失败", "failed log-in"),
        (("request.denied", "refused"), "越权请求", "denied request"),
        (("table.export", "ok"), "导出", "export"),
        (("account.create", "ok"), "建账号", "account made"),
        (("role.grant", "ok"), "授权", "grant"),
        (("logout", "ok"), "退出", "log-out"),
    ):
        facts.note(wanted in found, f"{zh}有记录", f"{en} is recorded")
    return facts.found()


@check(51)
def record_fields(bench: Bench) -> Found:
    visitor, person = bench.signed_in(Role.OFFICER)
    visitor.get("/users/")
    with bench.scratch.work("selfcheck:look") as session:
        query = select(AuditEvent).where(
            AuditEvent.actor == person.username, AuditEvent.action == "request.denied"
        )
        row = session.scalars(query.order_by(AuditEvent.seq.desc())).first()
        if row is None:
            raise RuntimeError("the denied request left no record, so its fields can't be looked at")
        empty = [
            name
            for name in (
                "at",
                "actor",
                "roles",
                "action",
                "result",
                "address",
                "object_type",
                "object_id",
                "request_id",
            )
            if not getattr(row, name)
        ]
        aware = row.at.utcoffset() == timedelta(0)
    facts = Facts.new()
    facts.note(not empty, "时间、用户、角色、类型、结果、来源、对象齐全", "time, user, roles, type, result, source and object are there", else_zh=f"空字段：{', '.join(empty)}", else_en=f"empty: {', '.join(empty)}")  # fmt: skip
    facts.note(aware, "时间为 UTC", "times are UTC")
    return facts.found()


@check(52)
def tamper_evident(bench: Bench) -> Found:
    facts = Facts.new()
    with bench.platform.work("selfcheck") as session:
        result = checkpoints.verify_with(bench.platform, session)
        recent = utc_now() - timedelta(days=1)
        checked = session.scalar(
            select(func.count())
            .select_from(AuditEvent)
            .where(AuditEvent.action == "audit.verify", AuditEvent.at > recent)  # fmt: skip
        )
    facts.note(result.ok, f"{result.records} 条记录链条完整", f"the chain of {result.records} records holds", else_zh=f"链条从第 {result.first_bad} 条起不可信", else_en=f"the chain can't be trusted from record {result.first_bad} on")  # fmt: skip
    facts.note(bool(result.macs_checked), f"{result.macs_checked} 条带 HMAC-SM3", f"{result.macs_checked} records carry an HMAC-SM3", else_zh="记录没有 HMAC", else_en="records carry no HMAC")  # fmt: skip
    facts.note(bool(result.checkpoints_checked), f"{result.checkpoints_checked} 个签名检查点", f"{result.checkpoints_checked} signed checkpoints", else_zh="没有签名检查点", else_en="no signed checkpoint")  # fmt: skip
    facts.note(bool(checked), "24 小时内校验过", "verified within 24 hours", else_zh="24 小时内没有校验", else_en="not verified within 24 hours")  # fmt: skip
    shipped = syslog.state_of(bench.platform)
    sent = shipped is not None and shipped.seq > 0 and not shipped.fault
    fault = shipped.fault if shipped else ""
    facts.note(sent, f"已向日志服务器发送 {shipped.seq if shipped else 0} 条", f"{shipped.seq if shipped else 0} records went to a log server", else_zh=f"日志服务器没有收到：{fault}" if shipped else "没有配置日志服务器（SECOPS_AUDIT_SYSLOG）", else_en=f"the log server got nothing: {fault}" if shipped else "no log server is set up (SECOPS_AUDIT_SYSLOG)")  # fmt: skip
    return facts.found()


@check(53)
def retention(bench: Bench) -> Found:
    facts = Facts.new()
    days = {
        name: value
        for name, value in bench.setting("retention", "audit_days").items()
        if isinstance(value, int)
    }
    # Without any way to purge nothing is lost; a setting may only lengthen the time.
    facts.note(not days or min(days.values()) >= 180, "不删除 180 天以内的记录", "no record younger than 180 days is deleted")  # fmt: skip
    with bench.platform.work("selfcheck") as session:
        first = session.scalar(select(func.min(AuditEvent.seq)))
        tombstone = find_spec("secops.audit_log.retention") is not None
        saved = session.scalar(select(func.max(AuditEvent.at)).where(AuditEvent.action == "platform.backup"))
    facts.note(first in (None, 1) or tombstone, "序号从头连续", "numbers run from the beginning")
    week = utc_now() - timedelta(days=7)
    facts.note(saved is not None and saved > week, "一周内有备份", "backed up within a week", else_zh="一周内没有备份", else_en="not backed up within a week")  # fmt: skip
    return facts.found()


@check(54)
def no_record_no_change(bench: Bench) -> Found:
    from secops.selfcheck.rig import open_bench

    facts = Facts.new()
    with open_bench(bench.platform) as broken:
        with broken.scratch.engine.begin() as connection:
            connection.execute(delete(AuditHead))
        before = _label_of(broken)
        refused = False
        try:
            with broken.scratch.work("selfcheck:unlogged") as session:
                set_label(
                    session, platform_system(session), Sensitivity.SENSITIVE, reason="自评估", now=utc_now()
                )
        except (AuditHeadMissing, SQLAlchemyError):
            refused = True
        facts.note(refused and _label_of(broken) == before, "记录写不成时，改动一并撤销", "when the record can't be written the change is undone")  # fmt: skip
    off = [name for name in bench.settings.__dataclass_fields__ if "audit" in name and "off" in name]
    facts.note(not off, "没有关闭日志的设置", "no setting switches the log off")
    return facts.found()


def _label_of(bench: Bench) -> int:
    with bench.scratch.work("selfcheck:look") as session:
        return platform_system(session).sensitivity


@check(55)
def no_secrets_in_logs(bench: Bench) -> Found:
    _, person = bench.signed_in(Role.OFFICER)
    bench.visitor().log_in(person, person.password + "-wrong")
    with bench.scratch.work("selfcheck:look") as session:
        texts = [
            f"{row.object_id} {row.reason} {row.detail}"
            for row in session.execute(select(AuditEvent.object_id, AuditEvent.reason, AuditEvent.detail))
        ]
    stored = bench.stored_password(person)
    found = [text for text in texts if person.password in text or (stored and stored in text)]
    facts = Facts.new()
    facts.note(not found, f"{len(texts)} 条记录中没有口令及其摘要", f"no password and no digest of one in {len(texts)} records")  # fmt: skip
    facts.note("secret" not in repr(bench.settings).lower().replace("secret_key_file", ""), "设置的显示中没有密钥", "no key in what settings print")  # fmt: skip
    return facts.found()


@check(56)
def alarms(bench: Bench) -> Found:
    names = (
        "secops.alarms",
        "secops.alerts",
        "secops.audit_log.alarms",
        "secops.audit_log.watch",
        "secops.notices",
    )
    if not any(_exists(name) for name in names):
        return missing(
            "对暴力破解、批量导出、篡改、磁盘的告警",
            "alarms for brute force, mass export, tampering and disk",
        )
    facts = Facts.new()
    facts.note(True, "有告警", "there are alarms")
    facts.note(bench.settings.tick_seconds <= 300, f"每 {bench.settings.tick_seconds} 秒检查一次", f"looked at every {bench.settings.tick_seconds} s")  # fmt: skip
    return facts.found()


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@check(59)
def backup(bench: Bench) -> Found:
    with bench.platform.work("selfcheck") as session:
        last = session.scalar(select(func.max(AuditEvent.at)).where(AuditEvent.action == "platform.backup"))
    facts = Facts.new()
    facts.note(last is not None and last > utc_now() - timedelta(days=1), "24 小时内有备份", "a backup within 24 hours", else_zh="24 小时内没有备份", else_en="no backup within 24 hours")  # fmt: skip
    facts.note(_restores(bench), "试装环境的备份恢复到空目录后完整，且文件中无明文", "a backup of the scratch installation restores whole into an empty home, and holds no plain text")  # fmt: skip
    return facts.found()


def _restores(bench: Bench) -> bool:
    """A drill: write, look for plain text, restore, compare."""
    mark = secrets.token_hex(16).encode()
    kept_evidence(bench, "drill.txt", mark * 64)
    secret = secrets.token_hex(16).encode()
    with tempfile.TemporaryDirectory(prefix="secops-drill-") as folder:
        done = backups.backup(bench.scratch, Path(folder) / "out", secret, now=utc_now())
        bare = any(mark in path.read_bytes() for path in (done.data, done.keys))
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        there = Platform.open(replace(bench.scratch.settings, home=home, database_url=""))
        try:
            found = backups.restore(there, done.data, done.keys, secret, now=utc_now())
        finally:
            there.engine.dispose()
        return found.ok and found.blobs > 0 and not bare


@check(60)
def deletion(bench: Bench) -> Found:
    evidence_id = kept_evidence(bench, "shred.txt", b"to be shredded")
    with bench.scratch.work("selfcheck:look") as session:
        ref = blob_ref(session.get_one(Evidence, evidence_id))
    bench.scratch.vault.shred(ref.blob_id)
    left = [
        path for path in (bench.scratch.settings.home / "vault").rglob(f"*{ref.blob_id}*") if path.is_file()
    ]
    facts = Facts.new()
    facts.note(
        not left, "粉碎后密封文件和密钥都不在", "after shredding neither the sealed file nor its key is left"
    )
    temporary = [path.name for path in (bench.settings.home / "tmp").glob("*")] if (bench.settings.home / "tmp").is_dir() else []  # fmt: skip
    facts.note(len(temporary) < 20, f"临时目录剩 {len(temporary)} 个文件", f"{len(temporary)} files are left in the temporary folder")  # fmt: skip
    facts.note(bool(inspect(bench.platform.engine).has_table("web_session")), "会话在服务端清除", "sessions are wiped on the server", else_zh="会话仅在 Cookie 中，服务端无从清除", else_en="sessions live in cookies, so the server can't wipe them")  # fmt: skip
    return facts.found()
