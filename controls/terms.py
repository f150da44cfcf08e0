"""The closed lists of the standards, with Chinese and English labels.

The value of each member is its one spelling in YAML, JSON and the database.
Names of classes are the official ones; English is the standard's where it prints one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from controls.errors import InvalidProfile

__all__ = [
    "Conclusion",
    "CryptoLayer",
    "CryptoStrength",
    "Degree",
    "Downgradable",
    "EvidenceStrength",
    "HarmObject",
    "Importance",
    "Lang",
    "Layer",
    "LevelProfile",
    "Mark",
    "Method",
    "Origin",
    "Relation",
    "RiskLevel",
    "RuleOutcome",
    "Scope",
    "SecurityClass",
    "TargetKind",
    "Term",
    "Verdict",
]

Lang = Literal["zh", "en"]


class Term(StrEnum):
    """A spelling with a Chinese and an English label."""

    zh: str
    en: str

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        member.en = en
        return member

    def label(self, lang: Lang) -> str:
        """Give the label a person reads; ``lang`` is ``"zh"`` or ``"en"``."""
        return self.zh if lang == "zh" else self.en


class SecurityClass(Term):
    """The ten security classes, by the code the standard gives them.

    Source: GB/T 28448-2019, C.1.
    """

    PHYSICAL_ENVIRONMENT = "PES", "安全物理环境", "Secure physical environment"
    COMMUNICATION_NETWORK = "CNS", "安全通信网络", "Secure communication network"
    AREA_BOUNDARY = "ABS", "安全区域边界", "Secure area boundary"
    COMPUTING_ENVIRONMENT = "CES", "安全计算环境", "Secure computing environment"
    MANAGEMENT_CENTER = "SMC", "安全管理中心", "Security management centre"
    POLICY = "PSS", "安全管理制度", "Security policies and rules"
    ORGANIZATION = "ORS", "安全管理机构", "Security organisation"
    PERSONNEL = "HRS", "安全管理人员", "Security personnel"
    CONSTRUCTION = "CMS", "安全建设管理", "Security construction management"
    OPERATIONS = "MMS", "安全运维管理", "Security operation and maintenance management"

    @property
    def is_technical(self) -> bool:
        """True for the five technical classes, False for the five management classes."""
        return self in _TECHNICAL


_TECHNICAL = frozenset(list(SecurityClass)[:5])


class Scope(Term):
    """General requirements and the extensions, in the order of the unit number's digit."""

    GENERAL = "general", "安全通用要求", "General requirements"
    CLOUD = "cloud", "云计算安全扩展要求", "Cloud computing extension"
    MOBILE = "mobile", "移动互联安全扩展要求", "Mobile internet extension"
    IOT = "iot", "物联网安全扩展要求", "Internet of Things extension"
    ICS = "ics", "工业控制系统安全扩展要求", "Industrial control system extension"

    @property
    def digit(self) -> int:
        """The digit behind the class in a unit number, 1 to 5."""
        return list(Scope).index(self) + 1

    @classmethod
    def from_digit(cls, digit: int) -> Scope:
        """Give the scope for a digit 1 to 5."""
        return list(Scope)[digit - 1]


class Mark(Term):
    """What an item protects, and so which level of the profile it follows.

    Source: GB/T 22239-2019, Annex A.
    """

    S = "S", "业务信息安全类", "Business information security"
    A = "A", "系统服务保证类", "System service assurance"
    G = "G", "其他安全保护类", "General protection"


class Method(Term):
    """How a unit is assessed.

    Source: GB/T 28448-2019, 3.1 to 3.3.
    """

    INTERVIEW = "I", "访谈", "Interview"
    EXAMINE = "E", "核查", "Examine"
    TEST = "T", "测试", "Test"


class Layer(Term):
    """Security layer a requirement belongs to; infrastructure holds what the other three do not."""

    DATA = "data", "数据安全", "Data security"
    APPLICATION = "application", "应用安全", "Application security"
    MANAGEMENT = "management", "管理安全", "Management security"
    INFRASTRUCTURE = "infrastructure", "基础设施安全", "Infrastructure security"


class TargetKind(Term):
    """Kinds of things that are assessed."""

    ROOM = "room", "机房", "Machine room"
    NETWORK_DEVICE = "network-device", "网络设备", "Network device"
    SECURITY_DEVICE = "security-device", "安全设备", "Security device"
    SERVER = "server", "服务器", "Server"
    TERMINAL = "terminal", "终端", "Terminal"
    DATABASE = "database", "数据库", "Database"
    MIDDLEWARE = "middleware", "中间件", "Middleware"
    APPLICATION = "application", "业务应用系统", "Business application"
    DATA = "data", "数据资源", "Data"
    DOCUMENT = "document", "管理文档", "Document"
    PERSON = "person", "人员", "Person"
    CLOUD_PLATFORM = "cloud-platform", "云计算平台", "Cloud platform"
    VIRTUAL_NETWORK = "virtual-network", "虚拟网络", "Virtual network"
    WIRELESS_DEVICE = "wireless-device", "无线接入设备", "Wireless device"
    MOBILE_TERMINAL = "mobile-terminal", "移动终端", "Mobile terminal"
    MOBILE_MANAGEMENT = "mobile-management", "移动终端管理系统", "Mobile management system"
    IOT_NODE = "iot-node", "感知节点设备", "IoT sensor node"
    IOT_GATEWAY = "iot-gateway", "感知网关节点设备", "IoT gateway"
    ICS_DEVICE = "ics-device", "控制设备", "Industrial control device"
    STORAGE_MEDIUM = "storage-medium", "存储介质", "Storage medium"
    LINK = "link", "通信链路", "Communication link"


class Verdict(Term):
    """What an assessor decides about a unit on a target. "Not examined" is no verdict."""

    COMPLIANT = "compliant", "符合", "Compliant"
    PARTIAL = "partial", "部分符合", "Partially compliant"
    NON_COMPLIANT = "non_compliant", "不符合", "Non-compliant"
    NA = "na", "不适用", "Not applicable"


class RuleOutcome(Term):
    """What a rule says about a target; ``error`` and ``manual`` mean that nobody looked."""

    PASS = "pass", "通过", "Passed"
    FAIL = "fail", "未通过", "Failed"
    NA = "na", "不适用", "Not applicable"
    MANUAL = "manual", "需人工核查", "Needs a person"
    ERROR = "error", "未能检查", "Could not be examined"


class EvidenceStrength(Term):
    """How far one outcome reaches.

    ``decides``: settles the step. ``part``: sees a part of it. ``hint``: points at it.
    ``document``: a paper says so.
    """

    DECIDES = "decides", "可判定", "Decides the step"
    PART = "part", "部分", "Sees a part of the step"
    HINT = "hint", "线索", "Hint"
    DOCUMENT = "document", "文档", "Document"


class Importance(Term):
    """Weight class of a requirement item."""

    KEY = "key", "关键", "Key"
    IMPORTANT = "important", "重要", "Important"
    NORMAL = "normal", "一般", "Normal"


class Origin(Term):
    """Where a value that is not in the standard's text comes from."""

    OFFICIAL = "official", "官方", "Official"
    ORGANISATION = "organisation", "本单位设定", "Set by the organisation"
    SINGLE_SOURCE = "single-source", "单一来源（非官方）", "One source, not official"
    DEFAULT = "default", "默认值（非官方）", "Default, not official"


class HarmObject(Term):
    """Whose interest is harmed (受侵害的客体). Source: GB/T 22240-2020, 4.1."""

    CITIZENS = "citizens", "公民、法人和其他组织的合法权益", "Citizens, legal persons and other organisations"
    PUBLIC = "public", "社会秩序、公共利益", "Social order and public interest"
    NATIONAL = "national", "国家安全", "National security"


class Degree(Term):
    """How badly it is harmed. Source: GB/T 22240-2020, 4.1."""

    GENERAL = "general", "一般损害", "General harm"
    SEVERE = "severe", "严重损害", "Severe harm"
    PARTICULARLY_SEVERE = "particularly-severe", "特别严重损害", "Particularly severe harm"


class RiskLevel(Term):
    """Level of a risk."""

    HIGH = "high", "高", "High"
    MEDIUM = "medium", "中", "Medium"
    LOW = "low", "低", "Low"


class Downgradable(Term):
    """Whether mitigation can lower a high-risk case."""

    YES = "Y", "可降级", "Can be lowered"
    PART = "P", "部分情形可降级", "Can be lowered in some of its situations"
    NO = "N", "不可降级", "Cannot be lowered"


class Relation(Term):
    """How the left end of a mapping stands to the right end, as sets of what is asked."""

    EQUAL = "equal", "等同", "Asks the same"
    SUBSET = "subset", "被包含", "Asks less: is part of it"
    SUPERSET = "superset", "包含", "Asks more: contains it"
    INTERSECTS = "intersects", "相交", "Overlaps"

    @property
    def inverse(self) -> Relation:
        """The relation read from the other end."""
        if self is Relation.SUBSET:
            return Relation.SUPERSET
        return Relation.SUBSET if self is Relation.SUPERSET else self


class Conclusion(Term):
    """Conclusions of the evaluation reports; the value is the official word."""

    EXCELLENT = "优", "优", "Excellent"
    GOOD = "良", "良", "Good"
    FAIR = "中", "中", "Fair"
    POOR = "差", "差", "Poor"
    CONFORMING = "符合", "符合", "Conforming"
    BASICALLY_CONFORMING = "基本符合", "基本符合", "Basically conforming"
    NOT_CONFORMING = "不符合", "不符合", "Not conforming"


class CryptoStrength(Term):
    """How strongly GB/T 39786-2021 words a requirement at a level."""

    SHALL = "shall", "应", "Shall"
    SHOULD = "should", "宜", "Should"
    MAY = "may", "可", "May"


class CryptoLayer(Term):
    """The eight layers of GB/T 39786-2021 in their order."""

    PHYSICAL = "physical", "物理和环境安全", "Physical and environmental security"
    NETWORK = "network", "网络和通信安全", "Network and communication security"
    DEVICE = "device", "设备和计算安全", "Device and computing security"
    APPLICATION = "application", "应用和数据安全", "Application and data security"
    POLICY = "policy", "管理制度", "Management rules"
    PERSONNEL = "personnel", "人员管理", "Personnel management"
    CONSTRUCTION = "construction", "建设运行", "Construction and operation"
    EMERGENCY = "emergency", "应急处置", "Emergency handling"

    @property
    def is_technical(self) -> bool:
        """True for the first four layers."""
        return self in _CRYPTO_TECHNICAL


_CRYPTO_TECHNICAL = frozenset(list(CryptoLayer)[:4])

_PROFILE_RE = re.compile(r"S([1-5])A([1-5])(?:G([1-5]))?")


@dataclass(frozen=True, order=True, slots=True)
class LevelProfile:
    """Protection levels of one object: S business information, A system service, G general.

    Source: GB/T 22239-2019, Annex A.

    >>> str(LevelProfile.parse("S2A3G3"))
    'S2A3G3'
    >>> LevelProfile.parse("S2A3").g
    3
    """

    s: int
    a: int
    g: int

    def __post_init__(self) -> None:
        levels_ok = all(1 <= level <= 5 for level in (self.s, self.a, self.g))
        if not levels_ok or self.g != max(self.s, self.a):
            raise InvalidProfile(f"S{self.s}A{self.a}G{self.g}")

    @classmethod
    def parse(cls, text: str) -> LevelProfile:
        """Read ``S3A3G3``; without the G part it is the higher of the two.

        Raises:
            InvalidProfile: another shape, or G is not the higher of S and A.
        """
        match = _PROFILE_RE.fullmatch(text)
        if match is None:
            raise InvalidProfile(text)
        s, a = int(match[1]), int(match[2])
        return cls(s, a, int(match[3]) if match[3] else max(s, a))

    @classmethod
    def of_level(cls, level: int) -> LevelProfile:
        """Give the full profile of a level, such as S3A3G3 for 3."""
        return cls(level, level, level)

    def level_for(self, mark: Mark) -> int:
        """Say which level items of this mark are taken from."""
        return {Mark.S: self.s, Mark.A: self.a, Mark.G: self.g}[mark]

    def __str__(self) -> str:
        return f"S{self.s}A{self.a}G{self.g}"
