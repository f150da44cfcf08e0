"""Faults of the settings in Chinese; ``secops.config`` tells them in English."""

from __future__ import annotations

import re

_REASONS_ZH = {
    "a port lies between 1 and 65535": "端口须在 1 到 65535 之间",
    "must be a whole number": "须为整数",
    "must be 1 or more": "须为 1 或更大的整数",
    "must be yes or no": "须为 yes 或 no",
    "is not a time zone such as Asia/Shanghai": "不是时区名，例如 Asia/Shanghai",
    "is not an address such as redis://host:6379/0": "不是有效的连接地址，例如 redis://host:6379/0",
    "must be zh or en": "须为 zh 或 en",
    "must be standard or production": "须为 standard 或 production",
}
_UNKNOWN = re.compile(r"(SECOPS_\w+) is not a setting; .*")
_WRONG = re.compile(r"(SECOPS_\w+)=('.*?'|\".*?\"): (.+)\.", re.DOTALL)


def fault_zh(fault: str) -> str:
    """One fault of the settings in Chinese; the English original when it is of no known form."""
    unknown = _UNKNOWN.fullmatch(fault)
    if unknown:
        return f"{unknown[1]} 不是有效的设置名"
    wrong = _WRONG.fullmatch(fault)
    if not wrong:
        return fault
    name, value, reason = wrong.groups()
    if reason.endswith("does not appear to be an IPv4 or IPv6 address"):
        return f"{name}={value} 不是 IP 地址"
    return f"{name}={value} {_REASONS_ZH.get(reason, reason)}"
