"""The nginx probe: includes and inheritance as nginx has them, nothing outside the folder, hostile files bounded."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, Target
from scanners.jsonable import from_json, to_json
from scanners.nginx.facts import facts_from_sample, weak_ciphers
from scanners.nginx.parse import InvalidSettings
from scanners.nginx.probe import NginxProbe, read_dump, split_dump
from scanners.nginx.result import NginxResult
from tests.support.services import require_tool

SITE = "server {\n  listen 443 ssl;\n  server_name one.example.cn;\n  ssl_certificate_key key.pem;\n}\n"


def _ask(path: Path | str, context: ProbeContext | None = None) -> Attempt[NginxResult]:
    return NginxProbe().run(Target("", path=str(path)), context or ProbeContext(10))


def _complete(path: Path | str) -> NginxResult:
    attempt = _ask(path)
    assert isinstance(attempt, Completed), attempt
    assert from_json(NginxResult, to_json(attempt.result)) == attempt.result
    return attempt.result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder laid out like that of Debian, with an enabled site by a link."""
    root = tmp_path / "nginx"
    for name in ("sites-available", "sites-enabled"):
        (root / name).mkdir(parents=True)
    (root / "sites-available" / "one").write_text(SITE)
    (root / "sites-available" / "two").write_text(SITE.replace("one.", "two."))
    (root / "sites-enabled" / "one").symlink_to("../sites-available/one")
    (root / "key.pem").write_text("none of your business")
    (root / "key.pem").chmod(0o640)
    (root / "nginx.conf").write_text("user www-data;\nhttp {\n  include sites-enabled/*;\n}\n")
    return root


def test_links_inside_are_followed_and_what_is_not_enabled_is_not_read(folder: Path) -> None:
    """One site is enabled; its key is named with its mode, and its content is nowhere."""
    result = _complete(folder)

    assert [server.names for server in result.servers] == [("one.example.cn",)]
    assert [(key.path, key.mode) for key in result.keys] == [("key.pem", "0640")]
    assert result.complete
    assert "none of your business" not in repr(result)


def test_nothing_outside_the_folder_is_opened(folder: Path, tmp_path: Path) -> None:
    """Neither by a name, nor by dots, nor by a link; the result says that it is not whole."""
    secret = tmp_path / "secret.conf"
    secret.write_text("server { server_name stolen; }")
    (folder / "link.conf").symlink_to(secret)
    (folder / "nginx.conf").write_text(
        f"http {{ include {secret}; include ../secret.conf; include link.conf; include /etc/passwd; }}"
    )
    result = _complete(folder)

    assert result.servers == ()
    assert len(result.problems) == 4
    assert not result.complete


@pytest.mark.parametrize(
    "text",
    [
        "server {",
        "}",
        "a b",
        '"',
        "http { { } }",
        ";",
        "\0",
        "{" * 100 + "}" * 100,
        "a{" * 50 + "}" * 50,
        "a;" * 30_000,
    ],
)
def test_what_is_not_nginx_is_refused(folder: Path, text: str) -> None:
    """Broken, deep and endless files end in a named failure."""
    (folder / "nginx.conf").write_text(text)
    attempt = _ask(folder)

    assert isinstance(attempt, Failed), attempt
    assert attempt.reason is FailureReason.PROTOCOL


def test_a_circle_of_includes_ends(folder: Path) -> None:
    """A file that includes itself is read up to the limit."""
    (folder / "nginx.conf").write_text("http { include again.conf; }")
    (folder / "again.conf").write_text("include again.conf;\ninclude again.conf;\nserver { listen 80; }")
    result = _complete(folder)

    assert not result.complete
    assert len(result.servers) <= 400


def test_a_broken_include_leaves_the_rest(folder: Path) -> None:
    """What was understood stays; that something is missing is said."""
    (folder / "sites-enabled" / "broken").write_text("server {")
    result = _complete(folder)

    assert len(result.servers) == 1
    assert result.problems == ("sites-enabled/broken:1: not understood",)


def test_large_files_and_special_files_are_not_read(folder: Path) -> None:
    """A pipe is passed over, a file over the limit stops the look."""
    os.mkfifo(folder / "sites-enabled" / "pipe")
    assert len(_complete(folder).servers) == 1
    (folder / "sites-enabled" / "large").write_bytes(b"#" * (2 * 1024 * 1024))
    attempt = _ask(folder)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.RESOURCE_LIMIT


@pytest.mark.parametrize("path", ["nginx.conf", "/no/such/folder", "/\0", "/dev/null"])
def test_wrong_paths(path: str) -> None:
    """Relative, missing and special paths are refused by name."""
    attempt = _ask(path)

    assert isinstance(attempt, Failed) or attempt.result.servers == ()


def test_a_cancelled_look_stops(folder: Path) -> None:
    """The request to stop is heard before the next file."""
    attempt = _ask(folder, ProbeContext(10, cancelled=lambda: True))

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.CANCELLED


@pytest.mark.live
def test_the_dump_of_a_real_nginx_says_the_same_as_its_files(folder: Path, tmp_path: Path) -> None:
    """``nginx -T`` of the same settings leads to the same servers."""
    nginx = require_tool("nginx", "nginx-light")
    plain = SITE.replace(" ssl;", ";").replace("  ssl_certificate_key key.pem;\n", "")
    (folder / "sites-available" / "one").write_text(plain)
    (folder / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n  access_log off;\n  include sites-enabled/*;\n}}\n"
    )
    ran = subprocess.run(
        [nginx, "-T", "-q", "-c", str(folder / "nginx.conf")], capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    saved = tmp_path / "saved.txt"
    saved.write_bytes(ran.stdout)
    by_files, by_dump = _complete(folder), _complete(saved)

    assert [(s.names, s.listens) for s in by_dump.servers] == [(s.names, s.listens) for s in by_files.servers]
    assert by_dump.servers[0].locations[0].access_log == ("off",)
    assert len(split_dump(ran.stdout.decode())) == 2


@given(st.text(alphabet="abc {};\"'#\\$\n*", max_size=200))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """The reader ends in a tree or in its own exception."""
    try:
        tree = read_dump({"/etc/nginx/nginx.conf": text})
    except InvalidSettings:
        return
    assert all(one.name for one in tree.directives)


def test_facts_of_nothing_are_not_seen() -> None:
    """A sample without files, or with a file that is none, knows nothing."""
    for sections in ({}, {"files": {"nginx.conf": "server {"}}):
        assert {fact.state.value for fact in facts_from_sample(sections).facts.values()} == {"not-collected"}


@pytest.mark.parametrize(
    ("ciphers", "weak"),
    [
        ("HIGH:!aNULL:!MD5", []),
        ("ECDHE-RSA-AES128-GCM-SHA256:DES-CBC3-SHA", ["DES-CBC3-SHA"]),
        ("HIGH:RC4-SHA:!RC4-SHA", []),
        ("aNULL", ["aNULL"]),
        ("ALL:!aNULL:!RC4:!3DES:!MD5", []),
        ("ECC-SM2-SM4-CBC-SM3", []),
    ],
)
def test_weak_ciphers(ciphers: str, weak: list[str]) -> None:
    """What lets weak ones in is named; what is taken out again is not."""
    assert weak_ciphers(ciphers) == weak
