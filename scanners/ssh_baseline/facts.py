"""A collector pack to facts: one parser for packs from SSH, from this machine and from offline files."""

from __future__ import annotations

from collections.abc import Mapping

from scanners.baseline.model import FactInfo, Facts, FactValue
from scanners.ssh_baseline.factkit import TABLE, NotSeen
from scanners.ssh_baseline.factsets import (
    accounts,
    audit,
    files,
    logs,
    passwords,
    protection,
    services,
    ssh,
    system,
)
from scanners.ssh_baseline.host import Host
from scanners.ssh_baseline.pack import compose_pack, read_pack

__all__ = ["FACTS", "PLATFORM", "facts_from_sample", "parse_pack"]

PLATFORM = "linux"

# importing the modules declared their facts
_FACTSETS = (accounts, audit, files, logs, passwords, protection, services, ssh, system)

FACTS: Mapping[str, FactInfo] = TABLE.infos
"""Everything that can be told of a Linux host, by id."""

_SAMPLE_SYSTEM = {
    "info": "kernel=5.10.0\nmachine=x86_64\nhostname=sample\nuid=0\ntime=1750000000\nzone=+0800\ninit=systemd\n"
    "container=no\nhost_id=0\nborn=1600000000\nuptime_s=86400"
}


def parse_pack(raw: bytes) -> Facts:
    """Read a collector pack, however broken it is.

    Returns:
        Facts with one entry for every id in ``FACTS``; those whose section is missing, cut or unreadable
        are in the state *not collected* or *incomplete*, with the reason.
    """
    pack = read_pack(raw)
    host = Host(pack)
    about: dict[str, str] = {}
    try:
        about = {
            key: host.info.get(key, "")[:200]
            for key in ("hostname", "kernel", "machine", "host_id", "time", "uid")
        }
        about["system"] = host.os_release.get("pretty_name", "")[:200]
    except NotSeen:
        about.setdefault("system", "")
    return Facts(PLATFORM, TABLE.make_all(host), about, pack.problems)


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn the pieces of a sample in a rule into facts; a section ``system`` of a usual host is added."""
    whole = {"system": _SAMPLE_SYSTEM, **sections}
    info = sections.get("system", {}).get("info")
    if info is not None:
        # a sample names only what differs
        lines = {line.partition("=")[0]: line for line in _SAMPLE_SYSTEM["info"].split("\n")}
        lines |= {line.partition("=")[0]: line for line in str(info).split("\n")}
        whole["system"] = {"info": "\n".join(lines.values())}
    return parse_pack(compose_pack(whole))
