"""A real disk that fills up: a tmpfs of 6 MiB in a mount namespace of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

_SCRIPT = """
import io, sys
from pathlib import Path
from secops.evidence.store import FolderStore, NotEnoughSpace
from secops.evidence.vault import ScrubOutcome, Vault
from smcrypto.keys import FileKeyProvider

disk = Path(sys.argv[1])
keys = FileKeyProvider.create(disk / "keys", signers=[])
vault = Vault(FolderStore(disk / "vault"), keys, free_floor=0)
refs = []

def keep(size):
    with vault.stage(io.BytesIO(bytes(size))) as staged:
        vault.publish(staged)
        refs.append(staged.ref)

refused = 0
for size in (1 << 20, 3 << 20, 4 << 20, 1 << 20, 2 << 20, 1 << 16):
    try:
        keep(size)
    except NotEnoughSpace as error:
        refused += 1
        assert error.free >= 0
assert refused == 2, refused
assert len(refs) == 4
files = [path for path in (disk / "vault").rglob("*") if path.is_file()]
assert len(files) == 4, files
assert all(vault.check(ref).outcome is ScrubOutcome.OK for ref in refs)
vault.shred(refs.pop(1).blob_id)
keep(2 << 20)
assert all(vault.check(ref).outcome is ScrubOutcome.OK for ref in refs)
guarded = Vault(FolderStore(disk / "vault"), keys)
try:
    guarded.stage(io.BytesIO(bytes(2 << 20)), expected_size=2 << 20)
except NotEnoughSpace as error:
    assert error.floor > 0
else:
    raise AssertionError("floor was not kept")
print("fine")
"""


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.live
@pytest.mark.skipif(not _can_mount(), reason="no right to make a mount namespace")
def test_full_disk_refuses_and_recovers(tmp_path) -> None:
    """A full disk refuses with its own error and leaves nothing; what was kept stays whole; freed space is used again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = 'mount -t tmpfs -o size=6m,mode=0700 none "$1" && exec "$2" -c "$3" "$1"'

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", str(disk), sys.executable, _SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stdout.strip() == "fine", done.stderr
