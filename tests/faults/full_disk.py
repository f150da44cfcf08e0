"""F7, run inside a mount namespace on a small file system of its own: the disk fills up under a platform.

``full_disk.py HOME``; prints one JSON line with what was seen.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from secops import models  # noqa: F401
from secops.accounts.models import Role
from secops.app import create_app
from secops.audit_log.services import verify_now
from secops.backup.services import backup
from secops.clock import utc_now
from secops.config import Settings
from secops.errors import SecopsError
from secops.evidence.handlers import recover_vault
from secops.evidence.models import BlobState, Evidence, EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, blob_ref, store_bytes
from secops.evidence.vault import ScrubOutcome
from secops.installation import initialise, platform_system
from secops.jobs.services import enqueue
from secops.scope import Principal
from tests.support.platforms import Client, add_person

_SECRET = b"a passphrase of this test"


def main(home: Path) -> dict[str, object]:
    settings = Settings(home=home / "home", free_space_floor_mb=0).resolved()
    platform = initialise(settings, now=utc_now()).platform
    officer = add_person(platform, Role.OFFICER)
    app = create_app(settings)
    browser = Client(app).sign_in(officer)
    with platform.work("test") as session:
        system_id = platform_system(session).id
    who, told = Principal.platform("test"), []

    def keep(name: str, size: int) -> bool:
        new = NewEvidence(system_id, name, name, EvidenceSource.REPORT, EvidenceState.SUBMITTED)
        try:
            store_bytes(platform, who, new, bytes(size))
            return True
        except (SecopsError, SQLAlchemyError) as error:
            told.append(type(error).__name__)
            return False

    assert keep("first", 1 << 20)
    filler = home / "filler"
    with filler.open("wb") as stream:
        try:
            while True:
                stream.write(bytes(1 << 16))
                stream.flush()
        except OSError:
            pass
    refused = sum(not keep(f"full-{size}", size) for size in (1 << 20, 1 << 16))
    answer = browser.post(
        "/evidence/upload",
        {"system": str(system_id), "title": "voll", "note": "", "file": (io.BytesIO(bytes(300_000)), "a.txt")},
        content_type="multipart/form-data",
    )  # fmt: skip
    upload_status, upload_text = answer.status_code, "空间不足" in answer.text
    commits = 0
    try:
        for number in range(400):
            with platform.work("test") as session:
                enqueue(
                    session, kind="posture", department_id=1, system_id=system_id, payload={"number": number, "fill": "x" * 20_000},
                    actor="test", now=utc_now(),
                )  # fmt: skip
            commits += 1
    except SQLAlchemyError as error:
        told.append(f"commit:{type(error).__name__}")
    try:
        backup(platform, home / "backup", _SECRET, now=utc_now())
        backup_said = "written"
    except SecopsError as error:
        backup_said = type(error).__name__
    left = sorted(path.name for path in (home / "backup").iterdir()) if (home / "backup").exists() else []
    reads = browser.get("/schedules/").status_code

    filler.unlink()
    after = keep("after", 1 << 20)
    with platform.work("test") as session:
        enqueue(
            session,
            kind="posture",
            department_id=1,
            system_id=system_id,
            payload={},
            actor="test",
            now=utc_now(),
        )
    written = backup(platform, home / "backup", _SECRET, now=utc_now()).blobs
    recover_vault(platform)
    with platform.work("test") as session:
        rows = session.scalars(select(Evidence)).all()
        chain = verify_now(session).ok
        pending = session.scalar(
            select(func.count(Evidence.id)).where(Evidence.blob_state == BlobState.PENDING)
        )
    ok = [row for row in rows if row.blob_state is BlobState.OK]
    whole = [row for row in ok if platform.vault.check(blob_ref(row)).outcome is ScrubOutcome.OK]
    blobs = [path for path in (settings.home / "vault").rglob("*") if path.is_file() and len(path.name) == 32]
    return {
        "refused": refused, "upload_status": upload_status, "upload_text": upload_text, "commits": commits, "backup": backup_said, "left": left,
        "reads": reads, "after": after, "written": written, "chain": chain, "pending": pending,
        "rows_without_file": len(ok) - len(whole), "files_without_row": len(blobs) - len(ok), "kept": len(ok),
        "told": sorted(set(told)),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
