"""Responses to observations."""

from __future__ import annotations

import pytest

from scanners.web.http import Response
from scanners.web.observe import (
    KNOWN_PATHS,
    TRACE_MARK,
    allowed_methods,
    cookies_of,
    known_path_finding,
    login_forms,
    page_findings,
    redirects_to_tls,
    title_of,
    trace_echoes,
    traces_shown,
    versions_shown,
)
from scanners.web.result import CookieFacts, LoginForm


def _response(status: int = 200, body: str | bytes = "", *headers: tuple[str, str]) -> Response:
    data = body.encode() if isinstance(body, str) else body
    return Response(status, "1.1", headers, data, False)


@pytest.mark.parametrize(
    ("line", "cookie"),
    [
        (
            "JSESSIONID=abc; Path=/; Secure; HttpOnly; SameSite=Lax",
            CookieFacts("JSESSIONID", True, True, "lax", True),
        ),
        ("PHPSESSID=abc", CookieFacts("PHPSESSID", False, False, "", True)),
        ("lang=zh; secure ; httponly", CookieFacts("lang", True, True, "", False)),
        ("a=b=c; SameSite=NONE", CookieFacts("a", False, False, "none", False)),
        ("x\x1b=1", CookieFacts("x\\x1b", False, False, "", False)),
    ],
)
def test_cookies(line: str, cookie: CookieFacts) -> None:
    """Flags are read in any spelling, values are dropped."""
    assert cookies_of([_response(200, "", ("set-cookie", line))]) == (cookie,)


def test_lines_that_set_no_cookie_are_passed_over() -> None:
    """A line without a name or an equals sign sets nothing."""
    assert cookies_of([_response(200, "", ("set-cookie", "junk"), ("set-cookie", "=x"))]) == ()


def test_the_weakest_setting_of_a_cookie_counts() -> None:
    """A cookie that is set twice is as weak as its weaker setting."""
    strong, weak = (
        ("set-cookie", "sid=1; Secure; HttpOnly; SameSite=Strict"),
        ("set-cookie", "sid=2; HttpOnly; SameSite=Lax"),
    )

    assert cookies_of([_response(200, "", strong), _response(404, "", weak)]) == (
        CookieFacts("sid", False, True, "lax", True),
    )


@pytest.mark.parametrize(
    ("status", "location", "answer"),
    [
        (301, "https://x/", True),
        (308, "HTTPS://x/", True),
        (302, "http://x/", False),
        (302, "/login", False),
        (200, "https://x/", False),
        (302, "//x/", False),
    ],
)
def test_redirects_to_tls(status: int, location: str, answer: bool) -> None:
    """Only a redirect whose target names https leads to TLS."""
    assert redirects_to_tls(_response(status, "", ("location", location))) is answer


@pytest.mark.parametrize(
    ("response", "shown"),
    [
        (_response(200, "", ("server", "nginx/1.22.1")), ("server: nginx/1.22.1",)),
        (_response(200, "", ("server", "nginx")), ()),
        (_response(200, "", ("x-powered-by", "PHP/8.2.7")), ("x-powered-by: PHP/8.2.7",)),
        (_response(200, "", ("x-powered-by", "Express")), ()),
        (_response(200, "", ("x-aspnet-version", "4.0.30319")), ("x-aspnet-version: 4.0.30319",)),
        (_response(404, "<hr>Apache/2.4.57 (Debian) Server"), ("error page: Apache/2.4.57",)),
        (_response(404, "<h3>Apache Tomcat/9.0.65</h3>"), ("error page: Apache Tomcat/9.0.65",)),
        (_response(200, "we moved from nginx/1.2 to 3"), ()),
    ],
)
def test_versions_shown(response: Response, shown: tuple[str, ...]) -> None:
    """Banners and error pages count when they name a version; ordinary pages never do."""
    assert versions_shown([response]) == shown


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("at org.apache.Foo.bar(Foo.java:12)", ("java",)),
        ("Traceback (most recent call last):\n", ("python",)),
        ("<b>Fatal error</b>: Uncaught x in <b>/var/www/a.php</b>", ("php",)),
        ("Server Error in '/' Application", ("dotnet",)),
        ("at Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)", ("node",)),
        ("ORA-00942: table or view does not exist", ("sql",)),
        ("Sorry, not found", ()),
    ],
)
def test_stack_traces_on_error_pages(body: str, names: tuple[str, ...]) -> None:
    """Traces are named by their framework, and only error pages are looked at."""
    assert traces_shown([_response(500, body)]) == names
    assert traces_shown([_response(200, body)]) == ()


def test_methods_and_trace() -> None:
    """The Allow header is split, and TRACE counts when our own mark comes back."""
    allowed = _response(200, "", ("allow", "GET, HEAD,put"), ("allow", "GET"))

    assert allowed_methods(allowed) == ("GET", "HEAD", "PUT")
    assert trace_echoes(_response(200, f"TRACE / HTTP/1.1\r\nX-Trace-Mark: {TRACE_MARK}"))
    assert not trace_echoes(_response(405, TRACE_MARK))
    assert not trace_echoes(_response(200, "welcome"))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<title>Index of /</title>", [("listing", "listing")]),
        ("<title>Directory listing for /</title>", [("listing", "listing")]),
        ("<title>Welcome to nginx!</title>", [("default-page", "nginx")]),
        ("<title>Apache2 Debian Default Page: It works</title>", [("default-page", "apache-debian")]),
        ("<title>Ministry portal</title>", []),
    ],
)
def test_listings_and_default_pages(body: str, found: list[tuple[str, str]]) -> None:
    """Pages that servers bring along are recognised by their titles."""
    assert [(item.kind, item.name) for item in page_findings("/", _response(200, body))] == found
    assert page_findings("/", _response(403, body)) == ()


CONTENT = {
    "git": b"ref: refs/heads/main\n",
    "svn": b"12\n\ndir\n",
    "dotenv": b"# comment\nAPP_KEY=base64:x\n",
    "web.xml": b'<?xml version="1.0"?><web-app version="3.0">',
    "zip": b"PK\x03\x04rest",
    "sql": b"-- MySQL dump 10.13",
    "apache-status": b"<h1>Apache Server Status for localhost</h1>",
    "nginx-status": b"Active connections: 1 \nserver accepts",
    "spring-actuator": b'{"_links":{"self":{}}}',
    "spring-actuator-env": b'{"activeProfiles":[]}',
    "swagger": b'<div id="swagger-ui"></div>',
    "swagger-api": b'{"swagger":"2.0"}',
    "openapi": b'{"openapi":"3.0.1"}',
    "druid": b"<title>Druid Stat Index</title>",
    "nacos": b"<title>Nacos</title>",
    "phpmyadmin": b"<title>phpMyAdmin</title>",
    "jboss-jmx": b"JBoss JMX Management Console",
    "solr": b"<title>Solr Admin</title>",
    "images": b"<title>Index of /images</title>",
    "uploads": b"<title>Index of /uploads</title>",
    "static": b"<title>Directory listing for /static/</title>",
}
SOFT_404 = b"<html><title>Not found</title>The page you wanted is not here. APP: see /swagger</html>"


@pytest.mark.parametrize("known", KNOWN_PATHS, ids=lambda known: known.path)
def test_known_paths_need_their_own_content(known: object) -> None:
    """A friendly error page with status 200 is no finding; the real content is, unless it is refused."""
    from scanners.web.observe import KnownPath

    assert isinstance(known, KnownPath)
    assert known_path_finding(known, _response(200, CONTENT[known.name])) is not None
    assert known_path_finding(known, _response(200, SOFT_404)) is None
    assert known_path_finding(known, _response(401, CONTENT[known.name])) is None


FORM = '<form action="{}" method="POST"><input name=u><input type=password name=p></form>'


@pytest.mark.parametrize(
    ("base", "action", "target", "over_tls"),
    [
        ("https://h/", "/login", "https://h/login", True),
        ("https://h/", "", "https://h/", True),
        ("https://h/", "http://h/login", "http://h/login", False),
        ("http://h/", "https://h/login", "https://h/login", False),
        ("http://h/", "login", "http://h/login", False),
    ],
)
def test_login_forms(base: str, action: str, target: str, over_tls: bool) -> None:
    """A form is safe only when both its page and its target are over TLS."""
    forms = login_forms("/", _response(200, FORM.format(action)), base)

    assert forms == (LoginForm("/", target, "post", over_tls),)


def test_password_fields_without_a_form_and_forms_without_one() -> None:
    """A page driven by script has a field without a form; a search form is no log-in."""
    assert login_forms("/", _response(200, "<input type=PASSWORD>"), "https://h/") == (
        LoginForm("/", "https://h/", "script", True),
    )
    assert login_forms("/", _response(200, "<form><input type=text></form>"), "https://h/") == ()


@pytest.mark.parametrize(
    "body",
    [
        "<form " * 50_000,
        "<input type=password>" * 50_000,
        "<![" * 1000,
        "\x00" * 9999,
        "<form action='http://[x'><input type=password>",
    ],
)
def test_hostile_pages_are_read_without_harm(body: str) -> None:
    """Endless or broken markup gives a bounded answer."""
    assert len(login_forms("/", _response(200, body), "https://h/")) <= 20
    assert title_of(_response(200, body)) == ""


def test_titles_are_visible_text() -> None:
    """White space is folded and control characters are spelled out."""
    assert title_of(_response(200, "<TITLE>\n A  \x1b[1m<b\n</TITLE>")) == "A \\x1b[1m<b"
