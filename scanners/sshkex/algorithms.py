"""Which SSH algorithm names are weak and which are national. Tables and pure functions.

Sources: RFC 9142 (key exchange), RFC 8758 (RC4), RFC 8332 (ssh-rsa is SHA-1), RFC 6151 (MD5);
CVE-2023-48795 for the prefix truncation. Names of national algorithms as OpenSSH builds of openEuler
and its relatives spell them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from scanners.sshkex.result import AlgorithmKind, AlgorithmNote, Concern

_NATIONAL_RE = re.compile(r"(?:^|[-_.@])(sm[234])(?:$|[-_.@])")

# First match wins; names are compared whole, without the @domain suffix.
_RULES: Mapping[AlgorithmKind, tuple[tuple[re.Pattern[str], Concern, str], ...]] = {
    AlgorithmKind.KEX: (
        (re.compile(r"diffie-hellman-group1-sha1"), Concern.BROKEN, "1024-bit"),
        (re.compile(r"rsa1024-sha1"), Concern.BROKEN, "1024-bit"),
        (re.compile(r"gss-group1-sha1-.*"), Concern.BROKEN, "1024-bit"),
        (re.compile(r".*-sha1(-.*)?"), Concern.WEAK, "sha1"),
    ),
    AlgorithmKind.HOST_KEY: (
        (re.compile(r"ssh-dss(-cert-v01|-cert-v00)?"), Concern.BROKEN, "dsa-1024"),
        (re.compile(r"x509v3-sign-dss"), Concern.BROKEN, "dsa-1024"),
        (re.compile(r"ssh-rsa(-cert-v01|-cert-v00)?|x509v3-sign-rsa"), Concern.WEAK, "sha1"),
        (re.compile(r"null"), Concern.BROKEN, "none"),
    ),
    AlgorithmKind.CIPHER: (
        (re.compile(r"none"), Concern.BROKEN, "none"),
        (re.compile(r"arcfour(128|256)?"), Concern.BROKEN, "rc4"),
        (re.compile(r"des(-cbc)?(-ssh1)?"), Concern.BROKEN, "des"),
        (re.compile(r"(3des|blowfish|cast128|idea)-(cbc|ctr|cfb|ofb)"), Concern.WEAK, "64-bit-block"),
        (re.compile(r".*-cbc(-ssh)?"), Concern.WEAK, "cbc"),
    ),
    AlgorithmKind.MAC: (
        (re.compile(r"none"), Concern.BROKEN, "none"),
        (re.compile(r"hmac-md5.*"), Concern.BROKEN, "md5"),
        (re.compile(r"hmac-sha1-96.*"), Concern.WEAK, "96-bit"),
        (re.compile(r"hmac-sha1(-etm)?"), Concern.WEAK, "sha1"),
        (re.compile(r"hmac-ripemd160.*"), Concern.WEAK, "ripemd160"),
        (re.compile(r"umac-64(-etm)?"), Concern.WEAK, "64-bit-tag"),
    ),
}

_STRICT_KEX_SERVER = "kex-strict-s-v00@openssh.com"
_NOT_ALGORITHMS = frozenset({_STRICT_KEX_SERVER, "kex-strict-c-v00@openssh.com", "ext-info-s", "ext-info-c"})


def is_national(name: str) -> bool:
    """Say whether a name carries SM2, SM3 or SM4.

    >>> is_national("sm4-ctr"), is_national("hmac-sm3"), is_national("chacha20-poly1305@openssh.com")
    (True, True, False)
    """
    return _NATIONAL_RE.search(name) is not None


def _note(kind: AlgorithmKind, name: str) -> AlgorithmNote | None:
    if name in _NOT_ALGORITHMS:
        return None
    bare = name.partition("@")[0]
    for pattern, concern, why in _RULES[kind]:
        if pattern.fullmatch(bare):
            return AlgorithmNote(kind, name, concern, why)
    match = _NATIONAL_RE.search(name)
    return None if match is None else AlgorithmNote(kind, name, Concern.NATIONAL, match[1])


def notes_on(offered: Mapping[AlgorithmKind, Iterable[str]]) -> tuple[AlgorithmNote, ...]:
    """Give one remark for each remarkable name, in the order of the lists, each name once per list."""
    notes: list[AlgorithmNote] = []
    for kind, names in offered.items():
        notes += [note for name in dict.fromkeys(names) if (note := _note(kind, name)) is not None]
    return tuple(notes)


def national_first(offered: Mapping[AlgorithmKind, Sequence[str]]) -> tuple[AlgorithmKind, ...]:
    """Give the lists whose first algorithm is national; pseudo-names do not count."""
    heads = {
        kind: next((n for n in names if n not in _NOT_ALGORITHMS), "") for kind, names in offered.items()
    }
    return tuple(kind for kind, name in heads.items() if is_national(name))


def has_strict_kex(kex: Iterable[str]) -> bool:
    """Say whether the server offers the strict key exchange of OpenSSH."""
    return _STRICT_KEX_SERVER in kex


def terrapin_exposed(kex: Sequence[str], ciphers: Sequence[str], macs: Sequence[str]) -> bool:
    """Say whether the lists allow the prefix truncation of CVE-2023-48795.

    True when a cipher that can be attacked is offered (ChaCha20-Poly1305, or CBC together with an
    encrypt-then-MAC) and strict key exchange is not. A client that is strict does not help: both must be.
    """
    if has_strict_kex(kex):
        return False
    chacha = any(name.startswith("chacha20-poly1305") for name in ciphers)
    cbc_etm = any("-cbc" in name for name in ciphers) and any("-etm" in name for name in macs)
    return chacha or cbc_etm
