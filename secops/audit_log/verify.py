"""Check an audit log, from a database cursor or an export, without ORM and without the application.

Walks the rows once in constant memory and stops at the first thing that is wrong, naming where and what kind. What was
not checked for want of a key or of checkpoints is counted, so that "intact" never says more than was looked at.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from secops.audit_log.chain import (
    CHECKPOINT_ID,
    GENESIS,
    Checkpoint,
    Head,
    Mac,
    RecordError,
    SignedCheckpoint,
    head_mac,
    row_hash,
    row_mac,
)
from secops.audit_log.merkle import MerkleLog
from smcrypto import sm2
from smcrypto.errors import KeyMissing
from smcrypto.keys import KeyProvider


class Damage(StrEnum):
    """The kinds of damage, each with what it says of the row ``first_bad``.

    gap: it is not there, though later rows are. link: it does not name the row before it. hash: its content is not
    what was hashed. mac: it was not written by a holder of the key. head: the end of the chain is not vouched for.
    checkpoint: the log is not the one that was signed, or a checkpoint is false. truncated: rows that were there are
    gone from here on. fork: two rows, or two signed checkpoints, claim this place.
    """

    GAP = "gap"
    LINK = "link"
    HASH = "hash"
    MAC = "mac"
    HEAD = "head"
    CHECKPOINT = "checkpoint"
    TRUNCATED = "truncated"
    FORK = "fork"


@dataclass(frozen=True, slots=True)
class SealedHead:
    """The head row with its MAC; the MAC is empty while none is used."""

    head: Head
    mac: Mac = field(default_factory=lambda: Mac("", ""))


@dataclass(frozen=True, slots=True)
class Start:
    """Where checking begins when older rows were checked or archived: the state after row ``seq``.

    ``log`` holds the peaks of the Merkle tree there; None leaves the roots of checkpoints unchecked. The caller vouches
    for it, for example because it came from a signed checkpoint or is the result of the last run.
    """

    seq: int = 0
    hash: str = GENESIS
    log: MerkleLog | None = field(default_factory=MerkleLog)
    mac_seen: bool = False


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What was found. ``first_bad`` and ``damage`` are None when nothing is wrong.

    For ``checkpoint`` the change lies at or before ``first_bad`` and after the last checkpoint that fitted, which is
    ``last_checkpoint``. ``macs_checked`` and ``checkpoints_checked`` say how much of the proof was there to look at.
    """

    ok: bool
    records: int
    first_bad: int | None
    damage: Damage | None
    detail: str
    last_seq: int
    last_hash: str
    macs_checked: int
    head_checked: bool
    checkpoints_checked: int
    last_checkpoint: Checkpoint | None
    log: MerkleLog | None

    def to_json(self) -> dict[str, Any]:
        """Give what ``secops audit verify --json`` prints."""
        return {
            "ok": self.ok,
            "records": self.records,
            "first_bad": self.first_bad,
            "damage": self.damage.value if self.damage else None,
            "detail": self.detail,
            "last_seq": self.last_seq,
            "last_hash": self.last_hash,
            "macs_checked": self.macs_checked,
            "head_checked": self.head_checked,
            "checkpoints_checked": self.checkpoints_checked,
            "last_checkpoint": self.last_checkpoint.size if self.last_checkpoint else None,
            "last_checkpoint_ms": self.last_checkpoint.time_ms if self.last_checkpoint else None,
        }


class _Found(Exception):
    def __init__(self, damage: Damage, first_bad: int, detail: str) -> None:
        super().__init__(damage, first_bad, detail)
        self.damage = damage
        self.first_bad = first_bad
        self.detail = detail


class MalformedRow:
    """Stands in the stream of rows for a line of an export that cannot be read."""

    def __init__(self, reason: str, *, is_cut: bool) -> None:
        self.reason = reason
        self.is_cut = is_cut


Row = Mapping[str, Any] | MalformedRow


def verify_log(
    rows: Iterable[Row],
    log_id: str,
    *,
    head: SealedHead | Callable[[], SealedHead | None] | None = None,
    needs_head: bool = False,
    keys: KeyProvider | None = None,
    mac_from: int | None = None,
    checkpoints: Iterable[SignedCheckpoint] = (),
    public_keys: Sequence[sm2.PublicKey] = (),
    start: Start | None = None,
) -> VerifyResult:
    """Check a log.

    Args:
        rows: In the order of their sequence, as :mod:`secops.audit_log.export` reads them.
        log_id: Name of the log; a row or checkpoint of another log does not fit.
        head: The head row, or what gives it once the rows were walked; None when there is none. From a database it
            must be of the same snapshot as the rows.
        needs_head: Whether a missing head is damage: True for a database, where there always is one.
        keys: For the MACs; None leaves them unchecked.
        mac_from: First sequence that must carry a MAC, from outside the database: whoever can strip all MACs can
            change the head too. None for what the head says. A row after one with a MAC must have one in any case.
        checkpoints: From outside the database, in any order.
        public_keys: Of the checkpoint signer, all versions.
        start: Where to begin; None for the first row.

    Returns:
        The first damage, or none; never raises for what is in the rows.

    Raises:
        ValueError: checkpoints without a public key to check them with.
    """
    checkpoints = tuple(checkpoints)
    if checkpoints and not public_keys:
        raise ValueError("checkpoints cannot be checked without a public key")
    walk = _Walk(log_id, keys, mac_from, start or Start())
    try:
        genuine, false = _sort_checkpoints(checkpoints, log_id, public_keys)
        walk.expect(genuine)
        for row in rows:
            walk.step(row)
        walk.finish()
        walk.check_head(head() if callable(head) else head, needs_head)
        if false:
            raise _Found(
                Damage.CHECKPOINT, max(1, min(false)), "a checkpoint is not signed by this log's signer"
            )
    except _Found as found:
        return walk.result(found)
    return walk.result(None)


def _sort_checkpoints(
    signed: Iterable[SignedCheckpoint], log_id: str, public_keys: Sequence[sm2.PublicKey]
) -> tuple[dict[int, Checkpoint], list[int]]:
    """Tell genuine checkpoints, by size, from false ones, of which only the claimed size is kept.

    Raises:
        _Found: two genuine ones of one size disagree.
    """
    genuine: dict[int, Checkpoint] = {}
    false: list[int] = []
    for item in signed:
        try:
            parsed = Checkpoint.parse(item.text)
        except ValueError:
            false.append(0)
            continue
        is_signed = any(sm2.verify(key, item.text, item.signature, id=CHECKPOINT_ID) for key in public_keys)
        if not is_signed or parsed.log_id != log_id or parsed.size < 1:
            false.append(parsed.size)
            continue
        other = genuine.setdefault(parsed.size, parsed)
        if (other.hash, other.root) != (parsed.hash, parsed.root):
            raise _Found(Damage.FORK, parsed.size, "two signed checkpoints disagree")
    return genuine, false


class _Walk:
    """State of one pass over the rows."""

    def __init__(self, log_id: str, keys: KeyProvider | None, mac_from: int | None, start: Start) -> None:
        self._log_id = log_id
        self._keys = keys
        self._seq, self._hash = start.seq, start.hash
        self._log = start.log.copy() if start.log is not None else None
        self._mac_seen = start.mac_seen
        self._mac_from = mac_from
        self._first, self._last_bare = start.seq + 1, 0
        self._expected: dict[int, Checkpoint] = {}
        self._records = 0
        self._macs_checked = 0
        self._head_checked = False
        self._checkpoints_checked = 0
        self._last_checkpoint: Checkpoint | None = None

    def expect(self, checkpoints: Mapping[int, Checkpoint]) -> None:
        """Note the checkpoints ahead, and compare one that stands exactly at the start."""
        self._expected = {size: item for size, item in checkpoints.items() if size > self._seq}
        at_start = checkpoints.get(self._seq)
        if at_start is not None:
            self._compare(at_start)

    def step(self, row: Row) -> None:
        due = self._seq + 1
        if isinstance(row, MalformedRow):
            raise _Found(Damage.TRUNCATED if row.is_cut else Damage.HASH, due, row.reason)
        seq = row.get("seq")
        if type(seq) is not int:
            raise _Found(Damage.HASH, due, "sequence is not a whole number")
        if seq > due:
            raise _Found(Damage.GAP, due, f"rows {due} to {seq - 1} are missing")
        if seq < due:
            raise _Found(Damage.FORK, seq, "a second row claims this place")
        if row.get("prev") != self._hash:
            raise _Found(Damage.LINK, seq, "does not name the row before it")
        self._check_hash(seq, row)
        self._check_mac(seq, row)
        self._seq, self._hash = seq, row["hash"]
        self._records += 1
        if self._log is not None:
            self._log.append(bytes.fromhex(self._hash))
        checkpoint = self._expected.pop(seq, None)
        if checkpoint is not None:
            self._compare(checkpoint)

    def _check_hash(self, seq: int, row: Mapping[str, Any]) -> None:
        try:
            computed = row_hash(self._log_id, row)
        except RecordError as error:
            raise _Found(Damage.HASH, seq, str(error)) from None
        if row.get("hash") != computed:
            raise _Found(Damage.HASH, seq, "content does not match its hash")

    def _check_mac(self, seq: int, row: Mapping[str, Any]) -> None:
        kid, mac = row.get("kid") or "", row.get("mac") or ""
        if not mac:
            if self._mac_seen or (self._mac_from is not None and seq >= self._mac_from):
                raise _Found(Damage.MAC, seq, "MAC is missing")
            self._last_bare = seq
            return
        self._mac_seen = True
        keys = self._keys
        if keys is None:
            return
        if not _mac_fits(lambda: row_mac(keys, row["hash"], kid=kid), mac):
            raise _Found(Damage.MAC, seq, "MAC does not fit")
        self._macs_checked += 1

    def _compare(self, checkpoint: Checkpoint) -> None:
        roots_differ = self._log is not None and self._log.root().hex() != checkpoint.root
        if checkpoint.hash != self._hash or roots_differ:
            since = self._last_checkpoint.size + 1 if self._last_checkpoint else 1
            raise _Found(
                Damage.CHECKPOINT, checkpoint.size, f"rows {since} to {checkpoint.size} are not those signed"
            )
        self._checkpoints_checked += 1
        self._last_checkpoint = checkpoint

    def finish(self) -> None:
        """Insist that every genuine checkpoint ahead was reached."""
        if self._expected:
            signed = max(self._expected)
            raise _Found(
                Damage.TRUNCATED, self._seq + 1, f"{signed} rows were signed for, {self._seq} are here"
            )

    def check_head(self, sealed: SealedHead | None, needs_head: bool) -> None:
        due = self._seq + 1
        if sealed is None:
            if needs_head:
                raise _Found(Damage.HEAD, due, "head is missing")
            return
        head, mac = sealed.head, sealed.mac
        if head.log_id != self._log_id:
            raise _Found(Damage.HEAD, due, "head of another log")
        self._check_head_mac(due, head, mac)
        if head.seq > self._seq:
            raise _Found(
                Damage.TRUNCATED, due, f"head names row {head.seq}, the last one here is {self._seq}"
            )
        if head.seq != self._seq or head.hash != self._hash:
            raise _Found(Damage.HEAD, min(due, head.seq + 1), "head does not name the last row")
        self._head_checked = True

    def _check_head_mac(self, due: int, head: Head, mac: Mac) -> None:
        keys = self._keys
        if not mac.value:
            if self._mac_seen or self._mac_from is not None:
                raise _Found(Damage.HEAD, due, "MAC of the head is missing")
        elif keys is not None and not _mac_fits(lambda: head_mac(keys, head, kid=mac.kid), mac.value):
            raise _Found(Damage.HEAD, due, "MAC of the head does not fit")
        if head.mac_from is not None and self._last_bare >= head.mac_from:
            raise _Found(Damage.MAC, max(head.mac_from, self._first), "MAC is missing")

    def result(self, found: _Found | None) -> VerifyResult:
        return VerifyResult(
            ok=found is None,
            records=self._records,
            first_bad=found.first_bad if found else None,
            damage=found.damage if found else None,
            detail=found.detail if found else "",
            last_seq=self._seq,
            last_hash=self._hash,
            macs_checked=self._macs_checked,
            head_checked=self._head_checked,
            checkpoints_checked=self._checkpoints_checked,
            last_checkpoint=self._last_checkpoint,
            log=self._log,
        )


def _mac_fits(make: Callable[[], Mac], found: Any) -> bool:
    """Compare in constant time; a MAC under a key that is not here fits nothing."""
    if not isinstance(found, str) or not found.isascii():
        return False
    try:
        return hmac.compare_digest(make().value, found)
    except KeyMissing:
        return False
