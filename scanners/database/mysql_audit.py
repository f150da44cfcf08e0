"""Auditing, version, files and replication of MySQL and MariaDB. Pure."""

from __future__ import annotations

import re

from scanners.baseline.model import FactValue, Gap
from scanners.database.answers import Answers
from scanners.database.mysql_kit import (
    accounts,
    components,
    fact,
    is_mariadb,
    is_on,
    name_of,
    plugins,
)
from scanners.ssh_baseline.factkit import FLAG, NUMBER, TEXT, TEXTS, NotSeen, Seen

_AUDITORS = ("server_audit", "audit_log", "mcafee_audit", "audit_log_filter")


@fact("mysql.audit", TEXTS, "启用的审计", "auditing that is on", "server_audit_logging, audit_log_policy")
def _audit(host: Answers) -> FactValue:
    active = plugins(host)
    found = []
    if "server_audit" in active and is_on(host, "server_audit_logging"):
        found.append("server_audit")
    if host.settings().get("audit_log_policy", "NONE").upper() != "NONE":
        found.append("audit_log")
    names = [*active, *components(host)]
    if any("audit_log_filter" in name or "audit_api" in name for name in names) and "audit_log" not in found:
        found.append("audit_log_filter")
    return found


@fact("mysql.general_log", FLAG, "通用查询日志开启", "the general log is on", "general_log")
def _general_log(host: Answers) -> FactValue:
    return is_on(host, "general_log")


@fact(
    "mysql.audit_lacks",
    TEXTS,
    "审计未覆盖的事件",
    "kinds of events that are not audited",
    "server_audit_events",
)
def _audit_lacks(host: Answers) -> FactValue:
    if "server_audit" in _audit(host):
        given = {
            part.strip().upper() for part in host.settings().get("server_audit_events", "").split(",")
        } - {""}
        # nothing named means everything
        if not given:
            return []
        lacks = [] if "CONNECT" in given else ["CONNECT"]
        all_queries = "QUERY" in given
        lacks += [kind for kind in ("QUERY_DDL", "QUERY_DCL") if not all_queries and kind not in given]
        return lacks
    if "audit_log" in _audit(host):
        policy = host.settings()["audit_log_policy"].upper()
        return {"LOGINS": ["QUERY"], "QUERIES": ["CONNECT"]}.get(policy, [])
    if is_on(host, "general_log"):
        return Seen([], "general_log")
    raise NotSeen(Gap.ABSENT, "no auditing whose scope is known")


@fact(
    "mysql.audit_left_out", TEXTS, "不受审计的用户", "users left out of the audit", "server_audit_excl_users"
)
def _left_out(host: Answers) -> FactValue:
    found = host.settings()
    out = [part.strip() for part in found.get("server_audit_excl_users", "").split(",") if part.strip()]
    only = [part.strip() for part in found.get("server_audit_incl_users", "").split(",") if part.strip()]
    return [*out, *(f"all but {name}" for name in only)]


@fact(
    "mysql.audit_format",
    TEXTS,
    "审计记录的输出方式",
    "how audit records are written",
    "server_audit_output_type",
)
def _audit_format(host: Answers) -> FactValue:
    found = host.settings()
    names = (
        "server_audit_output_type",
        "server_audit_file_path",
        "audit_log_strategy",
        "general_log_file",
        "log_output",
    )
    return [f"{name}={found[name]}" for name in names if found.get(name)]


@fact(
    "mysql.binlog_days",
    NUMBER,
    "二进制日志保存天数（0 为不清除）",
    "days that binary logs are kept (0: for ever)",
    "binlog_expire_logs_seconds",
)
def _binlog_days(host: Answers) -> FactValue:
    found = host.settings()
    seconds = int(float(found.get("binlog_expire_logs_seconds", "0") or 0))
    if seconds:
        return seconds // 86400
    return int(float(found.get("expire_logs_days", "0") or 0))


@fact(
    "mysql.audit_rotation",
    TEXTS,
    "审计日志轮转设置",
    "rotation of the audit log",
    "server_audit_file_rotations",
)
def _audit_rotation(host: Answers) -> FactValue:
    found = host.settings()
    names = (
        "server_audit_file_rotate_size",
        "server_audit_file_rotations",
        "audit_log_rotate_on_size",
        "audit_log_max_size",
        "audit_log_prune_seconds",
    )
    return [f"{name}={found[name]}" for name in names if name in found]


@fact("mysql.audit_pinned", FLAG, "审计插件不可卸载", "the audit plug-in can't be unloaded", "plugins")
def _pinned(host: Answers) -> FactValue:
    rows = [
        row for name, row in plugins(host).items() if name.startswith(_AUDITORS) or row["type"] == "AUDIT"
    ]
    if not rows:
        raise NotSeen(Gap.ABSENT, "no audit plug-in")
    return all(row["option"] == "FORCE_PLUS_PERMANENT" for row in rows)


@fact("mysql.auditors", TEXTS, "审计账户的授权", "accounts for auditing", "accounts")
def _auditors(host: Answers) -> FactValue:
    rows = [row for row in accounts(host) if re.search(r"audit|sjgl|shenji", str(row["user"]), re.IGNORECASE)]
    return host.listed([name_of(row) for row in rows], "accounts")


# -- version, files, backup, replication ------------------------------------------------------------------


@fact("mysql.key", TEXT, "版本", "version", "VERSION()")
def _key(host: Answers) -> FactValue:
    version = str(host.row("server")["version"])
    # older MariaDB puts a number of MySQL in front for old clients
    version = re.sub(r"^5\.5\.5-(?=10\.)", "", version)
    match = re.match(r"(\d+)\.(\d+)", version)
    if match is None:
        raise NotSeen(Gap.MALFORMED, "VERSION()")
    return f"{'mariadb' if is_mariadb(host) else 'mysql'} {match[1]}.{match[2]}"


@fact("mysql.version", TEXT, "完整版本号", "version in full", "VERSION()")
def _version(host: Answers) -> FactValue:
    row = host.row("server")
    return f"{row['version']} {row['comment']}".strip()


@fact("mysql.packaged", FLAG, "由发行版打包", "packaged by a distribution", "VERSION()")
def _packaged(host: Answers) -> FactValue:
    row = host.row("server")
    words = f"{row['version']} {row['comment']}".lower()
    return any(word in words for word in ("deb", "ubuntu", "source distribution", "el7", "el8", "el9"))


@fact("mysql.time", NUMBER, "采集时间", "time of the look", "UNIX_TIMESTAMP()")
def _time(host: Answers) -> FactValue:
    return host.row("server")["now"]


@fact("mysql.files", TEXTS, "程序与数据文件位置", "places of program and data", "datadir, basedir")
def _files(host: Answers) -> FactValue:
    found = host.settings()
    return [
        f"{name}={found[name]}"
        for name in ("basedir", "datadir", "plugin_dir", "pid_file", "log_error")
        if found.get(name)
    ]


@fact("mysql.binlog", FLAG, "二进制日志开启", "the binary log is on", "log_bin")
def _binlog(host: Answers) -> FactValue:
    return is_on(host, "log_bin")


@fact(
    "mysql.replica_running",
    FLAG,
    "复制线程均在运行",
    "both threads of replication run",
    "SHOW REPLICA STATUS",
)
def _replica_running(host: Answers) -> FactValue:
    rows = host.rows("replica")
    if not rows:
        return Seen(False, "the server follows no other")
    return all(str(row["io"]).lower() == "yes" and str(row["sql"]).lower() == "yes" for row in rows)


@fact(
    "mysql.replica_behind_s",
    NUMBER,
    "复制延迟（秒）",
    "seconds that a replica is behind",
    "SHOW REPLICA STATUS",
)
def _behind(host: Answers) -> FactValue:
    values = [row["behind_s"] for row in host.rows("replica")]
    if not values or any(value is None for value in values):
        raise NotSeen(Gap.ABSENT, "not told")
    return max(int(str(value)) for value in values)


@fact("mysql.followers", NUMBER, "正在拉取日志的副本数", "replicas that fetch the log", "PROCESSLIST")
def _followers(host: Answers) -> FactValue:
    return int(str(host.row("dumping")["dumping"]))
