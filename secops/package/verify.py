"""Check an evidence package: signature, every member, receipts, and the audit events it brings. No ORM, no database.

A package is a zip with ``manifest.json`` (what is in it, by SM3), ``manifest.sig`` (SM2 over the exact bytes of the
manifest), ``evidence/…`` (the files), ``evidence.json`` (what they are, with receipts) and ``audit/…`` (the events
about them, each with its path to a signed checkpoint; or the whole log). It may be sealed under a passphrase.

Whoever knows the signer's public key from elsewhere gives it; otherwise the one inside is used and the result says
that nobody vouched for it.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from secops.audit_log.chain import CHECKPOINT_ID, Checkpoint, RecordError, SignedCheckpoint, row_hash
from secops.audit_log.export import LogUnreadable, normalise_row, verify_export
from secops.audit_log.merkle import check_inclusion
from smcrypto import passphrase, sm2, sm3
from smcrypto.errors import SmCryptoError
from smcrypto.sm2_files import parse_public_key

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
EVIDENCE, EVENTS, CHECKPOINTS, LOG = (
    "evidence.json",
    "audit/events.jsonl",
    "audit/checkpoints.jsonl",
    "audit/log.jsonl",
)
_PIECE = 256 * 1024
_MOST_TEXT = 64 * 1024 * 1024


class NotAPackage(ValueError):
    """Nothing can be said of the file; ``reason`` tells what was met instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Found(Exception):
    def __init__(self, damage: str, member: str, detail: str) -> None:
        super().__init__(damage, member, detail)
        self.damage, self.member, self.detail = damage, member, detail


@dataclass
class PackageResult:
    """What was found; ``damage`` is one of ``gap link hash mac head checkpoint truncated fork`` for the audit log, and
    ``sealed manifest signature member receipt`` for the rest. ``not_examined`` names what could not be looked at."""

    ok: bool = True
    damage: str = ""
    member: str = ""
    detail: str = ""
    members: int = 0
    bytes: int = 0
    events: int = 0
    receipts: int = 0
    checkpoint: int | None = None
    signer: str = ""
    signer_known: bool = False
    made_at: str = ""
    system: str = ""
    not_examined: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def verify_package(
    path: Path, *, secret: bytes | None = None, known: Sequence[sm2.PublicKey] = ()
) -> PackageResult:
    """Look at all of a package; stops at the first thing that is wrong.

    Args:
        secret: Passphrase, when it is sealed.
        known: Public keys of the signer that the caller trusts; none for the one inside.

    Raises:
        NotAPackage: another kind of file, or sealed and no passphrase was given.
        OSError: it can't be read.
    """
    result = PackageResult()
    with path.open("rb") as file:
        start = file.read(len(passphrase.MAGIC))
        file.seek(0)
        if start == passphrase.MAGIC:
            with tempfile.TemporaryFile() as plain:
                _guard(result, lambda: _unseal(file, plain, secret))
                if result.ok:
                    _guard(result, lambda: _look(plain, result, known))
            return result
        if not start.startswith(b"PK"):
            raise NotAPackage("not an evidence package")
        _guard(result, lambda: _look(file, result, known))
    return result


def _guard(result: PackageResult, work: Any) -> None:
    try:
        work()
    except _Found as found:
        result.ok = False
        result.damage, result.member, result.detail = found.damage, found.member, found.detail


def _unseal(file: IO[bytes], plain: IO[bytes], secret: bytes | None) -> None:
    if secret is None:
        raise NotAPackage("the package is sealed; give its passphrase")
    try:
        for piece in passphrase.open_stream(file, secret):
            plain.write(piece)
    except passphrase.WrongPassphrase:
        raise NotAPackage("another passphrase, or the beginning of the file was changed") from None
    except SmCryptoError as error:
        raise _Found("sealed", "", str(error)) from None
    plain.seek(0)


def _look(file: IO[bytes], result: PackageResult, known: Sequence[sm2.PublicKey]) -> None:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, EOFError):
        raise _Found("truncated", "", "the directory at the end of the package is missing") from None
    with archive:
        raw = _text(archive, MANIFEST)
        manifest = _signed_manifest(archive, raw, result, known)
        _members(archive, manifest, result)
        _receipts(archive, manifest, result)
        _audit(archive, manifest, result)


def _text(archive: zipfile.ZipFile, name: str) -> bytes:
    return b"".join(_pieces(archive, name, _MOST_TEXT))


def _pieces(archive: zipfile.ZipFile, name: str, limit: int) -> Iterator[bytes]:
    size = 0
    try:
        with archive.open(name) as content:
            while piece := content.read(_PIECE):
                size += len(piece)
                if size > limit:
                    raise _Found("member", name, "it is longer than the manifest says")
                yield piece
    except KeyError:
        raise _Found(
            "manifest" if name in (MANIFEST, SIGNATURE) else "member", name, "it is missing"
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _Found("member", name, f"it can't be read: {error}") from None


def _signed_manifest(
    archive: zipfile.ZipFile, raw: bytes, result: PackageResult, known: Sequence[sm2.PublicKey]
) -> dict[str, Any]:
    try:
        manifest = json.loads(raw)
        signature = json.loads(_text(archive, SIGNATURE))
        version = int(manifest["secops_package"])
        inside = parse_public_key(manifest["keys"]["report"].encode())
        signed = bytes.fromhex(signature["signature"])
        result.made_at, result.system = str(manifest["made_at"]), str(manifest["system"]["name"])
        members = {one["name"]: (int(one["size"]), str(one["sm3"])) for one in manifest["members"]}
    except (KeyError, TypeError, AttributeError, SmCryptoError, RecursionError) as error:
        raise _Found("manifest", MANIFEST, f"it can't be read: {error}") from None
    except ValueError as error:
        raise _Found("manifest", MANIFEST, f"it can't be read: {error}") from None
    result.signer = fingerprint(inside)
    result.signer_known = bool(known)
    if not any(sm2.verify(key, raw, signed) for key in (known or [inside])):
        if known and sm2.verify(inside, raw, signed):
            raise _Found("signature", SIGNATURE, "signed by another key than the one expected")
        raise _Found("signature", SIGNATURE, "the signature does not fit the manifest")
    if version != FORMAT:
        raise NotAPackage(f"a package of format {version}")
    manifest["_members"] = members
    return dict(manifest)


def fingerprint(key: sm2.PublicKey) -> str:
    """SM3 of the public key's DER, 64 digits: short enough to compare by telephone."""
    from smcrypto.sm2_files import encode_public_key

    return sm3.digest(encode_public_key(key)).hex()


def _members(archive: zipfile.ZipFile, manifest: dict[str, Any], result: PackageResult) -> None:
    members: dict[str, tuple[int, str]] = manifest["_members"]
    names = archive.namelist()
    if len(names) != len(set(names)):
        raise _Found("member", max(names, key=names.count), "it stands twice in the package")
    if strange := sorted(set(names) - set(members) - {MANIFEST, SIGNATURE}):
        raise _Found("member", strange[0], "the manifest does not know it")
    for name, (size, digest) in members.items():
        hasher, seen = sm3.Hasher(), 0
        for piece in _pieces(archive, name, size):
            hasher.update(piece)
            seen += len(piece)
        if seen != size or hasher.digest().hex() != digest:
            raise _Found("member", name, "its content is not what was signed")
        result.members += 1
        result.bytes += size


def _receipts(archive: zipfile.ZipFile, manifest: dict[str, Any], result: PackageResult) -> None:
    try:
        keys = [parse_public_key(text.encode()) for text in manifest["keys"]["receipt"]]
        for one in json.loads(_text(archive, EVIDENCE)):
            receipt = one["receipt"]
            if not receipt:
                result.not_examined.append(f"evidence {one['id']}: no receipt")
                continue
            signed, signature = receipt["signed"], bytes.fromhex(receipt["signature"])
            if not any(sm2.verify(key, signed.encode(), signature) for key in keys):
                raise _Found("receipt", one["member"], "the receipt's signature does not fit")
            size, digest = manifest["_members"][one["member"]]
            if json.loads(signed)[3:5] != [size, digest]:
                raise _Found("receipt", one["member"], "the receipt is of another content")
            result.receipts += 1
    except (KeyError, TypeError, ValueError, IndexError, SmCryptoError) as error:
        raise _Found("receipt", EVIDENCE, f"it can't be read: {error}") from None


def _audit(archive: zipfile.ZipFile, manifest: dict[str, Any], result: PackageResult) -> None:
    try:
        keys = [parse_public_key(text.encode()) for text in manifest["keys"]["checkpoint"]]
        lines = _text(archive, CHECKPOINTS).decode("ascii").splitlines()
        signed = [SignedCheckpoint.from_json(line) for line in lines]
        parsed = [Checkpoint.parse(one.text) for one in signed]
    except (KeyError, TypeError, ValueError, SmCryptoError) as error:
        raise _Found("checkpoint", CHECKPOINTS, f"it can't be read: {error}") from None
    log_id = manifest["log_id"]
    for one, text in zip(signed, parsed, strict=True):
        fits = any(sm2.verify(key, one.text, one.signature, id=CHECKPOINT_ID) for key in keys)
        if not fits or text.log_id != log_id:
            raise _Found(
                "checkpoint",
                CHECKPOINTS,
                f"the checkpoint over {text.size} records is not signed for this log",
            )
    if not parsed:
        result.not_examined.append("audit: no checkpoint")
        return
    newest = max(parsed, key=lambda one: one.size)
    result.checkpoint = newest.size
    if LOG in manifest["_members"]:
        _whole_log(archive, signed, keys, log_id, result)
    _events(archive, manifest, newest, log_id, result)


def _whole_log(
    archive: zipfile.ZipFile,
    signed: list[SignedCheckpoint],
    keys: list[sm2.PublicKey],
    log_id: str,
    result: PackageResult,
) -> None:
    with archive.open(LOG) as content:
        lines = (line.decode("utf-8", "surrogateescape") for line in content)
        try:
            found = verify_export(lines, log_id=log_id, checkpoints=signed, public_keys=keys)
        except LogUnreadable as error:
            raise _Found("hash", LOG, error.reason) from None
    if found.damage is not None:
        raise _Found(found.damage.value, LOG, f"record {found.first_bad}: {found.detail}")
    result.not_examined.append("audit: MACs need the keys of the installation")


def _events(
    archive: zipfile.ZipFile, manifest: dict[str, Any], newest: Checkpoint, log_id: str, result: PackageResult
) -> None:
    root, last = bytes.fromhex(newest.root), 0
    wanted: list[int] = list(manifest["events"])
    met: list[int] = []
    for number, line in enumerate(_text(archive, EVENTS).decode("utf-8").splitlines(), 1):
        where = f"{EVENTS}:{number}"
        try:
            entry = json.loads(line)
            row, path = normalise_row(entry["row"]), [bytes.fromhex(node) for node in entry["path"]]
            seq = row["seq"]
            computed = row_hash(log_id, row)
        except (KeyError, TypeError, ValueError, RecursionError, RecordError) as error:
            raise _Found("hash", where, str(error)) from None
        if seq <= last:
            raise _Found("fork", where, f"record {seq} comes after record {last}")
        if computed != row["hash"]:
            raise _Found("hash", where, f"record {seq}: content does not match its hash")
        if not check_inclusion(bytes.fromhex(computed), seq - 1, newest.size, path, root):
            raise _Found("checkpoint", where, f"record {seq} is not part of the signed log")
        last = seq
        met.append(seq)
    if gone := sorted(set(wanted) - set(met)):
        raise _Found("gap", EVENTS, f"record {gone[0]} is missing")
    result.events = len(met)
