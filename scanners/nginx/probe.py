"""Read the settings of nginx below one folder of this machine, or what its owner saved from ``nginx -T``."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import time
from collections.abc import Sequence
from typing import ClassVar

from scanners.base import (
    Attempt,
    Completed,
    Failed,
    FailureReason,
    ProbeContext,
    ProbeTraits,
    Target,
    TargetKind,
)
from scanners.nginx.parse import Find, InvalidSettings, Tree, read_tree, understand
from scanners.nginx.result import NginxResult

MAIN = "nginx.conf"
MAX_FILE_BYTES = 1024 * 1024
MAX_ALL_BYTES = 8 * 1024 * 1024
_MARK = re.compile(r"^# configuration file (/[^\n]{1,500}):$", re.MULTILINE)


class _Stopped(Exception):
    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class NginxProbe:
    """The settings of nginx or Tengine in files. Reads only; nothing outside the given folder is opened."""

    probe_id: ClassVar[str] = "nginx"
    traits: ClassVar[ProbeTraits] = ProbeTraits(TargetKind.PATH, connections=1)

    def run(self, target: Target, context: ProbeContext) -> Attempt[NginxResult]:
        """Read ``nginx.conf`` of a folder with its includes, one file, or the output of ``nginx -T`` in a file."""
        started = time.monotonic()
        if target.path is None or not os.path.isabs(target.path):
            return Failed(FailureReason.BAD_TARGET, "the path must be absolute")
        folder = _Folder(target.path, context, started + context.timeout_s)
        try:
            tree = folder.read()
        except _Stopped as stopped:
            return Failed(stopped.reason, stopped.detail, duration_ms=_since(started))
        except InvalidSettings:
            return Failed(
                FailureReason.PROTOCOL, "not a configuration file of nginx", duration_ms=_since(started)
            )
        result = understand(tree, folder.key_mode)
        context.progress(1.0, "done")
        return Completed(result, duration_ms=_since(started))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def split_dump(text: str) -> dict[str, str]:
    """Take the output of ``nginx -T`` apart: text by name of the file; empty when it is none."""
    parts = _MARK.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def read_dump(files: dict[str, str]) -> Tree:
    """Read files that are in memory; the first is the main one.

    Raises:
        InvalidSettings: it is not one of nginx.
    """
    main = next(iter(files))
    base = os.path.dirname(main)

    def find(pattern: str) -> Sequence[tuple[str, str]]:
        wanted = os.path.normpath(os.path.join(base, pattern))
        return [
            (name, files[name]) for name in sorted(files) if name != main and fnmatch.fnmatch(name, wanted)
        ]

    return read_tree(main, files[main], find)


class _Folder:
    """Opens files below one folder, links followed only where they stay inside."""

    def __init__(self, path: str, context: ProbeContext, deadline: float) -> None:
        self._asked = path
        self._context = context
        self._deadline = deadline
        self._left = MAX_ALL_BYTES
        self._root = ""
        self._base = ""

    def read(self) -> Tree:
        try:
            real = os.path.realpath(self._asked, strict=True)
            is_folder = stat.S_ISDIR(os.stat(real).st_mode)
        except (OSError, ValueError):
            raise _Stopped(FailureReason.BAD_TARGET, "no such file or folder") from None
        self._root = real if is_folder else os.path.dirname(real)
        main = os.path.join(real, MAIN) if is_folder else real
        self._base = os.path.dirname(main)
        text = self._open(main)
        if text is None:
            raise _Stopped(FailureReason.BAD_TARGET, "nginx.conf is not there or cannot be read")
        dump = split_dump(text)
        if dump:
            return read_dump(dump)
        find: Find = self._find
        return read_tree(os.path.relpath(main, self._root), text, find)

    def _find(self, pattern: str) -> Sequence[tuple[str, str]]:
        wanted = os.path.normpath(os.path.join(self._base, pattern))
        names = [wanted]
        if set(pattern) & set("*?["):
            folder, last = os.path.split(wanted)
            try:
                names = [
                    os.path.join(folder, name)
                    for name in sorted(os.listdir(folder))
                    if fnmatch.fnmatch(name, last)
                ]
            except OSError:
                return []
        found = []
        for name in names:
            text = self._open(name)
            if text is not None:
                found.append((os.path.relpath(name, self._root), text))
        return found

    def _open(self, path: str) -> str | None:
        if self._context.cancelled():
            raise _Stopped(FailureReason.CANCELLED, "stopped on request")
        if time.monotonic() >= self._deadline:
            raise _Stopped(FailureReason.TIMED_OUT, "no answer in time")
        real = self._inside(path)
        if real is None:
            return None
        try:
            descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(min(MAX_FILE_BYTES, self._left) + 1)
        self._left -= len(data)
        if len(data) > MAX_FILE_BYTES or self._left < 0:
            raise _Stopped(FailureReason.RESOURCE_LIMIT, "more than may be read")
        return data.decode("utf-8", "replace")

    def _inside(self, path: str) -> str | None:
        try:
            real = os.path.realpath(path, strict=True)
        except (OSError, ValueError):
            return None
        return real if os.path.commonpath([real, self._root]) == self._root else None

    def key_mode(self, path: str) -> str:
        """Give the mode of a key, "" when it lies outside the folder; it is not opened."""
        real = self._inside(os.path.join(self._base, path)) if self._root else None
        if real is None:
            return ""
        try:
            return f"{stat.S_IMODE(os.stat(real).st_mode):04o}"
        except OSError:
            return ""
