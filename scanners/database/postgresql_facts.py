"""What PostgreSQL told, as facts that rules can judge. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime

from scanners.baseline.model import FactInfo, Facts, FactValue
from scanners.database import postgresql_access, postgresql_rights, postgresql_sessions
from scanners.database.answers import Row, make_facts, sample_facts
from scanners.database.postgresql_kit import TABLE
from scanners.database.result import DatabaseKind, DatabaseResult

PLATFORM = "postgresql"
FACTS: Mapping[str, FactInfo] = TABLE.infos
"""Everything that can be told of a PostgreSQL server, by id."""

# importing the modules declared their facts
_FACTSETS = (postgresql_access, postgresql_rights, postgresql_sessions)


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
