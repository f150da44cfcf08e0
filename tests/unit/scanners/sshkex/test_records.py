"""Reading of SSH bytes."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.sshkex.records import (
    MAX_PREAMBLE_BYTES,
    Identification,
    KexInit,
    SshRecordError,
    read_identification,
    read_kexinit,
)
from tests.unit.scanners.sshkex.wire import kexinit, packet


def test_identification_is_read_with_what_follows_left_alone() -> None:
    """The line ends at CR LF, and the count of its bytes points behind it."""
    found = read_identification(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\nrest")

    assert found is not None
    assert (found.protocol, found.software, found.consumed) == ("2.0", "OpenSSH_9.2p1 Debian", 30)


def test_lines_before_the_identification_are_skipped() -> None:
    """A notice may stand before the identification line (RFC 4253, 4.2)."""
    found = read_identification(b"Welcome\r\nonly for staff\nSSH-1.99-Cisco-1.25\n")

    assert found is not None
    assert found.protocol == "1.99"


def test_an_unfinished_line_asks_for_more() -> None:
    """Without a line end nothing is concluded."""
    assert read_identification(b"SSH-2.0-Open") is None


def test_control_bytes_of_a_banner_are_spelled_out() -> None:
    """Escape sequences and markup in a banner stay visible text."""
    found = read_identification(b"SSH-2.0-<b>\x1b[2J\xff\r\n")

    assert found is not None
    assert found.software == "<b>\\x1b[2J\\xff"


@pytest.mark.parametrize(
    "data",
    [
        b"A" * (MAX_PREAMBLE_BYTES + 1),
        b"line\n" * 4000,
        b"SSH-two-x\r\n",
        b"SSH-2.0-" + b"x" * 2000 + b"\n",
        b"SSH-2.0-nul\x00\r\n",
    ],
)
def test_what_is_no_identification_is_an_error(data: bytes) -> None:
    """Endless text and malformed lines end the reading."""
    with pytest.raises(SshRecordError):
        read_identification(data)


def test_kexinit_gives_its_ten_lists_in_order() -> None:
    """Every list arrives where it belongs, empty ones as empty."""
    lists = [[f"name{n}-{i}" for i in range(n)] for n in range(10)]

    found = read_kexinit(packet(kexinit(lists)))

    assert found is not None
    assert [list(getattr(found, name)) for name in found.__slots__] == lists


def test_messages_that_may_be_ignored_are_passed_over() -> None:
    """IGNORE and DEBUG may come before KEXINIT."""
    data = packet(b"\x02" + b"x" * 20) + packet(b"\x04" + b"x" * 20) + packet(kexinit([["a"]] * 10))

    found = read_kexinit(data)

    assert found is not None
    assert found.kex == ("a",)


def _with_length(length: int) -> bytes:
    return struct.pack(">IB", length, 4) + b"\x14" + bytes(40)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_with_length(0), "length 0"),
        (_with_length(11), "length 11"),
        (_with_length(35_001), "length 35001"),
        (_with_length(0xFFFFFFFF), "length 4294967295"),
        (struct.pack(">IB", 12, 3) + bytes(11), "padding length 3"),
        (struct.pack(">IB", 12, 11) + bytes(11), "padding length 11"),
        (packet(b"\x01" + bytes(20)), "disconnected"),
        (packet(b"\x05" + bytes(20)), "message 5"),
        (packet(b"\x14" + bytes(10)), "ends inside a list"),
        (packet(b"\x14" + bytes(16) + struct.pack(">I", 5) + b"ab"), "longer than its message"),
        (packet(kexinit([["a"]] * 10) + b"x"), "does not end"),
        (packet(kexinit([["a"]] * 10)[:-1]), "does not end"),
        (packet(kexinit([["a", ""]] * 10)), "forbidden characters"),
        (packet(kexinit([["a b"]] * 10)), "forbidden characters"),
        (packet(kexinit([["x" * 65]] * 10)), "too long"),
        (packet(kexinit([["a"] * 257] * 10)), "more than 256"),
        (packet(b"\x14" + bytes(16) + (struct.pack(">I", 1) + b"\xff") * 10 + bytes(5)), "not ASCII"),
    ],
)
def test_malformed_packets_are_named(data: bytes, words: str) -> None:
    """Every wrong length, padding, message or name ends the reading with a reason."""
    with pytest.raises(SshRecordError) as caught:
        read_kexinit(data)

    assert words in caught.value.detail


def test_every_shorter_prefix_asks_for_more() -> None:
    """A packet cut anywhere is unfinished, never wrong and never whole."""
    whole = packet(kexinit([["sm2-sm3", "curve25519-sha256"]] * 10))

    answers = {read_kexinit(whole[:cut]) for cut in range(len(whole))}

    assert answers == {None}


@given(st.binary(max_size=400))
def test_arbitrary_bytes_raise_only_the_declared_error(data: bytes) -> None:
    """No input makes the readers fail in another way than by their own error."""
    for read in (read_identification, read_kexinit):
        with contextlib.suppress(SshRecordError):
            assert read(data) is None or isinstance(read(data), Identification | KexInit)
