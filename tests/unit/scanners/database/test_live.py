"""The database probe against real servers: what a read-only account sees, and that nothing of a secret comes along."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from scanners.base import Completed, Failed, FailureReason, ProbeContext, Target
from scanners.database.probe import DatabaseProbe
from scanners.database.result import Credentials, DatabaseKind, DatabaseResult, TableState, TlsUse
from tests.support.databases import mariadb_server, postgres_server, redis_server

pytestmark = pytest.mark.live
WORD = "Reader-of-settings-1"


def _look(kind: DatabaseKind, port: int, user: str = "reader", word: str = WORD) -> DatabaseResult:
    attempt = DatabaseProbe(Credentials(user, word, kind=kind)).run(
        Target("127.0.0.1", port), ProbeContext(30)
    )
    assert isinstance(attempt, Completed), attempt
    for secret in (WORD, "SCRAM-SHA-256$", "md5", "*2470C0C"):
        assert secret.encode() not in attempt.raw.replace(b'"kind": "md5"', b"")
    return attempt.result


def _rows(result: DatabaseResult, table: str) -> list[Mapping[str, Any]]:
    assert result.tables[table].state is TableState.SEEN, (table, result.tables[table])
    return list(result.tables[table].rows)


def _settings(result: DatabaseResult) -> dict[str, Any]:
    return {str(row["name"]): row["setting"] for row in _rows(result, "settings")}


def test_postgresql_by_an_account_of_monitoring() -> None:
    """pg_monitor and the two grants of the page are enough for everything but the kinds of passwords."""
    with postgres_server(
        settings="idle_session_timeout = '10min'",
        hba="host all all 127.0.0.1/32 scram-sha-256\nhost all all 0.0.0.0/0 trust",
        statements=(
            f"CREATE ROLE reader LOGIN PASSWORD '{WORD}' VALID UNTIL '2100-01-01'",
            "GRANT pg_monitor TO reader",
            "GRANT SELECT ON pg_hba_file_rules TO reader",
            "GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO reader",
            "ALTER ROLE owner SET idle_session_timeout = 0",
            "CREATE TABLE open_table (a int)",
            "GRANT SELECT, DELETE ON open_table TO PUBLIC",
        ),
    ) as port:
        result = _look(DatabaseKind.POSTGRESQL, port)

    assert result.tables["stored"].state is TableState.DENIED
    assert _settings(result)["idle_session_timeout"] == "600000"
    assert [(row["method"], row["address"]) for row in _rows(result, "hba")][1:] == [
        ("scram-sha-256", "127.0.0.1"),
        ("trust", "0.0.0.0"),
    ]
    assert _rows(result, "own_settings") == [
        {"role": "owner", "database": "", "name": "idle_session_timeout", "setting": "0"}
    ]
    assert _rows(result, "public_tables") == [{"relation": "public.open_table", "rights": "DELETE,SELECT"}]
    assert not result.encrypted
    assert {name for name, table in result.tables.items() if table.state is not TableState.SEEN} == {
        "stored",
        "log_files",
    }


def test_postgresql_by_an_account_without_rights() -> None:
    """What the account may not see is said to be denied, never taken for empty."""
    with postgres_server(statements=(f"CREATE ROLE reader LOGIN PASSWORD '{WORD}'",)) as port:
        result = _look(DatabaseKind.POSTGRESQL, port)
        wrong = DatabaseProbe(Credentials("reader", "wrong", kind=DatabaseKind.POSTGRESQL)).run(
            Target("127.0.0.1", port), ProbeContext(30)
        )

    assert {name for name, table in result.tables.items() if table.state is TableState.DENIED} == {
        "hba",
        "log_files",
        "stored",
    }
    assert "shared_preload_libraries" not in _settings(result)
    assert isinstance(wrong, Failed)
    assert (wrong.reason, wrong.detail) == (
        FailureReason.AUTHENTICATION,
        "the server refused the log-in",
    )


def test_postgresql_cannot_be_written_through_the_session() -> None:
    """The session is read-only whatever the account may do."""
    import psycopg

    from scanners.database.asking import Clock, Request
    from scanners.database.postgresql import _connect

    with postgres_server() as port:
        request = Request("postgresql", "127.0.0.1", port, "owner", "Owner-of-all-1", "postgres", False, 20.0)
        with _connect(request, Clock(20)) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE written (a int)")


def test_mariadb_by_an_account_with_the_grants_of_the_page() -> None:
    """Accounts, variables and replication are seen; hashes are not."""
    with mariadb_server(
        settings=("--performance-schema=ON",),
        statements=(
            f"CREATE USER 'reader'@'%' IDENTIFIED BY '{WORD}'",
            "GRANT SELECT ON mysql.* TO 'reader'@'%'",
            "GRANT SELECT ON performance_schema.* TO 'reader'@'%'",
            "GRANT PROCESS, REPLICATION CLIENT, REPLICA MONITOR ON *.* TO 'reader'@'%'",
            "CREATE USER 'locked'@'localhost' IDENTIFIED BY 'x' ACCOUNT LOCK",
            "CREATE USER 'open'@'localhost'",
            "CREATE DATABASE shop",
            "CREATE TABLE shop.customer (id int, mobile varchar(20), note text)",
        ),
    ) as port:
        result = _look(DatabaseKind.MYSQL, port)

    accounts = {(row["user"], row["host"]): row for row in _rows(result, "accounts")}
    assert accounts["locked", "localhost"]["locked"] == 1
    assert (accounts["open", "localhost"]["empty_secret"], accounts["reader", "%"]["empty_secret"]) == (1, 0)
    assert _settings(result)["wait_timeout"] == "28800"
    # MariaDB has neither of these; everything else is seen
    unknown = {name for name, table in result.tables.items() if table.state is not TableState.SEEN}
    assert unknown == {"attributes", "components"}
    assert _rows(result, "replica") == []
    # the columns belong to a schema that the account may not see
    assert _rows(result, "columns") == []


def test_redis_by_an_account_with_the_rights_of_the_page() -> None:
    """An account that may ask and nothing else; the digest of its password stays on the server."""
    rights = "-@all +ping +info +config|get +acl|list +acl|whoami +command|info"
    lines = (
        "requirepass Another-word-77",
        f"user reader on >{WORD} {rights}",
        'rename-command FLUSHALL ""',
        "appendonly yes",
    )
    with redis_server(lines) as port:
        result = _look(DatabaseKind.REDIS, port)

    users = {str(row["user"]): row for row in _rows(result, "users")}
    assert users["reader"]["secrets"] == 1
    assert users["default"]["rights"] == "+@all"
    assert [row["command"] for row in _rows(result, "commands") if not row["there"]] == ["FLUSHALL"]
    assert _settings(result)["appendonly"] == "yes"
    assert _rows(result, "login") == [{"asked": True, "encrypted": False}]
    assert _rows(result, "given") == [{"account": "reader", "length": 16, "classes": 4}]


def test_redis_that_asks_for_nothing() -> None:
    """Without a password the look goes on without a log-in, and says so."""
    with redis_server() as port:
        result = _look(DatabaseKind.REDIS, port, "default", "")

    assert _rows(result, "login") == [{"asked": False, "encrypted": False}]
    assert result.tables["given"].state is TableState.UNKNOWN


@pytest.mark.parametrize("tls", [TlsUse.PREFER, TlsUse.REQUIRE])
@pytest.mark.parametrize("kind", tuple(DatabaseKind))
def test_tls_is_used_where_it_is_offered(kind: DatabaseKind, tls: TlsUse) -> None:
    """The look says that it went through TLS, whether that was asked for or merely offered."""
    make = f"CREATE USER 'reader'@'%' IDENTIFIED BY '{WORD}'"
    servers: dict[DatabaseKind, AbstractContextManager[int]] = {
        DatabaseKind.POSTGRESQL: postgres_server(
            tls=True,
            hba="hostssl all all 127.0.0.1/32 scram-sha-256",
            statements=(f"CREATE ROLE reader LOGIN PASSWORD '{WORD}'",),
        ),
        DatabaseKind.MYSQL: mariadb_server(tls=True, statements=(make,)),
        DatabaseKind.REDIS: redis_server((f"user reader on >{WORD} ~* +@all",), tls=True),
    }
    with servers[kind] as port:
        credentials = Credentials("reader", WORD, kind=kind, tls=tls)
        attempt = DatabaseProbe(credentials).run(Target("127.0.0.1", port), ProbeContext(30))

    assert isinstance(attempt, Completed), attempt
    assert attempt.result.encrypted
    assert attempt.result.protocol.startswith("TLS")


def test_a_postgresql_that_takes_no_tls_from_here_is_asked_without() -> None:
    """The first try ends before the password went out, so that it is sent once."""
    with postgres_server(
        tls=True,
        hba="hostnossl all all 127.0.0.1/32 scram-sha-256",
        statements=(f"CREATE ROLE reader LOGIN PASSWORD '{WORD}'",),
    ) as port:
        result = _look(DatabaseKind.POSTGRESQL, port)

    assert not result.encrypted
