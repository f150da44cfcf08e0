"""What a network scan found, proposed as targets: the rows go through the same preview as an import."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scanners.base import Failed
from scanners.tools import PARSER_LIMITS, run_tool
from secops.errors import BadInput, NotFound
from secops.inventory.models import ImportDraft
from secops.objects.models import Asset, System
from secops.scope import principal_of
from smcrypto.sm3 import hexdigest

MAX_BYTES = 50 << 20
_WAIT_S = 60.0
# The first port that is open names the kind; a person looks at it before anything is written.
_KINDS = (
    ((1433, 1521, 3306, 5236, 5432, 6379, 27017, 54321), "database"),
    ((161, 179), "network-device"),
    ((22, 3389, 445, 135), "server"),
    ((80, 443, 8080, 8443), "application"),
)
HEAD = ("system", "kind", "name", "address", "importance", "note")


@dataclass(frozen=True, slots=True)
class Found:
    """What the report says, against what is registered: addresses by fate."""

    new: tuple[str, ...]
    known: tuple[str, ...]
    silent: tuple[str, ...]


def read_hosts(content: bytes) -> list[dict[str, Any]]:
    """The living hosts of an nmap XML report.

    Raises:
        BadInput: no such report, or one that passes the limits.
    """
    if not content or len(content) > MAX_BYTES:
        raise BadInput(
            "请上传不超过 50 MB 的 Nmap XML 文件。", "Give an nmap XML report of at most 50 MB.", "file"
        )
    argv = [sys.executable, "-I", "-m", "secops.inventory.discovery_reader"]
    done = run_tool(argv, timeout_s=_WAIT_S, stdin=content, limits=PARSER_LIMITS, env={"PYTHONUTF8": "1"})
    if isinstance(done, Failed) or done.returncode != 0:
        raise BadInput(
            "读取文件超出时间或内存上限。", "Reading the file passed the limit of time or memory.", "file"
        )
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise BadInput(
            f"不是有效的 Nmap XML 报告：{answer['error'][:120]}",
            f"No nmap XML report: {answer['error'][:120]}",
            "file",
        )
    hosts: list[dict[str, Any]] = answer["hosts"]
    return hosts


def compare(session: Session, system: System, hosts: Sequence[Mapping[str, Any]]) -> Found:
    """Which addresses are new, known, or registered but silent in this report; one query."""
    query = select(Asset.address).where(Asset.system_id == system.id, Asset.address != "")
    registered = set(session.scalars(query))
    seen = [str(host["address"]) for host in hosts]
    return Found(
        new=tuple(address for address in seen if address not in registered),
        known=tuple(address for address in seen if address in registered),
        silent=tuple(sorted(registered - set(seen))),
    )


def propose(
    session: Session, system: System, content: bytes, *, file_name: str, now: datetime
) -> tuple[ImportDraft | None, Found]:
    """Keep the new hosts as a draft of the register of targets; None when all are registered already."""
    user_id = principal_of(session).user_id
    if user_id is None:
        raise NotFound
    hosts = read_hosts(content)
    found = compare(session, system, hosts)
    by_address = {str(host["address"]): host for host in hosts}
    rows: list[list[Any]] = [list(HEAD)]
    rows += [_row(system, by_address[address]) for address in found.new]
    if len(rows) == 1:
        return None, found
    draft = ImportDraft(
        user_id=user_id, register="assets", file_name=file_name[:255], sm3=hexdigest(content), rows=rows, created_at=now
    )  # fmt: skip
    session.add(draft)
    session.flush()
    return draft, found


def _row(system: System, host: Mapping[str, Any]) -> list[Any]:
    numbers = {int(port["number"]) for port in host["ports"]}
    kind = next((kind for ports, kind in _KINDS if numbers & set(ports)), "server")
    names = [str(name) for name in host["names"] if name]
    ports = ", ".join(
        f"{port['number']}/{port['protocol']} {port['name']}".strip() for port in host["ports"][:20]
    )
    return [
        system.code, kind, (names[0] if names else host["address"])[:160], host["address"], "important", ports[:300],
    ]  # fmt: skip
