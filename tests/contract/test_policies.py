"""What every shipped rule and policy promises: schema, samples, units that exist, one spelling of a parameter."""

from __future__ import annotations

import importlib.resources
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from controls.loader import load_catalog
from scanners.baseline.coverage import UnitShape, coverage
from scanners.baseline.evaluate import evaluate
from scanners.baseline.judging import ParamRef
from scanners.baseline.loader import KINDS, load_rules
from scanners.baseline.model import Facts, OutcomeKind, Sample, Strength
from scanners.baseline.platforms import platforms
from scanners.baseline.policy import load_policies
from scanners.baseline.rule import Rule
from scanners.baseline.steps import load_combinations

POLICIES = Path(str(importlib.resources.files("policies")))
FILES = sorted((POLICIES / "rules").glob("*/*.yaml"))
PLATFORMS = sorted({file.parent.name for file in FILES})
RULES = [rule for platform in PLATFORMS for rule in load_rules(platform)]
SAMPLES = [
    pytest.param(platform, rule, sample, id=f"{rule.id}/{sample.name}")
    for platform in PLATFORMS
    for rule in load_rules(platform)
    for sample in rule.samples
]


def schema(name: str) -> Any:
    return json.loads((POLICIES / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))


RULE_SCHEMA = jsonschema.Draft202012Validator(schema("rule"))


def by_id(rule: Rule) -> str:
    return rule.id


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_rules_follow_the_published_schema(file: Path) -> None:
    """People who write rules with an editor see the same limits as the loader."""
    errors = [
        error.message for error in RULE_SCHEMA.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))
    ]

    assert errors == []


def test_schema_and_loader_know_the_same_kinds() -> None:
    """A kind of predicate is added in both places or in none."""
    assert set(schema("rule")["$defs"]["predicate"]["properties"]["kind"]["enum"]) == set(KINDS)


@pytest.mark.parametrize("name", ["rule", "policy", "steps"])
def test_schemas_are_schemas(name: str) -> None:
    """The published schemas are valid themselves."""
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(("platform", "rule", "sample"), SAMPLES)
def test_each_sample_gives_the_outcome_in_it(platform: str, rule: Rule, sample: Sample) -> None:
    """The examples inside the rules are true."""
    facts = platforms()[platform].facts_from_sample(sample.sections)

    outcome = evaluate([rule], facts, sample.profile or "level-3", sample.params)[0]

    assert (outcome.outcome, outcome.reason.en) == (sample.outcome, outcome.reason.en)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_passes_or_fails_when_nobody_looked(platform: str) -> None:
    """A target of which nothing is known has only errors, and what is for a person anyway."""
    nothing = Facts(platform, {})

    kinds = {outcome.rule: outcome.outcome for outcome in evaluate(load_rules(platform), nothing)}

    assert {rule: kind for rule, kind in kinds.items() if kind is not OutcomeKind.ERROR} == {}


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_each_rule_shows_a_fault_and_an_undecided_host(rule: Rule) -> None:
    """Samples cover the good, the bad and the unknown; a condition has its "not applicable"."""
    given = {sample.outcome for sample in rule.samples}

    assert OutcomeKind.ERROR in given or OutcomeKind.MANUAL in given
    assert len(rule.samples) >= 2
    if rule.applies_when is not None:
        assert given & {OutcomeKind.NA, OutcomeKind.PASS}


def test_cited_units_and_steps_exist() -> None:
    """A rule speaks to steps that the catalogue has."""
    catalog = load_catalog()
    wrong = [
        f"{rule.id}: {spec.unit} step {spec.step}"
        for rule in RULES
        for spec in rule.answers
        if not catalog.has_unit(spec.unit) or spec.step > len(catalog.unit(spec.unit).steps)
    ]

    assert wrong == []


def test_min_level_is_not_above_the_lowest_unit() -> None:
    """A rule is asked at the lowest level at which one of its units has a counterpart."""
    assert all(1 <= rule.min_level <= 3 for rule in RULES)


def test_ids_are_unique_over_all_platforms() -> None:
    """An outcome names its rule without the platform."""
    ids = [rule.id for rule in RULES]

    assert len(ids) == len(set(ids))


def test_one_parameter_means_one_thing() -> None:
    """Rules of a platform that share a parameter share its default, its profiles and its words."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rule in RULES:
        for name, parameter in rule.params.items():
            seen[rule.platforms[0], name].add(
                repr((parameter.default, sorted(parameter.values.items()), parameter.unit))
            )

    assert {key: found for key, found in seen.items() if len(found) > 1} == {}


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_words_are_there_in_both_languages(rule: Rule) -> None:
    """Chinese is Chinese, English is English, and neither is a page long."""
    both = [rule.title, rule.rationale, rule.remediation, rule.na_reason, rule.manual_reason]
    both += [parameter.label for parameter in rule.params.values()]
    for words in both:
        if words is not None:
            assert re.search(r"[\u4e00-\u9fff]", words.zh)
            assert not re.search(r"[\u4e00-\u9fff]", words.en)
            assert len(words.en) < 400


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_fact_that_a_rule_reads_is_declared(platform: str) -> None:
    """The label of a fact can always be shown."""
    declared = platforms()[platform].facts

    for rule in load_rules(platform):
        for predicate in (rule.expect, rule.applies_when, rule.manual_if):
            if predicate is not None:
                assert set(predicate.fact_ids()) <= declared.keys()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_combinations_name_rules_that_speak_to_the_step(platform: str) -> None:
    """What decides together exists, and says that it speaks to that step."""
    rules = {rule.id: rule for rule in load_rules(platform)}
    wrong = [
        f"{one.unit} step {one.step}: {name}"
        for one in load_combinations(platform)
        for name in one.rules
        if name not in rules
        or all((spec.unit, spec.step) != (one.unit, one.step) for spec in rules[name].answers)
    ]

    assert wrong == []


@pytest.mark.parametrize("file", sorted((POLICIES / "steps").glob("*.yaml")), ids=lambda file: file.stem)
def test_files_of_steps_follow_their_schema(file: Path) -> None:
    """Published and checked alike."""
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), schema("steps"))
    assert file.stem in PLATFORMS


@pytest.mark.parametrize("file", sorted(POLICIES.glob("*.yaml")), ids=lambda file: file.stem)
def test_policies_follow_their_schema_and_load(file: Path) -> None:
    """Every shipped policy selects rules."""
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), schema("policy"))

    assert load_policies()[file.stem].rules


def test_all_linux_checks_are_implemented() -> None:
    """Every row of the table of checks for Linux has its rule, once."""
    rows = {
        "IA": 18,
        "LK": 8,
        "RM": 4,
        "MF": 2,
        "AC": 20,
        "AU": 13,
        "IP": 16,
        "MC": 4,
        "TV": 1,
        "DI": 2,
        "DC": 2,
    }
    rows |= {"BK": 3, "RI": 2, "NW": 3}
    expected = sorted(
        f"LNX-{group}-{number:03}" for group, count in rows.items() for number in range(1, count + 1)
    )

    assert sorted(rule.check for rule in load_rules("linux")) == expected
    assert len(expected) == 98


@pytest.mark.parametrize(
    ("platform", "prefix", "rows"),
    [
        ("postgresql", "PGS", {"IA": 5, "LK": 2, "RM": 1, "AC": 4, "AU": 3, "IP": 1, "BK": 2}),
        ("nginx", "NGX", {"RM": 2, "AU": 2, "IP": 4, "AC": 2}),
        ("redis", "RDS", {"IA": 2, "LK": 1, "RM": 1, "AC": 3, "AU": 1, "IP": 1, "BK": 1}),
        (
            "mysql",
            "MYS",
            {"IA": 5, "LK": 2, "RM": 1, "MF": 1, "AC": 8, "AU": 5, "IP": 2, "DC": 2, "BK": 2},
        ),
    ],
)
def test_all_checks_of_a_platform_are_implemented(platform: str, prefix: str, rows: dict[str, int]) -> None:
    """Every row of the table of checks for this kind of target has its rule, once."""
    expected = sorted(
        f"{prefix}-{group}-{number:03}" for group, count in rows.items() for number in range(1, count + 1)
    )

    assert sorted(rule.check for rule in load_rules(platform)) == expected


def test_linux_rules_decide_enough() -> None:
    """At least 25 steps of the computing environment are decided on a Linux host without typing."""
    catalog = load_catalog()
    shapes = [
        UnitShape(str(unit.id), len(unit.steps))
        for unit in catalog.units("gbt-28448-2019", 3)
        if str(unit.id).startswith("L3-CES1")
    ]

    found = coverage(shapes, load_rules("linux"), load_combinations("linux"))

    assert sum(shape.steps for shape in shapes) == 72
    assert sum(unit.steps_decided for unit in found) >= 25


def test_high_risk_rules_can_settle_something() -> None:
    """A rule that may prove a high risk is no mere hint."""
    weak = [
        rule.id
        for rule in RULES
        if rule.high_risk_cases
        and all(spec.on_fail is Strength.HINT and spec.strength is Strength.HINT for spec in rule.answers)
    ]

    assert weak == []


def test_parameters_are_referred_to_by_name_only() -> None:
    """Operands are values or references, nothing that is run."""
    assert ParamRef("x") == ParamRef("x")
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert "{{" not in text
        assert "${" not in re.sub(r"samples:.*", "", text, flags=re.DOTALL)


def test_all_checks_of_network_discovery_are_implemented() -> None:
    """Every row of the table for network discovery has a rule; SSH algorithms are judged where they are asked."""
    rows = {"AS": 2, "PO": 5, "SV": 6, "OS": 1}
    expected = {f"NET-{group}-{number:03}" for group, count in rows.items() for number in range(1, count + 1)}

    assert {rule.check for rule in RULES if rule.check.startswith("NET-")} == expected
