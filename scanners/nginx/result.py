"""What the probe gives back: settings as they take effect, never the content of a key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listen:
    """One ``listen``: where, and whether TLS is spoken there."""

    address: str
    tls: bool
    is_local: bool


@dataclass(frozen=True, slots=True)
class Location:
    """One location, or the server itself with path ``/``, as inherited settings leave it.

    ``rules`` are ``allow`` and ``deny`` in their order, ``guards`` other ways of keeping people out.
    """

    path: str
    place: str
    autoindex: bool
    access_log: tuple[str, ...]
    rules: tuple[str, ...]
    guards: tuple[str, ...]
    limited_methods: bool
    is_status_page: bool
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """One ``server`` block of the HTTP part. ``protocols`` empty: not set, the default of the version holds."""

    names: tuple[str, ...]
    place: str
    listens: tuple[Listen, ...]
    protocols: tuple[str, ...]
    ciphers: str
    only_redirects: bool
    shows_version: bool
    root: str
    has_limits: tuple[str, ...]
    locations: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A ``log_format`` with the variables in it; the built-in one is ``combined``."""

    name: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key that the settings name: who may read it; ``mode`` empty when it was not looked at."""

    path: str
    mode: str = ""


@dataclass(frozen=True, slots=True)
class NginxResult:
    """Everything that the files say. ``complete`` is False when a file or an include was not read."""

    files: tuple[str, ...]
    complete: bool
    problems: tuple[str, ...]
    user: str
    modules: tuple[str, ...]
    error_logs: tuple[str, ...]
    servers: tuple[Server, ...]
    formats: tuple[LogFormat, ...]
    keys: tuple[KeyFile, ...] = ()
