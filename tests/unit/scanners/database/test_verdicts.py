"""Rules against real servers, good and bad: what each rule must say was written down before the servers were asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanners.base import Completed, ProbeContext, Target
from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules
from scanners.database.facts import facts_from_result
from scanners.database.probe import DatabaseProbe
from scanners.database.result import Credentials, DatabaseKind
from tests.support.databases import OWNER, OWNER_WORD, mariadb_server, postgres_server, redis_server

pytestmark = pytest.mark.live
WORD = "Reader-of-settings-1"

POSTGRES_GOOD = {
    "pg-open-roles": "pass",
    "pg-hba-methods": "pass",
    # the modules that check passwords and count failures are not part of the server's own packages
    "pg-password-check": "fail",
    "pg-failed-logins": "pass",
    "pg-password-expiry": "pass",
    "pg-password-storage": "pass",
    "pg-idle-timeout": "pass",
    "pg-tls": "pass",
    "pg-superusers": "pass",
    "pg-public-rights": "pass",
    "pg-addresses": "pass",
    "pg-row-security": "pass",
    "pg-logging": "pass",
    "pg-log-content": "pass",
    # the server is new, so its log is young
    "pg-log-retention": "manual",
    "pg-backup": "manual",
    "pg-replication": "manual",
}
POSTGRES_BAD = {
    "pg-open-roles": "fail",
    "pg-hba-methods": "fail",
    "pg-password-check": "fail",
    "pg-failed-logins": "fail",
    "pg-password-expiry": "fail",
    "pg-password-storage": "fail",
    "pg-idle-timeout": "fail",
    "pg-tls": "fail",
    "pg-superusers": "fail",
    "pg-public-rights": "fail",
    "pg-addresses": "pass",
    "pg-row-security": "manual",
    "pg-logging": "fail",
    "pg-log-content": "fail",
    # no folder of logs, files that are open to others
    "pg-log-retention": "fail",
    "pg-backup": "manual",
    "pg-replication": "manual",
}
POSTGRES_UNSEEN = {
    "pg-open-roles": "error",
    "pg-hba-methods": "error",
    "pg-password-check": "error",
    "pg-password-storage": "error",
    "pg-tls": "fail",
    "pg-failed-logins": "error",
}
REDIS_GOOD = {
    "redis-login": "pass",
    "redis-password-strength": "pass",
    "redis-idle-timeout": "pass",
    "redis-tls": "pass",
    "redis-bind": "pass",
    "redis-dangerous-commands": "pass",
    "redis-files": "manual",
    "redis-logging": "pass",
    "redis-version": "manual",
    "redis-persistence": "manual",
}
REDIS_BAD = {
    "redis-login": "fail",
    "redis-password-strength": "na",
    "redis-idle-timeout": "fail",
    "redis-tls": "fail",
    "redis-bind": "fail",
    "redis-dangerous-commands": "fail",
    "redis-files": "manual",
    "redis-logging": "fail",
    "redis-version": "manual",
    "redis-persistence": "manual",
}
MARIADB_GOOD = {
    "my-open-accounts": "pass",
    "my-password-check": "pass",
    "my-password-lifetime": "pass",
    "my-password-reuse": "fail",
    "my-auth-plugins": "manual",
    "my-failed-logins": "pass",
    "my-idle-timeout": "pass",
    "my-tls": "pass",
    "my-root-local": "pass",
    "my-account-hosts": "pass",
    "my-leftovers": "pass",
    "my-global-rights": "pass",
    "my-account-scopes": "pass",
    "my-stale-accounts": "manual",
    "my-audit-account": "pass",
    "my-file-access": "pass",
    "my-audit": "pass",
    "my-audit-scope": "pass",
    "my-audit-records": "manual",
    "my-log-retention": "pass",
    "my-audit-pinned": "pass",
    "my-second-factor": "manual",
    "my-backup": "manual",
    "my-replication": "manual",
}
MARIADB_BAD = {
    "my-open-accounts": "fail",
    "my-password-check": "fail",
    "my-password-lifetime": "fail",
    "my-password-reuse": "fail",
    "my-failed-logins": "fail",
    "my-idle-timeout": "fail",
    "my-tls": "fail",
    "my-root-local": "fail",
    "my-account-hosts": "fail",
    "my-leftovers": "fail",
    "my-global-rights": "fail",
    "my-account-scopes": "manual",
    "my-file-access": "fail",
    "my-audit": "manual",
    "my-audit-scope": "na",
    "my-audit-pinned": "na",
    "my-log-retention": "manual",
    "my-encryption": "manual",
    "my-personal-columns": "manual",
}


def _verdicts(
    kind: DatabaseKind, port: int, user: str, word: str, expected: dict[str, str]
) -> dict[str, str]:
    attempt = DatabaseProbe(Credentials(user, word, kind=kind)).run(
        Target("127.0.0.1", port), ProbeContext(30)
    )
    assert isinstance(attempt, Completed), attempt
    facts = facts_from_result(attempt.result, datetime.now(UTC))
    outcomes = evaluate(load_rules(str(kind)), facts, params={"db_admins": [OWNER, "root"]})
    return {one.rule: one.outcome.value for one in outcomes if one.rule in expected}


def test_a_good_postgresql() -> None:
    """Careful settings pass, and what they lack is said."""
    settings = (
        "shared_preload_libraries = 'auth_delay'\nauth_delay.milliseconds = 1000\nidle_session_timeout = '10min'\n"
        "logging_collector = on\nlog_connections = on\nlog_disconnections = on\nlog_statement = ddl\n"
        "log_line_prefix = '%m [%p] %u@%d %r '"
    )
    statements = (
        f"CREATE ROLE reader LOGIN PASSWORD '{WORD}' VALID UNTIL '{_in_days(30)}'",
        f"ALTER ROLE {OWNER} VALID UNTIL '{_in_days(30)}'",
        "CREATE TABLE orders (id int)",
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON orders USING (true)",
    )
    hba = "hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all 10.0.0.0/24 scram-sha-256"
    with postgres_server(settings=settings, hba=hba, statements=statements, tls=True) as port:
        found = _verdicts(DatabaseKind.POSTGRESQL, port, OWNER, OWNER_WORD, POSTGRES_GOOD)

    assert found == POSTGRES_GOOD


def test_a_bad_postgresql() -> None:
    """Every fault that was made is found."""
    settings = "password_encryption = md5\nlog_file_mode = 0644"
    hba = "host all all 127.0.0.1/32 md5\nhost all all 10.0.0.0/8 trust\nhost all all 192.0.2.0/24 password"
    statements = (
        f"ALTER ROLE {OWNER} PASSWORD '{OWNER_WORD}'",
        "CREATE ROLE app LOGIN SUPERUSER PASSWORD 'x'",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "CREATE TABLE orders (id int)",
        "GRANT ALL ON orders TO PUBLIC",
    )
    with postgres_server(settings=settings, hba=hba, statements=statements) as port:
        found = _verdicts(DatabaseKind.POSTGRESQL, port, OWNER, OWNER_WORD, POSTGRES_BAD)

    assert found == POSTGRES_BAD


def test_a_postgresql_that_shows_little() -> None:
    """An account without rights gives "nobody looked", and a fault that shows all the same is a fault."""
    with postgres_server(statements=(f"CREATE ROLE reader LOGIN PASSWORD '{WORD}'",)) as port:
        found = _verdicts(DatabaseKind.POSTGRESQL, port, "reader", WORD, POSTGRES_UNSEEN)

    assert found == POSTGRES_UNSEEN


def test_a_good_redis() -> None:
    """Careful settings pass; what needs a person says so."""
    lines = (
        "requirepass Owner-of-all-1",
        "user default off",
        f"user reader on >{WORD} ~* +@read +ping +info +config|get +acl|list +acl|whoami +command|info -@scripting -keys",
        "timeout 600",
        "appendonly yes",
        "logfile redis.log",
    )
    with redis_server(lines, tls=True) as port:
        found = _verdicts(DatabaseKind.REDIS, port, "reader", WORD, REDIS_GOOD)

    assert found == REDIS_GOOD


def test_a_bad_redis() -> None:
    """An open server with everything allowed."""
    lines = ("bind * -::*", "protected-mode no", "loglevel warning", 'save ""')
    with redis_server(lines) as port:
        found = _verdicts(DatabaseKind.REDIS, port, "default", "", REDIS_BAD)

    assert found == REDIS_BAD


def test_a_good_mariadb() -> None:
    """Careful settings pass; modules are those of the server's own package."""
    settings = (
        "--plugin-load-add=simple_password_check", "--plugin-load-add=server_audit", "--server-audit=FORCE_PLUS_PERMANENT",
        "--server-audit-logging=ON", "--max-password-errors=5", "--interactive-timeout=600",
        "--wait-timeout=600", "--local-infile=OFF", "--secure-file-priv=/tmp", "--skip-symbolic-links", "--log-bin=bin",
        "--server-id=1", "--require-secure-transport=ON", "--binlog-expire-logs-seconds=0", "--performance-schema=ON",
    )  # fmt: skip
    statements = (
        # what the set-up made for the name of this machine goes as well
        "DELETE FROM mysql.global_priv WHERE User IN ('root', '') AND Host <> 'localhost'",
        "FLUSH PRIVILEGES",
        "SET PASSWORD FOR 'root'@'localhost' = PASSWORD('Root-of-all-1')",
        f"CREATE USER 'audit_reader'@'127.0.0.1' IDENTIFIED BY '{WORD}'",
        "GRANT SELECT ON mysql.* TO 'audit_reader'@'127.0.0.1'",
        "GRANT SELECT ON performance_schema.* TO 'audit_reader'@'127.0.0.1'",
        "GRANT PROCESS, REPLICATION CLIENT, REPLICA MONITOR ON *.* TO 'audit_reader'@'127.0.0.1'",
        "CREATE USER 'app'@'10.0.0.%' IDENTIFIED BY 'Application-1'",
        "GRANT SELECT ON shop.* TO 'app'@'10.0.0.%'",
        "SET GLOBAL default_password_lifetime = 90",
    )
    with mariadb_server(settings=settings, statements=statements, tls=True) as port:
        found = _verdicts(DatabaseKind.MYSQL, port, "audit_reader", WORD, MARIADB_GOOD)

    assert found == MARIADB_GOOD


def test_a_bad_mariadb() -> None:
    """Every fault that was made is found."""
    statements = (
        "CREATE USER ''@'localhost'",
        "CREATE USER 'root'@'%' IDENTIFIED BY 'x'",
        "CREATE USER 'app'@'%' IDENTIFIED BY 'x'",
        "GRANT SUPER, FILE ON *.* TO 'app'@'%'",
        "CREATE USER 'report'@'%' IDENTIFIED BY 'x'",
        "GRANT SELECT ON *.* TO 'report'@'%'",
        "CREATE DATABASE test",
        "CREATE TABLE test.people (id_card varchar(18))",
    )
    settings = ("--symbolic-links", "--local-infile=ON")
    with mariadb_server(settings=settings, statements=statements) as port:
        found = _verdicts(DatabaseKind.MYSQL, port, OWNER, OWNER_WORD, MARIADB_BAD)

    assert found == MARIADB_BAD


def _in_days(days: int) -> str:
    from datetime import timedelta

    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%d")
