"""Read models of papers against the store: every figure is the one that pages and lists show."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from reports.read_model import Layer
from reports.registry import renderer
from secops.audit_log.models import AuditEvent, AuditHead
from secops.cli.main import run
from secops.evidence.documents import missing_of
from secops.evidence.models import Evidence, EvidenceLink
from secops.findings.models import Finding, Measure, MeasureFinding
from secops.findings.queries import counts as finding_counts
from secops.findings.queries import is_open
from secops.inventory.applicability import rows_of
from secops.inventory.models import InheritedUnit, UnitExclusion
from secops.objects.models import Asset, Classification, System
from secops.objects.services import classify_system
from secops.platform import Platform
from secops.posture.catalogue import selection_for
from secops.posture.models import PostureCell, PostureSummary
from secops.posture.queries import dashboard
from secops.posture.services import counts_of, recompute
from secops.reporting.gap_model import items_of
from secops.reporting.handlers import build_model
from secops.seed.district import SIZES, seed
from tests.support.builders import Rows

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
TODAY = NOW.astimezone(ZoneInfo("Asia/Shanghai")).date()


@pytest.fixture
def district(platform: Platform, rows: Rows) -> Platform:
    """Twelve systems with postures and findings, and measures for some of them."""
    seed(platform.engine, SIZES["S"])
    with platform.work("test:measures") as session:
        planned = session.scalars(select(Finding).where(Finding.state.in_(("planned", "closed")))).all()
        ids = [(one.id, one.system_id) for one in planned]
    for finding, system in ids[:10]:
        measure = rows.one(Measure, system_id=system, text="加固", owner="contact", due=date(2026, 11, 1), cost=500)  # fmt: skip
        rows.one(MeasureFinding, system_id=system, measure_id=measure, finding_id=finding)
    return platform


def model_of(platform: Platform, kind: str, code: str = "", language: str = "zh") -> Any:
    """The read model of a system, or of the district."""
    with platform.work("test:report") as session:
        system = session.scalars(select(System).where(System.code == code)).one() if code else None
        asked = {"kind": kind, "number": "N-1", "language": language}
        return build_model(session, system, asked, now=NOW, zone="Asia/Shanghai")


def test_remediation_of_a_district(district: Platform) -> None:
    """The figures of the report are those of the page of findings; each measure counts what it closed."""
    model = model_of(district, "remediation")
    with district.work("test:look") as session:
        shown = finding_counts(session, TODAY)
        costs = session.scalar(select(func.sum(Measure.cost)))
    assert (model.tally.total, model.tally.open, model.tally.high) == (shown.total, shown.open, shown.high)
    assert (model.tally.overdue, model.tally.submitted) == (shown.overdue, shown.submitted)
    assert model.tally.overdue > 0
    assert sum(one.cost for one in model.measures) == costs == 5000
    by_number = {one.number: one for one in model.problems}
    for measure in model.measures:
        settled = [one for one in measure.findings if not by_number[one].is_open]
        assert measure.closed == len(settled)
    assert model.subject.systems == 12
    assert model.counts.total == model.counts.examined + model.counts.not_examined > 0


def test_remediation_of_a_system_is_its_part(district: Platform) -> None:
    """The parts of all systems make the whole."""
    whole = model_of(district, "remediation")
    with district.work("test:look") as session:
        codes = session.scalars(select(System.code).where(System.is_platform.is_(False))).all()
    parts = [model_of(district, "remediation", code) for code in codes]
    assert sum(one.tally.total for one in parts) == whole.tally.total
    assert sum(one.counts.total for one in parts) == whole.counts.total
    assert {one.number for part in parts for one in part.problems} == {one.number for one in whole.problems}


@pytest.fixture
def measured(platform: Platform, rows: Rows) -> Platform:
    """One system of level 3 with a posture worked out: a host, a policy given, an inherited item and findings."""
    system = rows.one(System, code="GAP-1", name="审批平台", level=3, profile="S3A3G3")
    rows.one(Asset, system_id=system, kind="server", name="主机 <1>")
    rows.one(Asset, system_id=system, kind="database", name="db")
    rows.one(Finding, system_id=system, state="open", units=["L3-CES1-01"])
    with platform.work("test:posture") as session:
        recompute(session, session.get_one(System, system), now=NOW)
    with platform.work("test:verdicts") as session:
        cells = session.scalars(select(PostureCell).order_by(PostureCell.id)).all()
        for number, cell in enumerate(cells[:90]):
            cell.verdict = ("compliant", "partial", "non_compliant", "na")[number % 4]
        session.flush()
        recompute(session, session.get_one(System, system), now=NOW, only=())
    return platform


def test_gap_says_what_the_pages_say(measured: Platform) -> None:
    """Counts by state and class are those of the stored posture; each item has its state and, if open, a reason."""
    model = model_of(measured, "gap", "GAP-1")
    with measured.work("test:look") as session:
        summary = session.scalars(select(PostureSummary).where(PostureSummary.current.is_(True))).one()
        by_class = {code: counts_of(one) for code, one in summary.by_class.items()}
        total = counts_of(summary)
        cells = {}
        for one in session.scalars(select(PostureCell)):
            cells.setdefault(one.unit_id, []).append(one)
    assert model.counts == total
    assert {one.code: one.counts for one in model.classes} == by_class
    assert len(model.items) == total.total == 211
    for item in model.items:
        open_cells = [one for one in cells[item.unit] if one.verdict not in ("compliant", "na")]
        assert len(item.places) == len(open_cells)
        assert item.targets == len(cells[item.unit])
        assert all(place.reason.zh and place.reason.en for place in item.places)
    (found,) = [one for one in model.items if one.unit == "L3-CES1-01"]
    assert found.findings == ("P-00001",)


def test_gap_names_the_missing_evidence(measured: Platform) -> None:
    """The papers of the report are those that the page of requests would ask for."""
    model = model_of(measured, "gap", "GAP-1", "en")
    with measured.work("test:look") as session:
        system = session.scalars(select(System).where(System.code == "GAP-1")).one()
        asked = [one.kind.name.zh for entry in missing_of(session, system, TODAY) for one in entry.documents]
    assert [one.name.zh for one in model.papers] == asked
    assert len(asked) > 10


def test_classification_is_the_wizards_record(platform: Platform, rows: Rows) -> None:
    """Sides, levels and words are those of the newest record; the one before stands in the history."""
    system = rows.one(System, code="CLS-1", name="审批平台", level=None, profile="")
    with platform.work("test:classify") as session:
        found = session.get_one(System, system)
        for degree, reason in (("general", "初次定级"), ("severe", "业务扩大")):
            detail = {"business": [{"name": "审批记录", "degrees": {"public": degree}}],
                      "service": [{"name": "在线办理", "degrees": {"citizens": "severe", "public": "general"}}],
                      "minimums": [{"key": "carried", "level": 3, "met": degree == "severe"}], "expert": "三位专家", "approval": "主管局"}  # fmt: skip
            classify_system(
                session, found, rule_set="gbt-22240-2020", business=[("public", degree)], service=[("citizens", "severe"), ("public", "general")],
                reason=reason, actor="officer", now=NOW, detail=detail,
            )  # fmt: skip
    model = model_of(platform, "classification", "CLS-1")
    with platform.work("test:look") as session:
        newest, first = session.scalars(select(Classification).order_by(Classification.id.desc())).all()
        units = len(selection_for(newest.profile, ()).units)
    record = model.record
    assert (record.profile, record.level, record.reason) == (newest.profile, newest.level, "业务扩大")
    assert [(one.code, one.level) for one in record.sides] == [("S", newest.s_level), ("A", newest.a_level)]
    assert [[kind.name for kind in one.kinds] for one in record.sides] == [["审批记录"], ["在线办理"]]
    assert len(record.sides[1].kinds[0].harms) == 2
    assert max(one.level for one in record.sides[1].kinds[0].harms) == record.sides[1].deciding.level
    assert [(one.level, one.met) for one in record.minimums] == [(3, True)]
    assert [one.profile for one in model.earlier] == [first.profile]
    assert model.counts.total == units
    assert any(one.due is not None for one in model.next_steps)
    assert [one.level for one in record.alternatives] == [3]


def test_a_level_without_a_record_has_none(measured: Platform) -> None:
    """The register names a level that no wizard gave."""
    assert model_of(measured, "classification", "GAP-1").record is None


def test_the_district_has_the_figures_of_the_dashboard(district: Platform) -> None:
    """Totals, posture and layers are those of the dashboard; levels, departments and systems add up to them."""
    model = model_of(district, "district")
    with district.work("test:look") as session:
        shown = dashboard(session, TODAY)
    totals = model.totals
    assert (totals.systems, totals.filed, totals.to_file) == (shown.systems.total, shown.systems.filed, shown.systems.to_file)  # fmt: skip
    assert (totals.evaluated, totals.evaluation_overdue, totals.never_evaluated) == (shown.systems.evaluated, shown.systems.overdue, shown.systems.never)  # fmt: skip
    assert (totals.open, totals.high, totals.overdue) == (shown.findings.open, shown.findings.high, shown.findings.overdue)  # fmt: skip
    assert model.counts == shown.posture.total
    assert {one.layer: {"high": one.high, "medium": one.medium, "low": one.low} for one in model.layers} == {
        layer: {key: shown.by_layer.get(layer, {}).get(key, 0) for key in ("high", "medium", "low")} for layer in Layer
    }  # fmt: skip
    for lines in (model.levels, model.departments):
        assert sum(one.systems for one in lines) == totals.systems == len(model.systems)
        assert sum(one.to_file for one in lines) == totals.to_file
        assert sum(one.evaluation_overdue for one in lines) == totals.evaluation_overdue
    for lines in (model.departments, model.systems):
        assert sum(one.open for one in lines) == totals.open - totals.of_platform
        assert sum(one.high for one in lines) == totals.high
        assert sum(one.overdue for one in lines) == totals.overdue
    added_up = sum(one.counts.total for one in model.systems)
    assert added_up == sum(one.counts.total for one in model.departments) == model.counts.total
    assert all(one.is_late == (one.due < TODAY) for one in model.dates)


def test_classes_of_the_district_add_up(measured: Platform) -> None:
    """The posture by class is that of its systems."""
    model = model_of(measured, "district")
    assert sum(one.counts.total for one in model.classes) == model.counts.total == 211
    assert sum(one.counts.partial for one in model.classes) == model.counts.partial > 0


def test_queries_of_a_district_do_not_grow(district: Platform, query_recorder: Any) -> None:
    """As many queries for twelve systems as for one."""
    numbers = {}
    for kind in ("district", "remediation"):
        with query_recorder(district.engine) as queries:
            model_of(district, kind)
        numbers[kind] = queries.count
    assert numbers["district"] <= 25
    assert numbers["remediation"] <= 12


def test_the_statement_of_applicability(measured: Platform, rows: Rows) -> None:
    """Every unit of the catalogue's level is in it once: applying, excluded with its approval, inherited with its end."""
    with measured.work("test:look") as session:
        system = session.scalars(select(System).where(System.code == "GAP-1")).one().id
    rows.one(UnitExclusion, system_id=system, unit_id="L3-PES1-01", reason="没有自有机房", state="approved", requested_by="contact", decided_by="officer")  # fmt: skip
    rows.one(InheritedUnit, system_id=system, unit_id="L3-PES1-02", responsibility="inherited", provider_name="政务云", verdict="compliant", report="云平台报告", expires_on=date(2027, 1, 1), claimed_by="contact")  # fmt: skip
    model = model_of(measured, "soa", "GAP-1")
    with measured.work("test:look") as session:
        shown = rows_of(session, session.get_one(System, system))
        items = {one.unit: one for one in items_of(session, session.get_one(System, system))}
    assert [one.unit for one in model.rows] == [str(one.unit.id) for one in shown]
    assert [one.state for one in model.rows] == [one.state for one in shown]
    by_unit = {one.unit: one for one in model.rows}
    out = by_unit["L3-PES1-01"]
    assert (out.state, out.reason, out.decided_by) == ("excluded", "没有自有机房", "officer")
    given = by_unit["L3-PES1-02"]
    assert (given.provider, given.provider_verdict, given.expires_on) == ("政务云", "compliant", date(2027, 1, 1))  # fmt: skip
    assert all(one.verdict == items[one.unit].verdict for one in model.rows if one.state != "out")


def test_lists_have_every_row(district: Platform, rows: Rows) -> None:
    """Evidence, targets and findings of the store stand in the lists, and those of one system in its own."""
    with district.work("test:look") as session:
        one = session.scalars(
            select(System).where(System.is_platform.is_(False)).order_by(System.code)
        ).first()
        system, code = one.id, one.code
    kept = rows.one(Evidence, system_id=system, title="=1+1", sm3="ab" * 32, source="upload", blob_state="ok")
    rows.one(Evidence, system_id=system, source="report")
    rows.one(EvidenceLink, system_id=system, evidence_id=kept, unit_id="L2-CES1-01")
    with district.work("test:look") as session:
        targets = session.scalar(select(func.count(Asset.id)))
        own = session.scalar(select(func.count(Asset.id)).where(Asset.system_id == system))
        problems = session.scalar(select(func.count(Finding.id)))
        on_targets = session.scalar(select(func.count(Finding.id)).where(is_open(), Finding.asset_id.is_not(None)))  # fmt: skip
    evidence = model_of(district, "evidence-index").rows
    assert [(one.number, one.units, one.is_held) for one in evidence] == [(f"E-{kept:05}", ("L2-CES1-01",), True)]  # fmt: skip
    assert model_of(district, "evidence-index", code).rows == evidence
    assets = model_of(district, "assets").rows
    assert (len(assets), len(model_of(district, "assets", code).rows)) == (targets, own)
    assert sum(one.open_findings for one in assets) == on_targets > 0
    assert len(model_of(district, "findings").problems) == problems
    files = renderer("csv_evidence_index").render(model_of(district, "evidence-index")).content
    assert "'=1+1" in files.decode("utf-8-sig")


def test_the_extract_of_the_audit_log(district: Platform) -> None:
    """The events and the head that the log has."""
    with district.work("test:look") as session:
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.seq)).all()
        head = session.scalars(select(AuditHead)).one()
    model = model_of(district, "audit-extract")
    assert [(one.seq, one.hash, one.actor) for one in model.rows] == [(one.seq, one.hash, one.actor) for one in events]  # fmt: skip
    assert (model.total, model.head_seq, model.head_hash) == (len(events), head.seq, head.hash)
    assert model.rows[-1].hash == head.hash


def test_oscal_of_the_store(measured: Platform) -> None:
    """Results name each unit once with the stored counts; the catalog holds them all."""
    content = renderer("oscal_gap").render(model_of(measured, "gap", "GAP-1")).content
    (result,) = json.loads(content)["assessment-results"]["results"]
    (selection,) = result["reviewed-controls"]["control-selections"]
    with measured.work("test:look") as session:
        total = counts_of(
            session.scalars(select(PostureSummary).where(PostureSummary.current.is_(True))).one()
        )
    assert len(selection["include-controls"]) == total.total
    assert len(result["findings"]) == total.examined
    catalog = json.loads(renderer("oscal_catalog").render(model_of(measured, "catalog", "GAP-1")).content)
    known = {one["id"] for group in catalog["catalog"]["groups"] for one in group["controls"]}
    assert {one["control-id"] for one in selection["include-controls"]} <= known


def test_from_the_console(
    district: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Kinds name what they are about; one is built for a system and for the district; wrong requests are refused."""
    monkeypatch.setenv("SECOPS_HOME", str(district.settings.home))

    def call(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*words, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out.strip() else None

    kinds = {one["id"]: one for one in call("report", "kinds")[1]["kinds"]}
    assert kinds["remediation"]["of"] == ["system", "district"]
    assert kinds["remediation"]["formats"] == ["pdf", "docx", "xlsx", "csv", "json", "oscal"]
    code, made = call("report", "build", "remediation", "--district", "--format", "xlsx", "--out", str(tmp_path))  # fmt: skip
    assert (code, len(made["files"])) == (0, 1)
    assert Path(made["files"][0]).read_bytes()[:2] == b"PK"
    with district.work("test:look") as session:
        one = session.scalars(select(System.code).where(System.is_platform.is_(False))).first()
    code, made = call("report", "build", "remediation", "--system", str(one), "--language", "en", "--out", str(tmp_path))  # fmt: skip
    assert (code, len(made["files"])) == (0, 6)
    assert call("report", "build", "remediation")[0] == 2
    assert call("report", "build", "remediation", "--district", "--system", str(one))[0] == 2
    assert call("report", "build", "posture", "--district")[0] == 2
