"""Evidence packages: written here, checked anywhere; every kind of change is found and named."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from secops.accounts.models import Role
from secops.audit_log.merkle import prove_inclusion, prove_many
from secops.cli.main import run
from secops.clock import utc_now
from secops.errors import NotFound, NotReady
from secops.evidence.models import Evidence, EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, store_bytes
from secops.objects.models import System
from secops.package import verify, writer
from secops.package.verify import NotAPackage, PackageResult, verify_package
from secops.platform import Platform
from secops.scope import Principal
from smcrypto import passphrase, sm2, sm3
from smcrypto.keys import Signer
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions

OWN = Principal.platform("test")
FILES = {"口令 规定.txt": "口令不少于 12 位".encode() * 999, "../a|b.bin": b"", "c.txt": b"x" * 65536}


@pytest.fixture
def system(platform: Platform) -> int:
    """A system with three pieces of evidence."""
    system = Rows(platform.engine).one(System, code="S1", level=3, profile="S3A3G3")
    for name, content in FILES.items():
        new = NewEvidence(
            system, name, name, EvidenceSource.REPORT, EvidenceState.SUBMITTED, units=("L3-CES1-01",)
        )
        store_bytes(platform, OWN, new, content)
    return system


@pytest.fixture
def made(platform: Platform, system: int, tmp_path: Path) -> Path:
    """Its package with the whole log."""
    path = tmp_path / "package.zip"
    with path.open("wb") as file:
        writer.write(platform, OWN, system, file, with_log=True, now=utc_now())
    return path


def _known(platform: Platform) -> list[sm2.PublicKey]:
    return [platform.keys.public_key(Signer.REPORT)]


def _change(path: Path, **changes: Callable[[bytes], bytes | None]) -> None:
    """Write the zip anew with members changed; None drops one. Keys are the names with __ for the slash."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, content in members.items():
            for key, change in changes.items():
                if name.startswith(key.replace("__", "/")):
                    content = change(content)  # type: ignore[assignment]
            if content is not None:
                new.writestr(name, content)
    path.write_bytes(out.getvalue())


def _resign(platform: Platform, path: Path, signer: Callable[[bytes], bytes] | None = None) -> None:
    """What somebody with the signing key could do: all digests and the signature made again."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    manifest = json.loads(members["manifest.json"])
    manifest["members"] = [
        {"name": name, "size": len(content), "sm3": sm3.hexdigest(content)}
        for name, content in members.items()
        if not name.startswith("manifest.")
    ]
    raw = json.dumps(manifest).encode()
    sign = signer or (lambda data: platform.keys.sign(Signer.REPORT, data))
    members["manifest.json"] = raw
    members["manifest.sig"] = json.dumps({"signature": sign(raw).hex()}).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    path.write_bytes(out.getvalue())


def test_a_whole_package_is_whole(platform: Platform, made: Path) -> None:
    """Files, receipts and events fit; names come as they were; writing it is on record."""
    found = verify_package(made, known=_known(platform))
    assert found.ok, found
    assert (found.receipts, found.signer_known) == (3, True)
    assert found.events >= 6
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
        about = json.loads(archive.read("evidence.json"))
        assert {one["file_name"]: archive.read(one["member"]) for one in about} == FILES
    assert not any(".." in name.split("/") or name.startswith("/") for name in names)
    assert "evidence.package" in audit_actions(platform)


def test_without_a_key_from_elsewhere_nobody_vouched(made: Path) -> None:
    """The key inside is used, and the result says so and names its fingerprint."""
    found = verify_package(made)
    assert found.ok
    assert not found.signer_known
    assert len(found.signer) == 64


@pytest.mark.parametrize(
    ("member", "damage"),
    [
        ("evidence/1", "member"),
        ("evidence.json", "member"),
        ("audit/events.jsonl", "member"),
        ("audit/checkpoints.jsonl", "member"),
        ("audit/log.jsonl", "member"),
        ("manifest.json", "signature"),
    ],
)
def test_one_changed_byte_is_found(platform: Platform, made: Path, member: str, damage: str) -> None:
    """Whatever member: it is named."""
    _change(made, **{member.replace("/", "__"): lambda content: content.replace(b"1", b"2", 1)})
    found = verify_package(made, known=_known(platform))
    assert (found.ok, found.damage) == (False, damage)
    assert member == "manifest.json" or found.member.startswith(member)


def test_a_missing_an_added_and_a_doubled_member_are_found(platform: Platform, made: Path) -> None:
    """The manifest knows exactly what belongs in."""
    whole = made.read_bytes()
    _change(made, evidence__2=lambda content: None)
    assert verify_package(made, known=_known(platform)).detail == "it is missing"
    made.write_bytes(whole)
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("evidence/9-added.txt", "x")
    assert verify_package(made, known=_known(platform)).member == "evidence/9-added.txt"
    made.write_bytes(whole)
    with zipfile.ZipFile(made, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("evidence.json", "[]")
    assert verify_package(made, known=_known(platform)).detail == "it stands twice in the package"


def test_a_cut_package_is_truncated(platform: Platform, made: Path) -> None:
    """Cut anywhere: the directory at the end is gone."""
    whole = made.read_bytes()
    for share in (0.1, 0.5, 0.99):
        made.write_bytes(whole[: int(len(whole) * share)])
        assert verify_package(made, known=_known(platform)).damage == "truncated"


def test_another_signer_is_found(platform: Platform, made: Path) -> None:
    """Signed again by a stranger's key, even with that key put inside: refused when the real one is known."""
    stranger = sm2.generate_key()
    _resign(platform, made, lambda data: sm2.sign(stranger.private, data))
    assert verify_package(made).damage == "signature"
    assert verify_package(made, known=_known(platform)).damage == "signature"
    assert verify_package(made, known=[stranger.public]).ok


@pytest.mark.parametrize(
    ("member", "change", "damage"),
    [
        ("audit__events", lambda raw: raw.replace(b"evidence.store", b"evidence.steal", 1), "hash"),
        ("audit__events", lambda raw: b"".join(raw.splitlines(True)[1:]), "gap"),
        ("audit__events", lambda raw: raw + raw.splitlines(True)[-1], "fork"),
        ("audit__log", lambda raw: raw.replace(b"evidence.store", b"evidence.steal", 1), "hash"),
        ("audit__log", lambda raw: b"".join([*raw.splitlines(True)[:3], *raw.splitlines(True)[4:]]), "gap"),
        ("audit__log", lambda raw: b"".join(raw.splitlines(True)[:-4]), "truncated"),
        ("audit__log", lambda raw: b"".join(raw.splitlines(True)[:-1]), "head"),
        (
            "audit__checkpoints",
            lambda raw: raw.replace(b'"signature":"30', b'"signature":"31', 1),
            "checkpoint",
        ),
        (
            "evidence.json",
            lambda raw: raw.replace(b'"signature": "30', b'"signature": "31', 1),
            "receipt",
        ),
    ],
)
def test_the_signer_alone_can_not_change_the_past(
    platform: Platform, made: Path, member: str, change: Callable[[bytes], bytes], damage: str
) -> None:
    """With the package signed anew the log, its checkpoints and the receipts still tell."""
    _change(made, **{member: change})
    _resign(platform, made)
    found = verify_package(made, known=_known(platform))
    assert (found.ok, found.damage) == (False, damage), found


def test_random_flips_are_refused(platform: Platform, made: Path) -> None:
    """Bytes of members that are flipped anywhere never pass."""
    whole, chance = made.read_bytes(), random.Random(7)
    with zipfile.ZipFile(made) as archive:
        spans = [
            (info.header_offset + 90, info.header_offset + info.compress_size)
            for info in archive.infolist()
            if info.file_size > 500
        ]
    for _ in range(150):
        raw = bytearray(whole)
        raw[chance.randrange(*chance.choice(spans))] ^= 1 << chance.randrange(8)
        made.write_bytes(raw)
        assert not verify_package(made, known=_known(platform)).ok


def test_a_sealed_package_opens_by_its_passphrase(
    platform: Platform, system: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, or with another, nothing can be said; a changed chunk is damage."""
    monkeypatch.setattr(passphrase, "ROUNDS", 1000)
    path = tmp_path / "package.sealed"
    with path.open("wb") as file:
        writer.write(platform, OWN, system, file, secret=b"a long passphrase", now=utc_now())
    assert "口令".encode() not in path.read_bytes()
    assert verify_package(path, secret=b"a long passphrase").ok
    for secret in (None, b"another"):
        with pytest.raises(NotAPackage):
            verify_package(path, secret=secret)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    assert verify_package(path, secret=b"a long passphrase").damage == "sealed"


def test_a_damaged_file_makes_no_package(platform: Platform, system: int, tmp_path: Path) -> None:
    """What can't be read is not passed over."""
    with platform.work("test:look") as session:
        blob = session.get_one(Evidence, 1).blob_id
    platform.vault.shred(blob)
    with (tmp_path / "x").open("wb") as file, pytest.raises(NotReady):
        writer.write(platform, OWN, system, file, now=utc_now())


def test_the_whole_log_is_for_who_sees_all(platform: Platform, system: int, tmp_path: Path) -> None:
    """Somebody of one department gets the events of the evidence, never the log; a foreign system is not there."""
    with platform.work("test:look") as session:
        department = session.get_one(System, system).department_id
    one = Principal("somebody", roles=frozenset({Role.OFFICER.value}), department_ids=frozenset({department}))
    with (tmp_path / "x").open("wb") as file, pytest.raises(NotFound):
        writer.write(platform, one, system, file, with_log=True, now=utc_now())
    with (tmp_path / "y").open("wb") as file, pytest.raises(NotFound):
        writer.write(platform, Principal("nobody"), system, file, now=utc_now())
    with (tmp_path / "z").open("wb") as file:
        writer.write(platform, one, system, file, now=utc_now())
    with zipfile.ZipFile(tmp_path / "z") as archive:
        assert "audit/log.jsonl" not in archive.namelist()
    assert verify_package(tmp_path / "z").ok


def test_the_commands(
    platform: Platform,
    system: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Written and checked from the console: exit codes 0, 1 and 2."""
    monkeypatch.setenv("SECOPS_HOME", str(platform.settings.home))
    path = tmp_path / "p.zip"

    def call(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    code, document = call("package", "S1", str(path))
    assert (code, document["members"]) == (0, 6)
    code, document = call("verify", str(path))
    assert (code, document["ok"], document["damage"]) == (0, True, "")
    _change(path, evidence__1=lambda content: content + b"x")
    assert call("verify", str(path))[0] == 1
    (tmp_path / "other").write_bytes(b"something else")
    assert call("verify", str(tmp_path / "other"))[0] == 2
    assert call("verify", str(tmp_path / "gone"))[0] == 2
    assert call("package", "S1", str(path))[0] == 2
    assert call("package", "NONE", str(tmp_path / "q"))[0] == 2


def test_checking_needs_no_database() -> None:
    """The module that checks loads neither SQLAlchemy nor Flask."""
    code = "import sys, secops.package.verify; print({'sqlalchemy', 'flask', 'celery'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_many_proofs_are_the_single_ones(size: int) -> None:
    """Built level by level or by the recursion of RFC 6962: the same paths."""
    leaves = [sm3.digest(bytes([i])) for i in range(size)]
    assert prove_many(leaves, range(size)) == [prove_inclusion(leaves, i) for i in range(size)]


def test_the_result_is_plain() -> None:
    """What --json prints has a fixed set of keys."""
    assert set(PackageResult().to_json()) >= {
        "ok",
        "damage",
        "member",
        "detail",
        "signer_known",
        "not_examined",
    }
    assert verify.FORMAT == 1
