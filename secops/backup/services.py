"""Write a backup while the platform runs, check it, and restore it into an empty home.

Order of writing: checkpoints and witness first, then one snapshot of the database, then the blobs that it names. So
the witness never knows more than the database, and no row of the snapshot is without its file. The keys go into a
file of their own, so that one theft does not open both.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from secops import __version__
from secops.audit_log import checkpoints
from secops.audit_log.chain import SignedCheckpoint
from secops.audit_log.models import AuditHead
from secops.audit_log.services import record, verify_now
from secops.backup import archive, databases
from secops.backup.archive import BadArchive, Member
from secops.clock import utc_now
from secops.errors import BadInput, NotReady
from secops.evidence.models import BlobState, Evidence
from secops.evidence.services import blob_ref
from secops.evidence.store import FolderStore
from secops.evidence.vault import ScrubOutcome
from secops.platform import Platform
from secops.store import current_revision

FORMAT = 1
LEAST_PASSPHRASE = 12
_KEY_FILE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")
_AUDIT_FILES = ("witness.json", "checkpoints.jsonl")


@dataclass(frozen=True, slots=True)
class Written:
    """A backup that was written and read again."""

    data: Path
    keys: Path
    blobs: int
    left_out: int
    records: int

    def to_json(self) -> dict[str, Any]:
        return {
            "data": str(self.data), "keys": str(self.keys), "blobs": self.blobs, "left_out": self.left_out,
            "records": self.records, "verified": True,
        }  # fmt: skip


def read_passphrase(path: Path) -> bytes:
    """The passphrase in a file, without its line end.

    Raises:
        BadInput: not readable, open to others, or too short.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise BadInput(
                f"{path} 可被他人读取，请先 chmod 600。",
                f"{path} is open to others; chmod 600 it first.",
                "passphrase",
            )
        secret = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise BadInput(
            f"无法读取 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}", "passphrase"
        ) from None
    if len(secret) < LEAST_PASSPHRASE:
        raise BadInput(
            f"口令至少 {LEAST_PASSPHRASE} 个字符。",
            f"A passphrase has at least {LEAST_PASSPHRASE} characters.",
            "passphrase",
        )
    return secret


def backup(platform: Platform, folder: Path, secret: bytes, *, now: datetime) -> Written:
    """Write data and keys into *folder*, read both again, note the event.

    Raises:
        BadInput: the folder can't be written.
        NotReady: the database can't be dumped, or what was written does not read back.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    data, keys = folder / f"secops-{stamp}.data", folder / f"secops-{stamp}.keys"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=platform.settings.folder("tmp")) as scratch:
            packing = _Packing(platform, Path(scratch), now)
            _write(data, packing.members(), secret)
        _write(keys, _key_members(platform), secret)
        for path in (data, keys):
            with path.open("rb") as file:
                archive.read(file, secret, archive.skip)
    except OSError as error:
        _remove(data, keys)
        raise BadInput(
            f"无法写入备份：{error.strerror}", f"Cannot write the backup: {error.strerror}", "folder"
        ) from error
    except BadArchive as error:
        _remove(data, keys)
        raise NotReady(
            f"备份写后校验未通过：{error.reason}", f"The backup does not read back: {error.reason}"
        ) from error
    with platform.work("backup") as session:
        detail = {"file": data.name, "blobs": packing.blobs, "seq": packing.seq}
        record(
            session, "platform.backup", now=utc_now(), object_type="Backup", object_id=stamp, detail=detail
        )
    return Written(data, keys, packing.blobs, packing.left_out, packing.seq)


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _write(path: Path, members: Iterator[Member], secret: bytes) -> None:
    """Under another name until it is whole and on the disk."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            archive.write(file, members, secret)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _key_members(platform: Platform) -> Iterator[Member]:
    for path in sorted((platform.settings.home / "keys").iterdir()):
        if path.is_file() and _KEY_FILE.match(path.name):
            yield Member.of_file(f"keys/{oct(path.stat().st_mode & 0o777)[2:]}/{path.name}", path)


@dataclass
class _Packing:
    """One run: what it met is told afterwards."""

    platform: Platform
    scratch: Path
    now: datetime
    blobs: int = 0
    left_out: int = 0
    seq: int = 0

    def members(self) -> Iterator[Member]:
        audit = checkpoints.folder_of(self.platform)
        signed = {name: (audit / name).read_bytes() for name in _AUDIT_FILES if (audit / name).exists()}
        # Before the snapshot, which then holds at least so many records.
        with self.platform.work("backup") as session:
            head = session.execute(select(AuditHead.log_id, AuditHead.seq, AuditHead.hash)).one()
        dump = self.scratch / "database"
        databases.dump(self.platform, dump)
        refs = databases.blobs_of(self.platform, dump)
        self.seq = head.seq
        about = {
            "secops_backup": FORMAT, "version": __version__, "made_at": self.now.isoformat(), "log_id": head.log_id,
            "database": self.platform.engine.dialect.name, "revision": current_revision(self.platform.engine),
        }  # fmt: skip
        yield Member.of_bytes("backup.json", json.dumps(about).encode())
        for name, content in signed.items():
            yield Member.of_bytes(f"audit/{name}", content)
        yield Member.of_file("database", dump)
        store = FolderStore(self.platform.settings.home / "vault")
        for blob_id in refs:
            size = store.size(blob_id)
            if size is None:
                # Deleted since the snapshot, or missing; the check after a restore tells which.
                self.left_out += 1
                continue
            self.blobs += 1
            yield Member(f"vault/{blob_id}", size, lambda one=blob_id: _blob_pieces(store, one))  # type: ignore[misc]


def _blob_pieces(store: FolderStore, blob_id: str) -> Iterator[bytes]:
    with store.open(blob_id) as file:
        while piece := file.read(256 * 1024):
            yield piece


@dataclass
class Restored:
    """What a restore found. ``older_by`` counts records that outside checkpoints know and the backup lacks."""

    made_at: str
    blobs: int = 0
    bad_blobs: list[str] = field(default_factory=list)
    audit_ok: bool = False
    audit: dict[str, Any] = field(default_factory=dict)
    older_by: int = 0

    @property
    def ok(self) -> bool:
        return self.audit_ok and not self.bad_blobs and not self.older_by

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok, "made_at": self.made_at, "blobs": self.blobs, "bad_blobs": self.bad_blobs,
            "audit": self.audit, "older_by": self.older_by,
        }  # fmt: skip


def restore(
    platform: Platform,
    data: Path,
    keys: Path,
    secret: bytes,
    *,
    outside: Sequence[SignedCheckpoint] = (),
    now: datetime,
) -> Restored:
    """Put a backup into the empty home and database of *platform*, then look at all of it.

    Both files are read to their end before anything is written: a damaged one leaves the home empty.

    Raises:
        BadInput: the home or the database is not empty, or the files are not a backup of this kind of database.
        NotReady: a file is damaged, or the passphrase does not fit.
    """
    home = platform.settings.home
    if not databases.is_empty(platform) or any((home / "keys").glob("*")) or any((home / "vault").rglob("*")):
        raise BadInput(
            "只能恢复到空的目录和空的数据库。",
            "A backup is restored into an empty home and database only.",
            "home",
        )
    about = _look(data, keys, secret)
    if about.get("database") != platform.engine.dialect.name:
        raise BadInput(
            f"备份来自 {about.get('database')}，与当前数据库不同。",
            f"The backup is of {about.get('database')}, another kind of database.",
            "data",
        )
    with keys.open("rb") as file:
        archive.read(file, secret, lambda name, pieces: _put_key(home, name, pieces))
    with tempfile.TemporaryDirectory(dir=platform.settings.folder("tmp")) as scratch:
        putting = _Putting(platform, Path(scratch))
        with data.open("rb") as file:
            archive.read(file, secret, putting.take)
        databases.load(platform, Path(scratch) / "database")
    return _examine(platform, Restored(about["made_at"], blobs=putting.blobs), outside, now)


def _look(data: Path, keys: Path, secret: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def take(name: str, pieces: Iterator[bytes]) -> None:
        if name == "backup.json":
            found.update(json.loads(b"".join(pieces)))
        else:
            archive.skip(name, pieces)

    try:
        for path in (data, keys):
            with path.open("rb") as file:
                archive.read(file, secret, take)
    except OSError as error:
        raise BadInput(f"无法读取：{error.strerror}", f"Cannot read: {error.strerror}", "data") from None
    except BadArchive as error:
        raise NotReady(
            f"备份损坏或口令不对，什么都没有恢复：{error.reason}",
            f"The backup is damaged or the passphrase is another; nothing was restored: {error.reason}",
        ) from error
    if found.get("secops_backup") != FORMAT:
        raise BadInput("不是本平台的备份。", "This is no backup of the platform.", "data")
    return found


def _put_key(home: Path, name: str, pieces: Iterator[bytes]) -> None:
    parts = name.split("/")
    if len(parts) != 3 or parts[0] != "keys" or not _KEY_FILE.match(parts[2]) or not parts[1].isdecimal():
        raise BadArchive(f"unexpected member {name}")
    folder = home / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = int(parts[1], 8) & 0o700
    with open(os.open(folder / parts[2], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)


class _Putting:
    """Writes the members of the data file where they belong; an unexpected name ends it."""

    def __init__(self, platform: Platform, scratch: Path) -> None:
        self._platform = platform
        self._scratch = scratch
        self._store = FolderStore(platform.settings.home / "vault")
        self.blobs = 0

    def take(self, name: str, pieces: Iterator[bytes]) -> None:
        folder, _, rest = name.rpartition("/")
        if name == "backup.json":
            archive.skip(name, pieces)
        elif name == "database":
            _put(self._scratch / "database", pieces)
        elif folder == "audit" and rest in _AUDIT_FILES:
            _put(checkpoints.folder_of(self._platform) / rest, pieces)
        elif folder == "vault":
            file = self._store.stage(rest)
            try:
                for piece in pieces:
                    file.write(piece)
                file.finish()
                self._store.publish(rest)
            finally:
                file.close()
            self.blobs += 1
        else:
            raise BadArchive(f"unexpected member {name}")


def _put(path: Path, pieces: Iterator[bytes]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _examine(
    platform: Platform, found: Restored, outside: Sequence[SignedCheckpoint], now: datetime
) -> Restored:
    """The audit log against its own and the outside checkpoints, and every file against its row."""
    with platform.work("restore") as session:
        result = checkpoints.verify_with(platform, session)
        found.audit, found.audit_ok = result.to_json(), result.ok
        if result.ok and outside:
            checked = verify_now(session, checkpoints=outside, public_keys=checkpoints.public_keys(platform))
            if not checked.ok:
                found.audit = checked.to_json()
                found.older_by = _newest(outside) - checked.last_seq if checked.damage == "truncated" else 0
                found.audit_ok = found.older_by > 0
        rows = session.scalars(select(Evidence).where(Evidence.blob_state == BlobState.OK)).all()
        for row in rows:
            checked_blob = platform.vault.check(blob_ref(row))
            if checked_blob.outcome is not ScrubOutcome.OK:
                found.bad_blobs.append(f"{row.id}: {checked_blob.outcome.value}")
        record(
            session, "platform.restore", now=now, object_type="Backup", object_id=found.made_at,
            result="ok" if found.ok else "failed",
            detail={"blobs": found.blobs, "bad": len(found.bad_blobs), "older_by": found.older_by},
        )  # fmt: skip
    return found


def _newest(outside: Sequence[SignedCheckpoint]) -> int:
    from secops.audit_log.chain import Checkpoint

    return max(Checkpoint.parse(one.text).size for one in outside)
