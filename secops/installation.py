"""Sets an installation up: folders, keys, tables, the first rows. Can be run again; adds only what is missing."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.audit_log.services import record, start_log
from secops.config import Settings
from secops.errors import NotReady, os_reason
from secops.objects.models import Department, Hosting, System, SystemState
from secops.platform import Platform
from secops.store import expected_revision, migrate

FOLDERS = ("keys", "vault", "run", "logs", "reports", "tmp")
ROOT_CODE = "ROOT"
PLATFORM_CODE = "SECOPS"


@dataclass
class Done:
    """What :func:`initialise` did; one word per step that changed something."""

    platform: Platform
    steps: list[str] = field(default_factory=list)


def require_writable(settings: Settings) -> None:
    """Raise :class:`NotReady` with the next step when the home can't be written."""
    home = settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason_zh, reason = os_reason(error)
        raise NotReady(
            f"无法写入目录 {home}（{reason_zh}）。请改用可写目录再运行同一命令，例如：export SECOPS_HOME=$HOME/secops-home",
            f"Cannot write to {home} ({reason}). Use a folder of yours and run it again: export SECOPS_HOME=$HOME/secops-home",
        ) from error


def initialise(settings: Settings, *, now: datetime) -> Done:
    """Make or complete the installation in ``settings.home``.

    Raises:
        NotReady: the home is not writable.
    """
    require_writable(settings)
    for name in FOLDERS:
        settings.folder(name)
    done = Done(Platform.open(settings))
    _migrate(done)
    _keys(done)
    with done.platform.work("init") as session:
        start_log(session)
        _first_rows(session, now, done)
    return done


def _migrate(done: Done) -> None:
    from secops.store import current_revision

    before = current_revision(done.platform.engine)
    if before != expected_revision():
        migrate(done.platform.engine)
        done.steps.append(f"store {before or 'empty'} → {expected_revision()}")


def _keys(done: Done) -> None:
    from smcrypto.errors import KeyExists
    from smcrypto.keys import FileKeyProvider

    with suppress(KeyExists):
        FileKeyProvider.create(done.platform.settings.home / "keys")
        done.steps.append("keys")


def _first_rows(session: Session, now: datetime, done: Done) -> None:
    root = session.scalar(select(Department).where(Department.code == ROOT_CODE))
    if root is None:
        root = Department(code=ROOT_CODE, name="全区", path="/", leader="")
        session.add(root)
        session.flush()
        root.path = f"/{root.id}/"
        record(session, "department.create", root, now=now)
        done.steps.append("root department")
    if session.scalar(select(System).where(System.code == PLATFORM_CODE)) is None:
        # The platform is a graded object in its own inventory; its housekeeping jobs belong to it.
        platform = System(
            code=PLATFORM_CODE,
            name="安全合规管理平台（本平台）",
            department_id=root.id,
            kind="platform",
            business="管理全区网络安全等级保护工作，汇集各系统的问题与证据。",
            hosting=Hosting.OWN_ROOM,
            state=SystemState.RUNNING,
            is_platform=True,
            created_at=now,
        )
        session.add(platform)
        record(session, "system.create", platform, now=now, object_id=PLATFORM_CODE)
        done.steps.append("platform system")


def root_department(session: Session) -> Department:
    return session.scalars(select(Department).where(Department.code == ROOT_CODE)).one()


def platform_system(session: Session) -> System:
    return session.scalars(select(System).where(System.code == PLATFORM_CODE)).one()
