"""The high-risk guide as data."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from controls.errors import UnknownCase, UnknownRuleSet
from controls.highrisk import HighRiskCase, high_risk_guide
from controls.ids import UnitId
from controls.loader import load_catalog
from controls.terms import Downgradable, Scope

GUIDE = high_risk_guide()
NO_MITIGATION = (
    "6.2.1.1 6.4.6.2 6.4.6.3 6.4.7.1 6.4.7.2 6.5.1.1 6.5.1.2 6.6.1.1 6.7.1.1 6.8.1.1 6.9.1.1 6.9.4.1 6.9.4.2 "
    "6.10.1.1 6.10.1.2"
)


def test_counts() -> None:
    """81 cases: by scope, by lowest level, and general ones per level."""
    assert Counter(case.scope.value for case in GUIDE.cases) == {
        "general": 42,
        "cloud": 16,
        "mobile": 10,
        "iot": 4,
        "ics": 9,
    }
    assert Counter(case.min_level for case in GUIDE.cases) == {2: 35, 3: 42, 4: 4}
    assert [len(GUIDE.for_system(level)) for level in (1, 2, 3, 4)] == [0, 16, 40, 42]
    assert len(GUIDE.for_system(4, list(Scope))) == 81
    assert len({case.id for case in GUIDE.cases}) == 81


def test_general_cases_without_mitigation() -> None:
    """Fifteen general cases cannot be lowered."""
    found = {c.id for c in GUIDE.cases if c.scope is Scope.GENERAL and c.downgradable is Downgradable.NO}

    assert found == set(NO_MITIGATION.split())


@pytest.mark.parametrize("case", GUIDE.cases, ids=lambda case: case.id)
def test_case(case: HighRiskCase) -> None:
    """Each case names existing units of its control point at every level it is for, with both languages."""
    catalog = load_catalog()
    levels = set(range(case.min_level, 5)) - ({2} if case.id == "7.4.3.2" else set())
    assert set(case.units) == levels
    for level, units in case.units.items():
        for unit_id in units:
            unit = catalog.unit(unit_id)
            assert (unit.level, unit.scope) == (level, case.scope)
            assert unit.control_point.name.zh == case.control_point
            assert case in GUIDE.for_unit(unit_id)
    for situation in case.situations:
        assert not situation.text.zh.isascii()
        assert re.search(r"[a-z]", situation.text.en)
        assert situation.mitigation is None or situation.mitigation.en
    assert case.condition.zh.endswith("。")


def test_triggers_of_major_risks() -> None:
    """The entries A-01 to A-26 stand at cases, A-27 to A-32 by themselves; none is missing or doubled."""
    at_cases = [case.major_risk_trigger for case in GUIDE.cases if case.major_risk_trigger]
    further = [trigger.id for trigger in GUIDE.further_triggers]

    assert sorted([*at_cases, *further]) == [f"A-{n:02}" for n in range(1, 33)]


def test_machine_readable_limits() -> None:
    """Figures a machine can compare with are data."""
    found = {key: value for s in GUIDE.case("6.4.1.1").situations for key, value in s.limits.items()}

    assert found == {"password_empty": True, "password_length_below": 6, "password_shared": True}
    assert GUIDE.case("6.5.1.2").situations[0].limits == {"log_retention_months_below": 6}


def test_stays_high() -> None:
    """A matched situation is high unless its own mitigation exists and was accepted."""
    case = GUIDE.case("6.2.1.2")

    assert case.downgradable is Downgradable.PART
    assert not case.stays_high([])
    assert case.stays_high([1])
    assert not case.stays_high([1], mitigated=[1])
    assert case.stays_high([0], mitigated=[0])
    assert case.stays_high([0, 1], mitigated=[1])


def test_conditional_cases_say_for_whom() -> None:
    """Cases for some systems only name them in both languages."""
    narrowed = Counter(case.condition_scope for case in GUIDE.cases if case.scope is Scope.GENERAL)

    assert narrowed["business-continuity-critical"] == 6
    assert narrowed["key-industries"] == 1
    assert all(text.zh and text.en for text in GUIDE.condition_scopes.values())


def test_unknown() -> None:
    """Unknown cases and guides are refused."""
    with pytest.raises(UnknownCase, match=r"9\.9\.9\.9"):
        GUIDE.case("9.9.9.9")
    with pytest.raises(UnknownRuleSet, match="highrisk-guide-2025"):
        high_risk_guide("highrisk-guide-1999")


def test_unit_without_case() -> None:
    """Most units have no case."""
    assert GUIDE.for_unit(UnitId("L3-PES1-02")) == ()
