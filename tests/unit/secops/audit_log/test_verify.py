"""The verifier beyond the attacks: MACs switched on later, rotation, tails, exports, garbage."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secops.audit_log import chain, export
from secops.audit_log.chain import Checkpoint, CheckpointSigner, Head, Mac, SignedCheckpoint
from secops.audit_log.export import LogUnreadable, verify_export
from secops.audit_log.merkle import MerkleLog
from secops.audit_log.verify import Damage, SealedHead, Start, VerifyResult, verify_log
from smcrypto.errors import InvalidParameter
from smcrypto.keys import FileKeyProvider, Signer
from tests.unit.secops.audit_log.logs import (
    LOG_ID,
    Database,
    event,
    make_checkpoints,
    make_rows,
    seal,
    sealed_head,
)


def _verify(rows: list[dict[str, Any]], **named: Any) -> VerifyResult:
    return verify_log(iter(rows), LOG_ID, **named)


def test_empty_log_is_intact() -> None:
    """A log that was just begun has a head and no rows."""
    result = _verify([], head=SealedHead(Head(LOG_ID, 0, chain.GENESIS)), needs_head=True)

    assert result.ok
    assert (result.records, result.last_seq, result.last_hash) == (0, 0, chain.GENESIS)


def test_json_has_the_agreed_keys(keys: FileKeyProvider) -> None:
    """The machine's answer carries ok, records, first_bad and damage, whatever else it tells."""
    rows = make_rows(5, keys)
    good = _verify(rows, keys=keys, head=sealed_head(rows, keys)).to_json()
    rows[2]["actor"] = "x"
    bad = _verify(rows, keys=keys).to_json()

    assert {name: good[name] for name in ("ok", "records", "first_bad", "damage")} == {
        "ok": True,
        "records": 5,
        "first_bad": None,
        "damage": None,
    }
    assert {name: bad[name] for name in ("ok", "records", "first_bad", "damage")} == {
        "ok": False,
        "records": 2,
        "first_bad": 3,
        "damage": "hash",
    }
    json.dumps([good, bad])


_EDITS: dict[str, Any] = dict.fromkeys(chain.TEXT_LIMITS, "changed") | {
    "seq": 100,
    "prev": "1" * 64,
    "hash": "2" * 64,
    "mac": "3" * 64,
    "kid": "9-0000000000000000",
    "actor_id": 12345,
    "detail": {},
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(_EDITS)), st.integers(0, 19))
def test_any_edit_of_any_field_is_found_where_it_is(keys: FileKeyProvider, name: str, index: int) -> None:
    """One changed field: the first bad row is that row, except where the change pretends that rows are missing."""
    rows = make_rows(20, keys)
    rows[index][name] = _EDITS[name]

    result = _verify(rows, keys=keys, head=sealed_head(make_rows(20, keys), keys))

    assert not result.ok
    assert result.first_bad == index + 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=10))
def test_no_other_order_of_rows_passes(keys: FileKeyProvider, order: list[int]) -> None:
    """Rows left out, repeated or shuffled are found, unless they are the first ones in their order."""
    rows = make_rows(10, keys)

    result = _verify([dict(rows[number]) for number in order], keys=keys)

    assert result.ok is (order == list(range(len(order))))


def test_macs_can_be_switched_on_later(keys: FileKeyProvider) -> None:
    """Rows from before need none; from then on none may lack one, whether the caller or the head says so."""
    rows = make_rows(20, keys, mac_from=8)
    head = sealed_head(rows, keys, mac_from=8)

    assert _verify(rows, keys=keys, head=head, needs_head=True).macs_checked == 13
    assert _verify(rows, keys=keys, head=head, mac_from=8).ok
    assert _verify(rows, keys=keys, mac_from=5).damage is Damage.MAC
    assert _verify(rows, keys=keys, mac_from=5).first_bad == 5
    for stripped in (9, 19):
        bare = [dict(row) for row in rows]
        bare[stripped] |= {"kid": "", "mac": ""}
        result = _verify(bare, keys=keys, head=head)
        assert (result.damage, result.first_bad) == (Damage.MAC, stripped + 1)


def test_macs_stripped_from_all_rows_are_missed_by_the_head(keys: FileKeyProvider) -> None:
    """When the head still says from where MACs are due, their absence is found there."""
    rows = make_rows(20, keys, mac_from=8)
    head = sealed_head(rows, keys, mac_from=8)
    for row in rows:
        row |= {"kid": "", "mac": ""}

    result = _verify(rows, keys=keys, head=head)

    assert (result.damage, result.first_bad) == (Damage.MAC, 8)


def test_rotated_keys_are_told_by_their_id(tmp_path: Path) -> None:
    """Rows before and after a rotation verify; once the old key is destroyed the old rows cannot be vouched for."""
    own = FileKeyProvider.create(tmp_path / "keys", signers=[])
    rows = make_rows(5, own)
    first = own.current_kid
    own.rotate_main_key()
    prev = rows[-1]["hash"]
    for seq in range(6, 9):
        rows.append(seal(event(seq, prev), own))
        prev = rows[-1]["hash"]

    assert len({row["kid"] for row in rows}) == 2
    assert _verify(rows, keys=own, head=sealed_head(rows, own)).macs_checked == 8
    own.destroy_main_key(first)
    result = _verify(rows, keys=own)
    assert (result.damage, result.first_bad) == (Damage.MAC, 1)


def test_row_macs_do_not_pass_for_each_other(keys: FileKeyProvider) -> None:
    """The MAC of another row, of the head, or nonsense does not fit."""
    rows = make_rows(5, keys)
    head = sealed_head(rows, keys)
    for wrong in (rows[0]["mac"], head.mac.value, "é", "zz", 5):
        changed = [dict(row) for row in rows]
        changed[3]["mac"] = wrong

        assert _verify(changed, keys=keys).damage is Damage.MAC


def test_without_keys_it_says_that_no_mac_was_checked(keys: FileKeyProvider) -> None:
    """An intact chain without keys is intact, and zero MACs were checked."""
    rows = make_rows(5, keys)

    result = _verify(rows, head=sealed_head(rows, keys))

    assert result.ok
    assert result.macs_checked == 0


@pytest.mark.parametrize(
    ("changes", "damage", "first_bad"),
    [
        ({"seq": 4}, Damage.HEAD, 6),
        ({"hash": "0" * 64}, Damage.HEAD, 6),
        ({"log_id": "other"}, Damage.HEAD, 6),
        ({"mac_from": 3}, Damage.HEAD, 6),
    ],
)
def test_edited_heads(keys: FileKeyProvider, changes: dict[str, Any], damage: Damage, first_bad: int) -> None:
    """Any change of the head without the key is found."""
    rows = make_rows(5, keys)
    sealed = sealed_head(rows, keys)

    result = _verify(rows, keys=keys, head=SealedHead(replace(sealed.head, **changes), sealed.mac))

    assert (result.damage, result.first_bad) == (damage, first_bad)


def test_heads_without_a_mac(keys: FileKeyProvider) -> None:
    """Where rows carry MACs the head must too; a missing head is damage only where one is due."""
    rows = make_rows(5, keys)
    bare = sealed_head(rows, None)

    assert _verify(rows, keys=keys, head=bare).damage is Damage.HEAD
    assert _verify(rows, keys=keys, head=None, needs_head=True).damage is Damage.HEAD
    assert _verify(rows, keys=keys, head=None).ok


def test_head_that_lags_behind_without_macs() -> None:
    """A row that the head does not know of was not appended by the application."""
    rows = make_rows(5, None)

    result = _verify(rows, head=sealed_head(rows[:4], None))

    assert (result.damage, result.first_bad) == (Damage.HEAD, 5)


def test_tail_can_be_checked_from_the_last_result(keys: FileKeyProvider) -> None:
    """Checking goes on where it stopped, with the same checkpoints; a changed past does not fit the tail."""
    rows, more = make_rows(60, keys), make_rows(130, keys)
    checkpoints = make_checkpoints(more, keys)
    named = {"keys": keys, "public_keys": [keys.public_key(Signer.CHECKPOINT)]}
    before = _verify(rows, head=sealed_head(rows, keys), **named, checkpoints=checkpoints[:1])
    start = Start(before.last_seq, before.last_hash, before.log, mac_seen=True)

    after = _verify(more[60:], head=sealed_head(more, keys), **named, checkpoints=checkpoints, start=start)

    assert after.ok
    assert (after.records, after.last_seq, after.checkpoints_checked) == (70, 130, 1)
    wrong = replace(start, hash="0" * 64)
    assert _verify(more[60:], **named, start=wrong).first_bad == 61
    assert _verify(more[61:], **named, start=start).damage is Damage.GAP
    other_log = replace(start, log=MerkleLog(60, before.log.peaks[:-1] + (bytes(32),)))  # type: ignore[union-attr]
    assert _verify(more[60:], **named, checkpoints=checkpoints, start=other_log).damage is Damage.CHECKPOINT
    without_tree = replace(start, log=None)
    assert _verify(more[60:], **named, checkpoints=checkpoints, start=without_tree).ok


def test_checkpoint_exactly_at_the_start_is_compared(keys: FileKeyProvider) -> None:
    """A tail that begins at a signed state begins at the state that was signed."""
    rows = make_rows(50, keys)
    named = {"checkpoints": make_checkpoints(rows, keys), "public_keys": [keys.public_key(Signer.CHECKPOINT)]}
    good = _verify(rows)

    assert _verify([], **named, start=Start(50, good.last_hash, good.log)).checkpoints_checked == 1
    bad = _verify([], **named, start=Start(50, "0" * 64, good.log))
    assert (bad.damage, bad.first_bad) == (Damage.CHECKPOINT, 50)


def test_two_signed_stories_are_a_fork(keys: FileKeyProvider) -> None:
    """Two genuine checkpoints of one size that disagree are named, whichever the log agrees with."""
    rows = make_rows(50, keys)
    honest = make_checkpoints(rows, keys)
    other = CheckpointSigner(keys, LOG_ID).advance(["a" * 64] * 50, time_ms=1)
    assert other is not None

    result = _verify(rows, checkpoints=[*honest, other], public_keys=[keys.public_key(Signer.CHECKPOINT)])

    assert (result.damage, result.first_bad) == (Damage.FORK, 50)


def test_false_checkpoints(keys: FileKeyProvider, other_keys: FileKeyProvider) -> None:
    """Of another log, with a changed text, of a signer unknown, or no checkpoint at all: named as false."""
    rows = make_rows(50, keys)
    public = [keys.public_key(Signer.CHECKPOINT)]
    honest = make_checkpoints(rows, keys)[0]
    foreign = make_checkpoints(rows, keys, log_id="other")[0]
    changed = SignedCheckpoint(honest.text.replace(b"\n50\n", b"\n49\n"), honest.signature)
    stranger = make_checkpoints(rows, other_keys)[0]
    garbage = SignedCheckpoint(b"garbage", honest.signature)
    nothing = Checkpoint(LOG_ID, 0, chain.GENESIS, "0" * 64, 1).text()
    empty = SignedCheckpoint(nothing, keys.sign(Signer.CHECKPOINT, nothing))

    for false, first_bad in ((foreign, 50), (changed, 49), (stranger, 50), (garbage, 1), (empty, 1)):
        result = _verify(rows, checkpoints=[honest, false], public_keys=public)
        assert (result.damage, result.first_bad) == (Damage.CHECKPOINT, first_bad)
        assert result.checkpoints_checked == 1
    assert _verify(rows, checkpoints=[honest], public_keys=public).ok
    both = [other_keys.public_key(Signer.CHECKPOINT), *public]
    assert _verify(rows, checkpoints=[honest], public_keys=both).ok


def test_damage_in_the_rows_comes_before_false_checkpoints(
    keys: FileKeyProvider, other_keys: FileKeyProvider
) -> None:
    """A false checkpoint does not hide where the rows are damaged."""
    rows = make_rows(50, keys)
    false = make_checkpoints(rows, other_keys)
    rows[9]["actor"] = "x"

    result = _verify(rows, checkpoints=false, public_keys=[keys.public_key(Signer.CHECKPOINT)])

    assert (result.damage, result.first_bad) == (Damage.HASH, 10)


def test_checkpoints_without_a_key_cannot_be_checked(keys: FileKeyProvider) -> None:
    """Giving checkpoints and no key is a mistake of the caller, not a clean log."""
    rows = make_rows(50, keys)

    with pytest.raises(ValueError, match="public key"):
        _verify(rows, checkpoints=make_checkpoints(rows, keys))


def _export(rows: list[dict[str, Any]], keys: FileKeyProvider | None) -> list[str]:
    sealed = sealed_head(rows, keys)
    mac = sealed.mac if keys else None
    return [line + "\n" for line in export.export_lines(LOG_ID, rows, sealed.head, mac)]


def test_export_is_checked_elsewhere(keys: FileKeyProvider) -> None:
    """With keys, with checkpoints, or with neither: an untouched export is intact."""
    rows = make_rows(60, keys)
    lines = _export(rows, keys)
    public = [keys.public_key(Signer.CHECKPOINT)]

    assert verify_export(lines).ok
    assert verify_export(lines, keys=keys).macs_checked == 60
    found = verify_export(lines, log_id=LOG_ID, checkpoints=make_checkpoints(rows, keys), public_keys=public)
    assert (found.ok, found.records, found.checkpoints_checked, found.head_checked) == (True, 60, 1, True)
    assert verify_export(_export(make_rows(3, None), None)).ok


@pytest.mark.parametrize(
    ("edit", "damage", "first_bad"),
    [
        (lambda lines: lines[:-1], Damage.HEAD, 21),
        (lambda lines: lines[:10], Damage.HEAD, 10),
        (lambda lines: [*lines[:10], lines[10][:40]], Damage.TRUNCATED, 10),
        (lambda lines: [*lines[:10], "garbage\n", *lines[11:]], Damage.HASH, 10),
        (lambda lines: [*lines[:10], "[1, 2]\n", *lines[11:]], Damage.HASH, 10),
        (lambda lines: lines[:10] + lines[11:], Damage.GAP, 10),
        (lambda lines: [*lines[:10], lines[9], *lines[10:]], Damage.FORK, 9),
        (lambda lines: [*lines[:-3], lines[-1]], Damage.TRUNCATED, 19),
        (lambda lines: [*lines, lines[-2]], Damage.HASH, 21),
        (lambda lines: [*lines[:-1], '{"head": 5}\n'], Damage.HASH, 21),
        (lambda lines: [*lines[:-1], '{"head": {"seq": "20"}}\n'], Damage.HASH, 21),
        (lambda lines: [*lines[:5], lines[5].replace("张三", "李四"), *lines[6:]], Damage.HASH, 5),
        (lambda lines: [*lines[:5], lines[5].replace('"seq":5', '"seq":"5"'), *lines[6:]], Damage.HASH, 5),
        (
            lambda lines: [*lines[:5], lines[5].replace("2026-01-01T", "someday T"), *lines[6:]],
            Damage.HASH,
            5,
        ),
        (
            lambda lines: [*lines[:5], lines[5].replace('"count":5', '"count":5.0'), *lines[6:]],
            Damage.HASH,
            5,
        ),
        (lambda lines: [*lines[:5], "[" * 100_000 + "\n", *lines[6:]], Damage.HASH, 5),
    ],
)
def test_edited_exports(keys: FileKeyProvider, edit: Any, damage: Damage, first_bad: int) -> None:
    """Whatever is done to the file is named with its place, and raises nothing."""
    lines = edit(_export(make_rows(20, keys), keys))

    result = verify_export(lines, keys=keys)

    assert (result.damage, result.first_bad) == (damage, first_bad)


@pytest.mark.parametrize(
    "lines", [[], ["\n"], ["{}\n"], ["PK\x03\x04"], ['{"secops_audit_export":2,"log_id":"x"}']]
)
def test_other_files_are_not_called_damaged(lines: list[str]) -> None:
    """What is no export at all could not be looked at."""
    with pytest.raises(LogUnreadable):
        verify_export(lines)


def test_export_of_another_log(keys: FileKeyProvider) -> None:
    """An intact export of the wrong log is not the one asked for."""
    with pytest.raises(LogUnreadable, match="other"):
        verify_export(_export(make_rows(3, keys), keys), log_id="other")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*chain.FIELDS, "hash", "mac", "kid", "head"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=8)
            | st.lists(st.integers(), max_size=2),
            max_size=6,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_garbage_rows_raise_nothing(records: list[dict[str, Any]]) -> None:
    """Rows of any shape give a verdict, never an exception."""
    head = json.dumps({"secops_audit_export": 1, "log_id": LOG_ID}) + "\n"

    assert not verify_export([head, *(json.dumps(record) + "\n" for record in records)]).ok


def test_rows_as_drivers_give_them(keys: FileKeyProvider) -> None:
    """Text from SQLite and objects from psycopg, naive or in another zone, are the same row."""
    rows = make_rows(4, keys)
    assert Database(rows, sealed_head(rows, keys)).verify(keys).ok

    class Cursor:
        description = [(name, None) for name in rows[0]]

        def __init__(self, change: Any) -> None:
            self._change = change

        def __iter__(self) -> Any:
            return iter([tuple(self._change(dict(row)).values()) for row in rows])

    def iso(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"at": row["at"].isoformat(), "detail": json.dumps(row["detail"], indent=1)}

    def late(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"at": row["at"] + timedelta(microseconds=1)}

    assert verify_log(export.rows_from_cursor(Cursor(lambda row: row)), LOG_ID, keys=keys).ok
    assert verify_log(export.rows_from_cursor(Cursor(iso)), LOG_ID, keys=keys).ok
    assert verify_log(export.rows_from_cursor(Cursor(late)), LOG_ID, keys=keys).damage is Damage.HASH


def test_start_must_fit_its_tree() -> None:
    """Peaks that do not belong to the size are refused at once."""
    with pytest.raises(ValueError, match="peaks"):
        Start(5, "0" * 64, MerkleLog(5, [bytes(32)]))


def test_key_of_another_installation(keys: FileKeyProvider, other_keys: FileKeyProvider) -> None:
    """Keys that are not those of the log vouch for nothing."""
    rows = make_rows(3, keys)

    assert _verify(rows, keys=other_keys).damage is Damage.MAC
    assert Mac("", "") != chain.row_mac(keys, rows[0]["hash"])
    with pytest.raises(InvalidParameter):
        keys.destroy_main_key(keys.current_kid)
