"""Measures remediation over the seed M (100,000 findings) on a private PostgreSQL: board, inbox, a step for 1,000, counts.

Run from the checkout: ``make bench BENCH=remediation`` (about two minutes, most of it seeding). Limits are those of the
design: p95 within 150 ms for board and inbox, 2 s for one step taken for 1,000 findings with audit and history.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from secops.accounts.models import Role
from secops.app import settle
from secops.clock import utc_now
from secops.findings import bulk
from secops.findings.models import Finding, FindingState
from secops.findings.rollup import differences, rebuild
from secops.platform import Platform
from secops.scope import Principal
from secops.seed.district import SIZES, seed
from tests.support import platforms
from tests.support.postgres import running_postgres

ROUNDS = 40
PAGES = (
    "/inbox/",
    "/findings/board",
    "/findings/board?severity=high",
    "/findings/board?department=5",
    "/findings/board?owner=me",
)


def _told(what: str, found_ms: float, limit_ms: float | None) -> bool:
    missed = limit_ms is not None and found_ms > limit_ms
    words = "" if limit_ms is None else f"   {limit_ms:.0f} ms {'MISSED' if missed else 'ok'}"
    print(f"{what:<52} {found_ms:8.0f} ms{words}")
    return missed


def _pages(client: platforms.Client) -> int:
    missed = 0
    for page in PAGES:
        for _ in range(3):
            assert client.get(page).status_code == 200, page
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            client.get(page)
            times.append(1000 * (time.perf_counter() - started))
        times.sort()
        missed += _told(f"{page} p50", times[len(times) // 2], None)
        missed += _told(f"{page} p95", times[int(len(times) * 0.95)], 150)
    return missed


def _steps(platform: Platform) -> int:
    who = Principal(name="bench", roles=frozenset({"officer"}), everything=True, clearance=99)
    missed = 0
    for name, words in (("assign", {"owner": "bench"}), ("plan", {"owner": "bench", "note": "统一加固"})):
        with platform.work("bench") as session:
            query = (
                select(Finding.id).where(Finding.state == FindingState.OPEN).order_by(Finding.id).limit(1000)
            )
            ids = list(session.scalars(query))
            now = utc_now()
            started = time.perf_counter()
            done = bulk.take(
                session, ids, name, who=who, now=now, due=(now + timedelta(days=30)).date(), **words
            )
            session.commit()
            missed += _told(f"{name} for {len(done.taken)}", 1000 * (time.perf_counter() - started), 2000)
    return missed


def main() -> int:
    """Print the table; the exit code says whether a limit was missed or the kept counts differ."""
    with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        database = server.url(server.create_database())
        platforms.make_template(home, database_url=database)
        platform = Platform.open(platforms.settings_for(home, database_url=database))
        seed(platform.engine, SIZES["M"])
        with platform.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        app = platforms.application(platform)
        settle()
        missed = _pages(platforms.client_factory(lambda _: app, platform)(Role.OFFICER))
        missed += _steps(platform)
        with platform.engine.begin() as connection:
            started = time.perf_counter()
            wrong = differences(connection)
            missed += _told(
                "compare kept counts with 100,000 findings", 1000 * (time.perf_counter() - started), None
            )
            started = time.perf_counter()
            rebuild(connection)
            missed += _told("count anew", 1000 * (time.perf_counter() - started), None)
        print(f"kept counts that differ: {len(wrong)}")
        app.extensions["secops"].engine.dispose()
        platform.engine.dispose()
    return 1 if missed or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
