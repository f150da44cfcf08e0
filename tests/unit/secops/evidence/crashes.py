"""A process that uploads until it is killed at a chosen line of the code under test, and what is left of it.

The child is forked, counts executed lines of vault, store, container and its own upload loop, and sends itself SIGKILL
at the n-th: no ``finally`` runs. A kill alone does not lose what the kernel holds, so the child can also keep a journal
of writes, fsyncs and renames from which :func:`lose_power` takes back whatever was not on the disk yet.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from secops.evidence import store as store_module
from secops.evidence import vault as vault_module
from secops.evidence.recovery import ActionKind, RecoveryAction, RowListing
from secops.evidence.store import BlobRef, FolderStore
from secops.evidence.vault import ScrubOutcome, Vault
from smcrypto import container
from smcrypto.keys import FileKeyProvider

SIZES = (0, 1, 1000, container.CHUNK_SIZE - 1, container.CHUNK_SIZE, container.CHUNK_SIZE + 1, 200_000)
_TRACED = frozenset(
    os.path.realpath(str(module.__file__)) for module in (vault_module, store_module, container)
) | {os.path.realpath(__file__)}


def open_rows(path: Path) -> sqlite3.Connection:
    """Open the row store of the harness."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous = full")
    connection.execute(
        "create table if not exists blob (id text primary key, state text, size int, sm3 text, header blob)"
    )
    return connection


def _content(number: random.Random) -> bytes:
    size = number.choice(SIZES)
    return number.randbytes(size)


def upload_in_order(vault: Vault, rows: sqlite3.Connection, plain: bytes) -> str:
    """Upload the way the application does."""
    with vault.stage(io.BytesIO(plain)) as staged:
        ref = staged.ref
        rows.execute(
            "insert into blob values (?, 'pending', ?, ?, ?)", (ref.blob_id, ref.size, ref.sm3, ref.header)
        )
        vault.publish(staged)
        rows.execute("update blob set state = 'ok' where id = ?", (ref.blob_id,))
    return ref.blob_id


def upload_row_first(vault: Vault, rows: sqlite3.Connection, plain: bytes) -> str:
    """Upload the way that seems natural: the finished row, then the file in its place."""
    blob_id = vault._store.new_id()
    digest = container.sm3.hexdigest(plain)
    rows.execute("insert into blob values (?, 'ok', ?, ?, null)", (blob_id, len(plain), digest))
    target = vault._store._path(blob_id)  # type: ignore[attr-defined]
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb", buffering=0) as file:
        container.seal(io.BytesIO(plain), file, vault._keys, file_id=bytes.fromhex(blob_id))
    return blob_id


Upload = Callable[[Vault, sqlite3.Connection, bytes], str]


@dataclass
class World:
    """A vault and its rows, over which several processes live and die."""

    root: Path
    keys: FileKeyProvider
    acknowledged: set[str] = field(default_factory=set)
    actions: list[RecoveryAction] = field(default_factory=list)

    def vault(self) -> Vault:
        return Vault(FolderStore(self.root / "vault"), self.keys, free_floor=0)

    def rows(self) -> sqlite3.Connection:
        return open_rows(self.root / "rows.db")

    def run_and_kill(
        self, *, after_lines: int, seed: int, upload: Upload = upload_in_order, fsync_works: bool = True
    ) -> Path:
        """Fork, upload until the line is reached, die; note what was acknowledged. Returns the child's journal."""
        self.vault()
        self.rows().close()
        told, telling = os.pipe()
        journal = self.root / f"journal-{seed}"
        child = os.fork()
        if child == 0:
            os.close(told)
            try:
                self._live(telling, after_lines, seed, upload, fsync_works, journal)
            finally:
                os._exit(1)
        os.close(telling)
        with os.fdopen(told) as stream:
            self.acknowledged.update(line.strip() for line in stream)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the child ended by itself"
        assert os.WTERMSIG(status) == signal.SIGKILL
        return journal

    def _live(
        self, telling: int, after_lines: int, seed: int, upload: Upload, fsync_works: bool, journal: Path
    ) -> None:
        vault, rows, numbers = self.vault(), self.rows(), random.Random(seed)
        _keep_journal(journal, fsync_works)
        sys.settrace(_killer(after_lines))
        while True:
            blob_id = upload(vault, rows, _content(numbers))
            os.write(telling, blob_id.encode() + b"\n")

    def recover(self) -> None:
        """Run the recovery pass and do the rows' part of it."""
        rows = self.rows()
        found = self.vault().recover(lambda: RowListing(self.refs("pending"), self.refs("ok")))
        for action in found:
            if action.kind is ActionKind.PROMOTED:
                rows.execute("update blob set state = 'ok' where id = ?", (action.blob_id,))
            elif action.kind is ActionKind.ABANDONED:
                rows.execute("delete from blob where id = ?", (action.blob_id,))
        rows.close()
        self.actions += found

    def refs(self, state: str) -> tuple[BlobRef, ...]:
        rows = self.rows()
        found = rows.execute("select id, size, sm3, header from blob where state = ?", (state,)).fetchall()
        rows.close()
        return tuple(BlobRef(*row) for row in found)

    def damage(self) -> list[str]:
        """List everything that must not be after a recovery."""
        vault, found = self.vault(), []
        ok = self.refs("ok")
        found += [
            f"row {ref.blob_id}: blob {outcome}"
            for ref in ok
            if (outcome := vault.check(ref).outcome) is not ScrubOutcome.OK
        ]
        names = {ref.blob_id for ref in ok}
        published = {blob_id for blob_id, _ in vault._store.published()}
        found += [f"row {ref.blob_id} still pending" for ref in self.refs("pending")]
        found += [f"blob {blob_id} without row" for blob_id in published - names]
        found += [f"blob {blob_id} still staged" for blob_id in vault._store.staged()]
        found += [f"upload {blob_id} acknowledged and lost" for blob_id in self.acknowledged - names]
        found += [f"{path.name} set aside" for path in (self.root / "vault" / "quarantine").iterdir()]
        return found


def _killer(after_lines: int) -> Callable[..., Any]:
    left = after_lines

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        nonlocal left
        if frame.f_code.co_filename not in _TRACED:
            return None
        if event == "line":
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def _keep_journal(path: Path, fsync_works: bool) -> None:
    """Note in the child which file was created, synced and renamed; without working fsync none is ever synced."""
    journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    real_fsync, real_rename, real_open = os.fsync, Path.rename, os.open

    def note(*entry: object) -> None:
        os.write(journal, json.dumps(entry).encode() + b"\n")

    def fsync(descriptor: int) -> None:
        if fsync_works:
            real_fsync(descriptor)
            note("sync", os.readlink(f"/proc/self/fd/{descriptor}"))

    def rename(self: Path, target: Path) -> Path:
        renamed = real_rename(self, target)
        note("rename", str(self), str(target))
        return renamed

    def opening(name: Any, flags: int, *rest: Any, **named: Any) -> int:
        descriptor = real_open(name, flags, *rest, **named)
        if flags & os.O_CREAT:
            note("create", str(name))
        return descriptor

    os.fsync = fsync  # type: ignore[assignment]
    os.open = opening  # type: ignore[assignment]
    Path.rename = rename  # type: ignore[method-assign, assignment]


def lose_power(journal: Path) -> None:
    """Take back what the journal of a killed child does not show as synced.

    A file without a sync after its creation is empty, a rename without a sync of the folder it went to did not happen.
    """
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    unsynced: dict[str, None] = {}
    renamed: dict[str, str] = {}
    for kind, *names in entries:
        if kind == "create":
            unsynced[names[0]] = None
        elif kind == "rename":
            renamed[names[1]] = names[0]
            if names[0] in unsynced:
                del unsynced[names[0]]
                unsynced[names[1]] = None
        else:
            unsynced.pop(names[0], None)
            for target in [name for name in renamed if str(Path(name).parent) == names[0]]:
                del renamed[target]
    for name in unsynced:
        if os.path.exists(name):
            os.truncate(name, 0)
    for target, source in renamed.items():
        if os.path.exists(target):
            os.rename(target, source)
