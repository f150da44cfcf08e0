"""From facts to outcomes: profiles, own values, the five answers and their words."""

from __future__ import annotations

import pytest

from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import parse_rule
from scanners.baseline.model import Facts, FactState, Gap, Outcome, OutcomeKind, Strength
from scanners.baseline.platforms import platforms
from scanners.baseline.rule import Rule
from scanners.errors import UnknownProfile
from scanners.jsonable import from_json, to_json
from tests.unit.scanners.baseline.builders import RULE, seen, unseen


def rule(text: str = RULE) -> Rule:
    return parse_rule(text, "linux/sample-rule.yaml", "linux")


def facts(**changes: object) -> Facts:
    values = {name.replace("__", "."): value for name, value in changes.items()}
    return Facts("linux", values)  # type: ignore[arg-type]


def days(value: int) -> Facts:
    return facts(login_defs__pass_max_days=seen(value))


@pytest.mark.parametrize(("profile", "kind"), [("level-3", OutcomeKind.PASS), ("strict", OutcomeKind.FAIL)])
def test_profiles_set_thresholds(profile: str, kind: OutcomeKind) -> None:
    """The same host may pass at one profile and fail at another."""
    assert evaluate([rule()], days(60), profile)[0].outcome is kind


def test_own_values_win_over_the_profile() -> None:
    """An organisation may be stricter or milder than the profile."""
    assert evaluate([rule()], days(60), "strict", {"longest": 60})[0].outcome is OutcomeKind.PASS


def test_an_unknown_profile_is_refused() -> None:
    """A typing error must not mean the defaults."""
    with pytest.raises(UnknownProfile):
        evaluate([rule()], days(60), "level-33")


def test_a_missing_fact_is_an_error_with_its_reason() -> None:
    """Nobody looked is neither pass nor fail, and the outcome says why."""
    found = evaluate([rule()], facts(login_defs__pass_max_days=unseen(Gap.MISSING_SECTION)))[0]

    assert found.outcome is OutcomeKind.ERROR
    assert found.facts == {"login_defs.pass_max_days": {"not-collected": "missing-section: /etc/x"}}


def test_a_fact_that_nobody_knows_of_is_an_error() -> None:
    """Facts from an older release lack what a newer rule asks for."""
    assert evaluate([rule()], facts())[0].outcome is OutcomeKind.ERROR


def test_a_fail_may_speak_more_firmly_than_a_pass() -> None:
    """Failing a necessary part settles a step that passing it does not."""
    passed, failed = evaluate([rule()], days(60))[0], evaluate([rule()], days(9999))[0]

    assert [answer.strength for answer in passed.answers] == [Strength.PART]
    assert [answer.strength for answer in failed.answers] == [Strength.DECIDES]
    assert (failed.units, failed.steps, failed.strength) == (
        ("L3-CES1-01",),
        ("L3-CES1-01#3",),
        Strength.DECIDES,
    )


WITH_CONDITION = RULE.replace(
    "expect:",
    "applies_when: {kind: equals, fact: system.container, value: false}\nna_reason: {zh: 容器, en: A container}\nexpect:",
)


def test_a_condition_makes_na_error_or_manual() -> None:
    """Whether a rule applies must itself be known."""
    one = rule(WITH_CONDITION)
    base = {"login_defs__pass_max_days": seen(60)}

    kinds = [
        evaluate([one], facts(system__container=fact, **base))[0]
        for fact in (seen(False), seen(True), unseen(), unseen(Gap.UNDECIDABLE))
    ]

    assert [found.outcome for found in kinds] == [
        OutcomeKind.PASS,
        OutcomeKind.NA,
        OutcomeKind.ERROR,
        OutcomeKind.MANUAL,
    ]
    assert kinds[1].reason.zh.startswith("容器（")
    assert set(kinds[1].facts) == {"system.container", "login_defs.pass_max_days"}


def test_a_bearable_value_goes_to_a_person() -> None:
    """Not met and still tolerable is "manual", with the reason of the rule."""
    text = RULE.replace(
        "remediation:",
        "manual_if: {kind: number, fact: login_defs.pass_max_days, max: 180}\n"
        "manual_reason: {zh: 偏长, en: Rather long}\nremediation:",
    )

    assert evaluate([rule(text)], days(120))[0].outcome is OutcomeKind.MANUAL
    assert evaluate([rule(text)], days(120))[0].reason.en.startswith("Rather long (")
    assert evaluate([rule(text)], days(200))[0].outcome is OutcomeKind.FAIL


def test_rules_for_other_platforms_are_passed_over() -> None:
    """An answer for one kind of target never comes from a rule for another."""
    other = Facts("linux", {})

    assert evaluate([], other) == []
    assert len(evaluate([rule(), rule()], days(1))) == 2


def test_long_observations_are_cut() -> None:
    """An outcome stays readable; the whole is in the evidence."""
    text = RULE.replace(
        "{kind: number, fact: login_defs.pass_max_days, min: 1, max: {param: longest}}",
        "{kind: all_of, parts: [{kind: empty, fact: packages.names}, "
        "{kind: number, fact: login_defs.pass_max_days, max: {param: longest}}]}",
    )
    many = facts(packages__names=seen([f"p{n}" for n in range(900)]), login_defs__pass_max_days=seen(1))

    found = evaluate([rule(text)], many)[0]

    assert len(found.facts["packages.names"]) == 51
    assert found.facts["packages.names"][-1] == "… +850"


def test_outcomes_and_facts_survive_json() -> None:
    """They are stored and sent."""
    found = evaluate([rule()], days(60))[0]
    whole = platforms()["linux"].facts_from_sample({"accounts": {"passwd": "root:x:0:0::/root:/bin/bash\n"}})

    assert from_json(Outcome, to_json(found)) == found
    assert from_json(Facts, to_json(whole)) == whole
    assert {fact.state for fact in whole.facts.values()} >= {FactState.SEEN, FactState.NOT_COLLECTED}
