"""The web probe against loopback peers."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanners.base import Completed, Failed, FailureReason, ProbeContext, Target
from scanners.jsonable import from_json, to_json
from scanners.web.observe import KNOWN_PATHS, MISSING_PATH
from scanners.web.probe import WebProbe, mask
from scanners.web.result import Scheme, WebResult
from smcrypto import sm3
from tests.support.peers.certificates import make_identity
from tests.support.peers.old_tls import OldTls
from tests.support.peers.tcp import HOSTILE, Handler, Peer, endless, resets_after, sends, sends_then_closes
from tests.support.peers.web_server import WebServer, response, tls_context
from tests.support.services import free_port

CONTEXT = ProbeContext(timeout_s=20)
IDENTITY = make_identity()
NOT_FOUND = (404, {"Server": "nginx"}, b"<h1>Not Found</h1>")


def _look(handler: Handler, **options: object) -> WebResult:
    with Peer(handler) as peer:
        attempt = WebProbe(**{"per_connection_s": 2.0, **options}).run(peer.target, CONTEXT)  # type: ignore[arg-type]
    assert isinstance(attempt, Completed), attempt
    return attempt.result


def test_a_sound_site_over_tls(tmp_path: Path) -> None:
    """Headers, cookies and digest of a good start page arrive, and nothing bad is found."""
    body = b"<title>Portal</title><form action=/login><input type=password></form>"
    headers = [
        ("Strict-Transport-Security", "max-age=31536000"),
        ("Content-Security-Policy", "default-src 'self'"),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Set-Cookie", "sid=secret-value; Secure; HttpOnly; SameSite=Lax"),
        ("Server", "nginx"),
    ]
    server = WebServer({"/": (200, headers, body), "": NOT_FOUND}, tls_context(IDENTITY, tmp_path))
    result = _look(server)

    assert (result.scheme, result.status, result.redirects_to_tls, result.title) == (
        Scheme.HTTPS,
        200,
        None,
        "Portal",
    )
    assert result.headers.strict_transport_security == "max-age=31536000"
    assert [(c.name, c.secure, c.http_only, c.same_site, c.is_session) for c in result.cookies] == [
        ("sid", True, True, "lax", True)
    ]
    assert [form.over_tls for form in result.login_forms] == [True]
    assert (result.versions_shown, result.traces_shown, result.found, result.unanswered) == ((), (), (), ())
    assert result.page_digest == sm3.hexdigest(body)
    assert result.paths_asked == len(KNOWN_PATHS)


def test_a_plain_port_that_redirects() -> None:
    """A redirect to https is told as such, its target kept."""
    result = _look(WebServer({"/": (301, {"Location": "https://portal.example/"}, b""), "": NOT_FOUND}))

    assert (result.scheme, result.redirects_to_tls, result.location) == (
        Scheme.HTTP,
        True,
        "https://portal.example/",
    )


def test_a_careless_site() -> None:
    """Everything that can be seen from outside is seen, on a port without TLS."""
    pages = {
        "/": (
            200,
            {"Server": "Apache/2.4.57", "X-Powered-By": "PHP/8.2", "Set-Cookie": "PHPSESSID=x"},
            b"<form action=in.php><input type=password></form>",
        ),
        MISSING_PATH: (500, {}, b"Traceback (most recent call last):"),
        "OPTIONS /": (200, {"Allow": "GET,PUT,DELETE,TRACE"}, b""),
        "TRACE /": (200, {}, b"TRACE / HTTP/1.1\r\nX-Trace-Mark: secops-trace-mark"),
        "/.git/HEAD": (200, {}, b"ref: refs/heads/main\n"),
        "/actuator": (200, {}, b'{"_links":{}}'),
        "": (404, {}, b"no"),
    }
    result = _look(WebServer(pages))

    assert (result.scheme, result.redirects_to_tls) == (Scheme.HTTP, False)
    assert set(result.versions_shown) == {"server: Apache/2.4.57", "x-powered-by: PHP/8.2"}
    assert result.traces_shown == ("python",)
    assert (result.methods, result.trace_echoes) == (("GET", "PUT", "DELETE", "TRACE"), True)
    assert {(item.kind, item.name) for item in result.found} == {
        ("vcs", "git"),
        ("management", "spring-actuator"),
    }
    assert [(form.over_tls, form.action.rpartition("/")[2]) for form in result.login_forms] == [
        (False, "in.php")
    ]


def test_log_in_by_basic_authentication() -> None:
    """A start page behind basic authentication is told."""
    result = _look(WebServer({"": (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")}))

    assert (result.status, result.basic_authentication) == (401, True)


def test_only_harmless_requests_are_sent() -> None:
    """Every request is a GET, OPTIONS or TRACE of the fixed list without a body."""
    server = WebServer({"": NOT_FOUND})
    _look(server)
    lines = [request.split(b"\r\n", 1)[0].decode() for request in server.seen]
    expected = [f"GET {path} HTTP/1.1" for path in ("/", MISSING_PATH)] + [
        "OPTIONS / HTTP/1.1",
        "TRACE / HTTP/1.1",
    ]

    assert lines == expected + [f"GET {known.path} HTTP/1.1" for known in KNOWN_PATHS]
    assert all(request.endswith(b"\r\n\r\n") for request in server.seen)


def test_known_paths_can_be_left_away() -> None:
    """Four requests are enough where nobody agreed to more."""
    server = WebServer({"": NOT_FOUND})
    result = _look(server, known_paths=False)

    assert (len(server.seen), result.paths_asked, result.found) == (4, 0, ())


def test_the_name_goes_into_the_host_header() -> None:
    """A given name is used in place of the address, with the port where it is not the usual one."""
    server = WebServer({"": NOT_FOUND})
    with Peer(server) as peer:
        WebProbe(server_name="portal.example", known_paths=False).run(peer.target, CONTEXT)

        assert f"Host: portal.example:{peer.port}\r\n".encode() in server.seen[0]


@pytest.mark.parametrize("name", ["a b", "a\r\nX: y", "-x", "a/b", "a_b", "中"])
def test_a_name_that_is_none_is_wrong_use(name: str) -> None:
    """Nothing but a host name can become part of a request."""
    with pytest.raises(ValueError, match="host name"):
        WebProbe(server_name=name)


def test_values_of_cookies_are_in_no_result_and_no_evidence() -> None:
    """Names and flags are kept, values never."""
    cookies = [("Set-Cookie", "sid=s3cr3t; Secure"), ("set-cookie", "other=s3cr3t")]
    with Peer(WebServer({"": (200, cookies, b"")})) as peer:
        attempt = WebProbe(known_paths=False).run(peer.target, CONTEXT)

    assert isinstance(attempt, Completed)
    assert b"s3cr3t" not in attempt.raw
    assert "s3cr3t" not in str(to_json(attempt.result))
    assert b"sid=***; Secure" in attempt.raw


def test_masking() -> None:
    """Cookies and credentials lose their values in either direction."""
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nAuthorization: Basic abc\r\ncookie: x=y"

    assert (
        mask(head) == b"HTTP/1.1 200 OK\r\nSet-Cookie: a=***; Path=/\r\nAuthorization: ***\r\ncookie: x=***"
    )


def test_an_answer_that_is_missing_is_named() -> None:
    """A question that breaks leaves the others standing."""
    good = WebServer({"": NOT_FOUND})

    def handle(connection: object) -> None:
        import socket

        assert isinstance(connection, socket.socket)
        if connection.recv(5, socket.MSG_PEEK) == b"TRACE":
            connection.sendall(b"\x00garbage")
        else:
            good(connection)

    result = _look(handle, known_paths=False)

    assert (result.unanswered, result.trace_echoes, result.status) == (("TRACE /",), None, 404)


def test_the_result_survives_json() -> None:
    """What is stored can be read back without loss."""
    result = _look(WebServer({"": (200, {"Set-Cookie": "a=b", "Server": "x/1.0"}, b"<input type=password>")}))

    assert from_json(WebResult, to_json(result)) == result


# -- peers that misbehave --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"http"}))
def test_hostile_peers_give_a_failure(name: str) -> None:
    """Whatever a peer does instead of speaking HTTP ends in a named failure."""
    with Peer(HOSTILE[name]) as peer:
        attempt = WebProbe(per_connection_s=0.3).run(peer.target, ProbeContext(timeout_s=3))

    assert isinstance(attempt, Failed), attempt
    assert attempt.reason in {FailureReason.PROTOCOL, FailureReason.TIMED_OUT, FailureReason.RESOURCE_LIMIT}


WHOLE = response(200, {"Server": "x"}, b"hello")


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_a_reset_at_any_byte_is_a_failure(cut: int) -> None:
    """A start page that is cut anywhere says nothing."""
    with Peer(resets_after(WHOLE[:cut])) as peer:
        attempt = WebProbe(per_connection_s=1).run(peer.target, ProbeContext(timeout_s=5))

    assert isinstance(attempt, Failed), attempt
    assert attempt.reason is FailureReason.PROTOCOL


@pytest.mark.parametrize(
    "noise",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 4000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 90,
    ],
)
def test_endless_heads_are_cut_off(noise: bytes) -> None:
    """A head that never ends runs into a bound."""
    with Peer(endless(noise)) as peer:
        attempt = WebProbe(per_connection_s=1).run(peer.target, ProbeContext(timeout_s=5))

    assert isinstance(attempt, Failed), attempt
    assert attempt.reason in {FailureReason.PROTOCOL, FailureReason.RESOURCE_LIMIT, FailureReason.TIMED_OUT}


def test_an_endless_body_is_left_after_its_limit() -> None:
    """A page without end is read up to the limit and then left."""

    def handle(connection: object) -> None:
        connection.recv(65536)  # type: ignore[attr-defined]
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")  # type: ignore[attr-defined]
        endless(b"x" * 1000)(connection)  # type: ignore[arg-type]

    with Peer(handle) as peer:
        attempt = WebProbe(known_paths=False).run(peer.target, CONTEXT)

    assert isinstance(attempt, Completed), attempt
    assert attempt.result.status == 200


def test_a_port_that_wants_tls_is_not_taken_for_plain(tmp_path: Path) -> None:
    """A TLS server that cannot be agreed with is a failure, not a site in clear."""
    with Peer(OldTls({}, [], alert=40)) as peer:
        attempt = WebProbe().run(peer.target, CONTEXT)
    with Peer(sends_then_closes(response(400, {}, b"The plain HTTP request was sent to HTTPS port"))) as peer:
        hinted = WebProbe().run(peer.target, CONTEXT)

    for found in (attempt, hinted):
        assert isinstance(found, Failed), found
        assert found.reason is FailureReason.PROTOCOL


def test_a_plain_server_that_waits_for_more_is_asked_in_clear() -> None:
    """A server that does not understand a TLS hello and says nothing is asked again without TLS."""
    good = WebServer({"": NOT_FOUND})

    def handle(connection: object) -> None:
        import socket

        assert isinstance(connection, socket.socket)
        if connection.recv(1, socket.MSG_PEEK) != b"\x16":
            good(connection)
            return
        while connection.recv(65536):
            pass

    assert _look(handle, known_paths=False, per_connection_s=0.2).scheme is Scheme.HTTP


def test_nobody_there_is_refused() -> None:
    """A closed port is told from a silent one."""
    attempt = WebProbe().run(Target("127.0.0.1", free_port()), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.REFUSED


@pytest.mark.parametrize("host", ["localhost", "127.1", "http://127.0.0.1", "fe80::1%lo", "", "-oN"])
def test_only_address_literals_are_accepted(host: str) -> None:
    """Names and unusual spellings never reach the resolver."""
    attempt = WebProbe().run(Target(host, 80), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


def test_a_cancelled_probe_stops() -> None:
    """A request to stop ends the list of questions."""
    asked = iter([False] * 3)
    with Peer(sends(b"")) as peer:
        attempt = WebProbe().run(peer.target, ProbeContext(timeout_s=30, cancelled=lambda: next(asked, True)))

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.CANCELLED
