"""Every sample of the rules that judge wire probes gives the outcome that it names."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules
from scanners.baseline.model import OutcomeKind, Sample
from scanners.baseline.platforms import platforms
from scanners.baseline.rule import Rule

PLATFORMS = ("network", "sm", "ssh", "tls", "web")
CASES = [(rule, sample) for platform in PLATFORMS for rule in load_rules(platform) for sample in rule.samples]
UNITS = Path(__file__).parents[4] / "controls" / "frameworks" / "gbt-28448-2019" / "units.csv"


@pytest.mark.parametrize(
    ("rule", "sample"), CASES, ids=lambda item: getattr(item, "id", getattr(item, "name", ""))
)
def test_a_sample_gives_its_outcome(rule: Rule, sample: Sample) -> None:
    """The outcome written into the rule is the one that the engine gives."""
    facts = platforms()[rule.platforms[0]].facts_from_sample(sample.sections)
    (outcome,) = evaluate([rule], facts, sample.profile or "level-3", sample.params)

    assert outcome.outcome is sample.outcome, outcome.reason.en


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nobody_looked_is_never_an_answer(platform: str) -> None:
    """Without a result no rule passes, fails or does not apply."""
    facts = platforms()[platform].facts_from_sample({})

    assert {outcome.outcome for outcome in evaluate(load_rules(platform), facts)} == {OutcomeKind.ERROR}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_fact_is_made_and_declared(platform: str) -> None:
    """A sound target gives exactly the facts that are declared."""
    found = platforms()[platform]
    facts = found.facts_from_sample({"result": {}, "offer": {}, "ports": {}})

    assert facts.facts.keys() == found.facts.keys()


def test_steps_exist_in_the_standard() -> None:
    """No rule answers a step beyond those that its unit has."""
    with UNITS.open(encoding="utf-8", newline="") as file:
        steps = {row["unit_id"]: int(row["steps"] or 0) for row in csv.DictReader(file)}
    wrong = [
        f"{rule.id}: {answer.unit} step {answer.step}"
        for platform in PLATFORMS
        for rule in load_rules(platform)
        for answer in rule.answers
        if answer.step > steps.get(answer.unit, 0)
    ]

    assert wrong == []
