"""Recovery: each state that a crash can leave is taken to its end."""

from __future__ import annotations

import errno
import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from hypothesis import given
from hypothesis import strategies as st

from secops.evidence.recovery import ActionKind, RowListing, Step, plan_recovery
from secops.evidence.store import BlobRef, FolderStore
from secops.evidence.vault import ScrubOutcome, Staged, Vault
from smcrypto.container import sealed_size_of
from smcrypto.keys import FileKeyProvider

PLAIN = b"evidence" * 1000


def _let_go(staged: Staged) -> BlobRef:
    """Drop the lock and leave the blob where it is, as a killed process does."""
    staged._file.close()
    return staged.ref


def _staged(vault: Vault) -> BlobRef:
    return _let_go(vault.stage(io.BytesIO(PLAIN)))


def _published(vault: Vault) -> BlobRef:
    staged = vault.stage(io.BytesIO(PLAIN))
    vault.publish(staged)
    return _let_go(staged)


def _recovered(vault: Vault, **rows: tuple[object, ...]) -> dict[str, ActionKind]:
    actions = vault.recover(lambda: RowListing(**rows))  # type: ignore[arg-type]
    return {action.blob_id: action.kind for action in actions}


def test_nothing_to_do(vault: Vault) -> None:
    """Whole rows with whole blobs give no action."""
    assert _recovered(vault, ok=(_published(vault), _published(vault))) == {}


def test_killed_before_the_row(vault: Vault, store: FolderStore) -> None:
    """A staged blob that no row announces is removed."""
    ref = _staged(vault)

    assert _recovered(vault) == {ref.blob_id: ActionKind.STAGED_REMOVED}
    assert list(store.staged()) == []


def test_killed_between_row_and_rename(vault: Vault, store: FolderStore) -> None:
    """A staged blob that a pending row announces is published and may be promoted."""
    ref = _staged(vault)

    assert _recovered(vault, pending=(ref,)) == {ref.blob_id: ActionKind.PROMOTED}
    assert b"".join(vault.open(ref)) == PLAIN


def test_killed_between_rename_and_last_commit(vault: Vault) -> None:
    """A published blob with a pending row may be promoted, now and when asked again."""
    ref = _published(vault)

    assert _recovered(vault, pending=(ref,)) == {ref.blob_id: ActionKind.PROMOTED}
    assert _recovered(vault, pending=(ref,)) == {ref.blob_id: ActionKind.PROMOTED}
    assert _recovered(vault, ok=(ref,)) == {}


def test_pending_row_without_bytes(vault: Vault) -> None:
    """A pending row whose blob is nowhere is abandoned."""
    ref = replace(_staged(vault), blob_id="0" * 32)

    assert _recovered(vault, pending=(ref,))[ref.blob_id] is ActionKind.ABANDONED


def test_pending_row_with_damaged_bytes(vault: Vault, tmp_path: Path) -> None:
    """A pending row is promoted only when its blob is whole and the right one."""
    cut, wrong = _staged(vault), replace(_staged(vault), sm3="0" * 64)
    path = tmp_path / "vault" / "staging" / cut.blob_id
    path.write_bytes(path.read_bytes()[:-1])

    assert _recovered(vault, pending=(cut, wrong)) == {
        cut.blob_id: ActionKind.DAMAGED,
        wrong.blob_id: ActionKind.DAMAGED,
    }


def test_ok_row_without_bytes(vault: Vault, store: FolderStore) -> None:
    """An acknowledged blob that is gone is reported, not forgotten."""
    ref = _published(vault)
    store.remove(ref.blob_id)

    assert _recovered(vault, ok=(ref,)) == {ref.blob_id: ActionKind.MISSING}


def test_ok_row_whose_rename_was_lost(vault: Vault) -> None:
    """An acknowledged blob that is still staged, because the disk lied, is published."""
    ref = _staged(vault)

    assert _recovered(vault, ok=(ref,)) == {}
    assert b"".join(vault.open(ref)) == PLAIN


def test_ok_row_with_short_bytes(vault: Vault, tmp_path: Path) -> None:
    """A blob of another length than its row says is reported without reading it."""
    ref = _published(vault)
    path = next((tmp_path / "vault" / "objects").rglob(ref.blob_id))
    path.write_bytes(path.read_bytes()[:-1])

    assert _recovered(vault, ok=(ref,)) == {ref.blob_id: ActionKind.DAMAGED}


def test_bytes_without_a_row_are_set_aside(vault: Vault, store: FolderStore, tmp_path: Path) -> None:
    """A published blob that no row knows is kept for a person: the database may be an older backup."""
    ref = _published(vault)

    assert _recovered(vault) == {ref.blob_id: ActionKind.QUARANTINED}
    assert list(store.published()) == []
    assert (tmp_path / "vault" / "quarantine" / ref.blob_id).stat().st_size == sealed_size_of(len(PLAIN))


def test_deletion_that_was_cut_off_is_finished(vault: Vault, store: FolderStore) -> None:
    """A blob whose row is deleted is shredded, not set aside."""
    ref = _published(vault)

    assert _recovered(vault, deleted=(ref.blob_id,)) == {ref.blob_id: ActionKind.SHREDDED}
    assert list(store.published()) == []
    assert _recovered(vault, deleted=(ref.blob_id,)) == {}


def test_living_writers_are_left_alone(vault: Vault, store: FolderStore) -> None:
    """Recovery beside running uploads touches neither their blobs nor their rows, in whatever phase."""
    before_row, before_rename, before_last_commit = (vault.stage(io.BytesIO(PLAIN)) for _ in range(3))
    vault.publish(before_last_commit)

    found = _recovered(vault, pending=(before_rename.ref, before_last_commit.ref))

    assert set(found.values()) == {ActionKind.LIVE}
    vault.publish(before_row)
    vault.publish(before_rename)
    assert len(list(store.published())) == 3
    for staged in (before_row, before_rename, before_last_commit):
        staged.close()


def test_blobs_are_listed_before_rows(vault: Vault, store: FolderStore) -> None:
    """An upload that finishes while recovery begins is not taken for bytes without a row, nor for a missing blob."""
    finished: list[BlobRef] = []

    def rows() -> RowListing:
        finished.append(_published(vault))
        return RowListing(ok=tuple(finished))

    assert vault.recover(rows) == ()
    assert len(list(store.published())) == 1


def test_rows_that_vanish_meanwhile_do_no_harm(vault: Vault, store: FolderStore) -> None:
    """A blob that is removed, or a size that is mended, between listing and step is no longer found wrong."""
    stranger, short = _published(vault), _published(vault)
    wrong_size = replace(short, size=short.size + 1)

    def rows() -> RowListing:
        store.remove(stranger.blob_id)
        return RowListing(ok=(wrong_size,))

    actions = vault.recover(rows)

    assert [(action.kind, action.blob_id) for action in actions] == [(ActionKind.DAMAGED, short.blob_id)]
    assert "bytes" in actions[0].detail


def test_pending_row_whose_key_is_missing_stays(vault: Vault, store: FolderStore, tmp_path: Path) -> None:
    """What cannot be looked at is neither promoted nor abandoned."""
    ref = _published(vault)
    other = Vault(store, FileKeyProvider.create(tmp_path / "keys", signers=[]), free_floor=0)

    assert _recovered(other, pending=(ref,)) == {ref.blob_id: ActionKind.UNREADABLE}
    assert _recovered(vault, pending=(ref,)) == {ref.blob_id: ActionKind.PROMOTED}


def test_one_bad_sector_does_not_stop_the_pass(keys: FileKeyProvider, tmp_path: Path) -> None:
    """A blob whose disk fails is reported; the others are taken to their end."""

    class BadSector(FolderStore):
        bad = ""

        def open(self, blob_id: str) -> BinaryIO:
            if blob_id == self.bad:
                raise OSError(errno.EIO, "Input/output error")
            return super().open(blob_id)

        def discard(self, blob_id: str) -> None:
            if blob_id == self.bad_staged:
                raise OSError(errno.EIO, "Input/output error")
            super().discard(blob_id)

        bad_staged = ""

    store = BadSector(tmp_path / "vault")
    vault = Vault(store, keys, free_floor=0)
    first, second, staged = _published(vault), _published(vault), _staged(vault)
    store.bad, store.bad_staged = first.blob_id, staged.blob_id

    assert _recovered(vault, pending=(first, second)) == {
        first.blob_id: ActionKind.UNREADABLE,
        second.blob_id: ActionKind.PROMOTED,
        staged.blob_id: ActionKind.UNREADABLE,
    }
    assert vault.check(first).outcome is ScrubOutcome.UNREADABLE


_IDS = st.sets(st.integers(0, 12), max_size=8)


@given(_IDS, _IDS, _IDS, _IDS, _IDS)
def test_plan_leaves_nothing_out(
    pending: set[int], ok: set[int], deleted: set[int], published: set[int], staged: set[int]
) -> None:
    """Every id that is not whole on both sides gets one step, no id gets two, and no blob of a row is removed."""
    ok -= pending

    def name(number: int) -> str:
        return f"{number:032x}"

    def ref(number: int) -> BlobRef:
        return BlobRef(name(number), 10, "0" * 64)

    rows = RowListing(
        tuple(map(ref, sorted(pending))), tuple(map(ref, sorted(ok))), tuple(map(name, sorted(deleted)))
    )
    steps = plan_recovery(
        rows, {name(number): sealed_size_of(10) for number in published}, frozenset(map(name, staged))
    )

    by_step: dict[Step, set[str]] = {step: set() for step in Step}
    for planned in steps:
        by_step[planned.step].add(planned.blob_id)
    known = {name(number) for number in pending | ok}
    gone = {name(number) for number in deleted} - known
    on_disk = {name(number) for number in published}
    assert by_step[Step.FINISH] == {name(number) for number in pending}
    assert by_step[Step.CHECK_MISSING] == {name(number) for number in ok - published}
    assert by_step[Step.SHRED] == gone & on_disk
    assert by_step[Step.SET_ASIDE] == on_disk - known - gone
    assert by_step[Step.REMOVE_STAGED] == {name(number) for number in staged} - known
    assert by_step[Step.CHECK_SIZE] == set()
