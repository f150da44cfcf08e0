"""Which ports of a host answered in this scan, from nmap where it ran, else from the host's own list."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.scans.models import ProbeRun, RunState

MAX_PORTS = 64
_SSH_NAMES = frozenset({"ssh"})
# Tried where nobody asked the services for their names.
_WEB_PORTS = frozenset({80, 443, 8000, 8080, 8443, 8888})


@dataclass(frozen=True, slots=True)
class FoundPort:
    """One TCP port that listens; ``name`` is the service as far as somebody asked it, else ""."""

    number: int
    name: str = ""
    tls: bool = False


@dataclass(frozen=True, slots=True)
class FoundPorts:
    """``by_asking`` is True when nmap spoke to the services and their names can be relied on."""

    ports: tuple[FoundPort, ...]
    by_asking: bool

    def for_probe(self, probe: str) -> list[int]:
        """Ports worth asking.

        Without names every port is asked for TLS; SSH is looked for where nmap saw it, else at port 22, and web sites
        where nmap saw HTTP, else at the usual ports.
        TLCP is asked wherever TLS is, since one port may speak both, and where nmap could name nothing.
        """
        if probe == "sshkex":
            named = [port.number for port in self.ports if port.name in _SSH_NAMES]
            plain = [port.number for port in self.ports if port.number == 22]
            return named if self.by_asking else plain
        if probe == "web":
            usual = [port.number for port in self.ports if port.number in _WEB_PORTS]
            return [port.number for port in self.ports if "http" in port.name] if self.by_asking else usual
        if not self.by_asking:
            return [port.number for port in self.ports]
        if probe == "tls":
            return [port.number for port in self.ports if port.tls]
        return [port.number for port in self.ports if port.tls or port.name in ("", "unknown")]

    def why_none(self, probe: str) -> str:
        """Why a port probe has nothing to ask; for the log and the scan page."""
        if not self.ports:
            return "no listening TCP port is known from this scan"
        wanted = {"sshkex": "SSH", "tls": "TLS", "tlcp": "TLCP", "web": "HTTP"}.get(probe, probe)
        if len(self.ports) == 1:
            return f"the only open TCP port did not answer as {wanted}"
        return f"none of the {len(self.ports)} open TCP ports answered as {wanted}"


def listening_ports(session: Session, scan_id: int, asset_id: int) -> FoundPorts:
    """Read the runs of this scan at this asset; nmap's answer wins over the host's own list."""
    runs = session.scalars(
        select(ProbeRun).where(
            ProbeRun.scan_id == scan_id, ProbeRun.asset_id == asset_id, ProbeRun.state == RunState.COMPLETED
        )
    ).all()
    by_probe = {run.probe: run.result for run in runs}
    if "nmap" in by_probe:
        return FoundPorts(_from_nmap(by_probe["nmap"]), by_asking=True)
    if "local" in by_probe:
        return FoundPorts(_from_local(by_probe["local"]), by_asking=False)
    return FoundPorts((), by_asking=False)


def _from_nmap(result: dict[str, object]) -> tuple[FoundPort, ...]:
    found: list[FoundPort] = []
    for host in result.get("hosts", []):  # type: ignore[attr-defined]
        for port in host.get("ports", []):
            if port.get("protocol") == "tcp" and port.get("state") == "open":
                service = port.get("service") or {}
                tls = service.get("tunnel") == "ssl" or service.get("name") in ("https", "ssl", "tls")
                found.append(FoundPort(int(port["number"]), str(service.get("name", "")), tls))
    return tuple(found)


def _from_local(result: dict[str, object]) -> tuple[FoundPort, ...]:
    facts: dict[str, dict[str, object]] = result.get("facts", {})  # type: ignore[assignment]
    value = facts.get("listeners", {}).get("value") or []
    numbers = sorted(
        {
            int(row["port"])
            for row in value  # type: ignore[attr-defined]
            if str(row.get("protocol", "tcp")).startswith("tcp") and str(row.get("port", "")).isdigit()
        }
    )
    return tuple(FoundPort(number) for number in numbers)
