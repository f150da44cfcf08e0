"""What one TLS port answered, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scanners.sm_crypto.certificates import CertificateFacts


class VersionAnswer(StrEnum):
    """What a server said to a hello of one version; ``UNCLEAR`` says nothing about support."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCLEAR = "unclear"


class NationalAnswer(StrEnum):
    """How far the national suites of RFC 8998 go.

    ``FULL``: suite and key exchange are national (SM4, SM3 and curveSM2). ``PARTIAL``: the suite is, the
    key exchange is not. Neither says anything about the certificate.
    """

    FULL = "full"
    PARTIAL = "partial"
    REFUSED = "refused"
    UNCLEAR = "unclear"


class Trust(StrEnum):
    """Whether a chain ends at an anchor; ``UNKNOWN`` where no anchors were given or found."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VersionReport:
    """One version: the answer, and what was agreed on when it was accepted.

    ``suite`` is the server's choice out of all suites that are known here, ``group`` the curve or the named
    group of the key exchange, ``dh_bits`` the size of a finite-field group. ``detail`` says what came
    instead: an alert, another version, an end of the connection.
    """

    version: str
    answer: VersionAnswer
    suite: str = ""
    suite_number: int | None = None
    forward_secrecy: bool | None = None
    group: str = ""
    dh_bits: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WeakSuite:
    """A suite that the server chose when nothing better was offered; ``why`` is a machine word."""

    name: str
    number: int
    version: str
    why: str


@dataclass(frozen=True, slots=True)
class NationalReport:
    """Answer to the two hellos of RFC 8998."""

    answer: NationalAnswer
    suite: str = ""
    group: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PresentedChain:
    """Certificates as the server sent them, leaf first; ``source`` is the version they came with."""

    source: str
    certificates: tuple[CertificateFacts, ...]
    trust: Trust
    trust_detail: str = ""
    name_matches: bool | None = None


@dataclass(frozen=True, slots=True)
class TlsResult:
    """State of one TLS port.

    ``server_name`` is the name that was asked for, empty when only the address was. ``weak_complete`` is
    True when the search for weak suites went on until the server refused what was left. ``blind_spots``
    are machine words for what this run could not see.
    """

    server_name: str
    versions: tuple[VersionReport, ...]
    weak_suites: tuple[WeakSuite, ...]
    weak_complete: bool
    national: NationalReport
    chains: tuple[PresentedChain, ...]
    connections: int
    blind_spots: tuple[str, ...] = ()

    def version(self, name: str) -> VersionReport | None:
        """Give the report of one version, such as ``TLS 1.2``."""
        return next((report for report in self.versions if report.version == name), None)
