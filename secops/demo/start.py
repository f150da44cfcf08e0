"""Before the main job begins: is the home free, writable, roomy enough, and of this program's version?"""

from __future__ import annotations

import shutil

from secops.clock import utc_now
from secops.config import Settings
from secops.db import make_engine
from secops.errors import NotReady
from secops.installation import initialise, require_writable
from secops.platform import Platform
from secops.store import current_revision, require_current
from secops.supervisor import AlreadyRunning, holder_of

NEEDS_MB = 32
"""Room for the store, evidence, logs and reports of one run."""
_MEGABYTE = 1024 * 1024


def open_platform(settings: Settings) -> tuple[Platform, list[str]]:
    """Create the store where needed and open it.

    Raises:
        AlreadyRunning: the home has a running platform.
        NotReady: the home can't be written, or its disk has too little room.
        StoreVersionError: an older store, which only ``secops init`` migrates.
    """
    holder = holder_of(settings.home)
    if holder is not None:
        raise AlreadyRunning(settings.home, holder)
    require_writable(settings)
    require_space(settings)
    engine = make_engine(settings)
    try:
        if current_revision(engine) is not None:
            require_current(engine)
    finally:
        engine.dispose()
    done = initialise(settings, now=utc_now())
    return done.platform, done.steps


def require_not_full(settings: Settings) -> None:
    """Raise :class:`NotReady` when the disk filled up while the run waits: nothing can move any more."""
    if shutil.disk_usage(settings.home).free < _MEGABYTE:
        raise NotReady(
            f"{settings.home} 所在磁盘已满，任务无法继续；已保存的内容不受影响。请腾出空间后再次运行 secops demo，会从中断处继续。",
            f"The disk of {settings.home} is full, so the job can't go on; what was kept is safe. Free some space and "
            "run secops demo again: it goes on from here.",
        )


def require_space(settings: Settings) -> None:
    """Raise :class:`NotReady` when the run could not keep its evidence: the vault stops at the floor."""
    free, needed = shutil.disk_usage(settings.home).free // _MEGABYTE, settings.free_space_floor_mb + NEEDS_MB
    if free < needed:
        raise NotReady(
            f"{settings.home} 所在磁盘只剩 {free} MB，演示需要 {needed} MB（下限 SECOPS_FREE_SPACE_FLOOR_MB="
            f"{settings.free_space_floor_mb}）。请腾出空间，或把 SECOPS_HOME 设到别的磁盘后重新运行。",
            f"Only {free} MB are free on the disk of {settings.home}; the demo needs {needed} MB (floor "
            f"SECOPS_FREE_SPACE_FLOOR_MB={settings.free_space_floor_mb}). Free some space, or set SECOPS_HOME to "
            "another disk, and run it again.",
        )
