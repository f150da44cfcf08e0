"""HTTP/1 messages."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.web.http import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    HttpError,
    Method,
    Response,
    ResponseReader,
    build_request,
)


def _whole(data: bytes) -> Response:
    reader = ResponseReader()
    return reader.feed(data) or reader.finish()


def test_a_request_names_its_host_and_ends_the_connection() -> None:
    """The request is equal byte for byte to what was reviewed."""
    assert build_request(Method.GET, "/a?b", "h:1", (("X-A", "1"),)) == (
        b"GET /a?b HTTP/1.1\r\nHost: h:1\r\nUser-Agent: secops-probe\r\nAccept: */*\r\nX-A: 1\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("path", "host"), [("/a b", "h"), ("/a\r\nX: y", "h"), ("a", "h"), ("/", "h\r\nX: y"), ("/", "h\u4e2d")]
)
def test_nothing_can_end_a_line_of_a_request(path: str, host: str) -> None:
    """Spaces, line ends and other alphabets are wrong use."""
    with pytest.raises(ValueError, match="must be"):
        build_request(Method.GET, path, host)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", b"abc"),
        (b"HTTP/1.0 200 OK\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", b"a"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    ],
)
def test_bodies(data: bytes, body: bytes) -> None:
    """Length, chunks and the end of the connection each delimit a body."""
    response = _whole(data)

    assert (response.body, response.truncated) == (body, False)


def test_headers_keep_order_and_repetition() -> None:
    """Names are folded to lower case, values stripped, nothing is merged."""
    response = _whole(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSET-COOKIE:  b=2 \r\nX: \xff\x1b\r\n\r\n")

    assert response.all("set-cookie") == ("a=1", "b=2")
    assert (response.first("x"), response.first("y")) == ("\\xff\\x1b", "")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY_BYTES + 9),
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b"x" * (MAX_BODY_BYTES + 9),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b"x" * (MAX_BODY_BYTES + 9),
    ],
)
def test_a_long_body_is_cut_and_marked(data: bytes) -> None:
    """Nobody waits for the rest of a body beyond the limit."""
    response = ResponseReader().feed(data)

    assert response is not None
    assert (len(response.body), response.truncated) == (MAX_BODY_BYTES, True)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"SSH-2.0-x\r\n\r\n", "not HTTP/1"),
        (b"HTTP/2 200\r\n\r\n", "not HTTP/1"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 9, "interim"),
        (b"HTTP/1.1 9 x\r\n\r\n", "not a status line"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "not a header line"),
        (b"HTTP/1.1 200 OK\r\n bad: fold\r\n\r\n", "not a header line"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 101 + b"\r\n", "100 header lines"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * MAX_HEAD_BYTES, "head of more"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "content-length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab", "content-length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "inside its body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 300, "too long"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "does not end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "inside its body"),
        (b"HTTP/1.1 200 OK\r\nA: b", "inside its head"),
        (b"", "inside its head"),
    ],
)
def test_what_is_no_response_is_refused(data: bytes, words: str) -> None:
    """Other protocols, wrong lengths and ends in the middle are named."""
    with pytest.raises(HttpError) as caught:
        _whole(data)

    assert words in caught.value.detail


@given(st.binary(max_size=300), st.integers(1, 50))
def test_arbitrary_bytes_raise_only_the_declared_error(data: bytes, step: int) -> None:
    """No input makes the reader fail in another way than by its own error, however it is cut."""
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        reader, whole = ResponseReader(), prefix + data
        with contextlib.suppress(HttpError):
            answers = [reader.feed(whole[at : at + step]) for at in range(0, len(whole), step)]
            last = next((answer for answer in answers if answer), None) or reader.finish()
            assert 100 <= last.status < 600
