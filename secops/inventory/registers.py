"""The registers: which fields each has, what tells its rows apart, and what a row lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from controls.terms import TargetKind
from secops.inventory.fields import Field, Kind
from secops.inventory.gaps import (
    category_gaps,
    department_gaps,
    filing_gaps,
    flow_gaps,
    policy_gaps,
    post_gaps,
    release_gaps,
    system_gaps,
)
from secops.inventory.models import DataCategory, DataFlow, Filing, KeyPost, Policy, Release
from secops.objects.models import Asset, Department, System
from secops.web.labels import LABELS, Label
from secops.web.lang import t

Gaps = Callable[[Any, date], list[Label]]


@dataclass(frozen=True, slots=True)
class Register:
    """One register.

    Args:
        identity: keys of the fields that tell rows apart; an import updates the row that agrees in all of them.
        place: ``system``, ``department`` or ``""`` (the row is its own place).
        layer: the layer of the plan that it feeds.
        gaps: what a row lacks today, as labels; an empty list when nothing does.
        page: name of its view.
    """

    key: str
    model: type[Any]
    zh: str
    en: str
    lead: tuple[str, str]
    fields: tuple[Field, ...]
    identity: tuple[str, ...]
    place: str
    layer: str
    page: str
    icon: str
    gaps: Gaps = lambda row, today: []

    @property
    def title(self) -> str:
        return t(self.zh, self.en)

    def field(self, key: str) -> Field:
        return next(field for field in self.fields if field.key == key)

    @property
    def own_fields(self) -> tuple[Field, ...]:
        """Fields that are attributes of the row, without its place."""
        return tuple(f for f in self.fields if f.kind not in (Kind.SYSTEM, Kind.DEPARTMENT))


def _options(pairs: Mapping[str, tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
    return tuple((value, zh, en) for value, (zh, en) in pairs.items())


def _labelled(kind: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((value, found.zh, found.en) for value, found in LABELS[kind].items())


_SYSTEM = Field(
    "system", "系统编码", "System code", Kind.SYSTEM, True, limit=32,
    hint=("填写已登记系统的编码。", "The code of a registered system."),
)  # fmt: skip
_DEPARTMENT = Field(
    "department", "部门", "Department", Kind.DEPARTMENT, True, limit=120,
    hint=("部门编码或名称。", "Code or name of the department."),
)  # fmt: skip
STAGES = {
    "collection": ("采集", "Collection"),
    "transmission": ("传输", "Transmission"),
    "storage": ("存储", "Storage"),
    "use": ("使用", "Use"),
    "exchange": ("交换", "Exchange"),
    "destruction": ("销毁", "Destruction"),
}
_EXTENSIONS = {
    "cloud": ("云计算", "Cloud"),
    "mobile": ("移动互联", "Mobile"),
    "iot": ("物联网", "IoT"),
    "ics": ("工业控制", "ICS"),
}
_DIMENSIONS = _options(
    {"design": ("设计", "Design"), "execution": ("执行", "Execution"), "supervision": ("监督", "Supervision")}
)
_STATES = _options(
    {"planned": ("规划中", "Planned"), "running": ("运行中", "Running"), "retired": ("已停用", "Retired")}
)
_CLOUD = _options(
    {
        "open": ("未启动", "Not started"),
        "applied": ("已申请", "Applied"),
        "contracted": ("已签约", "Contracted"),
        "migrating": ("迁移中", "Migrating"),
        "done": ("已上云", "On the cloud"),
        "exempt": ("不上云", "Exempt"),
    }
)
_SECRET = {"none": ("不涉密", "No state secrets"), "secret": ("涉及国家秘密", "State secrets")}

DEPARTMENTS = Register(
    "departments", Department, "部门", "Departments",
    ("组织架构和各部门的负责人。", "The organisation and the responsible leader of each part."),
    (
        Field("code", "部门编码", "Code", required=True, limit=32),
        Field("name", "部门名称", "Name", required=True, limit=120),
        Field("parent", "上级部门", "Parent", Kind.DEPARTMENT, limit=120, hint=("上级部门的编码或名称。", "Code or name of the department above.")),
        Field("leader", "网络安全负责人", "Responsible leader", limit=80),
    ),
    ("code",), "", "management", "DepartmentRegister", "diagram-3", department_gaps,
)  # fmt: skip

SYSTEMS = Register(
    "systems", System, "系统", "Systems",
    ("定级对象的登记：边界、业务、上云、运维与测评合同。", "Graded objects: boundary, business, cloud move, maintenance and evaluation contracts."),
    (
        Field("code", "系统编码", "Code", required=True, limit=32, section=("基本信息", "Basics")),
        Field("name", "系统名称", "Name", required=True),
        _DEPARTMENT,
        Field("secrecy", "是否涉密", "State secrets", Kind.CHOICE, True, _options(_SECRET), listed=False, hint=("涉密系统按分级保护管理，不能在此登记。", "Systems with state secrets fall under another scheme and can't be registered.")),
        Field("state", "状态", "State", Kind.CHOICE, True, _STATES),
        Field("business", "承载业务", "Business", Kind.AREA, limit=1000, listed=False, section=("业务与边界", "Business and boundary")),
        Field("boundary", "系统边界", "Boundary", Kind.AREA, limit=1000, listed=False, hint=("包含哪些设备和网络，与谁相连。", "Which devices and networks belong to it, and what it is connected to.")),
        Field("users", "用户与规模", "Users", limit=200, listed=False),
        Field("data_kinds", "数据种类与规模", "Kinds and volume of data", limit=300, listed=False),
        Field("hosting", "部署方式", "Hosting", Kind.CHOICE, True, _labelled("hosting"), section=("部署与上云", "Hosting and cloud")),
        Field("tenant_of", "承载平台（租户）", "Tenant of", limit=160, listed=False, hint=("运行在哪个云平台或机房上；继承其结论在“继承”页设定。", "The cloud platform or room it runs in; its results are taken over on the page Inheritance.")),
        Field("cloud_state", "上云进度", "Move to the cloud", Kind.CHOICE, True, _CLOUD),
        Field("cloud_note", "上云说明", "Note on the cloud", limit=300, listed=False, hint=("不上云须写明理由。", "Exempt needs a reason.")),
        Field("extensions", "扩展要求", "Extensions", Kind.CHOICES, options=_options(_EXTENSIONS), listed=False),
        Field("networks", "网段", "Networks", Kind.NETWORKS, listed=False, hint=("每行一个，例如 10.20.0.0/24。", "One per line, such as 10.20.0.0/24."), section=("网络", "Network")),
        Field("domains", "域名", "Domains", Kind.DOMAINS, listed=False),
        Field("internet_facing", "面向互联网", "Internet-facing", Kind.YESNO, listed=False),
        Field("responsible", "系统责任人", "Person responsible", limit=80, section=("责任与运维", "Responsibility and maintenance")),
        Field("maintainer", "运维单位", "Maintainer", limit=160, listed=False),
        Field("maintained_until", "运维合同到期", "Maintenance until", Kind.DAY, listed=False),
        Field("lost_maintainer", "失去维护", "Lost maintainer", Kind.YESNO, hint=("开发或运维方已不再支持。", "Nobody supports it any more."), listed=False),
        Field("run_elsewhere", "上级统建，本地无管理权", "Run by province or city", Kind.YESNO, listed=False),
        Field("in_operation_on", "投入运行日期", "In operation since", Kind.DAY, listed=False, section=("运行与测评", "Operation and evaluation")),
        Field("retired_on", "停用日期", "Retired on", Kind.DAY, listed=False),
        Field("last_evaluation_on", "最近测评日期", "Last evaluation", Kind.DAY, listed=False),
        Field("evaluation_body", "测评机构", "Evaluation body", limit=160, listed=False),
        Field("evaluation_contract_until", "测评合同到期", "Evaluation contract until", Kind.DAY, listed=False),
    ),
    ("code",), "department", "infrastructure", "SystemRegister", "hdd-network", system_gaps,
)  # fmt: skip

ASSETS = Register(
    "assets", Asset, "测评对象", "Targets",
    ("机房、设备、服务器、数据库、应用、数据、文档、人员。", "Rooms, devices, servers, databases, applications, data, documents, people."),
    (
        _SYSTEM,
        Field("kind", "类型", "Kind", Kind.CHOICE, True, tuple((k.value, k.zh, k.en) for k in TargetKind)),
        Field("name", "名称", "Name", required=True),
        Field("address", "地址", "Address", Kind.ADDRESS, limit=64),
        Field("importance", "重要程度", "Importance", Kind.CHOICE, True, _labelled("importance")),
        Field("group_name", "分组", "Group", limit=80, hint=("同型号、同配置的归为一组，便于抽样。", "Same model and configuration, for sampling.")),
        Field("sampled", "列入抽样", "In the sample", Kind.YESNO),
        Field("note", "备注", "Note", limit=300, listed=False),
    ),
    ("system", "kind", "name"), "system", "infrastructure", "AssetRegister", "pc-display",
)  # fmt: skip

CATEGORIES = Register(
    "data", DataCategory, "数据类别", "Data categories",
    ("每个系统有哪些数据、级别、存在哪里、怎样保护。填到类，不填到字段。", "Which data each system holds, their grade, where they lie and how they are protected."),
    (
        _SYSTEM,
        Field("name", "数据类别", "Category", required=True),
        Field("grade", "数据级别", "Grade", Kind.CHOICE, True, _options({"general": ("一般数据", "General"), "important": ("重要数据", "Important"), "core": ("核心数据", "Core")})),
        Field("personal", "个人信息", "Personal data", Kind.CHOICE, True, _options({"none": ("不含", "None"), "personal": ("含个人信息", "Personal"), "sensitive": ("含敏感个人信息", "Sensitive")})),
        Field("records", "数据量（条）", "Records", Kind.NUMBER),
        Field("stages", "涉及的生命周期阶段", "Life-cycle stages", Kind.CHOICES, options=_options(STAGES)),
        Field("stores", "存储位置", "Stored at", limit=300, listed=False),
        Field("protection", "密码保护措施", "Cryptographic protection", limit=300, hint=("例如：SM4 加密存储，SM3 校验。", "e.g. SM4 at rest, SM3 checks.")),
        Field("keeper", "数据责任人", "Keeper", limit=80),
        Field("reviewed_on", "最近复核", "Last review", Kind.DAY),
    ),
    ("system", "name"), "system", "data", "DataRegister", "database", category_gaps,
)  # fmt: skip

FLOWS = Register(
    "flows", DataFlow, "数据流转", "Data flows",
    ("跨部门、跨系统的数据流向：频次、数量、速率、加密与审批。实测超过限值即为问题。", "Flows between departments and systems: frequency, volume, speed, encryption. A limit exceeded is a finding."),
    (
        _SYSTEM,
        Field("name", "流转名称", "Flow", required=True),
        Field("source", "来源", "From", required=True),
        Field("target", "去向", "To", required=True),
        Field("purpose", "用途", "Purpose", limit=300, listed=False),
        Field("across", "跨部门", "Across departments", Kind.YESNO),
        Field("frequency_limit", "频次上限（次/日）", "Frequency limit (a day)", Kind.NUMBER, listed=False),
        Field("frequency_seen", "实测频次（次/日）", "Frequency seen (a day)", Kind.NUMBER),
        Field("volume_limit", "数量上限（MB/日）", "Volume limit (MB a day)", Kind.NUMBER, listed=False),
        Field("volume_seen", "实测数量（MB/日）", "Volume seen (MB a day)", Kind.NUMBER),
        Field("speed_limit", "速率上限（Mbit/s）", "Speed limit (Mbit/s)", Kind.NUMBER, listed=False),
        Field("speed_seen", "实测速率（Mbit/s）", "Speed seen (Mbit/s)", Kind.NUMBER, listed=False),
        Field("encryption", "传输加密", "Encryption", limit=160, hint=("例如：国密 SSL（TLCP）。", "e.g. TLCP.")),
        Field("approved_by", "审批人", "Approved by", limit=120, listed=False),
        Field("reviewed_on", "最近复核", "Last review", Kind.DAY),
    ),
    ("system", "name"), "system", "data", "FlowRegister", "shuffle", flow_gaps,
)  # fmt: skip

RELEASES = Register(
    "releases", Release, "应用版本", "Releases",
    ("每次上线的安全关口：需求、设计评审、代码审查、测试、渗透测试、上线前评估。", "The gates of each release: requirements, design review, code review, test, penetration test, assessment before go-live."),
    (
        _SYSTEM,
        Field("name", "版本", "Release", required=True, limit=120),
        Field("requirements_on", "安全需求确认", "Requirements", Kind.DAY, listed=False),
        Field("design_review_on", "设计评审", "Design review", Kind.DAY),
        Field("code_review_on", "代码审查", "Code review", Kind.DAY),
        Field("test_on", "安全测试", "Test", Kind.DAY),
        Field("penetration_on", "渗透测试", "Penetration test", Kind.DAY),
        Field("assessed_on", "上线前评估", "Assessed", Kind.DAY),
        Field("released_on", "上线日期", "Released", Kind.DAY),
        Field("retired_on", "下线日期", "Retired", Kind.DAY, listed=False),
        Field("open_faults", "遗留问题数", "Open faults", Kind.NUMBER, most=100_000),
        Field("note", "备注", "Note", limit=400, listed=False),
    ),
    ("system", "name"), "system", "application", "ReleaseRegister", "box-seam", release_gaps,
)  # fmt: skip

POLICIES = Register(
    "policies", Policy, "管理制度", "Policies",
    ("制度的版本、审批、发布与复审。", "Edition, approval, publication and review of each policy."),
    (
        _DEPARTMENT,
        Field("number", "文号", "Number", required=True, limit=60),
        Field("title", "制度名称", "Title", required=True, limit=200),
        Field("edition", "版本", "Edition", limit=40),
        Field("dimension", "维度", "Dimension", Kind.CHOICE, True, _DIMENSIONS),
        Field("state", "状态", "State", Kind.CHOICE, True, _options({"draft": ("起草", "Draft"), "in-force": ("现行", "In force"), "withdrawn": ("废止", "Withdrawn")})),
        Field("approved_by", "审批人", "Approved by", limit=120, listed=False),
        Field("approved_on", "审批日期", "Approved", Kind.DAY, listed=False),
        Field("published_on", "发布日期", "Published", Kind.DAY),
        Field("reviewed_on", "最近评审", "Last review", Kind.DAY),
        Field("review_months", "评审周期（月）", "Review every (months)", Kind.NUMBER, True, least=1, most=60, listed=False),
    ),
    ("department", "number"), "department", "management", "PolicyRegister", "journal-text", policy_gaps,
)  # fmt: skip

POSTS = Register(
    "posts", KeyPost, "关键岗位人员", "Key posts",
    ("谁设计、谁执行、谁监督；背景审查、保密协议、培训与离岗。", "Who designs, executes and supervises; background check, agreement, training, leaving."),
    (
        _DEPARTMENT,
        Field("person", "姓名", "Name", required=True, limit=80),
        Field("post", "岗位", "Post", required=True, limit=120),
        Field("dimension", "维度", "Dimension", Kind.CHOICE, True, _DIMENSIONS),
        Field("outside", "外部人员", "From outside", Kind.YESNO),
        Field("started_on", "上岗日期", "Since", Kind.DAY, listed=False),
        Field("checked_on", "背景审查", "Background check", Kind.DAY),
        Field("agreement_on", "保密协议", "Confidentiality agreement", Kind.DAY),
        Field("trained_on", "最近培训", "Last training", Kind.DAY),
        Field("left_on", "离岗日期", "Left", Kind.DAY, listed=False),
        Field("access_ended_on", "权限终止", "Access ended", Kind.DAY, listed=False),
        Field("note", "备注", "Note", Kind.AREA, limit=400, listed=False),
    ),
    ("department", "person", "post"), "department", "management", "PostRegister", "person-badge", post_gaps,
)  # fmt: skip

FILINGS = Register(
    "filings", Filing, "备案台账", "Filing ledger",
    ("备案、变更、2025 版重新备案、延期与撤销，以及备案证明的有效期。", "Filing, change, refiling, extension and withdrawal, and the validity of the certificate."),
    (
        _SYSTEM,
        Field("kind", "事项", "Matter", Kind.CHOICE, True, _options({"first": ("首次备案", "First filing"), "change": ("变更", "Change"), "refiling": ("2025 版重新备案", "Refiling 2025"), "extension": ("延期", "Extension"), "withdrawal": ("撤销", "Withdrawal")})),
        Field("organ", "备案机关", "Organ", required=True, limit=160),
        Field("number", "备案证明编号", "Certificate number", limit=60),
        Field("submitted_on", "提交日期", "Submitted", Kind.DAY, True),
        Field("issued_on", "发证日期", "Issued", Kind.DAY),
        Field("valid_until", "有效期至", "Valid until", Kind.DAY),
        Field("note", "备注", "Note", limit=400, listed=False),
    ),
    ("system", "kind", "submitted_on"), "system", "management", "FilingRegister", "bank", filing_gaps,
)  # fmt: skip

REGISTERS: dict[str, Register] = {
    one.key: one
    for one in (SYSTEMS, ASSETS, DEPARTMENTS, FILINGS, CATEGORIES, FLOWS, RELEASES, POLICIES, POSTS)
}
