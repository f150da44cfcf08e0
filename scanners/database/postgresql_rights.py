"""Rights, logs, version, archive and replicas of PostgreSQL. Pure."""

from __future__ import annotations

import re

from scanners.baseline.model import FactValue, Gap
from scanners.database.answers import Answers
from scanners.database.postgresql_kit import (
    fact,
    libraries,
    setting,
    version,
)
from scanners.ssh_baseline.factkit import FLAG, NUMBER, TEXT, TEXTS, NotSeen, Seen


@fact("pg.superusers", TEXTS, "可登录的超级用户", "superusers that can log in", "pg_roles")
def _superusers(host: Answers) -> FactValue:
    return host.listed(
        [str(row["role"]) for row in host.rows("roles") if row["super"] and row["login"]], "roles"
    )


@fact(
    "pg.powerful_roles",
    TEXTS,
    "可登录且拥有建角色、建库、复制或绕过行级安全权限的角色",
    "roles with other server-wide powers",
    "pg_roles",
)
def _powerful_roles(host: Answers) -> FactValue:
    names = ("createrole", "createdb", "replication", "bypassrls")
    return host.listed(
        [
            str(row["role"])
            for row in host.rows("roles")
            if row["login"] and not row["super"] and any(row[name] for name in names)
        ],
        "roles",
    )


def _others(host: Answers) -> str:
    row = host.row("server")
    return f"only the database {row['database']} was looked into" if int(str(row["databases"])) > 1 else ""


@fact(
    "pg.public_schemas",
    TEXTS,
    "任何角色都可建对象的模式",
    "schemas in which everybody may create",
    "pg_namespace",
)
def _public_schemas(host: Answers) -> FactValue:
    return host.listed(
        [str(row["schema"]) for row in host.rows("public_schemas")], "public_schemas", note=_others(host)
    )


@fact("pg.public_tables", TEXTS, "任何角色都有权限的表", "tables on which everybody has rights", "pg_class")
def _public_tables(host: Answers) -> FactValue:
    return host.listed(
        [f"{row['relation']} {row['rights']}" for row in host.rows("public_tables")],
        "public_tables",
        note=_others(host),
    )


@fact("pg.row_rules", TEXTS, "启用了行级安全策略的表", "tables with row security", "pg_class")
def _row_rules(host: Answers) -> FactValue:
    # a policy on a table whose row security is off does nothing
    rows = [str(row["relation"]) for row in host.rows("row_security") if row["active"] and row["policies"]]
    return host.listed(rows, "row_security", note=_others(host))


@fact("pg.labels", TEXTS, "安全标记的提供者", "who provides security labels", "pg_seclabels")
def _labels(host: Answers) -> FactValue:
    rows = [f"{row['provider']} {row['labels']}" for row in host.rows("labels")]
    return host.listed(rows, "labels", note=_others(host))


# -- logs -------------------------------------------------------------------------------------------------


@fact(
    "pg.log_kept",
    FLAG,
    "日志由数据库自身保存或转给系统日志",
    "the server keeps its log or hands it to syslog",
    "logging_collector, log_destination",
)
def _log_kept(host: Answers) -> FactValue:
    where = {part.strip() for part in setting(host, "log_destination").lower().split(",")}
    return setting(host, "logging_collector") == "on" or bool(where & {"syslog", "eventlog"})


@fact("pg.logs_connections", FLAG, "记录连接", "connections are logged", "log_connections")
def _logs_connections(host: Answers) -> FactValue:
    value = {part.strip() for part in setting(host, "log_connections").lower().split(",")}
    # from version 18 on it names the steps of a log-in
    return "on" in value or "all" in value or {"authentication", "authorization"} <= value


@fact("pg.logs_disconnections", FLAG, "记录断开", "disconnections are logged", "log_disconnections")
def _logs_disconnections(host: Answers) -> FactValue:
    return setting(host, "log_disconnections") == "on"


@fact(
    "pg.logs_changes",
    FLAG,
    "记录结构与权限变更",
    "changes of structure and rights are logged",
    "log_statement, pgaudit.log",
)
def _logs_changes(host: Answers) -> FactValue:
    if setting(host, "log_statement") in ("ddl", "mod", "all"):
        return Seen(True, "log_statement")
    if "pgaudit" not in libraries(host):
        return Seen(False, "log_statement, no pgaudit")
    classes = {part.strip().lower() for part in host.settings().get("pgaudit.log", "none").split(",")}
    both = {"ddl", "role"} <= classes or "all" in classes
    return Seen(both and not classes & {"-ddl", "-role"}, "pgaudit.log")


@fact(
    "pg.log_exceptions",
    TEXTS,
    "取消了语句或断开记录的角色或数据库",
    "roles or databases left out of the log",
    "pg_db_role_setting",
)
def _log_exceptions(host: Answers) -> FactValue:
    rows = host.rows("own_settings")
    found = [
        "/".join(str(part) for part in (row["role"], row["database"], row["name"]) if part)
        for row in rows
        if (row["name"], str(row["setting"]).strip().lower())
        in {
            ("log_statement", "none"),
            ("log_disconnections", "off"),
            ("pgaudit.log", "none"),
            ("pgaudit.log", ""),
        }
    ]
    return host.listed(found, "own_settings")


_FIELDS = {"time": "mtn", "user": "u", "database": "d", "client": "hr", "process": "pc"}


@fact("pg.log_lacks", TEXTS, "日志行缺少的要素", "what lines of the log lack", "log_line_prefix")
def _log_lacks(host: Answers) -> FactValue:
    where = {part.strip() for part in setting(host, "log_destination").lower().split(",")}
    collected = setting(host, "logging_collector") == "on"
    if collected and where and where <= {"csvlog", "jsonlog"}:
        return Seen([], "log_destination")
    # "%%" is a percent sign, "%-10u" a padded user
    prefix = setting(host, "log_line_prefix").replace("%%", "")
    letters = set(re.findall(r"%-?\d*([a-zA-Z])", prefix))
    if "syslog" in where and where <= {"syslog", "csvlog", "jsonlog"}:
        letters |= {"t", "p"}
    return [name for name, any_of in _FIELDS.items() if not letters & set(any_of)]


@fact("pg.oldest_log_days", NUMBER, "最早日志距今天数", "age of the oldest log file (days)", "pg_ls_logdir()")
def _oldest_log_days(host: Answers) -> FactValue:
    row = host.row("log_files")
    if not row["files"] or row["oldest_days"] is None:
        raise NotSeen(Gap.ABSENT, "no log file in the folder of the server")
    return row["oldest_days"]


@fact(
    "pg.log_cycle_days",
    NUMBER,
    "日志循环覆盖周期（天，0 为不覆盖）",
    "days until log files are written over (0: never)",
    "log_filename, log_truncate_on_rotation",
)
def _log_cycle(host: Answers) -> FactValue:
    if setting(host, "log_truncate_on_rotation") != "on":
        return 0
    letters = set(re.findall(r"%([a-zA-Z])", setting(host, "log_filename")))
    if letters & set("YyGgCsFDcx"):
        return 0
    if letters & set("jUWV") or ("m" in letters or "b" in letters) and letters & set("de"):
        return 365
    if letters & set("de"):
        return 31
    if letters & set("aAuw"):
        return 7
    return 365 if letters & set("mbB") else 1


@fact("pg.log_mode", TEXT, "日志文件权限", "mode of log files", "log_file_mode")
def _log_mode(host: Answers) -> FactValue:
    return f"{int(setting(host, 'log_file_mode'), 8):04o}"


# -- version, backup, replication -------------------------------------------------------------------------


@fact("pg.key", TEXT, "版本", "version", "server_version_num")
def _key(host: Answers) -> FactValue:
    number = version(host)
    # before version 10 the second number belongs to the release
    major = str(number // 10000) if number >= 100_000 else f"{number // 10000}.{number // 100 % 100}"
    return f"postgresql {major}"


@fact("pg.version", TEXT, "完整版本号", "version in full", "server_version")
def _full_version(host: Answers) -> FactValue:
    return str(host.row("server")["version"])


@fact("pg.packaged", FLAG, "由发行版打包", "packaged by a distribution", "server_version")
def _packaged(host: Answers) -> FactValue:
    # such as "15.20 (Debian 15.20-0+deb12u1)"; other packagers leave no trace
    return "(" in str(host.row("server")["version"])


@fact("pg.time", NUMBER, "采集时间", "time of the look", "now()")
def _time(host: Answers) -> FactValue:
    return host.row("server")["now"]


@fact(
    "pg.archiving",
    FLAG,
    "归档已启用且最近成功",
    "archiving is on and its last try succeeded",
    "pg_stat_archiver",
)
def _archiving(host: Answers) -> FactValue:
    if setting(host, "archive_mode") not in ("on", "always"):
        return Seen(False, "archive_mode")
    row = host.row("archiver")
    done, failed = row["archived_age_s"], row["failed_age_s"]
    return done is not None and (failed is None or float(done) <= float(failed))


@fact(
    "pg.archive_age_hours",
    NUMBER,
    "最近一次归档距今小时数",
    "hours since the last archived file",
    "pg_stat_archiver",
)
def _archive_age(host: Answers) -> FactValue:
    age = host.row("archiver")["archived_age_s"]
    if age is None:
        raise NotSeen(Gap.ABSENT, "nothing was archived yet")
    return round(float(age) / 3600, 1)


@fact("pg.replicas", TEXTS, "正在流复制的副本", "replicas that stream", "pg_stat_replication")
def _replicas(host: Answers) -> FactValue:
    # a base backup shows up here as well and is no replica
    rows = [row for row in host.rows("replicas") if row["state"] == "streaming"]
    found = [f"{row['address'] or 'local'} {row['sync']}" for row in rows]
    if host.row("server")["in_recovery"] and any(
        row["status"] == "streaming" for row in host.rows("receiver")
    ):
        found.append("this server follows another")
    return host.listed(found, "replicas")
