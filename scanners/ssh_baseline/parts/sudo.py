"""Grants of ``sudo``, aliases resolved, as far as they say who may run everything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import NotSeen, readable, settings
from scanners.ssh_baseline.pack import Block

if TYPE_CHECKING:
    from scanners.ssh_baseline.host import Host

_ALIAS_RE = re.compile(r"(User|Cmnd|Host|Runas)_Alias\s+(.*)")
_TAGS = (
    "NOPASSWD:",
    "PASSWD:",
    "NOEXEC:",
    "EXEC:",
    "SETENV:",
    "NOSETENV:",
    "LOG_INPUT:",
    "LOG_OUTPUT:",
    "MAIL:",
)
_TAG_RE = re.compile(rf"^(?:{'|'.join(_TAGS)}|[A-Z_]+=\S+)\s*")


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may run what. ``everything`` when the commands include ``ALL`` that is not taken back."""

    who: str
    commands: tuple[str, ...]
    nopasswd: bool
    file: str

    @property
    def everything(self) -> bool:
        """Whether every command is granted."""
        return "ALL" in self.commands


def read_grants(host: Host) -> list[Grant]:
    """Give every grant of the main file and of the files of its folder.

    Raises:
        NotSeen: one of them could not be read.
    """
    section = host.section("sudo")
    main = section.block("/etc/sudoers")
    if main is None:
        raise NotSeen(Gap.MISSING_SECTION if section.closed else Gap.TRUNCATED, "/etc/sudoers")
    if readable(main) is None:
        return []
    folder = section.block("/etc/sudoers.d")
    if folder is not None:
        readable(folder)
    # sudo passes over files of its folder whose name has a dot or ends in a tilde
    extra = [
        block
        for block in section.files("/etc/sudoers.d/")
        if "." not in block.name.rpartition("/")[2] and not block.name.endswith("~")
    ]
    blocks: list[Block] = [main, *extra]
    for block in blocks:
        readable(block)
        gap = block.gap()
        if gap is not None:
            raise NotSeen(gap.gap, gap.detail)
    lines = [(line, block.name) for block in blocks for line in settings(block)]
    aliases = _aliases([line for line, _ in lines])
    grants: list[Grant] = []
    for line, file in lines:
        grants += _grants(line, file, aliases)
    return grants


def _aliases(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        match = _ALIAS_RE.match(line)
        for definition in match[2].split(":") if match else ():
            name, _, members = definition.partition("=")
            found[name.strip()] = [member.strip() for member in members.split(",") if member.strip()]
    return found


def _expand(words: list[str], aliases: dict[str, list[str]], depth: int = 0) -> list[str]:
    result: list[str] = []
    for word in words:
        if word in aliases and depth < 8:
            result += _expand(aliases[word], aliases, depth + 1)
        else:
            result.append(word)
    return result[:500]


def _grants(line: str, file: str, aliases: dict[str, list[str]]) -> list[Grant]:
    if line.startswith(("Defaults", "@", "#")) or _ALIAS_RE.match(line) or "=" not in line:
        return []
    left, _, right = line.partition("=")
    users = re.sub(r"\s*,\s*", ",", left.strip()).rsplit(None, 1)[0]
    right = re.sub(r"\([^)]*\)", "", right).strip()
    nopasswd = False
    commands: list[str] = []
    for part in right.split(","):
        text = part.strip()
        while (match := _TAG_RE.match(text)) is not None:
            nopasswd = {"NOPASSWD:": True, "PASSWD:": False}.get(match[0].strip(), nopasswd)
            text = text[match.end() :]
        if text:
            commands.append(text)
    expanded = tuple(_expand(commands, aliases))
    return [Grant(who, expanded, nopasswd, file) for who in _expand(users.split(","), aliases)]
