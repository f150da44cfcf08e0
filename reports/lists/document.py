"""Lists as documents of one table each; only workbooks, CSV and JSON are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reports.blocks import Block, Cell, Document, Fact, Table
from reports.lists.model import (
    AssetList,
    AuditExtract,
    EvidenceIndex,
    Statement,
    StatementRow,
)
from reports.paper.frame import Pen, lay_out
from reports.paper.model import PaperModel
from reports.read_model import Language, Text
from reports.remediation.document import all_problems
from reports.remediation.model import RemediationReport
from reports.terms import IMPORTANCE_NAMES
from reports.text import time_text

__all__ = ["assets", "audit_extract", "evidence_index", "findings", "statement"]

_SOA = Text(
    "本适用性声明由平台登记生成：哪些要求适用、为何不适用、由谁负责。排除须经第二人批准，最终由测评机构认定。",
    "This statement of applicability is made from the registers: what applies, why not, and who answers it. Exclusions take a second person; the evaluation body decides in the end.",
)
_EVIDENCE = Text(
    "证据清单列出平台证据库中的材料与 SM3 摘要，不代表材料的内容已被认可。",
    "The index lists what lies in the vault with its SM3 digest; it does not mean that the content was accepted.",
)
_ASSETS = Text(
    "资产清单为登记情况，未登记的对象不在其中。",
    "The list shows what is registered; what is not registered is not in it.",
)
_FINDINGS = Text(
    "问题清单为自查结果，等级由平台规则给出，不是测评机构的结论。",
    "The list shows what self-assessment found; severities are given by rules of this platform and are no conclusion of an evaluation body.",
)
_AUDIT = Text(
    "本摘录供查阅；完整性校验须用 secops verify 检查整份日志的导出，单独的摘录不能证明没有缺行。",
    "This extract is for reading; to check integrity, run secops verify over an export of the whole log. An extract alone does not prove that no row is missing.",
)
_STATES = {
    "in": Text("适用", "applies"),
    "out": Text("不适用（等级或扩展不要求）", "does not apply (not asked by level or extension)"),
    "excluded": Text("不适用（已批准）", "does not apply (approved)"),
    "asked": Text("适用（排除待批准）", "applies (exclusion waits for approval)"),
}


def _list(
    model: PaperModel,
    language: Language,
    nature: Text,
    table: Callable[[Pen], Table],
    facts: Callable[[Pen], Iterator[Fact]] | None = None,
) -> Document:
    def blocks(pen: Pen) -> Iterator[Block]:
        yield table(pen)

    return lay_out(model, language, blocks, nature=nature, counted=False, facts=facts)


def statement(model: Statement, language: Language) -> Document:
    """Statement of applicability."""
    return _list(model, language, _SOA, lambda pen: _statement(model, pen), lambda pen: _applying(model, pen))


def _applying(model: Statement, pen: Pen) -> Iterator[Fact]:
    states = [one.state for one in model.rows]
    applies = states.count("in") + states.count("asked")
    yield Fact(pen.t("适用的单元", "Units that apply"), str(applies))
    yield Fact(pen.t("已批准排除的单元", "Units excluded by approval"), str(states.count("excluded")))
    inherited = sum(one.responsibility is not None for one in model.rows)
    yield Fact(pen.t("继承或共担的单元", "Units inherited or shared"), str(inherited))


def _statement(model: Statement, pen: Pen) -> Table:
    t = pen.t

    def row(one: StatementRow) -> tuple[Cell, ...]:
        return (
            one.unit, one.clause, pen.of(one.class_name), pen.of(one.point), pen.of(one.summary), pen.of(_STATES[one.state]), pen.of(one.why), one.reason, one.requested_by, one.decided_by,
            pen.of(one.responsibility) if one.responsibility else t("自有", "own"), one.provider, pen.state(one.provider_verdict) if one.provider_verdict else "", one.report,
            one.expires_on.isoformat() if one.expires_on else "", pen.state(one.verdict) if one.state != "out" else "", one.evidence,
        )  # fmt: skip

    return Table(
        t("适用性声明", "Statement of applicability"),
        (t("单元", "Unit"), t("条款", "Clause"), t("安全类", "Class"), t("控制点", "Control point"), t("要求（摘要）", "Requirement (summary)"), t("是否适用", "Applies"), t("依据", "Why"), t("排除理由", "Reason of exclusion"), t("申请人", "Asked by"), t("批准人", "Approved by"),
         t("责任", "Responsibility"), t("提供方", "Provider"), t("提供方结论", "Provider's verdict"), t("提供方报告", "Provider's report"), t("有效至", "Until"), t("当前判定", "Verdict now"), t("证据数", "Evidence")),
        (1, 0.9, 1.3, 1.2, 3, 1.3, 2, 2, 0.9, 0.9, 0.9, 1.2, 1, 1.4, 0.9, 1, 0.6),
        tuple(row(one) for one in model.rows),
        t("系统尚未定级，没有适用的要求项。", "The system has no level, so no item applies."), sheet=t("适用性声明", "Applicability"),
    )  # fmt: skip


def evidence_index(model: EvidenceIndex, language: Language) -> Document:
    """Evidence index."""

    def table(pen: Pen) -> Table:
        t, zone = pen.t, model.meta.zone
        return Table(
            t("证据清单", "Evidence index"),
            (t("编号", "No."), t("系统", "System"), t("名称", "Title"), t("文件名", "File"), t("材料种类", "Kind"), t("来源", "Source"), t("状态", "State"), t("内容完好", "Content held"), t("字节数", "Bytes"), "SM3", t("提交人", "Given by"), t("提交时间", "Given at"),
             t("认定人", "Decided by"), t("生效", "From"), t("有效至", "Until"), t("对应单元", "Units"), t("备注", "Note")),
            (0.8, 1.4, 2, 2, 1.2, 0.9, 0.9, 0.8, 0.9, 4, 0.9, 1.2, 0.9, 0.9, 0.9, 2, 2),
            tuple(
                (one.number, one.system, one.title, one.file_name, pen.of(one.kind), pen.of(one.source), pen.of(one.state), t("是", "yes") if one.is_held else t("否", "no"), one.size_bytes, one.sm3, one.given_by, time_text(one.given_at, zone),
                 one.decided_by, one.effective_from.isoformat() if one.effective_from else "", one.effective_until.isoformat() if one.effective_until else "", pen.join(one.units), one.note)
                for one in model.rows
            ),
            t("证据库中没有材料。", "Nothing lies in the vault."), sheet=t("证据清单", "Evidence"),
        )  # fmt: skip

    return _list(model, language, _EVIDENCE, table)


def assets(model: AssetList, language: Language) -> Document:
    """Asset list."""

    def table(pen: Pen) -> Table:
        t = pen.t
        return Table(
            t("资产清单", "Assets"),
            (t("系统编码", "System code"), t("系统", "System"), t("名称", "Name"), t("类型", "Kind"), t("地址", "Address"), t("重要程度", "Importance"), t("分组", "Group"), t("抽查", "Sampled"), t("待整改问题", "Open findings"), t("备注", "Note")),
            (1, 1.6, 2, 1.2, 1.3, 0.9, 1, 0.7, 0.9, 2.4),
            tuple((one.system_code, one.system, one.name, pen.of(one.kind), one.address, pen.of(IMPORTANCE_NAMES[one.importance]), one.group, pen.yes(one.sampled), one.open_findings, one.note) for one in model.rows),
            t("没有登记测评对象。", "No target is registered."), sheet=t("资产清单", "Assets"),
        )  # fmt: skip

    return _list(model, language, _ASSETS, table)


def findings(model: RemediationReport, language: Language) -> Document:
    """Finding list: the rows of the remediation report."""
    return _list(model, language, _FINDINGS, lambda pen: all_problems(model, pen))


def audit_extract(model: AuditExtract, language: Language) -> Document:
    """Extract of the audit log."""

    def facts(pen: Pen) -> Iterator[Fact]:
        t = pen.t
        yield Fact(t("日志标识", "Log"), model.log_id)
        yield Fact(t("摘录事件", "Events here"), str(len(model.rows)))
        yield Fact(t("日志事件总数", "Events in the log"), str(model.total))
        yield Fact(t("链头序号", "Head"), str(model.head_seq))
        yield Fact(t("链头摘要（SM3）", "Hash of the head (SM3)"), model.head_hash)

    def table(pen: Pen) -> Table:
        t, zone = pen.t, model.meta.zone
        return Table(
            t("审计事件", "Audit events"),
            (t("序号", "Seq"), t("时间", "Time"), t("操作人", "Actor"), t("角色", "Roles"), t("地址", "Address"), t("动作", "Action"), t("对象", "Object"), t("结果", "Result"), t("原因", "Reason"), t("细节", "Detail"), t("摘要（SM3）", "Hash (SM3)")),
            (0.7, 1.3, 1, 1, 1, 1.4, 1.2, 0.7, 1.4, 3, 4),
            tuple((one.seq, time_text(one.at, zone), one.actor, one.roles, one.address, pen.of(one.action), one.object, one.result, one.reason, one.detail, one.hash) for one in model.rows),
            t("没有事件。", "No event."), sheet=t("审计事件", "Audit events"),
        )  # fmt: skip

    return _list(model, language, _AUDIT, table, facts)
