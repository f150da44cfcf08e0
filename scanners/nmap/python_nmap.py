"""python-nmap as a second reader of a report that our own reader has accepted.

The library is used for its model of a report only. It builds command lines out of strings by ``shlex``
and thereby lets a target name become an option, so nothing here ever calls its scanning methods, and the
object is made without its constructor, which would run a program.
"""

from __future__ import annotations

import nmap

from scanners.nmap.parse import InvalidNmapXml, parse_nmap_xml

PortKey = tuple[str, str, int]


def states_by_python_nmap(xml: bytes) -> dict[PortKey, str]:
    """Give the state of each port as python-nmap reads it: address, protocol and number to nmap's word.

    Raises:
        InvalidNmapXml: our reader refuses the report, or the library cannot read it.
    """
    accepted = parse_nmap_xml(xml)
    scanner = object.__new__(nmap.PortScanner)
    try:
        scanner.analyse_nmap_xml_scan(nmap_xml_output=xml.decode("utf-8"))
    except (nmap.PortScannerError, UnicodeDecodeError, AttributeError, KeyError, ValueError) as problem:
        raise InvalidNmapXml(f"python-nmap cannot read it: {type(problem).__name__}") from None
    states: dict[PortKey, str] = {}
    for host in accepted.hosts:
        for protocol in scanner[host.address].all_protocols():
            for number, facts in scanner[host.address][protocol].items():
                states[(host.address, protocol, int(number))] = str(facts["state"])
    return states
