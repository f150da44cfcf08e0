"""Small models of every kind of paper; *words* stand wherever a person types."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from reports.classification.model import (
    Alternative,
    AssetCount,
    ClassificationReport,
    Earlier,
    Harm,
    KindLine,
    MatrixRow,
    Minimum,
    NextStep,
    Record,
    Side,
)
from reports.crypto.model import CryptoReport, CryptoUnit, Judged, RuleResult
from reports.district.model import (
    DateLine,
    DepartmentLine,
    DistrictReport,
    LayerFindings,
    LevelLine,
    SystemLine,
    Totals,
)
from reports.gap.model import GapItem, GapReport, MissingPaper, Place
from reports.lists.model import (
    AssetList,
    AssetRow,
    AuditExtract,
    AuditRow,
    EvidenceIndex,
    EvidenceLine,
    Statement,
    StatementRow,
)
from reports.paper.model import Subject
from reports.read_model import CountRow, Counts, Importance, Layer, ReportMeta, Severity, Text, Verdict
from reports.remediation.model import MeasureLine, Problem, RemediationReport, Tally

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=timezone(timedelta(hours=8)))
USUAL = "核查配置并复测"


def meta(title: str) -> ReportMeta:
    """The head of a paper."""
    return ReportMeta(Text(title, f"{title} en"), "SYS-20261125-01", NOW, "secops 0.1.0", "GB/T 28448-2019")


def subject(words: str = "行政审批系统", *, district: bool = False) -> Subject:
    """One system, or three of them."""
    if district:
        return Subject(Text("3 个系统", "3 systems"), "", words[:80] or "x", systems=3)
    return Subject(Text.same(words[:80] or "x"), "SYS", "政务服务局", 3, "S3A3G3", "44060010001-26001")


def counts(examined: int = 60) -> Counts:
    """A hundred items, so many of them examined and compliant."""
    return Counts(compliant=examined, not_examined=100 - examined)


def remediation(
    words: str = USUAL, *, examined: int = 60, district: bool = False, many: int = 6
) -> RemediationReport:
    """Findings of all severities and layers, open and settled."""
    states = (
        ("open", "待处理", "Open"),
        ("submitted", "已提交", "Submitted"),
        ("closed", "已关闭", "Closed"),
    )
    levels, layers = (Severity.HIGH, Severity.MEDIUM, Severity.LOW), tuple(Layer)
    problems = tuple(
        Problem(
            f"P-{n:05}", "行政审批系统", "SYS", Text.same(words), levels[n % 3], layers[n % 4], words, ("L3-CES1-01",), states[n // 2 % 3][0], Text(*states[n // 2 % 3][1:]),
            n // 2 % 3 < 2, n % 4 == 0 and n // 2 % 3 < 2, words, date(2026, 10, 1), date(2026, 11, 1), None if n // 2 % 3 < 2 else date(2026, 11, 2), (words,) if n % 2 else (),
            Text.same(words) if n % 3 else None,
        )
        for n in range(many)
    )  # fmt: skip
    measures = (
        MeasureLine("M-00001", "行政审批系统", words, words, date(2026, 12, 1), False, 1200, ("P-00001",), 0),
    )
    return RemediationReport(
        meta("整改计划"), subject(words if words != USUAL else "行政审批系统", district=district), counts(examined), Tally.of(problems), problems, measures if many else (),
    )  # fmt: skip


def gap(words: str = USUAL, *, examined: int = 60) -> GapReport:
    """A hundred items of one class: the first are not or partly met, then compliant ones, the rest unexamined."""
    verdicts = [Verdict.NON_COMPLIANT, Verdict.PARTIAL, Verdict.NA] + [Verdict.COMPLIANT] * (examined - 3)
    states: list[Verdict | None] = [*verdicts, *[None] * (100 - examined)]
    point = Text("身份鉴别", "Identity authentication")
    items = tuple(
        GapItem(
            f"L3-CES1-{n:02}", "8.1.4.1 a)", "CES", Text("安全计算环境", "Secure computing environment"), point, Text("口令有复杂度要求。", "Passwords are complex."), tuple(Layer)[n % 4],
            verdict, 2, () if verdict in (Verdict.COMPLIANT, Verdict.NA) else tuple(Place(Text.same(words), verdict, Text.same(words)) for _ in range(7)), n % 3, ("P-00001",) if n == 0 else (),
            ("6.4.1.1",) if n < 2 else (),
        )
        for n, verdict in enumerate(states)
    )  # fmt: skip
    total = Counts.tally(states)
    row = CountRow.of("CES", Text("安全计算环境", "Secure computing environment"), total)
    papers = (MissingPaper(Text("人事部门", "Human resources"), Text("岗位职责", "Duties"), Text("上传", "Upload it"), (Text.same(words),), Text.same(words), ("L3-CES1-01",)),)  # fmt: skip
    return GapReport(meta("差距分析"), subject(words if words != USUAL else "行政审批系统"), total, (row,), (row,), items, papers)  # fmt: skip


def classification(words: str = USUAL, *, examined: int = 60, recorded: bool = True) -> ClassificationReport:
    """A level-3 system with two kinds of information, a service, a minimum and a classification before."""
    public = Text("社会秩序、公共利益", "Social order and public interest")
    severe = Harm(public, Text("严重损害", "Severe harm"), 3)
    sides = (
        Side("S", Text("业务信息安全", "Business information"), 3, severe, (KindLine(words, (severe,)), KindLine("", (severe,)))),
        Side("A", Text("系统服务安全", "System service"), 3, severe, (KindLine(words, (severe,)),)),
    )  # fmt: skip
    record = Record(
        Text("GB/T 22240-2020 矩阵", "matrix of GB/T 22240-2020"), "1", Text("4.3", "4.3"), Text("说明", "note"), True,
        (Text("一般损害", "General"), Text("严重损害", "Severe"), Text("特别严重损害", "Particularly severe")), (MatrixRow(public, (2, 3, 4)),), sides, "S3A3G3", 3,
        Text("专家评审后备案。", "Expert review, then filing."), (Minimum(Text.same(words), Text("4.4", "4.4"), 3, True),), (Alternative(Text("备案表 2025", "filing form 2025"), "S3A3G3", 3),),
        words, words, words, words[:60], NOW,
    )  # fmt: skip
    return ClassificationReport(
        meta("定级报告"), subject(words if words != USUAL else "行政审批系统"), counts(examined), Text("政务云", "government cloud"), words, words, words, words, words, (words,), (), True,
        date(2025, 1, 1), (AssetCount(Text("服务器", "Server"), 3),), record if recorded else None, (NextStep(Text("备案", "Filing"), Text("三十日内", "within 30 days"), Text("办法", "rules"), date(2026, 12, 25)),),
        (Earlier(NOW, "S2A2G2", "gbt-22240-2020@1", words, words),),
    )  # fmt: skip


def crypto(words: str = USUAL, *, examined: int = 60, closed: bool = True) -> CryptoReport:
    """A hundred units of one layer under both rules; with any unexamined there is no score."""
    verdicts: list[Verdict | None] = [Verdict.NON_COMPLIANT, Verdict.PARTIAL] + [Verdict.COMPLIANT] * (
        examined - 2
    )
    verdicts += [None] * (100 - examined)
    name = Text("身份鉴别", "Identity authentication")
    units = tuple(
        CryptoUnit(
            f"6.1.{n}", "device", name, Text("使用密码技术鉴别身份。", "Identity is proved by cryptography."), True, verdict, (Decimal("1"), Decimal("0.7")), (Decimal("0.5000"), None), (Decimal("1.2500"), None),
            (Judged(Text.same(words), verdict, None if verdict is None else verdict is not Verdict.NON_COMPLIANT, verdict is Verdict.COMPLIANT or None, None, "0.5", "", "o1" if n == 1 else "", words if verdict else "", words[:40], ()),),
            Text("高", "High") if n == 0 else None, words,
        )
        for n, verdict in enumerate(verdicts)
    )  # fmt: skip
    counted = Counts.tally(verdicts)
    why = None if examined == 100 else Text("还有单元未测评。", "Some units are not examined.")
    score = Decimal("72.50") if examined == 100 else None
    rules = tuple(
        RuleResult(Text(f"密评量化评估规则 {year}", f"crypto rule {year}"), year, year == "2023", score, score, score, Text("基本符合", "Basically conforming") if score else None, why, (score,), (Text.same("说明"),))
        for year in ("2023", "2021")
    )  # fmt: skip
    return CryptoReport(
        meta("密评自评估"), subject(words if words != USUAL else "行政审批系统"), counted, "SYS-2026-02", words, date(2026, 11, 2), NOW if closed else None, words, 1, rules,
        (CountRow.of("device", Text("设备和计算安全", "Device and computing security"), counted),), units,
    )  # fmt: skip


def district(words: str = USUAL, *, examined: int = 60, many: int = 3) -> DistrictReport:
    """Some systems of two levels in one department."""
    total = counts(examined)
    systems = tuple(
        SystemLine(
            f"S-{n:04}", words, words, 3 if n % 2 else None, "S3A3G3" if n % 2 else "", Text("政务云", "Government cloud"), ("filed", "open", "none")[n % 3], ("overdue", "never")[n % 2],
            Text("测评已逾期", "Evaluation overdue"), None, date(2026, 12, 1), True, n == 0, n == 0, total, n, n, n,
        )
        for n in range(many)
    )  # fmt: skip
    return DistrictReport(
        meta("总览"), subject(words, district=True), total, Totals(many, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 2, 1, 1, 1, 1),
        (CountRow.of("CES", Text("安全计算环境", "Secure computing environment"), total),), tuple(LayerFindings(layer, 1, 2, 3) for layer in Layer),
        (LevelLine(3, many, 1, 1, 1, 1, 1), LevelLine(None, 1, 0, 0, 0, 0, 0)), (DepartmentLine(words, many, 1, 1, total, 3, 2, 1),), systems,
        (DateLine(date(2026, 12, 1), False, Text("等级测评", "Evaluation"), words, words),),
    )  # fmt: skip


def _about(words: str) -> Subject:
    return subject(words if words != USUAL else "行政审批系统")


def soa(words: str = USUAL, *, examined: int = 60) -> Statement:
    """A unit in each state, one of them inherited."""
    rows = tuple(
        StatementRow(
            f"L3-CES1-0{n}", "8.1.4.1 a)", Text("安全计算环境", "Secure computing environment"), Text("身份鉴别", "Identity authentication"), Text("有标识。", "Has an identity."), state, Text.same(words), words, words, words,
            Text("继承", "inherited") if n == 0 else None, words, Verdict.COMPLIANT if n == 0 else None, words, date(2027, 1, 1), None if n else Verdict.COMPLIANT, n,
        )
        for n, state in enumerate(("in", "out", "excluded", "asked"))
    )  # fmt: skip
    return Statement(meta("适用性声明"), _about(words), counts(examined), rows)


def evidence_index(words: str = USUAL, *, examined: int = 60) -> EvidenceIndex:
    """Two pieces, one of them damaged."""
    rows = tuple(
        EvidenceLine(f"E-{n:05}", words, words, words, Text("制度", "Policy"), Text("上传", "Upload"), Text("已认可", "Accepted"), n == 0, 1024, "ab" * 32, words, NOW, words, None, date(2027, 1, 1), ("L3-CES1-01",), words)
        for n in range(2)
    )  # fmt: skip
    return EvidenceIndex(meta("证据清单"), _about(words), counts(examined), rows)


def assets(words: str = USUAL, *, examined: int = 60) -> AssetList:
    """One target of each importance."""
    rows = tuple(AssetRow("SYS", words, words, Text("服务器", "Server"), words, one, words, True, 2, words) for one in Importance)  # fmt: skip
    return AssetList(meta("资产清单"), _about(words), counts(examined), rows)


def audit_extract(words: str = USUAL, *, examined: int = 60) -> AuditExtract:
    """Three events."""
    rows = tuple(AuditRow(n, NOW, words, words, words, Text("登录", "Log-in"), words, "ok", words, words, "cd" * 32) for n in range(3))  # fmt: skip
    return AuditExtract(meta("审计日志摘录"), _about(words), counts(examined), 3, "log-1", 2, "cd" * 32, rows)
