"""Responses to observations. Pure: nothing is asked and nothing is judged here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

from scanners.tls.text import printable
from scanners.web.http import Response
from scanners.web.result import CookieFacts, FoundPath, HeaderFacts, LoginForm, Scheme

TRACE_MARK = "secops-trace-mark"
MISSING_PATH = "/secops-probe-no-such-page"
_MAX_COOKIES = 50
_MAX_FORMS = 20
_MAX_TAGS = 20_000

_COMMENT_RE = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG_RE = re.compile(r"<(/?)(form|input)\b([^<>]{0,2000})>", re.IGNORECASE)
_ATTRIBUTE_RE = re.compile(r"([a-zA-Z-]{1,40})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_SESSION_RE = re.compile(
    r"(sess|sid$|^sid|jsessionid|phpsessid|asp\.net_sessionid|aspsessionid|auth|token|login|remember|connect\.sid)",
    re.IGNORECASE,
)
_VERSION_RE = re.compile(r"[/ v][0-9]+\.[0-9]+", re.IGNORECASE)
_BODY_VERSION_RE = re.compile(
    r"(nginx|openresty|tengine|Apache(?: Tomcat)?|Jetty|IIS|PHP|WebLogic(?: Server)?|lighttpd|gunicorn|Werkzeug)"
    r"[/ ](?:\(?)v?([0-9]+\.[0-9]+(?:\.[0-9]+)?)",
)
_TRACES: Mapping[str, re.Pattern[str]] = {
    "java": re.compile(r"\bat [\w.$]+\([\w$]+\.java:\d+\)|java\.lang\.\w+Exception"),
    "python": re.compile(r"Traceback \(most recent call last\)"),
    "php": re.compile(r"(Fatal error|Warning|Notice)</b>: .{0,300} in <b>|Stack trace:\s*#0 "),
    "dotnet": re.compile(r"Server Error in '/|\bat System\.[\w.]+\("),
    "node": re.compile(r"\bat [\w.<>]+ \(?(?:/|[A-Z]:\\)[^)\n]{1,200}\.js:\d+:\d+"),
    "ruby": re.compile(r"ActionController::RoutingError|\.rb:\d+:in `"),
    "sql": re.compile(r"You have an error in your SQL syntax|ORA-\d{5}|SQLSTATE\[|PG::\w+Error"),
    "django": re.compile(r"You're seeing this error because you have <code>DEBUG = True</code>"),
}
_LISTING_RE = re.compile(
    r"<title>\s*(?:Index of /|Directory listing for /|[^<]{0,60} - /[^<]{0,60}</title>.{0,200}\[To Parent Directory\])",
    re.I | re.S,
)
_DEFAULT_PAGES: Mapping[str, re.Pattern[str]] = {
    "nginx": re.compile(r"<title>Welcome to nginx!</title>"),
    "openresty": re.compile(r"<title>Welcome to OpenResty!</title>"),
    "apache-debian": re.compile(r"Apache2 (?:Debian|Ubuntu) Default Page"),
    "apache-rhel": re.compile(
        r"<title>(?:Apache HTTP Server )?Test Page (?:for the Apache HTTP Server|powered by)"
    ),
    "iis": re.compile(r"<title>IIS Windows(?: Server)?</title>"),
    "tomcat": re.compile(r"<title>Apache Tomcat/[0-9.]+</title>"),
}


@dataclass(frozen=True, slots=True)
class KnownPath:
    """A path that should not answer, and what its own content looks like; a soft error page does not match."""

    path: str
    kind: str
    name: str
    content: re.Pattern[bytes]


def _known(path: str, kind: str, name: str, content: bytes) -> KnownPath:
    return KnownPath(path, kind, name, re.compile(content, re.IGNORECASE | re.DOTALL))


KNOWN_PATHS = (
    _known("/.git/HEAD", "vcs", "git", rb"\A(?:ref: refs/|[0-9a-f]{40}\s*\Z)"),
    _known("/.svn/entries", "vcs", "svn", rb"\A(?:[0-9]{1,3}\s|<\?xml[^>]*>\s*<wc-entries)"),
    _known("/.env", "configuration", "dotenv", rb"\A(?:\s*#[^\n]*\n)*\s*[A-Z][A-Z0-9_]{2,}\s*="),
    _known("/WEB-INF/web.xml", "configuration", "web.xml", rb"<web-app[\s>]"),
    _known("/backup.zip", "backup", "zip", rb"\APK\x03\x04"),
    _known(
        "/backup.sql",
        "backup",
        "sql",
        rb"(?:CREATE TABLE|INSERT INTO|-- MySQL dump|-- PostgreSQL database dump)",
    ),
    _known("/server-status", "management", "apache-status", rb"Apache Server Status|Server uptime:"),
    _known("/nginx_status", "management", "nginx-status", rb"\AActive connections: "),
    _known("/actuator", "management", "spring-actuator", rb"\A\s*\{\s*\"_links\""),
    _known("/actuator/env", "management", "spring-actuator-env", rb"\"(?:activeProfiles|propertySources)\""),
    _known("/swagger-ui/index.html", "management", "swagger", rb"swagger-ui"),
    _known("/v2/api-docs", "management", "swagger-api", rb"\A\s*\{.{0,200}\"swagger\"\s*:"),
    _known("/v3/api-docs", "management", "openapi", rb"\A\s*\{.{0,200}\"openapi\"\s*:"),
    _known("/druid/index.html", "management", "druid", rb"Druid Stat Index|druid\.common"),
    _known("/nacos/", "management", "nacos", rb"<title>Nacos</title>"),
    _known("/phpmyadmin/", "management", "phpmyadmin", rb"<title>phpMyAdmin"),
    _known("/jmx-console/", "management", "jboss-jmx", rb"JBoss JMX Management Console|JMX Agent View"),
    _known("/solr/", "management", "solr", rb"<title>Solr Admin</title>"),
    _known("/images/", "listing", "images", rb"<title>\s*(?:Index of /|Directory listing for /)"),
    _known("/uploads/", "listing", "uploads", rb"<title>\s*(?:Index of /|Directory listing for /)"),
    _known("/static/", "listing", "static", rb"<title>\s*(?:Index of /|Directory listing for /)"),
)
"""What is looked for, one GET each; a page that asks for a log-in first answers 401, 403 or a redirect."""


def header_facts(response: Response) -> HeaderFacts:
    """Pick the headers that protect a page's reader."""
    return HeaderFacts(
        strict_transport_security=printable(response.first("strict-transport-security")),
        content_security_policy=printable(response.first("content-security-policy"), 1024),
        x_frame_options=printable(response.first("x-frame-options")),
        x_content_type_options=printable(response.first("x-content-type-options")),
        referrer_policy=printable(response.first("referrer-policy")),
        cache_control=printable(response.first("cache-control")),
    )


def cookies_of(responses: Iterable[Response]) -> tuple[CookieFacts, ...]:
    """Read cookies without their values; of one name the weakest setting counts."""
    found: dict[str, CookieFacts] = {}
    for response in responses:
        for line in response.all("set-cookie"):
            cookie = _cookie(line)
            if cookie is None or len(found) >= _MAX_COOKIES:
                continue
            before = found.get(cookie.name)
            found[cookie.name] = cookie if before is None else _weaker(before, cookie)
    return tuple(found.values())


def _cookie(line: str) -> CookieFacts | None:
    pair, *attributes = line.split(";")
    name, equals, _ = pair.partition("=")
    if not equals or not name.strip():
        return None
    words = {key.strip().lower(): value.strip() for key, _, value in (a.partition("=") for a in attributes)}
    shown = printable(name.strip(), 128)
    return CookieFacts(
        name=shown,
        secure="secure" in words,
        http_only="httponly" in words,
        same_site=printable(words.get("samesite", ""), 16).lower(),
        is_session=_SESSION_RE.search(shown) is not None,
    )


def _weaker(one: CookieFacts, other: CookieFacts) -> CookieFacts:
    order = ("", "none", "lax", "strict")
    same_site = min((one.same_site, other.same_site), key=lambda s: order.index(s) if s in order else 0)
    return CookieFacts(
        one.name, one.secure and other.secure, one.http_only and other.http_only, same_site, one.is_session
    )


def redirects_to_tls(response: Response) -> bool:
    """Say whether a response sends its reader to an https address."""
    return (
        response.status in (301, 302, 303, 307, 308)
        and urlsplit(response.first("location")).scheme == "https"
    )


def versions_shown(responses: Iterable[Response]) -> tuple[str, ...]:
    """Give banners and error pages that name a version, each once."""
    shown: list[str] = []
    for response in responses:
        for name in ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator"):
            shown += [f"{name}: {value}" for value in response.all(name) if _names_version(name, value)]
        if response.status >= 400:
            match = _BODY_VERSION_RE.search(_text(response))
            shown += [f"error page: {match[0]}"] if match else []
    return tuple(dict.fromkeys(printable(text, 160) for text in shown))


def _names_version(header: str, value: str) -> bool:
    return _VERSION_RE.search(value) is not None or (header.startswith("x-aspnet") and bool(value))


def traces_shown(responses: Iterable[Response]) -> tuple[str, ...]:
    """Name the frameworks whose stack trace or debug page is in one of the responses."""
    texts = [_text(response) for response in responses if response.status >= 400]
    return tuple(name for name, pattern in _TRACES.items() if any(pattern.search(text) for text in texts))


def allowed_methods(response: Response) -> tuple[str, ...]:
    """Read the Allow header of an answer to OPTIONS."""
    names = (word.strip().upper() for value in response.all("allow") for word in value.split(","))
    return tuple(dict.fromkeys(printable(name, 32) for name in names if name))[:32]


def trace_echoes(response: Response) -> bool:
    """Say whether TRACE sent the request back."""
    return response.status == 200 and TRACE_MARK.encode() in response.body


def page_findings(path: str, response: Response) -> tuple[FoundPath, ...]:
    """Look for a directory listing or a page that the server came with."""
    if response.status != 200:
        return ()
    text = _text(response)
    found = [FoundPath(path, "listing", "listing")] if _LISTING_RE.search(text) else []
    found += [
        FoundPath(path, "default-page", name) for name, page in _DEFAULT_PAGES.items() if page.search(text)
    ]
    return tuple(found)


def known_path_finding(known: KnownPath, response: Response) -> FoundPath | None:
    """Say whether a path of the list answered with its own content."""
    if response.status == 200 and known.content.search(response.body):
        return FoundPath(known.path, known.kind, known.name)
    return None


def login_forms(page: str, response: Response, base: str) -> tuple[LoginForm, ...]:
    """Find forms with a password field, and password fields outside any form.

    Args:
        base: Address of the page with its scheme, against which a form's target is resolved.
    """
    found: dict[tuple[str, str], None] = {}
    current: tuple[str, str] | None = None
    text = _COMMENT_RE.sub("", _text(response))
    for count, match in enumerate(_TAG_RE.finditer(text)):
        closes, tag, rest = match[1], match[2].lower(), match[3]
        if count >= _MAX_TAGS or len(found) >= _MAX_FORMS:
            break
        values = {name.lower(): one or two or bare for name, one, two, bare in _ATTRIBUTE_RE.findall(rest)}
        if tag == "form":
            current = None if closes else (values.get("action", ""), values.get("method", "get").lower())
        elif values.get("type", "").strip().lower() == "password":
            found[current or ("", "script")] = None
    return tuple(_form(page, base, unescape(action), method) for action, method in found)


def _form(page: str, base: str, action: str, method: str) -> LoginForm:
    try:
        whole = urljoin(base, action.strip())
        scheme = urlsplit(whole).scheme
    except ValueError:
        whole, scheme = action, ""
    over_tls = urlsplit(base).scheme == Scheme.HTTPS and scheme == Scheme.HTTPS
    return LoginForm(printable(page, 200), printable(whole, 300), printable(method, 8), over_tls)


def title_of(response: Response) -> str:
    """Give the title of a page as visible text."""
    match = re.search(r"<title[^>]{0,100}>(.{0,300}?)</title>", _text(response), re.IGNORECASE | re.DOTALL)
    return "" if match is None else printable(" ".join(match[1].split()), 120)


def _text(response: Response) -> str:
    return response.body.decode("utf-8", errors="replace")
