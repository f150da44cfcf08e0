"""What is asked for, from whom, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from controls.catalog import Text
from controls.documents.loader import load_kinds
from controls.documents.missing import RequestedDocument, missing
from controls.documents.model import ABSENT, DocumentKind, DocumentRecord, Freshness
from controls.documents.terms import (
    Action,
    Field,
    FreshnessRule,
    Holder,
    LinkRule,
    ReviewState,
    Trait,
)
from tests.unit.controls.documents.builders import NEVER, TODAY, YEARLY, kind, link, record, system, topic

KINDS = load_kinds()


def ask(of: DocumentKind, *records: DocumentRecord, **more: object) -> RequestedDocument | None:
    """Give the request for one kind, if there is one."""
    found = missing(system(), [of], records, TODAY, **more)  # type: ignore[arg-type]
    return found[0].documents[0] if found else None


@pytest.mark.parametrize(
    ("records", "action"),
    [
        ([], Action.UPLOAD),
        ([record(review=ReviewState.RETURNED)], Action.UPLOAD),
        ([record(review=ReviewState.EXPIRED)], Action.RENEW),
        ([record(dated=date(2020, 1, 1))], Action.RENEW),
        ([record(dated=date(2020, 1, 1), approver=ABSENT)], Action.RENEW),
        ([record(approver=ABSENT)], Action.CORRECT),
        ([record(approver=ABSENT, dated=None)], Action.CORRECT),
        ([record(approver=None)], Action.RECORD),
        ([record(dated=None)], Action.RECORD),
        ([record()], None),
        ([record(review=ReviewState.SUBMITTED)], None),
        ([record(review=ReviewState.DECLARED_ABSENT)], None),
    ],
)
def test_what_the_holder_has_to_do(records: list[DocumentRecord], action: Action | None) -> None:
    """Whose turn it is follows from what was seen; a declared gap and a waiting paper ask nothing of the holder."""
    request = ask(kind(), *records)

    assert (request.action if request else None) is action


def test_an_uncovered_topic_asks_for_a_further_document() -> None:
    """The paper is fine, another one is missing."""
    of = kind(topics=(topic("room"), topic("network")))

    request = ask(of, record(topics=frozenset({"room"})))
    unsaid = ask(of, record())

    assert request is not None
    assert request.action is Action.UPLOAD
    assert "内容network" in request.why[0].zh
    assert unsaid is not None
    assert unsaid.action is Action.RECORD


def test_a_cross_reference_waits_for_the_other_document() -> None:
    """Only the other kind is asked for; when it is there and not named, this one is to be corrected."""
    own = kind(links=(link(LinkRule.NAMES),))
    other = kind("other")

    (waiting,) = missing(system(), [own, other], [record()], TODAY)
    (wrong,) = missing(system(), [own, other], [record(refers_to=()), record("b", "other")], TODAY)

    assert [one.kind.id for one in waiting.documents] == ["other"]
    assert [(one.kind.id, one.action) for one in wrong.documents] == [("plan", Action.CORRECT)]


def test_requests_are_grouped_by_holder_in_one_order() -> None:
    """Each holder gets one list; new papers first, then by id."""
    kinds = [
        kind("b-room", holder=Holder.ROOM),
        kind("c-ops"),
        kind("a-ops"),
        kind("d-ops"),
        kind("lead", holder=Holder.SECURITY_OFFICE),
    ]

    found = missing(system(), kinds, [record("x", "a-ops", approver=None)], TODAY)

    assert [group.holder for group in found] == [Holder.SECURITY_OFFICE, Holder.OPERATIONS, Holder.ROOM]
    assert [one.kind.id for one in found[1].documents] == ["c-ops", "d-ops", "a-ops"]


def test_instructions_say_everything_that_must_be_on_the_paper() -> None:
    """Name, what it is, fields, approver, topics of the level, age and agreement, in both languages."""
    of = kind(topics=(topic("room"), topic("joint", 4)), links=(link(LinkRule.EXISTS),))

    request = ask(of)

    assert request is not None
    zh = "\n".join(one.zh for one in request.instructions)
    en = "\n".join(one.en for one in request.instructions)
    for piece in (
        "《材料plan》",
        "一份材料",
        "制发单位或部门",
        "领导签批",
        "内容room",
        "不早于 2024-06-30",
        "应一致",
    ):
        assert piece in zh
    for piece in (
        "“paper plan”",
        "issuing body",
        "Signed by the head",
        "topic room",
        "2024-06-30",
        "Must agree",
    ):
        assert piece in en
    assert "joint" not in zh + en


def test_instructions_of_what_does_not_age_and_of_what_states_its_end() -> None:
    """No date limit for the one, "still valid" for the other."""
    validity = Freshness(
        FreshnessRule.VALIDITY, Field.VALID_UNTIL, None, {}, Text("以所载为准。", "As stated.")
    )

    once = ask(kind(freshness=NEVER))
    valid = ask(kind(freshness=validity, requires=(Field.VALID_UNTIL,), approver=None))

    assert once is not None
    assert valid is not None
    assert not any("不早于" in one.zh for one in once.instructions)
    assert any("有效期内" in one.zh and "As stated" in one.en for one in valid.instructions)


@pytest.mark.parametrize(
    ("field", "words"),
    [(Field.DATE, "形成日期不早于"), (Field.REVIEWED, "评审日期"), (Field.PERIOD, "时段的最后一天不早于")],
)
def test_the_day_that_counts_is_named(field: Field, words: str) -> None:
    """A holder knows which day on the paper must be young enough."""
    request = ask(kind(freshness=replace(YEARLY, of=field), requires=(field,), approver=None))

    assert request is not None
    assert any(words in one.zh and "2024-06-30" in one.en for one in request.instructions)


def test_own_interval_moves_what_is_asked_for() -> None:
    """An organisation that reviews twice a year asks for a younger paper."""
    request = ask(kind(), intervals={"plan": 6})

    assert request is not None
    assert any("2024-12-30" in one.zh for one in request.instructions)


def test_unknown_traits_are_asked_with_a_remark_and_known_ones_decide() -> None:
    """Whether operation is outsourced is not known: the agreement is asked for, with the way out."""
    of = kind(when=(Trait.OUTSOURCED_OPERATION,))

    unknown = missing(system(), [of], [], TODAY)[0].documents[0]
    there = missing(system(traits={Trait.OUTSOURCED_OPERATION: True}), [of], [], TODAY)[0].documents[0]
    gone = missing(system(traits={Trait.OUTSOURCED_OPERATION: False}), [of], [], TODAY)

    assert unknown.condition is not None
    assert "运维外包" in unknown.condition.zh
    assert there.condition is None
    assert gone == ()


def test_a_real_system_shrinks_as_papers_come_in() -> None:
    """Giving the security policy takes exactly its request away."""
    policy = record(
        "p", "security-policy", version="V1", reviewed_on=date(2025, 3, 1), topics=frozenset({"anything"})
    )

    def ids(*records: DocumentRecord) -> set[str]:
        return {one.kind.id for group in missing(system(), KINDS, records, TODAY) for one in group.documents}

    assert ids() - ids(policy) == {"security-policy"}


def test_places_are_those_of_the_level() -> None:
    """The filing certificate answers the level-2 unit in a level-2 system."""
    (group,) = missing(system("S2A2G2"), [KINDS.kind("filing-certificate")], [], TODAY)

    assert [str(place.unit) for place in group.documents[0].places] == ["L2-CMS1-04"]
