"""Private PostgreSQL, MariaDB and Redis on loopback ports, with settings of the test's choice.

The machine's own servers are never touched: each has its own folder, port and process, and goes with the test.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pymysql
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.postgres import _call, require_postgres
from tests.support.services import free_port, require_tool

OWNER, OWNER_WORD = "owner", "Owner-of-all-1"
_WAIT_S = 60.0


def _as_nobody() -> list[str]:
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    # not below pytest's folder: that one is closed to other users
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "nobody")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_server(
    *,
    settings: str = "",
    hba: str = "host all all 127.0.0.1/32 scram-sha-256",
    statements: Sequence[str] = (),
    tls: bool = False,
) -> Iterator[int]:
    """A cluster of its own with TCP; ``owner`` is its superuser. Gives the port."""
    binaries = require_postgres()
    with _folder("secops-dbpg-") as folder:
        data, word, port = folder / "data", folder / "word", free_port()
        word.write_text(OWNER_WORD)
        if os.getuid() == 0:
            shutil.chown(word, "nobody")
        _call(
            [*_as_nobody(), str(binaries / "initdb"), "-D", str(data), "-U", OWNER, "-A", "scram-sha-256",
             f"--pwfile={word}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            folder,
        )  # fmt: skip
        with (data / "postgresql.conf").open("a") as stream:
            if tls:
                certificate, key = _certificate(folder)
                stream.write(f"\nssl = on\nssl_cert_file = '{certificate}'\nssl_key_file = '{key}'\n")
            stream.write(f"\nlisten_addresses = '127.0.0.1'\nfsync = off\n{settings}\n")
        (data / "pg_hba.conf").write_text(f"local all {OWNER} scram-sha-256\n{hba}\n")
        control = [*_as_nobody(), str(binaries / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
        _call([*control, "-l", str(folder / "log"), "-o", f"-k {folder} -p {port}", "start"], folder)
        try:
            with psycopg.connect(
                host=str(folder),
                port=port,
                user=OWNER,
                password=OWNER_WORD,
                dbname="postgres",
                autocommit=True,
            ) as connection:
                for statement in statements:
                    connection.execute(statement.encode())
            yield port
        finally:
            _call([*control, "-m", "immediate", "stop"], folder)


@contextmanager
def redis_server(lines: Sequence[str] = (), *, port: int | None = None, tls: bool = False) -> Iterator[int]:
    """A server of its own on 127.0.0.1 unless *lines* bind it elsewhere. Gives the port."""
    program = require_tool("redis-server", "redis-server")
    chosen = port or free_port()
    with _folder("secops-dbredis-") as folder:
        file = folder / "redis.conf"
        own = [f"port {chosen}", f"dir {folder}", "daemonize no"]
        if tls:
            certificate, key = _certificate(folder)
            own[0] = f"port 0\ntls-port {chosen}\ntls-cert-file {certificate}\ntls-key-file {key}"
            own += ["tls-auth-clients no", f"tls-ca-cert-file {certificate}"]
        own += [] if any(line.startswith("bind ") for line in lines) else ["bind 127.0.0.1"]
        file.write_text("\n".join([*own, *lines]) + "\n")
        with _running([program, str(file)], folder):
            _wait_for(socket.AF_INET, ("127.0.0.1", chosen))
            yield chosen


@contextmanager
def mariadb_server(
    *, settings: Sequence[str] = (), statements: Sequence[str] = (), tls: bool = False
) -> Iterator[int]:
    """A server of its own; ``owner`` may do everything from 127.0.0.1. Gives the port."""
    program = require_tool("mariadbd", "mariadb-server")
    install = require_tool("mariadb-install-db", "mariadb-server")
    with _folder("secops-dbmy-") as folder:
        data, socket_file, port = folder / "data", folder / "socket", free_port()
        user = ["--user=nobody"] if os.getuid() == 0 else []
        _call(
            [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
             "--skip-test-db", "--skip-name-resolve", *user],
            folder,
        )  # fmt: skip
        command = [
            program, "--no-defaults", f"--datadir={data}", f"--socket={socket_file}", f"--port={port}",
            f"--pid-file={folder / 'pid'}", "--bind-address=127.0.0.1", "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0", *user, *settings,
        ]  # fmt: skip
        if tls:
            certificate, key = _certificate(folder)
            command += [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        with _running(command, folder):
            connection = _wait_for_mariadb(socket_file)
            with connection, connection.cursor() as cursor:
                for statement in (
                    f"CREATE USER '{OWNER}'@'127.0.0.1' IDENTIFIED BY '{OWNER_WORD}'",
                    f"GRANT ALL ON *.* TO '{OWNER}'@'127.0.0.1' WITH GRANT OPTION",
                    *statements,
                ):
                    cursor.execute(statement)
            yield port


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own and its key, for the account that runs the server."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "database.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = folder / "server.crt", folder / "server.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for file in files:
        file.chmod(0o600)
        if os.getuid() == 0:
            shutil.chown(file, "nobody")
    return files


def _wait_for_mariadb(socket_file: Path) -> pymysql.Connection[pymysql.cursors.Cursor]:
    # not by the driver: it leaves its socket open when nobody listens yet
    _wait_for(socket.AF_UNIX, str(socket_file))
    return pymysql.connect(unix_socket=str(socket_file), user="root", autocommit=True)


def _wait_for(family: int, address: str | tuple[str, int]) -> None:
    end = time.monotonic() + _WAIT_S
    while True:
        try:
            with socket.socket(family) as one:
                return one.connect(address)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextmanager
def _running(command: Sequence[str], folder: Path) -> Iterator[None]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        try:
            yield
        except BaseException as error:
            with suppress(OSError):
                error.add_note((folder / "log").read_text(errors="replace")[-3000:])
            raise
        finally:
            process.terminate()
            process.wait(30)
