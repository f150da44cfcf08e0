"""How long the catalogue and its arithmetic take, against the figures they are meant to reach.

Run: ``python -m bench.bench_controls``. Prints one line per figure with its target; exit code 1 when one is
missed. Each figure is the median of several runs in this process, but loading is measured in fresh ones.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from controls.applicability import select
from controls.crosswalk import coverage, find_crosswalk
from controls.loader import load_catalog
from controls.posture import roll_up
from controls.scoring import Edition, ScoreInput, ScoreItem, score_mlps
from controls.sources import write_compiled
from controls.terms import Importance, LevelProfile, Scope, SecurityClass, TargetKind, Verdict

LOAD = """
import sys, time
start = time.perf_counter()
from pathlib import Path
from controls import sources
sources.COMPILED_FILE = None
compiled = Path(sys.argv[1]) if len(sys.argv) > 1 else None
sources.builtin_sources = lambda made=sources.package_sources(compiled): made
import controls.registry
from controls.loader import load_catalog
catalog = load_catalog()
assert not catalog.missing, catalog.missing[:3]
print((time.perf_counter() - start) * 1000)
"""
VERDICTS = (Verdict.COMPLIANT, Verdict.PARTIAL, Verdict.NON_COMPLIANT, Verdict.NA)


def median_ms(work: Callable[[], object], runs: int = 7) -> float:
    """Give the median time of some runs in milliseconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def load_ms(compiled: Path | None, runs: int = 5) -> float:
    """Give the median time to import the package and load everything in a fresh interpreter."""
    arguments = [str(compiled)] if compiled else []
    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", LOAD, *arguments],
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            ).stdout
        )
        for _ in range(runs)
    ]
    return statistics.median(times)


def items(count: int, objects: int, seed: int = 1) -> tuple[ScoreItem, ...]:
    """Make items with random verdicts."""
    chance = random.Random(seed)
    classes, weights = list(SecurityClass), list(Importance)
    return tuple(
        ScoreItem(
            f"8.1.{n // 26}.{n % 26}",
            chance.choice(classes),
            chance.choice(weights),
            tuple(chance.choice(VERDICTS) for _ in range(objects)),
        )
        for n in range(count)
    )


def systems(count: int, seed: int = 1) -> list[tuple[LevelProfile, tuple[Scope, ...], set[TargetKind]]]:
    """Make systems with random profiles, extensions and kinds of targets."""
    chance = random.Random(seed)
    extensions = list(Scope)[1:]
    kinds = list(TargetKind)
    return [
        (
            LevelProfile.parse(f"S{chance.randint(1, 4)}A{chance.randint(1, 4)}"),
            tuple(chance.sample(extensions, chance.randint(0, 2))),
            set(chance.sample(kinds, 8)),
        )
        for _ in range(count)
    ]


def main() -> int:
    """Measure everything and compare."""
    catalog = load_catalog()
    units = catalog.units("gbt-28448-2019", 3, Scope.GENERAL)
    chance = random.Random(1)
    cells = {unit.id: {f"t{n}": chance.choice((*VERDICTS, None)) for n in range(2000)} for unit in units}
    many, wide = ScoreInput(items(10_000, 1)), ScoreInput(items(211, 47))
    wanted = systems(1000)
    figures: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "sources.marshal"
        write_compiled(compiled)
        figures.append(("load everything, compiled", load_ms(compiled), 300))
    figures.append(("load everything from the sources", load_ms(None), 1500))
    for edition in (Edition.MLPS_2019, Edition.MLPS_2021, Edition.MLPS_2025):
        figures.append(
            (
                f"score 10,000 verdicts as items, {edition}",
                median_ms(lambda e=edition: score_mlps(e, many)),
                10,
            )
        )
        figures.append(
            (f"score 211 items x 47 objects, {edition}", median_ms(lambda e=edition: score_mlps(e, wide)), 10)
        )
    figures.append(
        (
            "select for 1,000 systems",
            median_ms(lambda: [select(catalog, profile, chosen) for profile, chosen, _ in wanted]),
            100,
        )
    )
    figures.append(
        (
            "the same with kinds of targets",
            median_ms(
                lambda: [
                    select(catalog, profile, chosen, target_kinds=kinds) for profile, chosen, kinds in wanted
                ]
            ),
            100,
        )
    )
    figures.append(("roll up 211 units x 2,000 targets", median_ms(lambda: roll_up(units, cells), 3), 100))
    crosswalk = find_crosswalk("gbt-39786-2021", "gbt-22239-2019")
    if crosswalk is not None:
        figures.append(("expand a crosswalk", median_ms(lambda: coverage(catalog, crosswalk)), 50))
    missed = 0
    for name, found, target in figures:
        verdict = "ok" if found <= target else "MISSED"
        missed += found > target
        print(f"{name:<45} {found:9.2f} ms   target {target:6.0f} ms   {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
