"""System log: what is written, how long it is kept, where it is sent, who may read it."""

from __future__ import annotations

import re

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import (
    FLAG,
    NUMBER,
    RECORDS,
    TEXTS,
    NotSeen,
    Seen,
    fact,
    key_values,
    readable,
    settings,
)
from scanners.ssh_baseline.host import Host

_DAY_S = 86_400
_PERIOD_DAYS = {"hourly": 0.04, "daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}
_SECURITY_LOGS = ("secure", "auth.log", "messages", "syslog", "audit.log", "cron", "kern.log")
_AGENTS = (
    "filebeat",
    "fluentd",
    "fluent-bit",
    "td-agent",
    "nxlog",
    "promtail",
    "vector",
    "splunkd",
    "logstash",
    "ilogtail",
)
_SELECTOR_RE = re.compile(r"^([a-z0-9*,.;!=]+\.[a-z0-9*!=;,.]+)\s+(.+)$", re.IGNORECASE)
_REMOTE_RE = re.compile(r"\s(@@?)(\(.*?\))?\[?([A-Za-z0-9_.:-]+)")
_NAMES_LOUD = {
    "debug": 7,
    "info": 6,
    "notice": 5,
    "warning": 4,
    "warn": 4,
    "err": 3,
    "error": 3,
    "crit": 2,
    "alert": 1,
    "emerg": 0,
}


def _rsyslog_lines(host: Host) -> list[str]:
    section = host.section("syslog")
    lines: list[str] = []
    for block in section.files("/etc/rsyslog"):
        found = readable(block)
        lines += settings(found)
    folder = section.block("/etc/rsyslog.d")
    if folder is not None:
        readable(folder)
    return lines


def _rsyslog_runs(host: Host) -> bool:
    return "rsyslogd" in host.process_names


@fact("syslog.covered", TEXTS, "系统日志写入的类别", "facilities that the system log writes")
def covered(host: Host) -> Seen:
    """Which of ``authpriv``, ``cron`` and ``info`` (everything at info) are written to a file or sent away."""
    if not _rsyslog_runs(host):
        if {"syslog-ng", "syslogd"} & host.process_names:
            raise NotSeen(Gap.UNDECIDABLE, "rules of this log service are not read")
        return Seen([], "rsyslogd does not run")
    selectors = []
    scripted = False
    for line in _rsyslog_lines(host):
        match = _SELECTOR_RE.match(line)
        if match is not None and not match[2].strip().startswith(("~", "stop")):
            selectors.append(match[1])
        elif re.match(r"(if|ruleset|call)\b", line):
            scripted = True
    found = [name for name in ("authpriv", "cron", "info") if _writes(selectors, name)]
    if len(found) < 3 and scripted:
        raise NotSeen(Gap.UNDECIDABLE, "rsyslog is configured by a script")
    return Seen(found, "rsyslog.conf")


def _writes(selectors: list[str], name: str) -> bool:
    facilities = {"authpriv": ("auth", "authpriv"), "cron": ("cron",), "info": ("daemon", "user")}[name]
    return all(any(_selects(selector, facility) for selector in selectors) for facility in facilities)


def _selects(selector: str, facility: str) -> bool:
    """Say whether a selector lets messages of *facility* at info through; later parts overrule earlier ones."""
    chosen = False
    for part in selector.lower().split(";"):
        names, _, priority = part.partition(".")
        if facility in names.split(",") or "*" in names.split(","):
            if priority in ("none", "!*"):
                chosen = False
            elif priority == "*":
                chosen = True
            elif not priority.startswith(("=", "!")):
                chosen = _NAMES_LOUD.get(priority, 0) >= 6
    return chosen


@fact("journal.persistent", FLAG, "journald 持久保存", "the journal is kept on disk")
def journal_persistent(host: Host) -> Seen:
    state = "".join(host.cmd("syslog", "journal").lines).strip()
    if state == "none":
        return Seen(False, "no journal")
    storage = _journal_settings(host).get("storage", "auto").lower()
    if storage in ("volatile", "none"):
        return Seen(False, f"Storage={storage}")
    # the folder alone proves nothing where no journal service runs
    alive = "systemd-journal" in host.process_names
    return Seen(
        alive and state == "persistent", f"Storage={storage}, {state}" + ("" if alive else ", not running")
    )


def _journal_settings(host: Host) -> dict[str, str]:
    section = host.section("syslog")
    merged = key_values(host.file_if_listed("syslog", "/etc/systemd/journald.conf"))
    for prefix in ("/usr/lib/systemd/journald.conf.d/", "/etc/systemd/journald.conf.d/"):
        for block in section.files(prefix):
            merged |= key_values(readable(block))
    return merged


def _remote_rows(host: Host) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    section = host.section("syslog")
    if _rsyslog_runs(host):
        text = "\n".join(_rsyslog_lines(host))
        legacy_tls = bool(re.search(r"(?i)defaultnetstreamdriver\s*=?\s*\"?(gtls|ossl)", text)) and bool(
            re.search(r"(?i)actionsendstreamdrivermode\s+1", text)
        )
        for match in _REMOTE_RE.finditer(
            "\n".join(line for line in text.split("\n") if _SELECTOR_RE.match(line))
        ):
            rows.append({"target": match[3], "by": "rsyslog", "tls": legacy_tls and match[1] == "@@"})
        for match in re.finditer(r"(?is)action\s*\(([^)]*)\)", text):
            rows += _action_row(match[1], text)
    block = section.block("/etc/syslog-ng/syslog-ng.conf")
    if block is not None and block.state == "ok" and "syslog-ng" in host.process_names:
        text = "\n".join(settings(block))
        for match in re.finditer(r"(?is)\b(?:network|syslog|tcp|udp)\s*\(\s*\"([^\"]+)\"(.{0,200})", text):
            rows.append({"target": match[1], "by": "syslog-ng", "tls": "tls" in match[2].lower()})
    upload = section.block("/etc/systemd/journal-upload.conf")
    url = key_values(upload).get("url", "") if upload is not None and upload.state == "ok" else ""
    if url and "systemd-journal-upload"[:15] in host.process_names:
        rows.append(
            {"target": url, "by": "journal-upload", "tls": url.startswith("https") or "://" not in url}
        )
    rows += [
        {"target": name, "by": "agent", "tls": None} for name in _AGENTS if name[:15] in host.process_names
    ]
    return rows + _audisp_rows(host)


def _action_row(arguments: str, text: str) -> list[dict[str, object]]:
    values = {key.lower(): value for key, value in re.findall(r"([A-Za-z.]+)\s*=\s*\"([^\"]*)\"", arguments)}
    kind = values.get("type", "").lower()
    target = values.get("target", "")
    if kind == "omfwd" and target:
        driver = values.get("streamdriver", "").lower() or (
            "gtls" if re.search(r"(?i)defaultnetstreamdriver\s*=\s*\"(gtls|ossl)\"", text) else ""
        )
        tls = driver in ("gtls", "ossl") and values.get("streamdrivermode", "0") == "1"
        return [{"target": target, "by": "rsyslog", "tls": tls}]
    if kind == "omrelp" and target:
        return [{"target": target, "by": "relp", "tls": values.get("tls", "off").lower() == "on"}]
    return []


def _audisp_rows(host: Host) -> list[dict[str, object]]:
    section = host.pack.sections.get("audit")
    rows: list[dict[str, object]] = []
    for block in section.files("/etc/aud") if section is not None else ():
        if block.name.endswith("/plugins.d/au-remote.conf") and key_values(block).get("active") == "yes":
            rows.append({"target": "audisp-remote", "by": "auditd", "tls": None})
    return rows


@fact("logs.remote", RECORDS, "日志外发目标", "where logs are sent")
def remote(host: Host) -> list[dict[str, object]]:
    return _remote_rows(host)


@fact("logs.remote_targets", TEXTS, "日志服务器", "log servers")
def remote_targets(host: Host) -> list[str]:
    return [
        f"{row['by']} {row['target']}"
        for row in _remote_rows(host)
        if row["target"] not in ("127.0.0.1", "localhost")
    ]


@fact("logs.modes", RECORDS, "日志文件权限", "permissions of log files", "/var/log")
def modes(host: Host) -> Seen:
    block = host.cmd("logs", "stat")
    rows = []
    for line in block.lines:
        words = line.split(None, 6)
        if len(words) == 7 and words[1].startswith("-"):
            path = words[6]
            rows.append(
                {"path": path, "mode": words[0], "owner": host.owner(int(words[2])), "kind": _log_kind(path)}
            )
    rows = [row for row in rows if row["kind"]]
    if not any(row["kind"] in ("security", "audit", "journal") for row in rows):
        gap = block.gap()
        raise NotSeen(gap.gap, gap.detail) if gap else NotSeen(Gap.UNDECIDABLE, "no security log in /var/log")
    return Seen(rows, "/var/log", block.gap())


def _log_kind(path: str) -> str:
    name = path.rpartition("/")[2]
    if path.startswith("/var/log/audit/"):
        return "audit"
    if name.startswith(("wtmp", "lastlog", "utmp")):
        return "accounting"
    if name.startswith("btmp"):
        return "failed-logins"
    if path.startswith("/var/log/journal/"):
        return "journal"
    base = re.split(r"[-.]\d", name)[0]
    return "security" if base in _SECURITY_LOGS or base.removesuffix(".log") in _SECURITY_LOGS else ""


@fact("logs.oldest_days", NUMBER, "最早日志距今天数", "age of the oldest log in days")
def oldest_days(host: Host) -> Seen:
    times: list[tuple[int, str]] = []
    block = host.cmd("logs", "stat")
    for line in block.lines:
        words = line.split(None, 6)
        file_with_content = len(words) == 7 and words[1].startswith("-") and int(words[4]) > 0
        if file_with_content and _log_kind(words[6]) in ("security", "audit"):
            times.append((int(words[5]), words[6]))
    journal = host.section("logs").block("journal-oldest")
    for line in journal.lines if journal is not None else ():
        match = re.match(r"(\d{9,11})\.\d+ ", line)
        if match is not None:
            times.append((int(match[1]), "journal"))
    if not times:
        raise NotSeen(Gap.UNDECIDABLE, "no security log in /var/log")
    oldest, where = min(times)
    # the time of a rotated file is that of its last record, so the true age is this or more
    return Seen(max(0, (host.now - oldest) // _DAY_S), where, block.gap())


@fact("logs.retention_days", NUMBER, "日志轮转设定的保留天数", "days that rotation keeps logs", "logrotate")
def retention_days(host: Host) -> Seen:
    section = host.section("logrotate")
    main = section.block("/etc/logrotate.conf")
    if main is None:
        raise NotSeen(Gap.MISSING_SECTION, "/etc/logrotate.conf")
    if readable(main) is None:
        raise NotSeen(Gap.UNDECIDABLE, "logrotate is not installed")
    defaults, found = _rotation(settings(main), {"period": "weekly", "rotate": "0"})
    for block in section.files("/etc/logrotate.d/"):
        found += _rotation(settings(readable(block)), defaults)[1]
    kept = [(days, paths) for days, paths in found if any(_is_security(path) for path in paths)]
    if not kept:
        raise NotSeen(Gap.UNDECIDABLE, "no rotation of a security log")
    days, paths = min(kept)
    if days < 0:
        raise NotSeen(Gap.UNDECIDABLE, f"rotated by size: {' '.join(paths)[:80]}")
    return Seen(round(days), f"{' '.join(paths)[:80]}")


def _rotation(
    lines: list[str], inherited: dict[str, str]
) -> tuple[dict[str, str], list[tuple[float, list[str]]]]:
    """Give the settings outside of blocks, and days with paths of every block."""
    outer = dict(inherited)
    found: list[tuple[float, list[str]]] = []
    paths: list[str] = []
    inner: dict[str, str] | None = None
    script = False
    for line in lines:
        words = line.split()
        if script:
            script = words[0] != "endscript"
            continue
        if words[0] in ("postrotate", "prerotate", "firstaction", "lastaction", "preremove"):
            script = True
            continue
        if inner is None and (words[0].startswith(("/", '"')) or line.endswith("{")):
            paths += [word.strip('"') for word in words if word.startswith(("/", '"'))]
            if "{" in line:
                inner = dict(outer)
            continue
        if line.startswith("{") and inner is None:
            inner = dict(outer)
            continue
        if line.startswith("}") and inner is not None:
            found.append((_kept_days(inner), paths))
            inner, paths = None, []
            continue
        target = outer if inner is None else inner
        if words[0] in _PERIOD_DAYS:
            target["period"] = words[0]
        elif words[0] in ("rotate", "maxage", "size") and len(words) > 1:
            target[words[0]] = words[1]
    return outer, found


def _kept_days(values: dict[str, str]) -> float:
    rotate = int(values["rotate"]) if values["rotate"].lstrip("-").isdigit() else 0
    days = 36_500.0 if rotate < 0 else _PERIOD_DAYS[values["period"]] * rotate
    maxage = values.get("maxage", "")
    if maxage.isdigit() and int(maxage) > 0:
        days = min(days, float(maxage))
    if "size" in values:
        # rotated by size alone, the time is whatever the load makes it
        return -1.0
    return days


def _is_security(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in _SECURITY_LOGS or name.removesuffix(".log") in _SECURITY_LOGS


@fact("logs.host_age_days", NUMBER, "主机建立天数", "age of the host in days")
def host_age(host: Host) -> int:
    born = host.info.get("born", "")
    if not born.isdigit() or int(born) == 0:
        raise NotSeen(Gap.UNDECIDABLE, "the file system does not tell its age")
    return max(0, (host.now - int(born)) // _DAY_S)
