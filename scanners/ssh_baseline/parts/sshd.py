"""Settings of the SSH server: what it says of itself, else what its files say, with their rules.

In the files the first value wins, included files stand where the include stands, and a ``Match`` block
holds to the end of its file. What the files do not set cannot be known from them, because defaults
differ between versions and distributions.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import NotSeen, Seen, readable, settings
from scanners.ssh_baseline.pack import Note

if TYPE_CHECKING:
    from scanners.ssh_baseline.host import Host

_MAIN = "/etc/ssh/sshd_config"
_VERSION_RE = re.compile(r"OpenSSH_(\d+)\.(\d+)")
_MAX_DEPTH = 5


@dataclass(slots=True)
class MatchBlock:
    """A conditional part of the configuration."""

    condition: str
    values: dict[str, str] = field(default_factory=dict)

    def may_apply_to(self, user: str) -> bool:
        """Say whether the block can hold for one user; other conditions are taken to be possible."""
        words = self.condition.lower().split()
        for n, word in enumerate(words[:-1]):
            if word == "user":
                return any(fnmatch.fnmatchcase(user, pattern) for pattern in words[n + 1].split(","))
        return True


@dataclass(slots=True)
class Sshd:
    """Everything known of the SSH server of one host."""

    installed: bool
    version: tuple[int, int] | None
    version_text: str
    effective: dict[str, str] | None
    effective_root: dict[str, str] | None
    file_values: dict[str, str] | None
    blocks: list[MatchBlock]
    gap: Note

    def candidates(self, key: str, user: str | None = None) -> list[tuple[str, str]]:
        """Give every value that *key* can have with where it comes from.

        Raises:
            NotSeen: the server was not asked and the files do not set it.
        """
        found: list[tuple[str, str]] = []
        for values, source in ((self.effective, "sshd -T"), (self.effective_root, "sshd -T, root")):
            if values is not None and key in values:
                found.append((values[key], source))
        if not found and self.file_values is not None and key in self.file_values:
            found.append((self.file_values[key], _MAIN))
        if not found:
            raise NotSeen(self.gap.gap, self.gap.detail)
        for block in self.blocks:
            if key in block.values and (user is None or block.may_apply_to(user)):
                found.append((block.values[key], f"Match {block.condition}"))
        return found

    def weakest(self, key: str, rank: Callable[[str], float], user: str | None = None) -> tuple[str, str]:
        """Give the value of *key* with the highest rank (the weakest setting) and its source."""
        return max(self.candidates(key, user), key=lambda candidate: rank(candidate[0]))

    def seen(self, value: object, source: str) -> Seen:
        """Wrap a value; incomplete when the configuration files with their conditions could not be read."""
        missing = None if self.file_values is not None else Note(Gap.NEEDS_ROOT, _MAIN)
        return Seen(value, source, missing)


def read_sshd(host: Host) -> Sshd:
    """Read what is known of the SSH server.

    Raises:
        NotSeen: not even whether it is installed.
    """
    path = host.cmd("sshd", "sshd-path")
    version_block = host.section("sshd").block("ssh-version")
    version_text = version_block.lines[0].strip() if version_block and version_block.lines else ""
    match = _VERSION_RE.search(version_text)
    effective, gap = _effective(host, "effective")
    effective_root, _ = _effective(host, "effective-root")
    files = _Files(host)
    return Sshd(
        installed=any(line.strip() for line in path.lines),
        version=(int(match[1]), int(match[2])) if match else None,
        version_text=version_text.split(",")[0],
        effective=effective,
        effective_root=effective_root,
        file_values=files.values if files.complete else None,
        blocks=files.blocks,
        gap=gap,
    )


def _effective(host: Host, name: str) -> tuple[dict[str, str] | None, Note]:
    block = host.section("sshd").block(name)
    if block is None or not block.lines or block.rc not in (0, None):
        gap = Gap.UNDECIDABLE if host.is_root else Gap.NEEDS_ROOT
        return None, Note(gap, "sshd -T")
    values: dict[str, str] = {}
    for line in block.lines:
        key, _, value = line.strip().partition(" ")
        key = key.lower()
        values[key] = f"{values[key]} {value}" if key in values else value
    return values, Note(Gap.MALFORMED, "sshd -T")


class _Files:
    """Reads the main file and what it includes."""

    def __init__(self, host: Host) -> None:
        self.values: dict[str, str] = {}
        self.blocks: list[MatchBlock] = []
        self.complete = True
        section = host.pack.sections.get("sshd_config")
        self._files = {block.name: block for block in section.files()} if section is not None else {}
        if section is None or _MAIN not in self._files or not section.closed:
            self.complete = False
        else:
            self._read(_MAIN, None, 0)

    def _read(self, path: str, inherited: MatchBlock | None, depth: int) -> None:
        try:
            block = readable(self._files[path])
        except NotSeen:
            self.complete = False
            return
        if block is not None and block.gap() is not None:
            self.complete = False
        current = inherited
        for line in settings(block):
            key, value = _split(line)
            if key == "match":
                if value.lower() == "all":
                    current = None
                else:
                    current = MatchBlock(value)
                    self.blocks.append(current)
            elif key == "include":
                self._include(value, current, depth)
            else:
                target = self.values if current is None else current.values
                if key in ("allowusers", "denyusers", "allowgroups", "denygroups") and key in target:
                    target[key] += f" {value}"
                else:
                    target.setdefault(key, value)

    def _include(self, patterns: str, current: MatchBlock | None, depth: int) -> None:
        if depth >= _MAX_DEPTH:
            self.complete = False
            return
        for pattern in patterns.split():
            full = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
            folder = self._files.get(full.rpartition("/")[0])
            if folder is not None and folder.state == "unreadable":
                self.complete = False
            for path in sorted(self._files):
                if fnmatch.fnmatchcase(path, full) and path.count("/") == full.count("/"):
                    self._read(path, current, depth + 1)


def _split(line: str) -> tuple[str, str]:
    match = re.match(r"([A-Za-z0-9]+)\s*[=\s]\s*(.*)", line)
    if match is None:
        return line.lower(), ""
    value = match[2].partition(" #")[0].strip()
    return match[1].lower(), value.strip('"')
