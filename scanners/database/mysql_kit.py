"""Variables, plug-ins and accounts of MySQL and MariaDB, and what the fact modules share. Pure."""

from __future__ import annotations

import ipaddress
import re

from scanners.baseline.model import Gap
from scanners.database.answers import Answers, Row
from scanners.ssh_baseline.factkit import FactTable, NotSeen

TABLE = FactTable()
"""All facts of a MySQL or MariaDB server; the modules beside this one fill it."""

fact = TABLE.fact
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# accounts that the server makes for itself: locked, or without a way to log in
OWN_ACCOUNTS = frozenset({"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys"})
# these prove who somebody is without a stored secret
OUTSIDE_PLUGINS = frozenset(
    {"unix_socket", "auth_socket", "pam", "pam_v1", "authentication_pam", "authentication_ldap_sasl",
     "authentication_ldap_simple", "authentication_windows", "authentication_kerberos", "gssapi", "named_pipe",
     "mysql_no_login", "authentication_fido", "authentication_webauthn", "authentication_oci"}
)  # fmt: skip
SYSTEM_SCHEMAS = frozenset({"mysql", "sys", "information_schema", "performance_schema"})
_ON = frozenset({"on", "1", "yes", "true", "log_on"})
POWERS = ("super", "can_grant", "file", "process", "shutdown", "create_user")


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
        and row["user"] not in OWN_ACCOUNTS
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
    return str(row["host"]).lower() not in LOCAL_HOSTS


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


def powerful(host: Answers) -> set[str]:
    """Give the accounts with server-wide administrative rights that can log in."""
    locked = {name_of(row) for row in host.rows("accounts") if row["locked"] or row["is_role"]}
    return {
        name_of(row)
        for row in host.rows("privileges")
        if any(row[power] for power in POWERS)
        and name_of(row) not in locked
        and row["user"] not in OWN_ACCOUNTS
    }


def account_of_look(host: Answers) -> tuple[str, str]:
    """Give user and host of the account that asked."""
    user, _, where = str(host.row("server")["account"]).rpartition("@")
    return user, where
