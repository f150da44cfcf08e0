"""The command lines that may reach nmap: a preset, numbers and ports, never a text of a person.

Targets are not part of the command line at all. They are ``ipaddress`` objects, spelled by
``ipaddress`` and handed over on standard input (``-iL -``), where nmap knows no options.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scanners.errors import InvalidTarget
from scanners.targets import MAX_ADDRESSES, IpAddress, PortRange


class Preset(StrEnum):
    """What one run asks. All but ``UDP_SERVICES`` need no rights on the scanning machine."""

    DISCOVERY = "discovery"
    PORTS = "ports"
    SERVICES = "services"
    UDP_SERVICES = "udp-services"


_PRESET_OPTIONS: dict[Preset, tuple[str, ...]] = {
    Preset.DISCOVERY: ("-sn", "-PS22,80,135,443,445,3389,8080"),
    Preset.PORTS: ("-sT", "-Pn"),
    Preset.SERVICES: ("-sT", "-sV", "--version-intensity", "5", "-Pn"),
    Preset.UDP_SERVICES: ("-sU", "-sV", "--version-intensity", "2", "-Pn"),
}

MAX_PARALLEL = 16
"""Most probes that nmap may have under way at one moment."""

DEFAULT_TCP_PORTS = (
    "20-23,25,53,79-81,88,110-111,113,119,135,137-139,143,161,179,199,389,427,443-445,465,502,512-515,548,554,587,593,"
    "623,631,636,646,873,902,990,993,995,1025-1029,1080,1099,1433-1434,1521,1723,1883,2049,2121,2181,2222,2375-2376,"
    "2379-2380,2745,3000,3127-3128,3268,3306,3389,3690,4369,4444,4848,5000,5060,5236,5432,5554,5601,5672,5900-5901,5984-5986,"
    "6000,6129,6379,6443,7001-7002,8000,8009,8080-8081,8088,8161,8443,8848,8888,9000,9042,9090,9092,9200,9300,9996,9999,"
    "10050-10051,10250,10255,11211,15672,27017,50000,50070,54321,61616"
)
"""Ports that are asked when none are named: the usual services, what rules ask about, common domestic products."""

_UDP_PORTS = "53,67,69,111,123,137,161,162,177,500,514,623,1194,1434,1701,1900,4500,5353,11211"


def needs_raw_sockets(preset: Preset) -> bool:
    """Say whether nmap must be allowed to send raw packets for this preset."""
    return preset is Preset.UDP_SERVICES


@dataclass(frozen=True, slots=True)
class NmapOptions:
    """Everything that may differ between two runs.

    ``ports`` empty means a default list of 123 TCP ports, or of eighteen UDP ports.
    ``host_timeout_s`` 1 to 3600 seconds for each host, ``max_rate`` 1 to 10000 packets per second over the
    run, ``max_retries`` 0 to 5.
    """

    preset: Preset = Preset.SERVICES
    ports: tuple[PortRange, ...] = ()
    host_timeout_s: int = 120
    max_rate: int = 300
    max_retries: int = 2

    def __post_init__(self) -> None:
        for name, low, high in (("host_timeout_s", 1, 3600), ("max_rate", 1, 10_000), ("max_retries", 0, 5)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} must be a whole number from {low} to {high}")
        if type(self.preset) is not Preset:
            raise ValueError("preset must be a member of Preset")
        if not all(type(item) is PortRange for item in self.ports):
            raise ValueError("ports must be PortRange values")


def build_argv(binary: str, options: NmapOptions, *, ipv6: bool, datadir: str | None) -> tuple[str, ...]:
    """Give the whole command line; equal input gives equal bytes.

    Args:
        binary: Full path of nmap, from the installation and never from a request.
        options: See :class:`NmapOptions`.
        ipv6: Whether the addresses are IPv6; nmap takes one family per run.
        datadir: Folder of nmap's own data files, or ``None`` where it is not known; fixing it keeps a
            foreign ``nmap-services`` in a home folder from being read.
    """
    preset = options.preset
    argv = [binary, "--privileged" if needs_raw_sockets(preset) else "--unprivileged"]
    argv += _PRESET_OPTIONS[preset]
    argv += ["-6"] if ipv6 else []
    argv += ["-n"]
    if preset is not Preset.DISCOVERY:
        argv += _port_options(options)
    argv += ["--max-parallelism", str(MAX_PARALLEL)]
    argv += ["--max-retries", str(options.max_retries)]
    argv += ["--host-timeout", f"{options.host_timeout_s}s"]
    argv += ["--max-rate", str(options.max_rate)]
    argv += ["--datadir", datadir] if datadir is not None else []
    argv += ["--no-stylesheet", "-oX", "-", "-iL", "-"]
    return tuple(argv)


def _port_options(options: NmapOptions) -> list[str]:
    if options.ports:
        return ["-p", ",".join(f"{item}" for item in options.ports)]
    if options.preset is Preset.UDP_SERVICES:
        return ["-p", _UDP_PORTS]
    return ["-p", DEFAULT_TCP_PORTS]


def target_list(addresses: Sequence[IpAddress]) -> bytes:
    """Spell addresses for ``-iL``, one a line.

    Raises:
        InvalidTarget: none, more than 4,096, both families, or an address with a zone id.
    """
    if not 1 <= len(addresses) <= MAX_ADDRESSES:
        raise InvalidTarget(str(len(addresses)), f"one run takes 1 to {MAX_ADDRESSES} addresses")
    if len({address.version for address in addresses}) != 1:
        raise InvalidTarget("IPv4 and IPv6", "nmap takes one family per run")
    lines = [str(address) for address in addresses]
    for line in lines:
        if "%" in line:
            raise InvalidTarget(line, "is not a plain address (no zone id)")
    return ("\n".join(lines) + "\n").encode("ascii")
