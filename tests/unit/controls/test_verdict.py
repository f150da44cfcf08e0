"""From evidence to a suggestion: what decides, what only hints, and what nobody looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.errors import ForeignEvidence
from controls.ids import UnitId
from controls.terms import Verdict
from controls.verdict import Evidence, StepStatus, suggest
from tests.unit.controls.builders import evidence, unit

RANK = {Verdict.NON_COMPLIANT: 0, Verdict.PARTIAL: 1, None: 2, Verdict.NA: 2, Verdict.COMPLIANT: 3}
EITHER = ((1, 3), (2, 3))


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (("pass", "pass"), Verdict.COMPLIANT),
        (("fail", "fail"), Verdict.NON_COMPLIANT),
        (("pass", "fail"), Verdict.PARTIAL),
        (("fail", None), Verdict.NON_COMPLIANT),
        (("pass", None), None),
        (("pass", "error"), None),
        (("pass", "manual"), None),
        (("pass", "na"), None),
        (("na", "na"), Verdict.NA),
        (("error", "manual"), None),
        ((None, None), None),
        (("fail", "error"), Verdict.NON_COMPLIANT),
    ],
)
def test_all_steps(outcomes: tuple[str | None, ...], expected: Verdict | None) -> None:
    """Under "all" only passes give compliant, only fails non-compliant, and what nobody saw gives nothing."""
    found = [evidence(n, one) for n, one in enumerate(outcomes, 1) if one]  # type: ignore[arg-type]

    assert suggest(unit(2), found).verdict is expected


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (("pass", "fail", "pass"), Verdict.COMPLIANT),
        (("fail", "pass", "pass"), Verdict.COMPLIANT),
        (("fail", None, "pass"), None),
        (("fail", "fail", "pass"), Verdict.PARTIAL),
        (("pass", "pass", "fail"), Verdict.PARTIAL),
        (("fail", "fail", "fail"), Verdict.NON_COMPLIANT),
        ((None, None, "fail"), Verdict.NON_COMPLIANT),
    ],
)
def test_alternatives(outcomes: tuple[str | None, ...], expected: Verdict | None) -> None:
    """Under alternatives one fulfilled way is enough, and only when all ways are blocked is there a gap."""
    found = [evidence(n, one) for n, one in enumerate(outcomes, 1) if one]  # type: ignore[arg-type]

    assert suggest(unit(3, EITHER), found).verdict is expected


def test_unit_without_partial() -> None:
    """A unit that knows no partial compliance is non-compliant when one step fails."""
    mixed = [evidence(1, "pass"), evidence(2, "fail")]

    assert suggest(unit(2, partial=False), mixed).verdict is Verdict.NON_COMPLIANT
    assert suggest(unit(1, partial=False), [evidence(1, "fail")]).verdict is Verdict.NON_COMPLIANT


def test_open_steps_are_named_beside_a_gap() -> None:
    """A gap that is found shows at once, with the steps that are still open."""
    found = suggest(unit(3), [evidence(1, "fail", observed="PermitRootLogin yes"), evidence(2, "pass")])

    assert found.verdict is Verdict.PARTIAL
    assert found.open_steps == (3,)
    assert found.not_examined is not None
    assert "步骤 3" in found.not_examined.zh
    assert "step 3 has not been examined" in found.not_examined.en
    assert "PermitRootLogin yes" in found.reasons[0].zh
    assert "rule-a" in found.reasons[0].en


@pytest.mark.parametrize("strength", ["part", "hint", "document"])
def test_weak_passes_propose_nothing(strength: str) -> None:
    """Passing evidence that does not decide never gives compliant, and says that it does not decide."""
    found = suggest(unit(1), [evidence(1, "pass", strength)])  # type: ignore[arg-type]

    assert found.verdict is None
    assert found.not_examined is not None
    assert "does not decide" in found.not_examined.en


@pytest.mark.parametrize("strength", ["hint", "document"])
def test_hints_are_shown_and_change_nothing(strength: str) -> None:
    """A failing hint or document is a reason to look, not a verdict."""
    weak = evidence(1, "fail", strength)  # type: ignore[arg-type]

    assert suggest(unit(1), [weak]).verdict is None
    found = suggest(unit(1), [evidence(1, "pass"), weak])
    assert found.verdict is Verdict.COMPLIANT
    assert len(found.reasons) == 1


def test_a_failing_part_caps_the_suggestion() -> None:
    """A failing part makes the suggestion at most partial, and non-compliant where partial is unknown."""
    both = [evidence(1, "pass"), evidence(1, "fail", "part", rule="rule-b")]

    assert suggest(unit(1), both).verdict is Verdict.PARTIAL
    assert suggest(unit(1), both).steps[0].status is StepStatus.PARTLY_FAILED
    assert suggest(unit(1, partial=False), both).verdict is Verdict.NON_COMPLIANT
    assert suggest(unit(2), [evidence(2, "fail", "part")]).verdict is Verdict.PARTIAL


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], "尚未检查"),
        ([evidence(1, "error", observed="权限不足")], "未能检查：权限不足"),
        ([evidence(1, "manual")], "需人工核查"),
        ([evidence(1, "pass", "hint")], "不足以判定"),
    ],
)
def test_not_examined_says_why(found: list[Evidence], words: str) -> None:
    """Nothing, an error, a manual outcome and weak evidence give no verdict, each with its reason."""
    suggestion = suggest(unit(1), found)

    assert suggestion.verdict is None
    assert suggestion.not_examined is not None
    assert words in suggestion.not_examined.zh
    assert suggestion.not_examined.en


def test_na_step_needs_a_person() -> None:
    """A step a rule calls not applicable beside a passed one is left to a person."""
    found = suggest(unit(2), [evidence(1, "pass"), evidence(2, "na")])

    assert found.verdict is None
    assert found.not_examined is not None
    assert "step 2 was found not applicable" in found.not_examined.en


def test_an_error_beside_a_pass_leaves_the_step_open() -> None:
    """When one of two deciding rules could not look, the step is not settled."""
    found = suggest(unit(1), [evidence(1, "pass"), evidence(1, "error", rule="rule-b")])

    assert found.verdict is None
    assert found.steps[0].rules == ("rule-a", "rule-b")


def test_foreign_evidence() -> None:
    """Evidence of another unit or of a step that does not exist is refused."""
    other = replace(evidence(1, "pass"), unit_id=UnitId("L3-CES1-02"))

    with pytest.raises(ForeignEvidence, match="L3-CES1-02"):
        suggest(unit(1), [other])
    with pytest.raises(ForeignEvidence, match="step 2"):
        suggest(unit(1), [evidence(2, "pass")])


pieces = st.builds(
    evidence,
    step=st.integers(1, 3),
    outcome=st.sampled_from(["pass", "fail", "na", "manual", "error"]),
    strength=st.sampled_from(["decides", "part", "hint", "document"]),
    rule=st.sampled_from(["rule-a", "rule-b"]),
)
units = st.builds(
    unit,
    steps=st.just(3),
    alternatives=st.sampled_from([(), EITHER, ((1,), (2,), (3,)), ((1, 2),)]),
    partial=st.booleans(),
)


@given(one=units, found=st.lists(pieces, max_size=8))
def test_monotone(one, found: list[Evidence]) -> None:  # type: ignore[no-untyped-def]
    """Turning any outcome from fail to pass never lowers the suggestion."""
    before = suggest(one, found).verdict
    for place, piece in enumerate(found):
        if piece.outcome == "fail":
            better = [*found[:place], replace(piece, outcome="pass"), *found[place + 1 :]]
            assert RANK[suggest(one, better).verdict] >= RANK[before]


@given(one=units, found=st.lists(pieces, max_size=8))
def test_compliant_needs_deciding_passes(one, found: list[Evidence]) -> None:  # type: ignore[no-untyped-def]
    """Compliant is proposed only when deciding passes fulfil the rule; order never matters."""
    suggestion = suggest(one, found)
    passed = {e.step for e in found if e.strength == "decides" and e.outcome == "pass"}

    if suggestion.verdict is Verdict.COMPLIANT:
        assert any(set(steps) <= passed for steps in one.rule.expanded(3))
    if suggestion.verdict is None:
        assert suggestion.not_examined is not None
    assert suggest(one, found[::-1]).verdict is suggestion.verdict


@given(one=units, found=st.lists(pieces, max_size=8))
def test_nobody_looked_is_no_verdict(one, found: list[Evidence]) -> None:  # type: ignore[no-untyped-def]
    """Errors and manual outcomes alone never give a verdict."""
    blind = [replace(piece, outcome="error") for piece in found]

    assert suggest(one, blind).verdict is None
