"""What the files of nginx say, as facts that rules can judge. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from scanners.baseline.model import Fact, FactInfo, FactKind, Facts, FactValue, Gap
from scanners.nginx.parse import InvalidSettings, understand
from scanners.nginx.probe import read_dump
from scanners.nginx.result import Location, NginxResult, Server
from scanners.tls.factkit import listed, missing, nothing_seen, seen, table

PLATFORM = "nginx"
_SOURCE = "nginx.conf"

FACTS: Mapping[str, FactInfo] = table(
    ("nginx.servers", FactKind.TEXTS, "站点", "servers"),
    ("nginx.plain_servers", FactKind.TEXTS, "明文提供内容的站点", "servers that serve content without TLS"),
    ("nginx.old_protocols", FactKind.TEXTS, "允许的过时协议版本", "outdated protocol versions allowed"),
    ("nginx.weak_ciphers", FactKind.TEXTS, "允许的弱密码套件", "weak ciphers allowed"),
    ("nginx.unlogged", FactKind.TEXTS, "未记录访问日志的站点", "servers without an access log"),
    ("nginx.log_lacks", FactKind.TEXTS, "访问日志缺少的要素", "what access logs lack"),
    ("nginx.error_levels", FactKind.TEXTS, "错误日志级别", "levels of error logs"),
    ("nginx.version_shown", FactKind.TEXTS, "显示版本号的站点", "servers that show the version"),
    ("nginx.listings", FactKind.TEXTS, "开启目录列表的位置", "locations with directory listings"),
    ("nginx.default_sites", FactKind.TEXTS, "默认站点", "default sites"),
    ("nginx.modules", FactKind.TEXTS, "动态加载的模块", "modules loaded"),
    ("nginx.lacks_limits", FactKind.TEXTS, "缺少限制的站点", "servers without limits"),
    ("nginx.user", FactKind.TEXT, "工作进程账户", "account of the workers"),
    ("nginx.open_keys", FactKind.TEXTS, "权限过宽的私钥", "private keys open to others"),
    ("nginx.open_admin", FactKind.TEXTS, "未限制来源或登录的管理路径", "management paths without a guard"),
)
"""Everything that can be told of the files, by id."""

_OLD = ("sslv2", "sslv3", "tlsv1", "tlsv1.1")
_WEAK = re.compile(r"(?:^|[-_+])(RC4|3DES|DES|NULL|EXP(?:ORT)?\d*|MD5|ANULL|ENULL|ADH|AECDH|LOW)(?:$|[-_+])")
_ADMIN = re.compile(
    r"(?:^|/)(?:admin|manage|manager|console|actuator|nginx[_-]?status|stub_status|server-status|status|druid|swagger|"
    r"phpmyadmin|jmx-console|nacos|kibana|grafana|metrics)(?:/|$|\b)",
    re.IGNORECASE,
)
_DEFAULT_ROOTS = ("/usr/share/nginx/html", "/var/www/html", "html", "/usr/local/nginx/html")


def facts_from_result(result: NginxResult, now: datetime) -> Facts:
    """Turn a result into facts; nothing in it depends on *now*."""
    del now

    def among(
        values: Iterable[str], gap: Gap = Gap.UNREADABLE, detail: str = "", *, whole: bool = True
    ) -> Fact:
        is_whole = whole and result.complete
        why = detail if not whole else "; ".join(result.problems[:3])
        return listed(
            values, whole=is_whole, gap=gap if not whole else Gap.UNREADABLE, detail=why, source=_SOURCE
        )

    servers = result.servers
    encrypted = [one for one in servers if any(listen.tls for listen in one.listens)]
    unset = [one for one in encrypted if not one.protocols]
    places = [(server, place) for server in servers for place in server.locations]
    unseen_keys = [key.path for key in result.keys if not key.mode]
    facts = {
        "nginx.servers": among(_name(one) for one in servers),
        "nginx.plain_servers": among(_name(one) for one in servers if _is_plain(one)),
        "nginx.old_protocols": among(
            (f"{_name(one)}: {p}" for one in encrypted for p in one.protocols if p.lower() in _OLD),
            Gap.UNDECIDABLE,
            "ssl_protocols not set: " + ", ".join(_name(one) for one in unset),
            whole=not unset,
        ),
        "nginx.weak_ciphers": among(
            f"{_name(one)}: {c}" for one in encrypted for c in weak_ciphers(one.ciphers)
        ),
        "nginx.unlogged": among(
            _name(server) for server, place in places if place.path == "/" and _is_unlogged(place)
        ),
        "nginx.log_lacks": among(_log_lacks(result)),
        "nginx.error_levels": among(_error_levels(result)),
        "nginx.version_shown": among(_name(one) for one in servers if one.shows_version),
        "nginx.listings": among(
            f"{_name(server)} {place.path}" for server, place in places if place.autoindex
        ),
        "nginx.default_sites": among(_name(one) for one in servers if _is_default(one)),
        "nginx.modules": among(result.modules),
        "nginx.lacks_limits": among(_lacks_limits(result)),
        "nginx.user": seen(result.user.split(" ")[0] or "nobody", _SOURCE)
        if result.complete or result.user
        else missing(Gap.UNREADABLE, "; ".join(result.problems[:3])),
        "nginx.open_keys": among(
            (f"{key.path} {key.mode}" for key in result.keys if key.mode and int(key.mode, 8) & 0o077),
            Gap.SKIPPED,
            "outside the folder: " + ", ".join(unseen_keys),
            whole=not unseen_keys,
        ),
        "nginx.open_admin": among(_open_admin(places)),
    }
    return Facts(PLATFORM, facts, {"files": str(len(result.files))}, result.problems)


def _name(server: Server) -> str:
    return f"{server.names[0] or '_'} ({server.place})"


def _is_plain(server: Server) -> bool:
    return not server.only_redirects and any(not one.tls and not one.is_local for one in server.listens)


def weak_ciphers(text: str) -> list[str]:
    """Give the parts of a list of ciphers that let weak ones in; what is taken out by ``!`` does not count."""
    parts = [part for part in re.split(r"[:,\s]+", text) if part]
    out = {part.lstrip("!-").upper() for part in parts if part.startswith(("!", "-"))}
    found = [part for part in parts if part[0] not in "!-+@" and _WEAK.search(part.upper())]
    if any(part.upper() == "ALL" for part in parts):
        lacks = [name for name in ("ANULL", "ENULL", "RC4", "3DES", "MD5") if name not in out]
        # "ALL" leaves eNULL out by itself
        found += [f"ALL without !{name}" for name in lacks if name != "ENULL"]
    return [one for one in found if one.upper() not in out]


def _is_unlogged(place: Location) -> bool:
    return any(log.split(" ")[0] == "off" for log in place.access_log)


def _log_lacks(result: NginxResult) -> list[str]:
    known = {one.name: set(one.variables) for one in result.formats}
    used = {
        (log.split(" ") + ["combined"])[1]
        if len(log.split(" ")) > 1 and "=" not in log.split(" ")[1]
        else "combined"
        for server in result.servers
        for place in server.locations
        for log in (place.access_log or ("logs/access.log",))
        if log.split(" ")[0] != "off"
    }
    wanted = {
        "address": {"remote_addr", "realip_remote_addr", "binary_remote_addr", "http_x_forwarded_for"},
        "user": {"remote_user", "ssl_client_s_dn"},
        "time": {"time_local", "time_iso8601", "msec"},
        "request": {"request", "request_uri", "uri"},
        "status": {"status"},
    }
    return [
        f"{name}: {part}"
        for name in sorted(used)
        for part, any_of in wanted.items()
        if not known.get(name, set()) & any_of
    ]


def _error_levels(result: NginxResult) -> list[str]:
    levels = []
    for log in result.error_logs or ("logs/error.log error",):
        words = log.split(" ")
        levels.append("off" if words[0] == "/dev/null" else words[1] if len(words) > 1 else "error")
    return sorted(set(levels))


def _is_default(server: Server) -> bool:
    names = set(server.names) <= {"", "_", "localhost"}
    return names and server.root.rstrip("/") in _DEFAULT_ROOTS and not server.only_redirects


def _lacks_limits(result: NginxResult) -> list[str]:
    wanted = ("limit_req", "limit_conn", "client_max_body_size")
    return [
        f"{_name(one)}: {name}"
        for one in result.servers
        if not one.only_redirects
        for name in wanted
        if name not in one.has_limits
    ]


def _open_admin(places: Iterable[tuple[Server, Location]]) -> list[str]:
    found = []
    for server, place in places:
        if not (_ADMIN.search(place.path) or place.is_status_page) or server.only_redirects:
            continue
        # "deny all" as the last rule closes the rest; a rule that allows everybody before it opens everything
        opened = "allow all" in place.rules
        closed = bool(place.rules) and place.rules[-1] == "deny all" and not opened
        local = all(one.is_local for one in server.listens)
        if not (closed or place.guards or local or place.answer[:1] == "4"):
            found.append(f"{_name(server)} {place.path}")
    return found


# -- samples in rules -------------------------------------------------------------------------------------


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts.

    Section ``files`` has texts by name, ``/etc/nginx/nginx.conf`` first (a name alone stands below it); ``keys`` modes
    of key files by path. No section at all, or a main file that is none, means that nobody looked.
    """
    given = sections.get("files")
    if not given:
        return nothing_seen(PLATFORM, FACTS)
    files = {
        name if name.startswith("/") else f"/etc/nginx/{name}": str(text) for name, text in given.items()
    }
    modes = {str(path): str(mode) for path, mode in sections.get("keys", {}).items()}
    try:
        tree = read_dump(files)
    except InvalidSettings:
        return nothing_seen(PLATFORM, FACTS)
    return facts_from_result(understand(tree, lambda path: modes.get(path, "")), datetime.min)
