"""SSH bytes for tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Lists = Sequence[Sequence[str]]

OPENEULER: Lists = [
    ["sm2-sm3", "curve25519-sha256", "ecdh-sha2-nistp256"],
    ["sm2", "ssh-ed25519"],
    ["sm4-ctr", "aes256-gcm@openssh.com"],
    ["sm4-ctr", "aes256-gcm@openssh.com"],
    ["hmac-sm3", "hmac-sha2-256"],
    ["hmac-sm3", "hmac-sha2-256"],
    ["none"],
    ["none"],
    [],
    [],
]
"""Names as SSH builds with national algorithms spell them; written for the test, not recorded."""

OLD: Lists = [
    ["diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1"],
    ["ssh-dss", "ssh-rsa"],
    ["3des-cbc", "arcfour", "aes128-cbc"],
    ["3des-cbc", "arcfour", "aes128-cbc"],
    ["hmac-md5", "hmac-sha1"],
    ["hmac-md5", "hmac-sha1"],
    ["none"],
    ["none"],
    [],
    [],
]
"""What an old network device offers."""


def kexinit(lists: Lists) -> bytes:
    """Give the payload of a KEXINIT message."""
    body = b"".join(
        struct.pack(">I", len(text)) + text for text in (",".join(names).encode() for names in lists)
    )
    return b"\x14" + bytes(16) + body + b"\x00" * 5


def packet(payload: bytes) -> bytes:
    """Give an unencrypted packet around *payload*."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def server_says(lists: Lists, banner: bytes = b"SSH-2.0-Test_1.0\r\n") -> bytes:
    """Give all that a server sends before a log-in."""
    return banner + packet(kexinit(lists))
