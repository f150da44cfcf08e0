"""Texts without what differs between two answers to one question."""

from __future__ import annotations

import re
import secrets

_CHANGING = (
    re.compile(r'name="csrf_token" value="[^"]*"'),
    re.compile(r'(nonce|content|value)="[^"]{16,}"'),
    re.compile(r"\b[0-9a-f]{16,}\b"),
)


def neutral(text: str) -> str:
    """A page without tokens, nonces and request numbers."""
    for pattern in _CHANGING:
        text = pattern.sub("", text)
    return text


def run_key() -> str:
    """A name for one run from the console."""
    return f"console:{secrets.token_hex(8)}"
