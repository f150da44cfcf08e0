"""Bytes of the SSH transport to values: identification line, packet, KEXINIT. Pure.

Source: RFC 4253, 4.2 (identification), 6 (binary packet), 7.1 (KEXINIT).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from scanners.tls.text import printable_bytes

MAX_PREAMBLE_BYTES = 8 * 1024
MAX_PACKET_BYTES = 35_000
_MAX_NAME = 64
_MAX_NAMES = 256
_KEXINIT = 20
_COOKIE_BYTES = 16
_SKIPPABLE = frozenset({2, 4})  # SSH_MSG_IGNORE, SSH_MSG_DEBUG
_DISCONNECT = 1
_IDENT_RE = re.compile(rb"SSH-([0-9]{1,3}\.[0-9]{1,3})-([^\x00\n]*)")
_NAME_RE = re.compile(r"[\x21-\x2b\x2d-\x7e]+")


class SshRecordError(ValueError):
    """The bytes are not what RFC 4253 asks for; *detail* says where."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Identification:
    """The server's identification line, and how many bytes it and what came before it took."""

    protocol: str
    software: str
    line: bytes
    consumed: int


@dataclass(frozen=True, slots=True)
class KexInit:
    """The ten lists of a KEXINIT message, in its own order."""

    kex: tuple[str, ...]
    host_keys: tuple[str, ...]
    ciphers_in: tuple[str, ...]
    ciphers_out: tuple[str, ...]
    macs_in: tuple[str, ...]
    macs_out: tuple[str, ...]
    compression_in: tuple[str, ...]
    compression_out: tuple[str, ...]
    languages_in: tuple[str, ...]
    languages_out: tuple[str, ...]


def read_identification(data: bytes) -> Identification | None:
    """Find the identification line; ``None`` when more bytes are needed.

    Lines before it are allowed and skipped (RFC 4253, 4.2), up to 8 KiB in all.

    Raises:
        SshRecordError: no such line within the bound, or it is malformed.
    """
    start = 0
    while True:
        end = data.find(b"\n", start)
        if end == -1:
            if len(data) > MAX_PREAMBLE_BYTES:
                raise SshRecordError(f"no identification line in {MAX_PREAMBLE_BYTES} bytes")
            return None
        line = data[start:end].removesuffix(b"\r")
        if line.startswith(b"SSH-"):
            match = _IDENT_RE.fullmatch(line)
            if match is None or len(line) > 1024:
                raise SshRecordError("malformed identification line")
            return Identification(match[1].decode("ascii"), printable_bytes(match[2]), line, end + 1)
        start = end + 1
        if start > MAX_PREAMBLE_BYTES:
            raise SshRecordError(f"no identification line in {MAX_PREAMBLE_BYTES} bytes")


def read_kexinit(data: bytes) -> KexInit | None:
    """Read packets after the identification line up to KEXINIT; ``None`` when more bytes are needed.

    Raises:
        SshRecordError: a length is out of bounds, another message comes first, or a list is malformed.
    """
    offset = 0
    while True:
        packet = _payload(data, offset)
        if packet is None:
            return None
        payload, offset = packet
        if payload[0] == _KEXINIT:
            return _parse_kexinit(payload)
        if payload[0] == _DISCONNECT:
            raise SshRecordError("the server disconnected before its lists")
        if payload[0] not in _SKIPPABLE:
            raise SshRecordError(f"message {payload[0]} where KEXINIT was expected")


def _payload(data: bytes, offset: int) -> tuple[bytes, int] | None:
    if len(data) < offset + 4:
        return None
    (length,) = struct.unpack_from(">I", data, offset)
    if not 12 <= length <= MAX_PACKET_BYTES:
        raise SshRecordError(f"packet length {length} is out of bounds")
    end = offset + 4 + length
    if len(data) < end:
        return None
    padding = data[offset + 4]
    if padding < 4 or padding > length - 2:
        raise SshRecordError(f"padding length {padding} does not fit packet length {length}")
    return data[offset + 5 : end - padding], end


def _parse_kexinit(payload: bytes) -> KexInit:
    offset = 1 + _COOKIE_BYTES
    lists: list[tuple[str, ...]] = []
    for _ in range(10):
        names, offset = _name_list(payload, offset)
        lists.append(names)
    if len(payload) - offset != 5:
        raise SshRecordError("KEXINIT does not end after its ten lists")
    return KexInit(*lists)


def _name_list(payload: bytes, offset: int) -> tuple[tuple[str, ...], int]:
    if len(payload) < offset + 4:
        raise SshRecordError("KEXINIT ends inside a list")
    (length,) = struct.unpack_from(">I", payload, offset)
    end = offset + 4 + length
    if len(payload) < end:
        raise SshRecordError("a list is longer than its message")
    raw = payload[offset + 4 : end]
    if not raw:
        return (), end
    try:
        names = raw.decode("ascii").split(",")
    except UnicodeDecodeError:
        raise SshRecordError("a name is not ASCII") from None
    if len(names) > _MAX_NAMES:
        raise SshRecordError(f"a list has more than {_MAX_NAMES} names")
    for name in names:
        if len(name) > _MAX_NAME or not _NAME_RE.fullmatch(name):
            raise SshRecordError("a name is empty, too long or has forbidden characters")
    return tuple(names), end
