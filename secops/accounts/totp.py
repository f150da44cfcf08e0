"""One-time codes by the clock, RFC 6238: numbers in, numbers out; knows no store.

Six digits, steps of 30 s, HMAC-SHA-1: what every authenticator app speaks.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
import unicodedata
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
DRIFT = 1
"""Steps before and after the present one that count, for clocks that go wrong."""


def new_seed() -> bytes:
    """160 random bits, as RFC 4226 asks for."""
    return secrets.token_bytes(20)


def code_at(seed: bytes, step: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The code of one time step. Source: RFC 4226, 5.3."""
    digest = hmac.digest(seed, struct.pack(">Q", step), algorithm)
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def normal(text: str) -> str:
    """What was typed, without spaces and with full-width digits made plain; one code has one spelling."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def matching_step(seed: bytes, answer: str, now: datetime) -> int | None:
    """The time step that *answer* is the code of, within the drift; None when it is none's."""
    typed = normal(answer)
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    present = step_of(now)
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(code_at(seed, step), typed):
            found = step
    return found


def spelled(seed: bytes) -> str:
    """The seed for typing into an app, in groups of four."""
    text = base64.b32encode(seed).decode("ascii").rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(seed: bytes, username: str, issuer: str) -> str:
    """The ``otpauth`` address that a QR code carries."""
    secret = base64.b32encode(seed).decode("ascii").rstrip("=")
    fields = urlencode({"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS})
    return f"otpauth://totp/{quote(issuer)}:{quote(username)}?{fields}"
