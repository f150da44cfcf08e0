"""Checkpoints outside of the database: what a hostile database administrator does is found and named, here and elsewhere."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from secops.accounts.models import Role
from secops.audit_log import checkpoints
from secops.audit_log.services import record
from secops.cli.main import run
from secops.clock import utc_now
from secops.jobs.duties import DUTIES
from secops.platform import Platform
from tests.support.page_checks import audit_actions, plain
from tests.support.platforms import ClientAs


@pytest.fixture
def console(platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("SECOPS_HOME", str(platform.settings.home))

    def call(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*words, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out.strip() else None

    return call


def _events(platform: Platform, count: int) -> None:
    for number in range(count):
        with platform.work("test:events") as session:
            record(session, "test.event", now=utc_now(), object_type="table", object_id=str(number))


def _sql(platform: Platform, *statements: str) -> None:
    with platform.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_signed_once_a_minute_and_by_one_at_a_time(platform: Platform) -> None:
    """The first tick signs, the next waits for its minute, and nothing new is nothing to sign."""
    _events(platform, 3)
    now = utc_now()
    assert checkpoints.sign_due(platform, now=now) == "signed"
    _events(platform, 1)
    assert checkpoints.sign_due(platform, now=now + timedelta(seconds=30)) == "nothing"
    assert checkpoints.sign_due(platform, now=now + timedelta(seconds=61)) == "signed"
    assert checkpoints.sign_due(platform, now=now + timedelta(seconds=200)) == "nothing"
    witness = checkpoints.read_witness(platform)
    assert witness is not None
    folder = checkpoints.folder_of(platform)
    assert len(checkpoints.read_checkpoints(folder / "checkpoints.jsonl")) == 2
    assert (folder.stat().st_mode & 0o777, (folder / "checkpoints.jsonl").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )
    with platform.work("test:verify") as session:
        found = checkpoints.verify_with(platform, session)
    assert (found.ok, found.checkpoints_checked) == (True, 2)
    assert "audit-verify" in DUTIES


# What is done to the database, and the kind of damage that verification names.
ATTACKS = {
    "edit": (["UPDATE audit_event SET reason = 'x' WHERE seq = 3"], "hash"),
    "delete": (["DELETE FROM audit_event WHERE seq = 3"], "gap"),
    "tail": (
        ["DELETE FROM audit_event WHERE seq > 3", "UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit_event WHERE seq = 3)"],
        "truncated",
    ),
    "empty": (
        ["DELETE FROM audit_event", "UPDATE audit_head SET seq = 0, hash = '{genesis}'"],
        "truncated",
    ),
    "another-log": (["UPDATE audit_head SET log_id = 'ffffffffffffffff'"], None),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ATTACKS))
def test_what_is_done_to_the_database_is_found(console: Any, platform: Platform, name: str) -> None:
    """Rows edited, removed or cut, head and all: the command names it, and the witness signs no more."""
    from secops.audit_log import chain

    _events(platform, 6)
    assert checkpoints.sign_due(platform, now=utc_now(), at_once=True) == "signed"
    assert console("audit", "verify")[0] == 0
    statements, damage = ATTACKS[name]
    _sql(platform, *(one.replace("{genesis}", chain.GENESIS) for one in statements))
    code, found = console("audit", "verify")
    assert (code, found["ok"]) == (1, False)
    if damage is not None:
        assert found["damage"] == damage
    if name in ("tail", "empty"):
        assert console("audit", "checkpoint")[0] == 1
        assert audit_actions(platform)[-1] == "audit.checkpoint-refused"


def test_recomputed_by_who_knows_the_chain(console: Any, platform: Platform) -> None:
    """Rows rewritten with every hash recomputed fool the chain, not the checkpoints."""
    from secops.audit_log import chain
    from secops.audit_log.export import normalise_row

    _events(platform, 5)
    assert checkpoints.sign_due(platform, now=utc_now(), at_once=True) == "signed"
    with platform.engine.begin() as connection:
        log_id = connection.scalar(text("SELECT log_id FROM audit_head"))
        rows = [
            normalise_row(dict(row))
            for row in connection.execute(text("SELECT * FROM audit_event ORDER BY seq")).mappings()
        ]
        before = chain.GENESIS
        for row in rows:
            row["prev"] = before
            if row["seq"] == 2:
                row["reason"] = "nothing happened"
            before = chain.row_hash(str(log_id), row)
            connection.execute(
                text("UPDATE audit_event SET prev = :prev, hash = :hash, reason = :reason WHERE seq = :seq"),
                {"prev": row["prev"], "hash": before, "reason": row["reason"], "seq": row["seq"]},
            )
        connection.execute(text("UPDATE audit_head SET hash = :hash"), {"hash": before})
    code, found = console("audit", "verify")
    # The key of the MACs is missing to them; with it, the checkpoint would be what differs.
    assert (code, found["damage"], found["first_bad"]) == (1, "mac", 2)
    assert console("audit", "checkpoint")[1]["result"] == "refused"


def test_an_export_is_checked_elsewhere(console: Any, platform: Platform, tmp_path: Path) -> None:
    """The files of an export suffice: intact, changed in one character, cut, and without a key to check with."""
    _events(platform, 6)
    checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    file = tmp_path / "log.jsonl"
    code, told = console("audit", "export", str(file))
    assert (code, told["records"]) == (0, len(audit_actions(platform)) - 1)
    assert console("audit", "export", str(file))[0] == 2
    shutil.move(platform.settings.home, tmp_path / "gone")
    given = ("--checkpoints", f"{file}.checkpoints", "--pubkey", f"{file}.pub")
    code, found = console("audit", "verify", "--export", str(file), *given)
    assert (code, found["ok"], found["checkpoints_checked"]) == (0, True, 1)

    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("test.event", "test.evenT", 1), encoding="utf-8")
    assert console("audit", "verify", "--export", str(file), *given)[1]["damage"] == "hash"
    lines = whole.splitlines(keepends=True)
    file.write_text("".join(lines[:3]), encoding="utf-8")
    assert console("audit", "verify", "--export", str(file), *given)[0] == 1
    file.write_text("no log", encoding="utf-8")
    assert console("audit", "verify", "--export", str(file))[0] == 2
    file.write_text(whole, encoding="utf-8")
    assert console("audit", "verify", "--export", str(file), *given[:2])[0] == 2
    assert console("audit", "verify", "--export", str(tmp_path / "none"))[0] == 2


def test_the_page_shows_the_witness(client_as: ClientAs, platform: Platform) -> None:
    """Age and size of the last checkpoint; a refusal is a banner; a check counts the checkpoints."""
    auditor = client_as(Role.AUDIT_ADMIN)
    assert "尚无" in plain(auditor.get("/audit/").text)
    checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    assert "库外签名检查点" in plain(auditor.get("/audit/").text)
    auditor.post("/audit/verify")
    with platform.work("test:cut") as session:
        session.execute(text("DELETE FROM audit_event WHERE seq > 2"))
        session.execute(
            text("UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit_event WHERE seq = 2)")
        )
    assert checkpoints.sign_due(platform, now=utc_now(), at_once=True) == "refused"
    assert "见证方拒绝" in plain(auditor.get("/audit/").text)


def test_a_line_cut_by_a_crash_is_mended(platform: Platform) -> None:
    """Half a line at the end of the file is left out when read and ended before the next is written."""
    _events(platform, 2)
    checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    path = checkpoints.folder_of(platform) / "checkpoints.jsonl"
    with path.open("ab") as stream:
        stream.write(b'{"text": "half')
    assert len(checkpoints.read_checkpoints(path)) == 1
    _events(platform, 1)
    assert checkpoints.sign_due(platform, now=utc_now(), at_once=True) == "signed"
    assert len(checkpoints.read_checkpoints(path)) == 2


def _forge(platform: Platform, *, with_key: bool, from_seq: int = 2) -> None:
    """Rewrite a row with every later hash, and with the MACs too for who stole the key."""
    from secops.audit_log import chain
    from secops.audit_log.export import normalise_row

    keys = platform.keys
    with platform.engine.begin() as connection:
        head = connection.execute(text("SELECT log_id, seq, mac_from FROM audit_head")).one()
        rows = [
            normalise_row(dict(row))
            for row in connection.execute(text("SELECT * FROM audit_event ORDER BY seq")).mappings()
        ]
        before = chain.GENESIS
        for row in rows:
            row["prev"] = before
            if row["seq"] == from_seq:
                row["reason"] = "nothing happened"
            before = chain.row_hash(head.log_id, row)
            mac = chain.row_mac(keys, before) if with_key else chain.Mac("", "")
            connection.execute(
                text(
                    "UPDATE audit_event SET prev = :prev, hash = :hash, reason = :reason, kid = :kid, mac = :mac WHERE seq = :seq"
                ),
                {
                    "prev": row["prev"],
                    "hash": before,
                    "reason": row["reason"],
                    "seq": row["seq"],
                    "kid": mac.kid,
                    "mac": mac.value,
                },
            )
        sealed = (
            chain.head_mac(keys, chain.Head(head.log_id, head.seq, before, head.mac_from))
            if with_key
            else chain.Mac("", "")
        )
        connection.execute(
            text("UPDATE audit_head SET hash = :hash, kid = :kid, mac = :mac, mac_from = :start"),
            {
                "hash": before,
                "kid": sealed.kid,
                "mac": sealed.value,
                "start": head.mac_from if with_key else None,
            },
        )


def test_the_key_of_the_macs_does_not_help_against_checkpoints(console: Any, platform: Platform) -> None:
    """Hashes and MACs recomputed with the stolen key: the signed checkpoint differs."""
    _events(platform, 5)
    checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    _forge(platform, with_key=True)
    code, found = console("audit", "verify")
    assert (code, found["damage"]) == (1, "checkpoint")


def test_stripping_all_macs_is_seen_from_outside(console: Any, platform: Platform) -> None:
    """The witness remembers from where on rows carry MACs, so a log without any is no older log."""
    _events(platform, 5)
    checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    _forge(platform, with_key=False, from_seq=999)
    code, found = console("audit", "verify")
    assert (code, found["damage"]) == (1, "mac")


def test_a_forged_row_after_the_last_checkpoint_is_found(console: Any, platform: Platform) -> None:
    """What nobody has signed yet is held by the MACs of rows and head: an appended row and a cut tail."""
    _events(platform, 4)
    checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    _events(platform, 3)
    with platform.engine.begin() as connection:
        last = connection.scalar(text("SELECT seq FROM audit_head"))
    _sql(
        platform,
        f"DELETE FROM audit_event WHERE seq > {last - 2}",
        f"UPDATE audit_head SET seq = {last - 2}, hash = (SELECT hash FROM audit_event WHERE seq = {last - 2})",
    )
    code, found = console("audit", "verify")
    assert (code, found["damage"]) == (1, "head")


def test_no_key_no_change(platform: Platform) -> None:
    """Without the key no event can be written, so nothing changes, and it is said in one sentence."""
    from secops.errors import NotReady

    keys = platform.settings.home / "keys"
    before = audit_actions(platform)
    keys.rename(keys.with_name("away"))
    with pytest.raises(NotReady), platform.work("test:no-key") as session:
        record(session, "test.event", now=utc_now())
    keys.with_name("away").rename(keys)
    assert audit_actions(platform) == before
