"""A web server for tests: a table of paths, in clear or over TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.peers.certificates import Identity
from tests.support.peers.tcp import wait_for_close

Page = tuple[int, Mapping[str, str] | list[tuple[str, str]], bytes]


@dataclass(slots=True)
class WebServer:
    """Answers by path; ``pages[""]`` is for every other path. ``seen`` keeps what was asked."""

    pages: Mapping[str, Page]
    context: ssl.SSLContext | None = None
    seen: list[bytes] = field(default_factory=list)

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection with one request."""
        with contextlib.suppress(ssl.SSLError):
            if self.context is None:
                self._answer(connection)
                return
            with self.context.wrap_socket(connection, server_side=True) as stream:
                self._answer(stream)

    def _answer(self, stream: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            data = stream.recv(65536)
            if not data:
                return
            request += data
            if request[:1] == b"\x16":
                # a TLS hello on a plain port is answered as nginx does
                stream.sendall(response(400, {}, b"Bad Request"))
                return
        self.seen.append(request)
        method, path, _ = request.split(b"\r\n", 1)[0].decode().split(" ", 2)
        page = self.pages.get(f"{method} {path}") or self.pages.get(path) or self.pages[""]
        stream.sendall(response(*page))
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_WR)
        wait_for_close(stream)


def response(status: int, headers: Mapping[str, str] | list[tuple[str, str]], body: bytes) -> bytes:
    """Write a response."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else headers
    lines = [f"HTTP/1.1 {status} Test", *(f"{name}: {value}" for name, value in pairs)]
    if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in pairs):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def tls_context(identity: Identity, folder: Path) -> ssl.SSLContext:
    """Give a server context with a certificate made for the test."""
    (folder / "web.pem").write_bytes(identity.pem + identity.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "web.pem")
    return context
