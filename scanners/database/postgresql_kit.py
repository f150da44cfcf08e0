"""Settings and libraries of a PostgreSQL server, and what its fact modules share. Pure."""

from __future__ import annotations

import ipaddress

from scanners.baseline.model import Gap
from scanners.database.answers import Answers, Row
from scanners.ssh_baseline.factkit import FactTable, NotSeen

TABLE = FactTable()
"""All facts of a PostgreSQL server; the modules beside this one fill it."""

fact = TABLE.fact
# only an account with pg_read_all_settings sees these
_GUARDED = frozenset(
    {"shared_preload_libraries", "session_preload_libraries", "log_directory", "log_filename"}
)
# a value that the account or the database has for itself hides that of the server
_OWN = frozenset({"user", "database", "database user", "client", "session"})
PASSWORD_METHODS = frozenset({"password", "ldap", "pam", "radius", "bsd"})
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_UNITS_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
IDLE_SINCE = 140_000
CHECKERS = (
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


def version(host: Answers) -> int:
    """Give the number of the version, such as 170004."""
    return int(str(host.row("server")["number"]))


def is_privileged(row: Row) -> bool:
    """Whether a role has any server-wide power."""
    return any(bool(row[key]) for key in ("super", "createrole", "createdb", "replication", "bypassrls"))
