"""Child process: an nmap report on standard input, its hosts as JSON on standard output.

Run with the limits of ``scanners.tools.PARSER_LIMITS``. Prints ``{"hosts": […]}`` or ``{"error": text}``.
"""

from __future__ import annotations

import json
import sys

from scanners.nmap.parse import InvalidNmapXml, parse_nmap_xml
from scanners.nmap.result import HostState, PortState


def main() -> None:
    try:
        result = parse_nmap_xml(sys.stdin.buffer.read(), truncated_ok=True)
    except InvalidNmapXml as error:
        print(json.dumps({"error": str(error)}))
        return
    hosts = [
        {
            "address": host.address,
            "names": list(host.hostnames),
            "ports": [
                {
                    "number": port.number,
                    "protocol": port.protocol,
                    "name": port.service.name if port.service else "",
                }
                for port in host.ports
                if port.state is PortState.OPEN
            ],
        }
        for host in result.hosts
        if host.state is HostState.UP
    ]
    print(json.dumps({"hosts": hosts}))


if __name__ == "__main__":
    main()
