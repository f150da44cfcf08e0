"""Files of kinds and their samples: what is read, and what is refused with file, line and key."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from controls.documents.loader import UnknownDocumentKind, load_kinds, load_kinds_from
from controls.documents.samples import load_samples
from controls.documents.terms import Field, FreshnessRule, PeriodOrigin, Trait
from controls.errors import DataError
from controls.ids import UnitId

SHIPPED = Path(str(files("policies") / "documents"))
KINDS = load_kinds()


def folder(tmp_path: Path, *names: str) -> Path:
    """Copy some shipped files with what they refer to."""
    for name in names:
        shutil.copy(SHIPPED / f"{name}.yaml", tmp_path)
    return tmp_path


def test_shipped_kinds_are_read_once() -> None:
    """The same object each time, ordered by id."""
    assert load_kinds() is KINDS
    ids = [kind.id for kind in KINDS]
    assert ids == sorted(ids)
    assert len(KINDS) == len(ids)


def test_a_kind_is_read_as_it_stands() -> None:
    """The drill record with its links, period and origin."""
    kind = KINDS.kind("contingency-drill-record")

    assert kind.answers[0].unit == "L3-MMS1-43"
    assert kind.requires == (Field.ISSUER, Field.DATE, Field.PARTICIPANTS)
    assert kind.freshness.rule is FreshnessRule.AGE
    assert kind.freshness.limit is not None
    assert (kind.freshness.limit.months, kind.freshness.limit.origin) == (12, PeriodOrigin.OFFICIAL_GUIDE)
    assert [link.kind for link in kind.links] == ["contingency-plan", "contingency-training-record"]
    assert KINDS.kind("fire-system-report").when == (Trait.OWN_ROOM,)


def test_levels_have_their_limits() -> None:
    """An evaluation holds a year, at level 2 by custom two."""
    freshness = KINDS.kind("evaluation-report").freshness
    limits = [freshness.limit_for(level) for level in (2, 3, 4)]

    assert [limit.months for limit in limits if limit] == [24, 12, 12]
    assert limits[0] is not None
    assert limits[0].origin is PeriodOrigin.CUSTOMARY


def test_unknown_kinds_are_named() -> None:
    """Asking for a kind that is not there says which."""
    assert KINDS.has("security-policy")
    assert not KINDS.has("poem")
    with pytest.raises(UnknownDocumentKind, match="poem") as refusal:
        KINDS.kind("poem")
    assert "文档种类" in refusal.value.zh


def test_kinds_of_a_unit() -> None:
    """A page on a unit can list what answers it."""
    assert [kind.id for kind in KINDS.for_unit(UnitId("L3-MMS1-43"))] == [
        "contingency-drill-record",
        "contingency-training-record",
    ]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("2025年度等级测评报告（终稿）.pdf", "evaluation-report"),
        ("机房应急演练记录.docx", "contingency-drill-record"),
        ("XX系统定级报告.doc", "classification-report"),
        ("备案证明扫描件.JPG", "filing-certificate"),
        ("网络安全领导小组成立文件.pdf", "leading-group-appointment"),
        ("变更申请单-20250301.xlsx", "change-record"),
        ("sla_v2.pdf", "cloud-service-agreement"),
    ],
)
def test_file_names_give_a_guess(name: str, first: str) -> None:
    """Usual names lead to the kind that is meant; upper and lower case do not matter."""
    assert KINDS.guess(name)[0].id == first


def test_an_unknown_name_gives_no_guess() -> None:
    """Nothing is made up."""
    assert KINDS.guess("IMG_0001.jpg") == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("id: filing-certificate", "id: other", "must equal the file's name"),
        ("target: document", "target: server", "must be document"),
        ("target: document", "target: thing", "is not one of"),
        ("holder: construction", "holder: somebody", "'somebody' is not one of"),
        ("unit: L3-CMS1-04", "unit: L3-XXX1-04", "not a unit number"),
        ("steps: [1]", "steps: [0]", "must be the number of a step"),
        ("steps: [1]", "steps: [1, 1]", "names a step twice"),
        ("steps: [1]", "steps: []", "at least one entry"),
        ("checks: [DOC-CM-001]", "checks: [CM-1]", "is not of the form DOC-PS-001"),
        ("checks: [DOC-CM-001]", "high_risk_cases: [6.9]", "must be a text"),
        ("checks: [DOC-CM-001]", "high_risk_cases: [case-1]", "case-1 is not of the form 6.10.1.1"),
        ("requires: [number", "requires: [approver, number", "approver must say who approves"),
        ("judged: best", "judged: sometimes", "'sometimes' is not one of"),
        ("rule: validity", "rule: magic", "'magic' is not one of"),
        ("of: valid-until", "of: date", "must be a required one of valid-until"),
        ("months: 36", "months: 0", "must be 1 to 120 months"),
        ("  months: 36\n", "", "says where months come from"),
        ("origin: official-guide", "origin: heaven", "'heaven' is not one of"),
        ("counts_from: 2025-01-01", "counts_from: soon", "must be a day"),
        ("rule: validity\n  of: valid-until", "rule: age\n  of: date", "stands with a validity"),
        ("  months: 36\n  origin: official-guide\n", "", "stands with a validity"),
        ("rule: exists", "rule: exists\n    months: 3", "months must stand with within"),
        ("rule: exists", "rule: within", "months must stand with within"),
        ("rule: exists", "rule: same-party", "filing-certificate does not require counterparty"),
        ("kind: classification-report", "kind: nowhere", "there is no other kind nowhere"),
        ("kind: classification-report", "kind: filing-certificate", "there is no other kind"),
        ("looks_at:", "reads:", "is not a known key"),
        ("zh: 公安机关网安部门签发的备案证明。", "zh: police", "must be Chinese"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A wrong kind names its file, line and key."""
    root = folder(tmp_path, "filing-certificate", "classification-report")
    path = root / "filing-certificate.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DataError, match=problem) as refusal:
        load_kinds_from(root)

    assert refusal.value.file == "documents/filing-certificate.yaml"
    assert refusal.value.line >= 1


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("evaluation-report", "'2':", "'9':", "must stand under a level"),
        ("evaluation-report", "{months: 24, origin: customary}", "{months: 24}", "is missing"),
        ("evaluation-report", "  months: 12\n", "", "months: is missing"),
        ("classification-expert-review", "rule: once", "rule: once\n  months: 3", "is not a known key"),
        ("security-design", "key: plan", "key: A Plan", "small letters"),
        ("security-design", "from_level: 3", "from_level: 5", "must be a level"),
    ],
)
def test_what_is_refused_elsewhere(tmp_path: Path, name: str, old: str, new: str, problem: str) -> None:
    """The same for levels, topics and what does not age."""
    root = folder(tmp_path, name, "classification-report")
    path = root / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DataError, match=problem):
        load_kinds_from(root)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("today: 2025-06-30", "today: soon", "must be a day"),
        ("date: 2025-03-10", "date: 2025-03-10 10:00:00", "must be a day"),
        ("    issuer: 示例单位", "    colour: red", "'colour' is not one of"),
        ("aspect: fresh", "aspect: taste", "'taste' is not one of"),
        ("outcome: fail", "outcome: bad", "'bad' is not one of"),
        ("cases:", "examples:", "is not a known key"),
        ("date: 2025-03-10", "period: [2025-03-10]", "must be the first and the last day"),
        ("date: 2025-03-10", "review: lost", "'lost' is not one of"),
        ("date: 2025-03-10", "review-interval: yearly", "must be a whole number"),
    ],
)
def test_wrong_samples_are_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """Samples are read as strictly as kinds."""
    root = folder(tmp_path, "filing-certificate", "classification-report")
    path = root / "filing-certificate.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DataError, match=problem):
        load_samples(KINDS.kind("filing-certificate"), root)


def test_samples_can_say_everything(tmp_path: Path) -> None:
    """State of review, period, interval, topics and absence are written as they are meant."""
    root = folder(tmp_path, "filing-certificate", "classification-report")
    path = root / "filing-certificate.yaml"
    text = path.read_text(encoding="utf-8").replace(
        "change: {valid-until: 2025-06-29}",
        "change: {review: expired, period: [2025-01-01, 2025-02-01], review-interval: 6, topics: null, refers_to: null}",
    )
    path.write_text(text, encoding="utf-8")

    sample = load_samples(KINDS.kind("filing-certificate"), root)[1].record

    assert sample.review == "expired"
    assert sample.review_interval_months == 6
    assert sample.topics is None
    assert sample.refers_to is None
    assert str(sample.period).count("datetime.date") == 2
