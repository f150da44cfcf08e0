"""Look at one web port from outside: a fixed list of harmless requests, one connection each, in turn."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import ClassVar

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, Target
from scanners.errors import InvalidTarget
from scanners.targets import parse_address
from scanners.tls.session import HandshakeFailed, TlsStream, client_context
from scanners.tls.transport import Budget, Ending, Wire, WireError, connect
from scanners.web.http import HttpError, Method, Response, ResponseReader, build_request
from scanners.web.observe import (
    KNOWN_PATHS,
    MISSING_PATH,
    TRACE_MARK,
    allowed_methods,
    cookies_of,
    header_facts,
    known_path_finding,
    login_forms,
    page_findings,
    redirects_to_tls,
    title_of,
    trace_echoes,
    traces_shown,
    versions_shown,
)
from scanners.web.result import FoundPath, Scheme, WebResult
from smcrypto import sm3

DEFAULT_PORT = 443
_MAX_BYTES = 4 * 1024 * 1024
_PER_CONNECTION_S = 8.0
_HOST_RE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}\.?)+")
_COOKIE_RE = re.compile(rb"(?im)^((?:set-cookie|cookie)[ \t]*:[ \t]*[^=\r\n]{0,200}=)[^;\r\n]*")
_AUTH_RE = re.compile(rb"(?im)^((?:authorization|proxy-authorization)[ \t]*:)[^\r\n]*")
_HEAD_KEPT = 4096
_PLAIN_PORTS = frozenset({80, 81, 8000, 8008, 8080, 8081, 8888})
_SILENT = frozenset({Ending.CLOSED, Ending.RESET, Ending.TIMED_OUT})
_WANTS_TLS_RE = re.compile(rb"https|ssl|tls", re.IGNORECASE)


class WebProbe:
    """What a web server shows without a log-in.

    ``server_name`` is used as SNI and in the Host header; without one the address is. ``known_paths`` False
    leaves the list of paths away that should not answer.
    """

    probe_id: ClassVar[str] = "web"

    def __init__(
        self, *, server_name: str = "", known_paths: bool = True, per_connection_s: float = _PER_CONNECTION_S
    ) -> None:
        if server_name and not _HOST_RE.fullmatch(server_name):
            raise ValueError("server_name must be a host name")
        self._server_name = server_name
        self._known_paths = known_paths
        self._per_connection_s = per_connection_s

    def run(self, target: Target, context: ProbeContext) -> Attempt[WebResult]:
        """Look at one port, 443 when the target names none; TLS is tried first, then plain HTTP."""
        started = time.monotonic()
        where = Target(target.host, DEFAULT_PORT if target.port is None else target.port)
        try:
            host = self._server_name or _bracketed(where)
        except InvalidTarget as problem:
            return Failed(FailureReason.BAD_TARGET, str(problem))
        budget = Budget.of(context, max_bytes=_MAX_BYTES)
        run = _Run(where, budget, context, self._server_name, host, self._per_connection_s)
        try:
            result = run.look(known_paths=self._known_paths)
        except InvalidTarget as problem:
            return Failed(FailureReason.BAD_TARGET, str(problem))
        except WireError as problem:
            return problem.as_failed(raw=run.raw(), duration_ms=_since(started))
        except (HttpError, HandshakeFailed) as problem:
            return Failed(FailureReason.PROTOCOL, problem.detail, run.raw(), _since(started))
        context.progress(1.0, "done")
        return Completed(result, run.raw(), "text/plain; charset=utf-8", _since(started))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def _bracketed(target: Target) -> str:
    address = parse_address(target.host)
    return f"[{address}]" if address.version == 6 else str(address)


def mask(head: bytes) -> bytes:
    """Take the values of cookies and credentials out of the head of a message; names stay."""
    return _AUTH_RE.sub(rb"\1 ***", _COOKIE_RE.sub(rb"\1***", head))


@dataclass(slots=True)
class _Run:
    """The requests of one run and what came back."""

    target: Target
    budget: Budget
    context: ProbeContext
    server_name: str
    host: str
    per_connection_s: float
    scheme: Scheme = Scheme.HTTPS
    heard: bytes = b""
    notes: list[bytes] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def look(self, *, known_paths: bool) -> WebResult:
        """Ask everything.

        Raises:
            WireError, HttpError, HandshakeFailed: the start page could not be had.
        """
        start = self._start()
        missing = self._optional(Method.GET, MISSING_PATH)
        options = self._optional(Method.OPTIONS, "/")
        trace = self._optional(Method.TRACE, "/", (("X-Trace-Mark", TRACE_MARK),))
        found = list(page_findings("/", start))
        asked = self._look_for_paths(found) if known_paths else 0
        heard = [response for response in (start, missing, options) if response is not None]
        base = f"{self.scheme}://{self._authority()}/"
        is_plain = self.scheme is Scheme.HTTP
        return WebResult(
            scheme=self.scheme,
            host=self.host,
            status=start.status,
            location=start.first("location"),
            redirects_to_tls=redirects_to_tls(start) if is_plain else None,
            headers=header_facts(start),
            cookies=cookies_of(heard),
            login_forms=login_forms("/", start, base),
            basic_authentication=any(v.lower().startswith("basic") for v in start.all("www-authenticate")),
            server=start.first("server"),
            powered_by=start.first("x-powered-by"),
            versions_shown=versions_shown(heard),
            traces_shown=traces_shown(heard),
            methods=() if options is None else allowed_methods(options),
            trace_echoes=None if trace is None else trace_echoes(trace),
            found=tuple(found),
            paths_asked=asked,
            title=title_of(start),
            page_digest=sm3.hexdigest(start.body),
            unanswered=tuple(self.unanswered),
        )

    def raw(self) -> bytes:
        """Give requests and heads of responses, without the values of cookies."""
        return b"\n".join(self.notes)

    def _authority(self) -> str:
        usual = 443 if self.scheme is Scheme.HTTPS else 80
        return self.host if self.target.port == usual else f"{self.host}:{self.target.port}"

    def _start(self) -> Response:
        """Fetch the start page, over TLS first except on ports that are plain by habit.

        Plain HTTP is spoken only where the other side did not answer in TLS: an alert is an answer.
        """
        self.context.progress(0.0, "start page")
        if self.target.port in _PLAIN_PORTS:
            self.scheme = Scheme.HTTP
            return self._plain_start()
        try:
            return self._ask(Method.GET, "/")
        except (HandshakeFailed, WireError) as problem:
            was_silent = isinstance(problem, WireError) and problem.ending in _SILENT and not self.heard
            if not was_silent and self.heard[:1] in (b"", b"\x15", b"\x16"):
                raise
            self.notes.append(f"no TLS: {problem}".encode())
            self.scheme = Scheme.HTTP
            return self._plain_start()

    def _plain_start(self) -> Response:
        response = self._ask(Method.GET, "/")
        if response.status == 400 and _WANTS_TLS_RE.search(response.body):
            raise HandshakeFailed("the port wants TLS, but no handshake with it was possible")
        return response

    def _optional(
        self, method: Method, path: str, extra: tuple[tuple[str, str], ...] = ()
    ) -> Response | None:
        try:
            return self._ask(method, path, extra)
        except (HttpError, HandshakeFailed) as problem:
            self.notes.append(f"{method} {path}: {problem.detail}".encode())
        except WireError as problem:
            if problem.ending in (Ending.CANCELLED, Ending.TOO_MUCH):
                raise
            self.notes.append(f"{method} {path}: {problem}".encode())
        self.unanswered.append(f"{method} {path}")
        return None

    def _look_for_paths(self, found: list[FoundPath]) -> int:
        asked = 0
        for number, known in enumerate(KNOWN_PATHS):
            self.context.progress(0.2 + 0.8 * number / len(KNOWN_PATHS), "known paths")
            response = self._optional(Method.GET, known.path)
            if response is None:
                continue
            asked += 1
            finding = known_path_finding(known, response)
            if finding is not None:
                found.append(finding)
        return asked

    def _ask(self, method: Method, path: str, extra: tuple[tuple[str, str], ...] = ()) -> Response:
        request = build_request(method, path, self._authority(), extra)
        self.heard = b""
        with connect(self.target, self.budget, per_connection_s=self.per_connection_s) as wire:
            try:
                if self.scheme is Scheme.HTTPS:
                    secured = TlsStream(wire, client_context(), self.server_name)
                    secured.shake_hands()
                    response, head = _converse(secured, request)
                else:
                    response, head = _converse(wire, request)
            finally:
                self.heard = bytes(wire.received[:16])
        self.notes.append(f"{method} {path}".encode() + b"\n" + head)
        return response


def _converse(stream: TlsStream | Wire, request: bytes) -> tuple[Response, bytes]:
    reader, seen = ResponseReader(), b""
    stream.send(request)
    while True:
        data = stream.receive()
        if len(seen) < _HEAD_KEPT:
            seen += data[:_HEAD_KEPT]
        response = reader.feed(data) if data else reader.finish()
        if response is not None:
            return response, mask(seen[:_HEAD_KEPT].partition(b"\r\n\r\n")[0])
