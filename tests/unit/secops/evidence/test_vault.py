"""The vault: sealing, reading, checking, destroying."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from secops.evidence.store import (
    BlobMissing,
    BlobRef,
    FolderStore,
    NotEnoughSpace,
    Space,
    UploadTooLarge,
)
from secops.evidence.vault import ScrubOutcome, Vault, WrongDigest
from smcrypto import sm3
from smcrypto.container import CHUNK_SIZE, HEADER_SIZE
from smcrypto.errors import ContainerError, DamagedContainer, KeyMissing
from smcrypto.keys import FileKeyProvider

PLAIN = "等级保护证据".encode() * 20_000


def _kept(vault: Vault, plain: bytes, context: bytes = b"") -> BlobRef:
    with vault.stage(io.BytesIO(plain), context=context) as staged:
        vault.publish(staged)
        return staged.ref


def _files(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def _path(root: Path, blob_id: str) -> Path:
    return root / "vault" / "objects" / blob_id[:2] / blob_id[2:4] / blob_id


def test_what_is_kept_comes_back(vault: Vault) -> None:
    """Bytes, size and digest are those of the upload."""
    ref = _kept(vault, PLAIN)

    assert (ref.size, ref.sm3) == (len(PLAIN), sm3.hexdigest(PLAIN))
    assert b"".join(vault.open(ref)) == PLAIN
    assert b"".join(vault.open(ref, verify_first=True)) == PLAIN
    assert vault.check(ref).outcome is ScrubOutcome.OK


def test_nothing_is_published_before_the_caller_says_so(vault: Vault, store: FolderStore) -> None:
    """A staged blob cannot be opened; leaving it unpublished removes it."""
    with vault.stage(io.BytesIO(PLAIN)) as staged:
        assert (staged.size, staged.sm3) == (len(PLAIN), sm3.hexdigest(PLAIN))
        assert list(store.staged()) == [staged.blob_id]
        with pytest.raises(BlobMissing):
            vault.open(staged.ref)

    assert list(store.staged()) == []
    assert list(store.published()) == []


def test_discard_removes(vault: Vault, store: FolderStore) -> None:
    """A blob that the caller does not want is gone at once."""
    vault.discard(vault.stage(io.BytesIO(PLAIN)))

    assert list(store.staged()) == []


def test_error_after_publishing_leaves_the_blob_for_recovery(vault: Vault, store: FolderStore) -> None:
    """When the last commit fails the blob stays: the pending row that announces it is taken to its end later."""
    with pytest.raises(RuntimeError), vault.stage(io.BytesIO(PLAIN)) as staged:  # noqa: PT012
        vault.publish(staged)
        raise RuntimeError("database gone")

    assert [blob_id for blob_id, _ in store.published()] == [staged.blob_id]
    assert not store.is_held(staged.blob_id)


def test_plain_text_never_touches_the_disk(vault: Vault, tmp_path: Path) -> None:
    """No file under the vault holds a piece of the upload."""
    _kept(vault, PLAIN)
    with vault.stage(io.BytesIO(PLAIN)):
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert PLAIN[:32] not in path.read_bytes()


def test_limit(vault: Vault, tmp_path: Path) -> None:
    """As many bytes as allowed pass; one more, announced or not, is refused and leaves nothing."""
    limit = CHUNK_SIZE + 10
    with vault.stage(io.BytesIO(bytes(limit)), size_limit=limit) as staged:
        assert staged.size == limit

    before = _files(tmp_path)
    with pytest.raises(UploadTooLarge) as caught:
        vault.stage(io.BytesIO(bytes(limit + 1)), size_limit=limit)
    assert caught.value.limit == limit
    with pytest.raises(UploadTooLarge):
        vault.stage(_Refusing(), size_limit=limit, expected_size=limit + 1)
    assert _files(tmp_path) == before


class _Refusing:
    def read(self, size: int, /) -> bytes:
        raise AssertionError("a byte was read")


def test_limit_of_the_vault(store: FolderStore, keys: FileKeyProvider) -> None:
    """Without a limit of its own a call has that of the vault."""
    vault = Vault(store, keys, size_limit=5, free_floor=0)

    with vault.stage(io.BytesIO(b"12345")) as staged:
        assert staged.size == 5
    with pytest.raises(UploadTooLarge):
        vault.stage(io.BytesIO(b"123456"))


class _Disk(FolderStore):
    """A store that says how much room there is."""

    def __init__(self, root: Path, answers: Iterator[int]) -> None:
        super().__init__(root)
        self._answers = answers

    def space(self) -> Space:
        return Space(next(self._answers), 1000)


@pytest.mark.parametrize(
    ("floor", "free", "needed", "is_refused"),
    [
        (None, 99, 0, True),
        (None, 100, 0, False),
        (None, 150, 51, True),
        (50, 49, 0, True),
        (50, 60, 10, False),
    ],
)
def test_floor_is_checked_before_writing(
    tmp_path: Path, keys: FileKeyProvider, floor: int | None, free: int, needed: int, is_refused: bool
) -> None:
    """A tenth of the disk, or the bytes set, stay free, counting what was announced."""
    vault = Vault(_Disk(tmp_path / "vault", iter([free] * 9)), keys, free_floor=floor)

    if is_refused:
        with pytest.raises(NotEnoughSpace) as caught:
            vault.stage(_Refusing(), expected_size=needed)
        assert (caught.value.free, caught.value.needed) == (free, needed)
    else:
        vault.stage(io.BytesIO(b"x"), expected_size=needed).close()
    assert _files(tmp_path) == []


def test_floor_is_checked_while_writing(tmp_path: Path, keys: FileKeyProvider) -> None:
    """A long upload of unknown size stops when the disk falls below its floor, and leaves nothing."""
    vault = Vault(_Disk(tmp_path / "vault", iter([200, 200, 99, 99])), keys, free_floor=100)

    with pytest.raises(NotEnoughSpace):
        vault.stage(io.BytesIO(bytes(33 << 20)))

    assert _files(tmp_path) == []


class _FailingStore(FolderStore):
    """A store whose n-th write or whose fsync fails."""

    def __init__(self, root: Path, code: int, failing_write: int) -> None:
        super().__init__(root)
        self.code, self.failing_write = code, failing_write

    def stage(self, blob_id: str):  # type: ignore[no-untyped-def]
        file = super().stage(blob_id)
        count = iter(range(1000))
        real = file.write

        def write(data: bytes) -> None:
            if next(count) == self.failing_write:
                raise OSError(self.code, os.strerror(self.code))
            real(data)

        def finish() -> None:
            if self.failing_write < 0:
                raise OSError(self.code, os.strerror(self.code))

        file.write, file.finish = write, finish  # type: ignore[method-assign]
        return file


@pytest.mark.parametrize("failing_write", [-1, 0, 1, 2])
@pytest.mark.parametrize(
    ("code", "expected"),
    [(errno.ENOSPC, NotEnoughSpace), (errno.EDQUOT, NotEnoughSpace), (errno.EIO, OSError)],
)
def test_failing_disk_leaves_nothing(
    tmp_path: Path, keys: FileKeyProvider, failing_write: int, code: int, expected: type[Exception]
) -> None:
    """Full, over quota or broken, at the first write, a later one or at the end: an error and no file."""
    vault = Vault(_FailingStore(tmp_path / "vault", code, failing_write), keys, free_floor=0)

    with pytest.raises(expected):
        vault.stage(io.BytesIO(PLAIN))

    assert _files(tmp_path) == []


def test_lost_connection_leaves_nothing(vault: Vault, tmp_path: Path) -> None:
    """When the source fails in the middle its error is passed on and no file stays."""

    class Lost(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > CHUNK_SIZE:
                raise ConnectionResetError("client gone")
            return super().read(size)

    with pytest.raises(ConnectionResetError):
        vault.stage(Lost(PLAIN))

    assert _files(tmp_path) == []


def test_missing_key_leaves_nothing(store: FolderStore, tmp_path: Path) -> None:
    """Without a key nothing is written, sealed or not."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)

    with pytest.raises(KeyMissing):
        Vault(store, FileKeyProvider(folder), free_floor=0).stage(io.BytesIO(PLAIN))

    assert _files(tmp_path) == []


def test_damage_is_found(vault: Vault, tmp_path: Path) -> None:
    """A flipped bit, a cut, another file in its place, a missing file: each has its own answer."""
    flipped, cut, swapped, missing, other = (_kept(vault, PLAIN + bytes((n,))) for n in range(5))
    _edit(_path(tmp_path, flipped.blob_id), lambda data: data[:-40] + bytes((data[-40] ^ 1,)) + data[-39:])
    _edit(_path(tmp_path, cut.blob_id), lambda data: data[:-1])
    _edit(_path(tmp_path, swapped.blob_id), lambda _: _path(tmp_path, other.blob_id).read_bytes())
    _path(tmp_path, missing.blob_id).unlink()

    outcomes = {ref.blob_id: vault.check(ref).outcome for ref in (flipped, cut, swapped, missing, other)}

    assert outcomes == {
        flipped.blob_id: ScrubOutcome.DAMAGED,
        cut.blob_id: ScrubOutcome.DAMAGED,
        swapped.blob_id: ScrubOutcome.DAMAGED,
        missing.blob_id: ScrubOutcome.MISSING,
        other.blob_id: ScrubOutcome.OK,
    }
    for ref in (flipped, cut, swapped):
        with pytest.raises(ContainerError):
            vault.open(ref, verify_first=True)


def _edit(path: Path, change) -> None:  # type: ignore[no-untyped-def]
    path.write_bytes(change(path.read_bytes()))


def test_nothing_of_a_damaged_blob_comes_out_of_an_export(vault: Vault, tmp_path: Path) -> None:
    """Checked first, a blob damaged at its end gives no piece at all; unchecked, only whole pieces before."""
    ref = _kept(vault, bytes(3 * CHUNK_SIZE))
    _edit(_path(tmp_path, ref.blob_id), lambda data: data[:-1] + bytes((data[-1] ^ 1,)))

    with pytest.raises(DamagedContainer):
        vault.open(ref, verify_first=True)
    pieces = vault.open(ref)
    assert [len(next(pieces)), len(next(pieces))] == [CHUNK_SIZE, CHUNK_SIZE]
    with pytest.raises(DamagedContainer):
        next(pieces)


def test_row_and_blob_must_agree(vault: Vault) -> None:
    """A whole blob whose row names another digest, size or binding is not the right one."""
    ref = _kept(vault, PLAIN, context=b"system 7")

    assert vault.check(replace(ref, sm3="0" * 64)).outcome is ScrubOutcome.WRONG_DIGEST
    assert vault.check(replace(ref, size=1)).outcome is ScrubOutcome.WRONG_DIGEST
    assert vault.check(replace(ref, context=b"system 8")).outcome is ScrubOutcome.DAMAGED
    with pytest.raises(WrongDigest):
        vault.open(replace(ref, sm3="0" * 64), verify_first=True)


def test_without_its_key_a_blob_was_not_looked_at(vault: Vault, store: FolderStore, tmp_path: Path) -> None:
    """Another installation's keys give "unreadable", which is neither good nor bad."""
    ref = _kept(vault, PLAIN)
    other = FileKeyProvider.create(tmp_path / "keys", signers=[])

    result = Vault(store, other, free_floor=0).check(ref)

    assert result.outcome is ScrubOutcome.UNREADABLE
    assert result.detail


def test_opened_blobs_close_their_file(vault: Vault) -> None:
    """At the end, on an error and when the reader goes away, the file is closed."""
    ref = _kept(vault, PLAIN)
    before = len(os.listdir("/proc/self/fd"))

    assert b"".join(vault.open(ref)) == PLAIN
    half = vault.open(ref)
    next(half)
    half.close()
    with vault.open(ref) as pieces:
        next(pieces)
    with pytest.raises(DamagedContainer):
        vault.open(replace(ref, context=b"x", header=bytes(replace_header(ref))))

    assert len(os.listdir("/proc/self/fd")) == before


def replace_header(ref: BlobRef) -> bytes:
    assert ref.header is not None
    return ref.header[:-1] + bytes((ref.header[-1] ^ 1,))


def test_scrub_answers_for_each_row_at_the_rate_allowed(vault: Vault) -> None:
    """Rows are answered in order, and the sleeps add up to the time that the rate asks for."""
    refs = [_kept(vault, bytes(300_000)), _kept(vault, bytes(100_000))]
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    results = list(vault.scrub(refs, bytes_per_s=100_000, clock=lambda: now[0], sleep=sleep))

    assert [(result.blob_id, result.outcome) for result in results] == [
        (ref.blob_id, ScrubOutcome.OK) for ref in refs
    ]
    read = sum(
        300_000 + HEADER_SIZE + 5 * 16 if ref.size == 300_000 else 100_000 + HEADER_SIZE + 2 * 16
        for ref in refs
    )
    assert sum(slept) == pytest.approx(read / 100_000)
    assert list(vault.scrub(refs, bytes_per_s=None, clock=_never, sleep=_never)) == results


def _never(*args: float) -> float:
    raise AssertionError("asked for time")


def test_shredded_blobs_are_gone_for_good(vault: Vault, tmp_path: Path) -> None:
    """The wrapped key is overwritten before the file goes; a second call does nothing."""
    ref = _kept(vault, PLAIN)
    path = _path(tmp_path, ref.blob_id)
    link = tmp_path / "kept-by-somebody"
    link.hardlink_to(path)

    vault.shred(ref.blob_id)
    vault.shred(ref.blob_id)

    assert not path.exists()
    assert link.read_bytes()[:HEADER_SIZE] == bytes(HEADER_SIZE)
    assert vault.check(ref).outcome is ScrubOutcome.MISSING


def test_rotation_by_header(store: FolderStore, tmp_path: Path) -> None:
    """A blob opens before, between and after the two writes of a rotation, and then without the old key."""
    own = FileKeyProvider.create(tmp_path / "keys", signers=[])
    vault = Vault(store, own, free_floor=0)
    ref = _kept(vault, PLAIN)
    in_file = replace(ref, header=None)
    old = own.current_kid
    assert vault.rewrap(ref) is None
    own.rotate_main_key()

    header = vault.rewrap(ref)
    assert header is not None
    in_row = replace(ref, header=header)
    between = [b"".join(vault.open(item)) for item in (ref, in_row, in_file)]
    vault.write_header(ref.blob_id, header)
    own.destroy_main_key(old)

    assert between == [PLAIN] * 3
    assert b"".join(vault.open(in_row)) == PLAIN
    assert b"".join(vault.open(in_file)) == PLAIN
    assert vault.rewrap(in_file) is None
    assert vault.check(ref).outcome is ScrubOutcome.UNREADABLE
