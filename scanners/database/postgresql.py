"""PostgreSQL: one connection in read-only mode, a fixed list of statements, each on its own.

No statement is ever put together from anything. Hashes of passwords stay on the server: only their kind is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from scanners.base import FailureReason
from scanners.database.asking import Clock, NoAnswer, Request, table_of
from scanners.database.result import MAX_ROWS, DatabaseKind, DatabaseResult, Table, TableState

_SETTINGS = """
SELECT name, setting, unit, source, pending_restart FROM pg_catalog.pg_settings WHERE name IN (
 'archive_mode', 'archive_command', 'authentication_timeout', 'auth_delay.milliseconds',
 'credcheck.max_auth_failure', 'credcheck.password_min_digit', 'credcheck.password_min_length',
 'credcheck.password_min_lower', 'credcheck.password_min_special', 'credcheck.password_min_upper',
 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'listen_addresses', 'log_connections',
 'log_destination', 'log_directory', 'log_disconnections', 'log_file_mode', 'log_filename', 'log_line_prefix',
 'log_rotation_age', 'log_rotation_size', 'log_statement', 'log_truncate_on_rotation', 'logging_collector',
 'passwordcheck.min_password_length', 'password_encryption', 'pgaudit.log', 'pgaudit.role', 'port',
 'session_preload_libraries', 'shared_preload_libraries', 'ssl', 'ssl_min_protocol_version', 'wal_level')
"""

STATEMENTS: Mapping[str, str] = {
    "server": """
SELECT pg_catalog.current_setting('server_version') AS version,
 pg_catalog.current_setting('server_version_num')::int AS number,
 pg_catalog.date_part('epoch', pg_catalog.now())::bigint AS now, pg_catalog.current_database()::text AS database,
 (SELECT count(*) FROM pg_catalog.pg_database WHERE NOT datistemplate AND datallowconn)::int AS databases,
 pg_catalog.pg_is_in_recovery() AS in_recovery,
 (SELECT s.ssl FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid()) AS encrypted
""",
    "settings": _SETTINGS,
    # settings that a role or a database has for itself win over those of the server; only names that matter here
    "own_settings": """
SELECT COALESCE(r.rolname::text, '') AS role, COALESCE(d.datname::text, '') AS database,
 pg_catalog.split_part(c.item, '=', 1) AS name, pg_catalog.substr(c.item, pg_catalog.strpos(c.item, '=') + 1) AS setting
FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c(item)
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
WHERE pg_catalog.split_part(c.item, '=', 1) IN ('idle_session_timeout', 'idle_in_transaction_session_timeout',
 'log_statement', 'log_disconnections', 'log_connections', 'pgaudit.log', 'password_encryption')
ORDER BY 1, 2, 3
""",
    "roles": """
SELECT rolname::text AS role, rolsuper AS super, rolcreaterole AS createrole, rolcreatedb AS createdb,
 rolreplication AS replication, rolbypassrls AS bypassrls, rolcanlogin AS login,
 CASE WHEN rolvaliduntil IS NULL OR rolvaliduntil = 'infinity' THEN NULL
 ELSE pg_catalog.ceil(pg_catalog.date_part('epoch', rolvaliduntil - pg_catalog.now()) / 86400)::bigint END AS days_left
FROM pg_catalog.pg_roles WHERE pg_catalog.left(rolname, 3) <> 'pg_' ORDER BY 1
""",
    # the kind of what is stored, never what is stored
    "stored": """
SELECT rolname::text AS role, CASE WHEN rolpassword IS NULL THEN 'none'
 WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256' WHEN rolpassword LIKE 'md5%' THEN 'md5'
 ELSE 'other' END AS kind
FROM pg_catalog.pg_authid WHERE rolcanlogin ORDER BY 1
""",
    "hba": """
SELECT line_number AS line, type, pg_catalog.array_to_string(database, ',') AS database,
 pg_catalog.array_to_string(user_name, ',') AS users, address, netmask, auth_method AS method,
 error IS NOT NULL AS broken
FROM pg_catalog.pg_hba_file_rules ORDER BY 1
""",
    "public_schemas": """
SELECT nspname::text AS schema FROM pg_catalog.pg_namespace
WHERE pg_catalog.has_schema_privilege('public', oid, 'CREATE') ORDER BY 1
""",
    "public_tables": """
SELECT n.nspname || '.' || c.relname AS relation, pg_catalog.string_agg(a.privilege_type, ',' ORDER BY a.privilege_type) AS rights
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
WHERE a.grantee = 0 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
GROUP BY 1 ORDER BY 1
""",
    "row_security": """
SELECT n.nspname || '.' || c.relname AS relation, c.relrowsecurity AS active, c.relforcerowsecurity AS forced,
 (SELECT count(*) FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)::int AS policies
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relrowsecurity OR EXISTS (SELECT 1 FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid) ORDER BY 1
""",
    "labels": """
SELECT provider, count(*)::int AS labels FROM pg_catalog.pg_seclabels GROUP BY 1 ORDER BY 1
""",
    "log_files": """
SELECT count(*)::int AS files, (pg_catalog.date_part('epoch', pg_catalog.now() - min(modification)) / 86400)::int AS oldest_days
FROM pg_catalog.pg_ls_logdir()
""",
    "archiver": """
SELECT archived_count AS archived, failed_count AS failed,
 pg_catalog.date_part('epoch', pg_catalog.now() - last_archived_time)::bigint AS archived_age_s,
 pg_catalog.date_part('epoch', pg_catalog.now() - last_failed_time)::bigint AS failed_age_s
FROM pg_catalog.pg_stat_archiver
""",
    "replicas": """
SELECT application_name AS name, host(client_addr) AS address, state, sync_state AS sync
FROM pg_catalog.pg_stat_replication ORDER BY 1
""",
    "receiver": """
SELECT status FROM pg_catalog.pg_stat_wal_receiver
""",
}
"""What is asked, by name of the answer; the same text for every server."""

_DENIED = "42501"
# 58P01: the folder of the log is not there
_UNKNOWN = frozenset({"42P01", "42883", "42703", "42704", "58P01"})
_OPTIONS = (
    "-c default_transaction_read_only=on -c statement_timeout=8s -c lock_timeout=2s -c search_path=pg_catalog"
)
# a password in clear is never sent, whatever the server asks for
_ALLOWED_METHODS = "scram-sha-256,md5,none"


def ask_postgresql(request: Request, clock: Clock) -> DatabaseResult:
    """Log in and ask everything; TLS first, then without where that is allowed and no password was sent yet.

    Raises:
        NoAnswer: with the reason.
    """
    connection = _connect(request, clock)
    with connection:
        tables = {name: _ask(connection, name, text, clock) for name, text in STATEMENTS.items()}
        encrypted = bool(connection.pgconn.ssl_in_use)
    return DatabaseResult(
        DatabaseKind.POSTGRESQL, request.username, encrypted, "TLS" if encrypted else "", tables
    )


def _connect(request: Request, clock: Clock) -> psycopg.Connection[tuple[object, ...]]:
    modes = ("require",) if request.require_tls else ("require", "disable")
    for number, mode in enumerate(modes, start=1):
        try:
            return psycopg.connect(
                hostaddr=request.host,
                port=request.port,
                user=request.username,
                password=request.password,
                dbname=request.database,
                sslmode=mode,
                # nothing of the worker's own account may leak into a connection
                sslcertmode="disable",
                gssencmode="disable",
                passfile="/dev/null",
                require_auth=_ALLOWED_METHODS,
                connect_timeout=max(2, round(clock.left_s() / len(modes))),
                options=_OPTIONS,
                application_name="secops",
                client_encoding="UTF8",
                autocommit=True,
                prepare_threshold=None,
            )
        except psycopg.OperationalError as error:
            if number == len(modes) or (error.pgconn is not None and error.pgconn.used_password):
                raise _no_answer(error) from None
    raise AssertionError("the last mode either answers or raises")


def _no_answer(error: psycopg.OperationalError) -> NoAnswer:
    # libpq tells no code for a log-in that failed; its own messages are English here, a server's may not be
    text = str(error).lower()
    if error.pgconn is not None and error.pgconn.used_password:
        return NoAnswer(FailureReason.AUTHENTICATION, "the server refused the log-in")
    for piece, reason, detail in (
        ("connection refused", FailureReason.REFUSED, "connection refused"),
        ("timeout", FailureReason.TIMED_OUT, "no answer in time"),
        ("timed out", FailureReason.TIMED_OUT, "no answer in time"),
        ("no route", FailureReason.UNREACHABLE, "no route to the target"),
        ("unreachable", FailureReason.UNREACHABLE, "no route to the target"),
        ("server does not support ssl", FailureReason.AUTHENTICATION, "the server offers no TLS, and the credentials ask for it"),
        ("authentication method", FailureReason.AUTHENTICATION, "the server asks for the password in clear"),
        ("fatal:", FailureReason.AUTHENTICATION, "the server refused the log-in"),
    ):  # fmt: skip
        if piece in text:
            return NoAnswer(reason, detail)
    return NoAnswer(FailureReason.PROTOCOL, "the answer is not that of PostgreSQL")


def _ask(connection: psycopg.Connection[tuple[object, ...]], name: str, text: str, clock: Clock) -> Table:
    clock.left_s()
    try:
        # one more than is kept shows that there is more
        cursor = connection.execute(text.encode())
        rows = cursor.fetchmany(MAX_ROWS + 1)
        return table_of([column.name for column in cursor.description or ()], rows)
    except psycopg.errors.QueryCanceled:
        return Table(TableState.FAILED, code="57014")
    except psycopg.Error as error:
        if connection.closed:
            raise NoAnswer(FailureReason.PROTOCOL, "the connection broke") from None
        code = error.sqlstate or ""
        if code == _DENIED:
            return Table(TableState.DENIED, code=code)
        return Table(TableState.UNKNOWN if code in _UNKNOWN else TableState.FAILED, code=code)
    except (UnicodeDecodeError, ValueError):
        # a value that cannot be read is one answer less, not the end of the look
        return Table(TableState.FAILED, code=name)
