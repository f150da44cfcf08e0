"""Files sealed with a passphrase, for what leaves the installation: backups, packages.

A line that names the format, salt and rounds of PBKDF2-HMAC-SM3, then a container whose data key is wrapped by the
key that comes of the passphrase. Salt and rounds are bound into the container, so neither can be weakened unseen.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import cast

from smcrypto import container, sm4
from smcrypto.container import Readable, SealResult, Writable
from smcrypto.errors import DamagedContainer, DecryptionFailed, UnsupportedContainer
from smcrypto.kdf import pbkdf2_hmac_sm3
from smcrypto.keys import KeyProvider, Purpose, Wrapped

MAGIC = b"SECOPS-PASSPHRASE-1\n"
ROUNDS = 600_000
_MOST_ROUNDS = 10_000_000
_SALT = 16
_KID = "passphrase"


class _Passphrase:
    """The part of a key provider that a container needs, over one passphrase."""

    def __init__(self, passphrase: bytes, salt: bytes, rounds: int) -> None:
        self._key = pbkdf2_hmac_sm3(passphrase, salt, iterations=rounds, size=sm4.KEY_SIZE)

    current_kid = _KID

    def random(self, size: int) -> bytes:
        return secrets.token_bytes(size)

    def wrap(self, purpose: Purpose, secret: bytes, *, aad: bytes) -> Wrapped:
        nonce = secrets.token_bytes(sm4.NONCE_SIZE)
        return Wrapped(_KID, nonce + sm4.gcm_encrypt(self._key, nonce, secret, aad))

    def unwrap(self, purpose: Purpose, wrapped: Wrapped, *, aad: bytes) -> bytes:
        nonce, sealed = wrapped.blob[: sm4.NONCE_SIZE], wrapped.blob[sm4.NONCE_SIZE :]
        return sm4.gcm_decrypt(self._key, nonce, sealed, aad)


class WrongPassphrase(DecryptionFailed):
    """The passphrase does not open this file, or its beginning was changed: the two can't be told apart."""


def seal(reader: Readable, writer: Writable, passphrase: bytes, *, rounds: int | None = None) -> SealResult:
    """Seal a stream to its end; *rounds* None for :data:`ROUNDS`."""
    rounds = ROUNDS if rounds is None else rounds
    salt = secrets.token_bytes(_SALT)
    head = MAGIC + salt + rounds.to_bytes(4, "big")
    writer.write(head)
    provider = _Passphrase(passphrase, salt, rounds)
    return container.seal(
        reader, writer, cast(KeyProvider, provider), file_id=secrets.token_bytes(16), context=head
    )


def open_stream(reader: Readable, passphrase: bytes) -> Iterator[bytes]:
    """Give the plain text in checked pieces.

    Raises:
        UnsupportedContainer: no file of this format.
        WrongPassphrase: at once.
        DamagedContainer: while iterating.
    """
    head = b""
    wanted = len(MAGIC) + _SALT + 4
    while len(head) < wanted and (more := reader.read(wanted - len(head))):
        head += more
    rounds = int.from_bytes(head[-4:], "big")
    if len(head) < wanted or not head.startswith(MAGIC) or not 1 <= rounds <= _MOST_ROUNDS:
        raise UnsupportedContainer("magic")
    provider = _Passphrase(passphrase, head[len(MAGIC) : -4], rounds)
    try:
        return container.open_stream(reader, cast(KeyProvider, provider), context=head)
    except DamagedContainer as error:
        if error.part == "key":
            raise WrongPassphrase from error
        raise
