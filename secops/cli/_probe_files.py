"""Files that a probe by hand is given or leaves: the authorisation, the credentials, the spool of uses.

Shapes: ``scanners/schema/probe-authorisation.schema.json`` and ``probe-credentials.schema.json``. A message
about the credentials file names the key at fault and never a value.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from secops.cli.output import BAD_INPUT, fail

if TYPE_CHECKING:
    from scanners.limits import Scope

SPOOL = "probe-audit.jsonl"
_LARGEST_BYTES = 1024 * 1024
_ANY_PORT = "1-65535"
_TIMES = ("valid_from", "valid_until")
_NETWORKS = ("networks", "exceptions", "probes", "path_roots")
_WORDS = ("id", "title", "system", "reason", "requested_by", "approved_by", "approved_at", "exported_at")


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A scope with where it came from; ``sha256`` ties a use to the file that allowed it."""

    scope: Scope
    name: str
    sha256: str


def read_authorisation(file: Path) -> Authorisation:
    """Read what the platform exported: networks, exceptions, probes, path_roots, valid_from, valid_until.

    Raises:
        Failed: with exit code 2 and the key at fault.
    """
    from scanners.errors import InvalidScope, InvalidTarget
    from scanners.limits import Scope

    content = _read(
        file,
        forbidden=stat.S_IWOTH,
        mode_zh="不得允许他人写入",
        mode_en="must not be open to writing by others",
    )
    data = _object(file, content)
    _only(file, data, {"format", *_NETWORKS, *_TIMES, *_WORDS}, {"networks", "probes", *_TIMES})
    if data.get("format", 1) != 1 or isinstance(data.get("format"), bool):
        _bad(file, "format", "须为 1", "must be 1")
    lists = {key: _texts(file, data, key) for key in _NETWORKS}
    valid_from, valid_until = (_time(file, data, key) for key in _TIMES)
    try:
        scope = Scope.parse(
            networks=lists["networks"],
            ports=_ANY_PORT,
            probe_ids=lists["probes"],
            valid_from=valid_from,
            valid_until=valid_until,
            exceptions=lists["exceptions"],
            path_roots=lists["path_roots"],
        )
    except (InvalidTarget, InvalidScope) as error:
        fail(f"{file}：授权有误：{error}", f"{file}: the authorisation is wrong: {error}", BAD_INPUT)
    return Authorisation(scope, str(data.get("id", "")), hashlib.sha256(content).hexdigest())


def read_ssh_credentials(file: Path) -> dict[str, Any]:
    """Read how to log in: the credentials, the enrolled host keys, and whether to use sudo, as the probe takes them.

    Raises:
        Failed: with exit code 2; the file is open to others, or not what it must be.
    """
    from scanners.ssh_baseline.result import Credentials, HostKey

    data = _object(file, _read_closed(file))
    known = {"username", "password", "private_key", "private_key_file", "passphrase", "host_keys", "use_sudo"}
    _only(file, data, known, {"username", "host_keys"})
    words = {key: _word(file, data, key) for key in known - {"host_keys", "use_sudo"}}
    if words["private_key_file"] is not None:
        if words["private_key"] is not None:
            _bad(file, "private_key_file", "与 private_key 只能有一个", "stands beside private_key")
        words["private_key"] = _text_of(Path(words["private_key_file"]))
    if words["password"] is None and words["private_key"] is None:
        _bad(file, "password", "口令与私钥须有其一", "or a private key is missing")
    if not words["username"]:
        _bad(file, "username", "不能为空", "must not be empty")
    keys = _texts(file, data, "host_keys")
    try:
        for text in keys:
            HostKey.parse(text)
    except ValueError:
        keys = []
    if not keys:
        _bad(
            file,
            "host_keys",
            "须列出已登记的主机密钥，如 ssh-ed25519 SHA256:…",
            "must list enrolled host keys, such as ssh-ed25519 SHA256:...",
        )
    if not isinstance(data.get("use_sudo", False), bool):
        _bad(file, "use_sudo", "须为 true 或 false", "must be true or false")
    credentials = Credentials(
        words["username"],
        password=words["password"],
        private_key=words["private_key"],
        passphrase=words["passphrase"],
    )
    return {"credentials": credentials, "host_keys": keys, "use_sudo": data.get("use_sudo", False)}


def read_database_credentials(file: Path) -> dict[str, Any]:
    """Read how to log in to a database, as the probe takes it.

    Raises:
        Failed: with exit code 2; the file is open to others, or not what it must be.
    """
    from scanners.database.result import Credentials, DatabaseKind, TlsUse

    data = _object(file, _read_closed(file))
    _only(file, data, {"username", "password", "kind", "database", "tls"}, {"password"})
    words = {key: _word(file, data, key) for key in ("username", "password", "kind", "database", "tls")}
    if words["password"] is None or "\0" in words["password"]:
        _bad(file, "password", "须为文本", "must be a text")
    for key, known in (("kind", DatabaseKind), ("tls", TlsUse)):
        if words[key] is not None and words[key] not in set(known):
            listed = ", ".join(known)
            _bad(file, key, f"须为 {listed} 之一", f"must be one of {listed}")
    kind = DatabaseKind(words["kind"]) if words["kind"] is not None else None
    # Redis has one account without a name of its own
    username = words["username"] or ("default" if kind is DatabaseKind.REDIS else "")
    if not username:
        _bad(file, "username", "不能为空", "must not be empty")
    credentials = Credentials(
        username,
        words["password"],
        kind=kind,
        database=words["database"] or "postgres",
        tls=TlsUse(words["tls"] or TlsUse.PREFER),
    )
    return {"credentials": credentials}


CREDENTIALS: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "ssh_baseline": read_ssh_credentials,
    "database": read_database_credentials,
}
"""How the credentials of each probe that needs some are read."""


def spool_use(folder: Path, entry: dict[str, Any]) -> None:
    """Append one use to the spool, closed to others and on disk before this returns.

    Raises:
        OSError: the folder or the file can't be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(folder / SPOOL, flags, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        os.fchmod(descriptor, 0o600)
        stream.write(line)
        os.fsync(descriptor)


# --- reading ----------------------------------------------------------------------------------------------


def _read(file: Path, *, forbidden: int, mode_zh: str, mode_en: str) -> bytes:
    try:
        # opened raw: a folder is told apart below, and a pipe does not hold us
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                fail(f"{file}：不是普通文件。", f"{file}: is no plain file.", BAD_INPUT)
            if status.st_mode & forbidden:
                mode = f"{stat.S_IMODE(status.st_mode):04o}"
                fail(
                    f"{file}：权限为 {mode}，{mode_zh}。",
                    f"{file}: its mode is {mode}, it {mode_en}.",
                    BAD_INPUT,
                )
            with open(descriptor, "rb", closefd=False) as stream:
                content = stream.read(_LARGEST_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fail(f"{file}：无法读取：{reason}", f"{file}: can't be read: {reason}", BAD_INPUT)
    if len(content) > _LARGEST_BYTES:
        fail(f"{file}：文件超过 1 MiB。", f"{file}: more than 1 MiB.", BAD_INPUT)
    return content


def _read_closed(file: Path) -> bytes:
    return _read(file, forbidden=stat.S_IRWXG | stat.S_IRWXO, mode_zh="须为 0600", mode_en="must be 0600")


def _text_of(file: Path) -> str:
    try:
        return _read_closed(file).decode("utf-8")
    except UnicodeDecodeError:
        fail(f"{file}：应为文本。", f"{file}: must be text.", BAD_INPUT)


def _object(file: Path, content: bytes) -> dict[str, Any]:
    data = None
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        # the reader's own message may quote the content
        data = None
    if not isinstance(data, dict):
        fail(f"{file}：应为一个 JSON 对象。", f"{file}: must be one JSON object.", BAD_INPUT)
    return data


def _only(file: Path, data: dict[str, Any], known: set[str], required: set[str]) -> None:
    for key in sorted(required - data.keys()):
        _bad(file, key, "缺少", "is missing")
    if data.keys() - known:
        # an unknown key may be a secret that slipped to the wrong side of a colon
        listed = ", ".join(sorted(known))
        fail(
            f"{file}：有未知的键；可用：{listed}",
            f"{file}: has a key that is not known; known: {listed}",
            BAD_INPUT,
        )


def _texts(file: Path, data: dict[str, Any], key: str) -> list[str]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _bad(file, key, "须为文本列表", "must be a list of texts")
    return value


def _word(file: Path, data: dict[str, Any], key: str) -> Any:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        _bad(file, key, "须为文本", "must be a text")
    return value


def _time(file: Path, data: dict[str, Any], key: str) -> datetime:
    try:
        moment = datetime.fromisoformat(data[key])
        if moment.tzinfo is not None:
            return moment
    except (ValueError, TypeError):
        moment = None
    _bad(file, key, "须为带时区的时间，如 2026-01-01T08:00:00+08:00", "must be a time with its zone")


def _bad(file: Path, key: str, zh: str, en: str) -> NoReturn:
    fail(f"{file} {key}：{zh}。", f"{file} {key}: {en}.", BAD_INPUT)
