"""An assessment from its start to its conclusion: frozen, decided, reviewed by a second person, closed, reopened by two."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from controls.loader import load_catalog
from controls.scoring import Edition, score_mlps
from controls.scoring.document import mlps_input, mlps_output
from secops.assessments import closing, reviewing
from secops.assessments import frame as frame_module
from secops.assessments.closing import Unfinished
from secops.assessments.deciding import CellConflict, Decision, decide, decide_many
from secops.assessments.export import export_of
from secops.assessments.models import (
    Assessment,
    AssessmentChange,
    AssessmentRecord,
    AssessmentState,
    RecordState,
)
from secops.assessments.planning import Plan, create
from secops.assessments.quality import checks
from secops.assessments.queries import assessment_statement, compare
from secops.assessments.result import gaps, verdicts_of, work_out
from secops.assessments.risks import RiskInput, compensate, judge_risk
from secops.clock import utc_now
from secops.db import local_day
from secops.errors import BadInput, Conflict, Refused
from secops.findings.models import Finding, FindingSource, FindingState
from secops.inventory.models import ExclusionState, UnitExclusion
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.posture.models import PostureCell
from secops.scope import Principal
from tests.functional.assessments.conftest import ONE, TWO, Bench
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions

PARTIAL_LESS = "L3-PES1-01"


def _everything(bench: Bench, verdict: str = "compliant") -> None:
    with bench.work() as (session, found, frame):
        decide_many(
            session, found, frame, frame.cells(), verdict=verdict, text="逐项核查，满足要求。", now=utc_now()
        )


def _accept_all(bench: Bench) -> None:
    with bench.work() as (session, found, _):
        reviewing.submit(session, found, now=utc_now())
    with bench.work(TWO) as (session, found, _):
        reviewing.review(session, found, [], accept=True, reason="", now=utc_now())


def test_the_scope_is_frozen_at_the_start(bench: Bench, platform: Platform) -> None:
    """Units, targets and rules stay although the system's level, targets and exclusions change afterwards."""
    with bench.work() as (session, found, frame):
        before = (found.cells, list(found.scope["units"]), [one.name for one in frame.targets])
        assert (len(frame.units), found.edition, found.rules["multi_object_rule"]) == (211, "2025", "set")
        # Two servers count twice where servers are judged; a unit without a target falls on the whole system.
        assert len(frame.places["L3-CES1-01"]) == 3
        assert [one.kind for one in frame.places["L3-PES1-01"]] == ["system"]
    with platform.work("test:change") as session:
        system = session.get_one(System, bench.system_id)
        system.level, system.profile = 2, "S2A2G2"
        session.execute(delete(PostureCell))
        from secops.audit_log.services import record

        record(session, "system.change", system, now=utc_now())
    with bench.work() as (_, found, frame):
        assert before == (
            found.cells,
            [str(one.id) for one in frame.units],
            [one.name for one in frame.targets],
        )


def test_a_decision_needs_what_was_read(bench: Bench) -> None:
    """Who decides on an older version gets the other's words instead of overwriting them."""
    first = bench.decide("L3-PES1-01", verdict="compliant", text="现场查看")
    with pytest.raises(CellConflict) as caught:
        bench.decide("L3-PES1-01", who=TWO, verdict="non_compliant", text="有渗水")
    assert caught.value.theirs["text"] == "现场查看"
    second = bench.decide(
        "L3-PES1-01", who=TWO, version=first.version, verdict="non_compliant", text="有渗水"
    )
    assert (second.verdict, second.version) == ("non_compliant", first.version + 1)
    with bench.work() as (session, found, _):
        history = session.scalars(
            select(AssessmentChange)
            .where(AssessmentChange.unit_id == "L3-PES1-01")
            .order_by(AssessmentChange.id)
        ).all()
    assert [(one.actor, one.before.get("text"), one.after["text"]) for one in history] == [
        ("one", None, "现场查看"),
        ("two", "现场查看", "有渗水"),
    ]


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"verdict": "na", "text": ""}, "text"),
        ({"verdict": "passed"}, "verdict"),
        ({"methods": ["X"]}, "methods"),
        ({"steps": {"9": "yes"}}, "steps"),
        ({"steps": {"1": "maybe"}}, "steps"),
        ({"evidence_ids": [4711]}, "evidence"),
        ({"crypto": {"d": True}}, "crypto"),
    ],
)
def test_what_the_unit_does_not_know_is_refused(bench: Bench, what: dict[str, Any], field: str) -> None:
    """Each refusal names its field, and nothing is written."""
    with pytest.raises(BadInput) as caught:
        bench.decide("L3-PES1-01", **what)
    assert caught.value.field == field
    with bench.work() as (session, _, _):
        assert session.scalar(select(func.count(AssessmentRecord.id))) == 0


def test_partial_is_refused_where_the_unit_does_not_know_it(bench: Bench) -> None:
    """Of 211 units 84 know only met or not met."""
    with bench.work() as (_, _, frame):
        (unit,) = [one for one in frame.units if not one.partial_possible][:1]
    with pytest.raises(BadInput):
        bench.decide(str(unit.id), verdict="partial", text="部分")
    with pytest.raises(BadInput):
        bench.decide("L3-PES1-01", target=999_999, verdict="compliant")


def test_readers_decide_nothing(bench: Bench) -> None:
    """An owner sees the grid and can't write to it."""
    owner = Principal(name="owner", roles=frozenset({"owner"}), everything=True, clearance=TWO.clearance)
    with pytest.raises(Refused):
        bench.decide("L3-PES1-01", who=owner, verdict="compliant")


def test_bulk_previews_and_keeps_what_people_decided(bench: Bench) -> None:
    """The preview writes nothing; decided cells stay unless told otherwise; cells of other kinds are left alone."""
    bench.decide("L3-PES1-01", verdict="non_compliant", text="渗水")
    with bench.work() as (session, found, frame):
        cells = list(frame.cells())
        preview = decide_many(
            session, found, frame, cells, verdict="compliant", text="好", now=utc_now(), apply=False
        )
        assert (preview.changed, preview.skipped_count) == (found.cells - 1, 1)
    with bench.work() as (session, _, _):
        assert session.scalar(select(func.count(AssessmentRecord.id))) == 1
    _everything(bench)
    with bench.work() as (session, found, frame):
        kept = session.scalars(select(AssessmentRecord).where(AssessmentRecord.unit_id == "L3-PES1-01")).one()
        assert kept.verdict == "non_compliant"
        over = decide_many(
            session,
            found,
            frame,
            frame.cells(),
            verdict="compliant",
            text="好",
            overwrite=True,
            now=utc_now(),
        )
        assert (over.changed, over.overwritten) == (1, 1)


def test_suggestions_are_accepted_with_a_draft_text(bench: Bench, platform: Platform) -> None:
    """What the posture proposes is taken over with its evidence and a text that is marked until somebody confirms it."""
    with bench.work() as (_, _, frame):
        target = frame.places["L3-CES1-01"][0]
    with platform.work("test:posture") as session:
        cell = session.scalars(
            select(PostureCell).where(
                PostureCell.unit_id == "L3-CES1-01", PostureCell.asset_id == target.asset_id
            )
        ).one()
        cell.suggested, cell.reasons = (
            "non_compliant",
            [{"zh": "允许空口令登录", "en": "empty passwords are allowed"}],
        )
    with bench.work() as (session, found, frame):
        done = decide_many(session, found, frame, frame.cells(), verdict=None, now=utc_now())
        assert done.changed == 1
        row = session.scalars(select(AssessmentRecord)).one()
        assert (row.verdict, row.text_draft, row.suggestion["verdict"]) == (
            "non_compliant",
            True,
            "non_compliant",
        )
        assert "允许空口令登录" in row.text
        version = row.version
    bench.decide("L3-CES1-01", target.id, version=version, verdict="compliant", text="已复核：仅本地控制台")
    with bench.work() as (session, _, _):
        row = session.scalars(select(AssessmentRecord)).one()
        assert (row.verdict, row.differs, row.suggestion["verdict"], row.text_draft) == (
            "compliant",
            True,
            "non_compliant",
            False,
        )


def test_nobody_reviews_their_own_decisions(bench: Bench) -> None:
    """Submitted, then accepted by somebody else; returned ones need a reason and block the end."""
    bench.decide("L3-PES1-01", verdict="compliant", text="现场查看")
    bench.decide("L3-PES1-02", who=TWO, verdict="na", text="楼层不适用此要求")
    for who in (ONE, TWO):
        with bench.work(who) as (session, found, _):
            assert reviewing.submit(session, found, now=utc_now()).moved == 1
    with bench.work(ONE) as (session, found, _):
        done = reviewing.review(session, found, [], accept=True, reason="", now=utc_now())
        assert (done.moved, done.own) == (1, 1)
    with bench.work(TWO) as (session, found, _):
        with pytest.raises(BadInput):
            reviewing.review(session, found, [], accept=False, reason="", now=utc_now())
        assert reviewing.review(session, found, [], accept=False, reason="补充照片", now=utc_now()).moved == 1
        states = {row.unit_id: row.state for row in session.scalars(select(AssessmentRecord))}
        last = session.scalars(
            select(AssessmentChange)
            .where(AssessmentChange.unit_id == "L3-PES1-01")
            .order_by(AssessmentChange.id.desc())
        ).first()
        assert last is not None
        assert (last.action, last.actor, last.note) == ("return", "two", "补充照片")
    assert states == {"L3-PES1-01": RecordState.RETURNED, "L3-PES1-02": RecordState.ACCEPTED}


def test_closing_freezes_result_and_raises_findings(bench: Bench, platform: Platform) -> None:
    """The stored conclusion is what the scoring input gives anywhere; shortfalls become findings, later met ones close."""
    bench.decide("L3-PES1-01", verdict="non_compliant", text="机房有渗水")
    with bench.work() as (session, found, frame):
        decide_many(
            session,
            found,
            frame,
            [c for c in frame.cells() if c[0] != "L3-PES1-01"],
            verdict="compliant",
            text="满足要求",
            now=utc_now(),
        )
        judge_risk(
            session,
            found,
            frame,
            RiskInput("L3-PES1-01", "high", "high", major=True, cost=8000),
            now=utc_now(),
        )
    with bench.work() as (session, found, frame):
        closing.close(session, found, frame, now=utc_now())
        assert found.conclusion == "基本符合"
        document = json.loads(json.dumps(export_of(session, found, frame)))
    again = mlps_output(score_mlps(Edition.MLPS_2025, mlps_input(document["scoring"])))
    assert again == document["results"]
    assert (again["rate"], again["conclusion"]) == (99.53, "基本符合")
    with platform.work("test:look") as session:
        finding = session.scalars(select(Finding).where(Finding.source == FindingSource.ASSESSMENT)).one()
        assert (finding.severity.value, finding.units, finding.state) == (
            "high",
            ["L3-PES1-01"],
            FindingState.OPEN,
        )
    with pytest.raises(Refused):
        bench.decide("L3-PES1-02", verdict="non_compliant")
    with platform.work_as(ONE) as session:
        system = session.get_one(System, bench.system_id)
        second = create(session, system, Plan(edition="2025", assets=bench.assets), now=utc_now())
        assert second.previous_id == bench.assessment_id
        bench.assessment_id = second.id
    _everything(bench)
    with bench.work() as (session, found, frame):
        closing.close(session, found, frame, now=utc_now())
        assert found.conclusion == "符合"
    with platform.work("test:look") as session:
        assert session.scalars(select(Finding.state)).one() is FindingState.CLOSED
    assert {"assessment.create", "assessment.close", "finding.open", "finding.assessed"} <= set(
        audit_actions(platform)
    )


def test_faults_stand_in_the_way_of_closing(bench: Bench) -> None:
    """Each blocking check names its cells; a reason closes over them and stays in the history."""
    bench.decide("L3-PES1-01", verdict="compliant", text="好")
    bench.decide("L3-PES1-02", verdict="na", text="没有这种机房")
    with pytest.raises(Unfinished) as caught, bench.work() as (session, found, frame):
        closing.close(session, found, frame, now=utc_now())
    assert [one.key for one in caught.value.found] == ["na-not-approved"]
    with bench.work() as (session, found, frame):
        closing.close(session, found, frame, now=utc_now(), over_faults="领导批准按期关闭")
        assert found.result["faults"] == {"na-not-approved": 1}
        note = session.scalars(select(AssessmentChange).where(AssessmentChange.action == "close")).one().note
    assert note == "领导批准按期关闭"


def test_checks_find_what_they_name(bench: Bench, platform: Platform, rows: Rows) -> None:
    """One cell of each kind of fault, each found by its own check and by no blocking other."""
    from secops.evidence.models import Evidence

    late = rows.one(Evidence, system_id=bench.system_id, state="superseded")
    with bench.work() as (_, _, frame):
        two_steps = next(
            str(one.id)
            for one in frame.units
            if not str(one.id).startswith("L3-PES")
            and len(one.steps) == 2
            and not one.rule.alternatives
            and one.partial_possible
        )
    bench.decide(two_steps, verdict="compliant", text="满足", steps={"1": "yes", "2": "no"})
    bench.decide("L3-PES1-03", verdict="compliant", text="看过", evidence_ids=[late])
    bench.decide("L3-PES1-04", verdict="non_compliant", text="未固定")
    bench.decide("L3-PES1-05", verdict="compliant")
    with bench.work() as (session, found, frame):
        rows_found = {
            one.key: one for one in checks(session, found, frame, today=local_day(session, utc_now()))
        }
    assert rows_found["contradiction"].cells[0][0] == two_steps
    assert [c[0] for c in rows_found["evidence-gone"].cells] == ["L3-PES1-03"]
    assert "L3-PES1-05" in [c[0] for c in rows_found["without-text"].cells]
    assert [c[0] for c in rows_found["without-risk"].cells] == ["L3-PES1-04"]
    assert "L3-PES1-05" in [c[0] for c in rows_found["compliant-without-evidence"].cells]
    assert len(rows_found["not-examined"].cells) == found.cells - 4


def test_a_compensation_changes_the_result_and_nothing_else(bench: Bench) -> None:
    """The record keeps its verdict; the score counts the better one; the helping unit must be met."""
    bench.decide("L3-PES1-01", verdict="non_compliant", text="渗水")
    with bench.work() as (session, found, frame):
        place = frame.places["L3-PES1-01"][0].id
    with pytest.raises(BadInput), bench.work() as (session, found, frame):
        compensate(
            session,
            found,
            frame,
            unit_id="L3-PES1-01",
            target_id=place,
            by_unit_id="L3-PES1-02",
            verdict="compliant",
            reason="另有防水层",
            now=utc_now(),
        )
    bench.decide("L3-PES1-02", verdict="compliant", text="好")
    with bench.work() as (session, found, frame):
        before = work_out(session, found, frame).output
        compensate(
            session,
            found,
            frame,
            unit_id="L3-PES1-01",
            target_id=place,
            by_unit_id="L3-PES1-02",
            verdict="compliant",
            reason="另有防水层",
            now=utc_now(),
        )
        after = work_out(session, found, frame).output
        record = session.scalars(
            select(AssessmentRecord).where(AssessmentRecord.unit_id == "L3-PES1-01")
        ).one()
    assert before is not None
    assert after is not None
    assert (before["rate"], after["rate"], record.verdict) == (50.0, 100.0, "non_compliant")


def test_reopening_takes_two_people(bench: Bench) -> None:
    """Asked for with a reason by one, granted by another; the old conclusion stays in the history."""
    _everything(bench)
    with bench.work() as (session, found, frame):
        closing.close(session, found, frame, now=utc_now())
    with bench.work() as (session, found, _):
        closing.ask_reopen(session, found, reason="发现录入错误", now=utc_now())
        with pytest.raises(Refused):
            closing.grant_reopen(session, found, grant=True, reason="", now=utc_now())
    with bench.work(TWO) as (session, found, _):
        closing.grant_reopen(session, found, grant=True, reason="同意", now=utc_now())
        assert (found.state, found.conclusion) == (AssessmentState.RUNNING, "")
        past = session.scalars(select(AssessmentChange).where(AssessmentChange.action == "reopen")).one()
        assert past.before["conclusion"] == "符合"


def test_exclusions_and_inheritance_are_settled_before_the_start(platform: Platform, rows: Rows) -> None:
    """They are records from the first moment, and no one changes them in the grid."""
    system = rows.one(System, level=3, profile="S3A3G3", code="X-1", name="门户")
    rows.one(
        UnitExclusion, system_id=system, unit_id="L3-PES1-01", reason="没有自有机房", state=ExclusionState.APPROVED.value,
        requested_by="one", decided_by="two",
    )  # fmt: skip
    with platform.work_as(ONE) as session:
        found = create(session, session.get_one(System, system), Plan(), now=utc_now())
    bench = Bench(platform, found.id, system, [])
    with bench.work() as (session, _, _):
        row = session.scalars(select(AssessmentRecord)).one()
        assert (row.unit_id, row.verdict, row.state, row.reviewer) == (
            "L3-PES1-01",
            "na",
            RecordState.ACCEPTED,
            "two",
        )
        version = row.version
    with pytest.raises(Refused):
        bench.decide("L3-PES1-01", version=version, verdict="compliant", text="可以")


def test_two_deciders_at_once_lose_nothing(make_bench: Callable[..., Bench]) -> None:
    """The second of two sessions that read the same cell is told, whichever commits first."""
    bench = make_bench()
    first = bench.decide("L3-PES1-01", verdict="compliant", text="甲")
    bench.decide("L3-PES1-01", version=first.version, verdict="non_compliant", text="乙")
    with pytest.raises(Conflict):
        bench.decide("L3-PES1-01", version=first.version, verdict="compliant", text="丙")


def test_a_crypto_assessment_scores_by_its_own_rule(make_bench: Callable[..., Bench]) -> None:
    """D, A and K of people, verdicts for management units; the score comes once all 41 units have an answer."""
    bench = make_bench(kinds=("server", "application", "document", "room", "link"), edition="crypto-2023")
    with bench.work() as (session, found, frame):
        assert len(frame.units) == 41
        for unit_id, target_id in list(frame.cells()):
            management = unit_id.startswith("L3-7")
            decide(
                session, found, frame,
                Decision(unit_id, target_id, 0, verdict="compliant" if management else None, text="核查密码应用方案",
                         crypto=None if management else {"d": True, "a": True, "k": unit_id != "L3-6.2.1"}),
                now=utc_now(),
            )  # fmt: skip
        result = work_out(session, found, frame)
    assert result.output is not None
    assert result.why_none is None
    assert 90 < result.output["score"] < 100
    with bench.work() as (session, found, frame):
        closing.close(session, found, frame, now=utc_now())
        assert found.conclusion == result.output["conclusion"]


def test_d_a_and_k_make_the_verdict(make_bench: Callable[..., Bench]) -> None:
    """Half an answer leaves the cell open; a whole one is a verdict that gaps, counts and comparison see."""
    bench = make_bench(kinds=("server",), edition="crypto-2023")
    unit = "L3-6.2.1"
    row = bench.decide(unit, crypto={"d": True, "a": False})
    assert (row.verdict, row.state) == (None, RecordState.OPEN)
    row = bench.decide(unit, version=row.version, crypto={"d": True, "a": False, "k": True})
    assert (row.verdict, row.state) == ("partial", RecordState.DECIDED)
    with pytest.raises(BadInput, match="D, A and K"):
        bench.decide(unit, version=row.version, verdict="compliant")
    with bench.work() as (session, found, frame):
        assert list(gaps(frame, verdicts_of(session, found.id))) == [unit]
        assert work_out(session, found, frame).counts["partial"] == 1
        assert {one.now for one in compare(session, frame, found.id, 0) if str(one.unit.id) == unit} == {
            "partial"
        }
        done = decide_many(session, found, frame, [(unit, row.target_id)], verdict="compliant", overwrite=True,
                           now=utc_now())  # fmt: skip
        assert (done.changed, done.skipped[0][3]) == (0, "its verdict comes from D, A and K")
    assert (
        bench.decide(unit, version=row.version, crypto={"d": False, "a": False, "k": False}).verdict
        == "non_compliant"
    )


def test_another_catalogue_leaves_a_closed_assessment_as_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was frozen at the close is given again although the catalogue lost a unit since."""
    bench.decide("L3-PES1-01", verdict="compliant", text="核查机房")
    with bench.work() as (session, found, frame):
        closing.close(session, found, frame, now=utc_now(), over_faults="只看一项")
        before, conclusion = export_of(session, found, frame), found.conclusion
    catalog = load_catalog()

    class Poorer:
        def has_unit(self, unit_id: str) -> bool:
            return unit_id != "L3-PES1-01" and catalog.has_unit(unit_id)

        def __getattr__(self, name: str) -> Any:
            return getattr(catalog, name)

    monkeypatch.setattr(frame_module, "load_catalog", Poorer)
    with bench.work() as (session, found, frame):
        assert "L3-PES1-01" not in frame.unit_of
        assert (export_of(session, found, frame), found.conclusion) == (before, conclusion)
        assert any(one["unit"] == "L3-PES1-01" for one in before["records"])


def test_lists_do_not_read_the_frozen_result(bench: Bench, query_recorder: Any) -> None:
    """The result holds the whole export; the list of assessments leaves it where it is."""
    with bench.work() as (session, _, _), query_recorder(bench.platform.engine) as seen:
        session.execute(assessment_statement()).all()
    assert not any("assessment.result" in one for one in seen.statements)


def test_an_unclassified_system_is_not_assessed(platform: Platform, rows: Rows) -> None:
    """The refusal says what to do first."""
    system = rows.one(System, level=None, profile="", code="U-1")
    asset = rows.one(Asset, system_id=rows.one(System, code="U-2", level=3, profile="S3A3G3"))
    with platform.work_as(ONE) as session:
        with pytest.raises(BadInput, match="Classify"):
            create(session, session.get_one(System, system), Plan(), now=utc_now())
        other = session.scalars(select(System).where(System.code == "U-2")).one()
        with pytest.raises(BadInput, match="edition"):
            create(session, other, Plan(edition="2018"), now=utc_now())
        with pytest.raises(BadInput, match="belong"):
            create(session, other, Plan(assets=[asset + 500]), now=utc_now())
        assert session.scalar(select(func.count(Assessment.id))) == 0
