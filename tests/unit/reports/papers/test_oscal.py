"""OSCAL documents read by compliance-trestle: small, empty and hostile models, both languages.

The trestle of the lock knows OSCAL 1.2 and refuses the number of 1.1; the check lifts only that number. What 1.1 asks
for and 1.2 does not is checked here by hand.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from trestle.oscal import OSCAL_VERSION
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.catalog import Catalog
from trestle.oscal.poam import PlanOfActionAndMilestones
from trestle.oscal.profile import Profile

from reports.read_model import Counts
from reports.registry import renderer
from tests.unit.reports.assessment.test_assessment import report as assessment
from tests.unit.reports.papers import models
from tests.unit.reports.papers.test_papers import HOSTILE

CASES = {
    "oscal_gap": (models.gap, AssessmentResults),
    "oscal_remediation": (models.remediation, PlanOfActionAndMilestones),
    "oscal_soa": (models.soa, Profile),
    "oscal_catalog": (models.soa, Catalog),
}


def _read(name: str, model: Any, kind: Any, language: str = "zh") -> dict[str, Any]:
    """The document after trestle read it."""
    content = renderer(name).render(model, language=language).content
    assert content == renderer(name).render(model, language=language).content
    ((root, document),) = json.loads(content).items()
    assert document["metadata"]["oscal-version"] == "1.1.3"
    lifted = document | {"metadata": document["metadata"] | {"oscal-version": OSCAL_VERSION}}
    kind.model_validate(lifted)
    _check_ids(document)
    assert root in ("assessment-results", "plan-of-action-and-milestones", "profile", "catalog")
    found: dict[str, Any] = document
    return found


def _check_ids(document: Any) -> None:
    """Every id is one, none stands twice, and every reference finds what it names."""
    made: list[str] = []
    named: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, dict):
            for key, one in value.items():
                if key == "uuid":
                    made.append(one)
                elif key in ("observation-uuid", "risk-uuid"):
                    named.append(one)
                elif key == "party-uuids":
                    named.extend(one)
                elif key == "href" and str(one).startswith("#"):
                    named.append(one[1:])
                else:
                    walk(one)

    walk(document)
    assert len(set(made)) == len(made)
    assert all(UUID(one).version == 5 for one in made)
    assert set(named) <= set(made)


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_trestle_reads_it(name: str, language: str) -> None:
    """The same bytes each time, valid, and a self-assessment by its own words."""
    make, kind = CASES[name]
    document = _read(name, make(), kind, language)
    props = {one["name"]: one["value"] for one in document["metadata"]["props"]}
    assert props["self-assessment"] == "yes"
    assert document["metadata"]["remarks"]


@pytest.mark.parametrize("name", list(CASES))
def test_what_people_type_stays_text(name: str) -> None:
    """Mark-up is escaped in Markdown and plain in properties; the document stays valid."""
    make, kind = CASES[name]
    for words in HOSTILE:
        document = json.dumps(_read(name, make(words), kind), ensure_ascii=False)
        assert "<script>" not in document.replace('"value": "<script>', "")


def test_an_assessment_gives_results() -> None:
    """Records of an assessment: a finding for each unit that was judged, an observation for each record."""
    model = assessment(records=12)
    document = _read("oscal_assessment", model, AssessmentResults)
    (result,) = document["results"]
    units = {one.unit for one in model.records}
    judged = {one.unit for one in model.records if one.verdict}
    assert len(result["observations"]) == len(model.records)
    assert len(result["findings"]) == len(judged) < len(units)
    assert {one["methods"][0] for one in result["observations"]} <= {
        "EXAMINE",
        "INTERVIEW",
        "TEST",
        "UNKNOWN",
    }


def test_verdicts_are_properties() -> None:
    """Counts and states of the model; what nobody examined is no finding and has its reason."""
    model = models.gap()
    (result,) = _read("oscal_gap", model, AssessmentResults)["results"]
    props = {one["name"]: int(one["value"]) for one in result["props"] if one["name"].startswith("count-")}
    assert Counts(*props.values()) == model.counts
    states = [one["target"]["status"] for one in result["findings"]]
    assert [one["state"] for one in states].count("not-satisfied") == 2
    assert len(states) == model.counts.examined
    open_ones = [
        one for one in result["observations"] if {"not_examined"} & {each["value"] for each in one["props"]}
    ]
    assert all(one["description"] != "—" for one in open_ones)
    assert len(open_ones) == 40 * 7


def test_a_plan_has_deadlines_and_measures() -> None:
    """One risk and one item for each finding; an empty plan says that nothing is registered."""
    model = models.remediation(many=6)
    plan = _read("oscal_remediation", model, PlanOfActionAndMilestones)
    assert len(plan["risks"]) == len(plan["poam-items"]) == 6
    assert [one["status"] for one in plan["risks"]].count("closed") == model.tally.settled
    assert all(one["deadline"].startswith("2026-11-01T23:59:59") for one in plan["risks"])
    (only,) = _read("oscal_remediation", models.remediation(many=0), PlanOfActionAndMilestones)["poam-items"]
    assert only["title"] == "没有登记问题。"
    _read("oscal_remediation", models.remediation(district=True), PlanOfActionAndMilestones)


def test_the_profile_chooses_from_the_catalog() -> None:
    """Every chosen and every excluded unit stands in the catalog; the provider stands at its unit."""
    catalog = _read("oscal_catalog", models.soa(), Catalog)
    profile = _read("oscal_soa", models.soa(), Profile)
    known = {control["id"] for group in catalog["groups"] for control in group["controls"]}
    (chosen,) = profile["imports"]
    included = set(chosen["include-controls"][0]["with-ids"])
    excluded = set(chosen["exclude-controls"][0]["with-ids"])
    assert included | excluded < known
    assert not included & excluded
    (alter,) = profile["modify"]["alters"]
    assert {one["name"] for one in alter["adds"][0]["props"]} >= {"responsibility", "provider", "until"}
    _read("oscal_catalog", replace(models.soa(), rows=()), Catalog)
