"""Measures how long the largest papers take and how much memory, one fresh process per form.

Run from the checkout: ``.venv/bin/python bench/bench_papers.py``. The target of the design for the largest report is
90 s and 1 GB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

FORMS = {
    "remediation": ("docx", "pdf", "xlsx", "csv", "json", "oscal"),
    "district": ("docx", "pdf", "xlsx"),
    "gap": ("docx", "pdf", "xlsx", "oscal"),
    "evidence_index": ("xlsx", "csv"),
}


def largest(kind: str) -> Any:
    """3,000 findings; 1,000 systems; 500 items with 40 open targets each; 20,000 pieces of evidence."""
    from tests.unit.reports.papers import models

    if kind == "remediation":
        return models.remediation(many=3000)
    if kind == "district":
        return models.district(many=1000)
    if kind == "gap":
        small = models.gap()
        first = small.items[0]
        places = tuple(replace(first.places[0], verdict=None) for _ in range(40))
        items = tuple(
            replace(small.items[n % 100], unit=f"L4-CES1-{n}", places=places if n % 2 else ())
            for n in range(500)
        )
        return replace(small, items=items)
    index = models.evidence_index()
    return replace(index, rows=tuple(replace(index.rows[n % 2], number=f"E-{n:05}") for n in range(20_000)))


def main() -> None:
    """Print one line for each form."""
    if len(sys.argv) == 3:
        from reports.registry import renderer

        kind, form = sys.argv[1:]
        model, started = largest(kind), time.perf_counter()
        size = len(renderer(f"{form}_{kind}").render(model).content) // 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{kind:16} {form:6} {time.perf_counter() - started:6.2f} s {peak:5} MB {size:7} KB")
        return
    for kind, forms in FORMS.items():
        for form in forms:
            subprocess.run([sys.executable, __file__, kind, form], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
