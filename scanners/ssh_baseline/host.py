"""One host as the pack shows it: parsed parts, each worked out once when first asked for."""

from __future__ import annotations

from functools import cached_property

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import NotSeen, Source, key_values
from scanners.ssh_baseline.pack import Pack
from scanners.ssh_baseline.parts.accounts import Account, Group, read_accounts, read_groups, read_shadow
from scanners.ssh_baseline.parts.pam import PamFiles, read_pam
from scanners.ssh_baseline.parts.sshd import Sshd, read_sshd


class Host(Source):
    """A pack with its parts parsed. Every property may raise ``NotSeen``."""

    def __init__(self, pack: Pack) -> None:
        super().__init__(pack)

    @cached_property
    def info(self) -> dict[str, str]:
        """Lines of the section ``system``."""
        return {
            key: value
            for key, _, value in (line.partition("=") for line in self.cmd("system", "info").lines)
            if key
        }

    @property
    def is_root(self) -> bool:
        """Whether the collector ran as root."""
        return self.info.get("uid") == "0"

    @property
    def now(self) -> int:
        """Seconds since 1970 by the clock of the host."""
        return int(self.info["time"])

    @property
    def container(self) -> str:
        """Kind of container, or ``no``."""
        return self.info.get("container") or "no"

    @cached_property
    def os_release(self) -> dict[str, str]:
        """Values of ``/etc/os-release``, lower-case keys."""
        block = self.file("os", "/etc/os-release")
        if block is None:
            raise NotSeen(Gap.ABSENT, "/etc/os-release")
        return key_values(block)

    @cached_property
    def family(self) -> str:
        """Family of the distribution: ``debian``, ``rhel``, ``suse``, ``alpine`` or its own id."""
        release = self.os_release
        words = {release.get("id", "").lower(), *release.get("id_like", "").lower().split()}
        if words & {"debian", "ubuntu", "uos", "deepin", "kali"}:
            return "debian"
        if words & {
            "rhel",
            "fedora",
            "centos",
            "openeuler",
            "kylin",
            "anolis",
            "tencentos",
            "opencloudos",
            "alinux",
        }:
            # the desktop edition of Kylin is built on Ubuntu and has no rpm
            packages = self.pack.sections.get("packages")
            return "debian" if packages and packages.block("dpkg") and not packages.block("rpm") else "rhel"
        if words & {"sles", "suse", "opensuse"}:
            return "suse"
        return release.get("id", "unknown").lower()

    @cached_property
    def accounts(self) -> list[Account]:
        """Lines of the password file, in order, without compatibility entries."""
        return read_accounts(self)

    @cached_property
    def shadowed(self) -> list[Account]:
        """Accounts joined with the state of their passwords."""
        return read_shadow(self)

    @cached_property
    def groups(self) -> list[Group]:
        """Lines of the group file."""
        return read_groups(self)

    @cached_property
    def user_names(self) -> dict[int, str]:
        """First name of every number."""
        names: dict[int, str] = {}
        for account in self.accounts:
            names.setdefault(account.uid, account.name)
        return names

    @cached_property
    def pam(self) -> PamFiles:
        """Files of the authentication modules."""
        return read_pam(self)

    @cached_property
    def sshd(self) -> Sshd:
        """Settings of the SSH server."""
        return read_sshd(self)

    @cached_property
    def processes(self) -> list[tuple[int, int, int, str]]:
        """Process number, parent, user and name."""
        rows = []
        for line in self.cmd("processes", "list").lines:
            parts = line.split(None, 3)
            if len(parts) == 4 and all(part.isdigit() for part in parts[:3]):
                rows.append((int(parts[0]), int(parts[1]), int(parts[2]), parts[3]))
        return rows

    @cached_property
    def process_names(self) -> set[str]:
        """Names of running programs; the kernel cuts them to 15 characters."""
        return {name for _, _, _, name in self.processes}

    def owner(self, uid: int) -> str:
        """Give the name of a user number, or the number as text."""
        return self.user_names.get(uid, str(uid))
