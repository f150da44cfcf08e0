"""Snapshot and loading of the two databases; each by its own means, consistent while others write."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.engine import make_url

from secops.errors import NotReady
from secops.evidence.models import BlobState, Evidence
from secops.platform import Platform

TIME_LIMIT_S = 3600


def is_empty(platform: Platform) -> bool:
    """No table at all."""
    if platform.engine.dialect.name == "sqlite":
        path = Path(make_url(platform.settings.database).database or "")
        if not path.exists():
            return True
    return not inspect(platform.engine).get_table_names()


def dump(platform: Platform, file: Path) -> None:
    """Write one consistent snapshot to *file*, which must not exist.

    Raises:
        NotReady: the program that is needed is missing or failed.
    """
    if platform.engine.dialect.name == "sqlite":
        source = make_url(platform.settings.database).database or ""
        with closing(sqlite3.connect(source, timeout=30)) as here, closing(sqlite3.connect(file)) as there:
            here.backup(there)
        file.chmod(0o600)
        return
    _run(platform, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


def load(platform: Platform, file: Path) -> None:
    """Put a snapshot into the empty database.

    Raises:
        NotReady: as above.
    """
    if platform.engine.dialect.name == "sqlite":
        platform.engine.dispose()
        target = make_url(platform.settings.database).database or ""
        with closing(sqlite3.connect(file)) as here, closing(sqlite3.connect(target)) as there:
            here.backup(there)
        os.chmod(target, 0o600)
        return
    name = make_url(platform.settings.database).database or ""
    _run(
        platform,
        "pg_restore",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        f"--dbname={name}",
        str(file),
    )


def blobs_of(platform: Platform, file: Path) -> list[str]:
    """Ids of the blobs that the snapshot counts on.

    SQLite tells from the snapshot itself. PostgreSQL's is packed, so the live table is asked just after: it may name
    newer blobs too, and one that was deleted in between is left out and shows as such.
    """
    if platform.engine.dialect.name == "sqlite":
        query = "SELECT blob_id FROM evidence WHERE blob_state IN ('ok', 'pending') ORDER BY id"
        with closing(sqlite3.connect(file)) as snapshot:
            return [row[0] for row in snapshot.execute(query)]
    with platform.work("backup") as session:
        kept = Evidence.blob_state.in_((BlobState.OK, BlobState.PENDING))
        return list(session.scalars(select(Evidence.blob_id).where(kept).order_by(Evidence.id)))


def _run(platform: Platform, program: str, *arguments: str) -> None:
    path = shutil.which(program) or _of_cluster(program)
    if path is None:
        raise NotReady(
            f"没有找到 {program}，请安装 PostgreSQL 客户端。",
            f"{program} is missing; install PostgreSQL's client.",
        )
    url = make_url(platform.settings.database)
    env = {"LC_ALL": "C", "PATH": os.defpath, "PGDATABASE": url.database or ""}
    host = url.host or url.query.get("host")
    for name, value in (
        ("PGHOST", host), ("PGPORT", url.port or url.query.get("port")), ("PGUSER", url.username),
        ("PGPASSWORD", url.password), ("PGSSLMODE", url.query.get("sslmode")), ("PGSSLROOTCERT", url.query.get("sslrootcert")),
    ):  # fmt: skip
        if value:
            env[name] = str(value)
    try:
        done = subprocess.run(
            [path, *arguments], env=env, capture_output=True, timeout=TIME_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotReady(f"{program} 未能完成：{error}", f"{program} did not finish: {error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-400:]
        raise NotReady(f"{program} 失败：{said}", f"{program} failed: {said}")


def _of_cluster(program: str) -> str | None:
    """Debian keeps the programs beside their version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return str(found[-1]) if found else None
