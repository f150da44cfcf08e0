"""Measures the workbench: beginning an assessment, opening the grid, one decision, the conclusion.

Run from the checkout: ``make bench BENCH=assessments``. Limits are those of the design: a level-3 system with cloud and
mobile extensions and 50 targets begins within 0.5 s, 211 units × 2,000 targets open within 0.5 s of server time, one
changed verdict is scored within 50 ms. Each figure is the median over several rounds, in a store of its own.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from werkzeug.serving import make_server

from secops.accounts.models import Role
from secops.assessments.deciding import Decision, decide, decide_many, get_assessment, load_frame
from secops.assessments.models import Assessment
from secops.assessments.planning import Plan, create
from secops.assessments.result import work_out
from secops.clock import utc_now
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.posture.services import recompute
from tests.support import platforms
from tests.support.builders import Rows

KINDS = (
    "server",
    "server",
    "server",
    "database",
    "application",
    "network-device",
    "security-device",
    "middleware",
    "terminal",
    "mobile-terminal",
)
ROUNDS = 7


def _median(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _system(platform: Platform, count: int, extensions: list[str]) -> int:
    rows = Rows(platform.engine)
    system = rows.one(System, level=3, profile="S3A3G3", extensions=extensions)
    department = 1
    with platform.engine.begin() as connection:
        department = connection.execute(select(System.department_id).where(System.id == system)).scalar_one()
        connection.execute(
            insert(Asset),
            [
                {"system_id": system, "department_id": department, "name": f"对象 {n}", "kind": KINDS[n % len(KINDS)],
                 "importance": "important", "address": "", "is_this_machine": False, "group_name": "", "sampled": True,
                 "note": "", "is_example": True, "version": 1}
                for n in range(count)
            ],
        )  # fmt: skip
    return system


def _begin(platform: Platform, system: int) -> int:
    with platform.work("bench") as session:
        assets = session.scalars(select(Asset.id).where(Asset.system_id == system)).all()
        return create(
            session, session.get_one(System, system), Plan(edition="2025", assets=assets), now=utc_now()
        ).id


def scroll_frames(platform: Platform, assessment: int) -> list[float]:
    """Milliseconds between frames while the large grid is scrolled both ways in Chromium; empty without a browser."""
    program = shutil.which("chromium")
    if program is None:
        return []
    from playwright.sync_api import sync_playwright

    app = platforms.application(platform)
    platforms.add_person(platform, Role.ASSESSOR, username="scroller")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(
                base_url=f"http://127.0.0.1:{server.server_port}", viewport={"width": 1366, "height": 768}
            )
            page.goto("/account/password")
            page.fill("#f-username", "scroller")
            page.fill("#f-password", platforms.PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_load_state("networkidle")
            page.goto(f"/assessments/{assessment}/grid")
            page.wait_for_selector(".wg-cell")
            found: list[float] = page.evaluate(_SCROLL)
            browser.close()
            return found
    finally:
        server.shutdown()
        server.server_close()
        app.extensions["secops"].engine.dispose()


_SCROLL = """() => new Promise((done) => {
  const grid = document.getElementById("work-grid"), times = [];
  let last = performance.now(), step = 0;
  const next = (now) => {
    times.push(now - last); last = now; step += 1;
    grid.scrollTop += step % 2 ? 37 : 0; grid.scrollLeft += step % 2 ? 0 : 420;
    step < 300 ? requestAnimationFrame(next) : done(times.slice(5));
  };
  requestAnimationFrame(next);
})"""


def main() -> int:
    """Print the table; the exit code says whether a limit was missed."""
    figures: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        platforms.make_template(home)
        platform = Platform.open(platforms.settings_for(home))
        small = _system(platform, 50, ["cloud", "mobile"])
        with platform.work("bench") as session:
            recompute(session, session.get_one(System, small), now=utc_now())
        figures.append(
            ("begin: level 3, cloud + mobile, 50 targets", _median(lambda: _begin(platform, small)), 0.5)
        )
        large = _begin(platform, _system(platform, 2000, []))
        with platform.work("bench") as session:
            found = get_assessment(session, large)
            frame = load_frame(session, found)
            cells = list(frame.cells())
            print(f"large: {len(frame.units)} units, {len(frame.targets)} targets, {len(cells)} cells")
            for first in range(0, len(cells), 20_000):
                decide_many(
                    session,
                    found,
                    frame,
                    cells[first : first + 20_000],
                    verdict="compliant",
                    text="核查配置，满足要求",
                    now=utc_now(),
                )
        cell_target = frame.places["L3-CES1-01"][0].id
        app = platforms.application(platform)
        client = platforms.client_factory(lambda _: app, platform)(Role.ASSESSOR)
        base = f"/assessments/{large}"
        for name, path, limit in (
            ("grid page, 211 × 2,000, all decided", "/grid", 0.5),
            ("one window of 100 targets", "/grid/cells?from=0&to=99", 0.15),
            ("what changed (nothing)", "/grid/changes?since=9999", 0.05),
            ("one cell with everything beside it", f"/cells/L3-CES1-01/{cell_target}", 0.15),
            ("conclusion page", "/result", 2.0),
        ):

            def one(path: str = path) -> None:
                assert client.get(base + path).status_code == 200, path

            one()
            figures.append((name, _median(one), limit))
        target = frame.places["L3-CES1-01"][0].id
        version = [1]

        def decision() -> None:
            with platform.work("bench") as session:
                found = session.scalars(select(Assessment).where(Assessment.id == large)).one()
                row = decide(
                    session,
                    found,
                    frame,
                    Decision(
                        "L3-CES1-01",
                        target,
                        version[0],
                        verdict="non_compliant" if version[0] % 2 else "compliant",
                    ),
                    now=utc_now(),
                )
                version[0] = row.version

        figures.append(("one decision, written and audited", _median(decision), 0.05))
        small_one = _begin(platform, small)
        with platform.work("bench") as session:
            found = get_assessment(session, small_one)
            frame = load_frame(session, found)
            decide_many(session, found, frame, frame.cells(), verdict="compliant", text="满足", now=utc_now())
            figures.append(
                (
                    "score after one changed verdict, 50 targets",
                    _median(lambda: work_out(session, found, frame)),
                    0.05,
                )
            )
        frames = scroll_frames(platform, large)
        if frames:
            slow = sorted(frames)[int(len(frames) * 0.95)] / 1000
            print(
                f"scrolling 211 × 2,000: {len(frames)} frames, median {statistics.median(frames):.1f} ms, worst {max(frames):.1f} ms"
            )
            figures.append(("scrolling: 95 of 100 frames", slow, 0.05))
        else:
            print("scrolling: not examined, Chromium is not installed (apt-get install chromium)")
        app.extensions["secops"].engine.dispose()
        platform.engine.dispose()
    missed = 0
    for name, seconds, limit in figures:
        missed += seconds > limit
        print(
            f"{name:<48} {1000 * seconds:8.1f} ms   limit {1000 * limit:6.0f} ms   {'ok' if seconds <= limit else 'MISSED'}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
