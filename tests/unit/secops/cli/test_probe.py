"""One probe by hand: targets, authorisation, credentials, the record of each use, the one document."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scanners.base import Target, TargetKind
from scanners.baseline.loader import load_rules
from scanners.schema.results import FOLDER, all_results
from scanners.ssh_baseline.pack import compose_pack
from secops.cli import output
from secops.cli.main import run
from secops.cli.probe import name_of, parse_target
from smcrypto import sm2
from smcrypto.certificates import (
    ENCRYPTION_USAGE,
    SIGNING_USAGE,
    Validity,
    encode_certificate_pem,
    self_signed_authority,
)
from tests.support.databases import redis_server
from tests.support.peers.certificates import ROOT_NAME, Sm2Identity, make_sm2_certificate
from tests.support.peers.tcp import Peer, endless
from tests.support.peers.tlcp_server import TlcpServer
from tests.unit.scanners.ssh_baseline.sshserver import PASSWORD, USER, ssh_server

KEYS = ["probe", "target", "status", "reason", "detail", "started", "duration_ms", "result"]
Captured = pytest.CaptureFixture[str]


def schema(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test, not there yet."""
    monkeypatch.setenv("SECOPS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def spooled(home: Path) -> list[dict[str, Any]]:
    lines = (home / "run" / "probe-audit.jsonl").read_text(encoding="ascii").splitlines()
    found = [json.loads(line) for line in lines]
    for one in found:
        jsonschema.validate(one, schema("probe-audit"))
    return found


def ask(capsys: Captured, *argv: str | Path) -> dict[str, Any]:
    """Run the command with --json; it must succeed and print one document of the published shape."""
    code = run(["probe", *map(str, argv), "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == 0, document
    jsonschema.validate(document, schema("probe"))
    assert list(document) == KEYS
    if document["result"] is not None:
        jsonschema.validate(document["result"], schema(f"result-{document['probe']}"))
    return document


def refused(capsys: Captured, *argv: str | Path, code: int = 2) -> str:
    """Run the command, which must refuse; gives the English sentence."""
    assert run(["probe", *map(str, argv), "--json"]) == code
    text: str = json.loads(capsys.readouterr().out)["error"]["en"]
    return text


def sm2_identity() -> Sm2Identity:
    """Certificates that are valid by the real clock, which the command looks at."""
    now = datetime.now(UTC)
    validity = Validity(now - timedelta(days=1), now + timedelta(days=90))
    keys = [sm2.generate_key().private for _ in range(3)]
    root = self_signed_authority(keys[2], name=ROOT_NAME, serial=1, validity=validity)
    sign, encrypt = (
        make_sm2_certificate(keys[2], key.public, usage, serial=serial, validity=validity)
        for key, usage, serial in ((keys[0], SIGNING_USAGE, 2), (keys[1], ENCRYPTION_USAGE, 3))
    )
    return Sm2Identity(keys[0], keys[1], sign, encrypt, root, keys[2])


# --- targets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("127.0.0.1", Target("127.0.0.1")),
        ("127.0.0.1:443", Target("127.0.0.1", 443)),
        ("10.0.0.9:65535", Target("10.0.0.9", 65535)),
        ("::1", Target("::1")),
        ("[::1]", Target("::1")),
        ("[fd00::1]:22", Target("fd00::1", 22)),
        ("[::ffff:127.0.0.1]:80", Target("127.0.0.1", 80)),
    ],
)
def test_targets_are_read(text: str, target: Target) -> None:
    """A host with or without a port, in both families; what is written back reads the same."""
    found = parse_target(text, TargetKind.HOST_PORT)

    assert found == target
    assert parse_target(name_of(found), TargetKind.HOST_PORT) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "localhost:443",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:08",
        "127.0.0.1:",
        "127.0.0.1:1-5",
        "127.0.0.1:443 ",
        "127.0.0.1,10.0.0.1",
        "127.0.0.0/8",
        "fe80::1%eth0",
        "[::1",
        "[::1]443",
        "[::1]:x",
        "::1:",
        "/etc/passwd",
        "-oX",
        "127.0.0.1;id",
        "127.0.0.1\n10.0.0.1",
        "127.0.0.1\x1b[2J",
    ],
)
def test_wrong_targets_are_bad_input(text: str) -> None:
    """A name, a network, a short form or anything else than an address with a port is refused, and shown safely."""
    with pytest.raises(output.Failed) as refusal:
        parse_target(text, TargetKind.HOST_PORT)

    assert refusal.value.code == 2
    assert "\x1b" not in refusal.value.zh + refusal.value.en
    assert "\n" not in refusal.value.zh + refusal.value.en


@pytest.mark.parametrize("text", ["10.0.0.1", "127.0.0.1:22", "here"])
def test_the_local_probe_takes_no_other_host(text: str) -> None:
    """It looks at this machine only, and says so before anything runs."""
    with pytest.raises(output.Failed):
        parse_target(text, TargetKind.THIS_MACHINE)


def test_a_path_is_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is taken from where the person stands; one that is not there is refused."""
    (tmp_path / "server.pem").write_text("")
    monkeypatch.chdir(tmp_path)

    assert parse_target("server.pem", TargetKind.PATH) == Target("", path=str(tmp_path / "server.pem"))
    for wrong in ("client.pem", "a\0b"):
        with pytest.raises(output.Failed):
            parse_target(wrong, TargetKind.PATH)


# --- one use ----------------------------------------------------------------------------------------------


def test_a_tlcp_server_is_proven_and_the_promised_fields_are_there(
    capsys: Captured, tmp_path: Path, home: Path
) -> None:
    """A whole TLCP handshake over the command line, with what is promised of its result."""
    identity = sm2_identity()
    roots = tmp_path / "roots.pem"
    roots.write_bytes(encode_certificate_pem(identity.root))

    with Peer(TlcpServer(identity)) as peer:
        document = ask(
            capsys, "tlcp", f"127.0.0.1:{peer.port}", "--trust", roots, "--server-name", "localhost"
        )

    result = document["result"]
    assert (document["status"], document["reason"], document["detail"]) == ("completed", None, "")
    assert (result["detected"], result["grade"], result["chain_verified"], result["refusal"]) == (
        True,
        3,
        True,
        "",
    )
    assert {suite["number"] for suite in result["suites"]} >= {0xE013, 0xE053}
    for certificate in result["certificates"]:
        wanted = {"role", "subject", "issuer", "not_before", "not_after", "key", "key_usage"}
        assert wanted <= certificate.keys()
    (entry,) = spooled(home)
    assert (entry["probe"], entry["target"], entry["allowed"]) == ("tlcp", document["target"], True)


def test_a_probe_that_fails_is_an_answer(capsys: Captured) -> None:
    """Nobody listens: the document says so, and the exit code is that of success."""
    with Peer(endless(b"")) as peer:
        port = peer.port
    document = ask(capsys, "tls", f"127.0.0.1:{port}")

    assert (document["status"], document["reason"], document["result"]) == ("failed", "refused", None)
    assert document["target"] == f"127.0.0.1:{port}"
    assert datetime.fromisoformat(document["started"]).tzinfo is not None


def test_endless_noise_ends_with_a_reason(capsys: Captured) -> None:
    """A peer that never stops sending is cut off and told as a failure."""
    with Peer(endless(b"\x1b[2J\x00noise")) as peer:
        document = ask(capsys, "sshkex", f"127.0.0.1:{peer.port}", "--timeout", "20")

    assert document["status"] == "failed"
    assert document["reason"] in ("protocol", "resource-limit")


def test_text_for_people_moves_no_cursor(capsys: Captured) -> None:
    """What a target sent reaches the terminal spelled out."""
    with Peer(endless(b"SSH-2.0-x\x1b[2J\r\n")) as peer:
        code = run(["probe", "sshkex", f"127.0.0.1:{peer.port}", "--lang", "en"])

    shown = capsys.readouterr().out
    assert code == 0
    assert "failed" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("argv", [["nonsense", "127.0.0.1"], ["tls"], ["tls", "localhost:1"]])
def test_bad_input_is_no_use(argv: list[str], capsys: Captured, home: Path) -> None:
    """An unknown probe and a wrong target end with exit code 2 and leave no record."""
    refused(capsys, *argv)

    assert not home.exists()


def test_unknown_probe_names_the_known(capsys: Captured) -> None:
    """Whoever mistypes sees what there is."""
    text = refused(capsys, "tsl", "127.0.0.1")

    assert all(name in text for name in ("tls", "tlcp", "nmap", "ssh_baseline"))


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["sshkex", "127.0.0.1", "--server-name", "a"], "--server-name"),
        (["tls", "127.0.0.1", "--server-name", "a b"], "--server-name"),
        (["sshkex", "127.0.0.1", "--trust", "/none"], "--trust"),
        (["tls", "127.0.0.1", "--trust", "/none"], "/none"),
        (["tls", "127.0.0.1", "--trust", "/dev/null"], "PEM"),
        (["tls", "127.0.0.1", "--save", "/"], "folder"),
        (["tls", "127.0.0.1", "--save", "/none/x"], "/none/x"),
        (["tls", "127.0.0.1", "--timeout", "0"], "timeout"),
        (["tls", "127.0.0.1", "--credentials-file", "/none"], "credentials"),
        (["ssh_baseline", "127.0.0.1"], "--credentials-file"),
    ],
)
def test_options_that_do_not_fit_are_refused(argv: list[str], named: str, capsys: Captured) -> None:
    """An option that a probe does not take, or a file that can't be used, ends before anything is asked."""
    assert named in refused(capsys, *argv)


def test_self_test_and_files_of_this_machine(capsys: Captured, tmp_path: Path) -> None:
    """Without a path the implementations are tested, with one the files there are looked at."""
    (tmp_path / "root.pem").write_bytes(encode_certificate_pem(sm2_identity().root))

    own = ask(capsys, "sm_crypto")
    files = ask(capsys, "sm_crypto", tmp_path)

    assert own["result"]["self_test"]
    assert files["target"] == str(tmp_path)
    assert len(files["result"]["certificates"]) == 1


# --- the raw output ---------------------------------------------------------------------------------------


def test_the_pack_of_this_machine_is_kept_closed_and_can_be_judged(capsys: Captured, tmp_path: Path) -> None:
    """``probe local --save`` writes the collector's text for its owner alone; the rules read it."""
    pack = tmp_path / "host.pack"
    pack.write_text("old")
    pack.chmod(0o644)

    document = ask(capsys, "local", "--save", pack)
    assert run(["rules", "eval", "--platform", "linux", str(pack), "--json"]) == 0
    from_pack = json.loads(capsys.readouterr().out)
    saved = tmp_path / "document.json"
    saved.write_text(json.dumps(document))
    assert run(["rules", "eval", str(saved), "--json"]) == 0
    from_document = json.loads(capsys.readouterr().out)

    assert document["status"] == "completed"
    assert pack.read_bytes().startswith(b"@@pack 1 ")
    assert stat.S_IMODE(pack.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".host")] == []
    assert len(from_pack["outcomes"]) == len(load_rules("linux"))
    assert from_document == from_pack


def test_a_failed_probe_leaves_the_file_alone(capsys: Captured, tmp_path: Path) -> None:
    """Nothing was seen, so nothing is written over what was kept before."""
    kept = tmp_path / "kept"
    kept.write_text("before")
    with Peer(endless(b"")) as peer:
        port = peer.port

    ask(capsys, "tls", f"127.0.0.1:{port}", "--save", kept)

    assert kept.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "kept"]


# --- authorisation ----------------------------------------------------------------------------------------


@pytest.fixture
def authorisation(tmp_path: Path) -> Callable[..., Path]:
    """Write an authorisation for the loopback network and the probe tls, with changes; ``None`` takes a key out."""

    def write(**changes: Any) -> Path:
        now = datetime.now(UTC)
        document = {
            "format": 1,
            "id": "AUTH-7",
            "networks": ["127.0.0.0/24", "192.0.2.0/28"],
            "exceptions": ["127.0.0.0/24"],
            "probes": ["tls", "sm_crypto"],
            "path_roots": [],
            "valid_from": (now - timedelta(hours=1)).isoformat(),
            "valid_until": (now + timedelta(hours=1)).isoformat(),
            **changes,
        }
        document = {key: value for key, value in document.items() if value is not None}
        file = tmp_path / "authorisation.json"
        file.write_text(json.dumps(document))
        return file

    return write


@pytest.mark.parametrize("target", ["10.1.2.3:443", "192.0.2.1", "[2001:db8::1]:443", "169.254.169.254:80"])
def test_without_an_authorisation_only_this_machine(target: str, capsys: Captured, home: Path) -> None:
    """Nothing is sent elsewhere; the refusal is told, recorded, and no verdict."""
    document = ask(capsys, "tls", target)

    assert (document["status"], document["reason"]) == ("failed", "not-authorised")
    (entry,) = spooled(home)
    assert (entry["allowed"], entry["authorisation"]) == (False, None)
    assert entry["refusal"]


@pytest.mark.parametrize(
    ("changes", "target", "reason"),
    [
        ({}, "127.0.0.1", ""),
        ({}, "127.0.1.1", "always-denied"),
        ({}, "10.0.0.1", "outside-networks"),
        ({"exceptions": []}, "127.0.0.1", "always-denied"),
        ({"probes": ["nmap"]}, "127.0.0.1", "probe-not-authorised"),
        ({"networks": []}, "127.0.0.1", "outside-networks"),
        (
            {"valid_from": "2020-01-01T00:00:00Z", "valid_until": "2020-02-01T00:00:00Z"},
            "127.0.0.1",
            "expired",
        ),
        (
            {"valid_from": "2999-01-01T00:00:00+08:00", "valid_until": "2999-02-01T00:00:00+08:00"},
            "127.0.0.1",
            "not-yet-valid",
        ),
    ],
)
def test_an_authorisation_says_what_may_be_asked(
    authorisation: Callable[..., Path],
    changes: dict[str, Any],
    target: str,
    reason: str,
    capsys: Captured,
    home: Path,
) -> None:
    """The file is the whole permission, this machine included; the record ties the use to it."""
    file = authorisation(**changes)
    jsonschema.validate(json.loads(file.read_text()), schema("probe-authorisation"))
    with Peer(endless(b"")) as peer:
        port = peer.port

    document = ask(capsys, "tls", f"{target}:{port}", "--authorisation", file)

    assert document["reason"] == ("not-authorised" if reason else "refused")
    assert document["detail"].startswith(reason)
    (entry,) = spooled(home)
    assert entry["authorisation"]["id"] == "AUTH-7"
    assert entry["allowed"] is not bool(reason)


def test_files_need_an_authorised_folder(
    authorisation: Callable[..., Path], capsys: Captured, tmp_path: Path
) -> None:
    """With an authorisation, files are read below its folders only."""
    (tmp_path / "in").mkdir()
    file = authorisation(path_roots=[str(tmp_path / "in")])

    inside = ask(capsys, "sm_crypto", tmp_path / "in", "--authorisation", file)
    outside = ask(capsys, "sm_crypto", tmp_path, "--authorisation", file)

    assert inside["status"] == "completed"
    assert outside["reason"] == "not-authorised"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"networks": None}, "networks"),
        ({"probes": None}, "probes"),
        ({"valid_until": None}, "valid_until"),
        ({"networks": "127.0.0.0/8"}, "networks"),
        ({"networks": ["example.test"]}, "example.test"),
        ({"networks": ["10.0.0.1/8"]}, "10.0.0.1/8"),
        ({"networks": ["10.0.0.0/8"]}, "4096"),
        ({"exceptions": ["0.0.0.0/0"]}, "0.0.0.0/0"),
        ({"path_roots": [1]}, "path_roots"),
        ({"valid_from": "2026-01-01T00:00:00"}, "valid_from"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"valid_from": 5}, "valid_from"),
        ({"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2026-12-31T00:00:00Z"}, "90 days"),
        ({"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"}, "before"),
        ({"format": 2}, "format"),
        ({"exemptions": []}, "not known"),
    ],
)
def test_an_authorisation_that_is_none_is_refused(
    authorisation: Callable[..., Path], changes: dict[str, Any], named: str, capsys: Captured, home: Path
) -> None:
    """A file that misses something, contradicts itself or says more than is understood gives no permission."""
    assert named in refused(capsys, "tls", "127.0.0.1", "--authorisation", authorisation(**changes))
    assert not home.exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b"x" * 2_000_000])
def test_an_authorisation_must_be_a_json_object(content: bytes, capsys: Captured, tmp_path: Path) -> None:
    """Whatever else the file holds is told in one sentence."""
    file = tmp_path / "file"
    file.write_bytes(content)

    assert str(file) in refused(capsys, "tls", "127.0.0.1", "--authorisation", file)


def test_an_authorisation_that_anybody_can_write_is_none(
    authorisation: Callable[..., Path], capsys: Captured, tmp_path: Path
) -> None:
    """Permission is not taken from a file that is open to all, nor from a folder."""
    file = authorisation()
    file.chmod(0o666)

    assert "0666" in refused(capsys, "tls", "127.0.0.1", "--authorisation", file)
    assert "plain file" in refused(capsys, "tls", "127.0.0.1", "--authorisation", tmp_path)


# --- the record of use ------------------------------------------------------------------------------------


def test_each_use_is_one_line_in_a_closed_file(capsys: Captured, home: Path) -> None:
    """Lines are added, never replaced, and nobody else can read them."""
    with Peer(endless(b"")) as peer:
        port = peer.port
    for probe in ("tls", "sshkex", "tls"):
        ask(capsys, probe, f"127.0.0.1:{port}")

    spool = home / "run" / "probe-audit.jsonl"
    assert [entry["probe"] for entry in spooled(home)] == ["tls", "sshkex", "tls"]
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.parent.stat().st_mode) == 0o700


def test_a_spool_that_others_can_read_is_closed(capsys: Captured, home: Path) -> None:
    """A file that was left open is closed at the next use."""
    spool = home / "run" / "probe-audit.jsonl"
    spool.parent.mkdir(parents=True)
    spool.write_text("")
    spool.chmod(0o644)

    ask(capsys, "sm_crypto")

    assert stat.S_IMODE(spool.stat().st_mode) == 0o600


def test_without_a_record_only_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured, authorisation: Callable[..., Path]
) -> None:
    """A home that can't be written is told; this machine may still be looked at, others not."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SECOPS_HOME", str(tmp_path / "file"))
    with Peer(endless(b"")) as peer:
        port = peer.port

    code = run(["probe", "tls", f"127.0.0.1:{port}", "--json", "--lang", "en"])
    captured = capsys.readouterr()
    elsewhere = refused(capsys, "tls", "192.0.2.1", "--authorisation", authorisation(), code=output.NEGATIVE)

    assert code == 0
    assert json.loads(captured.out)["reason"] == "refused"
    assert "can't be recorded" in captured.err
    assert "can't be recorded" in elsewhere


def test_a_spool_that_is_a_link_is_not_followed(
    capsys: Captured, home: Path, tmp_path: Path, authorisation: Callable[..., Path]
) -> None:
    """Whoever puts a link in place of the record stops uses elsewhere and redirects nothing."""
    (home / "run").mkdir(parents=True)
    (home / "run" / "probe-audit.jsonl").symlink_to(tmp_path / "elsewhere")

    refused(capsys, "tls", "192.0.2.1", "--authorisation", authorisation(), code=output.NEGATIVE)

    assert not (tmp_path / "elsewhere").exists()


# --- credentials ------------------------------------------------------------------------------------------


async def sends_a_pack(process: Any) -> None:
    """Answer like a host whose collector ran, whatever was asked."""
    info = {"system": {"info": "uid=0\nhostname=h\ntime=1"}}
    process.stdout.write(compose_pack(info))
    process.exit(0)


def credentials(folder: Path, mode: int = 0o600, **content: Any) -> Path:
    file = folder / "credentials.json"
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    file.chmod(mode)
    return file


def test_a_host_is_looked_at_with_credentials_from_a_closed_file(
    capsys: Captured, tmp_path: Path, home: Path
) -> None:
    """The log-in works, and neither document nor record nor messages hold the password."""
    with ssh_server(sends_a_pack) as server:
        file = credentials(tmp_path, username=USER, password=PASSWORD, host_keys=[server.fingerprint])
        jsonschema.validate(json.loads(file.read_text()), schema("probe-credentials"))
        code = run(
            ["probe", "ssh_baseline", f"127.0.0.1:{server.port}", "--json", "--credentials-file", str(file)]
        )
    captured = capsys.readouterr()

    document = json.loads(captured.out)
    assert code == 0
    assert document["status"] == "completed", document["detail"]
    assert document["result"]["platform"] == "linux"
    everything = captured.out + captured.err + (home / "run" / "probe-audit.jsonl").read_text()
    assert PASSWORD not in everything


def test_another_host_key_stops_the_probe(capsys: Captured, tmp_path: Path) -> None:
    """The keys of the file are the enrolled ones; no password is sent to a host with another."""
    with ssh_server(sends_a_pack) as server:
        file = credentials(tmp_path, username=USER, password=PASSWORD, host_keys=["SHA256:" + "A" * 43])
        document = ask(capsys, "ssh_baseline", f"127.0.0.1:{server.port}", "--credentials-file", file)

    assert document["reason"] == "host-key-changed"
    assert server.passwords == []


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o666, 0o660])
def test_credentials_open_to_others_are_refused(
    mode: int, capsys: Captured, tmp_path: Path, home: Path
) -> None:
    """Mode 0600, else nothing happens."""
    file = credentials(tmp_path, mode, username=USER, password=PASSWORD, host_keys=["SHA256:x"])

    text = refused(capsys, "ssh_baseline", "127.0.0.1", "--credentials-file", file)

    assert f"{mode:04o}" in text
    assert "0600" in text
    assert not home.exists()


GOOD: dict[str, Any] = {"username": "auditor", "password": "s3cr3t-v4lue", "host_keys": ["SHA256:abc"]}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"username": None}, "username"),
        ({"username": ""}, "username"),
        ({"password": None}, "password"),
        ({"password": {"s3cr3t-v4lue": 1}}, "password"),
        ({"host_keys": None}, "host_keys"),
        ({"host_keys": []}, "host_keys"),
        ({"host_keys": ["s3cr3t-v4lue"]}, "host_keys"),
        ({"host_keys": "s3cr3t-v4lue"}, "host_keys"),
        ({"s3cr3t-v4lue": "password"}, "not known"),
        ({"use_sudo": "s3cr3t-v4lue"}, "use_sudo"),
        ({"private_key": "k", "private_key_file": "/none"}, "private_key_file"),
        ({"private_key_file": "/none"}, "/none"),
    ],
)
def test_wrong_credentials_are_told_without_a_value(
    changes: dict[str, Any], named: str, capsys: Captured, tmp_path: Path
) -> None:
    """The sentence names the key at fault; whatever stands in the file stays there, with the trace too."""
    file = credentials(tmp_path, **{**GOOD, **changes})

    code = run(
        ["probe", "ssh_baseline", "127.0.0.1", "--credentials-file", str(file), "--debug", "--lang", "en"]
    )
    shown = capsys.readouterr()

    assert code == 2
    assert named in shown.err
    assert "s3cr3t" not in shown.out + shown.err


DATABASE: dict[str, Any] = {"username": "auditor", "password": "s3cr3t-v4lue", "kind": "redis"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"username": None, "kind": "mysql"}, "username"),
        ({"username": "", "kind": None}, "username"),
        ({"password": None}, "password"),
        ({"password": ["s3cr3t-v4lue"]}, "password"),
        ({"password": "s3cr3t\0"}, "password"),
        ({"kind": "s3cr3t-v4lue"}, "kind"),
        ({"tls": "s3cr3t-v4lue"}, "tls"),
        ({"tls": True}, "tls"),
        ({"host_keys": ["s3cr3t-v4lue"]}, "not known"),
    ],
)
def test_wrong_credentials_of_a_database_are_told_without_a_value(
    changes: dict[str, Any], named: str, capsys: Captured, tmp_path: Path
) -> None:
    """The sentence names the key at fault, the schema refuses the same, and no value is shown."""
    file = credentials(tmp_path, **{**DATABASE, **changes})

    shown = refused(capsys, "database", "127.0.0.1:6379", "--credentials-file", file)

    assert named in shown
    assert "s3cr3t" not in shown
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(file.read_text()), schema("probe-credentials"))


def test_a_database_is_looked_into_with_credentials_from_a_closed_file(
    capsys: Captured, tmp_path: Path, home: Path
) -> None:
    """The one document follows its schema; the password is neither in it nor in the record nor in the saved answer."""
    word = "s3cr3t-v4lue"
    saved = tmp_path / "raw.json"
    with redis_server([f"requirepass {word}"]) as port:
        file = credentials(tmp_path, password=word, kind="redis")
        jsonschema.validate(json.loads(file.read_text()), schema("probe-credentials"))
        document = ask(
            capsys, "database", f"127.0.0.1:{port}", "--credentials-file", file, "--save", str(saved)
        )

    assert document["status"] == "completed", document["detail"]
    jsonschema.validate(document["result"], schema("result-database"))
    everything = json.dumps(document) + (home / "run" / "probe-audit.jsonl").read_text() + saved.read_text()
    assert '"redis_version"' in everything
    assert word not in everything


def test_broken_json_of_credentials_is_not_quoted(capsys: Captured, tmp_path: Path) -> None:
    """A reader's message may quote what it read; ours does not, with the trace neither."""
    file = tmp_path / "credentials.json"
    file.write_text('{"password": s3cr3t-v4lue}')
    file.chmod(0o600)

    assert run(["probe", "ssh_baseline", "127.0.0.1", "--credentials-file", str(file), "--debug"]) == 2
    shown = capsys.readouterr()

    assert "s3cr3t" not in shown.out + shown.err


def test_a_key_file_must_be_closed_too(capsys: Captured, tmp_path: Path) -> None:
    """A private key in a file of its own has the same mode."""
    key = tmp_path / "id"
    key.write_text("key")
    key.chmod(0o640)
    file = credentials(tmp_path, **{**GOOD, "password": None, "private_key_file": str(key)})

    assert "0640" in refused(capsys, "ssh_baseline", "127.0.0.1", "--credentials-file", file)


# --- schemas, weight --------------------------------------------------------------------------------------


def test_schemas_of_results_are_those_of_the_types() -> None:
    """A result that changed its shape needs its schema written again: python -m scanners.schema.results."""
    shipped = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("result-*.schema.json")}

    assert shipped == all_results()


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_schemas_are_schemas(file: Path) -> None:
    """The published schemas are valid themselves and carry their own name."""
    document = json.loads(file.read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$id"] == file.name


@pytest.mark.parametrize(
    "argv", [["probe", "sm_crypto"], ["rules", "list"], ["rules", "test"], ["rules", "eval"], ["coverage"]]
)
def test_nothing_heavy_is_loaded(argv: list[str], tmp_path: Path) -> None:
    """These commands need no store and load neither Flask nor SQLAlchemy nor Celery."""
    if argv[-1] == "eval":
        (tmp_path / "pack").write_bytes(b"@@pack 1 secops-collector 1\n@@finish 1\n")
        argv = [*argv, str(tmp_path / "pack")]
    code = (
        "import sys; from secops.cli.main import run; assert run(sys.argv[1:]) == 0;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv, "--json"],
        capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip

    loaded = set(done.stderr.splitlines()[-1].split())
    assert not loaded & {"flask", "flask_appbuilder", "sqlalchemy", "celery", "alembic", "kombu"}
    assert "error" not in json.loads(done.stdout)
