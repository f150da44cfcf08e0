"""What the web probe saw, as facts that rules can judge. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scanners.baseline.model import Fact, FactInfo, FactKind, Facts, FactValue, Gap
from scanners.jsonable import from_json, to_json
from scanners.tls.factkit import listed, merged, missing, nothing_seen, seen, table
from scanners.web.observe import KNOWN_PATHS, MISSING_PATH
from scanners.web.result import CookieFacts, HeaderFacts, LoginForm, Scheme, WebResult

PLATFORM = "web"
_SOURCE = "web"

FACTS: Mapping[str, FactInfo] = table(
    ("web.scheme", FactKind.TEXT, "端口使用的协议", "scheme of the port"),
    ("web.redirects_to_tls", FactKind.FLAG, "明文端口转向 HTTPS", "plain port redirects to https"),
    ("web.hsts_seconds", FactKind.NUMBER, "HSTS 有效秒数", "seconds of strict transport security"),
    ("web.login_in_clear", FactKind.TEXTS, "明文传送口令的登录入口", "log-ins that send passwords in clear"),
    ("web.cookie_faults", FactKind.TEXTS, "会话 Cookie 的缺陷", "faults of session cookies"),
    ("web.missing_headers", FactKind.TEXTS, "缺少的安全响应头", "protective headers that are missing"),
    ("web.versions_shown", FactKind.TEXTS, "泄露的版本信息", "versions shown"),
    ("web.traces_shown", FactKind.TEXTS, "错误页泄露的调用栈", "stack traces on error pages"),
    (
        "web.exposed_files",
        FactKind.TEXTS,
        "可直接访问的目录列表、备份与版本库文件",
        "listings, backups and repository files within reach",
    ),
    (
        "web.management_pages",
        FactKind.TEXTS,
        "未经登录即可打开的管理页面",
        "management pages open without a log-in",
    ),
    ("web.methods", FactKind.TEXTS, "服务器声明允许的方法", "methods that the server allows"),
    ("web.trace_echoes", FactKind.FLAG, "TRACE 方法可用", "TRACE works"),
    ("web.has_login", FactKind.FLAG, "首页含登录入口或会话", "the start page has a log-in or a session"),
    ("web.cache_rules", FactKind.TEXTS, "首页缓存规则", "cache rules of the start page"),
    ("web.page_digest", FactKind.TEXT, "首页 SM3 摘要", "SM3 digest of the start page"),
)
"""Everything that can be told of a web port from outside, by id."""


def facts_from_result(result: WebResult, now: datetime) -> Facts:
    """Turn a result into facts; nothing in it depends on *now*."""
    del now
    is_https = result.scheme is Scheme.HTTPS
    answered = set(result.unanswered)
    has_error_page = f"GET {MISSING_PATH}" not in answered
    asked_all = result.paths_asked == len(KNOWN_PATHS)
    files = [f"{item.path} {item.name}" for item in result.found if item.kind in _FILES]
    pages = [f"{item.path} {item.name}" for item in result.found if item.kind == "management"]
    facts: dict[str, Fact] = {
        "web.scheme": seen(str(result.scheme), _SOURCE),
        "web.redirects_to_tls": missing(Gap.ABSENT, "the port speaks TLS")
        if result.redirects_to_tls is None
        else seen(result.redirects_to_tls, result.location or _SOURCE),
        "web.hsts_seconds": seen(hsts_seconds(result.headers.strict_transport_security), _SOURCE)
        if is_https
        else missing(Gap.ABSENT, "the port does not speak TLS"),
        "web.login_in_clear": _logins(result, is_https),
        "web.cookie_faults": listed(
            cookie_faults(result.cookies, is_https=is_https),
            whole=any(cookie.is_session for cookie in result.cookies),
            gap=Gap.ABSENT,
            detail="no session cookie on the pages seen",
            source="Set-Cookie",
        ),
        "web.missing_headers": seen(missing_headers(result.headers), _SOURCE),
        "web.versions_shown": listed(result.versions_shown, whole=has_error_page, source=_SOURCE),
        "web.traces_shown": listed(result.traces_shown, whole=has_error_page, source=_SOURCE),
        "web.exposed_files": listed(files, whole=asked_all, gap=Gap.SKIPPED, source=_SOURCE),
        "web.management_pages": listed(pages, whole=asked_all, gap=Gap.SKIPPED, source=_SOURCE),
        "web.methods": seen(list(result.methods), "Allow")
        if result.methods
        else missing(Gap.ABSENT, "no Allow header"),
        "web.trace_echoes": missing(Gap.UNREADABLE)
        if result.trace_echoes is None
        else seen(result.trace_echoes, _SOURCE),
        "web.has_login": seen(
            bool(result.login_forms)
            or result.basic_authentication
            or any(c.is_session for c in result.cookies),
            _SOURCE,
        ),
        "web.cache_rules": seen(
            [part.strip().lower() for part in result.headers.cache_control.split(",") if part.strip()],
            "Cache-Control",
        ),
        "web.page_digest": seen(result.page_digest, _SOURCE),
    }
    return Facts(PLATFORM, facts, {"host": result.host, "title": result.title})


_FILES = frozenset({"vcs", "backup", "configuration", "listing"})


def _logins(result: WebResult, is_https: bool) -> Fact:
    """A start page without a log-in proves nothing: the log-in may be on another page or drawn by script."""
    clear = [f"{form.page} -> {form.action}" for form in result.login_forms if not form.over_tls]
    if result.basic_authentication and not is_https:
        clear.append("basic authentication")
    has_login = bool(result.login_forms) or result.basic_authentication
    return listed(
        clear, whole=has_login, gap=Gap.ABSENT, detail="no log-in on the start page", source=_SOURCE
    )


def hsts_seconds(header: str) -> int:
    """Read max-age of Strict-Transport-Security; 0 when absent or malformed (RFC 6797, 6.1)."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name.strip().lower() == "max-age":
            digits = value.strip().strip('"')
            return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else 0
    return 0


def cookie_faults(cookies: tuple[CookieFacts, ...], *, is_https: bool) -> list[str]:
    """Say what session cookies lack; Secure counts on ports with TLS alone, where it can be set."""
    faults: list[str] = []
    for cookie in cookies:
        if not cookie.is_session:
            continue
        faults += [f"{cookie.name}: no Secure"] if is_https and not cookie.secure else []
        faults += [] if cookie.http_only else [f"{cookie.name}: no HttpOnly"]
        faults += [] if cookie.same_site in ("lax", "strict") else [f"{cookie.name}: no SameSite"]
    return faults


def missing_headers(headers: HeaderFacts) -> list[str]:
    """Name the protective headers that the start page lacks; a frame policy may stand in either of two."""
    policy = headers.content_security_policy.lower()
    found = {
        "Content-Security-Policy": bool(policy),
        "X-Frame-Options": bool(headers.x_frame_options) or "frame-ancestors" in policy,
        "X-Content-Type-Options": headers.x_content_type_options.strip().lower() == "nosniff",
        "Referrer-Policy": bool(headers.referrer_policy),
    }
    return [name for name, is_there in found.items() if not is_there]


# -- samples in rules -------------------------------------------------------------------------------------


def _sample_result() -> WebResult:
    headers = HeaderFacts(
        "max-age=31536000", "default-src 'self'", "DENY", "nosniff", "same-origin", "no-store"
    )
    return WebResult(
        scheme=Scheme.HTTPS,
        host="www.example.cn",
        status=200,
        location="",
        redirects_to_tls=None,
        headers=headers,
        cookies=(CookieFacts("SESSION", True, True, "lax", True),),
        login_forms=(LoginForm("/", "https://www.example.cn/login", "post", True),),
        server="nginx",
        methods=("GET", "HEAD", "POST"),
        trace_echoes=False,
        paths_asked=len(KNOWN_PATHS),
        title="Example",
        page_digest="0" * 64,
    )


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts.

    Section ``result`` lies over the JSON of a sound site over TLS; ``plain`` (with any key) makes it a port without
    TLS that does not redirect. No section at all means that nobody looked.
    """
    if not sections:
        return nothing_seen(PLATFORM, FACTS)
    data: Any = to_json(_sample_result())
    if "plain" in sections:
        data |= {"scheme": "http", "redirects_to_tls": False, "login_forms": [], **sections["plain"]}
    return facts_from_result(from_json(WebResult, merged(data, sections.get("result", {}))), datetime.min)
