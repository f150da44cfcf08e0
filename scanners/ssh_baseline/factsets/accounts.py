"""Accounts, their passwords, their rights and their use."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import FLAG, NUMBER, RECORDS, TEXT, TEXTS, NotSeen, Seen, fact, key_values
from scanners.ssh_baseline.host import Host
from scanners.ssh_baseline.parts.accounts import same_password_groups
from scanners.ssh_baseline.parts.sudo import Grant, read_grants

_DAY_S = 86_400


@fact(
    "accounts.empty_password", TEXTS, "可登录的空口令账户", "accounts with an empty password", "/etc/shadow"
)
def empty_password(host: Host) -> list[str]:
    return [account.name for account in host.shadowed if account.login_shell and account.password == "empty"]


@fact("accounts.duplicate_names", TEXTS, "重复的用户名", "user names that stand twice", "/etc/passwd")
def duplicate_names(host: Host) -> list[str]:
    return _twice([account.name for account in host.accounts])


@fact("accounts.duplicate_uids", TEXTS, "重复的 UID", "user numbers that stand twice", "/etc/passwd")
def duplicate_uids(host: Host) -> list[str]:
    return _twice([str(account.uid) for account in host.accounts])


@fact("groups.duplicates", TEXTS, "重复的组名或 GID", "group names or numbers that stand twice", "/etc/group")
def duplicate_groups(host: Host) -> list[str]:
    return _twice([group.name for group in host.groups]) + _twice([str(group.gid) for group in host.groups])


@fact("accounts.uid0", TEXTS, "UID 为 0 的账户", "accounts with user number 0", "/etc/passwd")
def uid0(host: Host) -> list[str]:
    return [account.name for account in host.accounts if account.uid == 0]


@fact(
    "accounts.system_with_shell",
    TEXTS,
    "可登录的系统账户",
    "system accounts with a login shell",
    "/etc/passwd",
)
def system_with_shell(host: Host) -> list[str]:
    limit = _uid_min(host)
    return [account.name for account in host.accounts if 0 < account.uid < limit and account.login_shell]


def _uid_min(host: Host) -> int:
    section = host.pack.sections.get("login_defs")
    block = section.block("/etc/login.defs") if section is not None else None
    text = key_values(block, separator=None).get("uid_min", "1000")
    return int(text) if text.isdigit() else 1000


@fact("accounts.all", RECORDS, "账户", "accounts", "/etc/passwd, /etc/shadow")
def all_accounts(host: Host) -> list[dict[str, object]]:
    return [
        {"name": a.name, "uid": a.uid, "shell": a.shell, "login_shell": a.login_shell, "password": a.password}
        for a in host.shadowed
    ]


@fact("accounts.login", TEXTS, "可登录账户", "accounts with a login shell", "/etc/passwd")
def login_accounts(host: Host) -> list[str]:
    return [account.name for account in host.accounts if account.login_shell]


@fact("accounts.names", TEXTS, "账户名", "account names", "/etc/passwd")
def names(host: Host) -> list[str]:
    return [account.name for account in host.accounts]


@fact("accounts.password_ages", RECORDS, "账户口令期限", "password ages of login accounts", "/etc/shadow")
def password_ages(host: Host) -> list[dict[str, object]]:
    today = host.now // _DAY_S
    return [
        {
            "name": account.name,
            "max_days": account.max_days,
            "min_days": account.min_days,
            # 0 means that it must be changed at the next log-in
            "changed_days_ago": today - account.changed if account.changed else account.changed,
        }
        for account in host.shadowed
        if account.may_log_in
    ]


@fact(
    "accounts.with_password",
    TEXTS,
    "可用口令登录的账户",
    "accounts that can log in with a password",
    "/etc/shadow",
)
def with_password(host: Host) -> list[str]:
    return [account.name for account in host.shadowed if account.may_log_in]


@fact("accounts.hashes", RECORDS, "账户口令算法", "password algorithms of login accounts", "/etc/shadow")
def hashes(host: Host) -> list[dict[str, str]]:
    return [
        {"name": account.name, "algorithm": account.algorithm}
        for account in host.shadowed
        if account.login_shell and account.password in ("hash", "locked-hash")
    ]


@fact("accounts.same_password", TEXTS, "口令相同的账户", "accounts that share a password", "/etc/shadow")
def same_password(host: Host) -> list[str]:
    host.shadowed  # noqa: B018 - for its reasons when the file was not seen
    usable = {account.name for account in host.shadowed if account.login_shell}
    groups = [[name for name in line.split() if name in usable] for line in same_password_groups(host)]
    return [" = ".join(group) for group in groups if len(group) > 1]


@fact("accounts.weak_password", TEXTS, "弱口令账户", "accounts with a listed weak password")
def weak_password(host: Host) -> Seen:
    block = host.cmd("weak_passwords", "result")
    rows = [line.rpartition(":") for line in block.lines]
    usable = {account.name for account in host.accounts if account.login_shell}
    weak = [name for name, _, result in rows if result == "match" and name in usable]
    unsupported = [name for name, _, result in rows if result == "unsupported" and name in usable]
    tested = {name for name, _, _ in rows}
    untested = [
        account.name for account in host.shadowed if account.may_log_in and account.name not in tested
    ]
    missing = block.gap()
    if missing is None and (unsupported or untested):
        raise_for = ", ".join([*unsupported, *untested][:5])
        if not weak:
            raise NotSeen(Gap.UNDECIDABLE, f"not tested: {raise_for}")
    return Seen(weak, "comparison on the host", missing)


@fact("accounts.stale", RECORDS, "账户使用情况", "use of accounts", "lastlog, /etc/shadow")
def stale(host: Host) -> list[dict[str, object]]:
    last = _last_logins(host)
    today = host.now // _DAY_S
    rows: list[dict[str, object]] = []
    keyed = {record["user"] for record in key_records(host)} if host.pack.sections.get("keys") else set()
    for account in host.shadowed:
        # a switched-off password does not keep out somebody who has a key
        if not account.login_shell or (
            account.password not in ("hash", "empty") and account.name not in keyed
        ):
            continue
        seen = last.get(account.name)
        days = (host.now - seen) // _DAY_S if seen is not None else None
        since_change = today - account.changed if account.changed else None
        rows.append(
            {
                "name": account.name,
                # never logged in: the age of its password is the best known bound for how long it lies idle
                "idle_days": days if days is not None else since_change,
                "ever": seen is not None,
                "expired": account.expires is not None and account.expires < today,
            }
        )
    return rows


def _last_logins(host: Host) -> dict[str, int]:
    block = host.cmd("logins", "lastlog")
    if block.rc not in (0, None) or not block.lines:
        raise NotSeen(Gap.UNREADABLE, "lastlog")
    found: dict[str, int] = {}
    for line in block.lines[1:]:
        match = re.search(r"(\w{3}) (\w{3}) +(\d+) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})$", line.strip())
        if match is not None:
            text = f"{match[2]} {match[3]} {match[4]} {match[6]} {match[5]}"
            when = datetime.strptime(text, "%b %d %H:%M:%S %Y %z")
            found[line.split()[0]] = int(when.timestamp())
    return found


@fact("logins.sources", RECORDS, "账户登录来源", "sources of log-ins per account", "last")
def login_sources(host: Host) -> list[dict[str, object]]:
    sources: dict[str, set[str]] = {}
    for line in host.cmd("logins", "last").lines:
        words = line.split()
        if len(words) > 3 and words[0] not in ("reboot", "shutdown", "runlevel", "wtmp") and "." in words[2]:
            sources.setdefault(words[0], set()).add(words[2])
    keys = Counter(record["user"] for record in key_records(host))
    names = sorted(sources.keys() | keys.keys())
    return [
        {"name": name, "sources": len(sources.get(name, ())), "keys": keys.get(name, 0)} for name in names
    ]


@fact("keys.authorized", RECORDS, "SSH 公钥", "authorised SSH keys", "authorized_keys")
def authorized_keys(host: Host) -> Seen:
    section = host.section("keys")
    missing = section.notes[0] if section.notes and not host.is_root else None
    return Seen(key_records(host), "authorized_keys", missing)


def key_records(host: Host) -> list[dict[str, str]]:
    """Give user, kind and fingerprint of every authorised key."""
    records = []
    for block in host.section("keys").blocks:
        user = block.name.removeprefix("authorized-keys ")
        for line in block.lines:
            words = line.split()
            if len(words) >= 2 and words[0].isdigit():
                records.append(
                    {"user": user, "bits": words[0], "fingerprint": words[1], "kind": words[-1].strip("()")}
                )
    return records


@fact(
    "login_defs.pass_max_days",
    NUMBER,
    "新账户口令最长期限",
    "maximum age for new accounts",
    "/etc/login.defs",
)
def pass_max_days(host: Host) -> int:
    return _login_def(host, "pass_max_days", 99_999)


@fact(
    "login_defs.pass_min_days",
    NUMBER,
    "新账户口令最短期限",
    "minimum age for new accounts",
    "/etc/login.defs",
)
def pass_min_days(host: Host) -> int:
    return _login_def(host, "pass_min_days", 0)


@fact(
    "login_defs.pass_warn_age", NUMBER, "口令到期提醒天数", "days of warning before expiry", "/etc/login.defs"
)
def pass_warn_age(host: Host) -> int:
    return _login_def(host, "pass_warn_age", 0)


def _login_def(host: Host, key: str, default: int) -> int:
    block = host.file("login_defs", "/etc/login.defs")
    if block is None:
        raise NotSeen(Gap.ABSENT, "/etc/login.defs")
    text = key_values(block, separator=None).get(key, "")
    return int(text) if re.fullmatch(r"-?\d+", text) else default


@fact("passwords.new_algorithm", TEXT, "新口令的存储算法", "algorithm for new passwords")
def new_algorithm(host: Host) -> Seen:
    argument = host.pam.hash_argument()
    if argument:
        return Seen(argument, "pam_unix")
    block = host.file("login_defs", "/etc/login.defs")
    text = key_values(block, separator=None).get("encrypt_method", "")
    return Seen(text.lower() or "des", "/etc/login.defs")


@fact("sudo.grants", RECORDS, "sudo 授权", "sudo grants", "/etc/sudoers")
def sudo_grants(host: Host) -> list[dict[str, object]]:
    return [_grant_record(grant) for grant in read_grants(host)]


def _grant_record(grant: Grant) -> dict[str, object]:
    return {
        "who": grant.who,
        "commands": "ALL" if grant.everything else ", ".join(grant.commands)[:120],
        "everything": grant.everything,
        "nopasswd": grant.nopasswd,
        "file": grant.file,
    }


@fact("sudo.installed", FLAG, "已安装 sudo", "sudo is there", "/etc/sudoers")
def sudo_installed(host: Host) -> bool:
    section = host.section("sudo")
    block = section.block("/etc/sudoers")
    if block is None:
        raise NotSeen(Gap.MISSING_SECTION, "/etc/sudoers")
    return block.state != "absent"


def _twice(values: list[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)
