"""What the probe gives back, and what it is given. Credentials are never part of a result."""

from __future__ import annotations

from dataclasses import dataclass

from scanners.baseline.model import Facts

__all__ = ["Credentials", "Facts", "HostKey"]


class Credentials:
    """How to log in. Not a dataclass on purpose: it cannot be turned into JSON and never shows its secrets."""

    __slots__ = ("passphrase", "password", "private_key", "username")

    def __init__(
        self,
        username: str,
        *,
        password: str | None = None,
        private_key: str | None = None,
        passphrase: str | None = None,
    ) -> None:
        self.username = username
        self.password = password
        self.private_key = private_key
        self.passphrase = passphrase

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, ...)"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not written anywhere")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A key of an SSH server: ``ssh-ed25519`` and such, and its fingerprint as ``SHA256:...``."""

    algorithm: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.algorithm} {self.fingerprint}"

    @classmethod
    def parse(cls, text: str) -> HostKey:
        """Read ``"ssh-ed25519 SHA256:..."``, or a fingerprint alone (algorithm empty)."""
        words = text.split()
        if len(words) == 1:
            words = ["", *words]
        if len(words) != 2 or not words[1].startswith("SHA256:"):
            raise ValueError("a host key is written as: algorithm SHA256:fingerprint")
        return cls(words[0], words[1])
