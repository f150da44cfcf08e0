"""What certificate and key files, and the implementations of this machine, turned out to be."""

from __future__ import annotations

from dataclasses import dataclass

from scanners.sm_crypto.certificates import CertificateFacts, ChainReport
from scanners.sm_crypto.configurations import ConfigurationFinding
from scanners.sm_crypto.hints import DakHint
from scanners.sm_crypto.keys import PrivateKeyFacts
from scanners.sm_crypto.pairs import PairCheck, Role
from scanners.sm_crypto.selftest import SelfTestReport


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """One certificate of one file; ``index`` counts from 0 within the file.

    ``key_files`` are the private key files whose public key it carries.
    """

    file: str
    index: int
    facts: CertificateFacts
    role: Role
    chain: ChainReport
    key_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairReport:
    """A signing and an encryption certificate of one subject, and the answers of ``check_pair``.

    ``sign`` and ``encrypt`` are positions in the list of certificates.
    """

    sign: int
    encrypt: int
    checks: tuple[PairCheck, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Ids of the checks that were answered with no."""
        return tuple(check.check_id for check in self.checks if check.passed is False)


@dataclass(frozen=True, slots=True)
class KeyFileReport:
    """One private key file; ``open_to`` names others than its owner who may read it, such as ``group``."""

    file: str
    facts: PrivateKeyFacts
    open_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file or a part of one that was not understood; ``why`` is a short text."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class SmCryptoResult:
    """Everything found under one path, or the self-test of this machine when no path was given.

    ``files`` is how many files were read; ``complete`` is False when a limit ended the search.
    """

    files: int = 0
    complete: bool = True
    certificates: tuple[CertificateReport, ...] = ()
    pairs: tuple[PairReport, ...] = ()
    keys: tuple[KeyFileReport, ...] = ()
    configurations: tuple[ConfigurationFinding, ...] = ()
    unread: tuple[UnreadFile, ...] = ()
    self_test: SelfTestReport | None = None
    hint: DakHint | None = None
