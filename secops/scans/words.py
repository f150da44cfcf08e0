"""Words of scans: what each probe does, why a scan was started, and what a running step means."""

from __future__ import annotations

import re
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
    "web": (
        "网站",
        "Web sites",
        "用二十余个无害请求查看响应头、Cookie、方法、错误页和不应应答的路径，不登录",
        "some 25 harmless requests: headers, cookies, methods, error pages, paths that should not answer; no log-in",
    ),
    "nginx": (
        "nginx 配置",
        "Settings of nginx",
        "读取授权目录内的 nginx 配置文件及其包含的文件，私钥只看权限",
        "reads nginx.conf and what it includes in authorised folders; of private keys only the mode",
    ),
    "database": (
        "数据库配置",
        "Database settings",
        "用登记的只读账号登录数据库，按固定语句读取配置、账户和权限，不读业务数据",
        "logs in with the read-only account kept for the port; fixed statements read settings, accounts and rights",
    ),
}

_DATABASES = {"postgresql": "PostgreSQL", "mysql": "MySQL / MariaDB", "redis": "Redis"}


def database_words(kind: str) -> str:
    """The product behind a kind of database."""
    return _DATABASES.get(kind, kind)


_CAUSES = {
    "manual": Label("人工发起", "By hand"),
    "demo": Label("演练", "Demo"),
    "schedule": Label("计划任务", "Schedule"),
    "schedule-now": Label("计划立即执行", "Schedule, run now"),
    "retest": Label("复测", "Retest"),
    "duty": Label("平台日常", "Daily duty"),
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


# What our own code writes of a look that failed, and the same in Chinese. What is not here was said by the
# system or by the target and stays in its words.
_DETAILS: tuple[tuple[str, str], ...] = (
    (r"no listening TCP port is known from this scan", "本次扫描没有发现监听中的 TCP 端口"),
    (r"none of the (\d+) open TCP ports answered as (\w+)", r"\1 个开放的 TCP 端口都没有 \2 服务应答"),
    (r"the only open TCP port did not answer as (\w+)", r"唯一开放的 TCP 端口没有 \1 服务应答"),
    (r"not-an-address: .+", "目标不是有效的地址"),
    (r"not-yet-valid: (.+)", r"授权尚未生效，自 \1 起有效"),
    (r"expired: (.+)", r"授权已于 \1 到期"),
    (r"probe-not-authorised: (.+)", r"授权不包括检查方式 \1"),
    (r"outside-networks: (.+)", r"\1 不在授权的网段内"),
    (r"port-not-authorised: (.+)", r"授权不包括端口 \1"),
    (r"path-not-authorised: not a plain absolute path", "路径不是普通的绝对路径"),
    (r"path-not-authorised: outside the authorised folders", "路径不在授权的目录内"),
    (r"always-denied: platform-host", "平台自身的地址，始终禁止扫描"),
    (r"always-denied: metadata", "云元数据地址，未列为例外不得扫描"),
    (r"always-denied: loopback", "回环地址，未列为例外不得扫描"),
    (r"always-denied: link-local", "链路本地地址，未列为例外不得扫描"),
    (r"always-denied: (.+)", r"始终禁止扫描的地址（\1）"),
    (r"The authorisation is not approved, or was revoked\.", "扫描授权未批准或已撤销"),
    (r"The authorisation is not valid at this time\.", "扫描授权不在有效期内"),
    (r"only this machine", "只能检查平台所在的主机"),
    (r"the path must be absolute", "路径必须是绝对路径"),
    (r"connection refused", "连接被拒绝"),
    (r"no route to the target", "没有到目标的路由"),
    (r"no answer in time", "目标未在限时内应答"),
    (r"no answer in time: after (\d+) bytes", r"收到 \1 字节后目标不再应答"),
    (r"connection reset by the target(?:: .+)?", "连接被目标重置"),
    (r"connection closed by the target before its answer was whole(?:: .+)?", "目标在答完之前关闭了连接"),
    (r"the target sent more than allowed(?:: .+)?", "目标发来的数据超出上限"),
    (r"stopped on request", "按要求停止"),
    (r"no credentials are kept for this port", "该端口没有登记凭据"),
    (r"two log-ins were refused at this host; no more are tried", "该主机已拒绝两次登录，不再尝试"),
    (r"the server refused the log-in", "服务器拒绝登录"),
    (r"the server asks for the password in clear", "服务器要求明文密码，未发送"),
    (r"the server offers no TLS, and the credentials ask for it", "凭据要求加密，而服务器不提供 TLS"),
    (
        r"the server is in protected mode and takes no log-in from here",
        "服务器处于保护模式，不接受来自此处的登录",
    ),
    (r"the TLS handshake failed", "TLS 握手失败"),
    (r"the connection broke", "连接中断"),
    (r"nginx\.conf is not there or cannot be read", "没有 nginx.conf 或无法读取"),
    (r"not a configuration file of nginx", "不是 nginx 的配置文件"),
    (r"the answer is not that of (\w+)", r"应答不是 \1"),
    (r"nmap did not finish its report", "nmap 没有写完报告"),
    (r"nmap gave up on the host", "nmap 放弃了这台主机"),
    (r"the pack was cut, exit code (\S+)", r"采集结果不完整，退出码 \1"),
    (r"not a collector pack, exit code (\S+)", r"返回的不是采集结果，退出码 \1"),
)

_SHORT_EN = {
    "not-an-address": "not an address",
    "not-yet-valid": "not valid before",
    "expired": "authorisation ended",
    "probe-not-authorised": "probe not authorised",
    "outside-networks": "outside the authorised networks",
    "port-not-authorised": "port not authorised",
    "path-not-authorised": "path not authorised",
    "always-denied": "never scanned",
}


def detail_pair(detail: str) -> tuple[str, str]:
    """(zh, en) of the detail that a failed look carries; words that are not ours are the same in both."""
    head, colon, rest = detail.partition(": ")
    english = f"{_SHORT_EN[head]}: {rest}" if colon and head in _SHORT_EN else detail
    for pattern, chinese in _DETAILS:
        found = re.fullmatch(pattern, detail)
        if found is not None:
            return found.expand(chinese), english
    return detail, english


def detail_words(detail: str) -> str:
    """The detail of a failed look in the reader's language."""
    return t(*detail_pair(detail))
