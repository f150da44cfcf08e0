"""The folder store."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from secops.evidence.store import (
    BlobMissing,
    FolderStore,
    InvalidBlobId,
    NotEnoughSpace,
    StoreUnsafe,
    UploadTooLarge,
)
from secops.evidence.vault import WrongDigest


def _staged(store: FolderStore, content: bytes) -> str:
    blob_id = store.new_id()
    with store.stage(blob_id) as file:
        file.write(content)
        file.finish()
    return blob_id


def test_published_blobs_lie_two_levels_deep(store: FolderStore, tmp_path: Path) -> None:
    """Folders 0700, files 0600, the name generated, the place told by its first digits."""
    blob_id = _staged(store, b"sealed")

    store.publish(blob_id)

    path = tmp_path / "vault" / "objects" / blob_id[:2] / blob_id[2:4] / blob_id
    assert path.read_bytes() == b"sealed"
    assert path.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (path.parent, path.parent.parent)} == {0o700}
    assert list(store.published()) == [(blob_id, 6)]
    assert list(store.staged()) == []


def test_staged_blobs_are_not_published(store: FolderStore) -> None:
    """What is on its way cannot be opened and is listed apart."""
    blob_id = _staged(store, b"half")

    assert list(store.staged()) == [blob_id]
    assert store.is_staged(blob_id)
    assert store.size(blob_id) is None
    with pytest.raises(BlobMissing):
        store.open(blob_id)
    store.discard(blob_id)
    store.discard(blob_id)
    assert list(store.staged()) == []


def test_publishing_may_be_repeated(store: FolderStore) -> None:
    """A second call changes nothing; a blob that never was is missing."""
    blob_id = _staged(store, b"sealed")
    store.publish(blob_id)

    store.publish(blob_id)

    with store.open(blob_id) as stream:
        assert stream.read() == b"sealed"
    with pytest.raises(BlobMissing):
        store.publish(store.new_id())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "A" * 32,
        "a" * 31,
        "a" * 33,
        "a" * 31 + "\n",
        "a" * 31 + "/",
        "é" * 32,
        "a" * 32 + "\0",
    ],
)
def test_names_from_outside_never_become_paths(store: FolderStore, name: str) -> None:
    """Only ids of the form the store makes are looked up."""
    for action in (
        store.open,
        store.size,
        store.remove,
        store.publish,
        store.discard,
        store.stage,
        store.is_held,
        store.is_staged,
        store.quarantine,
    ):
        with pytest.raises(InvalidBlobId):
            action(name)
    with pytest.raises(InvalidBlobId):
        store.overwrite_start(name, b"")


def test_writers_are_told_by_their_lock(store: FolderStore) -> None:
    """A blob is held while it is open, staged or published, and not after."""
    blob_id = store.new_id()
    file = store.stage(blob_id)
    file.write(b"sealed")

    assert store.is_held(blob_id)
    store.publish(blob_id)
    assert store.is_held(blob_id)
    file.close()
    file.close()
    assert not store.is_held(blob_id)
    assert not store.is_held(store.new_id())


def test_removal_and_quarantine(store: FolderStore, tmp_path: Path) -> None:
    """Removed blobs are gone, set-aside blobs are kept for a person."""
    removed, kept = _staged(store, b"a"), _staged(store, b"b")
    store.publish(removed)
    store.publish(kept)

    store.remove(removed)
    store.remove(removed)
    store.quarantine(kept)

    assert list(store.published()) == []
    assert (tmp_path / "vault" / "quarantine" / kept).read_bytes() == b"b"
    with pytest.raises(BlobMissing):
        store.quarantine(kept)
    with pytest.raises(BlobMissing):
        store.overwrite_start(kept, b"x")


def test_start_is_overwritten_in_place(store: FolderStore) -> None:
    """Only the first bytes change."""
    blob_id = _staged(store, b"old header, body")
    store.publish(blob_id)

    store.overwrite_start(blob_id, b"new")

    with store.open(blob_id) as stream:
        assert stream.read() == b"new header, body"


def test_foreign_names_are_passed_over(store: FolderStore, tmp_path: Path) -> None:
    """A file that somebody left in the folders is not taken for a blob."""
    folder = tmp_path / "vault" / "objects" / "ab" / "cd"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("x")
    (folder.parent / "notes.txt").write_text("x")
    (folder.parent.parent / "notes.txt").write_text("x")
    (folder.parent.parent / "link").symlink_to(folder)
    (tmp_path / "vault" / "staging" / "notes.txt").write_text("x")

    assert list(store.published()) == []
    assert list(store.staged()) == []


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_folders_open_to_others_are_refused(tmp_path: Path, mode: int) -> None:
    """A store that somebody else can enter is not used."""
    root = tmp_path / "vault"
    root.mkdir()
    root.chmod(mode)

    with pytest.raises(StoreUnsafe, match="0700"):
        FolderStore(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folders_of_other_users_are_refused(tmp_path: Path) -> None:
    """A store that belongs to somebody else is not used."""
    root = tmp_path / "vault"
    root.mkdir(mode=0o700)
    os.chown(root, 65534, 65534)

    with pytest.raises(StoreUnsafe, match="another user"):
        FolderStore(root)


def test_space_is_told(store: FolderStore) -> None:
    """Free and total bytes of the disk."""
    space = store.space()

    assert 0 <= space.free <= space.total


def test_errors_say_what_happened_and_survive_pickling() -> None:
    """Each error tells its facts in one line and keeps them on the way through a task queue."""
    errors = [
        (InvalidBlobId("../x"), "'../x' is not a blob id"),
        (BlobMissing("ab"), "blob ab is missing"),
        (StoreUnsafe("/vault", "belongs to another user"), "/vault: belongs to another user"),
        (NotEnoughSpace(5, 10, 3), "not enough space: 5 bytes free, 10 to be kept free, 3 needed"),
        (UploadTooLarge(9), "longer than 9 bytes"),
        (WrongDigest("ab"), "blob ab is not the one its row names"),
    ]

    for error, text in errors:
        copied = pickle.loads(pickle.dumps(error))
        assert (str(copied), copied.args, vars(copied)) == (text, error.args, vars(error))
