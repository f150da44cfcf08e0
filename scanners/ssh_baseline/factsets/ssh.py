"""The SSH server: the weakest value that each setting can take on this host."""

from __future__ import annotations

import re
from collections.abc import Callable

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import FLAG, NUMBER, RECORDS, TEXT, TEXTS, NotSeen, Seen, fact
from scanners.ssh_baseline.host import Host

_ROOT_ORDER = ("no", "forced-commands-only", "without-password", "prohibit-password", "yes")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_ALGORITHM_KEYS = {
    "ciphers": "cipher",
    "macs": "mac",
    "kexalgorithms": "kex",
    "hostkeyalgorithms": "hostkey",
}


def seconds(text: str) -> int:
    """Read a time as sshd writes it: ``120``, ``2m``, ``1h30m``; ``none`` is 0."""
    if text == "none":
        return 0
    if text.isdigit():
        return int(text)
    parts = re.findall(r"(\d+)([smhdw]?)", text.lower())
    return sum(int(number) * _SECONDS.get(unit or "s", 1) for number, unit in parts)


def _weakest(host: Host, key: str, rank: Callable[[str], float], user: str | None = None) -> tuple[str, str]:
    if not host.sshd.installed:
        raise NotSeen(Gap.ABSENT, "sshd")
    return host.sshd.weakest(key, rank, user)


@fact("sshd.installed", FLAG, "已安装 SSH 服务", "an SSH server is installed")
def installed(host: Host) -> bool:
    return host.sshd.installed


@fact("sshd.version", TEXT, "OpenSSH 版本", "OpenSSH version", "ssh -V")
def version(host: Host) -> str:
    if host.sshd.version is None:
        raise NotSeen(Gap.UNDECIDABLE, host.sshd.version_text or "ssh -V")
    return host.sshd.version_text


@fact("sshd.protocols", TEXT, "SSH 协议版本", "SSH protocol versions")
def protocols(host: Host) -> Seen:
    if host.sshd.version is not None and host.sshd.version >= (7, 4):
        return Seen("2", f"{host.sshd.version_text}: protocol 1 no longer exists")
    value, source = _weakest(host, "protocol", lambda text: "1" in text)
    return host.sshd.seen(value, source)


@fact("sshd.permit_empty_passwords", TEXT, "SSH 允许空口令", "SSH accepts empty passwords")
def permit_empty_passwords(host: Host) -> Seen:
    value, source = _weakest(host, "permitemptypasswords", lambda text: text.lower() == "yes")
    return host.sshd.seen(value.lower(), source)


@fact("sshd.permit_root_login", TEXT, "SSH 允许 root 登录", "SSH lets root in")
def permit_root_login(host: Host) -> Seen:
    def rank(text: str) -> float:
        return _ROOT_ORDER.index(text.lower()) if text.lower() in _ROOT_ORDER else len(_ROOT_ORDER)

    value, source = _weakest(host, "permitrootlogin", rank, user="root")
    value = "prohibit-password" if value.lower() == "without-password" else value.lower()
    return host.sshd.seen(value, source)


@fact("sshd.max_auth_tries", NUMBER, "SSH 单次连接尝试次数", "SSH tries per connection")
def max_auth_tries(host: Host) -> Seen:
    value, source = _weakest(host, "maxauthtries", lambda text: int(text))
    return host.sshd.seen(int(value), source)


@fact("sshd.login_grace_s", NUMBER, "SSH 登录宽限时间（秒）", "SSH log-in grace time in seconds")
def login_grace(host: Host) -> Seen:
    value, source = _weakest(host, "logingracetime", lambda text: seconds(text) or float("inf"))
    return host.sshd.seen(seconds(value), source)


@fact("sshd.idle_s", NUMBER, "SSH 无响应断开时间（秒）", "SSH disconnects silent peers after seconds")
def idle(host: Host) -> Seen:
    interval, source = _weakest(host, "clientaliveinterval", lambda text: seconds(text) or float("inf"))
    try:
        count_text, _ = _weakest(host, "clientalivecountmax", lambda text: int(text) or float("inf"))
        count = int(count_text)
    except NotSeen:
        # the same default in every version
        count = 3
    if count == 0:
        # since 8.2 this switches the check off, before it meant "at once"
        if host.sshd.version is None:
            raise NotSeen(Gap.UNDECIDABLE, "ClientAliveCountMax 0, version not known")
        count = 0 if host.sshd.version >= (8, 2) else 1
    return host.sshd.seen(seconds(interval) * count, source)


@fact("sshd.algorithms", TEXTS, "SSH 算法", "SSH algorithms", "sshd -T")
def algorithms(host: Host) -> Seen:
    found: list[str] = []
    source = ""
    for key, kind in _ALGORITHM_KEYS.items():
        value, source = _weakest(host, key, lambda text: len(text))
        if value.startswith(("+", "-", "^")):
            raise NotSeen(Gap.NEEDS_ROOT, f"{key} changes the default list, only sshd -T knows it")
        found += [f"{kind} {name}" for name in value.split(",")]
    return host.sshd.seen(found, source)


@fact("sshd.match_blocks", RECORDS, "SSH 条件配置", "conditional SSH settings", "sshd_config")
def match_blocks(host: Host) -> Seen:
    rows = [
        {"condition": block.condition, "key": key, "value": value}
        for block in host.sshd.blocks
        for key, value in block.values.items()
    ]
    return host.sshd.seen(rows, "sshd_config")
