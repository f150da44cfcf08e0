"""What an SSH server offers before any log-in, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AlgorithmKind(StrEnum):
    """The lists of a KEXINIT message that are judged (RFC 4253, 7.1)."""

    KEX = "kex"
    HOST_KEY = "host-key"
    CIPHER = "cipher"
    MAC = "mac"


class Concern(StrEnum):
    """Why an offered algorithm is remarkable."""

    BROKEN = "broken"
    WEAK = "weak"
    NATIONAL = "national"


@dataclass(frozen=True, slots=True)
class AlgorithmNote:
    """A remark on one offered algorithm; ``why`` is a short machine word such as ``sha1``."""

    kind: AlgorithmKind
    name: str
    concern: Concern
    why: str


@dataclass(frozen=True, slots=True)
class SshKexResult:
    """The server's banner and its own lists, in its order of preference.

    ``protocol`` is the version in the banner (``2.0``, ``1.99`` means 1 and 2, ``1.5`` means 1 only).
    The lists are empty for a server of version 1 only, which sends no KEXINIT. ``ciphers_in`` and
    ``macs_in`` are client to server, ``…_out`` server to client. ``strict_kex`` is the answer to
    CVE-2023-48795; ``terrapin_exposed`` is ``None`` when no list was read.
    ``national_first`` says for each list whether a national algorithm stands at its head.
    """

    banner: str
    protocol: str
    software: str
    ssh1: bool
    kex: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    ciphers_in: tuple[str, ...] = ()
    ciphers_out: tuple[str, ...] = ()
    macs_in: tuple[str, ...] = ()
    macs_out: tuple[str, ...] = ()
    compression: tuple[str, ...] = ()
    strict_kex: bool = False
    terrapin_exposed: bool | None = None
    notes: tuple[AlgorithmNote, ...] = ()
    national_first: tuple[AlgorithmKind, ...] = ()
