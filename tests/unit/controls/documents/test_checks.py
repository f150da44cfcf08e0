"""Records → outcomes: present, complete, approved; one document or many; never a verdict of compliance."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.documents.checks import check_documents, evidence_of
from controls.documents.model import ABSENT, DocumentRecord, Period
from controls.documents.scope import Place
from controls.documents.terms import Aspect, Field, Judged, ReviewState
from controls.ids import UnitId
from controls.loader import load_catalog
from controls.terms import RuleOutcome, TargetKind
from controls.verdict import suggest
from tests.unit.controls.documents.builders import NEVER, RECENT, TODAY, check, kind, record, topic

OLD = date(2020, 1, 1)


def test_a_complete_document_passes() -> None:
    """Present, complete, approved and fresh, with the record that it rests on."""
    found = check(kind(), record())

    assert found.outcome is RuleOutcome.PASS
    assert [one.aspect for one in found.aspects] == [
        Aspect.PRESENT,
        Aspect.COMPLETE,
        Aspect.APPROVED,
        Aspect.FRESH,
    ]
    assert found.records == ("a",)
    assert found.reasons == ()


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ([], RuleOutcome.ERROR),
        ([ReviewState.REQUESTED], RuleOutcome.ERROR),
        ([ReviewState.RETURNED], RuleOutcome.ERROR),
        ([ReviewState.SUPERSEDED], RuleOutcome.ERROR),
        ([ReviewState.SUBMITTED], RuleOutcome.MANUAL),
        ([ReviewState.SUBMITTED, ReviewState.EXPIRED], RuleOutcome.MANUAL),
        ([ReviewState.EXPIRED], RuleOutcome.FAIL),
        ([ReviewState.DECLARED_ABSENT], RuleOutcome.FAIL),
        ([ReviewState.DECLARED_ABSENT, ReviewState.ACCEPTED], RuleOutcome.PASS),
    ],
)
def test_presence(states: list[ReviewState], outcome: RuleOutcome) -> None:
    """Not given is unknown; waiting is for a person; expired and declared absent are faults somebody saw."""
    records = [record(str(place), review=state) for place, state in enumerate(states)]

    found = check(kind(), *records)

    assert found.outcome is outcome
    if outcome is not RuleOutcome.PASS:
        assert [one.aspect for one in found.aspects] == [Aspect.PRESENT]


@pytest.mark.parametrize(
    ("change", "aspect", "outcome"),
    [
        ({"approver": ABSENT}, Aspect.APPROVED, RuleOutcome.FAIL),
        ({"approver": None}, Aspect.APPROVED, RuleOutcome.ERROR),
        ({"issuer": ABSENT}, Aspect.COMPLETE, RuleOutcome.FAIL),
        ({"issuer": None}, Aspect.COMPLETE, RuleOutcome.ERROR),
        ({"dated": None}, Aspect.FRESH, RuleOutcome.ERROR),
        ({"dated": OLD}, Aspect.FRESH, RuleOutcome.FAIL),
    ],
)
def test_unread_is_an_error_and_not_there_is_a_fault(
    change: dict[str, object], aspect: Aspect, outcome: RuleOutcome
) -> None:
    """``None`` says that nobody looked, ``ABSENT`` that somebody looked in vain."""
    found = check(kind(), record(**change))

    told = found.aspect(aspect)
    assert told is not None
    assert told.outcome is found.outcome is outcome


@pytest.mark.parametrize(
    ("change", "requires"),
    [
        ({"dated": date(2025, 7, 1)}, (Field.DATE,)),
        ({"period": Period(date(2025, 2, 1), date(2025, 1, 1))}, (Field.PERIOD,)),
    ],
)
def test_impossible_values_are_errors(change: dict[str, object], requires: tuple[Field, ...]) -> None:
    """A day in the future and a period that runs backwards were entered wrongly."""
    found = check(kind(requires=requires, approver=None, freshness=NEVER), record(**change))

    assert found.outcome is RuleOutcome.ERROR


def test_a_fault_counts_more_than_what_nobody_looked_at() -> None:
    """No approver is told even where the date was not read."""
    found = check(kind(), record(approver=ABSENT, dated=None))

    assert found.outcome is RuleOutcome.FAIL
    assert len(found.reasons) == 2


def test_no_approver_is_asked_where_nobody_approves() -> None:
    """The aspect is left out."""
    found = check(kind(requires=(Field.ISSUER, Field.DATE), approver=None), record(approver=None))

    assert found.aspect(Aspect.APPROVED) is None
    assert found.outcome is RuleOutcome.PASS


def test_the_soundest_document_counts() -> None:
    """An outdated one beside a good one does no harm, and among good ones the newest is named."""
    records = [record("old", dated=OLD), record("mid", dated=date(2025, 1, 1)), record("new"), record("also")]

    found = check(kind(), *records)

    assert found.outcome is RuleOutcome.PASS
    assert found.records == ("also",)


def test_each_document_counts_where_the_kind_says_so() -> None:
    """One bad rule in a collection is told with its number; superseding it heals the collection."""
    each = kind(judged=Judged.EACH)

    found = check(each, record("a"), record("b", approver=ABSENT))
    healed = check(each, record("a"), record("b", approver=ABSENT, review=ReviewState.SUPERSEDED))

    assert found.outcome is RuleOutcome.FAIL
    assert found.records == ("a", "b")
    assert found.reasons[0].zh.startswith("no-b")
    assert "no-b" in found.reasons[0].en
    assert healed.outcome is RuleOutcome.PASS


def test_a_collection_is_fresh_until_its_first_document_ages() -> None:
    """The earliest end counts for the reminder; a document without number is named by its id."""
    each = kind(judged=Judged.EACH)

    found = check(each, record("a"), record("b", dated=date(2024, 8, 1)))
    bad = check(each, record("a"), record("b", number=None, approver=ABSENT))

    assert found.good_until == date(2025, 8, 1)
    assert bad.reasons[0].en.startswith("b: ")


# --- topics ------------------------------------------------------------------------------------------------

TWO = kind(topics=(topic("room"), topic("network")))


def with_topics(record_id: str, *keys: str, **changes: object) -> DocumentRecord:
    return record(record_id, topics=frozenset(keys), **changes)


def test_documents_cover_the_topics_together() -> None:
    """Two papers with one topic each are as good as one with both."""
    assert check(TWO, with_topics("a", "room"), with_topics("b", "network")).outcome is RuleOutcome.PASS
    assert check(TWO, with_topics("a", "room", "network")).outcome is RuleOutcome.PASS


def test_a_topic_that_is_not_covered_may_stand_in_a_paper_not_given() -> None:
    """So it is unknown and asked for, no fault."""
    found = check(TWO, with_topics("a", "room"))

    assert found.outcome is RuleOutcome.ERROR
    assert found.lacking == ("network",)
    assert "内容network" in found.reasons[0].zh


def test_a_topic_declared_not_to_exist_is_a_fault() -> None:
    """The holder said so: nothing more is asked for."""
    gone = with_topics("c", "network", review=ReviewState.DECLARED_ABSENT)

    found = check(TWO, with_topics("a", "room"), gone)

    assert found.outcome is RuleOutcome.FAIL
    assert found.lacking == ()


def test_declaring_one_topic_absent_says_nothing_of_the_kind() -> None:
    """With nothing else given, the rest is still unknown."""
    found = check(TWO, with_topics("c", "network", review=ReviewState.DECLARED_ABSENT))

    assert found.outcome is RuleOutcome.ERROR


def test_unsaid_topics_are_an_error() -> None:
    """Whoever took the paper in did not say what it covers."""
    found = check(TWO, record())

    assert found.outcome is RuleOutcome.ERROR
    assert found.lacking == ()


def test_a_faulty_document_covers_nothing() -> None:
    """The network part stands only in a paper nobody approved."""
    found = check(TWO, with_topics("a", "room"), with_topics("b", "network", approver=ABSENT))

    assert found.outcome is RuleOutcome.ERROR
    assert found.lacking == ("network",)


def test_topics_begin_at_their_level() -> None:
    """What only level 3 asks for is no gap at level 2."""
    of = kind(topics=(topic("rule"), topic("framework", 3)))

    assert check(of, with_topics("a", "rule"), level=2).outcome is RuleOutcome.PASS
    assert check(of, with_topics("a", "rule"), level=3).outcome is RuleOutcome.ERROR


def test_a_fault_and_an_open_topic_are_both_told() -> None:
    """Completeness names what is missing on the paper first, because somebody saw that."""
    found = check(TWO, with_topics("a", "room", issuer=ABSENT))

    complete = found.aspect(Aspect.COMPLETE)
    assert complete is not None
    assert complete.outcome is RuleOutcome.FAIL
    assert "制发单位" in complete.reason.zh


# --- evidence ----------------------------------------------------------------------------------------------


def test_evidence_has_the_strength_document() -> None:
    """It speaks to each step, names the records and carries the reason in both languages."""
    place = Place(UnitId("L3-MMS1-42"), 1)
    found = check(kind(), record(dated=OLD))

    (evidence,) = evidence_of(found, kind(), [place], "documents:7")

    assert (evidence.rule_id, evidence.strength, evidence.outcome) == ("document/plan", "document", "fail")
    assert (evidence.unit_id, evidence.step, evidence.target_id) == (place.unit, 1, "documents:7")
    assert evidence.target_kind is TargetKind.DOCUMENT
    assert evidence.source == "a"
    assert "超过" in evidence.observed
    assert "older than" in evidence.observed


VALUES = st.sampled_from([None, ABSENT, "x"])
DAYS = st.one_of(st.none(), st.just(ABSENT), st.dates(date(2015, 1, 1), date(2026, 1, 1)))


@st.composite
def any_record(draw: st.DrawFn) -> DocumentRecord:
    return replace(
        record(draw(st.text("abc", min_size=1, max_size=3))),
        review=draw(st.sampled_from(ReviewState)),
        issuer=draw(VALUES),
        approver=draw(VALUES),
        number=draw(VALUES),
        dated=draw(DAYS),
        topics=draw(st.none() | st.frozensets(st.sampled_from(["room", "network"]))),
    )


@given(st.lists(any_record(), max_size=5), st.sampled_from(Judged), st.integers(1, 4))
def test_documents_never_propose_a_verdict(records: list[DocumentRecord], judged: Judged, level: int) -> None:
    """Whatever was given, the suggestion for the unit stays open: a person reads."""
    of = replace(TWO, judged=judged)
    unit = load_catalog().unit("L3-MMS1-42")

    (found,) = check_documents([of], records, TODAY, level=level)
    suggestion = suggest(unit, evidence_of(found, of, [Place(unit.id, 1)], "documents"))

    assert suggestion.verdict is None


@given(st.lists(any_record(), max_size=5))
def test_no_fault_without_somebody_who_saw_it(records: list[DocumentRecord]) -> None:
    """Values that nobody read lead to no fault, whatever else was given."""
    unread = [
        replace(one, issuer=None, approver=None, dated=None, topics=None, review=state)
        for one in records
        for state in (
            ReviewState.ACCEPTED,
            ReviewState.SUBMITTED,
            ReviewState.REQUESTED,
            ReviewState.RETURNED,
        )
    ]

    (found,) = check_documents([TWO], unread, TODAY, level=3)

    assert found.outcome in (RuleOutcome.ERROR, RuleOutcome.MANUAL)


@given(st.lists(any_record(), max_size=4))
def test_one_sound_document_is_enough(records: list[DocumentRecord]) -> None:
    """Where the best counts, adding a complete document always passes, unless a topic was declared absent."""
    sound = record("sound", topics=frozenset({"room", "network"}), dated=RECENT)

    (found,) = check_documents([TWO], [*records, sound], TODAY, level=3)

    assert found.outcome is RuleOutcome.PASS
