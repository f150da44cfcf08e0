"""Who is let in to PostgreSQL: the rules of ``pg_hba.conf``, of which the first match counts. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from scanners.baseline.model import FactValue
from scanners.database.answers import Answers, Row
from scanners.database.postgresql_kit import (
    LOOPBACK,
    PASSWORD_METHODS,
    fact,
    setting,
)
from scanners.ssh_baseline.factkit import FLAG, TEXTS, Seen


def network(row: Row) -> str:
    """Write the addresses of a rule as one network; ``all`` and names stay as they are."""
    address, mask = row.get("address"), row.get("netmask")
    if row["type"] == "local":
        return "local"
    if not address or not mask:
        return str(address or "all")
    try:
        return str(ipaddress.ip_network(f"{address}/{mask_bits(str(mask))}", strict=False))
    except ValueError:
        return f"{address}/{mask}"


def mask_bits(mask: str) -> int:
    """Count the leading ones of a mask of either family."""
    return bin(int(ipaddress.ip_address(mask))).count("1")


def _covers(outer: str, inner: str) -> bool:
    if outer == "all" or outer == inner:
        return outer != "local" or inner == "local"
    if inner in ("all", "local", "samehost", "samenet") or outer in ("local", "samehost", "samenet"):
        return False
    try:
        a, b = ipaddress.ip_network(outer), ipaddress.ip_network(inner)
    except ValueError:
        return False
    return a.version == b.version and int(a[0]) <= int(b[0]) and int(a[-1]) >= int(b[-1])


def _shadows(earlier: Row, later: Row) -> bool:
    """Whether no connection can reach *later*, because *earlier* takes all of them: the first match counts."""
    kinds = {"local": {"local"}, "host": {"host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"}}
    if str(later["type"]) not in kinds.get(str(earlier["type"]), {str(earlier["type"])}):
        return False
    same_users = earlier["users"] in ("all", later["users"])
    # "all" leaves replication out
    same_databases = earlier["database"] == later["database"] or (
        earlier["database"] == "all" and "replication" not in str(later["database"])
    )
    if not (same_users and same_databases):
        return False
    inner, outer = network(later), network(earlier)
    if inner == "all" and outer in ("0.0.0.0/0", "::/0"):
        return False
    return _covers(outer, inner)


def reachable(host: Answers) -> list[Row]:
    """Rules of ``pg_hba.conf`` that some connection can reach, without those that only refuse."""
    rows = [row for row in host.rows("hba") if not row.get("broken")]
    found: list[Row] = []
    for number, row in enumerate(rows):
        if row["method"] != "reject" and not any(_shadows(before, row) for before in rows[:number]):
            found.append(row)
    return found


def shown(row: Row) -> str:
    """Write a rule as it may stand in the file."""
    where = network(row)
    parts = [
        row["type"],
        row["database"],
        row["users"],
        *([] if where == "local" else [where]),
        row["method"],
    ]
    return " ".join(str(part) for part in parts)


def _is_local(row: Row) -> bool:
    where = network(row)
    if where in ("local", "samehost"):
        return True
    try:
        asked = ipaddress.ip_network(where)
    except ValueError:
        return where == "localhost"
    return any(_covers(str(own), str(asked)) for own in LOOPBACK)


def _rules(host: Answers, values: Iterable[Row]) -> Seen:
    return host.listed([shown(row) for row in values], "hba")


@fact(
    "pg.trust_rules", TEXTS, "不要求任何凭证的接入规则", "rules that ask for no proof at all", "pg_hba.conf"
)
def _trust_rules(host: Answers) -> FactValue:
    return _rules(host, (row for row in reachable(host) if row["method"] == "trust"))


@fact(
    "pg.open_roles", TEXTS, "无需口令即可登录的角色", "roles that can log in without any proof", "pg_hba.conf"
)
def _open_roles(host: Answers) -> FactValue:
    rules = [row for row in reachable(host) if row["method"] == "trust"]
    names = [str(row["role"]) for row in host.rows("roles") if row["login"]]
    groups = any(str(row["users"]).startswith("+") for row in rules)
    opened = [
        name
        for name in names
        if any(name in str(row["users"]).split(",") or row["users"] == "all" for row in rules)
    ]
    # who belongs to a group is not asked
    return host.listed(opened, "hba", "roles", note="members of a group" if groups else "")


@fact(
    "pg.clear_rules", TEXTS, "口令以明文传送的接入规则", "rules by which passwords go in clear", "pg_hba.conf"
)
def _clear_rules(host: Answers) -> FactValue:
    return _rules(
        host,
        (
            row
            for row in reachable(host)
            if row["method"] in PASSWORD_METHODS
            and row["type"] in ("host", "hostnossl")
            and not _is_local(row)
        ),
    )


@fact("pg.weak_rules", TEXTS, "使用弱验证方式的接入规则", "rules with a weak method", "pg_hba.conf")
def _weak_rules(host: Answers) -> FactValue:
    return _rules(host, (row for row in reachable(host) if row["method"] in ("md5", "ident")))


@fact(
    "pg.plain_rules",
    TEXTS,
    "允许不加密远程连接的接入规则",
    "rules that allow remote connections without TLS",
    "pg_hba.conf",
)
def _plain_rules(host: Answers) -> FactValue:
    return _rules(
        host, (row for row in reachable(host) if row["type"] in ("host", "hostnossl") and not _is_local(row))
    )


@fact("pg.wide_rules", TEXTS, "来源地址不限的接入规则", "rules without a limit of addresses", "pg_hba.conf")
def _wide_rules(host: Answers) -> FactValue:
    return _rules(host, (row for row in reachable(host) if network(row) in ("all", "0.0.0.0/0", "::/0")))


@fact("pg.listens_locally", FLAG, "只监听本机地址", "listens to this machine alone", "listen_addresses")
def _listens_locally(host: Answers) -> FactValue:
    given = [part.strip() for part in setting(host, "listen_addresses").split(",") if part.strip()]
    return all(part in ("localhost", "::1") or part.startswith("127.") for part in given)
