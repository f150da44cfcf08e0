"""Settings: read from the environment once, every fault told together.

Nothing else in the application reads ``os.environ``. Each setting is described in ``docs/settings.md``.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ZONE_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")


class BadSettings(ValueError):
    """One or more settings are wrong; ``faults`` holds one sentence for each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(self.faults)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _port(text: str) -> int:
    value = _whole(text)
    if not 1 <= value <= 65535:
        raise ValueError("a port lies between 1 and 65535")
    return value


def _positive(text: str) -> int:
    value = _whole(text)
    if value < 1:
        raise ValueError("must be 1 or more")
    return value


def _flag(text: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise ValueError("must be yes or no") from None


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("is not a time zone such as Asia/Shanghai") from error
    return text


def _url(text: str) -> str:
    if not urlsplit(text).scheme:
        raise ValueError("is not an address such as redis://host:6379/0")
    return text


def _syslog(text: str) -> str:
    target = urlsplit(text)
    if target.scheme not in ("tls", "tcp") or not target.hostname:
        raise ValueError("is not an address such as tls://host:6514 or tcp://host:601")
    if target.port is not None and not 1 <= target.port <= 65535:
        raise ValueError("a port lies between 1 and 65535")
    return text


def _language(text: str) -> str:
    if text not in ("zh", "en"):
        raise ValueError("must be zh or en")
    return text


def _mode(text: str) -> str:
    if text not in ("standard", "production"):
        raise ValueError("must be standard or production")
    return text


def _approvers(text: str) -> str:
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names or set(names) - {"security-admin", "officer"}:
        raise ValueError("names security-admin, officer or both")
    return ",".join(names)


def _factor(text: str) -> str:
    if text not in ("auto", "off", "administrators", "all"):
        raise ValueError("must be auto, off, administrators or all")
    return text


def _zone_names(text: str) -> str:
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not all(_ZONE_NAME.fullmatch(name) for name in names):
        raise ValueError("names zones by small letters, digits and hyphens, such as cloud,dmz")
    return ",".join(names)


def _network_zones(text: str) -> str:
    """``10.20.0.0/16=cloud,10.30.0.0/16=dmz``."""
    pairs = [part.strip() for part in text.split(",") if part.strip()]
    found = []
    for pair in pairs:
        network, mark, name = pair.partition("=")
        if not mark:
            raise ValueError("pairs a network with a zone, such as 10.20.0.0/16=cloud")
        found.append(f"{ipaddress.ip_network(network.strip(), strict=False)}={_zone_names(name)}")
    return ",".join(found)


def _due_days(text: str) -> str:
    parts = [_positive(part.strip()) for part in text.split(",")]
    if len(parts) != 3:
        raise ValueError("names three numbers of days, for high, medium and low, such as 30,90,180")
    return ",".join(map(str, parts))


def _networks(text: str) -> str:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return ",".join(str(ipaddress.ip_network(part, strict=False)) for part in parts)


def _whole_path(text: str) -> str:
    # Web and workers need not run in the same folder.
    if not Path(text).is_absolute():
        raise ValueError("must be a path from the root, such as /srv/backup")
    return text


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between two installations.

    ``home`` holds every file of an installation; two homes never meet. Empty ``database_url`` means the
    SQLite file in the home; empty ``broker_url`` means the private broker of embedded mode.
    """

    home: Path = field(default_factory=lambda: Path("var"))
    database_url: str = ""
    broker_url: str = ""
    bind_address: str = "127.0.0.1"
    port: int = 8340
    mode: str = "standard"
    time_zone: str = "Asia/Shanghai"
    language: str = "zh"
    web_workers: int = 2
    worker_processes: int = 2
    tick_seconds: int = 5
    network_parallel: int = 4
    network_zones: str = ""
    worker_zones: str = ""
    lease_seconds: int = 45
    upload_limit_mb: int = 200
    free_space_floor_mb: int = 512
    upload_daily_limit_mb: int = 5120
    department_quota_mb: int = 0
    clamd_socket: str = ""
    audit_syslog: str = ""
    audit_syslog_ca: str = ""
    behind_tls: bool = False
    allowed_hosts: str = ""
    secret_key_file: str = ""
    grant_approvers: str = "security-admin"
    grant_request_days: int = 7
    session_idle_minutes: int = 30
    session_idle_admin_minutes: int = 15
    session_hours: int = 8
    sessions_max: int = 5
    password_days: int = 90
    second_factor: str = "auto"
    login_failures_per_address: int = 10
    reauth_minutes: int = 15
    admin_networks: str = ""
    backup_folder: str = ""
    backup_passphrase_file: str = ""
    import_folder: str = ""
    metrics_token_file: str = ""
    finding_days: str = "30,90,180"
    acceptance_days: int = 365

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read ``SECOPS_*``; unknown names are faults too, since a misspelt setting would silently do nothing.

        Raises:
            BadSettings: with one sentence per fault, all at once.
        """
        environ = os.environ if environ is None else environ
        faults: list[str] = []
        values: dict[str, Any] = {}
        known = {f"SECOPS_{item.name.upper()}": item.name for item in fields(cls)}
        for name, text in environ.items():
            if not name.startswith("SECOPS_") or name in _NOT_SETTINGS:
                continue
            if name not in known:
                faults.append(f"{name} is not a setting; see docs/settings.md for the list.")
                continue
            if text == "":
                continue
            try:
                values[known[name]] = _READERS[known[name]](text)
            except ValueError as error:
                faults.append(f"{name}={text!r}: {error}.")
        if faults:
            raise BadSettings(tuple(faults))
        return cls(**values).resolved()

    def resolved(self) -> Settings:
        """Give the same settings with an absolute home."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["home"] = Path(self.home).expanduser().resolve()
        return Settings(**values)

    @property
    def database(self) -> str:
        """SQLAlchemy address of the store."""
        return self.database_url or f"sqlite:///{self.home / 'secops.db'}"

    @property
    def production(self) -> bool:
        return self.mode == "production"

    @property
    def factor_policy(self) -> str:
        """Who must show a second factor: ``off``, ``administrators`` or ``all``."""
        if self.second_factor == "auto":
            return "all" if self.production else "off"
        return self.second_factor

    @property
    def url(self) -> str:
        host = f"[{self.bind_address}]" if ":" in self.bind_address else self.bind_address
        return f"http://{host}:{self.port}"

    def folder(self, name: str) -> Path:
        """A folder of the home, made on demand, readable by the owner only."""
        path = self.home / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


_READERS: dict[str, Callable[[str], Any]] = {
    "home": Path,
    "database_url": _url,
    "broker_url": _url,
    "bind_address": _address,
    "port": _port,
    "mode": _mode,
    "time_zone": _zone,
    "language": _language,
    "web_workers": _positive,
    "worker_processes": _positive,
    "tick_seconds": _positive,
    "network_parallel": _positive,
    "network_zones": _network_zones,
    "worker_zones": _zone_names,
    "lease_seconds": _positive,
    "upload_limit_mb": _positive,
    "free_space_floor_mb": _positive,
    "upload_daily_limit_mb": _positive,
    "department_quota_mb": _whole,
    "clamd_socket": str,
    "audit_syslog": _syslog,
    "audit_syslog_ca": str,
    "behind_tls": _flag,
    "allowed_hosts": str,
    "secret_key_file": str,
    "grant_approvers": _approvers,
    "grant_request_days": _positive,
    "session_idle_minutes": _positive,
    "session_idle_admin_minutes": _positive,
    "session_hours": _positive,
    "sessions_max": _positive,
    "password_days": _positive,
    "second_factor": _factor,
    "login_failures_per_address": _positive,
    "reauth_minutes": _positive,
    "admin_networks": _networks,
    "backup_folder": _whole_path,
    "backup_passphrase_file": _whole_path,
    "import_folder": _whole_path,
    "metrics_token_file": _whole_path,
    "finding_days": _due_days,
    "acceptance_days": _positive,
}

# Read by the build and the tests, not by the platform.
_NOT_SETTINGS = frozenset({"SECOPS_REQUIRE_SERVICES", "SECOPS_PYTHON", "SECOPS_FULL"})
