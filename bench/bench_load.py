"""Measures the running server under people: seed M on PostgreSQL with 1, 5 and 20, seed S on SQLite with 10.

Run from the checkout: ``make bench BENCH=load`` (about six minutes). ``secops bench load`` does the walking: five
seconds between two pages of one person; then a round without pauses, whose throughput is reported without a limit.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from secops.clock import utc_now
from secops.config import Settings
from secops.installation import initialise
from secops.seed.district import SIZES, seed
from secops.seed.load import Load, run
from tests.support.platform_rig import Rig
from tests.support.postgres import running_postgres
from tests.support.services import free_port

SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))


class _Rig(Rig):
    def environment(self) -> dict[str, str]:
        return super().environment() | {"SECOPS_DATABASE_URL": self.settings.database_url}


def _round(rig: Rig, users: int, think: float) -> int:
    found: Load = run(rig.platform, users=users, seconds=SECONDS, think=think)
    missed = 0
    print(f"-- {users} people, {think:g} s between pages: {len(found.answers)} answers, "
          f"{len(found.answers) / found.seconds:.1f} a second, {len(found.failed)} failed")  # fmt: skip
    for row in found.rows():
        held = "" if not think else "ok" if row["held"] else "MISSED"
        missed += bool(think) and not row["held"]
        print(
            f"{row['page']:<44} {row['number']:>5} {row['p50']:>6} {row['p95']:>6} {row['worst']:>7} ms   {held}"
        )
    return missed + len(found.failed)


def _measure(size: str, database_url: str, folder: Path, rounds: tuple[tuple[int, float], ...]) -> int:
    settings = replace(
        Settings(home=folder / "home", port=free_port(), web_workers=2, free_space_floor_mb=1),
        database_url=database_url,
    ).resolved()
    first = initialise(settings, now=utc_now())
    seed(first.platform.engine, SIZES[size])
    if database_url:
        with first.platform.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    first.platform.engine.dispose()
    rig = _Rig(settings, folder / "rig")
    rig.start()
    try:
        print(f"== seed {size}, {'PostgreSQL' if database_url else 'SQLite'}, 2 web processes")
        print(f"{'page':<44} {'n':>5} {'p50':>6} {'p95':>6} {'worst':>7}")
        missed = sum(_round(rig, users, think) for users, think in rounds)
    finally:
        rig.close()
    locked = "database is locked" in "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in (settings.home / "logs").glob("*.log")
    )
    if locked:
        print("the logs say: database is locked")
    return missed + locked


def main() -> int:
    """Print the tables; the exit code says whether a limit was missed or a page failed."""
    with tempfile.TemporaryDirectory() as folder:
        missed = _measure("S", "", Path(folder) / "s", ((10, 5.0),))
        with running_postgres() as server:
            url = server.url(server.create_database())
            missed += _measure("M", url, Path(folder) / "m", ((1, 5.0), (5, 5.0), (20, 5.0), (20, 0.0)))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
