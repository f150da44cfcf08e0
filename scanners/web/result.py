"""What a web server showed without a log-in, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scheme(StrEnum):
    """How the port was spoken to."""

    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class CookieFacts:
    """A cookie that was set, without its value. ``same_site`` is empty when not given.

    ``is_session`` says that its name is one that frameworks use for sessions and log-ins.
    """

    name: str
    secure: bool
    http_only: bool
    same_site: str
    is_session: bool


@dataclass(frozen=True, slots=True)
class LoginForm:
    """A form with a password field: where it stands and where it sends to, and whether both are over TLS."""

    page: str
    action: str
    method: str
    over_tls: bool


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """Headers of the start page that protect its reader; empty text when absent."""

    strict_transport_security: str = ""
    content_security_policy: str = ""
    x_frame_options: str = ""
    x_content_type_options: str = ""
    referrer_policy: str = ""
    cache_control: str = ""


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path of the fixed list that answered with its own content; ``kind`` is a machine word.

    ``kind`` is ``vcs``, ``backup``, ``configuration``, ``management``, ``listing`` or ``default-page``.
    """

    path: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class WebResult:
    """State of one web port.

    ``status`` and ``location`` are those of the start page. ``redirects_to_tls`` is ``None`` on a port that
    speaks TLS itself. ``versions_shown`` are banners that name a version, ``traces_shown`` names of
    frameworks whose stack trace an error page showed. ``methods`` come from the Allow header;
    ``trace_echoes`` is ``None`` where the answer to TRACE was not understood. ``page_digest`` is the SM3
    digest of the start page. ``unanswered`` are questions whose answer did not come or was not understood.
    """

    scheme: Scheme
    host: str
    status: int
    location: str
    redirects_to_tls: bool | None
    headers: HeaderFacts
    cookies: tuple[CookieFacts, ...] = ()
    login_forms: tuple[LoginForm, ...] = ()
    basic_authentication: bool = False
    server: str = ""
    powered_by: str = ""
    versions_shown: tuple[str, ...] = ()
    traces_shown: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    trace_echoes: bool | None = None
    found: tuple[FoundPath, ...] = ()
    paths_asked: int = 0
    title: str = ""
    page_digest: str = ""
    unanswered: tuple[str, ...] = ()
