"""MySQL and MariaDB: one connection in read-only mode, a fixed list of statements, each on its own.

No statement is ever put together from anything. Hashes of passwords stay on the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import SSCursor

from scanners.base import FailureReason
from scanners.database.asking import Clock, NoAnswer, Request, table_of
from scanners.database.result import MAX_ROWS, DatabaseKind, DatabaseResult, Table, TableState

_VARIABLES = """
SHOW GLOBAL VARIABLES WHERE Variable_name LIKE 'validate\\_password%' OR Variable_name LIKE 'simple\\_password\\_check%'
 OR Variable_name LIKE 'cracklib\\_password\\_check%' OR Variable_name LIKE 'password\\_reuse\\_check%'
 OR Variable_name LIKE 'connection\\_control\\_%' OR Variable_name LIKE 'server\\_audit\\_%'
 OR Variable_name LIKE 'innodb\\_encrypt%' OR Variable_name IN (
 'audit_log_policy', 'audit_log_strategy', 'audit_log_rotate_on_size', 'audit_log_max_size', 'audit_log_prune_seconds',
 'authentication_policy', 'basedir', 'bind_address', 'binlog_expire_logs_seconds', 'datadir', 'default_password_lifetime',
 'default_table_encryption', 'disconnect_on_expired_password', 'expire_logs_days', 'general_log', 'general_log_file',
 'have_ssl', 'have_symlink', 'interactive_timeout', 'keyring_file_data', 'local_infile', 'log_bin', 'log_error', 'log_output',
 'max_password_errors', 'password_history', 'password_reuse_interval', 'pid_file', 'plugin_dir', 'port', 'read_only',
 'require_secure_transport', 'secure_file_priv', 'skip_networking', 'strict_password_validation', 'tls_version',
 'version', 'version_comment', 'wait_timeout')
"""

STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "server": (
        "SELECT VERSION() AS version, @@global.version_comment AS comment, UNIX_TIMESTAMP() AS now, CURRENT_USER() AS account",
    ),
    "settings": (_VARIABLES,),
    # MariaDB keeps accounts as JSON, MySQL as columns; what one does not know, the other does
    "accounts": (
        """
SELECT Host AS host, User AS user, COALESCE(JSON_VALUE(Priv, '$.plugin'), '') AS plugin,
 COALESCE(JSON_QUERY(Priv, '$.auth_or[*].plugin'), JSON_EXTRACT(Priv, '$.auth_or[*].plugin'), '') AS other_plugins,
 COALESCE(JSON_VALUE(Priv, '$.authentication_string'), '') = '' AS empty_secret,
 COALESCE(JSON_VALUE(Priv, '$.authentication_string'), '') = 'invalid' AS no_secret_fits,
 COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) IN ('1', 'true') AS locked,
 COALESCE(JSON_VALUE(Priv, '$.password_last_changed'), 1) = '0' AS expired,
 JSON_VALUE(Priv, '$.password_lifetime') AS lifetime_days,
 CAST((UNIX_TIMESTAMP() - NULLIF(JSON_VALUE(Priv, '$.password_last_changed'), '0')) / 86400 AS SIGNED) AS changed_days,
 COALESCE(JSON_VALUE(Priv, '$.ssl_type'), '0') AS tls,
 COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) IN ('1', 'true') AS is_role
FROM mysql.global_priv ORDER BY 2, 1
""",
        """
SELECT Host AS host, User AS user, plugin AS plugin, '' AS other_plugins,
 COALESCE(authentication_string, '') = '' AS empty_secret, FALSE AS no_secret_fits, account_locked = 'Y' AS locked,
 password_expired = 'Y' AS expired, password_lifetime AS lifetime_days,
 CAST((UNIX_TIMESTAMP() - UNIX_TIMESTAMP(password_last_changed)) / 86400 AS SIGNED) AS changed_days,
 CASE ssl_type WHEN '' THEN '0' ELSE ssl_type END AS tls, FALSE AS is_role
FROM mysql.user ORDER BY 2, 1
""",
    ),
    "privileges": (
        """
SELECT Host AS host, User AS user, Super_priv = 'Y' AS super, Grant_priv = 'Y' AS can_grant, File_priv = 'Y' AS file,
 Process_priv = 'Y' AS process, Shutdown_priv = 'Y' AS shutdown, Create_user_priv = 'Y' AS create_user,
 Select_priv = 'Y' AS read_all, Insert_priv = 'Y' OR Update_priv = 'Y' OR Delete_priv = 'Y' OR Drop_priv = 'Y' AS write_all
FROM mysql.user ORDER BY 2, 1
""",
    ),
    # MySQL 8: limits and factors of one account
    "attributes": (
        """
SELECT Host AS host, User AS user,
 CAST(COALESCE(JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.Password_locking.failed_login_attempts')), 0) AS SIGNED) AS tries,
 COALESCE(JSON_LENGTH(JSON_EXTRACT(User_attributes, '$.multi_factor_authentication')), 0) AS more_factors
FROM mysql.user ORDER BY 2, 1
""",
    ),
    "scopes": ("SELECT Host AS host, User AS user, Db AS db FROM mysql.db ORDER BY 2, 1, 3",),
    "table_scopes": (
        "SELECT DISTINCT Host AS host, User AS user, Db AS db FROM mysql.tables_priv ORDER BY 2, 1, 3",
    ),
    "databases": ("SELECT SCHEMA_NAME AS db FROM information_schema.SCHEMATA ORDER BY 1",),
    "plugins": (
        """
SELECT PLUGIN_NAME AS plugin, PLUGIN_STATUS AS status, PLUGIN_TYPE AS type, LOAD_OPTION AS option
FROM information_schema.PLUGINS WHERE PLUGIN_TYPE IN ('AUDIT', 'AUTHENTICATION', 'PASSWORD VALIDATION', 'VALIDATE PASSWORD',
 'ENCRYPTION', 'KEYRING') OR PLUGIN_NAME LIKE 'CONNECTION\\_CONTROL%' OR PLUGIN_NAME LIKE 'validate\\_password%' ORDER BY 1
""",
    ),
    "components": ("SELECT component_urn AS component FROM mysql.component ORDER BY 1",),
    "seen_accounts": (
        """
SELECT USER AS user, HOST AS host, TOTAL_CONNECTIONS AS connections FROM performance_schema.accounts
WHERE USER IS NOT NULL ORDER BY 1, 2
""",
    ),
    "encryption": (
        """
SELECT COUNT(*) AS tables_all, COALESCE(SUM(CREATE_OPTIONS LIKE '%ENCRYPTED%' OR CREATE_OPTIONS LIKE '%ENCRYPTION=%Y%'), 0) AS tables_encrypted
FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE'
 AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
""",
    ),
    # names and types of columns alone; no value is read
    "columns": (
        """
SELECT TABLE_SCHEMA AS db, TABLE_NAME AS relation, COLUMN_NAME AS name, COLUMN_TYPE AS type
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
 AND (LOWER(COLUMN_NAME) LIKE '%passw%' OR LOWER(COLUMN_NAME) LIKE '%pwd%' OR LOWER(COLUMN_NAME) LIKE '%idcard%'
 OR LOWER(COLUMN_NAME) LIKE '%id\\_card%' OR LOWER(COLUMN_NAME) LIKE '%id\\_no%' OR LOWER(COLUMN_NAME) LIKE '%sfz%'
 OR LOWER(COLUMN_NAME) LIKE '%mobile%' OR LOWER(COLUMN_NAME) LIKE '%phone%' OR LOWER(COLUMN_NAME) LIKE '%bank%card%')
ORDER BY 1, 2, 3
""",
    ),
    "replica": ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS"),
    "dumping": (
        "SELECT COUNT(*) AS dumping FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'",
    ),
}
"""What is asked, by name of the answer; a second text is for servers that do not know the first."""

_REPLICA = (
    ("Replica_IO_Running", "Slave_IO_Running"),
    ("Replica_SQL_Running", "Slave_SQL_Running"),
    ("Seconds_Behind_Source", "Seconds_Behind_Master"),
)
_DENIED = frozenset({1044, 1045, 1142, 1143, 1227})
_UNKNOWN = frozenset({1054, 1049, 1064, 1109, 1146, 1193, 1305, 3554})
_LOGIN = frozenset({1044, 1045, 1130, 1133, 1129, 1203, 1251, 1524, 1698, 1820, 1862, 2059, 3118, 3159, 4151})
_ALLOWED_METHODS = (b"mysql_native_password", b"client_ed25519", b"caching_sha2_password", b"sha256_password")


class _ClearPassword(Exception):
    """The server asked for the password in clear."""


class _Careful(Connection):
    """Sends the password by methods alone that do not show it to whoever listens."""

    def _process_auth(self, plugin_name: bytes, auth_packet: Any, handler: Any = None) -> Any:
        if plugin_name not in _ALLOWED_METHODS:
            raise _ClearPassword
        return super()._process_auth(plugin_name, auth_packet, handler)  # type: ignore[misc]


def ask_mysql(request: Request, clock: Clock) -> DatabaseResult:
    """Log in once and ask everything; TLS wherever the server offers it.

    Raises:
        NoAnswer: with the reason.
    """
    connection = _connect(request, clock)
    try:
        protocol = _protocol(connection)
        tables = {name: _ask(connection, texts, clock) for name, texts in STATEMENTS.items()}
    finally:
        # the result is there already; a server that does not take leave changes nothing
        connection._force_close()
    tables["replica"] = _replica(tables["replica"])
    tables["settings"] = _settings(tables["settings"])
    return DatabaseResult(DatabaseKind.MYSQL, request.username, bool(protocol), protocol, tables)


def _protocol(connection: Any) -> str:
    version = getattr(connection._sock, "version", None)
    return str(version() or "") if callable(version) else ""


def _connect(request: Request, clock: Clock) -> Any:
    connection: Any = _Careful(
        host=request.host,
        port=request.port,
        user=request.username,
        password=request.password,
        charset="utf8mb4",
        connect_timeout=max(1, round(clock.left_s())),
        read_timeout=max(1, round(clock.left_s())),
        write_timeout=max(1, round(clock.left_s())),
        local_infile=False,
        autocommit=True,
        max_allowed_packet=4 * 1024 * 1024,
        cursorclass=SSCursor,
        program_name="secops",
        defer_connect=True,
    )
    if request.require_tls:
        connection._ssl_required = True
    try:
        connection.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
        return connection
    except _ClearPassword:
        raise NoAnswer(FailureReason.AUTHENTICATION, "the server asks for the password in clear") from None
    except pymysql.err.MySQLError as error:
        raise _no_answer(error) from None
    except OSError:
        raise NoAnswer(FailureReason.PROTOCOL, "the TLS handshake failed") from None
    except (ValueError, LookupError, TypeError, AttributeError, UnicodeError, AssertionError):
        # the driver trips over whatever is not MySQL
        raise NoAnswer(FailureReason.PROTOCOL, "the answer is not that of MySQL") from None


def _no_answer(error: pymysql.err.MySQLError) -> NoAnswer:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    cause = getattr(error, "original_exception", None)
    if code in _LOGIN:
        return NoAnswer(FailureReason.AUTHENTICATION, "the server refused the log-in")
    if code == 2026:
        return NoAnswer(
            FailureReason.AUTHENTICATION, "the server offers no TLS, and the credentials ask for it"
        )
    if isinstance(cause, TimeoutError):
        return NoAnswer(FailureReason.TIMED_OUT, "no answer in time")
    if isinstance(cause, ConnectionRefusedError):
        return NoAnswer(FailureReason.REFUSED, "connection refused")
    if code == 2003:
        return NoAnswer(FailureReason.UNREACHABLE, "no route to the target")
    return NoAnswer(FailureReason.PROTOCOL, "the answer is not that of MySQL")


def _ask(connection: Any, texts: tuple[str, ...], clock: Clock) -> Table:
    found = Table(TableState.FAILED)
    for text in texts:
        clock.left_s()
        found = _ask_once(connection, text)
        if found.state is not TableState.UNKNOWN:
            return found
    return found


def _ask_once(connection: Any, text: str) -> Table:
    try:
        with connection.cursor() as cursor:
            cursor.execute(text)
            names = [column[0] for column in cursor.description or ()]
            return table_of(names, cursor.fetchmany(MAX_ROWS + 1))
    except pymysql.err.MySQLError as error:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if code in (0, 2006, 2013, 2014, 2027):
            raise NoAnswer(FailureReason.PROTOCOL, "the connection broke") from None
        state = TableState.DENIED if code in _DENIED else TableState.UNKNOWN
        return Table(state if code in _DENIED | _UNKNOWN else TableState.FAILED, code=str(code))
    except OSError:
        raise NoAnswer(FailureReason.PROTOCOL, "the connection broke") from None
    except (ValueError, LookupError, TypeError, AttributeError, UnicodeError, AssertionError):
        raise NoAnswer(FailureReason.PROTOCOL, "the answer is not that of MySQL") from None


def _settings(table: Table) -> Table:
    rows = [{"name": row["Variable_name"], "setting": row["Value"]} for row in table.rows]
    return Table(table.state, tuple(rows), table.code)


def _replica(table: Table) -> Table:
    """Keep three columns: the others name hosts, accounts and files of the other server."""
    rows = [
        {
            "io": _first(row, _REPLICA[0]),
            "sql": _first(row, _REPLICA[1]),
            "behind_s": _first(row, _REPLICA[2]),
        }
        for row in table.rows
    ]
    return Table(table.state, tuple(rows), table.code)


def _first(row: Mapping[str, Any], names: tuple[str, str]) -> Any:
    return next((row[name] for name in names if name in row), None)
