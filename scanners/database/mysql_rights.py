"""Rights of accounts in MySQL and MariaDB. Pure."""

from __future__ import annotations

import re

from scanners.baseline.model import FactValue, Gap
from scanners.database.answers import Answers
from scanners.database.mysql_kit import (
    POWERS,
    SYSTEM_SCHEMAS,
    account_of_look,
    accounts,
    fact,
    is_on,
    is_remote,
    is_wide,
    name_of,
    powerful,
)
from scanners.ssh_baseline.factkit import FLAG, TEXT, TEXTS, NotSeen, Seen


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


@fact(
    "mysql.powerful_users",
    TEXTS,
    "拥有全局管理权限的账户",
    "accounts with server-wide administrative rights",
    "privileges",
)
def _powerful_users(host: Answers) -> FactValue:
    # the account of this look needs PROCESS and is no administrator
    own = account_of_look(host)
    names = set()
    for row in host.rows("privileges"):
        only_process = row["process"] and not any(row[power] for power in POWERS if power != "process")
        if (row["user"], row["host"]) == own and only_process:
            continue
        if name_of(row) in powerful(host):
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
    own, administrators = account_of_look(host), powerful(host)
    names = {name_of(row) for row in accounts(host)}
    found = []
    for row in host.rows("privileges"):
        if name_of(row) in names - administrators and (row["read_all"] or row["write_all"]):
            found.append(f"{name_of(row)} *.*")
    for table in ("scopes", "table_scopes"):
        for row in host.rows(table):
            wide = str(row["db"]).lower() in SYSTEM_SCHEMAS or row["db"] == "%"
            if name_of(row) in names - administrators and wide and (row["user"], row["host"]) != own:
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
