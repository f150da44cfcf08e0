"""Evidence from a watched folder: each file of a system's own subfolder is taken in as if it were uploaded.

A file leaves the folder in any case: to ``done``, or to ``refused`` with a text beside it that says why. What
can't be kept just now (no room, no keys) stays where it is and the job says so.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select

from secops.accounts.services import acting_for
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, NotReady, Refused, os_reason
from secops.evidence.models import BlobState, Evidence, EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, store
from secops.jobs.runner import JobContext
from secops.objects.models import System
from secops.scope import Principal
from smcrypto.sm3 import hexdigest

# A file that was written to within this time may still be growing.
SETTLED_S = 10.0
DONE, REFUSED = "done", "refused"
_CODE = re.compile(r"[\w.-]{1,32}")
_AT_ONCE = 1000


def folder_of(root: str, code: str) -> Path:
    """The subfolder of one system.

    Raises:
        Refused: the setting is missing, or the code can't name a folder.
    """
    if not root:
        raise Refused("请设置 SECOPS_IMPORT_FOLDER。", "Set SECOPS_IMPORT_FOLDER.")
    if not _CODE.fullmatch(code) or code.startswith("."):
        raise Refused(
            f"系统编码 {code} 不能用作目录名。", f"The code {code} of the system can't name a folder."
        )
    return Path(root) / code


def run(context: JobContext) -> dict[str, Any]:
    """Job kind ``folder-import``, in the name of the job's actor."""
    with context.platform.work("folder-import") as session:
        who = acting_for(session, context.claim.actor, utc_now())
        code = session.get_one(System, context.claim.system_id).code
    if who is None:
        raise Refused("计划的建立人已停用。", "The owner of the schedule is disabled.")
    folder = folder_of(context.platform.settings.import_folder, code)
    counts = {DONE: 0, REFUSED: 0, "waiting": 0}
    try:
        for name in (DONE, REFUSED):
            (folder / name).mkdir(mode=0o750, parents=True, exist_ok=True)
        for path in _files(folder):
            context.progress(0.0, path.name)
            counts[_take(context, who, path)] += 1
    except OSError as error:
        zh, en = os_reason(error)
        raise NotReady(
            f"无法使用导入目录 {folder}：{zh}。", f"Can't use the folder {folder}: {en}."
        ) from error
    return counts


def _files(folder: Path) -> Iterator[Path]:
    names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    for name in names[:_AT_ONCE]:
        if name not in (DONE, REFUSED):
            yield folder / name


def _open(path: Path) -> BinaryIO | None:
    """The file itself; None for a folder, a link or a device, which never become evidence."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return None
    found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    return os.fdopen(found, "rb")


def _take(context: JobContext, who: Principal, path: Path) -> str:
    stream = _open(path)
    if stream is None:
        return _refuse(context, path, "不是普通文件。", "It is not a plain file.")
    with stream:
        about = os.fstat(stream.fileno())
        if abs(utc_now().timestamp() - about.st_mtime) < SETTLED_S:
            return "waiting"
        # The same file after a crash between keeping and moving it is known by this mark.
        mark = f"folder:{hexdigest(f'{path}|{about.st_size}|{about.st_mtime_ns}'.encode())}"
        if not _is_kept(context, mark):
            new = NewEvidence(
                system_id=context.claim.system_id,
                title=path.stem[:200] or path.name[:200],
                file_name=path.name,
                source=EvidenceSource.UPLOAD,
                state=EvidenceState.SUBMITTED,
                origin_key=mark,
            )
            try:
                store(context.platform, who, new, stream)
            except BadInput as error:
                return _refuse(context, path, error.zh, error.en)
            except NotFound:
                raise Refused(
                    "计划的建立人已没有这个系统的权限。", "The owner holds no grant for this system any more."
                ) from None
    _move(path, path.parent / DONE)
    return DONE


def _is_kept(context: JobContext, mark: str) -> bool:
    with context.platform.work("folder-import") as session:
        state = session.scalar(select(Evidence.blob_state).where(Evidence.origin_key == mark))
    return state is BlobState.OK


def _refuse(context: JobContext, path: Path, zh: str, en: str) -> str:
    kept = _move(path, path.parent / REFUSED)
    kept.with_name(kept.name + ".reason.txt").write_text(f"{zh}\n{en}\n", encoding="utf-8")
    with context.transaction() as session:
        record(
            session, "evidence.folder-refused", now=utc_now(), object_type="System",
            object_id=str(context.claim.system_id), result="refused", reason=f"{zh} / {en}"[:400],
            detail={"file_name": path.name[:255]},
        )  # fmt: skip
    return REFUSED


def _move(path: Path, folder: Path) -> Path:
    """Move it without writing over one that lies there already."""
    target = folder / path.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    os.replace(path, target)
    return target
