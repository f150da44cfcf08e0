"""``secops probe``: ask one probe about one target by hand. No store; what may be asked is decided as everywhere.

Without an authorisation file only this machine may be looked at. Every use leaves one line in
``run/probe-audit.jsonl`` of the home before the probe begins.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secops.cli import output
from secops.cli.output import BAD_INPUT, NEGATIVE, JsonFlag, answer, fail, say, t, table, tell

if TYPE_CHECKING:
    from datetime import datetime

    from scanners.base import Attempt, Target, TargetKind
    from scanners.limits import Refusal, Scope
    from scanners.registry import ProbeClass
    from secops.cli._probe_files import Authorisation

THIS_MACHINE = "127.0.0.1"
_TIMEOUTS_S = {"local": 120.0, "ssh_baseline": 120.0, "nmap": 180.0}
_TIMEOUT_S = 60.0
_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::(.*))?", re.DOTALL)
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,62}\.?)+")
_MAX_LINES = 400
_MAX_TEXT = 200


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "probe",
        help=t(
            "手工运行一个探测。不带授权文件时只能检查本机；每次使用都会记录。",
            "Run one probe by hand. Without an authorisation only this machine; each use is recorded.",
        ),
    )(probe)


def probe(
    probe_id: Annotated[
        str, typer.Argument(metavar="PROBE", help="如 tls、tlcp、local / Such as tls, tlcp, local")
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="host[:port]、[IPv6]:port 或路径 / host[:port], [v6]:port, a path"
        ),
    ] = "",
    authorisation: Annotated[
        Path | None,
        typer.Option("--authorisation", metavar="FILE", help="平台导出的授权 / As exported by the platform"),
    ] = None,
    credentials_file: Annotated[
        Path | None,
        typer.Option("--credentials-file", metavar="FILE", help="凭据，权限 0600 / Credentials, mode 0600"),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="保存原始输出（0600） / Keep the raw output (0600)"),
    ] = None,
    server_name: Annotated[
        str, typer.Option("--server-name", help="服务名（SNI） / Name of the service (SNI)")
    ] = "",
    trust: Annotated[
        Path | None, typer.Option("--trust", metavar="PEM", help="信任的根证书 / Root certificates to trust")
    ] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", min=1, max=3600, help="秒 / Seconds")] = None,
    json_: JsonFlag = False,
) -> None:
    from scanners.base import Completed, traits_of
    from scanners.limits import check, loopback_scope
    from secops.cli._probe_files import read_authorisation
    from secops.clock import utc_now

    chosen = _probe_class(probe_id)
    where = parse_target(target, traits_of(chosen).target_kind)
    options = _options(chosen, server_name, trust, credentials_file)
    given = read_authorisation(authorisation) if authorisation is not None else None
    now = utc_now()
    scope = given.scope if given is not None else loopback_scope([probe_id], now)
    _record(probe_id, where, given, check(scope, where, probe_id, now), now)
    with _kept(save) as keep:
        attempt = _ask(chosen(**options), where, scope, timeout or _TIMEOUTS_S.get(probe_id, _TIMEOUT_S))
        saved = isinstance(attempt, Completed) and keep(attempt.raw)
    document = _document(probe_id, where, attempt, now)
    answer(document, lambda: _print(document, short=saved))
    if save is not None and saved:
        tell(f"原始输出已保存：{save}（0600）", f"The raw output is in {save} (0600).")
    elif save is not None:
        tell(
            f"没有原始输出可保存，{save} 未写入。", f"There is no raw output to keep; {save} was not written."
        )


def _probe_class(probe_id: str) -> ProbeClass:
    from scanners.registry import load_registry

    registry = load_registry()
    if probe_id not in registry.probes:
        known = ", ".join(registry.probes)
        fail(f"没有探测 {probe_id!r}；可用：{known}", f"No probe {probe_id!r}; known: {known}", BAD_INPUT)
    return registry.probes[probe_id]


# --- target -----------------------------------------------------------------------------------------------


def parse_target(text: str, kind: TargetKind) -> Target:
    """Read ``host``, ``host:port``, ``[v6]:port`` or a path, as the probe takes it; names are never looked up.

    Raises:
        Failed: with exit code 2.
    """
    from scanners.base import Target, TargetKind
    from scanners.errors import InvalidTarget
    from scanners.targets import parse_address

    if kind is TargetKind.PATH:
        return _path(text) if text else Target(THIS_MACHINE)
    if kind is TargetKind.THIS_MACHINE and not text:
        return Target(THIS_MACHINE)
    if not text:
        fail("缺少目标：host[:port]", "The target is missing: host[:port]", BAD_INPUT)
    host, port = _split(text)
    try:
        address = parse_address(host)
    except InvalidTarget as error:
        fail(
            f"目标 {_line(text)} 有误：须为 IP 地址，可带端口；不解析名称。",
            f"The target {_line(text)} is wrong: {_line(error.why)}; names are not looked up.",
            BAD_INPUT,
        )
    number = _port(text, port) if port is not None else None
    if kind is TargetKind.THIS_MACHINE and (number is not None or not address.is_loopback):
        fail(
            "这个探测只看本机，目标可省略。",
            "This probe looks at this machine only; leave the target away.",
            BAD_INPUT,
        )
    return Target(str(address), number)


def _split(text: str) -> tuple[str, str | None]:
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is not None:
        return bracketed[1], bracketed[2]
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, None


def _port(text: str, port: str) -> int:
    if not _PORT.fullmatch(port) or int(port) > 65535:
        fail(
            f"目标 {_line(text)} 的端口须为 1–65535。",
            f"The port of {_line(text)} must be 1 to 65535.",
            BAD_INPUT,
        )
    return int(port)


def _path(text: str) -> Target:
    from scanners.base import Target

    # lexists() of a path with NUL is False as well
    path = os.path.abspath(text)
    if "\0" in text or not os.path.lexists(path):
        fail(f"没有这个文件或目录：{_line(text)}", f"No such file or folder: {_line(text)}", BAD_INPUT)
    return Target("", path=path)


def name_of(target: Target) -> str:
    """Write a target as it can be given again."""
    if target.path is not None:
        return target.path
    if target.port is None:
        return target.host
    return f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"


def _is_here(target: Target) -> bool:
    from scanners.targets import parse_address

    return target.path is not None or parse_address(target.host).is_loopback


# --- what the probe is given ------------------------------------------------------------------------------


def _options(
    chosen: ProbeClass, server_name: str, trust: Path | None, credentials_file: Path | None
) -> dict[str, Any]:
    """Turn the options of the command line into arguments of the probe; one that it does not take is refused."""
    import inspect

    taken = inspect.signature(chosen).parameters
    found: dict[str, Any] = {}
    for option, word, value in (("--server-name", "server_name", server_name), ("--trust", "anchors", trust)):
        if value and word not in taken:
            fail(f"这个探测没有 {option}。", f"This probe takes no {option}.", BAD_INPUT)
    if server_name:
        if not _NAME.fullmatch(server_name):
            fail("--server-name 须为主机名。", "--server-name takes the name of a host.", BAD_INPUT)
        found["server_name"] = server_name
    if trust is not None:
        found["anchors"] = _anchors(trust)
    return found | _credentials(chosen, credentials_file)


def _anchors(file: Path) -> list[Any]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fail(f"{file}：无法读取：{reason}", f"{file}: can't be read: {reason}", BAD_INPUT)
    except ValueError:
        fail(f"{file}：应为 PEM 格式的证书。", f"{file}: must hold certificates in PEM.", BAD_INPUT)


def _credentials(chosen: ProbeClass, file: Path | None) -> dict[str, Any]:
    from scanners.base import traits_of
    from secops.cli._probe_files import CREDENTIALS

    if not traits_of(chosen).needs_credentials:
        if file is not None:
            fail("这个探测不用凭据。", "This probe takes no credentials.", BAD_INPUT)
        return {}
    read = CREDENTIALS.get(chosen.probe_id)
    if read is None:
        fail("这个探测不能手工运行。", "This probe can't be run by hand.", BAD_INPUT)
    if file is None:
        fail("这个探测需要 --credentials-file。", "This probe needs --credentials-file.", BAD_INPUT)
    return read(file)


# --- asking -----------------------------------------------------------------------------------------------


def _record(
    probe_id: str, target: Target, given: Authorisation | None, refusal: Refusal | None, now: datetime
) -> None:
    """Spool this use; a target elsewhere is left alone when that can't be done."""
    from secops.cli._probe_files import spool_use
    from secops.config import Settings

    entry = {
        "at": now.isoformat(),
        "event": "probe.by-hand",
        "probe": probe_id,
        "target": name_of(target),
        "uid": os.getuid(),
        "user": _user(),
        "pid": os.getpid(),
        "authorisation": {"id": given.name, "sha256": given.sha256} if given is not None else None,
        "allowed": refusal is None,
        "refusal": f"{refusal.reason}: {refusal.detail}" if refusal is not None else "",
    }
    home = Settings.from_env().home
    try:
        spool_use(home / "run", entry)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        zh = f"无法在 {home} 记录这次使用：{reason}"
        en = f"This use can't be recorded in {home}: {reason}"
        if not _is_here(target):
            fail(
                f"{zh}。只有本机可以不记录。", f"{en}. Only this machine may be looked at without.", NEGATIVE
            )
        tell(f"{zh}。目标是本机，继续。", f"{en}. The target is this machine, going on.")


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def _ask(asked: Any, target: Target, scope: Scope, timeout_s: float) -> Attempt[Any]:
    from scanners.base import ProbeContext
    from scanners.runner import run_probe
    from secops.clock import utc_now

    with output.progress("正在检查", "Looking", 100) as bar:
        done = 0

        def progress(share: float, step: str) -> None:
            nonlocal done
            percent = max(done, min(100, round(share * 100)))
            bar.step(step, step, percent - done)
            done = percent

        return run_probe(
            asked, target, ProbeContext(timeout_s, progress=progress), scope=scope, now=utc_now()
        )


@contextmanager
def _kept(file: Path | None) -> Iterator[Any]:
    """Lend a way to keep the raw output; the place is tried out first, and the file appears whole or not at all."""
    if file is None:
        yield lambda raw: False
        return
    try:
        if file.is_dir():
            fail(f"{file} 是一个目录。", f"{file} is a folder.", BAD_INPUT)
        # closed to others from the beginning
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fail(f"{file}：无法写入：{reason}", f"{file}: can't be written: {reason}", BAD_INPUT)

    def keep(raw: bytes) -> bool:
        if not raw:
            return False
        with open(descriptor, "wb", closefd=False) as stream:
            stream.write(raw)
        os.replace(name, file)
        return True

    try:
        yield keep
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)


def _document(probe_id: str, target: Target, attempt: Attempt[Any], started: datetime) -> dict[str, Any]:
    from scanners.base import Completed
    from scanners.jsonable import to_json

    completed = isinstance(attempt, Completed)
    return {
        "probe": probe_id,
        "target": name_of(target),
        "status": "completed" if completed else "failed",
        "reason": None if isinstance(attempt, Completed) else attempt.reason.value,
        "detail": "" if isinstance(attempt, Completed) else attempt.detail,
        "started": started.isoformat(),
        "duration_ms": attempt.duration_ms,
        "result": to_json(attempt.result) if isinstance(attempt, Completed) else None,
    }


# --- for people -------------------------------------------------------------------------------------------


def _print(document: dict[str, Any], *, short: bool) -> None:
    labels = {
        "probe": t("探测", "probe"),
        "target": t("目标", "target"),
        "status": t("状态", "status"),
        "reason": t("原因", "reason"),
        "detail": t("说明", "detail"),
        "duration_ms": t("用时（毫秒）", "duration (ms)"),
    }
    rows = [(label, _line(document[key])) for key, label in labels.items() if document[key] not in (None, "")]
    table([t("项目", "item"), t("值", "value")], rows)
    if document["result"] is None or short:
        return
    print()
    lines = list(_lines(document["result"], ""))
    for line in lines[:_MAX_LINES]:
        print(line)
    if len(lines) > _MAX_LINES:
        say(
            f"…… 另有 {len(lines) - _MAX_LINES} 行，见 --json",
            f"... {len(lines) - _MAX_LINES} more lines with --json",
        )


def _lines(value: Any, indent: str) -> Iterator[str]:
    """Write a result line by line, inner parts indented; empty parts are left away."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Mapping | list) and item and not _is_flat(item):
                inner = list(_lines(item, indent + "  "))
                yield from [f"{indent}{_line(key)}:", *inner] if inner else []
            elif item not in (None, "", [], {}):
                yield f"{indent}{_line(key)}: {_flat(item)}"
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping | list) and not _is_flat(item):
                inner = list(_lines(item, indent + "  "))
                yield from [f"{indent}- {inner[0].strip()}", *inner[1:]] if inner else []
            else:
                yield f"{indent}- {_flat(item)}"
    else:
        yield f"{indent}{_line(value)}"


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, Mapping | list) for item in value)


def _flat(value: Any) -> str:
    return ", ".join(map(_line, value)) if isinstance(value, list) else _line(value)


def _line(value: object) -> str:
    """Make anything safe for a terminal: what a target sent may hold control characters."""
    from scanners.tls.text import printable

    return printable(str(value), _MAX_TEXT)
