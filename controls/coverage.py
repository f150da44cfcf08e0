"""How a unit is answered where no rule decides it, and what a machine would have to be given to say more.

Data in ``controls/coverage``: our own reading, not part of any standard. Knows no rule and no probe; kinds
of targets are named as text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Self

from controls.errors import DataError
from controls.sources import Sources, builtin_sources
from controls.terms import Term

__all__ = ["ByHand", "EvidencePath", "Input", "UnitClass", "evidence_paths", "load_paths"]

_FILE = "coverage/paths.csv"
_COLUMNS = ("family", "by_hand", "inputs")


class ByHand(Term):
    """How a person answers what no machine does.

    ``on-site`` is a look at the thing itself, the settings of a device among them, or a note of an interview.
    """

    DOCUMENT = "document", "文档", "Document"
    ON_SITE = "on-site", "现场", "On site"


class UnitClass(Term):
    """How far shipped rules answer a unit or a step.

    ``decided``: both ways, without typing, for at least one kind of target. ``part``: something of it.
    """

    DECIDED = "decided", "自动判定", "Decided"
    PART = "part", "部分取证", "Part"
    DOCUMENT = "document", "文档", "Document"
    ON_SITE = "on-site", "现场", "On site"

    @classmethod
    def by_hand(cls, how: ByHand) -> Self:
        """Give the class of what no rule speaks to."""
        return cls(how.value)


class Input(Term):
    """What a machine is given to look at; ``kinds`` are the kinds of targets of the rules that read it."""

    kinds: frozenset[str]

    def __new__(cls, value: str, zh: str = "", en: str = "", kinds: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        member.en = en
        member.kinds = frozenset(kinds.split())
        return member

    LINUX_HOST = "linux-host", "Linux 主机", "Linux host", "linux"
    WINDOWS_EXPORT = "windows-export", "Windows 主机导出", "Windows host export", "windows"
    DATABASE = (
        "database",
        "数据库只读账户",
        "Database, read-only account",
        "mysql mariadb postgresql redis oracle sqlserver dm8 kingbasees opengauss mongodb elasticsearch",
    )
    MIDDLEWARE = (
        "middleware",
        "中间件配置",
        "Middleware configuration",
        "nginx apache tomcat tongweb weblogic",
    )
    SERVICE_PROBE = "service-probe", "服务端口探测", "Probe of a service", "tls sm ssh web"
    NETWORK_SCAN = "network-scan", "网络发现", "Network discovery", "network"
    NETWORK_DEVICE = "network-device", "网络设备配置", "Network device configuration", "network-device"
    SECURITY_DEVICE = "security-device", "安全设备配置", "Security device configuration", "security-device"
    MANAGEMENT_CENTRE = (
        "management-centre",
        "安全管理中心平台导出",
        "Export of management centre platforms",
        "management-centre",
    )
    CLOUD_PLATFORM = "cloud-platform", "云平台配置导出", "Export of the cloud platform", "cloud-platform"
    CONTAINERS = "containers", "容器平台配置", "Container platform configuration", "docker kubernetes"
    HYPERVISOR = "hypervisor", "虚拟化平台配置", "Hypervisor configuration", "hypervisor"
    VULNERABILITY_REPORT = "vulnerability-report", "漏洞扫描报告", "Vulnerability scan report", "scan-report"
    ROOM_MONITORING = "room-monitoring", "机房环境监控导出", "Export of room monitoring", "room-monitoring"
    OPERATIONS = "operations", "运维与配置管理导出", "Export of operations and configuration", "operations"
    DEVELOPMENT = "development", "开发过程导出", "Export of the development process", "development"
    PRODUCT_LIST = "product-list", "产品清单", "List of products", "product-list"
    CRYPTO_INVENTORY = "crypto-inventory", "密码应用清单", "Inventory of cryptography", "crypto-inventory"


@dataclass(frozen=True, slots=True)
class EvidencePath:
    """How one family of units is answered; ``inputs`` are in the order of :class:`Input`, often none."""

    family: str
    by_hand: ByHand
    inputs: tuple[Input, ...]

    def missing(self, kinds: Collection[str]) -> tuple[Input, ...]:
        """Give the inputs that no kind of target in *kinds* reads, so that more could be said with them."""
        return tuple(one for one in self.inputs if one.kinds.isdisjoint(kinds))


@cache
def evidence_paths() -> Mapping[str, EvidencePath]:
    """Load the shipped paths, once per process, by family.

    Raises:
        DataError: the file is wrong.
    """
    return load_paths(builtin_sources())


def load_paths(sources: Sources) -> Mapping[str, EvidencePath]:
    """Load paths from a folder laid out like the shipped one.

    Raises:
        DataError: a word outside its list, or a family that stands twice.
    """
    found: dict[str, EvidencePath] = {}
    for line, row in enumerate(sources.table(_FILE, _COLUMNS), start=2):
        family = row["family"]
        if not family or family in found:
            raise DataError(_FILE, line, "family", "is missing or stands twice")
        given = set(row["inputs"].split())
        unknown = given - {one.value for one in Input}
        if unknown:
            raise DataError(_FILE, line, "inputs", f"unknown {min(unknown)!r}")
        try:
            by_hand = ByHand(row["by_hand"])
        except ValueError:
            raise DataError(_FILE, line, "by_hand", "must be document or on-site") from None
        found[family] = EvidencePath(family, by_hand, tuple(one for one in Input if one.value in given))
    return MappingProxyType(found)
