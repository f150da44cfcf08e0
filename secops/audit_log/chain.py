"""The form in which an audit event is hashed, and what is made of the hash: chain, MAC, head, checkpoint, export.

Every row carries the hash of the row before it. On top of this chain, which alone stops only a clumsy hand, stand a
keyed MAC per row and over the head, and signed checkpoints that are kept outside the database. The application may
start with the chain alone and switch the MAC on later. ``docs/audit-log.md`` tells what each part catches.

Knows no database: a row is a mapping with the names of :data:`FIELDS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from secops.audit_log.merkle import MerkleLog
from smcrypto import sm3
from smcrypto.keys import KeyProvider, Purpose, Signer

GENESIS = "0" * 64
"""What the first row names as the hash before it."""

RECORD_VERSION = 1
RECORD_LIMIT = 64 * 1024
"""Bytes of a record in canonical form."""

TEXT_LIMITS: Mapping[str, int] = {
    "actor": 120,
    "roles": 200,
    "session_ref": 64,
    "address": 64,
    "action": 60,
    "object_type": 60,
    "object_id": 80,
    "result": 16,
    "reason": 400,
    "request_id": 40,
    "before_digest": 64,
    "after_digest": 64,
}
"""Characters of each text, after encoding."""

FIELDS = (
    "seq",
    "prev",
    "at",
    "actor",
    "actor_id",
    "roles",
    "session_ref",
    "address",
    "action",
    "object_type",
    "object_id",
    "result",
    "reason",
    "request_id",
    "before_digest",
    "after_digest",
    "detail",
)
"""Fields of a record in the order of the canonical form, after version and log id."""

CHECKPOINT_ID = b"1234567812345678"
"""Identity in the SM2 signature of a checkpoint, the default one, so that other tools can check it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MARK_SIZE = 18
_HEAD_DOMAIN = b"secops audit head v1\0"
_ORIGIN = "secops-audit/1"
# what could forge a line or turn its reading direction, what shows nothing, and what no database takes
_UNSAFE_RE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb"
    "\\ud800-\\udfff\\ufffe\\uffff\\U000e0000-\\U000e007f]|\\\\(?=u\\{)"
)
_ESCAPE_RE = re.compile(r"\\u\{([0-9a-f]{1,6})\}")


class RecordError(ValueError):
    """A record has no canonical form: a field is missing, too long or of the wrong type; ``field`` names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"audit record, {self.field}: {self.reason}"


def clean_text(text: str, limit: int | None = None) -> str:
    r"""Encode what could mislead a reader as ``\u{…}``: controls, line breaks, direction marks, invisible characters.

    A backslash stays, except before ``u{``: so :func:`restore_text` gives the text back. Call it once per text.

    Args:
        text: Anything, lone surrogates too.
        limit: Characters allowed after encoding; what is longer is cut and ends in ``…#`` and 16 digits of the SM3
            digest of the whole. None for no limit.

    Raises:
        RecordError: too long for a limit that leaves no room for the digest.
    """
    clean = _UNSAFE_RE.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text)
    if limit is None or len(clean) <= limit:
        return clean
    if limit < 2 * _MARK_SIZE:
        raise RecordError("text", f"longer than {limit} characters")
    return f"{clean[: limit - _MARK_SIZE]}…#{sm3.hexdigest(clean.encode())[:16]}"


def restore_text(text: str) -> str:
    """Undo :func:`clean_text` where nothing was cut."""
    return _ESCAPE_RE.sub(lambda match: chr(int(match[1], 16)), text)


def _clean_value(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case Mapping():
            return {clean_text(str(key)): _clean_value(item) for key, item in value.items()}
        case list() | tuple():
            return [_clean_value(item) for item in value]
        case None | bool() | int():
            return value
    raise RecordError("detail", f"a {type(value).__name__} has no canonical form")


def prepare_row(log_id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Make a row safe to store: texts encoded and cut to their limits, the whole within :data:`RECORD_LIMIT`.

    A detail that is too large becomes ``{"cut", "bytes", "sm3"}``: its beginning, its size and its digest.

    Raises:
        RecordError: a field is missing or cannot be brought into form.
    """
    ready = dict(row)
    for name, limit in TEXT_LIMITS.items():
        if name in ready:
            ready[name] = _prepare_text(name, ready[name], limit)
    ready["detail"] = _clean_value(ready.get("detail") or {})
    if len(canonical(log_id, ready)) > RECORD_LIMIT:
        ready["detail"] = _cut_detail(log_id, ready)
    return ready


def _prepare_text(name: str, value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise RecordError(name, "not text")
    try:
        return clean_text(value, limit)
    except RecordError as error:
        raise RecordError(name, error.reason) from None


def _cut_detail(log_id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    text = plain_json(row["detail"])
    encoded = text.encode()
    rest = {"bytes": len(encoded), "sm3": sm3.hexdigest(encoded)}
    shortest, longest = 0, min(len(text), RECORD_LIMIT)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        trial = {**row, "detail": {"cut": text[:middle], **rest}}
        if len(canonical(log_id, trial)) <= RECORD_LIMIT:
            shortest = middle
        else:
            longest = middle - 1
    return {"cut": text[:shortest], **rest}


def plain_json(value: Any) -> str:
    """Write JSON in one way only: keys sorted, no spaces, UTF-8 as it is, no NaN."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(log_id: str, row: Mapping[str, Any]) -> bytes:
    """Write a record in the one form that is hashed: a JSON array of texts and whole numbers, in UTF-8.

    Version, log id, then :data:`FIELDS`. The moment becomes microseconds since 1970 UTC, a missing actor id an empty
    text, the detail the text of its JSON with sorted keys. Being an array, no boundary between fields can move.

    Raises:
        RecordError: a field is missing or of the wrong type.
    """
    parts: list[str | int] = [RECORD_VERSION, log_id]
    try:
        for name in FIELDS:
            if name in ("before_digest", "after_digest"):
                parts.append(_text(name, row.get(name, "")))
            elif name == "at":
                parts.append(_microseconds(row["at"]))
            elif name == "seq" or (name == "actor_id" and row["actor_id"] is not None):
                parts.append(_whole(name, row[name]))
            elif name == "actor_id":
                parts.append("")
            elif name == "detail":
                parts.append(_detail_text(row["detail"]))
            else:
                parts.append(_text(name, row[name]))
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
    except KeyError as error:
        raise RecordError(str(error.args[0]), "missing") from None
    except UnicodeEncodeError:
        raise RecordError("text", "holds a lone surrogate") from None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RecordError(name, "not text")
    return value


def _whole(name: str, value: Any) -> int:
    if type(value) is not int:
        raise RecordError(name, "not a whole number")
    return value


def _microseconds(value: Any) -> int:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise RecordError("at", "not a moment with a time zone")
    return (value - _EPOCH) // _MICROSECOND


def _detail_text(value: Any) -> str:
    _refuse_floats(value)
    try:
        return plain_json(value)
    except (TypeError, ValueError) as error:
        raise RecordError("detail", str(error)) from None


def _refuse_floats(value: Any) -> None:
    """Refuse what two writers could write differently."""
    if isinstance(value, float):
        raise RecordError("detail", "a float has no canonical form")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise RecordError("detail", "a key is not text")
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


def row_hash(log_id: str, row: Mapping[str, Any]) -> str:
    """Hash a record: SM3 of 0x00 ‖ canonical form, 64 hexadecimal digits. ``prev`` is part of it.

    Raises:
        RecordError: as :func:`canonical`.
    """
    return sm3.hexdigest(b"\x00" + canonical(log_id, row))


@dataclass(frozen=True, slots=True)
class Mac:
    """A MAC, 64 hexadecimal digits, and the id of the main key behind it."""

    kid: str
    value: str


def row_mac(keys: KeyProvider, row_hash_hex: str, *, kid: str | None = None) -> Mac:
    """Authenticate a row by its hash: HMAC-SM3 under the audit key. *kid* None: the current key.

    Raises:
        KeyMissing: the key is not here.
    """
    used = keys.current_kid if kid is None else kid
    return Mac(used, keys.mac(Purpose.AUDIT_MAC, bytes.fromhex(row_hash_hex), kid=used).hex())


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends. ``mac_from`` is the first sequence whose row must carry a MAC; None while they need none."""

    log_id: str
    seq: int
    hash: str
    mac_from: int | None = None

    def message(self) -> bytes:
        """Write what the MAC of the head covers; it cannot be a row hash, which has 32 bytes."""
        return _HEAD_DOMAIN + plain_json([self.log_id, self.seq, self.hash, self.mac_from]).encode()


def head_mac(keys: KeyProvider, head: Head, *, kid: str | None = None) -> Mac:
    """Authenticate the head, so that the tail cannot be cut off and the head moved back.

    Raises:
        KeyMissing: the key is not here.
    """
    used = keys.current_kid if kid is None else kid
    return Mac(used, keys.mac(Purpose.AUDIT_MAC, head.message(), kid=used).hex())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log at one moment: ``hash`` of row *size*, ``root`` over rows 1 … *size*, both 64 digits."""

    log_id: str
    size: int
    hash: str
    root: str
    time_ms: int

    def text(self) -> bytes:
        """Write the five lines that are signed: origin, size, hash, root, time in milliseconds since 1970 UTC."""
        return f"{_ORIGIN} {self.log_id}\n{self.size}\n{self.hash}\n{self.root}\n{self.time_ms}\n".encode()

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Read the five lines back.

        Raises:
            ValueError: not exactly what :meth:`text` writes.
        """
        try:
            origin, size, row, root, time_ms, rest = text.decode("ascii").split("\n")
            name, log_id = origin.split(" ")
            parsed = cls(log_id, int(size), row, root, int(time_ms))
        except (UnicodeDecodeError, ValueError):
            raise ValueError("not a checkpoint") from None
        if name != _ORIGIN or rest or parsed.text() != text:
            raise ValueError("not a checkpoint")
        return parsed


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """The text of a checkpoint and its SM2 signature (DER)."""

    text: bytes
    signature: bytes

    def to_json(self) -> str:
        """Write one line for a checkpoint file."""
        return plain_json({"text": self.text.decode("ascii"), "signature": self.signature.hex()})

    @classmethod
    def from_json(cls, line: str) -> SignedCheckpoint:
        """Read one line of a checkpoint file.

        Raises:
            ValueError: another form.
        """
        try:
            fields = json.loads(line)
            return cls(fields["text"].encode("ascii"), bytes.fromhex(fields["signature"]))
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ValueError("not a signed checkpoint") from None


class CheckpointSigner:
    """Signs the state of one log and acts as a witness: it keeps its own tree and can only ever extend it.

    So whatever happens to the database, two checkpoints of one signer never tell different stories of the same rows.
    Its state (:attr:`log`) is kept apart from the database, best in another process under another user.
    """

    def __init__(self, keys: KeyProvider, log_id: str, log: MerkleLog | None = None) -> None:
        self._keys = keys
        self._log_id = log_id
        self._log = MerkleLog() if log is None else log

    @property
    def log(self) -> MerkleLog:
        """What was signed so far."""
        return self._log

    def advance(self, new_hashes: Iterable[str], *, time_ms: int) -> SignedCheckpoint | None:
        """Add the hashes of the rows after the last one signed, in order, and sign; None when there are none."""
        grown, last = self._log.copy(), None
        for last in new_hashes:
            grown.append(bytes.fromhex(last))
        if last is None:
            return None
        text = Checkpoint(self._log_id, grown.size, last, grown.root().hex(), time_ms).text()
        signed = SignedCheckpoint(text, self._keys.sign(Signer.CHECKPOINT, text, id=CHECKPOINT_ID))
        self._log = grown
        return signed
