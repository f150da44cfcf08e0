"""The example in the page for authors is a real rule."""

from __future__ import annotations

import re
from pathlib import Path

from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import KINDS, parse_rule
from scanners.baseline.model import FactKind
from scanners.baseline.platforms import platforms

ROOT = Path(__file__).parents[4]


def test_the_example_rule_is_true() -> None:
    """Whoever copies it starts from something that works."""
    text = (ROOT / "docs" / "adding-a-rule.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found is not None

    rule = parse_rule(found[1], "linux/example-max-age.yaml", "linux")

    for sample in rule.samples:
        facts = platforms()["linux"].facts_from_sample(sample.sections)
        assert evaluate([rule], facts)[0].outcome is sample.outcome, sample.name


def test_every_kind_is_described() -> None:
    """The table of kinds is complete."""
    text = (ROOT / "policies" / "README.md").read_text(encoding="utf-8")

    assert {kind for kind in KINDS if f"`{kind}`" not in text} == set()
    assert len(FactKind) == 5
