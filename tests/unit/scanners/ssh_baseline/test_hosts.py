"""Whole hosts as distributions bring them, with the outcomes that were written down first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules
from scanners.ssh_baseline.facts import facts_from_sample

HOSTS = sorted((Path(__file__).parent / "hosts").glob("*.yaml"))


@pytest.mark.parametrize("file", HOSTS, ids=lambda file: file.stem)
def test_a_usual_host_is_judged_as_expected(file: Path) -> None:
    """Outcomes of many rules on one host agree with what a person said beforehand."""
    host: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    sections = _restore(host["sections"])

    outcomes = {
        one.rule: one.outcome.value for one in evaluate(load_rules("linux"), facts_from_sample(sections))
    }

    assert {rule: outcomes[rule] for rule in host["expected"]} == host["expected"]


def _restore(value: Any) -> Any:
    """Give back the two values that are no texts; the reader here takes everything as text, so "no" stays "no"."""
    if isinstance(value, dict):
        return {key: int(item) if key == "rc" else _restore(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_restore(item) for item in value]
    return None if value in ("null", "~") else value
