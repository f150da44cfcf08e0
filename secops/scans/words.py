"""Words of scans: what each probe does, why a scan was started, and what a running step means."""

from __future__ import annotations

from typing import Any

from secops.web.labels import Label
from secops.web.lang import t

# probe → (zh, en, what it does zh, what it does en)
_PROBES: dict[str, tuple[str, str, str, str]] = {
    "local": (
        "本机基线",
        "Local baseline",
        "读取平台所在主机的配置、账号、审计和补丁状态，不作任何改动",
        "reads configuration, accounts, auditing and patches of the platform's own host; changes nothing",
    ),
    "nmap": (
        "端口与服务",
        "Ports and services",
        "用 nmap 建立 TCP 连接，查看开放端口和服务版本，有速率上限",
        "nmap makes TCP connections to see open ports and service versions, rate-limited",
    ),
    "tls": (
        "TLS 状态",
        "TLS state",
        "与已发现的 TLS 端口握手，查看协议版本、证书和套件",
        "shakes hands with the TLS ports found: protocol versions, certificate, cipher suites",
    ),
    "sshkex": (
        "SSH 算法",
        "SSH algorithms",
        "读取 SSH 服务公布的算法列表，不登录",
        "reads the algorithm lists an SSH service offers; never logs in",
    ),
    "sm_crypto": (
        "国密自检与证书",
        "SM self-test and certificates",
        "用标准向量自检 SM2、SM3、SM4，并检查授权目录内的证书",
        "tests SM2, SM3, SM4 by the standards' vectors and looks at certificates in authorised folders",
    ),
    "tlcp": (
        "TLCP（国密 SSL）",
        "TLCP",
        "尝试按 GB/T 38636 握手，查看是否支持国密套件和双证书",
        "tries a GB/T 38636 handshake: SM cipher suites and the certificate pair",
    ),
}

_CAUSES = {
    "manual": Label("人工发起", "By hand"),
    "demo": Label("演练", "Demo"),
    "schedule": Label("计划任务", "Schedule"),
    "schedule-now": Label("计划立即执行", "Schedule, run now"),
    "retest": Label("复测", "Retest"),
    "cli": Label("命令行", "Command line"),
}


def probe_words(probe: str) -> str:
    words = _PROBES.get(probe)
    return t(words[0], words[1]) if words else probe


def probe_note(probe: str) -> str:
    words = _PROBES.get(probe)
    return t(words[2], words[3]) if words else ""


def probe_options(probes: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """(probe, words, what it does) for a form."""
    return [(probe, probe_words(probe), probe_note(probe)) for probe in probes]


def cause_label(cause: str) -> Label:
    return _CAUSES.get(cause, Label(cause, cause))


def cause_options() -> list[tuple[str, str]]:
    return [(cause, words.text) for cause, words in _CAUSES.items()]


def step_words(step: str) -> str:
    """``nmap 127.0.0.1`` as a sentence; "" stays "", an unknown step stays as it is."""
    if step == "posture":
        return t("汇总结论，更新问题和态势", "Drawing conclusions, updating findings and posture")
    probe, _, target = step.partition(" ")
    if probe in _PROBES:
        return t(f"正在检查 {target}：{probe_words(probe)}", f"Looking at {target}: {probe_words(probe)}")
    return step


def plan_rows(plan: list[dict[str, Any]], assets: dict[int, str]) -> list[dict[str, str]]:
    """The plan of a scan by target: which probe, where, and whether its ports are found on the way."""
    return [
        {
            "probe": probe_words(str(entry["probe"])),
            "note": probe_note(str(entry["probe"])),
            "asset": assets.get(int(entry["asset_id"]), ""),
            "target": str(entry.get("path") or entry.get("host", "")),
        }
        for entry in plan
    ]
