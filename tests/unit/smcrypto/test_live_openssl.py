"""Against the system's own ``openssl``: what one side writes the other reads."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smcrypto import certificates, sm2, sm2_files
from smcrypto.certificates import Issuer, Name, Validity
from smcrypto.sm2 import KeyPair

OPENSSL = shutil.which("openssl")
DISTID = "distid:1234567812345678"


def _has_sm2() -> bool:
    if OPENSSL is None:
        return False
    listed = subprocess.run([OPENSSL, "ecparam", "-list_curves"], capture_output=True, text=True, check=False)
    return "SM2" in listed.stdout


pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not _has_sm2(), reason="no openssl with SM2 on this machine"),
]


def _run(*arguments: str | Path, ok: bool = True) -> str:
    done = subprocess.run(
        [str(OPENSSL), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode == 0) is ok, done.stderr + done.stdout
    return done.stdout + done.stderr


@pytest.fixture
def files(key_pair: KeyPair, tmp_path: Path) -> Path:
    """A folder with our key in all forms and a message."""
    (tmp_path / "sec1.pem").write_bytes(sm2_files.encode_sec1_pem(key_pair.private))
    (tmp_path / "pkcs8.pem").write_bytes(sm2_files.encode_pkcs8_pem(key_pair.private))
    (tmp_path / "public.pem").write_bytes(sm2_files.encode_public_key_pem(key_pair.public))
    (tmp_path / "message").write_bytes("等级保护测评".encode())
    return tmp_path


def test_openssl_reads_our_keys_and_we_its(files: Path, key_pair: KeyPair) -> None:
    """Each form of a key is the same key on both sides."""
    for name in ("sec1.pem", "pkcs8.pem"):
        _run("pkey", "-in", files / name, "-check", "-out", files / "back.pem")
        _run("pkey", "-in", files / name, "-pubout", "-outform", "DER", "-out", files / "public.der")
        back = sm2_files.parse_private_key((files / "back.pem").read_bytes())
        assert back.secret_bytes() == key_pair.private.secret_bytes()
        assert sm2_files.parse_public_key((files / "public.der").read_bytes()) == key_pair.public
    _run("ecparam", "-name", "SM2", "-genkey", "-out", files / "theirs.pem")
    assert sm2_files.parse_private_key((files / "theirs.pem").read_bytes()).public


def test_openssl_verifies_our_signature_and_we_its(files: Path, key_pair: KeyPair) -> None:
    """Signatures under the default identity agree in both directions."""
    message = (files / "message").read_bytes()
    (files / "ours.sig").write_bytes(sm2.sign(key_pair.private, message))
    common = ("dgst", "-sm3", "-sigopt", DISTID)

    _run(*common, "-sign", files / "pkcs8.pem", "-out", files / "theirs.sig", files / "message")
    told = _run(*common, "-verify", files / "public.pem", "-signature", files / "ours.sig", files / "message")

    assert "Verified OK" in told
    assert sm2.verify(key_pair.public, message, (files / "theirs.sig").read_bytes())


def test_openssl_decrypts_our_ciphertext_and_we_its(files: Path, key_pair: KeyPair) -> None:
    """Cipher texts agree in both directions, in the DER form that TLCP uses."""
    (files / "ours.enc").write_bytes(sm2.encrypt(key_pair.public, b"pre-master secret"))
    (files / "plain").write_bytes(b"their secret")

    _run(
        "pkeyutl", "-decrypt", "-inkey", files / "pkcs8.pem", "-in", files / "ours.enc", "-out", files / "out"
    )
    _run(
        *("pkeyutl", "-encrypt", "-pubin", "-inkey", files / "public.pem"),
        *("-in", files / "plain", "-out", files / "theirs.enc"),
    )

    assert (files / "out").read_bytes() == b"pre-master secret"
    assert sm2.decrypt(key_pair.private, (files / "theirs.enc").read_bytes()) == b"their secret"


def test_openssl_verifies_our_certificates(files: Path, key_pair: KeyPair) -> None:
    """A root and the pair below it verify once the tool is told the identity, and not when altered.

    The identity given to ``openssl verify`` 3.0 reaches the leaf only: no intermediate here, no check of the root's own
    signature.
    """
    name = Name.of("测试根证书")
    # openssl compares with its own clock
    now = datetime.now(UTC).replace(microsecond=0)
    validity = Validity(now - timedelta(days=1), now + timedelta(days=365))
    root = certificates.self_signed_authority(key_pair.private, name=name, serial=1, validity=validity)
    pair = certificates.issue_pair(
        Issuer(name, key_pair.private),
        subject=Name.of("tlcp.example"),
        validity=validity,
        signing_key=sm2.generate_key().public,
        encryption_key=sm2.generate_key().public,
        serials=(2, 3),
    )
    altered = pair.signing.replace(b"tlcp.example", b"tlcp.examp1e")
    for file_name, content in [
        ("root.pem", root),
        ("signing.pem", pair.signing),
        ("encryption.pem", pair.encryption),
        ("altered.pem", altered),
    ]:
        (files / file_name).write_bytes(certificates.encode_certificate_pem(content))
    common = ("verify", "-vfyopt", DISTID, "-CAfile", files / "root.pem")

    for leaf in ("signing.pem", "encryption.pem"):
        assert "OK" in _run(*common, files / leaf)
    _run(*common, files / "altered.pem", ok=False)
    shown = _run("x509", "-in", files / "signing.pem", "-noout", "-text")
    assert "SM2-with-SM3" in shown
    assert "Digital Signature, Non Repudiation" in shown
    assert "ASN1 OID: SM2" in shown
