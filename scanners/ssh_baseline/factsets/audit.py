"""The audit system and the clock."""

from __future__ import annotations

import re

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import (
    FLAG,
    NUMBER,
    TEXTS,
    NotSeen,
    Seen,
    fact,
    not_found,
)
from scanners.ssh_baseline.host import Host

# A topic is covered when every group has one rule that has one of its words.
_TOPICS: dict[str, tuple[tuple[str, ...], ...]] = {
    "identity": (("/etc/passwd",), ("/etc/shadow",), ("/etc/group",)),
    "logins": (("lastlog", "faillock", "tallylog", "faillog"),),
    "sessions": (("utmp", "wtmp", "btmp"),),
    "sudo": (("/etc/sudoers",),),
    "time": (("adjtimex", "settimeofday", "clock_settime", "/etc/localtime"),),
    "network": (("sethostname", "setdomainname", "/etc/hosts", "/etc/sysconfig/network", "/etc/network"),),
    "permissions": (("chmod", "fchmod", "fchmodat"), ("chown", "fchown", "fchownat", "lchown")),
    "access-denied": (("EACCES", "EPERM"),),
    "delete": (("unlink", "unlinkat", "rename", "renameat"),),
    "mounts": (("mount",),),
    "modules": (("init_module", "finit_module", "insmod", "modprobe", "kmod"),),
    "privileged": (("/usr/bin/sudo", "/usr/bin/su", "/bin/su", "euid=0", "execve"),),
}


def _unit_state(host: Host, block_name: str, unit: str, column: int) -> str | None:
    section = host.section("units")
    block = section.block(block_name)
    for line in block.lines if block is not None else ():
        words = line.replace("●", " ").split()
        if words and words[0] == unit and len(words) > column:
            return words[column]
    return None


def unit_enabled(host: Host, *units: str) -> bool | None:
    """Say whether one of the units starts at boot; ``None`` when systemd does not run."""
    section = host.section("units")
    if section.block("unit-files") is None:
        return None
    return any(
        _unit_state(host, "unit-files", unit, 1) in ("enabled", "enabled-runtime", "static", "alias")
        for unit in units
    )


def unit_active(host: Host, *units: str) -> bool | None:
    """Say whether one of the units runs; ``None`` when systemd does not run."""
    section = host.section("units")
    if section.block("units") is None:
        return None
    return any(_unit_state(host, "units", unit, 2) == "active" for unit in units)


def _audit_flag(host: Host) -> int | None:
    """Give the number that ``auditctl -s`` calls enabled: 0 off, 1 on, 2 on and locked; ``None`` not known."""
    block = host.section("audit").block("status")
    for line in block.lines if block is not None else ():
        match = re.search(r"\benabled[ =](\d)", line)
        if match is not None:
            return int(match[1])
    return None


@fact("audit.running", FLAG, "审计服务正在运行", "the audit service runs")
def running(host: Host) -> Seen:
    daemon = "auditd" in host.process_names
    flag = _audit_flag(host)
    if not daemon:
        return not_found("no process auditd", host.cmd("processes", "list").gap())
    return Seen(flag != 0, "process auditd" if flag is None else f"process auditd, auditctl enabled {flag}")


@fact("audit.at_boot", FLAG, "审计服务开机启动", "the audit service starts at boot")
def at_boot(host: Host) -> bool:
    enabled = unit_enabled(host, "auditd.service")
    if enabled is None:
        sysv = host.cmd("units", "sysv").lines
        enabled = any(re.search(r"/S\d+auditd$|/auditd$", line.strip()) for line in sysv)
        if not enabled:
            raise NotSeen(Gap.NO_SYSTEMD, host.info.get("init", ""))
    return enabled


@fact("audit.lock", NUMBER, "审计配置锁定状态", "lock state of the audit system", "auditctl -s")
def lock(host: Host) -> int:
    flag = _audit_flag(host)
    if flag is None:
        if host.section("audit").block("status") is not None:
            host.cmd("audit", "status")
        raise NotSeen(Gap.NEEDS_ROOT if not host.is_root else Gap.UNDECIDABLE, "auditctl -s")
    return flag


def _rules(host: Host) -> tuple[list[str], str]:
    """Give the audit rules: those loaded when they could be asked for, else those in the files."""
    section = host.section("audit")
    loaded = section.block("rules")
    if loaded is not None and loaded.rc == 0 and (loaded.lines or host.is_root):
        return [line for line in loaded.lines if line.startswith("-")], "auditctl -l"
    if loaded is not None and loaded.notes and loaded.notes[0].gap is Gap.MISSING_TOOL:
        return [], "auditctl is not installed"
    raise NotSeen(Gap.NEEDS_ROOT if not host.is_root else Gap.UNREADABLE, "auditctl -l")


@fact("audit.topics", TEXTS, "审计规则覆盖的内容", "subjects that the audit rules cover")
def topics(host: Host) -> Seen:
    rules, source = _rules(host)
    held = [rule for rule in rules if not _excludes_everything(rule)]
    found = [
        topic
        for topic, groups in _TOPICS.items()
        if all(any(_mentions(rule, words) for rule in held) for words in groups)
    ]
    return Seen(found, source)


def _mentions(rule: str, words: tuple[str, ...]) -> bool:
    tokens = {token for part in rule.split() for token in re.split(r"[=,]", part)}
    for word in words:
        if "=" in word:
            if word in rule:
                return True
        elif word.startswith("/"):
            if any(
                token == word or token.startswith(word + "/") or word == token.rstrip("/") for token in tokens
            ):
                return True
        elif word in tokens or any(f"/{word}" in token for token in tokens) or f"-{word}" in tokens:
            return True
    return False


def _excludes_everything(rule: str) -> bool:
    words = rule.split()
    return "never,task" in words or "task,never" in words


@fact("audit.exclusions", TEXTS, "审计排除规则", "rules that take users out of the audit")
def exclusions(host: Host) -> Seen:
    rules, source = _rules(host)
    return Seen([rule for rule in rules if _takes_users_out(rule)], source)


def _takes_users_out(rule: str) -> bool:
    if _excludes_everything(rule):
        return True
    if not re.search(
        r"-a (never,(exit|user|filesystem)|(exit|user|filesystem),never|always,exclude|exclude,always)", rule
    ):
        return False
    if re.search(r"-F auid=(unset|-1|4294967295)", rule):
        # only what no log-in stands behind
        return False
    return re.search(r"-F (a?uid|euid|loginuid)[=!<>]", rule) is not None or "-F" not in rule


@fact("audit.record_gaps", TEXTS, "审计记录缺少的要素", "what audit records lack", "/var/log/audit/audit.log")
def record_gaps(host: Host) -> list[str]:
    rows: dict[str, set[str]] = {}
    for line in host.cmd("log_samples", "audit-fields").lines:
        kind, _, keys = line.partition(":")
        rows[kind.strip()] = set(keys.split())
    if not rows:
        raise NotSeen(Gap.UNDECIDABLE, "no record in the sample")
    judged = {
        kind: keys
        for kind, keys in rows.items()
        if kind.startswith(("USER_", "SYSCALL", "CRED_", "ADD_", "DEL_"))
    }
    if not judged:
        raise NotSeen(Gap.UNDECIDABLE, "no record of a user or a system call in the sample")
    gaps = []
    for kind, held in sorted(judged.items()):
        for what, names in (
            ("time", {"time"}),
            ("user", {"auid", "uid", "acct"}),
            ("object", {"exe", "comm", "op", "terminal"}),
            ("result", {"res", "success", "result"}),
        ):
            if not held & names:
                gaps.append(f"{kind}: {what}")
    return gaps


@fact("syslog.auth_records", FLAG, "系统日志中有登录记录", "the system log has log-in records")
def auth_records(host: Host) -> bool:
    return any(
        line.split()[:1] and line.split()[0] in ("iso", "bsd")
        for line in host.cmd("log_samples", "auth-shape").lines
    )


@fact("clock.synchronised", FLAG, "时钟已同步", "the clock is synchronised")
def synchronised(host: Host) -> Seen:
    section = host.section("clock")
    chrony = section.block("chrony")
    if chrony is not None:
        values = {
            key.strip().lower(): value.strip()
            for key, _, value in (line.partition(":") for line in chrony.lines)
        }
        if chrony.rc not in (0, None) or "leap status" not in values:
            return Seen(False, "chronyc tracking: no answer")
        return Seen(values["leap status"].lower() != "not synchronised", "chronyc tracking")
    ntpq = section.block("ntpq")
    if ntpq is not None:
        return Seen(any(line.startswith(("*", "o")) for line in ntpq.lines), "ntpq -pn")
    timedatectl = section.block("timedatectl")
    if timedatectl is not None:
        yes = any(re.search(r"synchronized: yes", line) for line in timedatectl.lines)
        return Seen(yes, "timedatectl")
    daemons = {"chronyd", "ntpd", "systemd-timesyn", "ntpd-rs", "openntpd"} & host.process_names
    if daemons:
        raise NotSeen(Gap.UNDECIDABLE, f"{min(daemons)} runs, its state is not known")
    return Seen(False, "no time service")


@fact("clock.offset_ms", NUMBER, "时钟偏差（毫秒）", "clock offset in milliseconds")
def offset(host: Host) -> Seen:
    section = host.section("clock")
    chrony = section.block("chrony")
    for line in chrony.lines if chrony is not None else ():
        match = re.match(r"System time\s*:\s*([\d.]+) seconds", line)
        if match is not None:
            return Seen(round(float(match[1]) * 1000), "chronyc tracking")
    ntpq = section.block("ntpq")
    for line in ntpq.lines if ntpq is not None else ():
        words = line.split()
        if line.startswith("*") and len(words) >= 9:
            return Seen(abs(round(float(words[8]))), "ntpq -pn")
    raise NotSeen(Gap.UNDECIDABLE, "no source tells the offset")


@fact("shell.history_stamped", FLAG, "历史命令带时间", "shell history carries times")
def history_stamped(host: Host) -> bool:
    return any("HISTTIMEFORMAT=" in line for line in host.cmd("profiles", "lines").lines)
