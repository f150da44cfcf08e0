"""A loopback TCP server that runs one function per connection, and functions that misbehave."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType

from scanners.base import Target

Handler = Callable[[socket.socket], None]


class Peer:
    """Listens on a free port of 127.0.0.1 and hands each connection to *handler* in its own thread.

    ``connections`` counts what was accepted.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self.connections = 0
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    @property
    def target(self) -> Target:
        return Target("127.0.0.1", self.port)

    def __enter__(self) -> Peer:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(5)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):
                self._handler(connection)
        finally:
            with self._lock:
                self._open.discard(connection)
                connection.close()


def reset(connection: socket.socket) -> None:
    """End a connection with a reset in place of an orderly close."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def wait_for_close(connection: socket.socket) -> None:
    """Read until the other side has gone."""
    while connection.recv(65536):
        pass


def sends(data: bytes) -> Handler:
    """Send *data*, then wait for the client to go."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(data)
        wait_for_close(connection)

    return handle


def sends_then_closes(data: bytes) -> Handler:
    """Read something, send *data*, close in an orderly way."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        wait_for_close(connection)

    return handle


def sends_then_resets(data: bytes) -> Handler:
    """Read something, send *data*, reset."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)
        reset(connection)

    return handle


def resets_after(data: bytes) -> Handler:
    """Send *data* unasked, then reset."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(data)
        reset(connection)

    return handle


def endless(data: bytes) -> Handler:
    """Send *data* again and again until the client goes."""

    def handle(connection: socket.socket) -> None:
        block = data * max(1, 16384 // len(data))
        while True:
            connection.sendall(block)

    return handle


def tarpit(connection: socket.socket) -> None:
    """Accept and say nothing."""
    wait_for_close(connection)


def closes(connection: socket.socket) -> None:
    """Close at once."""
    connection.shutdown(socket.SHUT_RDWR)


def drips(data: bytes, gap: threading.Event, gap_s: float = 0.05) -> Handler:
    """Send *data* one byte at a time; setting *gap* ends it."""

    def handle(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            if gap.wait(gap_s):
                return
        wait_for_close(connection)

    return handle


HOSTILE: dict[str, Handler] = {
    "tarpit": tarpit,
    "closes": closes,
    "resets": sends_then_resets(b""),
    "endless zeros": endless(b"\x00"),
    "endless text": endless(b"A" * 100 + b"\r\n"),
    "endless without line ends": endless(b"A"),
    "endless 0xff": endless(b"\xff"),
    "http": sends_then_closes(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "markup and control bytes": sends_then_closes(b"<script>alert(1)</script>\x1b[2J\x00\xff\xfe\r\n" * 3),
}
"""Peers that no probe may take anything from but a failure."""
