"""Who can log in to MySQL or MariaDB and how: passwords, plug-ins, failures, time-outs, TLS, encryption. Pure."""

from __future__ import annotations

from scanners.baseline.model import FactValue, Gap
from scanners.database.answers import Answers
from scanners.database.mysql_kit import (
    OUTSIDE_PLUGINS,
    account_of_look,
    accounts,
    components,
    fact,
    is_mariadb,
    is_on,
    is_remote,
    name_of,
    number,
    plugins,
    plugins_of,
    powerful,
    variable,
)
from scanners.ssh_baseline.factkit import FLAG, NUMBER, RECORDS, TEXTS, NotSeen, Seen


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
        is_empty = bool(row["empty_secret"]) and not plugins_of(row) & OUTSIDE_PLUGINS
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
        if plugins_of(row) & OUTSIDE_PLUGINS or row["empty_secret"]:
            continue
        # nothing of its own means that of the server; 0 and -1 mean never
        own = row["lifetime_days"]
        lifetime = default if own in (None, "", "-1") else int(str(own))
        rows.append(
            {
                "account": name_of(row),
                "lifetime_days": lifetime,
                "changed_days": row["changed_days"],
                "privileged": name_of(row) in powerful(host),
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
        (row["user"], row["host"]) == account_of_look(host) and (row["read_all"] or row["super"])
        for row in host.rows("privileges")
    )
    note = "" if readable else "the account sees some schemas only"
    return host.listed(found, "columns", note=note)
