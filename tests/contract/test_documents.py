"""What every shipped kind of document and every on-site sheet promises: schema, steps that exist, true samples."""

from __future__ import annotations

import csv
import importlib.resources
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from controls.applicability import select
from controls.catalog import Text
from controls.documents.checks import check_documents
from controls.documents.loader import load_kinds
from controls.documents.missing import missing
from controls.documents.model import Answer, DocumentKind
from controls.documents.onsite import load_sheets
from controls.documents.onsite_checks import check_answers, checklist
from controls.documents.samples import Sample, load_samples
from controls.documents.scope import DocumentScope
from controls.documents.terms import (
    Action,
    AnswerValue,
    Aspect,
    Field,
    FreshnessRule,
    Holder,
    Judged,
    LinkRule,
    LookKind,
    PeriodOrigin,
    PhotoRule,
    ReviewState,
    Trait,
)
from controls.highrisk import high_risk_guide
from controls.loader import load_catalog
from controls.terms import Lang, LevelProfile, RuleOutcome, Scope, SecurityClass

POLICIES = Path(str(importlib.resources.files("policies")))
DATA = Path(__file__).parents[1] / "unit" / "controls" / "documents"
GOLDEN = Path(__file__).parents[1] / "golden" / "documents.txt"
CATALOG = load_catalog()
KINDS = tuple(load_kinds())
SHEETS = load_sheets()
QUESTIONS = [question for sheet in SHEETS for question in sheet.questions]
SAMPLES = [
    pytest.param(kind, sample, id=f"{kind.id}/{sample.name}")
    for kind in KINDS
    for sample in load_samples(kind)
]
# Classes whose steps are answered by papers, looks and questions; the others by probes.
HERE = {SecurityClass.PHYSICAL_ENVIRONMENT, *(one for one in SecurityClass if not one.is_technical)}


def scope(level: int = 3, extensions: Iterable[Scope] = ()) -> DocumentScope:
    return DocumentScope(select(CATALOG, LevelProfile.of_level(level), extensions), CATALOG)


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def by_id(kind: DocumentKind) -> str:
    return kind.id


def jsonable(value: Any) -> Any:
    """Give YAML values the shape that JSON Schema knows: days are texts."""
    if isinstance(value, dict):
        return {key: jsonable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [jsonable(part) for part in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


# --- shape -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("folder", "name"), [("documents", "document"), ("onsite", "onsite")])
def test_files_follow_the_published_schema(folder: str, name: str) -> None:
    """People who write with an editor see the same limits as the loader."""
    schema = json.loads((POLICIES / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    files = sorted((POLICIES / folder).glob("*.yaml"))

    wrong = [
        f"{file.name}: {error.json_path} {error.message}"
        for file in files
        for error in validator.iter_errors(jsonable(yaml.safe_load(file.read_text(encoding="utf-8"))))
    ]

    assert files
    assert wrong == []


def test_schemas_and_code_know_the_same_words() -> None:
    """A member of a closed list is added in both places or in none."""
    text = "".join(
        (POLICIES / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")
        for name in ("document", "onsite")
    )
    lists = (Aspect, Field, FreshnessRule, Holder, Judged, LinkRule, LookKind, PeriodOrigin, PhotoRule, Trait)

    assert [str(one) for kind in lists for one in kind if f'"{one}"' not in text and one != "present"] == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_closed_lists_have_labels_in_both_languages(lang: Lang) -> None:
    """Whatever a page shows of a list has words."""
    lists = (Action, AnswerValue, Aspect, Field, FreshnessRule, Holder, Judged, LinkRule, LookKind)
    lists += (PeriodOrigin, PhotoRule, ReviewState, Trait)

    for members in lists:
        labels = [one.label(lang) for one in members]
        assert all(labels)
        assert len(set(labels)) == len(labels)


def texts() -> Iterator[tuple[str, Text]]:
    for kind in KINDS:
        found = [kind.name, kind.description, kind.approver, kind.freshness.note, kind.looks_at]
        found += [topic.name for topic in kind.topics]
        found += [link.text for link in kind.links]
        yield from ((kind.id, text) for text in found if text is not None)
    for sheet in SHEETS:
        yield from ((sheet.id, text) for text in (sheet.title, sheet.intro))
        for question in sheet.questions:
            found = [question.ask, question.hint, question.na_when]
            yield from ((question.id, text) for text in found if text is not None)


def test_words_are_there_in_both_languages() -> None:
    """Chinese is Chinese, English is English, and neither is a page long."""
    wrong = [
        (place, text)
        for place, text in texts()
        if not re.search(r"[\u4e00-\u9fff]", text.zh)
        or re.search(r"[\u4e00-\u9fff]", text.en)
        or len(text.zh) > 120
        or len(text.en) > 300
    ]

    assert wrong == []


def test_names_of_kinds_differ() -> None:
    """A person never has to choose between two kinds of one name."""
    assert len({kind.name.zh for kind in KINDS}) == len({kind.name.en for kind in KINDS}) == len(KINDS)


# --- what is answered --------------------------------------------------------------------------------------


def all_answers() -> Iterator[tuple[str, Answer]]:
    for thing in (*KINDS, *QUESTIONS):
        yield from ((thing.id, answer) for answer in thing.answers)


def test_cited_units_and_steps_exist() -> None:
    """A kind and a question speak to steps that the catalogue has."""
    wrong = [
        f"{name}: {answer.unit} step {answer.step}"
        for name, answer in all_answers()
        if not CATALOG.has_unit(answer.unit) or answer.step > len(CATALOG.unit(answer.unit).steps)
    ]

    assert wrong == []


def test_other_levels_are_cited_only_where_level_3_does_not_lead() -> None:
    """A unit of level 3 stands for its family; another level is named only for steps with words of its own."""
    wrong = []
    for name, answer in all_answers():
        unit = CATALOG.unit(answer.unit)
        words = unit.steps[answer.step - 1].text
        same = [
            other
            for other in CATALOG.family(unit.family).units
            if other.level == 3 and any(step.text == words for step in CATALOG.unit(other).steps)
        ]
        if unit.level != 3 and same:
            wrong.append(f"{name}: {answer.unit} step {answer.step}")

    assert wrong == []


def test_every_document_unit_has_a_kind() -> None:
    """The 94 units of level 3 that are answered by documents each have at least one kind."""
    documents = {row["unit"] for row in rows("classes.csv") if row["class"] == "D"}

    assert len(documents) == 94
    assert documents - {answer.unit for kind in KINDS for answer in kind.answers} == set()


def test_every_onsite_unit_has_a_question_for_each_step() -> None:
    """The 15 units of level 3 that need a look or a question have one for each step."""
    units = {row["unit"] for row in rows("classes.csv") if row["class"] == "M"}
    asked = {(answer.unit, answer.step) for question in QUESTIONS for answer in question.answers}

    assert len(units) == 15
    assert [
        (unit, step.number)
        for unit in sorted(units)
        for step in CATALOG.unit(unit).steps
        if (unit, step.number) not in asked
    ] == []


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_no_step_of_the_room_and_of_management_is_left_out(level: int) -> None:
    """At every level each step of these classes has a document, a look or a question."""
    here = scope(level)
    answers = [answer for thing in (*KINDS, *QUESTIONS) for answer in thing.answers]
    reached = {(place.unit, place.step) for place in here.places(answers)}

    open_steps = [
        f"{unit.id} step {step.number}"
        for unit in here.selection.units
        if unit.id.security_class in HERE
        for step in unit.steps
        if (unit.id, step.number) not in reached
    ]

    assert open_steps == []


def test_every_row_of_the_table_of_checks_is_implemented() -> None:
    """Each of the 26 document checks is cited, and each of its units is answered by what cites it."""
    table = {row["check"]: set(row["units"].split()) for row in rows("check_rows.csv")}
    done: dict[str, set[str]] = {check: set() for check in table}
    for thing in (*KINDS, *QUESTIONS):
        for check in thing.checks:
            done[check] |= {answer.unit for answer in thing.answers}

    assert len(table) == 26
    assert {check: units - done[check] for check, units in table.items() if units - done[check]} == {}


def test_high_risk_cases_concern_what_is_answered() -> None:
    """A cited case of the guide exists and concerns a requirement that the kind or question answers."""
    guide = high_risk_guide()
    for thing in (*KINDS, *QUESTIONS):
        families = {CATALOG.unit(answer.unit).family for answer in thing.answers}
        for name in thing.high_risk_cases:
            concerned = {
                CATALOG.unit(unit).family for units in guide.case(name).units.values() for unit in units
            }
            assert families & concerned, (thing.id, name)


def test_the_list_of_kinds_is_frozen() -> None:
    """What each kind answers changes on purpose only: the golden list changes in the same commit."""
    lines = []
    for kind in KINDS:
        steps: dict[str, list[str]] = {}
        for answer in kind.answers:
            steps.setdefault(answer.unit, []).append(str(answer.step))
        lines.append(f"{kind.id}: " + " ".join(f"{unit}({','.join(found)})" for unit, found in steps.items()))

    assert "\n".join(lines) + "\n" == GOLDEN.read_text(encoding="utf-8")


# --- samples -----------------------------------------------------------------------------------------------


def with_partners(kind: DocumentKind) -> list[DocumentKind]:
    return [kind, *(load_kinds().kind(link.kind) for link in kind.links)]


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_each_sample_gives_the_outcome_in_it(kind: DocumentKind, sample: Sample) -> None:
    """The examples inside the files are true, and the aspect that they name carries the outcome."""
    records = (sample.record, *sample.beside)

    found = check_documents(with_partners(kind), records, sample.today, level=3)[0]

    assert found.outcome is sample.outcome, found.reasons
    if sample.aspect is None:
        assert found.reasons == ()
    else:
        told = found.aspect(sample.aspect)
        assert told is not None
        assert told.outcome is sample.outcome


@pytest.mark.parametrize("kind", KINDS, ids=by_id)
def test_samples_show_what_the_kind_can_get_wrong(kind: DocumentKind) -> None:
    """Too old, without approver and with a date that nobody entered each have their example where they apply."""
    given = {
        (sample.aspect, sample.outcome)
        for sample in load_samples(kind)
        if sample.outcome is not RuleOutcome.PASS
    }
    wanted = {(Aspect.APPROVED, RuleOutcome.FAIL)} if kind.approver else set()
    if kind.freshness.of is not None:
        wanted |= {(Aspect.FRESH, RuleOutcome.FAIL), (Aspect.FRESH, RuleOutcome.ERROR)}
    elif Field.DATE in kind.requires:
        wanted.add((Aspect.COMPLETE, RuleOutcome.ERROR))
    if kind.links:
        wanted.add((Aspect.CROSS_REFERENCED, RuleOutcome.ERROR))

    assert wanted - given == set()


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_nothing_passes_or_fails_when_nobody_looked(level: int) -> None:
    """Of a system of which nothing was given and nobody went on site, only errors are told."""
    here = scope(level, tuple(Scope)[1:])
    today = load_samples(KINDS[0])[0].today
    sheets = checklist(here, SHEETS)

    documents = check_documents(here.wanted(KINDS), (), today, level=level)
    looks = check_answers(sheets, (), today)

    assert documents
    assert looks
    assert {one.outcome for one in (*documents, *looks)} == {RuleOutcome.ERROR}


@pytest.mark.parametrize("level", [2, 3, 4])
def test_instructions_say_what_to_give(level: int) -> None:
    """Each request names the document, what must stand on it, and the steps that it answers."""
    here = scope(level)
    today = load_samples(KINDS[0])[0].today

    requests = [one for holder in missing(here, KINDS, (), today) for one in holder.documents]

    assert {one.kind.id for one in requests} == {kind.id for kind in here.wanted(KINDS)}
    for request in requests:
        assert request.action is Action.UPLOAD
        assert request.kind.name.zh in request.instructions[0].zh
        assert request.kind.name.en in request.instructions[0].en
        assert all(field.zh in request.instructions[1].zh for field in request.kind.requires)
        assert request.places


def test_official_periods_are_those_of_the_guide_and_the_filing_rules() -> None:
    """Nothing but these claims to be official; a new one needs a source and a change here."""
    official = {
        (kind.id, limit.months)
        for kind in KINDS
        for limit in (kind.freshness.limit, *kind.freshness.limits_at.values())
        if limit is not None and limit.origin is PeriodOrigin.OFFICIAL_GUIDE
    }

    assert official == {
        ("contingency-drill-record", 12),
        ("contingency-training-record", 12),
        ("evaluation-report", 12),
        ("filing-certificate", 36),
    }
    assert {sheet.origin for sheet in SHEETS} == {PeriodOrigin.CUSTOMARY}
