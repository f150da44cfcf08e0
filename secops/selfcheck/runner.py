"""Runs every line and counts the verdicts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from secops.platform import Platform
from secops.selfcheck import checks_access, checks_code, checks_data, checks_login, checks_web  # noqa: F401  (they register)
from secops.selfcheck.line import CHECKS, Found, Line, Verdict, lines
from secops.selfcheck.rig import Bench, open_bench

log = logging.getLogger("secops.selfcheck")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one run found, in the order of the list."""

    results: tuple[tuple[Line, Found], ...]

    @property
    def counts(self) -> dict[str, int]:
        return {
            verdict.value: sum(found.verdict is verdict for _, found in self.results) for verdict in Verdict
        }

    def as_json(self) -> dict[str, Any]:
        return {"lines": [found.as_json(line) for line, found in self.results], "counts": self.counts}


def assess(platform: Platform, *, progress: Callable[[float, str], None] | None = None) -> Assessment:
    """Examine the platform line by line."""
    results = []
    total = len(lines())
    with open_bench(platform) as bench:
        for number, line in enumerate(lines()):
            if progress is not None:
                progress(number / total, str(line.id))
            results.append((line, examine(bench, line)))
    return Assessment(tuple(results))


def examine(bench: Bench, line: Line) -> Found:
    """One line: what its check found, or why nothing was found."""
    function = CHECKS.get(line.id)
    if function is None:
        return Found(
            Verdict.NON_COMPLIANT,
            f"第 {line.id} 项还没有自动检查，按不符合计。",
            f"There is no automatic check for line {line.id}, so it counts as non-compliant.",
        )
    try:
        return function(bench)
    except Exception as error:
        # Border: a check that breaks saw nothing; it says so and the next line goes on.
        log.warning("selfcheck.broken", exc_info=error, extra={"fields": {"line": line.id}})
        what = f"{type(error).__name__}: {error}"[:200]
        return Found(Verdict.NOT_EXAMINED, f"检查未能完成（{what}）", f"The check could not finish ({what})")
