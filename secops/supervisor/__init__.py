"""Runs the platform on one machine: a private broker, the web server, two worker nodes and the beat.

Knows how to start, watch and stop processes, and nothing of what they do. Works without root.
"""

from secops.supervisor.core import NotAnswering, Supervisor, read_state
from secops.supervisor.events import Event, EventKind
from secops.supervisor.lock import AlreadyRunning, Holder, holder_of
from secops.supervisor.ports import AddressRefused, PortTaken

__all__ = [
    "AddressRefused",
    "AlreadyRunning",
    "Event",
    "EventKind",
    "Holder",
    "NotAnswering",
    "PortTaken",
    "Supervisor",
    "holder_of",
    "read_state",
]
