"""Where keys live: one interface, and two implementations that keep them in files.

A provider holds main keys (KEK, numbered versions) and SM2 signing keys (one line of versions for each signer). For
every purpose it derives a key of its own from a main key; neither the main key nor a derived one leaves it. What is
wrapped or authenticated carries a key id, so that rotation never rewrites what exists: new work uses the newest
version, old versions stay until nothing needs them.

Both implementations are software: not a certified cryptographic module, and they say so in :attr:`certified`.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, NoReturn, Protocol

from smcrypto import sm2, sm2_files, sm3, sm4
from smcrypto._key_files import check_mode, read_guarded, shred, write_new
from smcrypto.errors import (
    DecryptionFailed,
    DerError,
    InvalidKey,
    InvalidParameter,
    KeyExists,
    KeyFileUnsafe,
    KeyMissing,
)
from smcrypto.kdf import derive_key

KEK_SIZE = 32
"""Bytes of a main key."""

_MAX_WRAPPED = 64 * 1024
_LOAD_ATTEMPTS = 5


class Purpose(StrEnum):
    """What a derived key is for; the value is its KDF label, so it never changes."""

    EVIDENCE_WRAP = "evidence-wrap"
    BACKUP_WRAP = "backup-wrap"
    FIELD_ENC = "field-enc"
    TOTP_SEED = "totp-seed"
    AUDIT_MAC = "audit-mac"
    SESSION = "session"
    BLIND_INDEX = "blind-index"
    PASSWORD_PEPPER = "password-pepper"


class Signer(StrEnum):
    """Whose SM2 signature; each has a key of its own."""

    RECEIPT = "receipt"
    REPORT = "report"
    CHECKPOINT = "checkpoint"


class KeyKind(StrEnum):
    """The two kinds of key a provider holds."""

    MAIN = "main"
    SIGNING = "signing"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A secret under a main key, and the id of that key."""

    kid: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be told about a key; nothing secret.

    ``name`` is ``kek`` or the signer. ``kid`` names version and key. ``can_sign`` is False for a signing key of which
    only the public half is left; for main keys it is False.
    """

    kind: KeyKind
    name: str
    version: int
    kid: str
    algorithm: str
    is_current: bool
    can_sign: bool = False


@dataclass(frozen=True, slots=True)
class ProviderNotice:
    """What the pages and reports say about the provider, in both languages."""

    zh: str
    en: str


NOT_CERTIFIED = ProviderNotice(
    zh="密钥由软件保管，未使用经认证的商用密码产品；密评中密钥管理安全（K）不得判为符合。",
    en="Keys are kept by software, not by a certified cryptographic product; in a cryptography assessment key "
    "management (K) must not be scored as met.",
)


class KeyProvider(Protocol):
    """Keeps keys and works with them; key bytes never leave it.

    Every method raises :class:`~smcrypto.errors.KeyMissing` when the key asked for is not here.
    """

    @property
    def certified(self) -> bool:
        """Whether the keys are in a certified cryptographic module."""
        ...

    @property
    def notice(self) -> ProviderNotice:
        """What a person must be told about this provider."""
        ...

    @property
    def current_kid(self) -> str:
        """Id of the main key that new work uses."""
        ...

    def wrap(self, purpose: Purpose, secret: bytes, *, aad: bytes) -> Wrapped:
        """Encrypt a short secret (a data key, a field, a seed; at most 64 KiB), bound to *aad*."""
        ...

    def unwrap(self, purpose: Purpose, wrapped: Wrapped, *, aad: bytes) -> bytes:
        """Undo :meth:`wrap`; raises :class:`~smcrypto.errors.DecryptionFailed` when anything was changed."""
        ...

    def mac(self, purpose: Purpose, data: bytes, *, kid: str | None = None) -> bytes:
        """Authenticate *data* by HMAC-SM3, with the current main key or the one named; 32 bytes."""
        ...

    def sign(self, signer: Signer, message: bytes, *, id: bytes = sm2.DEFAULT_ID) -> bytes:
        """Sign with the signer's current SM2 key; DER."""
        ...

    def public_key(self, signer: Signer, *, version: int | None = None) -> sm2.PublicKey:
        """Give the public key of the signer's current or of an older version."""
        ...

    def random(self, size: int) -> bytes:
        """Give *size* random bytes."""
        ...

    def key_info(self) -> tuple[KeyInfo, ...]:
        """List the keys held, main keys first, by name and version."""
        ...


class _MainKey:
    """One version of the main key with the purpose keys derived from it so far; never printed."""

    __slots__ = ("_bytes", "_derived", "kid", "version")

    def __init__(self, version: int, key: bytes) -> None:
        self.version = version
        self._bytes = key
        # the tag lets a wrong file be told from a damaged secret, and shows nothing of the key
        self.kid = f"{version}-{sm3.hmac_sm3(key, b'secops key id v1').hex()[:16]}"
        self._derived: dict[tuple[Purpose, int], bytes] = {}

    def derive(self, purpose: Purpose, size: int) -> bytes:
        found = self._derived.get((purpose, size))
        if found is None:
            found = derive_key(self._bytes, purpose.value, size=size)
            self._derived[purpose, size] = found
        return found

    def __repr__(self) -> str:
        return f"<main key {self.kid}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a main key is not pickled")


@dataclass(frozen=True, slots=True)
class _SigningKey:
    version: int
    public: sm2.PublicKey
    private: sm2.PrivateKey | None

    @property
    def kid(self) -> str:
        return f"{self.version}-{self.public.fingerprint()}"


class _SoftwareProvider:
    """What the two file-based providers share: the work with keys once they are loaded."""

    _MAIN_RE: ClassVar[re.Pattern[str]] = re.compile(r"kek-([1-9][0-9]{0,8})\.key")
    _SIGN_RE: ClassVar[re.Pattern[str]] = re.compile(r"sign-([a-z]+)-([1-9][0-9]{0,8})\.(key|pub)")
    _PREFIX: ClassVar[str] = ""
    _FORBIDDEN_MODE: ClassVar[int]
    _FORBIDDEN_FOLDER_MODE: ClassVar[int]

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: frozenset[str] = frozenset()
        self._main: dict[str, _MainKey] = {}
        self._signing: dict[Signer, dict[int, _SigningKey]] = {}
        self._load()

    @property
    def certified(self) -> bool:
        """Always False: software is not a certified module."""
        return False

    @property
    def notice(self) -> ProviderNotice:
        """Say in both languages that the keys are kept by software."""
        return NOT_CERTIFIED

    @property
    def current_kid(self) -> str:
        """Id of the newest main key."""
        return self._newest().kid

    def wrap(self, purpose: Purpose, secret: bytes, *, aad: bytes) -> Wrapped:
        """Encrypt by SM4-GCM under the purpose key; the blob is nonce ‖ cipher text ‖ tag."""
        if len(secret) > _MAX_WRAPPED:
            raise InvalidParameter("secret longer than 64 KiB")
        main = self._newest()
        nonce = secrets.token_bytes(sm4.NONCE_SIZE)
        bound = _bind(main.kid, aad)
        return Wrapped(
            main.kid, nonce + sm4.gcm_encrypt(main.derive(purpose, sm4.KEY_SIZE), nonce, secret, bound)
        )

    def unwrap(self, purpose: Purpose, wrapped: Wrapped, *, aad: bytes) -> bytes:
        """Undo :meth:`wrap`."""
        main = self._find(wrapped.kid)
        nonce, sealed = wrapped.blob[: sm4.NONCE_SIZE], wrapped.blob[sm4.NONCE_SIZE :]
        if len(nonce) != sm4.NONCE_SIZE:
            raise DecryptionFailed
        return sm4.gcm_decrypt(main.derive(purpose, sm4.KEY_SIZE), nonce, sealed, _bind(main.kid, aad))

    def mac(self, purpose: Purpose, data: bytes, *, kid: str | None = None) -> bytes:
        """Authenticate by HMAC-SM3 under the purpose key."""
        main = self._newest() if kid is None else self._find(kid)
        return sm3.hmac_sm3(main.derive(purpose, sm3.DIGEST_SIZE), data)

    def sign(self, signer: Signer, message: bytes, *, id: bytes = sm2.DEFAULT_ID) -> bytes:
        """Sign with the newest key of *signer*."""
        key = self._signer(signer, None)
        if key.private is None:
            raise KeyMissing(f"sign-{signer}-{key.version}")
        return sm2.sign(key.private, message, id=id)

    def public_key(self, signer: Signer, *, version: int | None = None) -> sm2.PublicKey:
        """Give a public key of *signer*."""
        return self._signer(signer, version).public

    def random(self, size: int) -> bytes:
        """Give *size* bytes from the operating system's generator."""
        return secrets.token_bytes(size)

    def key_info(self) -> tuple[KeyInfo, ...]:
        """List the keys held."""
        self._refresh()
        newest = max((main.version for main in self._main.values()), default=0)
        infos = [
            KeyInfo(KeyKind.MAIN, "kek", main.version, main.kid, "SM4, HMAC-SM3", main.version == newest)
            for main in sorted(self._main.values(), key=lambda main: main.version)
        ]
        for signer in sorted(self._signing):
            versions = self._signing[signer]
            infos += [
                KeyInfo(
                    KeyKind.SIGNING, signer.value, key.version, key.kid, "SM2", key.version == max(versions),
                    can_sign=key.private is not None,
                )
                for _, key in sorted(versions.items())
            ]  # fmt: skip
        return tuple(infos)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._main)} main and {len(self._signing)} signing keys>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key provider is not pickled")

    def _newest(self) -> _MainKey:
        self._refresh()
        if not self._main:
            raise KeyMissing("kek")
        return max(self._main.values(), key=lambda main: main.version)

    def _find(self, kid: str) -> _MainKey:
        if kid not in self._main:
            self._refresh()
        try:
            return self._main[kid]
        except KeyError:
            raise KeyMissing(kid) from None

    def _signer(self, signer: Signer, version: int | None) -> _SigningKey:
        self._refresh()
        versions = self._signing.get(signer, {})
        wanted = max(versions, default=0) if version is None else version
        try:
            return versions[wanted]
        except KeyError:
            raise KeyMissing(f"sign-{signer}-{wanted}" if wanted else f"sign-{signer}") from None

    def _refresh(self) -> None:
        """Load again when another process made or destroyed a key.

        Without it a process that runs on could wrap with a main key that is about to be destroyed as unused.
        """
        if self._list_names() != self._names:
            self._load()

    def _list_names(self) -> frozenset[str]:
        try:
            return frozenset(
                name for name in os.listdir(self._folder) if name.startswith(self._PREFIX or ("kek", "sign"))
            )
        except OSError as error:
            raise KeyFileUnsafe(str(self._folder), f"key folder cannot be read: {error.strerror}") from None

    def _load(self) -> None:
        for _ in range(_LOAD_ATTEMPTS):
            names = self._list_names()
            try:
                self._main, self._signing = self._read_all(names)
            except FileNotFoundError:
                continue
            self._names = names
            return
        raise KeyFileUnsafe(str(self._folder), "key files come and go while they are read")

    def _read_all(
        self, names: frozenset[str]
    ) -> tuple[dict[str, _MainKey], dict[Signer, dict[int, _SigningKey]]]:
        state = self._folder.stat()
        check_mode(self._folder, state, self._FORBIDDEN_FOLDER_MODE)
        main: dict[str, _MainKey] = {}
        signing: dict[Signer, dict[int, _SigningKey]] = {}
        for name in sorted(names):
            path, plain_name = self._folder / name, name.removeprefix(self._PREFIX)
            if match := self._MAIN_RE.fullmatch(plain_name):
                key = _MainKey(int(match[1]), self._read_main(path))
                main[key.kid] = key
            elif (match := self._SIGN_RE.fullmatch(plain_name)) and match[1] in tuple(Signer):
                versions = signing.setdefault(Signer(match[1]), {})
                loaded = self._read_signing(path, int(match[2]), is_private=match[3] == "key")
                held = versions.setdefault(loaded.version, loaded)
                if held.public != loaded.public:
                    raise KeyFileUnsafe(str(path), "private and public file do not belong together")
        return main, signing

    def _read_main(self, path: Path) -> bytes:
        key = read_guarded(path, self._FORBIDDEN_MODE)
        if len(key) != KEK_SIZE:
            raise KeyFileUnsafe(str(path), f"main key has not {KEK_SIZE} bytes")
        return key

    def _read_signing(self, path: Path, version: int, *, is_private: bool) -> _SigningKey:
        try:
            if is_private:
                private = sm2_files.parse_private_key(read_guarded(path, self._FORBIDDEN_MODE))
                return _SigningKey(version, private.public, private)
            return _SigningKey(version, sm2_files.parse_public_key(path.read_bytes()), None)
        except (DerError, InvalidKey) as error:
            raise KeyFileUnsafe(str(path), f"not an SM2 key: {error}") from None


class FileKeyProvider(_SoftwareProvider):
    """Keys in a folder of their own: ``kek-N.key``, ``sign-SIGNER-N.key`` and ``.pub``.

    Folder mode 0700, secret files 0400 or 0600, owner the caller or root; anything wider is refused. Nothing is made
    by opening: :meth:`create` does that once.

    Raises:
        KeyFileUnsafe: folder missing, mode, owner or content not as it must be.
    """

    _FORBIDDEN_MODE = 0o177
    _FORBIDDEN_FOLDER_MODE = 0o077

    @classmethod
    def create(cls, folder: Path, *, signers: Iterable[Signer] = tuple(Signer)) -> FileKeyProvider:
        """Make the folder, a first main key and a first key for each signer, and open it.

        The checkpoint signer can live apart: give each folder its own *signers*.

        Raises:
            KeyExists: the folder holds keys already.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if any(folder.glob("kek-*.key")):
            raise KeyExists(folder.name)
        for signer in signers:
            # left over from an attempt that was cut off: no main key, so nothing was ever signed with it
            for half in ("pub", "key"):
                (folder / f"sign-{signer}-1.{half}").unlink(missing_ok=True)
            _write_signing_key(folder, signer, 1)
        # last, so that a folder with a main key is complete
        write_new(folder / "kek-1.key", secrets.token_bytes(KEK_SIZE), 0o400)
        return cls(folder)

    def rotate_main_key(self) -> str:
        """Make the next version of the main key; new work uses it from now on. Returns its id."""
        version = self._newest().version + 1
        write_new(self._folder / f"kek-{version}.key", secrets.token_bytes(KEK_SIZE), 0o400)
        self._load()
        return self.current_kid

    def destroy_main_key(self, kid: str) -> None:
        """Overwrite and remove an old main key. What is still wrapped under it is lost for good.

        Raises:
            KeyMissing: no such key.
            InvalidParameter: it is the current one.
        """
        main = self._find(kid)
        if main is self._newest():
            raise InvalidParameter("the current main key cannot be destroyed")
        shred(self._folder / f"kek-{main.version}.key")
        self._load()

    def rotate_signing_key(self, signer: Signer) -> sm2.PublicKey:
        """Make the signer's next key and destroy the private half of the last; its public half stays for checking."""
        version = max(self._signing.get(signer, {}), default=0) + 1
        _write_signing_key(self._folder, signer, version)
        old = self._folder / f"sign-{signer}-{version - 1}.key"
        if old.exists():
            shred(old)
        self._load()
        return self.public_key(signer)


class CredentialKeyProvider(_SoftwareProvider):
    """Keys handed over by systemd (``LoadCredentialEncrypted=``): read-only files ``secops.kek-N.key`` and so on.

    The folder is the one in ``$CREDENTIALS_DIRECTORY``; reading the environment is left to the caller. systemd shows
    group-read on files that carry an access list for the service user, so that one bit is allowed.

    Raises:
        KeyFileUnsafe: folder missing, mode, owner or content not as it must be.
    """

    _PREFIX = "secops."
    _FORBIDDEN_MODE = 0o137
    _FORBIDDEN_FOLDER_MODE = 0o027


def _bind(kid: str, aad: bytes) -> bytes:
    name = kid.encode()
    return len(name).to_bytes(2, "big") + name + aad


def _write_signing_key(folder: Path, signer: Signer, version: int) -> None:
    pair = sm2.generate_key()
    write_new(folder / f"sign-{signer}-{version}.pub", sm2_files.encode_public_key_pem(pair.public), 0o444)
    write_new(folder / f"sign-{signer}-{version}.key", sm2_files.encode_pkcs8_pem(pair.private), 0o400)
