"""Measures how long posture reports take and how much memory, one fresh process per figure.

Run from the checkout: ``.venv/bin/python bench/bench_reports.py [--json]``. The targets are those of the design:
a level-3 system of 50 targets, pdf and xlsx together, within 10 s and 400 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

#: Name, targets, findings, pieces of evidence, scans.
SIZES: dict[str, tuple[int, int, int, int]] = {
    "empty": (0, 0, 0, 0),
    "level 3, 6 targets": (6, 24, 30, 18),
    "level 3, 50 targets": (50, 120, 150, 100),
    "level 3, 30 targets, 300 findings": (30, 300, 400, 200),
    "level 3, 500 targets, 1,000 findings": (500, 1000, 1000, 1000),
}
#: The forms that people open; measured together.
OFFICE = ["docx_posture", "pdf_posture", "xlsx_posture"]
TARGETS = {"level 3, 50 targets": (10.0, 400)}


def measure(name: str, renderers: list[str]) -> dict[str, Any]:
    """Render in this process; seconds for the renderers together, peak memory in MB, sizes in KB."""
    from reports.registry import renderer
    from tests.unit.reports.builders import empty_report, report

    targets, findings, evidence, scans = SIZES[name]
    model = (
        report(target_count=targets, finding_count=findings, evidence_count=evidence, scan_count=scans)
        if targets
        else empty_report()
    )
    started = time.perf_counter()
    sizes = [len(renderer(each).render(model, "zh").content) // 1024 for each in renderers]
    seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": round(seconds, 2), "peak_mb": peak_mb, "kb": sizes}


def in_fresh_process(name: str, renderers: list[str]) -> dict[str, Any]:
    """Measure in a new interpreter, so that no figure profits from another."""
    command = [sys.executable, __file__, "--one", name, "--renderers", ",".join(renderers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print the table, or with ``--json`` the figures."""
    from reports.registry import renderer_ids

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=sorted(SIZES))
    parser.add_argument("--renderers", default="")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.renderers.split(","))))
        return
    every = [each for each in renderer_ids() if each.endswith("_posture")]
    rows = [
        {"size": name, "renderers": chosen, **in_fresh_process(name, chosen)}
        for name in SIZES
        for chosen in [*([each] for each in every), ["pdf_posture", "xlsx_posture"], OFFICE]
    ]
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    print(f"{'size':38} {'renderers':40} {'seconds':>8} {'peak MB':>8} {'KB':>24}  target")
    for row in rows:
        name, chosen = str(row["size"]), "+".join(map(str, row["renderers"]))
        limit = TARGETS.get(name)
        goal = f"<= {limit[0]:.0f} s, <= {limit[1]} MB" if limit and "+" in chosen else ""
        sizes = "+".join(map(str, row["kb"]))
        print(f"{name:38} {chosen:40} {row['seconds']:>8} {row['peak_mb']:>8} {sizes:>24}  {goal}")


if __name__ == "__main__":
    main()
