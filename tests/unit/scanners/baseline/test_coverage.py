"""Which steps rules can answer, and what outcomes say together."""

from __future__ import annotations

import pytest

from scanners.baseline.coverage import StepClass, UnitShape, answer_steps, coverage
from scanners.baseline.loader import load_rules, parse_rule
from scanners.baseline.model import OutcomeKind, Strength
from scanners.baseline.steps import Combination, load_combinations, parse_combinations
from scanners.errors import InvalidPolicy
from tests.unit.scanners.baseline.builders import RULE, outcome

PASS, FAIL, NA, MANUAL, ERROR = OutcomeKind
DECIDES, PART, HINT = Strength
STEP = ("L3-CES1-01", 1)
BOTH = (Combination("L3-CES1-01", 1, ("a", "b")),)


def test_every_step_of_every_unit_has_a_row() -> None:
    """A step that no rule speaks to is told, not left out."""
    one = parse_rule(RULE, "linux/sample-rule.yaml", "linux")

    found = coverage([UnitShape("L3-CES1-01", 4), UnitShape("L3-CES1-20", 2)], [one])

    assert [[step.coverage for step in unit.steps] for unit in found] == [
        [StepClass.NONE, StepClass.NONE, StepClass.REFUTABLE, StepClass.NONE],
        [StepClass.NONE, StepClass.NONE],
    ]
    assert found[0].rules == ("sample-rule",)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("decides", StepClass.DECIDED),
        ("part, on_fail: decides", StepClass.REFUTABLE),
        ("part", StepClass.PART),
        ("hint", StepClass.HINT),
    ],
)
def test_strengths_become_classes(words: str, expected: StepClass) -> None:
    """The class of a step follows the firmest rule."""
    one = parse_rule(RULE.replace("part, on_fail: decides", words), "linux/sample-rule.yaml", "linux")

    assert coverage([UnitShape("L3-CES1-01", 3)], [one])[0].steps[2].coverage is expected


def test_a_linux_host_decides_enough_steps_of_its_environment() -> None:
    """At least 25 steps of the computing environment are decided on a Linux host, and units without any are known."""
    shapes = {
        "L3-CES1-01": 4,
        "L3-CES1-02": 3,
        "L3-CES1-03": 1,
        "L3-CES1-05": 2,
        "L3-CES1-06": 2,
        "L3-CES1-07": 2,
    }
    shapes |= {"L3-CES1-09": 3, "L3-CES1-10": 1, "L3-CES1-12": 3, "L3-CES1-13": 1, "L3-CES1-14": 2}
    shapes |= {"L3-CES1-18": 2, "L3-CES1-19": 1, "L3-CES1-22": 2, "L3-CES1-23": 3}
    units = [UnitShape(unit, steps) for unit, steps in shapes.items()]

    found = coverage(units, load_rules("linux"), load_combinations("linux"))

    assert sum(unit.steps_decided for unit in found) >= 25


@pytest.mark.parametrize(
    ("first", "second", "expected", "decided"),
    [
        (PASS, PASS, PASS, True),
        (PASS, NA, PASS, True),
        (NA, NA, NA, False),
        (PASS, ERROR, ERROR, False),
        (PASS, MANUAL, MANUAL, False),
        (MANUAL, ERROR, ERROR, False),
        (ERROR, ERROR, ERROR, False),
        (NA, ERROR, ERROR, False),
    ],
)
def test_rules_that_decide_together(
    first: OutcomeKind, second: OutcomeKind, expected: OutcomeKind, decided: bool
) -> None:
    """All must pass or not apply; one that nobody looked at leaves the step open."""
    outcomes = [outcome("a", first, (*STEP, PART)), outcome("b", second, (*STEP, PART))]

    found = answer_steps(outcomes, BOTH)[0]

    assert (found.outcome, found.decided) == (expected, decided)


def test_one_decisive_failure_settles_a_step() -> None:
    """Whatever the others say, and although something was not examined."""
    outcomes = [outcome("a", FAIL, (*STEP, DECIDES)), outcome("b", ERROR, (*STEP, PART))]

    found = answer_steps(outcomes, BOTH)[0]

    assert (found.outcome, found.decided, found.because) == (FAIL, True, ("a",))


def test_a_failing_part_keeps_a_pass_open() -> None:
    """A rule that decides says yes, another says that something is wrong: a person looks."""
    outcomes = [outcome("a", PASS, (*STEP, DECIDES)), outcome("b", FAIL, (*STEP, PART))]

    assert answer_steps(outcomes)[0].outcome is MANUAL


def test_hints_never_decide() -> None:
    """A hint neither proves nor opposes."""
    hints = [outcome("a", PASS, (*STEP, HINT)), outcome("b", FAIL, (*STEP, HINT))]
    proven = [outcome("c", PASS, (*STEP, DECIDES)), *hints]

    assert (answer_steps(hints)[0].outcome, answer_steps(hints)[0].decided) == (MANUAL, False)
    assert (answer_steps(proven)[0].outcome, answer_steps(proven)[0].decided) == (PASS, True)


def test_a_combination_with_a_rule_missing_proves_nothing() -> None:
    """A selection that leaves one of the rules out cannot decide the step."""
    found = answer_steps([outcome("a", PASS, (*STEP, PART))], BOTH)[0]

    assert (found.outcome, found.decided) == (MANUAL, False)


@pytest.mark.parametrize(
    "text",
    [
        "platform: other\nsteps: []",
        "platform: linux\nsteps: {}",
        "platform: linux\nsteps: [{unit: L3-CES1-01, step: 1, rules: [a]}]",
        "platform: linux\nsteps: [{unit: L3-CES1-01, step: 0, rules: [a, b]}]",
        "platform: linux\nsteps:\n- {unit: U, step: 1, rules: [a, b]}\n- {unit: U, step: 1, rules: [c, d]}",
        "platform: linux",
    ],
)
def test_a_wrong_file_of_steps_is_refused(text: str) -> None:
    """The file is checked like a rule."""
    with pytest.raises(InvalidPolicy):
        parse_combinations(text, "steps/linux.yaml", "linux")


def test_a_platform_without_combinations_has_none() -> None:
    """Not every platform needs the file."""
    assert load_combinations("no-such-platform") == ()
