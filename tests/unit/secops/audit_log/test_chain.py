"""The form in which events are hashed, and what is made of the hash."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secops.audit_log import chain
from secops.audit_log.chain import (
    Checkpoint,
    CheckpointSigner,
    Head,
    RecordError,
    SignedCheckpoint,
    clean_text,
    prepare_row,
    restore_text,
)
from secops.audit_log.merkle import MerkleLog
from smcrypto import sm2, sm3
from smcrypto.errors import KeyMissing
from smcrypto.keys import FileKeyProvider, Signer
from tests.unit.secops.audit_log.logs import LOG_ID, event, make_rows


def test_canonical_form_is_frozen() -> None:
    """The bytes that are hashed never change for this version, or old logs could not be checked any more."""
    row = event(7, "f" * 64, actor_id=None)

    assert chain.canonical(LOG_ID, row).decode() == (
        '[1,"5ec0950000000001",7,"' + "f" * 64 + '",1767225607000007,"张三","","assessor","aaaaaaaaaaaaaaaa",'
        '"10.0.0.7","finding.close","Finding","7","ok","复测通过","r7","","",'
        '"{\\"count\\":7,\\"from\\":\\"open\\",\\"to\\":\\"closed\\"}"]'
    )
    assert chain.row_hash(LOG_ID, row) == sm3.hexdigest(b"\x00" + chain.canonical(LOG_ID, row))


def test_every_field_is_hashed() -> None:
    """A change of any field, of the log or of the hash before changes the hash."""
    row = event(7, "f" * 64)
    changes = dict.fromkeys(chain.TEXT_LIMITS, "changed") | {
        "seq": 8,
        "prev": "0" * 64,
        "at": row["at"] + timedelta(microseconds=1),
        "actor_id": 99,
        "detail": {"from": "open", "to": "closed", "count": 8},
    }

    hashes = {chain.row_hash(LOG_ID, row | {name: value}) for name, value in changes.items()}
    hashes |= {chain.row_hash(LOG_ID, row), chain.row_hash("other", row)}

    assert set(changes) == set(chain.FIELDS)
    assert len(hashes) == len(changes) + 2


def test_borders_between_fields_do_not_move() -> None:
    """Text that wanders from one field to the next is another record."""
    one = event(1, chain.GENESIS, actor="ab", roles="c")
    two = event(1, chain.GENESIS, actor="a", roles="bc")
    three = event(1, chain.GENESIS, actor='a","bc', roles="")

    assert len({chain.row_hash(LOG_ID, row) for row in (one, two, three)}) == 3


def test_moments_are_the_same_in_every_zone() -> None:
    """The zone in which a moment is written makes no difference, a microsecond does."""
    east = datetime(2026, 1, 1, 8, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
    utc = datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC)

    assert chain.row_hash(LOG_ID, event(1, chain.GENESIS, at=east)) == chain.row_hash(
        LOG_ID, event(1, chain.GENESIS, at=utc)
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", "7"),
        ("seq", True),
        ("seq", 7.0),
        ("actor_id", "7"),
        ("actor", 7),
        ("actor", None),
        ("prev", b"0"),
        ("at", datetime(2026, 1, 1)),
        ("at", "2026-01-01"),
        ("detail", {"share": 0.5}),
        ("detail", {"deep": [{"share": 0.5}]}),
        ("detail", {1: "one"}),
        ("detail", {"set": {1}}),
        ("actor", "\ud800"),
        ("detail", {"name": "\ud800"}),
    ],
)
def test_other_types_have_no_canonical_form(field: str, value: object) -> None:
    """A value of the wrong type is refused by name, not hashed as something else."""
    with pytest.raises(RecordError):
        chain.canonical(LOG_ID, event(1, chain.GENESIS) | {field: value})


def test_missing_fields_are_named() -> None:
    """A row without a field is refused."""
    row = event(1, chain.GENESIS)
    del row["session_ref"]

    with pytest.raises(RecordError, match="session_ref"):
        chain.canonical(LOG_ID, row)


def test_enumerations_count_as_their_text() -> None:
    """A member of a StrEnum is hashed as the text that the database stores."""

    class Result(StrEnum):
        DENIED = "denied"

    assert chain.row_hash(LOG_ID, event(1, chain.GENESIS, result=Result.DENIED)) == chain.row_hash(
        LOG_ID, event(1, chain.GENESIS, result="denied")
    )


@given(st.text())
def test_cleaned_text_is_safe_and_comes_back(text: str) -> None:
    """No control, line break or direction mark stays, and the original can be restored."""
    clean = clean_text(text)

    assert restore_text(clean) == text
    assert not chain._UNSAFE_RE.search(clean.replace("\\u{", ""))
    assert clean.isprintable() or all(
        char.isprintable() or char.isspace() or ord(char) > 0x9F for char in clean
    )
    assert "\n" not in clean
    clean.encode()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain 文字 {}", "plain 文字 {}"),
        ("CORP\\user", "CORP\\user"),
        ("a\r\n2026-01-01 forged line", "a\\u{d}\\u{a}2026-01-01 forged line"),
        ("invoice\u202egpj.exe", "invoice\\u{202e}gpj.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u{200b}width\\u{feff}"),
        ("\ud800", "\\u{d800}"),
        ("\x00\x1b[31m", "\\u{0}\\u{1b}[31m"),
        ("literal \\u{202e}", "literal \\u{5c}u{202e}"),
        ("\U000e0041", "\\u{e0041}"),
    ],
)
def test_what_cleaned_text_looks_like(text: str, clean: str) -> None:
    """Each unsafe character shows as its number; everything else stays."""
    assert clean_text(text) == clean
    assert restore_text(clean) == text


def test_long_texts_keep_a_digest_of_the_whole() -> None:
    """What is cut ends in the digest of everything, so that two long texts stay different."""
    long_text = "原因" * 500

    cut = clean_text(long_text, 400)

    assert len(cut) == 400
    assert cut.endswith("…#" + sm3.hexdigest(long_text.encode())[:16])
    assert cut != clean_text(long_text + "!", 400)
    assert clean_text("x" * 400, 400) == "x" * 400
    with pytest.raises(RecordError):
        clean_text("x" * 17, 16)


def test_prepared_rows_are_safe_to_store() -> None:
    """Texts are encoded and within their limits, also deep in the detail; the rest stays."""
    row = event(
        1,
        chain.GENESIS,
        actor="eve\nroot",
        reason="x" * 1000,
        detail={"ti\ttle": ["a\u202eb", {"n": 1, "none": None, "yes": True}]},
    )

    ready = prepare_row(LOG_ID, row)

    assert ready["actor"] == "eve\\u{a}root"
    assert len(ready["reason"]) == 400
    assert ready["detail"] == {"ti\\u{9}tle": ["a\\u{202e}b", {"n": 1, "none": None, "yes": True}]}
    assert ready["seq"] == 1
    assert row["actor"] == "eve\nroot"
    assert chain.row_hash(LOG_ID, ready)


@pytest.mark.parametrize("filler", ["x", '"', "\\", "界", "\n", "𠮷"])
def test_records_stay_within_64_kib(filler: str) -> None:
    """A detail that is too large is replaced by its beginning, its size and its digest, whatever it is made of."""
    row = event(1, chain.GENESIS, detail={"text": filler * 100_000})

    ready = prepare_row(LOG_ID, row)

    whole = json.dumps({"text": clean_text(filler) * 100_000}, ensure_ascii=False, separators=(",", ":"))
    size = len(chain.canonical(LOG_ID, ready))
    assert chain.RECORD_LIMIT - 16 < size <= chain.RECORD_LIMIT
    assert set(ready["detail"]) == {"cut", "bytes", "sm3"}
    assert whole.startswith(ready["detail"]["cut"])
    assert ready["detail"]["bytes"] == len(whole.encode())
    assert ready["detail"]["sm3"] == sm3.hexdigest(whole.encode())


def test_small_details_are_not_touched() -> None:
    """A record just within the limit keeps its detail."""
    row = event(1, chain.GENESIS, detail={"text": "x" * 60_000})

    assert prepare_row(LOG_ID, row)["detail"] == row["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("detail", {"f": 0.1}), ("actor", 5), ("result", "x" * 17), ("detail", {"d": object()})],
)
def test_rows_that_cannot_be_prepared_are_refused(field: str, value: object) -> None:
    """A float, a wrong type, or a machine word that is too long is the caller's mistake."""
    with pytest.raises(RecordError, match="detail" if field == "detail" else field):
        prepare_row(LOG_ID, event(1, chain.GENESIS, **{field: value}))


def test_macs_need_their_key(keys: FileKeyProvider, other_keys: FileKeyProvider) -> None:
    """A MAC names its key; another installation makes another MAC and has no such key."""
    row_hash = make_rows(1, None)[0]["hash"]
    mac = chain.row_mac(keys, row_hash)

    assert mac == chain.row_mac(keys, row_hash, kid=mac.kid)
    assert mac.kid == keys.current_kid
    assert mac != chain.row_mac(other_keys, row_hash)
    with pytest.raises(KeyMissing):
        chain.row_mac(other_keys, row_hash, kid=mac.kid)


def test_head_mac_covers_all_of_the_head(keys: FileKeyProvider) -> None:
    """Log, sequence, hash and the point from which MACs are due: each changes the MAC."""
    heads = [
        Head(LOG_ID, 7, "0" * 64, 1),
        Head("other", 7, "0" * 64, 1),
        Head(LOG_ID, 8, "0" * 64, 1),
        Head(LOG_ID, 7, "1" * 64, 1),
        Head(LOG_ID, 7, "0" * 64, 2),
        Head(LOG_ID, 7, "0" * 64, None),
    ]

    assert len({chain.head_mac(keys, head).value for head in heads}) == len(heads)


def test_checkpoint_text_is_frozen() -> None:
    """Five lines, read back only when exactly as written."""
    checkpoint = Checkpoint(LOG_ID, 50, "a" * 64, "b" * 64, 1_767_225_600_000)

    text = checkpoint.text()

    assert text.decode() == f"secops-audit/1 {LOG_ID}\n50\n{'a' * 64}\n{'b' * 64}\n1767225600000\n"
    assert Checkpoint.parse(text) == checkpoint
    for wrong in (
        b"",
        text[:-1],
        text + b"\n",
        text.replace(b"50", b"050"),
        text.replace(b"/1", b"/2"),
        b"\xff" + text,
    ):
        with pytest.raises(ValueError, match="checkpoint"):
            Checkpoint.parse(wrong)


def test_signed_checkpoints_survive_their_file(keys: FileKeyProvider) -> None:
    """A line of the checkpoint file gives back text and signature; other lines are refused."""
    signed = CheckpointSigner(keys, LOG_ID).advance(["a" * 64], time_ms=1)
    assert signed is not None

    assert SignedCheckpoint.from_json(signed.to_json()) == signed
    for line in ("", "{}", "[]", '{"text": 1, "signature": "00"}', '{"text": "x", "signature": "zz"}'):
        with pytest.raises(ValueError, match="checkpoint"):
            SignedCheckpoint.from_json(line)


def test_signer_only_ever_extends(keys: FileKeyProvider) -> None:
    """Its checkpoints fit the rows in the order they came; its state can be kept and taken up again."""
    rows = make_rows(7, None)
    hashes = [row["hash"] for row in rows]
    signer = CheckpointSigner(keys, LOG_ID)

    first = signer.advance(hashes[:3], time_ms=1)
    resumed = CheckpointSigner(keys, LOG_ID, MerkleLog(signer.log.size, signer.log.peaks))
    second = resumed.advance(hashes[3:], time_ms=2)

    assert first is not None
    assert second is not None
    assert resumed.advance([], time_ms=3) is None
    public = keys.public_key(Signer.CHECKPOINT)
    assert sm2.verify(public, first.text, first.signature)
    assert sm2.verify(public, second.text, second.signature)
    whole = MerkleLog()
    for value in hashes:
        whole.append(bytes.fromhex(value))
    assert Checkpoint.parse(second.text) == Checkpoint(LOG_ID, 7, hashes[-1], whole.root().hex(), 2)


def test_signer_that_fails_does_not_advance(keys: FileKeyProvider) -> None:
    """When a hash is no hash, or signing fails, the state stays as it was."""

    class Broken(FileKeyProvider):
        def sign(self, *args: object, **named: object) -> bytes:
            raise KeyMissing("sign-checkpoint")

    signer = CheckpointSigner(Broken(keys._folder), LOG_ID)

    with pytest.raises(KeyMissing):
        signer.advance(["a" * 64], time_ms=1)
    with pytest.raises(ValueError, match="hex"):
        signer.advance(["zz"], time_ms=1)
    assert signer.log.size == 0
