"""Every kind of predicate: met, not met, nobody looked, a person must say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.baseline import predicates as p
from scanners.baseline import record_predicates as r
from scanners.baseline.judging import Judged, ParamRef, Predicate
from scanners.baseline.model import Fact, Gap
from tests.unit.scanners.baseline.builders import FakeView, incomplete, seen, unseen

MET, NOT_MET, UNKNOWN, PERSON = Judged.MET, Judged.NOT_MET, Judged.UNKNOWN, Judged.PERSON


def verdict(predicate: Predicate, fact: Fact, **params: object) -> Judged:
    return predicate.judge(FakeView({"f": fact}, params)).verdict


SEEN_CASES: list[tuple[Predicate, object, Judged]] = [
    (p.Equals("f", "No"), "no", MET),
    (p.Equals("f", True), False, NOT_MET),
    (p.OneOf("f", ["a", "b"]), "B", MET),
    (p.OneOf("f", ["a"]), "c", NOT_MET),
    (p.Number("f", 1, 90), 90, MET),
    (p.Number("f", 1, 90), 91, NOT_MET),
    (p.Number("f", 1, 90), 0, NOT_MET),
    (p.Number("f", maximum=90), -1, MET),
    (p.Number("f", 600, also=[0]), 0, MET),
    (p.Empty("f"), [], MET),
    (p.Empty("f", ["ok"]), ["OK"], MET),
    (p.Empty("f"), ["x"], NOT_MET),
    (p.NoneOf("f", ["a", "b"]), ["c"], MET),
    (p.NoneOf("f", ["a", "b"]), ["b"], NOT_MET),
    (p.NoneOf("f", ["a", "b"], ["b"]), ["b"], MET),
    (p.NoneOf("f", [6379]), [22, 6379], NOT_MET),
    (p.NoneContaining("f", ["-cbc"]), ["cipher AES128-CBC"], NOT_MET),
    (p.NoneContaining("f", ["-cbc"]), ["cipher aes128-ctr"], MET),
    (p.Contains("f", ["a", "b"], every=True), ["a", "b", "c"], MET),
    (p.Contains("f", ["a", "b"], every=True), ["a"], NOT_MET),
    (p.Contains("f", ["a", "b"]), ["b"], MET),
    (p.Contains("f", ["a", "b"]), ["c"], NOT_MET),
    (p.Contains("f"), ["anything"], MET),
    (p.Contains("f"), [], NOT_MET),
    (p.SubsetOf("f", ["a", "b"]), ["a"], MET),
    (p.SubsetOf("f", ["a"]), ["a", "x"], NOT_MET),
    (p.SubsetOf("f", ["a"]), [], MET),
    (p.SubsetOf("f", ["a"], some=True), [], NOT_MET),
    (p.Umask("f", "027"), "077", MET),
    (p.Umask("f", "027"), "022", NOT_MET),
    (r.Each("f", {"days": r.Condition(minimum=1, maximum=90)}, {}), [{"days": 90}], MET),
    (r.Each("f", {"days": r.Condition(minimum=1, maximum=90)}, {}), [{"days": 1}, {"days": 91}], NOT_MET),
    (r.Each("f", {"days": r.Condition(maximum=90)}, {}), [{"days": None}], NOT_MET),
    (r.Each("f", {"days": r.Condition(maximum=90, or_none=True)}, {}), [{"days": None}], MET),
    (r.Each("f", {"days": r.Condition(maximum=90)}, {}), [{"days": True}], NOT_MET),
    (
        r.Each("f", {"ok": r.Condition(equals=True)}, {"name": r.Condition(one_of=["a"])}),
        [{"name": "b"}],
        MET,
    ),
    (r.Each("f", {"ok": r.Condition(equals=True)}, {}, none_met=False), [], NOT_MET),
    (r.Each("f", {"m": r.Condition(mode_at_most="750")}, {}), [{"m": "700"}], MET),
    (r.Each("f", {"m": r.Condition(mode_at_most="750")}, {}), [{"m": "751"}], NOT_MET),
    (r.Table("f", {"k": ["0", "1"]}), [{"key": "k", "value": "1"}, {"key": "x", "value": "9"}], MET),
    (r.Table("f", {"k": ["0"]}), [{"key": "k", "value": "1"}], NOT_MET),
    (r.Table("f", {"k": ["0"]}), [{"key": "other", "value": "0"}], NOT_MET),
    (p.Inventory(["f"]), ["a"], PERSON),
]


@pytest.mark.parametrize(("predicate", "value", "expected"), SEEN_CASES)
def test_a_fact_that_was_seen_is_judged(predicate: Predicate, value: object, expected: Judged) -> None:
    """Each kind answers as its name says."""
    assert verdict(predicate, seen(value)) is expected


@pytest.mark.parametrize("predicate", {type(case[0]): case[0] for case in SEEN_CASES}.values())
def test_nobody_looked_is_never_met_or_not_met(predicate: Predicate) -> None:
    """A fact that was not collected gives "unknown" and its reason, in both languages."""
    judgement = predicate.judge(FakeView({"f": unseen()}))

    assert judgement.verdict is UNKNOWN
    assert "/etc/x" in judgement.reason.en
    assert "权限不足" in judgement.reason.zh


@pytest.mark.parametrize("predicate", {type(case[0]): case[0] for case in SEEN_CASES}.values())
def test_what_cannot_be_settled_goes_to_a_person(predicate: Predicate) -> None:
    """Somebody looked, and what was found needs a person."""
    assert verdict(predicate, unseen(Gap.UNDECIDABLE)) is PERSON


@pytest.mark.parametrize(
    ("predicate", "good", "bad"),
    [
        (p.Empty("f"), [], ["x"]),
        (p.NoneOf("f", ["a"]), ["c"], ["a"]),
        (p.NoneContaining("f", ["cbc"]), ["ctr"], ["cbc"]),
        (p.SubsetOf("f", ["a"]), ["a"], ["b"]),
        (p.Number("f", maximum=5), 5, 6),
        (r.Each("f", {"n": r.Condition(maximum=5)}, {}), [{"n": 5}], [{"n": 6}]),
    ],
)
def test_an_incomplete_fact_shows_a_fault_but_not_its_absence(
    predicate: Predicate, good: object, bad: object
) -> None:
    """What was cut may hide the fault, so it never passes; what was found stays found."""
    assert verdict(predicate, incomplete(good)) is UNKNOWN
    assert verdict(predicate, incomplete(bad)) is NOT_MET


def test_for_presence_it_is_the_other_way_round() -> None:
    """Something found in a cut list is there; something not found may merely be cut."""
    assert verdict(p.Contains("f", ["a"]), incomplete(["a"])) is MET
    assert verdict(p.Contains("f", ["a"]), incomplete([])) is UNKNOWN


def test_an_incomplete_inventory_says_so() -> None:
    """A person who confirms a list must know that it is not whole."""
    judgement = p.Inventory(["f"]).judge(FakeView({"f": incomplete(["a"])}))

    assert judgement.verdict is PERSON
    assert "incomplete" in judgement.reason.en
    assert "不完整" in judgement.reason.zh
    assert verdict(p.Inventory(["f"]), incomplete([])) is UNKNOWN


def test_modes_look_at_permission_and_owner() -> None:
    """Bits beyond the limit and foreign owners are faults; files without a limit are passed over."""
    rows = [
        {"path": "/a", "mode": "600", "owner": "root"},
        {"path": "/b", "mode": "644", "owner": "root"},
        {"path": "/c", "mode": "600", "owner": "alice"},
        {"path": "/not-limited", "mode": "777", "owner": "alice"},
    ]
    predicate = r.Modes("f", {"/a": "640", "/b": "640", "/c": "640"}, ["root"])

    judgement = predicate.judge(FakeView({"f": seen(rows)}))

    assert judgement.verdict is NOT_MET
    assert "/b 644" in judgement.reason.en
    assert "/c 600 alice" in judgement.reason.en
    assert "/a" not in judgement.reason.en
    assert "/not-limited" not in judgement.reason.en


@given(st.integers(0, 0o777), st.integers(0, 0o777))
def test_modes_agree_with_bits(mode: int, limit: int) -> None:
    """A mode is within its limit exactly when it sets no bit that the limit lacks."""
    rows = [{"path": "/a", "mode": f"{mode:o}", "owner": "root"}]

    found = verdict(r.Modes("f", {"/a": f"{limit:o}"}, ["root"]), seen(rows))

    assert (found is MET) == (mode | limit == limit)


def test_until_compares_with_the_clock_of_the_target() -> None:
    """The last day still counts; a system without a date is for a person."""
    facts = {"f": seen("debian 12"), "now": seen(1_781_481_600)}  # 2026-06-15
    for dates, expected in (
        ({"debian 12": "2026-06-15"}, MET),
        ({"debian 12": "2026-06-14"}, NOT_MET),
        ({"debian 11": "2030-01-01"}, PERSON),
    ):
        assert p.Until("f", dates, "now").judge(FakeView(facts)).verdict is expected
    assert p.Until("f", {}, "now").judge(FakeView(facts | {"now": unseen()})).verdict is UNKNOWN


class Fixed:
    def __init__(self, answer: Judged) -> None:
        self.answer = answer

    def judge(self, view: object) -> object:
        from scanners.baseline.judging import Judgement
        from scanners.baseline.model import Bilingual

        return Judgement(self.answer, Bilingual(f"中{self.answer}", f"en {self.answer}"))

    def fact_ids(self) -> tuple[str, ...]:
        return ("f",)


@given(st.lists(st.sampled_from(list(Judged)), min_size=1, max_size=5))
def test_combinations_never_guess(answers: list[Judged]) -> None:
    """One refusal settles "all of", one consent settles "any of"; otherwise the unknown stays unknown."""
    parts = [Fixed(answer) for answer in answers]
    view = FakeView({})

    every = p.AllOf(parts).judge(view).verdict  # type: ignore[arg-type]
    some = p.AnyOf(parts).judge(view).verdict  # type: ignore[arg-type]

    assert every is next(one for one in (NOT_MET, UNKNOWN, PERSON, MET) if one in answers)
    assert some is next(one for one in (MET, UNKNOWN, PERSON, NOT_MET) if one in answers)


@pytest.mark.parametrize(
    ("inner", "outer"), [(MET, NOT_MET), (NOT_MET, MET), (UNKNOWN, UNKNOWN), (PERSON, PERSON)]
)
def test_not_turns_only_what_is_known(inner: Judged, outer: Judged) -> None:
    """Nobody looked does not become "met" by turning it round."""
    assert p.Not(Fixed(inner)).judge(FakeView({})).verdict is outer  # type: ignore[arg-type]


def test_parameters_are_looked_up() -> None:
    """A threshold may stand for the value of a profile."""
    predicate = p.Number("f", maximum=ParamRef("longest"))

    assert verdict(predicate, seen(60), longest=90) is MET
    assert verdict(predicate, seen(60), longest=30) is NOT_MET


def test_reasons_are_short() -> None:
    """A thousand offenders are counted, not listed."""
    judgement = p.Empty("f").judge(FakeView({"f": seen([f"/very/long/path/{n}" for n in range(1000)])}))

    assert "+988" in judgement.reason.en
    assert len(judgement.reason.en) < 600
