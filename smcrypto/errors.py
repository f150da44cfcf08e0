"""Every error of this package.

::

    SmCryptoError
    ├── InvalidKey              a key out of range, off the curve or of the wrong kind
    ├── DerError                bytes that are not the strict DER asked for
    ├── DecryptionFailed        a tag, a hash or a key did not fit; says no more on purpose
    ├── InvalidParameter        a length or an argument outside what the algorithm allows
    ├── ContainerError
    │   ├── UnsupportedContainer    not ours, or newer than this code
    │   └── DamagedContainer        changed, cut or spliced; ``part`` and ``chunk`` say where
    └── KeyProviderError
        ├── KeyMissing          no such key here
        ├── KeyFileUnsafe       owner, mode or form of a key file is not what it must be
        └── KeyExists           a key would be overwritten
"""

from __future__ import annotations


class SmCryptoError(Exception):
    """Base of all errors of this package."""


class InvalidKey(SmCryptoError, ValueError):
    """A key is out of range, off the curve or of the wrong kind."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DerError(SmCryptoError, ValueError):
    """The bytes are not the strict DER that was asked for."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DecryptionFailed(SmCryptoError):
    """The cipher text, its tag or the key do not belong together. One message for all causes, so it is no oracle."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return "decryption failed"


class InvalidParameter(SmCryptoError, ValueError):
    """An argument is outside what the algorithm allows."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ContainerError(SmCryptoError):
    """Base of what can be wrong with a sealed container."""


class UnsupportedContainer(ContainerError):
    """Not a sealed container, or a version, algorithm or chunk size this code does not know."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DamagedContainer(ContainerError):
    """The container was changed, cut short or put together from others.

    ``part`` is ``header``, ``key`` or ``chunk``; ``chunk`` is the number from 0 of the first bad chunk, else None.
    """

    def __init__(self, part: str, chunk: int | None = None) -> None:
        super().__init__(part, chunk)
        self.part = part
        self.chunk = chunk

    def __str__(self) -> str:
        if self.chunk is None:
            return f"sealed container is damaged: {self.part}"
        return f"sealed container is damaged: {self.part} {self.chunk}"


class KeyProviderError(SmCryptoError):
    """Base of what can go wrong with keys kept outside the program."""


class KeyMissing(KeyProviderError):
    """No key of this name is held here."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no key {self.name!r} in this provider"


class KeyFileUnsafe(KeyProviderError):
    """Owner, mode or form of a key file is not what it must be; it was not used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class KeyExists(KeyProviderError):
    """A key of this name exists; it is never overwritten."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"key {self.name!r} exists and is not overwritten"
