"""Accounts, groups and password states out of a pack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import NotSeen

if TYPE_CHECKING:
    from scanners.ssh_baseline.host import Host

_NO_LOGIN = ("nologin", "false", "sync", "shutdown", "halt", "true", "git-shell", "nologin.sh")


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``password`` is the state of its password, ``None`` when not known.

    States: ``empty``, ``locked`` (no password at all), ``locked-hash`` (a password switched off), ``hash``,
    ``invalid`` (text that no password can match). Days count from 1970; ``None`` means not set.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    field: str
    password: str | None = None
    algorithm: str = ""
    changed: int | None = None
    min_days: int | None = None
    max_days: int | None = None
    expires: int | None = None

    @property
    def login_shell(self) -> bool:
        """Whether the shell lets somebody in; an empty field means ``/bin/sh``."""
        return self.shell.rpartition("/")[2] not in _NO_LOGIN

    @property
    def may_log_in(self) -> bool:
        """Whether somebody could log in with a password."""
        return self.login_shell and self.password in ("hash", "empty")


@dataclass(frozen=True, slots=True)
class Group:
    """One group with the members that the file names."""

    name: str
    gid: int
    members: tuple[str, ...]


def read_accounts(host: Host) -> list[Account]:
    """Give the accounts of the password file."""
    block = host.cmd("accounts", "passwd")
    if not block.lines:
        raise NotSeen(Gap.UNREADABLE, "/etc/passwd")
    accounts = []
    for line in block.lines:
        parts = line.split(":")
        if len(parts) < 7 or line.startswith(("+", "-")):
            continue
        if parts[2].isdigit() and parts[3].isdigit():
            accounts.append(
                Account(parts[0], int(parts[2]), int(parts[3]), parts[5], parts[6].strip(), parts[1])
            )
    if block.gap() is not None:
        raise NotSeen(Gap.TRUNCATED, "/etc/passwd")
    return accounts


def read_groups(host: Host) -> list[Group]:
    """Give the groups of the group file."""
    groups = []
    for line in host.cmd("accounts", "group").lines:
        parts = line.split(":")
        if len(parts) >= 4 and parts[2].isdigit():
            groups.append(Group(parts[0], int(parts[2]), tuple(name for name in parts[3].split(",") if name)))
    return groups


def read_shadow(host: Host) -> list[Account]:
    """Give the accounts with the states of their passwords; an account without an entry is locked."""
    block = host.cmd("shadow", "shadow")
    gap = block.gap()
    if gap is not None:
        raise NotSeen(gap.gap, gap.detail)
    entries: dict[str, list[str]] = {}
    for line in block.lines:
        parts = line.split(":")
        if len(parts) >= 9 and parts[0] and not line.startswith(("@", "+", "-")):
            entries.setdefault(parts[0], parts)
    joined = []
    for account in host.accounts:
        entry = entries.get(account.name)
        if account.field == "":
            # an empty field in the password file itself is an empty password, whatever the other file says
            joined.append(replace(account, password="empty"))
        elif account.field == "masked":
            joined.append(replace(account, password="hash", algorithm="passwd-file"))
        elif entry is None or account.field not in ("x", "*NP*"):
            joined.append(replace(account, password="locked"))
        else:
            joined.append(
                replace(
                    account,
                    password=entry[1],
                    algorithm=entry[2],
                    changed=_days(entry[3]),
                    min_days=_days(entry[4]),
                    max_days=_days(entry[5]),
                    expires=_days(entry[8]),
                )
            )
    return joined


def same_password_groups(host: Host) -> list[str]:
    """Give the groups of names that share one hash."""
    lines = host.cmd("shadow", "shadow").lines
    return [line.removeprefix("@same:").strip() for line in lines if line.startswith("@same:")]


def _days(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None
