"""National algorithms in configuration files: what is asked for, line by line. Pure.

A line in a file is an intention. It weighs only beside a live look at the same service, so nothing here is
ever a suggestion that cryptography is used. Included files are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from scanners.tls.text import printable

MAX_LINES = 20_000
MAX_FINDINGS = 200


class ConfigurationKind(StrEnum):
    """Kinds of files that are understood."""

    WEB = "web"
    TOMCAT = "tomcat"
    SSH = "ssh"
    DATABASE = "database"
    DATABASE_ACCESS = "database-access"
    PASSWORDS = "passwords"


class Intention(StrEnum):
    """What a line means: national algorithms, other ones beside them, or a setting that undoes protection."""

    NATIONAL = "national"
    FOREIGN = "foreign"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class ConfigurationFinding:
    """One line that speaks of cryptography; ``value`` is the setting as written, never a secret."""

    file: str
    line: int
    kind: ConfigurationKind
    setting: str
    value: str
    intention: Intention


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    intention: Intention


def _rule(pattern: str, intention: Intention) -> _Rule:
    return _Rule(re.compile(rf"^\s*{pattern}", re.IGNORECASE), intention)


_NATIONAL_WORDS = r"(?:(?:ECC|ECDHE)-(?:SM2-)?SM4-[A-Z0-9-]+|TLS_SM4_(?:GCM|CCM)_SM3)"
_VALUE = r"[^;#\n]{1,300}"

# The named groups "setting" and "value" are what a finding shows; paths of keys are names, not keys.
_RULES: dict[ConfigurationKind, tuple[_Rule, ...]] = {
    ConfigurationKind.WEB: (
        _rule(r"(?P<setting>enable_ntls)\s+(?P<value>on)\s*;", Intention.NATIONAL),
        _rule(
            rf"(?P<setting>ssl_(?:sign|enc)_certificate(?:_key)?)\s+(?P<value>{_VALUE});", Intention.NATIONAL
        ),
        _rule(rf"(?P<setting>ssl_ciphers)\s+(?P<value>[^#;]*\b{_NATIONAL_WORDS}[^#;]*);", Intention.NATIONAL),
        _rule(r"(?P<setting>ssl_protocols)\s+(?P<value>[^;#]*\bNTLS[^;#]*);", Intention.NATIONAL),
        _rule(
            r"(?P<setting>ssl_protocols)\s+(?P<value>[^;#]*\b(?:SSLv[23]|TLSv1(?:\.1)?)\b(?!\.)[^;#]*);",
            Intention.WEAK,
        ),
        _rule(rf"(?P<setting>ssl_certificate)\s+(?P<value>{_VALUE});", Intention.FOREIGN),
    ),
    ConfigurationKind.TOMCAT: (
        _rule(
            r'.*\b(?P<setting>(?:sslEnabledP|p)rotocols)\s*=\s*"(?P<value>[^"]*\b(?:TLCP|GMTLS|NTLS)[^"]*)"',
            Intention.NATIONAL,
        ),
        _rule(r'.*\b(?P<setting>ciphers)\s*=\s*"(?P<value>[^"]*\bSM4[^"]*)"', Intention.NATIONAL),
        _rule(
            r'.*\b(?P<setting>(?:sslEnabledP|p)rotocols)\s*=\s*"(?P<value>[^"]*\b(?:SSLv[23]|TLSv1(?:\.1)?)\b(?!\.)[^"]*)"',
            Intention.WEAK,
        ),
    ),
    ConfigurationKind.SSH: (
        _rule(
            r"(?P<setting>KexAlgorithms|HostKeyAlgorithms|Ciphers|MACs|PubkeyAcceptedKeyTypes|PubkeyAcceptedAlgorithms)"
            r"[\s=]+(?P<value>[^#\n]*\b(?:sm2|sm4|hmac-sm3)[^#\n]*)",
            Intention.NATIONAL,
        ),
    ),
    ConfigurationKind.DATABASE: (
        _rule(r"(?P<setting>password_encryption_type)\s*=\s*'?(?P<value>3)'?", Intention.NATIONAL),
        _rule(r"(?P<setting>password_encryption_type)\s*=\s*'?(?P<value>[12])'?", Intention.FOREIGN),
        _rule(r"(?P<setting>password_encryption_type)\s*=\s*'?(?P<value>0)'?", Intention.WEAK),
    ),
    ConfigurationKind.DATABASE_ACCESS: (
        _rule(r"(?P<setting>host(?:ssl|nossl)?|local)\s+(?:\S+\s+){2,4}(?P<value>sm3)\b", Intention.NATIONAL),
        _rule(
            r"(?P<setting>host(?:ssl|nossl)?|local)\s+(?:\S+\s+){2,4}(?P<value>trust|password)\b",
            Intention.WEAK,
        ),
    ),
    ConfigurationKind.PASSWORDS: (
        _rule(r"(?P<setting>ENCRYPT_METHOD)\s+(?P<value>SM3)\b", Intention.NATIONAL),
        _rule(r"(?P<setting>ENCRYPT_METHOD)\s+(?P<value>DES|MD5)\b", Intention.WEAK),
        _rule(r"(?P<setting>password)\s+\S+\s+pam_unix\.so\b[^#\n]*\b(?P<value>sm3)\b", Intention.NATIONAL),
    ),
}

_KINDS_BY_NAME: tuple[tuple[re.Pattern[str], ConfigurationKind], ...] = (
    (re.compile(r"(^|/)sshd?_config(\.d/[^/]+)?$"), ConfigurationKind.SSH),
    (re.compile(r"(^|/)server\.xml$"), ConfigurationKind.TOMCAT),
    (re.compile(r"(^|/)(postgresql|gaussdb|mot)[^/]*\.conf$"), ConfigurationKind.DATABASE),
    (re.compile(r"(^|/)(pg|gs)_hba\.conf$"), ConfigurationKind.DATABASE_ACCESS),
    (
        re.compile(r"(^|/)(login\.defs|pam\.d/[^/]+|system-auth|password-auth|common-password)$"),
        ConfigurationKind.PASSWORDS,
    ),
    (re.compile(r"\.(conf|vhost)$|(^|/)sites-(enabled|available)/[^/]+$"), ConfigurationKind.WEB),
)


def kind_of(name: str) -> ConfigurationKind | None:
    """Tell the kind of a file by its name, ``None`` when it is none that is understood."""
    return next((kind for pattern, kind in _KINDS_BY_NAME if pattern.search(name)), None)


def read_configuration(name: str, data: bytes, kind: ConfigurationKind) -> Iterator[ConfigurationFinding]:
    """Give the lines of one file that speak of cryptography; comments are passed over.

    Of several meanings of a line the first one in the table counts.
    """
    found = 0
    lines = data.decode("utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines[:MAX_LINES], start=1):
        if line.lstrip().startswith(("#", "//", "<!--")) or len(line) > 4096:
            continue
        for rule in _RULES[kind]:
            match = rule.pattern.search(line)
            if match is None:
                continue
            setting, value = printable(match["setting"], 64), printable(" ".join(match["value"].split()), 200)
            yield ConfigurationFinding(name, number, kind, setting, value, rule.intention)
            found += 1
            break
        if found >= MAX_FINDINGS:
            return
