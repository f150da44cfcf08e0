"""HTTP/1.1 messages: requests to bytes, bytes to responses. Pure and bounded.

Only what a look from outside needs: GET, OPTIONS and TRACE without a body. A response is read up to a
limit and then left; a body that is longer is marked, not waited for.

Source: RFC 9110, RFC 9112.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from scanners.tls.text import printable_bytes

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_BODY_BYTES = 64 * 1024
MAX_INTERIM = 8
_STATUS_RE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n]*)?")
_NAME_RE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_SIZE_RE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[;\t ].*)?")
_PATH_RE = re.compile(r"/[\x21-\x7e]{0,200}|\*")


class HttpError(ValueError):
    """The bytes are not a response of HTTP/1; *detail* says where."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Method(StrEnum):
    """Methods that are sent; none of them changes anything on a server that keeps to the standard."""

    GET = "GET"
    OPTIONS = "OPTIONS"
    TRACE = "TRACE"


@dataclass(frozen=True, slots=True)
class Response:
    """One response. Header names are in lower case, in the order sent; ``truncated`` when the body was longer."""

    status: int
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool

    def all(self, name: str) -> tuple[str, ...]:
        """Give every value of a header, in order."""
        return tuple(value for key, value in self.headers if key == name)

    def first(self, name: str) -> str:
        """Give the first value of a header, empty when there is none."""
        return next(iter(self.all(name)), "")


def build_request(method: Method, path: str, host: str, extra: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Give a request without a body that ends the connection.

    Raises:
        ValueError: a path or a header value that could end its line.
    """
    lines = [
        ("Host", host),
        ("User-Agent", "secops-probe"),
        ("Accept", "*/*"),
        *extra,
        ("Connection", "close"),
    ]
    if not _PATH_RE.fullmatch(path):
        raise ValueError("path must be printable ASCII and begin with /")
    if any(not value.isascii() or not value.isprintable() for _, value in lines):
        raise ValueError("header values must be printable ASCII")
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("ascii")


@dataclass(slots=True)
class ResponseReader:
    """Takes bytes as they come; ``done`` when the response is whole or over its limit."""

    _data: bytearray = field(default_factory=bytearray)
    _head: Response | None = None
    _body_at: int = 0
    _interim: int = 0

    def feed(self, data: bytes) -> Response | None:
        """Add bytes; gives the response as soon as it is whole.

        Raises:
            HttpError: not HTTP/1, or a head beyond its limits.
        """
        self._data += data
        if self._head is None and not self._read_head():
            return None
        return self._body(at_end=False)

    def finish(self) -> Response:
        """Say that the connection ended; gives the response as far as it came.

        Raises:
            HttpError: the head is not whole, or a body of known length was cut short.
        """
        if self._head is None and not self._read_head():
            raise HttpError("the response ends inside its head")
        response = self._body(at_end=True)
        if response is None:
            raise HttpError("the response ends inside its body")
        return response

    def _read_head(self) -> bool:
        while True:
            self._check_start()
            end = self._data.find(b"\r\n\r\n")
            if end > MAX_HEAD_BYTES or (end == -1 and len(self._data) > MAX_HEAD_BYTES):
                raise HttpError(f"head of more than {MAX_HEAD_BYTES} bytes")
            if end == -1:
                return False
            head = _parse_head(bytes(self._data[:end]))
            if not 100 <= head.status < 200:
                self._head, self._body_at = head, end + 4
                return True
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise HttpError(f"more than {MAX_INTERIM} interim responses")
            del self._data[: end + 4]

    def _check_start(self) -> None:
        start = bytes(self._data[:7])
        if start and not b"HTTP/1.".startswith(start):
            raise HttpError(f"not HTTP/1: {printable_bytes(bytes(self._data[:24]), 48)}")

    def _body(self, *, at_end: bool) -> Response | None:
        head = self._head
        assert head is not None
        have = bytes(self._data[self._body_at :])
        if head.status in (204, 304):
            return _with_body(head, b"", truncated=False)
        if "chunked" in head.first("transfer-encoding").lower():
            return _chunked(head, have)
        length = _length(head)
        if length is not None and len(have) >= length:
            return _with_body(head, have[:length])
        if len(have) > MAX_BODY_BYTES:
            return _with_body(head, have)
        if at_end and length is None:
            return _with_body(head, have)
        return None


def _with_body(head: Response, body: bytes, *, truncated: bool | None = None) -> Response:
    is_cut = len(body) > MAX_BODY_BYTES if truncated is None else truncated
    return Response(head.status, head.version, head.headers, body[:MAX_BODY_BYTES], is_cut)


def _parse_head(head: bytes) -> Response:
    status_line, *lines = head.split(b"\r\n")
    match = _STATUS_RE.fullmatch(status_line)
    if match is None:
        raise HttpError(f"not a status line: {printable_bytes(status_line, 48)}")
    if len(lines) > MAX_HEADERS:
        raise HttpError(f"more than {MAX_HEADERS} header lines")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME_RE.fullmatch(name):
            raise HttpError(f"not a header line: {printable_bytes(line, 48)}")
        headers.append((name.decode("ascii").lower(), printable_bytes(value.strip(b" \t"), 2048)))
    return Response(int(match[2]), f"1.{match[1].decode()}", tuple(headers), b"", False)


def _length(head: Response) -> int | None:
    values = set(head.all("content-length"))
    if not values:
        return None
    if len(values) > 1 or not re.fullmatch(r"[0-9]{1,12}", next(iter(values))):
        raise HttpError("contradictory or malformed content-length")
    return int(values.pop())


def _chunked(head: Response, data: bytes) -> Response | None:
    body, offset = bytearray(), 0
    while len(body) <= MAX_BODY_BYTES:
        end = data.find(b"\r\n", offset)
        if end == -1:
            if len(data) - offset > 256:
                raise HttpError("chunk size line is too long")
            return None
        match = _SIZE_RE.fullmatch(data[offset:end])
        if match is None:
            raise HttpError("malformed chunk size")
        size = int(match[1], 16)
        if size == 0:
            return _with_body(head, bytes(body))
        chunk = data[end + 2 : end + 2 + size]
        body += chunk
        offset = end + 2 + size + 2
        if len(data) < offset:
            return _with_body(head, bytes(body)) if len(body) > MAX_BODY_BYTES else None
        if data[offset - 2 : offset] != b"\r\n":
            raise HttpError("chunk does not end where it should")
    return _with_body(head, bytes(body))
