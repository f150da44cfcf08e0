"""What MySQL or MariaDB told, as facts that rules can judge. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from scanners.baseline.model import FactInfo, Facts, FactValue, Gap
from scanners.database.answers import Answers, Row, make_facts, sample_facts
from scanners.database.result import DatabaseKind, DatabaseResult
from scanners.ssh_baseline.factkit import FLAG, NUMBER, RECORDS, TEXT, TEXTS, FactTable, NotSeen, Seen

PLATFORM = "mysql"
TABLE = FactTable()
fact = TABLE.fact
FACTS: Mapping[str, FactInfo] = TABLE.infos
"""Everything that can be told of a MySQL or MariaDB server, by id."""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# accounts that the server makes for itself: locked, or without a way to log in
_OWN_ACCOUNTS = frozenset({"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys"})
# these prove who somebody is without a stored secret
_OUTSIDE_PLUGINS = frozenset(
    {"unix_socket", "auth_socket", "pam", "pam_v1", "authentication_pam", "authentication_ldap_sasl",
     "authentication_ldap_simple", "authentication_windows", "authentication_kerberos", "gssapi", "named_pipe",
     "mysql_no_login", "authentication_fido", "authentication_webauthn", "authentication_oci"}
)  # fmt: skip
_SYSTEM_SCHEMAS = frozenset({"mysql", "sys", "information_schema", "performance_schema"})
_ON = frozenset({"on", "1", "yes", "true", "log_on"})


def is_mariadb(host: Answers) -> bool:
    """Whether the server is MariaDB."""
    row = host.row("server")
    return "mariadb" in f"{row['version']} {row['comment']}".lower()


def variable(host: Answers, *names: str) -> str:
    """Give the first of these variables that the server has.

    Raises:
        NotSeen: it has none of them.
    """
    found = host.settings()
    for name in names:
        if name in found:
            return found[name]
    raise NotSeen(Gap.ABSENT, " / ".join(names))


def is_on(host: Answers, *names: str) -> bool:
    """Whether one of these switches is on; a switch that the server does not have is not on."""
    found = host.settings()
    return any(found.get(name, "").lower() in _ON for name in names)


def number(host: Answers, name: str, default: int | None = None) -> int:
    """Give a variable as a number."""
    found = host.settings()
    if name not in found and default is not None:
        return default
    text = variable(host, name)
    return int(float(text)) if text else 0


def plugins(host: Answers) -> dict[str, Row]:
    """Active plug-ins by name."""
    return {str(row["plugin"]).lower(): row for row in host.rows("plugins") if row["status"] == "ACTIVE"}


def components(host: Answers) -> list[str]:
    """Components of MySQL 8; MariaDB knows none."""
    return (
        [str(row["component"]).lower() for row in host.rows("components")] if host.knows("components") else []
    )


def accounts(host: Answers) -> list[Row]:
    """Accounts that somebody can log in with: neither roles, nor locked, nor those of the server itself."""
    return [
        row
        for row in host.rows("accounts")
        if not row["is_role"]
        and not row["locked"]
        and row["user"] not in _OWN_ACCOUNTS
        and row["user"] != "PUBLIC"
    ]


def name_of(row: Row) -> str:
    """Write an account as ``user@host``."""
    return f"{row['user']}@{row['host']}"


def plugins_of(row: Row) -> set[str]:
    """All plug-ins by which an account can log in; the default one is not written out."""
    others = set(re.findall(r"[a-z0-9_]+", str(row["other_plugins"]).lower())) - {"null"}
    return {str(row["plugin"]).lower() or "mysql_native_password", *others}


def is_remote(row: Row) -> bool:
    """Whether an account can be used from another machine."""
    return str(row["host"]).lower() not in _LOCAL_HOSTS


def is_wide(host_name: str) -> bool:
    """Whether a pattern of hosts has no useful limit: everybody, or a network of 65,536 addresses and more."""
    if host_name in ("%", "", "%.%.%.%", "0.0.0.0/0.0.0.0", "::/0"):
        return True
    if "/" in host_name:
        try:
            asked = ipaddress.ip_network(host_name, strict=False)
        except ValueError:
            return True
        return asked.version == 4 and asked.prefixlen < 16
    fixed = host_name.split("%", 1)[0]
    return "%" in host_name and fixed.count(".") < 2 and not host_name.startswith("%.")


# -- who can log in ---------------------------------------------------------------------------------------


@fact(
    "mysql.open_accounts",
    TEXTS,
    "可登录的匿名或空口令账户",
    "anonymous accounts and accounts without a password",
    "accounts",
)
def _open_accounts(host: Answers) -> FactValue:
    found = []
    for row in accounts(host):
        # an empty secret beside a socket or directory plug-in is no empty password
        is_empty = bool(row["empty_secret"]) and not plugins_of(row) & _OUTSIDE_PLUGINS
        if not row["user"] or is_empty:
            found.append(name_of(row))
    return host.listed(found, "accounts")


@fact(
    "mysql.validation", TEXTS, "口令复杂度检查模块", "modules that check new passwords", "plugins, components"
)
def _validation(host: Answers) -> FactValue:
    words = ("validate_password", "simple_password_check", "cracklib_password_check")
    found = [name for name in plugins(host) if name.startswith(words)]
    return [*found, *(name for name in components(host) if "validate_password" in name)]


@fact("mysql.min_length", NUMBER, "口令最小长度", "shortest password", "validate_password.length")
def _min_length(host: Answers) -> FactValue:
    found = host.settings()
    names = ("validate_password.length", "validate_password_length", "simple_password_check_minimal_length")
    lengths = [int(found[name]) for name in names if name in found]
    if lengths:
        return max(lengths)
    if _validation(host):
        raise NotSeen(Gap.UNDECIDABLE, "a module without a setting for it")
    return Seen(0, "no module")


@fact(
    "mysql.classes",
    NUMBER,
    "口令字符种类要求",
    "kinds of characters that a password needs",
    "validate_password.policy",
)
def _classes(host: Answers) -> FactValue:
    found = host.settings()
    policy = found.get("validate_password.policy", found.get("validate_password_policy"))
    if policy is not None:
        prefix = "validate_password." if "validate_password.policy" in found else "validate_password_"
        if policy.upper() in ("LOW", "0"):
            return 0
        case = int(found.get(f"{prefix}mixed_case_count", "1"))
        others = ("number_count", "special_char_count")
        return (2 if case > 0 else 0) + sum(int(found.get(prefix + name, "1")) > 0 for name in others)
    if "simple_password_check_digits" in found:
        # letters of the same case are asked for twice: lower and upper
        letters = 2 if int(found.get("simple_password_check_letters_same_case", "1")) > 0 else 0
        others = ("digits", "other_characters")
        return letters + sum(int(found.get(f"simple_password_check_{name}", "1")) > 0 for name in others)
    if _validation(host):
        raise NotSeen(Gap.UNDECIDABLE, "a module without a setting for it")
    return Seen(0, "no module")


@fact(
    "mysql.password_ages",
    RECORDS,
    "账户口令有效期与使用天数",
    "lifetime and age of passwords",
    "default_password_lifetime, accounts",
)
def _password_ages(host: Answers) -> FactValue:
    default = number(host, "default_password_lifetime", 0)
    rows = []
    for row in accounts(host):
        if plugins_of(row) & _OUTSIDE_PLUGINS or row["empty_secret"]:
            continue
        # nothing of its own means that of the server; 0 and -1 mean never
        own = row["lifetime_days"]
        lifetime = default if own in (None, "", "-1") else int(str(own))
        rows.append(
            {
                "account": name_of(row),
                "lifetime_days": lifetime,
                "changed_days": row["changed_days"],
                "privileged": name_of(row) in _powerful(host),
            }
        )
    return host.listed(rows, "accounts")


@fact(
    "mysql.reuse",
    RECORDS,
    "口令重用限制",
    "limits of using a password again",
    "password_history, password_reuse_interval",
)
def _reuse(host: Answers) -> FactValue:
    found = host.settings()
    days = int(found.get("password_reuse_interval", found.get("password_reuse_check_interval", "0")) or 0)
    # the module of MariaDB without an interval refuses every old password
    forever = is_mariadb(host) and "password_reuse_check" in plugins(host) and days == 0
    return [{"history": 999 if forever else int(found.get("password_history", "0") or 0), "days": days}]


@fact("mysql.auth_plugins", RECORDS, "账户的鉴别插件", "plug-ins by which accounts log in", "accounts")
def _auth_plugins(host: Answers) -> FactValue:
    rows = [
        {"account": name_of(row), "plugin": plugin}
        for row in accounts(host)
        for plugin in sorted(plugins_of(row))
    ]
    return host.listed(rows, "accounts")


@fact(
    "mysql.failure_handling",
    TEXTS,
    "登录失败处理措施",
    "what happens after failed log-ins",
    "connection_control, max_password_errors",
)
def _failure_handling(host: Answers) -> FactValue:
    found = []
    if any("connection_control" in name for name in (*plugins(host), *components(host))):
        tries = number(host, "connection_control_failed_connections_threshold", 3)
        found += [f"connection_control after {tries}"] if tries > 0 else []
    if is_mariadb(host):
        errors = number(host, "max_password_errors", 4294967295)
        # the default is four thousand million
        found += [f"max_password_errors {errors}"] if errors < 1_000_000 else []
    elif host.knows("attributes"):
        locked = [row for row in host.rows("attributes") if int(str(row["tries"] or 0)) > 0]
        found += [f"{name_of(row)} after {row['tries']}" for row in locked]
    return found


@fact(
    "mysql.failures_allowed",
    NUMBER,
    "触发处理的失败次数（0 为未启用）",
    "failed log-ins before something happens (0: none)",
    "connection_control, max_password_errors",
)
def _failures_allowed(host: Answers) -> FactValue:
    limits = []
    if any("connection_control" in name for name in (*plugins(host), *components(host))):
        limits.append(number(host, "connection_control_failed_connections_threshold", 3))
    if is_mariadb(host):
        errors = number(host, "max_password_errors", 4294967295)
        limits += [errors] if errors < 1_000_000 else []
    given = [limit for limit in limits if limit > 0]
    if given:
        return min(given)
    if not is_mariadb(host) and host.knows("attributes"):
        # limits of single accounts: every account that can log in must have one
        tries = {name_of(row): int(str(row["tries"] or 0)) for row in host.rows("attributes")}
        own = [tries.get(name_of(row), 0) for row in accounts(host)]
        if own and all(own):
            return max(own)
    return 0


@fact(
    "mysql.idle_seconds",
    NUMBER,
    "交互会话空闲超时（秒）",
    "idle time-out of interactive sessions (s)",
    "interactive_timeout",
)
def _idle(host: Answers) -> FactValue:
    return number(host, "interactive_timeout")


@fact("mysql.wait_seconds", NUMBER, "程序连接空闲超时（秒）", "idle time-out of programs (s)", "wait_timeout")
def _wait(host: Answers) -> FactValue:
    return number(host, "wait_timeout")


@fact("mysql.second_factor", TEXTS, "启用多因素的账户", "accounts with a second factor", "attributes")
def _second_factor(host: Answers) -> FactValue:
    if not host.knows("attributes"):
        return Seen([], "this server knows none")
    return host.listed([name_of(row) for row in host.rows("attributes") if row["more_factors"]], "attributes")


# -- encryption -------------------------------------------------------------------------------------------


@fact(
    "mysql.plain_accounts",
    TEXTS,
    "可不加密远程登录的账户",
    "accounts that can log in from afar without TLS",
    "require_secure_transport, accounts",
)
def _plain_accounts(host: Answers) -> FactValue:
    if is_on(host, "require_secure_transport") or is_on(host, "skip_networking"):
        return Seen([], "require_secure_transport")
    # 0 or nothing: TLS may be left away
    found = [
        name_of(row) for row in accounts(host) if is_remote(row) and str(row["tls"]) in ("0", "", "NONE")
    ]
    return host.listed(found, "accounts")


@fact("mysql.tls", FLAG, "TLS 可用", "TLS is there", "have_ssl, tls_version")
def _tls(host: Answers) -> FactValue:
    found = host.settings()
    if "have_ssl" in found:
        return found["have_ssl"].upper() == "YES"
    if host.result.encrypted:
        return Seen(True, "the look itself")
    raise NotSeen(Gap.UNREADABLE, "have_ssl")


@fact("mysql.old_tls", TEXTS, "允许的过时 TLS 版本", "outdated TLS versions allowed", "tls_version")
def _old_tls(host: Answers) -> FactValue:
    given = [part.strip() for part in variable(host, "tls_version").split(",")]
    return [part for part in given if part.upper() in ("TLSV1", "TLSV1.0", "TLSV1.1", "SSLV3")]


@fact(
    "mysql.encryption",
    TEXTS,
    "静态加密措施",
    "encryption at rest",
    "innodb_encrypt_tables, default_table_encryption",
)
def _encryption(host: Answers) -> FactValue:
    found = host.settings()
    result = []
    if found.get("innodb_encrypt_tables", "OFF").upper() in ("ON", "FORCE"):
        result.append("innodb_encrypt_tables")
    if is_on(host, "default_table_encryption"):
        result.append("default_table_encryption")
    row = host.row("encryption")
    if int(str(row["tables_encrypted"])) > 0:
        result.append(f"{row['tables_encrypted']} of {row['tables_all']} tables")
    return result


@fact(
    "mysql.personal_columns",
    TEXTS,
    "名称疑似口令或个人信息的列",
    "columns whose names sound like passwords or personal data",
    "information_schema.COLUMNS",
)
def _personal_columns(host: Answers) -> FactValue:
    found = [f"{row['db']}.{row['relation']}.{row['name']} {row['type']}" for row in host.rows("columns")]
    # only columns of tables on which the account has some right are listed
    readable = any(
        (row["user"], row["host"]) == _self(host) and (row["read_all"] or row["super"])
        for row in host.rows("privileges")
    )
    note = "" if readable else "the account sees some schemas only"
    return host.listed(found, "columns", note=note)


def _self(host: Answers) -> tuple[str, str]:
    user, _, where = str(host.row("server")["account"]).rpartition("@")
    return user, where


# -- rights -----------------------------------------------------------------------------------------------


@fact(
    "mysql.remote_roots",
    TEXTS,
    "可远程登录的 root 账户",
    "root accounts that can be used from afar",
    "accounts",
)
def _remote_roots(host: Answers) -> FactValue:
    return host.listed(
        [name_of(row) for row in accounts(host) if row["user"] == "root" and is_remote(row)], "accounts"
    )


@fact("mysql.wide_accounts", TEXTS, "来源主机不限的账户", "accounts without a limit of hosts", "accounts")
def _wide_accounts(host: Answers) -> FactValue:
    if is_on(host, "skip_networking"):
        return Seen([], "skip_networking")
    return host.listed([name_of(row) for row in accounts(host) if is_wide(str(row["host"]))], "accounts")


@fact(
    "mysql.leftovers",
    TEXTS,
    "测试库与匿名授权",
    "test databases and rights for everybody",
    "databases, scopes",
)
def _leftovers(host: Answers) -> FactValue:
    found = [
        f"database {row['db']}"
        for row in host.rows("databases")
        if re.fullmatch(r"test(_.*)?", str(row["db"]))
    ]
    rights = [row for row in host.rows("scopes") if row["user"] in ("", "PUBLIC")]
    found += [f"rights for everybody on {row['db']}" for row in rights]
    return host.listed(found, "databases", "scopes")


_POWERS = ("super", "can_grant", "file", "process", "shutdown", "create_user")


def _powerful(host: Answers) -> set[str]:
    locked = {name_of(row) for row in host.rows("accounts") if row["locked"] or row["is_role"]}
    return {
        name_of(row)
        for row in host.rows("privileges")
        if any(row[power] for power in _POWERS)
        and name_of(row) not in locked
        and row["user"] not in _OWN_ACCOUNTS
    }


@fact(
    "mysql.powerful_users",
    TEXTS,
    "拥有全局管理权限的账户",
    "accounts with server-wide administrative rights",
    "privileges",
)
def _powerful_users(host: Answers) -> FactValue:
    # the account of this look needs PROCESS and is no administrator
    own = _self(host)
    names = set()
    for row in host.rows("privileges"):
        only_process = row["process"] and not any(row[power] for power in _POWERS if power != "process")
        if (row["user"], row["host"]) == own and only_process:
            continue
        if name_of(row) in _powerful(host):
            names.add(str(row["user"]))
    return host.listed(sorted(names), "privileges", "accounts")


@fact(
    "mysql.wide_scopes",
    TEXTS,
    "可读写系统库或全部库的非管理账户",
    "accounts without administration that reach system or all schemas",
    "scopes, privileges",
)
def _wide_scopes(host: Answers) -> FactValue:
    own, powerful = _self(host), _powerful(host)
    names = {name_of(row) for row in accounts(host)}
    found = []
    for row in host.rows("privileges"):
        if name_of(row) in names - powerful and (row["read_all"] or row["write_all"]):
            found.append(f"{name_of(row)} *.*")
    for table in ("scopes", "table_scopes"):
        for row in host.rows(table):
            wide = str(row["db"]).lower() in _SYSTEM_SCHEMAS or row["db"] == "%"
            if name_of(row) in names - powerful and wide and (row["user"], row["host"]) != own:
                found.append(f"{name_of(row)} {row['db']}.*")
    return host.listed(sorted(set(found)), "privileges", "scopes", "table_scopes")


@fact(
    "mysql.unused_accounts",
    TEXTS,
    "服务器启动以来未使用的账户",
    "accounts not used since the server started",
    "performance_schema.accounts",
)
def _unused(host: Answers) -> FactValue:
    seen_users = {str(row["user"]) for row in host.rows("seen_accounts")}
    found = [name_of(row) for row in accounts(host) if row["user"] and row["user"] not in seen_users]
    return host.listed(found, "accounts", "seen_accounts")


@fact(
    "mysql.expired_accounts",
    TEXTS,
    "口令已过期但未锁定的账户",
    "accounts with an expired password that are not locked",
    "accounts",
)
def _expired(host: Answers) -> FactValue:
    return host.listed([name_of(row) for row in accounts(host) if row["expired"]], "accounts")


@fact("mysql.account_names", TEXTS, "可登录账户", "accounts that can log in", "accounts")
def _account_names(host: Answers) -> FactValue:
    return host.listed([name_of(row) for row in accounts(host)], "accounts")


@fact("mysql.client_files", FLAG, "允许客户端装载文件", "clients may load files", "local_infile")
def _client_files(host: Answers) -> FactValue:
    return is_on(host, "local_infile")


@fact(
    "mysql.server_files",
    TEXT,
    "服务器文件读写目录（空为不限）",
    "folder for files of the server (empty: no limit)",
    "secure_file_priv",
)
def _server_files(host: Answers) -> FactValue:
    found = host.settings()
    if "secure_file_priv" not in found:
        raise NotSeen(Gap.ABSENT, "secure_file_priv")
    for row in host.rows("settings"):
        if row["name"] == "secure_file_priv" and row["setting"] is None:
            # NULL switches reading and writing of files off altogether
            return "NULL"
    return found["secure_file_priv"] or "(any)"


@fact("mysql.symlinks", FLAG, "允许符号链接", "symbolic links are followed", "have_symlink")
def _symlinks(host: Answers) -> FactValue:
    # newer servers follow none and have no variable for it
    return host.settings().get("have_symlink", "NO").upper() == "YES"


# -- audit ------------------------------------------------------------------------------------------------

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


def facts_of(result: DatabaseResult, now: datetime) -> Facts:
    """Turn a look into facts; *now* is not needed, the server tells its own time."""
    return make_facts(PLATFORM, TABLE, result, now)


# -- samples in rules -------------------------------------------------------------------------------------

SAMPLE_NOW = 1_767_225_600
"""2026-01-01: the moment at which samples in rules are judged."""

_SETTINGS = {
    "basedir": "/usr/", "datadir": "/var/lib/mysql/", "default_password_lifetime": "90", "have_ssl": "YES",
    "have_symlink": "DISABLED", "interactive_timeout": "600", "local_infile": "OFF", "log_bin": "ON",
    "max_password_errors": "5", "require_secure_transport": "ON", "secure_file_priv": "/var/lib/mysql-files/",
    "server_audit_events": "CONNECT,QUERY_DDL,QUERY_DCL", "server_audit_excl_users": "", "server_audit_incl_users": "",
    "server_audit_file_path": "/var/log/mysql/audit.log", "server_audit_file_rotations": "0", "server_audit_logging": "ON",
    "server_audit_output_type": "file", "simple_password_check_digits": "1",
    "simple_password_check_letters_same_case": "1", "simple_password_check_minimal_length": "10",
    "simple_password_check_other_characters": "1", "tls_version": "TLSv1.2,TLSv1.3", "wait_timeout": "600",
    "binlog_expire_logs_seconds": "15552000", "innodb_encrypt_tables": "ON", "general_log": "OFF",
    "password_reuse_check_interval": "0",
}  # fmt: skip


def _account(user: str, where: str, **more: FactValue) -> Row:
    usual = {
        "host": where, "user": user, "plugin": "ed25519", "other_plugins": "", "empty_secret": 0, "no_secret_fits": 0,
        "locked": 0, "expired": 0, "lifetime_days": None, "changed_days": 20, "tls": "0", "is_role": 0,
    }  # fmt: skip
    return {**usual, **more}


def _rights(user: str, where: str, **more: FactValue) -> Row:
    none = dict.fromkeys((*_POWERS, "read_all", "write_all"), 0)
    return {"host": where, "user": user, **none, **more}


_SOUND: Mapping[str, list[Row]] = {
    "server": [
        {
            "version": "11.4.7-MariaDB",
            "comment": "MariaDB Server",
            "now": SAMPLE_NOW,
            "account": "audit@10.0.0.9",
        }
    ],
    "settings": [{"name": name, "setting": value} for name, value in _SETTINGS.items()],
    "accounts": [
        _account("dba", "localhost", plugin="unix_socket"),
        _account("app", "10.0.0.%"),
        _account("audit", "10.0.0.9"),
    ],
    "privileges": [
        _rights("dba", "localhost", **dict.fromkeys((*_POWERS, "read_all", "write_all"), 1)),
        _rights("app", "10.0.0.%"),
        _rights("audit", "10.0.0.9", process=1, read_all=1),
    ],
    "attributes": [],
    "scopes": [{"host": "10.0.0.%", "user": "app", "db": "orders"}],
    "table_scopes": [],
    "databases": [{"db": "mysql"}, {"db": "orders"}],
    "plugins": [
        {"plugin": "SERVER_AUDIT", "status": "ACTIVE", "type": "AUDIT", "option": "FORCE_PLUS_PERMANENT"},
        {
            "plugin": "simple_password_check",
            "status": "ACTIVE",
            "type": "PASSWORD VALIDATION",
            "option": "ON",
        },
        {"plugin": "password_reuse_check", "status": "ACTIVE", "type": "PASSWORD VALIDATION", "option": "ON"},
    ],
    "components": [],
    "seen_accounts": [
        {"user": name, "host": "localhost", "connections": 1} for name in ("dba", "app", "audit")
    ],
    "encryption": [{"tables_all": 12, "tables_encrypted": 12}],
    "columns": [],
    "replica": [{"io": "Yes", "sql": "Yes", "behind_s": 0}],
    "dumping": [{"dumping": 1}],
}


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts; see :func:`scanners.database.answers.sample_facts`.

    ``accounts`` and ``privileges`` also take ``by_name``: columns that differ from those of a sound account, by
    ``user@host``.
    """
    given = dict(sections)
    for name, make in (("accounts", _account), ("privileges", _rights)):
        by_name = given.get(name, {}).get("by_name")
        if by_name is not None:
            rows = []
            for text, changes in by_name.items():
                user, _, where = str(text).rpartition("@")
                rows.append(make(user, where, **(changes or {})))
            given[name] = {"rows": rows}
    return sample_facts(
        PLATFORM,
        TABLE,
        DatabaseKind.MYSQL,
        _SOUND,
        given,
        lambda result: facts_of(result, datetime.fromtimestamp(SAMPLE_NOW, UTC)),
    )
