"""Lines 33 to 42, 57 and 58: what the web side answers, tried on the scratch installation."""

from __future__ import annotations

import io
import json
import logging
import zipfile

from flask import Flask

from secops.accounts.models import Role
from secops.app import MAX_FORM_BYTES
from secops.evidence.inspecting import Inspection, spooled
from secops.evidence.models import Evidence, EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, store
from secops.evidence.store import FolderStore, UploadTooLarge
from secops.evidence.vault import Vault
from secops.installation import platform_system
from secops.scope import Principal
from secops.selfcheck.line import Facts, Found, check
from secops.selfcheck.parts import has_table
from secops.selfcheck.rig import Bench, Visitor


@check(33)
def log_injection(bench: Bench) -> Found:
    from secops.logs import JsonLines

    hostile = "user\r\n2026-01-01 forged line\x1b[31m"
    line = JsonLines().format(logging.LogRecord("secops", logging.INFO, "", 0, hostile, (), None))
    facts = Facts.new()
    facts.note("\n" not in line and "\r" not in line and "\x1b" not in line, "日志每条一行，换行和控制字符被转义", "one line per record; line breaks and control characters are escaped")  # fmt: skip
    facts.note("forged line" in json.dumps(json.loads(line)), "原文作为数据保留", "the text stays as data")
    return facts.found()


@check(34)
def csrf(bench: Bench) -> Found:
    facts = Facts.new()
    visitor, person = bench.signed_in(Role.SYSTEM_ADMIN)
    fields = {"username": "forged-user", "display_name": "x", "department": "1"}
    bare = visitor.http.post("/users/new", data=fields, base_url=visitor.base_url).status_code
    wrong = visitor.http.post("/users/new", data={**fields, "csrf_token": "made-up"}, base_url=visitor.base_url).status_code  # fmt: skip
    facts.note((bare, wrong) == (400, 400), "没有令牌或令牌错误的提交被拒（400）", "without a token, or with a wrong one: refused (400)")  # fmt: skip
    foreign = visitor.post(
        "/users/new", fields, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    )
    facts.note(
        foreign.status_code in (400, 403), "外站来源的提交被拒", "a form from another origin is refused"
    )
    writing = [
        rule.rule for rule in bench.app.url_map.iter_rules()
        # The interface takes no cookie at all, so nothing there can be forged.
        if "GET" not in (rule.methods or set()) and not rule.arguments and not rule.rule.startswith("/api/")
    ]  # fmt: skip
    opened = [url for url in writing if visitor.get(url).status_code not in (404, 405)]
    facts.note(not opened, f"改变数据的 {len(writing)} 个地址不接受 GET", f"{len(writing)} addresses that change something take no GET")  # fmt: skip
    return facts.found()


def _cookies(app: Flask, base_url: str) -> str:
    client = app.test_client()
    answer = client.get("/login/", base_url=base_url)
    return "\n".join(answer.headers.getlist("Set-Cookie"))


@check(35)
def cookie_flags(bench: Bench) -> Found:
    facts = Facts.new()
    text = _cookies(bench.tls_app, "https://localhost")
    for flag in ("__Host-", "Secure", "HttpOnly", "SameSite"):
        facts.note(flag in text, f"Cookie 带 {flag}", f"the cookie carries {flag}")
    facts.note(bench.settings.behind_tls, "本安装在 TLS 之后运行", "this installation runs behind TLS", else_zh="本安装未声明 TLS（SECOPS_BEHIND_TLS），Cookie 未加 Secure", else_en="this installation declares no TLS (SECOPS_BEHIND_TLS), so its cookies lack Secure")  # fmt: skip
    return facts.found()


_HEADERS = {
    "Content-Security-Policy": ("nonce-", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"),
    "Strict-Transport-Security": ("max-age=31536000", "includeSubDomains"),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("DENY",),
    "Referrer-Policy": ("origin",),
}


@check(36)
def headers(bench: Bench) -> Found:
    found = bench.tls_app.test_client().get("/login/", base_url="https://localhost").headers
    facts = Facts.new()
    for name, parts in _HEADERS.items():
        value = found.get(name, "")
        facts.note(all(part in value for part in parts), name, name)
    policy = found.get("Content-Security-Policy", "")
    facts.note("unsafe-inline" not in policy and "unsafe-eval" not in policy, "CSP 不放行内联脚本", "the policy allows no inline script")  # fmt: skip
    return facts.found()


@check(37)
def redirects_and_hosts(bench: Bench) -> Found:
    facts = Facts.new()
    person = bench.person(Role.OFFICER)
    away = []
    for target in ("//evil.example/", "https://evil.example/", "/\\evil.example", "http:///evil.example"):
        visitor = bench.visitor()
        visitor.get(f"/language/zh?next={target}")
        led = visitor.get(f"/language/en?next={target}").headers.get("Location", "")
        if "evil" in led:
            away.append(target)
    visitor = bench.visitor()
    visitor.get("/login/?next=//evil.example/")
    led = visitor.log_in(person).headers.get("Location", "")
    facts.note(not away and "evil" not in led, "跳转地址只限本站", "redirects stay on this site")
    strange = bench.tls_app.test_client().get("/login/", base_url="https://evil.example").status_code
    facts.note(strange == 400, "名单外的主机名被拒", "a host outside the list is refused")
    facts.note(bool(bench.settings.allowed_hosts), "本安装限定了主机名", "this installation has a list of hosts", else_zh="本安装没有限定主机名（SECOPS_ALLOWED_HOSTS）", else_en="this installation has no list of hosts (SECOPS_ALLOWED_HOSTS)")  # fmt: skip
    facts.note(_forwarded_is_ignored(bench), "不信任未经代理声明的 X-Forwarded-For", "X-Forwarded-For counts only behind the declared proxy")  # fmt: skip
    return facts.found()


def _forwarded_is_ignored(bench: Bench) -> bool:
    from sqlalchemy import select

    from secops.audit_log.models import AuditEvent

    visitor = bench.visitor("198.51.100.99")
    visitor.post(
        "/login/",
        {"username": "forwarded-probe", "password": "Wrong-1-xy"},
        form="/login/",
        headers={"X-Forwarded-For": "203.0.113.77"},
    )
    with bench.scratch.work("selfcheck:look") as session:
        query = select(AuditEvent.address).where(AuditEvent.object_id == "forwarded-probe")
        addresses = set(session.scalars(query))
    return addresses == {"198.51.100.99"}


@check(38)
def nothing_is_stored(bench: Bench) -> Found:
    facts = Facts.new()
    visitor, _ = bench.signed_in(Role.OFFICER)
    for url in ("/dashboard/", "/systems/", "/account/password"):
        answer = visitor.get(url)
        facts.note(
            "no-store" in answer.headers.get("Cache-Control", ""), f"{url} 不缓存", f"{url} is not stored"
        )
    out = visitor.post("/login/out", {}, form="/account/password")
    cleared = out.headers.get("Clear-Site-Data", "")
    facts.note("cookies" in cleared or "storage" in cleared, "退出时清除站点数据", "log-out clears site data", else_zh="退出时没有 Clear-Site-Data", else_en="log-out sends no Clear-Site-Data")  # fmt: skip
    secret = [
        rule.rule for rule in bench.app.url_map.iter_rules()
        if rule.arguments & {"password", "token", "secret", "username"}
    ]  # fmt: skip
    facts.note(not secret, "地址中没有口令、令牌、用户名", "no password, token or user name in an address")
    return facts.found()


@check(39)
def upload_limits(bench: Bench) -> Found:
    facts = Facts.new()
    limit = bench.app.config["MAX_CONTENT_LENGTH"]
    facts.note(bool(limit) and limit <= 1024 * 1024 * 1024, f"请求体上限 {limit // 1048576} MB", f"a body has at most {limit // 1048576} MB")  # fmt: skip
    facts.note(bench.app.config["MAX_FORM_MEMORY_SIZE"] == MAX_FORM_BYTES, f"表单字段上限 {MAX_FORM_BYTES // 1024} KB", f"form fields have at most {MAX_FORM_BYTES // 1024} KB")  # fmt: skip
    facts.note(not _too_large_is_kept(bench), "超限文件不入库", "a file over the limit is not kept")
    bomb, script = io.BytesIO(), io.BytesIO(b"%PDF-1.7 /JS (x)")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../out.txt", b"\0" * 20_000_000)
    bomb.seek(0)
    found = set(inspected(bench, bomb, "bomb.zip").found)
    facts.note({"archive-traversal", "archive-ratio"} <= found, "压缩炸弹和越界路径被识别并拒收", "a bomb and a path that leads out are found and refused")  # fmt: skip
    flagged = inspected(bench, script, "script.pdf")
    facts.note(flagged.verdict == "flagged", "按内容识别类型，含脚本的文件只能下载", "types are told by content; a file with a script is downloaded only")  # fmt: skip
    return facts.found()


def inspected(bench: Bench, stream: io.BytesIO, name: str) -> Inspection:
    """What the inspection of uploads says of a file, with this installation's virus scanner."""
    with spooled(stream, bench.scratch.settings.folder("inspection")) as spool:
        while spool.read(65536):
            pass
        return spool.inspect(name, bench.settings.clamd_socket)


def _too_large_is_kept(bench: Bench) -> bool:
    """Whether a vault with a limit of 1 MB takes 2 MB."""
    folder = FolderStore(bench.scratch.settings.home / "vault")
    vault = Vault(folder, bench.scratch.keys, size_limit=1024 * 1024, free_floor=0)
    try:
        with vault.stage(io.BytesIO(b"x" * (2 * 1024 * 1024)), context=b"selfcheck"):
            return True
    except UploadTooLarge:
        return False


def kept_evidence(bench: Bench, name: str, content: bytes) -> int:
    """One piece of evidence in the scratch vault; gives its id."""
    with bench.scratch.work("selfcheck:evidence") as session:
        system_id = platform_system(session).id
    new = NewEvidence(
        system_id=system_id,
        title="selfcheck",
        file_name=name,
        source=EvidenceSource.UPLOAD,
        state=EvidenceState.SUBMITTED,
    )
    return store(bench.scratch, Principal.platform("selfcheck"), new, io.BytesIO(content))


@check(40)
def safe_downloads(bench: Bench) -> Found:
    facts = Facts.new()
    name = '../../evil "测评".html'
    evidence_id = kept_evidence(bench, name, b"<script>alert(1)</script>")
    with bench.scratch.work("selfcheck:look") as session:
        blob = session.get_one(Evidence, evidence_id).blob_id
    paths = [path.name for path in (bench.scratch.settings.home / "vault").rglob("*") if path.is_file()]
    facts.note(any(blob in path for path in paths) and not any("evil" in path for path in paths), "按生成的名字保存", "kept under a generated name")  # fmt: skip
    visitor, _ = bench.signed_in(Role.OFFICER)
    answer = visitor.get(f"/evidence/{evidence_id}/download")
    shown = answer.headers.get("Content-Disposition", "")
    answer.close()
    facts.note(answer.status_code == 200 and shown.startswith("attachment"), "下载为附件", "downloads are attachments")  # fmt: skip
    facts.note("/" not in shown.split("filename*")[0] and "\n" not in shown, "文件名安全编码", "the file name is encoded safely")  # fmt: skip
    facts.note(answer.headers.get("X-Content-Type-Options") == "nosniff", "nosniff", "nosniff")
    return facts.found()


@check(41)
def malware_scan(bench: Bench) -> Found:
    facts = Facts.new()
    configured = bool(bench.settings.clamd_socket)
    facts.note(configured, "已配置防病毒引擎", "a virus scanner is set up", else_zh="没有配置防病毒引擎（SECOPS_CLAMD_SOCKET）", else_en="no virus scanner is set up (SECOPS_CLAMD_SOCKET)")  # fmt: skip
    # The standard test file, put together here so that no scanner stops at this code.
    mark = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    found = inspected(bench, io.BytesIO(mark), "eicar.com")
    if configured:
        facts.note(found.antivirus == "found", "测试病毒文件被拦截", "the test virus is stopped", else_zh=f"测试病毒文件未被拦截（{found.antivirus}）", else_en=f"the test virus was not stopped ({found.antivirus})")  # fmt: skip
    else:
        facts.note(found.antivirus == "absent", "未配置时如实标明未做病毒检查", "without one the record says that none looked")  # fmt: skip
    return facts.found()


@check(42)
def quotas(bench: Bench) -> Found:
    from secops.jobs.kinds import KINDS

    facts = Facts.new()
    limited = all(kind.time_limit_s > 0 for kind in KINDS.values())
    facts.note(limited, f"{len(KINDS)} 种后台任务均有时限并排队", f"all {len(KINDS)} kinds of jobs are queued and limited in time")  # fmt: skip
    settings = bench.settings
    facts.note(settings.upload_daily_limit_mb > 0, f"每人 24 小时上传上限 {settings.upload_daily_limit_mb} MB", f"a person uploads at most {settings.upload_daily_limit_mb} MB in 24 hours")  # fmt: skip
    facts.note(settings.department_quota_mb > 0, f"部门配额 {settings.department_quota_mb} MB", f"a department holds at most {settings.department_quota_mb} MB", else_zh="没有设部门配额（SECOPS_DEPARTMENT_QUOTA_MB）", else_en="no quota for departments (SECOPS_DEPARTMENT_QUOTA_MB)")  # fmt: skip
    facts.note(bench.settings.free_space_floor_mb > 0, f"剩余空间下限 {bench.settings.free_space_floor_mb} MB", f"a floor of {bench.settings.free_space_floor_mb} MB of free space")  # fmt: skip
    return facts.found()


@check(57)
def quiet_errors(bench: Bench) -> Found:
    facts = Facts.new()
    visitor = bench.visitor()
    pages = [visitor.get(url) for url in ("/nope", "/static/", "/systems/999999999", "/login/?x=%00")]
    text = "\n".join(page.get_data(as_text=True) for page in pages)
    leaks = [word for word in ("Traceback", "sqlalchemy", "Werkzeug", "SELECT ", str(bench.scratch.settings.home)) if word in text]  # fmt: skip
    facts.note(not leaks, "错误页不含堆栈、语句和路径", "error pages hold no trace, statement or path", else_zh=f"错误页含有 {', '.join(leaks)}", else_en=f"error pages hold {', '.join(leaks)}")  # fmt: skip
    facts.note(not bench.app.debug and not bench.app.testing, "调试关闭", "debugging is off")
    trace = visitor.http.open("/login/", method="TRACE", base_url=visitor.base_url).status_code
    facts.note(trace in (400, 404, 405), "不接受 TRACE", "TRACE is refused")
    listing = visitor.get("/static/").status_code
    facts.note(listing in (302, 403, 404), "没有目录列表", "no listing of folders")
    bare = [
        url for url in ("/metrics", "/api/v1/openapi.json", "/swagger/v1", "/api/v1/_openapi")
        # From elsewhere: this machine itself may read its metrics.
        if visitor.http.get(url, base_url=visitor.base_url, environ_overrides={"REMOTE_ADDR": "192.0.2.9"}).status_code == 200
    ]  # fmt: skip
    facts.note(not bare, "未登录时不公开接口文档和指标", "no documents or metrics without a session", else_zh=f"未登录可读：{', '.join(bare)}", else_en=f"open to nobody: {', '.join(bare)}")  # fmt: skip
    return facts.found()


@check(58)
def fails_closed(bench: Bench) -> Found:
    from secops.selfcheck.rig import open_bench

    facts = Facts.new()
    # A scratch installation of its own, since it is broken on purpose.
    with open_bench(bench.platform) as broken:
        visitor, _ = broken.signed_in(Role.OFFICER)
        keys = broken.scratch.settings.home / "keys"
        keys.rename(keys.with_name("keys-gone"))
        broken.scratch.__dict__.pop("keys", None)
        broken.scratch.__dict__.pop("vault", None)
        facts.note(not _takes_evidence(broken), "没有密钥时不收证据，绝不明文保存", "without keys no evidence is taken, never in the clear")  # fmt: skip
        facts.note(not _opens_without_store(broken, visitor), "数据库不可用时返回 503，不放行", "without the database the answer is 503, and nothing is let through")  # fmt: skip
    facts.note(has_table(bench, "job"), "任务在库中排队，进程丢失后重做", "jobs are rows and are done again after a lost process")  # fmt: skip
    return facts.found()


def _takes_evidence(bench: Bench) -> bool:
    from secops.errors import NotReady
    from smcrypto.errors import KeyProviderError

    try:
        kept_evidence(bench, "x.txt", b"probe")
    except (NotReady, KeyProviderError):
        return False
    return True


def _opens_without_store(bench: Bench, visitor: Visitor) -> bool:
    from sqlalchemy import event
    from sqlalchemy.exc import OperationalError

    def gone(*args: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    engine = bench.app.extensions["secops"].engine
    log = logging.getLogger("secops.web")
    event.listen(engine, "before_cursor_execute", gone)
    # The fault is made on purpose; a line about it would alarm whoever reads the log.
    log.disabled = True
    try:
        return visitor.get("/systems/").status_code != 503
    finally:
        log.disabled = False
        event.remove(engine, "before_cursor_execute", gone)
