"""Is the address of the pages free? Asked before anything starts, so that the answer is one sentence."""

from __future__ import annotations

import errno
import os
import socket
import time

from secops.config import Settings
from secops.errors import NotReady


class PortTaken(NotReady):
    """Another program listens there."""

    def __init__(self, address: str, port: int) -> None:
        other = port + 1 if port < 65535 else port - 1
        super().__init__(
            f"端口 {port}（{address}）已被其他程序占用。请换一个端口再运行同一命令，例如：export SECOPS_PORT={other}",
            f"Port {port} on {address} is taken by another program. Choose another and run the same command again: "
            f"export SECOPS_PORT={other}",
        )
        self.args = (address, port)


class AddressRefused(NotReady):
    """This machine has no such address, or this user may not use the port."""

    def __init__(self, address: str, port: int, reason: str) -> None:
        super().__init__(
            f"不能在 {address}:{port} 上提供服务（{reason}）。请检查 SECOPS_BIND_ADDRESS 与 SECOPS_PORT（普通用户须用 1024 以上的端口）。",
            f"Cannot serve on {address}:{port} ({reason}). Check SECOPS_BIND_ADDRESS and SECOPS_PORT; an ordinary "
            "user needs a port above 1023.",
        )
        self.args = (address, port, reason)


def require_free(settings: Settings, *, patience_s: float = 0.0) -> None:
    """Raise unless the pages' address can be taken.

    Args:
        patience_s: seconds, 0 or more, to wait for a predecessor that is just going away.

    Raises:
        PortTaken: another program listens there.
        AddressRefused: no such address here, or not for this user.
    """
    address, port = settings.bind_address, settings.port
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    deadline = time.monotonic() + patience_s
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the web server does: a port in TIME_WAIT is free, a listening one is not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
                return
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise AddressRefused(address, port, os.strerror(error.errno or 0)) from error
        if time.monotonic() >= deadline:
            raise PortTaken(address, port)
        time.sleep(0.1)
