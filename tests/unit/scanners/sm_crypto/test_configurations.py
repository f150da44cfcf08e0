"""Settings that ask for national or weak algorithms."""

from __future__ import annotations

import pytest

from scanners.base import Completed, ProbeContext, Target
from scanners.jsonable import from_json, to_json
from scanners.sm_crypto.configurations import (
    MAX_FINDINGS,
    ConfigurationKind,
    Intention,
    kind_of,
    read_configuration,
)
from scanners.sm_crypto.probe import SmCryptoProbe
from scanners.sm_crypto.result import SmCryptoResult


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conf.d/site.conf", ConfigurationKind.WEB),
        ("sites-enabled/portal", ConfigurationKind.WEB),
        ("conf/server.xml", ConfigurationKind.TOMCAT),
        ("sshd_config", ConfigurationKind.SSH),
        ("ssh/sshd_config.d/10-sm.conf", ConfigurationKind.SSH),
        ("data/postgresql.conf", ConfigurationKind.DATABASE),
        ("pg_hba.conf", ConfigurationKind.DATABASE_ACCESS),
        ("login.defs", ConfigurationKind.PASSWORDS),
        ("pam.d/system-auth", ConfigurationKind.PASSWORDS),
        ("server.pem", None),
        ("notes.txt", None),
    ],
)
def test_kinds_are_told_by_name(name: str, kind: ConfigurationKind | None) -> None:
    """The usual names of each kind of file are known, others are not touched."""
    assert kind_of(name) is kind


@pytest.mark.parametrize(
    ("kind", "line", "setting", "value", "intention"),
    [
        (ConfigurationKind.WEB, "  enable_ntls on;", "enable_ntls", "on", Intention.NATIONAL),
        (
            ConfigurationKind.WEB,
            "ssl_sign_certificate /a/s.pem;",
            "ssl_sign_certificate",
            "/a/s.pem",
            Intention.NATIONAL,
        ),
        (
            ConfigurationKind.WEB,
            "ssl_enc_certificate_key e.key;",
            "ssl_enc_certificate_key",
            "e.key",
            Intention.NATIONAL,
        ),
        (ConfigurationKind.WEB, "ssl_certificate rsa.pem;", "ssl_certificate", "rsa.pem", Intention.FOREIGN),
        (
            ConfigurationKind.WEB,
            "ssl_ciphers ECC-SM2-SM4-CBC-SM3:AES;",
            "ssl_ciphers",
            "ECC-SM2-SM4-CBC-SM3:AES",
            Intention.NATIONAL,
        ),
        (
            ConfigurationKind.WEB,
            "ssl_protocols TLSv1 TLSv1.2;",
            "ssl_protocols",
            "TLSv1 TLSv1.2",
            Intention.WEAK,
        ),
        (
            ConfigurationKind.TOMCAT,
            '<SSLHostConfig protocols="TLCPv1.1+TLSv1.2">',
            "protocols",
            "TLCPv1.1+TLSv1.2",
            Intention.NATIONAL,
        ),
        (
            ConfigurationKind.SSH,
            "Ciphers sm4-ctr,aes256-ctr",
            "Ciphers",
            "sm4-ctr,aes256-ctr",
            Intention.NATIONAL,
        ),
        (ConfigurationKind.SSH, "KexAlgorithms=sm2-sm3", "KexAlgorithms", "sm2-sm3", Intention.NATIONAL),
        (
            ConfigurationKind.DATABASE,
            "password_encryption_type = 3",
            "password_encryption_type",
            "3",
            Intention.NATIONAL,
        ),
        (
            ConfigurationKind.DATABASE,
            "password_encryption_type=0",
            "password_encryption_type",
            "0",
            Intention.WEAK,
        ),
        (ConfigurationKind.DATABASE_ACCESS, "host all all 10.0.0.0/8 sm3", "host", "sm3", Intention.NATIONAL),
        (ConfigurationKind.DATABASE_ACCESS, "local all all trust", "local", "trust", Intention.WEAK),
        (ConfigurationKind.PASSWORDS, "ENCRYPT_METHOD SM3", "ENCRYPT_METHOD", "SM3", Intention.NATIONAL),
        (
            ConfigurationKind.PASSWORDS,
            "password sufficient pam_unix.so sm3 shadow",
            "password",
            "sm3",
            Intention.NATIONAL,
        ),
    ],
)
def test_lines_that_mean_something(
    kind: ConfigurationKind, line: str, setting: str, value: str, intention: Intention
) -> None:
    """Setting, value and meaning of a line are told with its number."""
    (found,) = read_configuration("f", f"\n{line}\n".encode(), kind)

    assert (found.line, found.setting, found.value, found.intention) == (2, setting, value, intention)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (ConfigurationKind.WEB, "# enable_ntls on;"),
        (ConfigurationKind.WEB, "enable_ntls off;"),
        (ConfigurationKind.WEB, "ssl_protocols TLSv1.2 TLSv1.3;"),
        (ConfigurationKind.WEB, "ssl_ciphers HIGH:!aNULL;"),
        (ConfigurationKind.SSH, "Ciphers aes256-ctr # sm4-ctr"),
        (ConfigurationKind.DATABASE_ACCESS, "host all all 10.0.0.0/8 scram-sha-256"),
        (ConfigurationKind.PASSWORDS, "ENCRYPT_METHOD SHA512"),
    ],
)
def test_lines_that_mean_nothing_here(kind: ConfigurationKind, line: str) -> None:
    """Comments, sound foreign settings and switches that are off give no finding."""
    assert list(read_configuration("f", line.encode(), kind)) == []


@pytest.mark.parametrize("kind", ConfigurationKind)
@pytest.mark.parametrize(
    "data",
    [b"\xff\x00" * 5000, b"a" * 100_000, b"host " * 20_000, b"ssl_ciphers " + b"-SM4" * 900, b"\n" * 50_000],
)
def test_hostile_files_are_read_without_harm(kind: ConfigurationKind, data: bytes) -> None:
    """Binary, endless and repetitive content gives a bounded answer."""
    assert len(list(read_configuration("f", data, kind))) <= MAX_FINDINGS


def test_the_probe_reads_configurations_too(tmp_path: object) -> None:
    """A configuration below the path is found, and survives JSON."""
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "site.conf").write_text("server {\n  enable_ntls on;\n}\n" * 3)
    attempt = SmCryptoProbe().run(Target("", path=str(folder)), ProbeContext(timeout_s=5))

    assert isinstance(attempt, Completed)
    assert [(f.file, f.line) for f in attempt.result.configurations] == [("site.conf", n) for n in (2, 5, 8)]
    assert attempt.result.hint is None
    assert from_json(SmCryptoResult, to_json(attempt.result)) == attempt.result
