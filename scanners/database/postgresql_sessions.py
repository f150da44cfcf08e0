"""Passwords, failed log-ins, time-outs and TLS of PostgreSQL. Pure."""

from __future__ import annotations

from scanners.baseline.model import FactValue, Gap
from scanners.database.answers import Answers
from scanners.database.postgresql_kit import (
    CHECKERS,
    IDLE_SINCE,
    fact,
    is_privileged,
    libraries,
    seconds,
    setting,
    version,
)
from scanners.ssh_baseline.factkit import FLAG, NUMBER, RECORDS, TEXT, TEXTS, NotSeen, Seen


@fact(
    "pg.password_checkers",
    TEXTS,
    "口令复杂度检查模块",
    "modules that check new passwords",
    "shared_preload_libraries",
)
def _password_checkers(host: Answers) -> FactValue:
    return [name for name in libraries(host) if name in CHECKERS]


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
    if any(name in CHECKERS for name in loaded):
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
    if not classes and any(name in CHECKERS for name in loaded if name != "credcheck"):
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
        {"role": row["role"], "days_left": row["days_left"], "privileged": is_privileged(row)}
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
    if version(host) < IDLE_SINCE:
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
    if version(host) < 120_000:
        return Seen("TLSv1", "this version has no limit")
    # empty stands for no limit
    return setting(host, "ssl_min_protocol_version") or "TLSv1"
