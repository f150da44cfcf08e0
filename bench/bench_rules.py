"""How long it takes to read a pack and to judge it by the rules of Linux.

    python -m bench.bench_rules [PACK] [--rounds N]

Without a pack this machine is looked at first. Targets: 98 rules in 50 ms or less; a pack in 50 ms or less.
Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scanners.base import Completed, ProbeContext, Target
from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules_from, rules_root
from scanners.local.probe import LocalProbe
from scanners.ssh_baseline.facts import parse_pack


def timed(work: Callable[[], object], rounds: int) -> dict[str, float]:
    """Give median and worst time of *work* in milliseconds."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return {"median_ms": round(statistics.median(times), 2), "max_ms": round(max(times), 2)}


def local_pack() -> bytes:
    """Look at this machine."""
    attempt = LocalProbe().run(Target("127.0.0.1"), ProbeContext(120))
    if not isinstance(attempt, Completed):
        sys.exit(f"the local probe failed: {attempt.reason} {attempt.detail}")
    return attempt.raw


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("pack", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    raw = options.pack.read_bytes() if options.pack else local_pack()
    rules = load_rules_from(rules_root(), "linux")
    facts = parse_pack(raw)
    figures = {
        "pack_bytes": len(raw),
        "facts": len(facts.facts),
        "rules": len(rules),
        "load_rules": timed(lambda: load_rules_from(rules_root(), "linux"), min(options.rounds, 5)),
        "parse_pack": timed(lambda: parse_pack(raw), options.rounds),
        "evaluate": timed(lambda: evaluate(rules, facts), options.rounds),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
