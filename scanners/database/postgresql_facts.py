"""What PostgreSQL told, as facts that rules can judge. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from scanners.baseline.model import FactInfo, Facts, FactValue, Gap
from scanners.database.answers import Answers, Row, make_facts, sample_facts
from scanners.database.result import DatabaseKind, DatabaseResult
from scanners.ssh_baseline.factkit import FLAG, NUMBER, RECORDS, TEXT, TEXTS, FactTable, NotSeen, Seen

PLATFORM = "postgresql"
TABLE = FactTable()
fact = TABLE.fact
FACTS: Mapping[str, FactInfo] = TABLE.infos
"""Everything that can be told of a PostgreSQL server, by id."""

# only an account with pg_read_all_settings sees these
_GUARDED = frozenset(
    {"shared_preload_libraries", "session_preload_libraries", "log_directory", "log_filename"}
)
# a value that the account or the database has for itself hides that of the server
_OWN = frozenset({"user", "database", "database user", "client", "session"})
_PASSWORD_METHODS = frozenset({"password", "ldap", "pam", "radius", "bsd"})
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_UNITS_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_IDLE_SINCE = 140_000
_CHECKERS = (
    "passwordcheck",
    "credcheck",
    "passwordpolicy",
    "password_policy",
    "identity_pwdexp",
    "passwordcheck_cracklib",
)


def setting(host: Answers, name: str) -> str:
    """Give one setting of the server.

    Raises:
        NotSeen: it is hidden from the account, overridden for it, or not there.
    """
    for row in host.rows("settings"):
        if row["name"] == name:
            if row.get("source") in _OWN:
                raise NotSeen(Gap.UNREADABLE, f"{name}: the auditing account has a value of its own")
            return "" if row["setting"] is None else str(row["setting"])
    if name in _GUARDED:
        raise NotSeen(Gap.NEEDS_ROOT, f"{name}: the account needs pg_monitor")
    raise NotSeen(Gap.ABSENT, name)


def seconds(host: Answers, name: str) -> float:
    """Give a duration in seconds; 0 means switched off."""
    value = float(setting(host, name))
    unit = next((row.get("unit") for row in host.rows("settings") if row["name"] == name), None)
    return value * _UNITS_S[str(unit or "s")]


def libraries(host: Answers) -> list[str]:
    """Names of the libraries that are loaded for everybody, without folders."""
    text = setting(host, "shared_preload_libraries") + "," + setting(host, "session_preload_libraries")
    return [part.strip().strip('"').rsplit("/", 1)[-1].lower() for part in text.split(",") if part.strip()]


def _version(host: Answers) -> int:
    return int(str(host.row("server")["number"]))


# -- who is let in ----------------------------------------------------------------------------------------


def network(row: Row) -> str:
    """Write the addresses of a rule as one network; ``all`` and names stay as they are."""
    address, mask = row.get("address"), row.get("netmask")
    if row["type"] == "local":
        return "local"
    if not address or not mask:
        return str(address or "all")
    try:
        return str(ipaddress.ip_network(f"{address}/{mask_bits(str(mask))}", strict=False))
    except ValueError:
        return f"{address}/{mask}"


def mask_bits(mask: str) -> int:
    """Count the leading ones of a mask of either family."""
    return bin(int(ipaddress.ip_address(mask))).count("1")


def _covers(outer: str, inner: str) -> bool:
    if outer == "all" or outer == inner:
        return outer != "local" or inner == "local"
    if inner in ("all", "local", "samehost", "samenet") or outer in ("local", "samehost", "samenet"):
        return False
    try:
        a, b = ipaddress.ip_network(outer), ipaddress.ip_network(inner)
    except ValueError:
        return False
    return a.version == b.version and int(a[0]) <= int(b[0]) and int(a[-1]) >= int(b[-1])


def _shadows(earlier: Row, later: Row) -> bool:
    """Whether no connection can reach *later*, because *earlier* takes all of them: the first match counts."""
    kinds = {"local": {"local"}, "host": {"host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"}}
    if str(later["type"]) not in kinds.get(str(earlier["type"]), {str(earlier["type"])}):
        return False
    same_users = earlier["users"] in ("all", later["users"])
    # "all" leaves replication out
    same_databases = earlier["database"] == later["database"] or (
        earlier["database"] == "all" and "replication" not in str(later["database"])
    )
    if not (same_users and same_databases):
        return False
    inner, outer = network(later), network(earlier)
    if inner == "all" and outer in ("0.0.0.0/0", "::/0"):
        return False
    return _covers(outer, inner)


def reachable(host: Answers) -> list[Row]:
    """Rules of ``pg_hba.conf`` that some connection can reach, without those that only refuse."""
    rows = [row for row in host.rows("hba") if not row.get("broken")]
    found: list[Row] = []
    for number, row in enumerate(rows):
        if row["method"] != "reject" and not any(_shadows(before, row) for before in rows[:number]):
            found.append(row)
    return found


def shown(row: Row) -> str:
    """Write a rule as it may stand in the file."""
    where = network(row)
    parts = [
        row["type"],
        row["database"],
        row["users"],
        *([] if where == "local" else [where]),
        row["method"],
    ]
    return " ".join(str(part) for part in parts)


def _is_local(row: Row) -> bool:
    where = network(row)
    if where in ("local", "samehost"):
        return True
    try:
        asked = ipaddress.ip_network(where)
    except ValueError:
        return where == "localhost"
    return any(_covers(str(own), str(asked)) for own in _LOOPBACK)


def _rules(host: Answers, values: Iterable[Row]) -> Seen:
    return host.listed([shown(row) for row in values], "hba")


@fact(
    "pg.trust_rules", TEXTS, "不要求任何凭证的接入规则", "rules that ask for no proof at all", "pg_hba.conf"
)
def _trust_rules(host: Answers) -> FactValue:
    return _rules(host, (row for row in reachable(host) if row["method"] == "trust"))


@fact(
    "pg.open_roles", TEXTS, "无需口令即可登录的角色", "roles that can log in without any proof", "pg_hba.conf"
)
def _open_roles(host: Answers) -> FactValue:
    rules = [row for row in reachable(host) if row["method"] == "trust"]
    names = [str(row["role"]) for row in host.rows("roles") if row["login"]]
    groups = any(str(row["users"]).startswith("+") for row in rules)
    opened = [
        name
        for name in names
        if any(name in str(row["users"]).split(",") or row["users"] == "all" for row in rules)
    ]
    # who belongs to a group is not asked
    return host.listed(opened, "hba", "roles", note="members of a group" if groups else "")


@fact(
    "pg.clear_rules", TEXTS, "口令以明文传送的接入规则", "rules by which passwords go in clear", "pg_hba.conf"
)
def _clear_rules(host: Answers) -> FactValue:
    return _rules(
        host,
        (
            row
            for row in reachable(host)
            if row["method"] in _PASSWORD_METHODS
            and row["type"] in ("host", "hostnossl")
            and not _is_local(row)
        ),
    )


@fact("pg.weak_rules", TEXTS, "使用弱验证方式的接入规则", "rules with a weak method", "pg_hba.conf")
def _weak_rules(host: Answers) -> FactValue:
    return _rules(host, (row for row in reachable(host) if row["method"] in ("md5", "ident")))


@fact(
    "pg.plain_rules",
    TEXTS,
    "允许不加密远程连接的接入规则",
    "rules that allow remote connections without TLS",
    "pg_hba.conf",
)
def _plain_rules(host: Answers) -> FactValue:
    return _rules(
        host, (row for row in reachable(host) if row["type"] in ("host", "hostnossl") and not _is_local(row))
    )


@fact("pg.wide_rules", TEXTS, "来源地址不限的接入规则", "rules without a limit of addresses", "pg_hba.conf")
def _wide_rules(host: Answers) -> FactValue:
    return _rules(host, (row for row in reachable(host) if network(row) in ("all", "0.0.0.0/0", "::/0")))


@fact("pg.listens_locally", FLAG, "只监听本机地址", "listens to this machine alone", "listen_addresses")
def _listens_locally(host: Answers) -> FactValue:
    given = [part.strip() for part in setting(host, "listen_addresses").split(",") if part.strip()]
    return all(part in ("localhost", "::1") or part.startswith("127.") for part in given)


# -- passwords --------------------------------------------------------------------------------------------


@fact(
    "pg.password_checkers",
    TEXTS,
    "口令复杂度检查模块",
    "modules that check new passwords",
    "shared_preload_libraries",
)
def _password_checkers(host: Answers) -> FactValue:
    return [name for name in libraries(host) if name in _CHECKERS]


@fact("pg.min_length", NUMBER, "口令最小长度", "shortest password", "credcheck, passwordcheck")
def _min_length(host: Answers) -> FactValue:
    loaded = libraries(host)
    given = host.settings()
    lengths = []
    if "credcheck" in loaded:
        lengths.append(int(setting(host, "credcheck.password_min_length")))
    if "passwordcheck" in loaded:
        # before version 18 the length is built in
        lengths.append(int(given.get("passwordcheck.min_password_length", "8")))
    if lengths:
        return max(lengths)
    if any(name in _CHECKERS for name in loaded):
        raise NotSeen(Gap.UNDECIDABLE, "a module whose settings are not known")
    return Seen(0, "no module")


@fact(
    "pg.classes",
    NUMBER,
    "口令字符种类要求",
    "kinds of characters that a password needs",
    "credcheck, passwordcheck",
)
def _classes(host: Answers) -> FactValue:
    loaded = libraries(host)
    given = host.settings()
    classes = 0
    if "credcheck" in loaded:
        names = ("digit", "lower", "special", "upper")
        classes = sum(int(given.get(f"credcheck.password_min_{name}", "0")) > 0 for name in names)
    if "passwordcheck" in loaded:
        # letters and something else
        classes = max(classes, 2)
    if not classes and any(name in _CHECKERS for name in loaded if name != "credcheck"):
        raise NotSeen(Gap.UNDECIDABLE, "a module whose settings are not known")
    return classes


@fact(
    "pg.password_ends",
    RECORDS,
    "可登录角色的口令有效天数",
    "days for which passwords of roles still hold",
    "pg_roles",
)
def _password_ends(host: Answers) -> FactValue:
    rows = [
        {"role": row["role"], "days_left": row["days_left"], "privileged": _is_privileged(row)}
        for row in host.rows("roles")
        if row["login"]
    ]
    return host.listed(rows, "roles")


@fact(
    "pg.password_encryption", TEXT, "新口令的存储算法", "how new passwords are stored", "password_encryption"
)
def _password_encryption(host: Answers) -> FactValue:
    value = setting(host, "password_encryption").lower()
    # before version 10 it was a switch for md5
    return "md5" if value in ("on", "off") else value


@fact(
    "pg.old_stored",
    TEXTS,
    "以旧算法存储口令的角色",
    "roles whose password is stored the old way",
    "pg_authid",
)
def _old_stored(host: Answers) -> FactValue:
    return host.listed(
        [str(row["role"]) for row in host.rows("stored") if row["kind"] in ("md5", "other")], "stored"
    )


@fact(
    "pg.failures_allowed",
    NUMBER,
    "登录失败锁定次数（0 为未启用）",
    "failed log-ins before a ban (0: none)",
    "credcheck.max_auth_failure",
)
def _failures_allowed(host: Answers) -> FactValue:
    if "credcheck" not in libraries(host):
        return Seen(0, "no module")
    return int(host.settings().get("credcheck.max_auth_failure", "0"))


@fact(
    "pg.failure_delay_ms",
    NUMBER,
    "登录失败延时（毫秒）",
    "delay after a failed log-in (ms)",
    "auth_delay.milliseconds",
)
def _failure_delay(host: Answers) -> FactValue:
    if "auth_delay" not in libraries(host):
        return Seen(0, "no module")
    return int(setting(host, "auth_delay.milliseconds"))


# -- sessions and encryption ------------------------------------------------------------------------------


@fact(
    "pg.idle_seconds",
    NUMBER,
    "空闲会话超时（秒，0 为不限）",
    "idle time-out (s, 0: none)",
    "idle_session_timeout",
)
def _idle_seconds(host: Answers) -> FactValue:
    if _version(host) < _IDLE_SINCE:
        return Seen(0, "this version has none")
    return seconds(host, "idle_session_timeout")


@fact(
    "pg.idle_transaction_seconds",
    NUMBER,
    "事务内空闲超时（秒）",
    "time-out of idle transactions (s)",
    "idle_in_transaction_session_timeout",
)
def _idle_transaction(host: Answers) -> FactValue:
    return seconds(host, "idle_in_transaction_session_timeout")


@fact(
    "pg.authentication_seconds",
    NUMBER,
    "鉴别超时（秒）",
    "time allowed for the log-in (s)",
    "authentication_timeout",
)
def _authentication_seconds(host: Answers) -> FactValue:
    return seconds(host, "authentication_timeout")


@fact(
    "pg.idle_exceptions",
    TEXTS,
    "取消了空闲超时的角色或数据库",
    "roles or databases without the idle time-out",
    "pg_db_role_setting",
)
def _idle_exceptions(host: Answers) -> FactValue:
    return _own(host, "idle_session_timeout", {"0", "0s", "0ms", "0min"})


def _own(host: Answers, name: str, values: set[str]) -> Seen:
    rows = host.rows("own_settings")
    found = [
        "/".join(str(part) for part in (row["role"], row["database"]) if part) or "all"
        for row in rows
        if row["name"] == name and str(row["setting"]).strip().lower() in values
    ]
    return host.listed(found, "own_settings")


@fact("pg.tls", FLAG, "启用 TLS", "TLS is on", "ssl")
def _tls(host: Answers) -> FactValue:
    return setting(host, "ssl") == "on"


@fact("pg.tls_from", TEXT, "最低 TLS 版本", "lowest TLS version", "ssl_min_protocol_version")
def _tls_from(host: Answers) -> FactValue:
    if _version(host) < 120_000:
        return Seen("TLSv1", "this version has no limit")
    # empty stands for no limit
    return setting(host, "ssl_min_protocol_version") or "TLSv1"


# -- rights -----------------------------------------------------------------------------------------------


def _is_privileged(row: Row) -> bool:
    return any(bool(row[key]) for key in ("super", "createrole", "createdb", "replication", "bypassrls"))


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
    number = _version(host)
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


def facts_of(result: DatabaseResult, now: datetime) -> Facts:
    """Turn a look into facts; *now* is not needed, the server tells its own time."""
    return make_facts(PLATFORM, TABLE, result, now)


# -- samples in rules -------------------------------------------------------------------------------------

SAMPLE_NOW = 1_767_225_600
"""2026-01-01: the moment at which samples in rules are judged."""

_SETTINGS = {
    "archive_mode": "on", "authentication_timeout": "60", "credcheck.max_auth_failure": "5",
    "credcheck.password_min_digit": "1", "credcheck.password_min_length": "10", "credcheck.password_min_lower": "1",
    "credcheck.password_min_special": "1", "credcheck.password_min_upper": "1",
    "idle_in_transaction_session_timeout": "600000", "idle_session_timeout": "600000", "listen_addresses": "10.0.0.5",
    "log_connections": "on", "log_destination": "stderr", "log_disconnections": "on", "log_file_mode": "0600",
    "log_filename": "postgresql-%Y-%m-%d.log", "log_line_prefix": "%m [%p] %u@%d %r ", "log_statement": "ddl",
    "log_truncate_on_rotation": "off", "logging_collector": "on", "password_encryption": "scram-sha-256",
    "session_preload_libraries": "", "shared_preload_libraries": "credcheck", "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.2",
}  # fmt: skip
_UNITS = {
    "authentication_timeout": "s",
    "idle_session_timeout": "ms",
    "idle_in_transaction_session_timeout": "ms",
}


def _role(name: str, days_left: int | None = 30, **powers: bool) -> Row:
    none = dict.fromkeys(("super", "createrole", "createdb", "replication", "bypassrls"), False)
    return {"role": name, "login": True, "days_left": days_left, **none, **powers}


_SOUND: Mapping[str, list[Row]] = {
    "server": [
        {"version": "17.4", "number": 170004, "now": SAMPLE_NOW, "database": "orders", "databases": 1, "in_recovery": False}
    ],
    "settings": [
        {"name": name, "setting": value, "unit": _UNITS.get(name), "source": "configuration file"}
        for name, value in _SETTINGS.items()
    ],
    "own_settings": [],
    "roles": [
        _role("postgres", super=True, createrole=True, createdb=True, replication=True, bypassrls=True),
        _role("app"),
    ],
    "stored": [{"role": "postgres", "kind": "scram-sha-256"}, {"role": "app", "kind": "scram-sha-256"}],
    "hba": [
        {"type": "local", "database": "all", "users": "postgres", "address": None, "netmask": None, "method": "peer"},
        {"type": "hostssl", "database": "orders", "users": "app", "address": "10.0.0.0", "netmask": "255.255.255.0", "method": "scram-sha-256"},
    ],
    "public_schemas": [],
    "public_tables": [],
    "row_security": [],
    "labels": [],
    "log_files": [{"files": 200, "oldest_days": 199}],
    "archiver": [{"archived": 10, "failed": 0, "archived_age_s": 600, "failed_age_s": None}],
    "replicas": [{"name": "standby", "address": "10.0.0.6", "state": "streaming", "sync": "async"}],
    "receiver": [],
}  # fmt: skip


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts; see :func:`scanners.database.answers.sample_facts`.

    ``hba`` also takes ``lines``, rules as they stand in the file, with networks in CIDR form.
    """
    given = dict(sections)
    lines = given.get("hba", {}).get("lines")
    if lines is not None:
        given["hba"] = {"rows": [_rule(str(line)) for line in lines]}
    return sample_facts(
        PLATFORM,
        TABLE,
        DatabaseKind.POSTGRESQL,
        _SOUND,
        given,
        lambda result: facts_of(result, datetime.fromtimestamp(SAMPLE_NOW, UTC)),
    )


def _rule(line: str) -> dict[str, str | None]:
    words = line.split()
    names = ["type", "database", "users", *([] if words[0] == "local" else ["address"]), "method"]
    row: dict[str, str | None] = {"address": None, "netmask": None, **dict(zip(names, words, strict=True))}
    address = row["address"]
    if address is not None and "/" in address:
        asked = ipaddress.ip_network(address)
        row |= {"address": str(asked.network_address), "netmask": str(asked.netmask)}
    return row
