"""One SSH connection, one command, one script over standard input; the only module that knows asyncssh."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import asyncssh

from scanners.base import Failed, FailureReason
from scanners.ssh_baseline.result import Credentials, HostKey

MAX_PASSWORD_ATTEMPTS = 2
"""Most passwords sent to one host in one run; more could lock the account."""

_T = TypeVar("_T")
_POLL_S = 0.1
_CHUNK = 65_536
_STDERR_CAP = 4_096
# signature algorithms that a key of this kind may use
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
_ENROL_ALGORITHMS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "ssh-rsa")


class OutputTooLarge(Exception):
    """The host sent more than the cap; ends one connection, never leaves this package."""


class RunCancelled(Exception):
    """The caller asked to stop; ends one connection, never leaves this package."""


class _Client(asyncssh.SSHClient):
    """Checks the host key against the enrolled ones and counts passwords."""

    def __init__(self, credentials: Credentials, host_keys: Sequence[HostKey]) -> None:
        self._credentials = credentials
        self._known = {key.fingerprint for key in host_keys}
        self.attempts = 0
        self.presented = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        fingerprint = key.get_fingerprint("sha256")
        self.presented = f"{key.get_algorithm()} {fingerprint}"
        return fingerprint in self._known

    def _password(self) -> str | None:
        if self._credentials.password is None or self.attempts >= MAX_PASSWORD_ATTEMPTS:
            return None
        self.attempts += 1
        return self._credentials.password

    def password_auth_requested(self) -> str | None:
        return self._password()

    def kbdint_auth_requested(self) -> str | None:
        return "" if self._credentials.password is not None else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        if not prompts:
            return []
        # one question whose answer is not shown is the password; anything else is not for a program to answer
        if len(prompts) != 1 or prompts[0][1]:
            return None
        password = self._password()
        return None if password is None else [password]


def run_script(
    host: str,
    port: int,
    credentials: Credentials,
    host_keys: Sequence[HostKey],
    command: str,
    script: bytes,
    *,
    timeout_s: float,
    stdout_cap: int,
    cancelled: Callable[[], bool],
) -> tuple[int | None, bytes] | Failed:
    """Log in, run *command* with *script* on its standard input, give exit code and output.

    Never raises for what the host does.
    """
    client = _Client(credentials, host_keys)
    output = bytearray()
    work = _session(host, port, credentials, host_keys, client, command, script, output, stdout_cap)
    try:
        returncode = asyncio.run(_guarded(work, timeout_s, cancelled))
    except asyncssh.HostKeyNotVerifiable:
        return Failed(FailureReason.HOST_KEY_CHANGED, f"presented {client.presented}")
    except asyncssh.PermissionDenied:
        return Failed(FailureReason.AUTHENTICATION, f"refused, {client.attempts} passwords sent")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        return Failed(FailureReason.AUTHENTICATION, "the private key cannot be read")
    except OutputTooLarge:
        return Failed(FailureReason.RESOURCE_LIMIT, f"more than {stdout_cap} bytes", bytes(output))
    except RunCancelled:
        return Failed(FailureReason.CANCELLED, "", bytes(output))
    except TimeoutError:
        return Failed(FailureReason.TIMED_OUT, f"{timeout_s:g} s", bytes(output))
    except ConnectionRefusedError:
        return Failed(FailureReason.REFUSED, f"port {port}")
    except (ConnectionResetError, BrokenPipeError):
        return Failed(FailureReason.PROTOCOL, "the host hung up", bytes(output))
    except OSError as error:
        return Failed(FailureReason.UNREACHABLE, error.strerror or type(error).__name__)
    except asyncssh.Error as error:
        return Failed(FailureReason.PROTOCOL, type(error).__name__, bytes(output))
    return returncode, bytes(output)


async def _guarded(work: Coroutine[Any, Any, _T], timeout_s: float, cancelled: Callable[[], bool]) -> _T:
    """Await *work* within the budget, and look every moment whether the caller wants to stop."""
    task = asyncio.ensure_future(work)
    deadline = asyncio.get_running_loop().time() + timeout_s
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=_POLL_S)
            if done:
                return task.result()
            if cancelled():
                raise RunCancelled
            if asyncio.get_running_loop().time() >= deadline:
                raise TimeoutError
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _session(
    host: str,
    port: int,
    credentials: Credentials,
    host_keys: Sequence[HostKey],
    client: _Client,
    command: str,
    script: bytes,
    output: bytearray,
    stdout_cap: int,
) -> int | None:
    options = _options(credentials, host_keys)
    connection, _ = await asyncssh.create_connection(lambda: client, host, port, **options)
    try:
        process = await connection.create_process(command, encoding=None)
        errors = asyncio.ensure_future(_drain(process.stderr))
        feeding = asyncio.ensure_future(_feed(process.stdin, script))
        while chunk := await process.stdout.read(_CHUNK):
            output += chunk
            if len(output) > stdout_cap:
                del output[stdout_cap:]
                raise OutputTooLarge
        await asyncio.gather(feeding, errors)
        await process.wait_closed()
        return process.returncode
    finally:
        connection.abort()


async def _feed(stdin: Any, script: bytes) -> None:
    try:
        stdin.write(script)
        await stdin.drain()
        stdin.write_eof()
    except (BrokenPipeError, ConnectionError, asyncssh.Error):
        # a host that stops reading answers with an exit code or nothing, which is judged later
        return


async def _drain(stderr: Any) -> None:
    """Read standard error to its end and throw it away, so that it cannot block the session."""
    while await stderr.read(_STDERR_CAP):
        pass


def _options(credentials: Credentials, host_keys: Sequence[HostKey]) -> dict[str, Any]:
    keys = []
    if credentials.private_key is not None:
        keys.append(asyncssh.import_private_key(credentials.private_key, credentials.passphrase))
    algorithms = [
        name for key in host_keys for name in _SIGNATURES.get(key.algorithm, (key.algorithm,)) if name
    ]
    return {
        "username": credentials.username,
        "client_keys": keys or None,
        # nothing of the worker's own account may leak into a connection
        "config": None,
        "agent_path": None,
        "known_hosts": ([], [], []),
        "client_host_keysign": False,
        "gss_host": None,
        "preferred_auth": "publickey" if keys else "keyboard-interactive,password",
        "public_key_auth": bool(keys),
        "password_auth": credentials.password is not None,
        "kbdint_auth": credentials.password is not None,
        "server_host_key_algs": algorithms or "default",
        "x509_trusted_certs": None,
        "login_timeout": "30s",
        "connect_timeout": None,
    }


def fetch_host_keys(
    host: str, port: int, *, timeout_s: float, cancelled: Callable[[], bool]
) -> tuple[HostKey, ...] | Failed:
    """Give the keys that a host presents, for a person to enrol; one connection per kind of key, no log-in."""
    try:
        keys = asyncio.run(_guarded(_host_keys(host, port), timeout_s, cancelled))
    except RunCancelled:
        return Failed(FailureReason.CANCELLED, "")
    except TimeoutError:
        return Failed(FailureReason.TIMED_OUT, f"{timeout_s:g} s")
    except ConnectionRefusedError:
        return Failed(FailureReason.REFUSED, f"port {port}")
    except OSError as error:
        return Failed(FailureReason.UNREACHABLE, error.strerror or type(error).__name__)
    if not keys:
        return Failed(FailureReason.PROTOCOL, "no host key was presented")
    return keys


async def _host_keys(host: str, port: int) -> tuple[HostKey, ...]:
    found: dict[str, HostKey] = {}
    for algorithm in _ENROL_ALGORITHMS:
        try:
            key = await asyncssh.get_server_host_key(
                host, port, server_host_key_algs=[algorithm], config=None
            )
        except (asyncssh.Error, ConnectionResetError, BrokenPipeError):
            # the host has no key of this kind, and says so or hangs up
            continue
        if key is not None:
            host_key = HostKey(key.get_algorithm(), key.get_fingerprint("sha256"))
            found[host_key.fingerprint] = host_key
    return tuple(found.values())
