"""The file probe on folders made for the test."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scanners.base import Completed, Failed, FailureReason, ProbeContext, Target
from scanners.jsonable import from_json, to_json
from scanners.sm_crypto.certificates import ChainState, load_der
from scanners.sm_crypto.hints import DakHint, Suggestion
from scanners.sm_crypto.keys import KeyState
from scanners.sm_crypto.pairs import Role
from scanners.sm_crypto.probe import MAX_FILE_BYTES, MAX_FILES, SmCryptoProbe
from scanners.sm_crypto.result import SmCryptoResult
from smcrypto.certificates import SIGNING_USAGE, encode_certificate_pem
from smcrypto.sm2_files import encode_pkcs8, encode_pkcs8_pem, encode_sec1_pem
from tests.support.peers.certificates import NOW, make_identity, make_sm2_certificate, make_sm2_identity
from tests.support.services import require_tool

CONTEXT = ProbeContext(timeout_s=20)
PAIR = make_sm2_identity()


def _examine(path: Path, *, anchored: bool = True) -> SmCryptoResult:
    anchors = [load_der(PAIR.root)] if anchored else []
    attempt = SmCryptoProbe(anchors=anchors, clock=lambda: NOW).run(Target("", path=str(path)), CONTEXT)
    assert isinstance(attempt, Completed), attempt
    return attempt.result


def _write_pair(folder: Path) -> None:
    (folder / "sign.pem").write_bytes(encode_certificate_pem(PAIR.sign))
    (folder / "encrypt.cer").write_bytes(PAIR.encrypt)
    (folder / "sign.key").write_bytes(encode_sec1_pem(PAIR.sign_key))
    (folder / "encrypt.der").write_bytes(encode_pkcs8(PAIR.encrypt_key))
    os.chmod(folder / "sign.key", 0o600)
    os.chmod(folder / "encrypt.der", 0o644)


def test_none(tmp_path: Path) -> None:
    """An empty folder gives an empty result and no suggestion."""
    result = _examine(tmp_path)

    assert (result.files, result.certificates, result.pairs, result.hint) == (0, (), (), None)
    assert result.complete


def test_one(tmp_path: Path) -> None:
    """A single file is read by its own path."""
    file = tmp_path / "sign.pem"
    file.write_bytes(encode_certificate_pem(PAIR.sign))
    (report,) = _examine(file).certificates

    assert (report.file, report.role, report.chain.state) == ("sign.pem", Role.SIGN, ChainState.ANCHORED)


def test_a_pair_with_its_keys(tmp_path: Path) -> None:
    """PEM and DER, certificates and keys of both forms come together."""
    _write_pair(tmp_path)
    result = _examine(tmp_path)

    assert {report.file: report.key_files for report in result.certificates} == {
        "encrypt.cer": ("encrypt.der",),
        "sign.pem": ("sign.key",),
    }
    (pair,) = result.pairs
    assert (result.certificates[pair.sign].file, result.certificates[pair.encrypt].file) == (
        "sign.pem",
        "encrypt.cer",
    )
    assert pair.failed == ()
    assert {key.file: (key.facts.state, key.facts.signs, key.open_to) for key in result.keys} == {
        "sign.key": (KeyState.SM2, True, ()),
        "encrypt.der": (KeyState.SM2, True, ("group", "others")),
    }
    assert result.hint == DakHint(Suggestion.UNKNOWN, Suggestion.YES, ("file-is-no-proof-of-use",))


def test_many(tmp_path: Path) -> None:
    """A bundle gives each certificate with its place, national and foreign apart."""
    classic = make_identity("classic")
    bundle = (
        encode_certificate_pem(PAIR.sign) + b"comment\n" + classic.pem + encode_certificate_pem(PAIR.root)
    )
    (tmp_path / "bundle.pem").write_bytes(bundle + encode_pkcs8_pem(PAIR.sign_key))
    result = _examine(tmp_path, anchored=False)

    assert [(report.index, report.role) for report in result.certificates] == [
        (0, Role.SIGN),
        (1, Role.UNSTATED),
        (2, Role.CA),
    ]
    assert result.certificates[0].chain.state is ChainState.SELF_SIGNED_ROOT
    assert result.hint is not None
    assert (result.hint.a, "not-sm2" in result.hint.reasons) == (Suggestion.UNKNOWN, True)


def test_broken(tmp_path: Path) -> None:
    """Files that look like certificates and are none are named; what is no certificate at all is passed over."""
    (tmp_path / "cut.pem").write_bytes(encode_certificate_pem(PAIR.sign[:-3]))
    (tmp_path / "bad64.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----\n")
    (tmp_path / "cut.der").write_bytes(PAIR.sign[:100])
    (tmp_path / "huge.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n" + b"A" * MAX_FILE_BYTES)
    (tmp_path / "notes.txt").write_bytes(b"nothing here")
    result = _examine(tmp_path)

    assert {item.file for item in result.unread} == {"cut.pem[0]", "bad64.pem", "cut.der[0]", "huge.pem"}
    assert (result.certificates, result.keys) == ((), ())


def test_only_classic_certificates_suggest_no(tmp_path: Path) -> None:
    """Foreign algorithms alone give the suggestion that A is not met; D and K stay open."""
    (tmp_path / "c.pem").write_bytes(make_identity().pem)
    hint = _examine(tmp_path).hint

    assert hint is not None
    assert (hint.d, hint.a, hint.k) == (Suggestion.UNKNOWN, Suggestion.NO, Suggestion.PERSON)


def test_nobody_but_a_person_decides_about_keys() -> None:
    """A suggestion with another K cannot be made."""
    with pytest.raises(ValueError, match="person"):
        DakHint(Suggestion.YES, Suggestion.YES, (), Suggestion.YES)


def test_two_certificates_without_telling_usage_are_still_a_pair(tmp_path: Path) -> None:
    """Two signing certificates of one subject are reported as a pair with its faults."""
    other = make_sm2_certificate(PAIR.root_key, PAIR.encrypt_key.public, SIGNING_USAGE, serial=9)
    (tmp_path / "both.pem").write_bytes(encode_certificate_pem(PAIR.sign) + encode_certificate_pem(other))
    (pair,) = _examine(tmp_path).pairs

    assert pair.failed == ("encrypt-usage",)


def test_a_secret_never_appears_in_a_result(tmp_path: Path) -> None:
    """Neither the number of a private key nor any part of its file is in the JSON."""
    _write_pair(tmp_path)
    (tmp_path / "rsa.key").write_bytes(make_identity().key_pem)
    text = str(to_json(_examine(tmp_path)))

    for key in (PAIR.sign_key, PAIR.encrypt_key):
        assert key.secret_bytes().hex() not in text
    assert "PRIVATE" not in text


def test_an_encrypted_key_is_reported_and_left_alone(tmp_path: Path) -> None:
    """A passphrase is never asked for or guessed."""
    text = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
    (tmp_path / "k.pem").write_bytes(text)

    assert [key.facts.state for key in _examine(tmp_path).keys] == [KeyState.ENCRYPTED]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link out of the folder, or one in place of the path, leads nowhere."""
    outside = tmp_path / "outside.pem"
    outside.write_bytes(encode_certificate_pem(PAIR.sign))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.pem").symlink_to(outside)
    (tmp_path / "link").symlink_to(folder)

    assert _examine(folder).certificates == ()
    attempt = SmCryptoProbe().run(Target("", path=str(tmp_path / "link")), CONTEXT)
    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    """Something that is no regular file is passed over without waiting for it."""
    os.mkfifo(tmp_path / "pipe.pem")

    assert _examine(tmp_path).files == 0


def test_the_search_is_bounded(tmp_path: Path) -> None:
    """More files than the limit, and files too deep, leave the result marked or untouched."""
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number:04}.pem").write_bytes(b"-----BEGIN X-----\n")
    deep = tmp_path / "a" / "b" / "c" / "d" / "e" / "f"
    deep.mkdir(parents=True)
    (deep / "deep.pem").write_bytes(encode_certificate_pem(PAIR.sign))
    result = _examine(tmp_path)

    assert (result.files, result.complete) == (MAX_FILES, False)
    below = _examine(tmp_path / "a")
    assert (below.certificates, below.complete) == ((), False)


@pytest.mark.parametrize("path", ["relative", "/no/such/place", "/dev/null", "/etc/passwd/x", "/a\0b"])
def test_a_path_that_cannot_be_examined_is_a_bad_target(path: str) -> None:
    """Relative, missing and special paths are refused."""
    attempt = SmCryptoProbe().run(Target("", path=path), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (ProbeContext(timeout_s=20, cancelled=lambda: True), FailureReason.CANCELLED),
        (ProbeContext(timeout_s=-1), FailureReason.TIMED_OUT),
    ],
)
def test_a_run_can_be_stopped(tmp_path: Path, context: ProbeContext, reason: FailureReason) -> None:
    """A request to stop and the end of the time are heard between files."""
    _write_pair(tmp_path)
    attempt = SmCryptoProbe().run(Target("", path=str(tmp_path)), context)

    assert isinstance(attempt, Failed)
    assert attempt.reason is reason


def test_without_a_path_the_implementations_are_tested() -> None:
    """The same probe answers for the libraries of this machine."""
    attempt = SmCryptoProbe().run(Target(""), CONTEXT)

    assert isinstance(attempt, Completed)
    assert attempt.result.self_test is not None
    assert attempt.result.self_test.failed == ()
    assert from_json(SmCryptoResult, to_json(attempt.result)) == attempt.result


def test_the_result_survives_json(tmp_path: Path) -> None:
    """What is stored can be read back without loss."""
    _write_pair(tmp_path)
    result = _examine(tmp_path)

    assert from_json(SmCryptoResult, to_json(result)) == result


@pytest.mark.live
def test_certificates_of_openssl_are_verified(tmp_path: Path) -> None:
    """A chain written by another implementation verifies, and its key files are matched."""
    openssl = require_tool("openssl", "openssl")
    identity = "distid:1234567812345678"

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("root", "leaf"):
        run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", f"{name}.key")
    usage = ["-addext", "keyUsage=critical,keyCertSign"]
    run(
        "req",
        "-x509",
        "-new",
        "-key",
        "root.key",
        "-sm3",
        "-sigopt",
        identity,
        "-subj",
        "/CN=root",
        *usage,
        "-out",
        "root.pem",
    )
    run(
        "req",
        "-new",
        "-key",
        "leaf.key",
        "-sm3",
        "-sigopt",
        identity,
        "-subj",
        "/CN=leaf",
        "-out",
        "leaf.csr",
    )
    (tmp_path / "ext").write_text("keyUsage=digitalSignature\n")
    signing = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "ext", "-days", "30"]
    run(
        "x509",
        "-req",
        "-in",
        "leaf.csr",
        "-sm3",
        "-vfyopt",
        identity,
        "-sigopt",
        identity,
        *signing,
        "-out",
        "leaf.pem",
    )
    result = _examine(tmp_path, anchored=False)

    leaf = next(report for report in result.certificates if report.file == "leaf.pem")
    assert (leaf.role, leaf.chain.state, leaf.key_files) == (
        Role.SIGN,
        ChainState.SELF_SIGNED_ROOT,
        ("leaf.key",),
    )
