"""Who holds a lease, and whether that process is certainly gone.

A lease ends by itself, but only after a while. On the machine where the holder ran one can know at once that it
is gone; elsewhere one can't, and must wait. So the name of a holder says where it runs in a way that neither a
host name shared by two machines, nor a process number used again, nor a container can fake.
"""

from __future__ import annotations

import hashlib
import os
import socket
from functools import lru_cache

from secops.supervisor.orphans import read_process


@lru_cache(maxsize=1)
def _place() -> str:
    """Short name of this boot and this process number space: only there do process numbers mean anything."""
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/etc/machine-id"):
        try:
            with open(path, encoding="ascii") as stream:
                parts.append(stream.read().strip())
        except OSError:
            parts.append("")
    try:
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        parts.append("")
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def owner_name() -> str:
    """Host, place, process and its start; the lease carries it (at most 80 characters)."""
    pid = os.getpid()
    process = read_process(pid)
    started = process.started if process is not None else 0
    return f"{socket.gethostname()[:32]}/{_place()}:{pid}.{started}"


def is_gone(owner: str) -> bool:
    """True only when *owner* ran in this place and runs no more; False whenever one can't know."""
    where, _, process = owner.rpartition(":")
    pid, _, started = process.partition(".")
    if where.rpartition("/")[2] != _place() or not (pid.isdigit() and started.isdigit()) or started == "0":
        return False
    found = read_process(int(pid))
    return found is None or found.state in "ZX" or found.started != int(started)
