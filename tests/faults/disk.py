"""F7: a file system of 64 MB that fills up, in a mount namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.platform_rig import ROOT

_MOUNT = 'mount -t tmpfs -o size=64m,mode=0700 none "$1" && exec "$2" "$3" "$1"'


def can_mount() -> bool:
    """Whether this account may make a mount namespace."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


def full_disk(folder: Path) -> dict[str, Any]:
    """What a platform did while its disk was full, and afterwards."""
    disk = folder / "disk"
    disk.mkdir()
    script = Path(__file__).with_name("full_disk.py")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SECOPS_")}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", _MOUNT, "sh", str(disk), sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=kept | {"PYTHONPATH": str(ROOT)},
    )
    if done.returncode != 0:
        raise AssertionError(done.stderr[-4000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
