"""The evidence vault: sealed blobs, written in stages, so that no row is ever without its whole file.

Knows keys and a store, but no database. The order of writes is::

    stage    → bytes sealed and fsynced under a staging name
    caller   → commits the row as pending
    publish  → rename, folders fsynced
    caller   → commits the row as ok, together with the audit event; only now is the upload acknowledged

Whatever cuts this short leaves one of few states, and :meth:`Vault.recover` takes each to its end: what was whole and
announced by a row goes on, what was not is removed. A writer that still lives is told by its lock and left alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import BinaryIO

from secops.evidence.recovery import ActionKind, PlannedStep, RecoveryAction, RowListing, Step, plan_recovery
from secops.evidence.store import (
    BlobMissing,
    BlobRef,
    BlobStore,
    NotEnoughSpace,
    StagedFile,
    UploadTooLarge,
    is_full,
)
from smcrypto import container
from smcrypto.container import Readable
from smcrypto.errors import ContainerError, KeyProviderError
from smcrypto.keys import KeyProvider

DEFAULT_FLOOR_SHARE = 0.10
"""Share of the disk that uploads leave free, unless a floor in bytes is given."""

_SPACE_CHECK_EVERY = 16 * 1024 * 1024


class Staged:
    """A blob that is sealed and on the disk under its staging name.

    Used in a ``with`` statement: leaving it before :meth:`Vault.publish` removes the blob; after it, the blob stays
    and only the lock is dropped. Until then recovery in other processes does not touch blob or row.
    """

    def __init__(self, ref: BlobRef, store: BlobStore, file: StagedFile) -> None:
        self.ref = ref
        self.is_published = False
        self._store = store
        self._file = file

    @property
    def blob_id(self) -> str:
        """Id under which the blob will be found."""
        return self.ref.blob_id

    @property
    def size(self) -> int:
        """Bytes of the plain text."""
        return self.ref.size

    @property
    def sm3(self) -> str:
        """Digest of the plain text, 64 hexadecimal digits."""
        return self.ref.sm3

    def close(self) -> None:
        """Drop the lock; remove the blob unless it was published."""
        if not self.is_published:
            self._store.discard(self.blob_id)
        self._file.close()

    def __enter__(self) -> Staged:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ScrubOutcome(StrEnum):
    """What checking one blob said; ``unreadable`` means that nobody looked, never that it is good or bad."""

    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"
    WRONG_DIGEST = "wrong-digest"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class ScrubResult:
    """The answer for one blob; ``size`` is the bytes of plain text that were checked."""

    blob_id: str
    outcome: ScrubOutcome
    detail: str = ""
    size: int = 0


class WrongDigest(ContainerError):
    """The container is whole, but its plain text is not the one its row names."""

    def __init__(self, blob_id: str) -> None:
        super().__init__(blob_id)
        self.blob_id = blob_id

    def __str__(self) -> str:
        return f"blob {self.blob_id} is not the one its row names"


class OpenBlob:
    """A blob being read: an iterator of pieces that closes its file at the end, on an error, or by :meth:`close`."""

    def __init__(self, stream: BinaryIO, pieces: Iterator[bytes]) -> None:
        self._stream = stream
        self._pieces = pieces

    def __iter__(self) -> OpenBlob:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._stream.close()

    def __enter__(self) -> OpenBlob:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Vault:
    """Seals streams into a store and gives them back.

    Args:
        store: Where the sealed blobs lie.
        keys: Wraps the data keys.
        size_limit: Bytes of plain text allowed in one blob; None for no limit.
        free_floor: Bytes of the disk that stay free; None for a tenth of it.
    """

    def __init__(
        self,
        store: BlobStore,
        keys: KeyProvider,
        *,
        size_limit: int | None = None,
        free_floor: int | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._size_limit = size_limit
        self._free_floor = free_floor

    def stage(
        self,
        stream: Readable,
        *,
        size_limit: int | None = None,
        expected_size: int | None = None,
        context: bytes = b"",
    ) -> Staged:
        """Seal a stream to its end and put it on the disk under a staging name. On any failure nothing is left.

        Args:
            stream: Plain text.
            size_limit: Bytes allowed; None for the limit of the vault.
            expected_size: Bytes announced, to refuse before the first byte is read; None when nobody knows.
            context: What the container is bound to besides its id, such as the owner.

        Raises:
            UploadTooLarge: more bytes than allowed.
            NotEnoughSpace: the disk is full or would fall below its floor.
            KeyProviderError: no key to wrap with.
        """
        limit = self._size_limit if size_limit is None else size_limit
        if limit is not None and expected_size is not None and expected_size > limit:
            raise UploadTooLarge(limit)
        self._require_space(expected_size or 0)
        blob_id = self._store.new_id()
        guarded = _GuardedReader(stream, limit, self._require_space)
        file: StagedFile | None = None
        try:
            file = self._store.stage(blob_id)
            sealed = container.seal(
                guarded, file, self._keys, file_id=bytes.fromhex(blob_id), context=context
            )
            file.finish()
        except BaseException as error:
            self._drop(blob_id, file)
            if isinstance(error, OSError) and is_full(error):
                raise NotEnoughSpace(self._store.space().free, self._floor(), guarded.count) from error
            raise
        ref = BlobRef(blob_id, sealed.size, sealed.sm3.hex(), sealed.header, context)
        return Staged(ref, self._store, file)

    def _drop(self, blob_id: str, file: StagedFile | None) -> None:
        self._store.discard(blob_id)
        if file is not None:
            file.close()

    def publish(self, staged: Staged) -> None:
        """Give the blob its final name, durably. The caller has committed its row as pending before."""
        self._store.publish(staged.blob_id)
        staged.is_published = True

    def discard(self, staged: Staged) -> None:
        """Remove a blob that will not be published."""
        staged.close()

    def open(self, ref: BlobRef, *, verify_first: bool = False) -> OpenBlob:
        """Give a blob's plain text in pieces of at most 64 KiB, each checked before it is given out.

        Args:
            ref: What the row says.
            verify_first: Check the whole blob and its digest before the first piece; for evidential export.

        Raises:
            BlobMissing: no such blob.
            ContainerError: damaged, which may show only while iterating; or, with *verify_first*, not the blob that
                the row names (:class:`WrongDigest`).
            KeyProviderError: its key is not here.
        """
        if verify_first:
            self._verify(ref, None)
        stream = self._store.open(ref.blob_id)
        try:
            pieces = self._open_container(ref, stream)
        except BaseException:
            stream.close()
            raise
        return OpenBlob(stream, pieces)

    def _open_container(self, ref: BlobRef, stream: Readable) -> Iterator[bytes]:
        return container.open_stream(
            stream,
            self._keys,
            file_id=bytes.fromhex(ref.blob_id),
            context=ref.context,
            header=ref.header,
        )

    def check(self, ref: BlobRef, *, pace: Callable[[int], None] | None = None) -> ScrubResult:
        """Check one blob to its end against its row; gives out nothing.

        Args:
            ref: What the row says.
            pace: Called with the bytes of each read, to slow down.
        """
        try:
            return ScrubResult(ref.blob_id, ScrubOutcome.OK, size=self._verify(ref, pace))
        except BlobMissing:
            return ScrubResult(ref.blob_id, ScrubOutcome.MISSING)
        except WrongDigest as error:
            return ScrubResult(ref.blob_id, ScrubOutcome.WRONG_DIGEST, str(error))
        except ContainerError as error:
            return ScrubResult(ref.blob_id, ScrubOutcome.DAMAGED, str(error))
        except KeyProviderError as error:
            return ScrubResult(ref.blob_id, ScrubOutcome.UNREADABLE, str(error))
        except OSError as error:
            return ScrubResult(ref.blob_id, ScrubOutcome.UNREADABLE, f"read failed: {error.strerror}")

    def _verify(self, ref: BlobRef, pace: Callable[[int], None] | None) -> int:
        with self._store.open(ref.blob_id) as stream:
            found = container.verify(
                stream if pace is None else _PacedReader(stream, pace),
                self._keys,
                file_id=bytes.fromhex(ref.blob_id),
                context=ref.context,
                header=ref.header,
            )
        if found.size != ref.size or not hmac.compare_digest(found.sm3.hex(), ref.sm3):
            raise WrongDigest(ref.blob_id)
        return found.size

    def scrub(
        self,
        rows: Iterable[BlobRef],
        *,
        bytes_per_s: int | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> Iterator[ScrubResult]:
        """Check blobs one after the other, at most *bytes_per_s* on average; None for full speed.

        Resuming is the caller's: give the rows in a fixed order and note the last one that was answered.

        Args:
            rows: What to check.
            bytes_per_s: > 0, or None.
            clock: Seconds that never go back, such as ``time.monotonic``.
            sleep: Waits so many seconds.
        """
        pace = None if bytes_per_s is None else _Pace(bytes_per_s, clock, sleep)
        for ref in rows:
            yield self.check(ref, pace=pace)

    def shred(self, blob_id: str) -> None:
        """Destroy a blob: overwrite its wrapped data key on the disk, then remove it. May be repeated.

        A row that keeps a copy of the header drops it in the transaction that comes before.
        """
        try:
            self._store.overwrite_start(blob_id, bytes(container.HEADER_SIZE))
        except BlobMissing:
            return
        self._store.remove(blob_id)

    def rewrap(self, ref: BlobRef) -> bytes | None:
        """Give the header that has the data key under the current main key; None when nothing is to be done.

        The caller commits it to the row and then calls :meth:`write_header`. Rows that keep no header call that at
        once. Either way a cut leaves a header that opens, as long as the old main key lives.
        """
        header = ref.header
        if header is None:
            with self._store.open(ref.blob_id) as stream:
                header = container.read_header(stream).to_bytes()
        return container.rewrap(header, self._keys)

    def write_header(self, blob_id: str, header: bytes) -> None:
        """Replace the header in the file."""
        self._store.overwrite_start(blob_id, header)

    def recover(self, rows: Callable[[], RowListing]) -> tuple[RecoveryAction, ...]:
        """Bring blobs and rows together again after a crash; safe beside running uploads, and to repeat.

        Args:
            rows: Lists the rows; called after the blobs were listed, which the comparison needs.

        Returns:
            What was found and done, in the order of :func:`plan_recovery`; the caller does the rows' part.
        """
        staged = frozenset(self._store.staged())
        published = dict(self._store.published())
        actions: list[RecoveryAction] = []
        for step in plan_recovery(rows(), published, staged):
            if self._store.is_held(step.blob_id):
                actions.append(RecoveryAction(ActionKind.LIVE, step.blob_id))
            elif (action := self._apply(step)) is not None:
                actions.append(action)
        return tuple(actions)

    def _apply(self, step: PlannedStep) -> RecoveryAction | None:
        """Do one step; a disk that fails on one blob does not keep the others from being looked at."""
        try:
            return self._apply_unguarded(step)
        except OSError as error:
            return RecoveryAction(ActionKind.UNREADABLE, step.blob_id, f"{step.step}: {error.strerror}")

    def _apply_unguarded(self, step: PlannedStep) -> RecoveryAction | None:
        """Ask the store again, since the listing may be stale by now."""
        blob_id, store = step.blob_id, self._store
        match step.step, step.ref:
            case Step.FINISH, BlobRef() as ref:
                return self._finish(ref)
            case Step.CHECK_MISSING, BlobRef():
                if store.is_staged(blob_id):
                    # the rename did not reach the disk before the row did: the disk lies about fsync
                    store.publish(blob_id)
                return (
                    None if store.size(blob_id) is not None else RecoveryAction(ActionKind.MISSING, blob_id)
                )
            case Step.CHECK_SIZE, BlobRef() as ref:
                size, due = store.size(blob_id), container.sealed_size_of(ref.size)
                if size == due:
                    return None
                return RecoveryAction(ActionKind.DAMAGED, blob_id, f"{size} bytes where {due} are due")
            case Step.REMOVE_STAGED, None:
                store.discard(blob_id)
                return RecoveryAction(ActionKind.STAGED_REMOVED, blob_id)
            case Step.SHRED, None:
                self.shred(blob_id)
                return RecoveryAction(ActionKind.SHREDDED, blob_id)
            case Step.SET_ASIDE, None:
                if store.size(blob_id) is None:
                    return None
                store.quarantine(blob_id)
                return RecoveryAction(ActionKind.QUARANTINED, blob_id)
        raise AssertionError(step)

    def _finish(self, ref: BlobRef) -> RecoveryAction:
        """Take a pending row to its end: its bytes were on the disk before the row was committed."""
        if self._store.is_staged(ref.blob_id):
            self._store.publish(ref.blob_id)
        result = self.check(ref)
        match result.outcome:
            case ScrubOutcome.OK:
                return RecoveryAction(ActionKind.PROMOTED, ref.blob_id)
            case ScrubOutcome.MISSING:
                return RecoveryAction(ActionKind.ABANDONED, ref.blob_id)
            case ScrubOutcome.UNREADABLE:
                return RecoveryAction(ActionKind.UNREADABLE, ref.blob_id, result.detail)
            case _:
                return RecoveryAction(ActionKind.DAMAGED, ref.blob_id, result.detail or result.outcome.value)

    def _floor(self) -> int:
        if self._free_floor is not None:
            return self._free_floor
        return int(self._store.space().total * DEFAULT_FLOOR_SHARE)

    def _require_space(self, needed: int) -> None:
        free, floor = self._store.space().free, self._floor()
        if free - needed < floor:
            raise NotEnoughSpace(free, floor, needed)


class _GuardedReader:
    """Counts, stops at the limit and looks at the disk now and then."""

    def __init__(self, stream: Readable, limit: int | None, require_space: Callable[[int], None]) -> None:
        self._stream = stream
        self._limit = limit
        self._require_space = require_space
        self._next_look = _SPACE_CHECK_EVERY
        self.count = 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        if self._limit is not None and self.count > self._limit:
            raise UploadTooLarge(self._limit)
        if self.count >= self._next_look:
            self._next_look = self.count + _SPACE_CHECK_EVERY
            self._require_space(0)
        return data


class _PacedReader:
    def __init__(self, stream: Readable, pace: Callable[[int], None]) -> None:
        self._stream = stream
        self._pace = pace

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._pace(len(data))
        return data


class _Pace:
    """Sleeps so that the bytes told so far were not faster than the rate; idle time is not saved up."""

    def __init__(self, bytes_per_s: int, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._rate = bytes_per_s
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def __call__(self, count: int) -> None:
        now = self._clock()
        self._due = max(self._due, now) + count / self._rate
        if self._due > now:
            self._sleep(self._due - now)
