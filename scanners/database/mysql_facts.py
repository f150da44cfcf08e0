"""What MySQL or MariaDB told, as facts that rules can judge. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from scanners.baseline.model import FactInfo, Facts, FactValue
from scanners.database import mysql_accounts, mysql_audit, mysql_rights
from scanners.database.answers import Row, make_facts, sample_facts
from scanners.database.mysql_kit import POWERS, TABLE
from scanners.database.result import DatabaseKind, DatabaseResult

PLATFORM = "mysql"
FACTS: Mapping[str, FactInfo] = TABLE.infos
"""Everything that can be told of a MySQL or MariaDB server, by id."""

# importing the modules declared their facts
_FACTSETS = (mysql_accounts, mysql_audit, mysql_rights)


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
    none = dict.fromkeys((*POWERS, "read_all", "write_all"), 0)
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
        _rights("dba", "localhost", **dict.fromkeys((*POWERS, "read_all", "write_all"), 1)),
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
