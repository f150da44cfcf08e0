"""An SM2 certificate pair made in this run: a root, a signing and an encryption certificate with their keys."""

from __future__ import annotations

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from smcrypto import sm2
from smcrypto.certificates import Issuer, Name, Validity, issue_pair, self_signed_authority
from smcrypto.sm2_files import encode_pem, encode_pkcs8_pem

NAMES = ("ca.crt", "sign.crt", "sign.key", "enc.crt", "enc.key")


def write_sm2_pair(folder: Path, *, now: datetime) -> bool:
    """Write the pair into *folder* (0700, keys 0600); False when all five files are there already."""
    if all((folder / name).exists() for name in NAMES):
        return False
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    start = now.replace(microsecond=0)
    authority, signing, encryption = (sm2.generate_key() for _ in range(3))
    root_name = Name.of("secops demo SM2 root", organization="secops demo")
    root = self_signed_authority(
        authority.private,
        name=root_name,
        serial=_serial(),
        validity=Validity(start, start + timedelta(days=3650)),
    )
    pair = issue_pair(
        Issuer(root_name, authority.private),
        subject=Name.of("secops demo", organization="secops demo"),
        validity=Validity(start, start + timedelta(days=365)),
        signing_key=signing.public,
        encryption_key=encryption.public,
        serials=(_serial(), _serial()),
        addresses=("127.0.0.1",),
    )
    _write(folder / "ca.crt", encode_pem("CERTIFICATE", root))
    _write(folder / "sign.crt", encode_pem("CERTIFICATE", pair.signing))
    _write(folder / "enc.crt", encode_pem("CERTIFICATE", pair.encryption))
    _write(folder / "sign.key", encode_pkcs8_pem(signing.private))
    _write(folder / "enc.key", encode_pkcs8_pem(encryption.private))
    return True


def _serial() -> int:
    return secrets.randbits(120) + 1


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
