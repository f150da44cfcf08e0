"""Look at certificate, key and configuration files below one path of this machine, or test the implementations on it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from cryptography import x509

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
from scanners.sm_crypto.configurations import kind_of
from scanners.sm_crypto.files import ReadFile, examine
from scanners.sm_crypto.result import SmCryptoResult, UnreadFile
from scanners.sm_crypto.selftest import run_self_test
from scanners.tls.text import printable

MAX_FILES = 200
MAX_FILE_BYTES = 1024 * 1024
MAX_DEPTH = 4
_MAX_VISITED = 5_000
_WORDS = (b"-----BEGIN ", b"\x30\x82", b"\x30\x81", b"\x30\x80")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SmCryptoProbe:
    """Certificates and keys in files.

    A target without a path asks for the self-test of the SM2, SM3 and SM4 implementations instead.
    Reads only; links are not followed; a private key leaves nothing but the digest of its public key.
    """

    probe_id: ClassVar[str] = "sm_crypto"
    traits: ClassVar[ProbeTraits] = ProbeTraits(TargetKind.PATH, connections=1)

    def __init__(
        self, *, anchors: Sequence[x509.Certificate] = (), clock: Callable[[], datetime] = _utc_now
    ) -> None:
        self._anchors = anchors
        self._clock = clock

    def run(self, target: Target, context: ProbeContext) -> Attempt[SmCryptoResult]:
        """Examine a file or a folder: at most 200 files of 1 MiB, four folders deep."""
        started = time.monotonic()
        if target.path is None:
            return Completed(SmCryptoResult(self_test=run_self_test()), duration_ms=_since(started))
        if not os.path.isabs(target.path):
            return Failed(FailureReason.BAD_TARGET, "the path must be absolute")
        search = _Search(target.path, context, started + context.timeout_s)
        try:
            search.read()
        except _Stopped as stopped:
            return Failed(stopped.reason, stopped.detail, duration_ms=_since(started))
        context.progress(0.8, "examine")
        result = examine(
            search.files,
            now=self._clock(),
            anchors=self._anchors,
            unread=search.unread,
            complete=search.complete,
        )
        context.progress(1.0, "done")
        return Completed(result, duration_ms=_since(started))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


class _Stopped(Exception):
    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class _Search:
    """Reads what looks like a certificate, a key or a configuration file below one path."""

    def __init__(self, root: str, context: ProbeContext, deadline: float) -> None:
        self.root = root
        self.files: list[ReadFile] = []
        self.unread: list[UnreadFile] = []
        self.complete = True
        self._context = context
        self._deadline = deadline

    def read(self) -> None:
        try:
            mode = os.lstat(self.root).st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise _Stopped(FailureReason.BAD_TARGET, "no such file or folder") from None
        except (PermissionError, ValueError, OSError) as problem:
            raise _Stopped(FailureReason.BAD_TARGET, type(problem).__name__) from None
        if stat.S_ISREG(mode):
            self._take(self.root, os.path.basename(self.root))
            return
        if not stat.S_ISDIR(mode):
            raise _Stopped(FailureReason.BAD_TARGET, "neither a file nor a folder")
        for path in self._walk():
            if len(self.files) >= MAX_FILES:
                self.complete = False
                return
            self._take(path, os.path.relpath(path, self.root))

    def _walk(self) -> Iterator[str]:
        visited = 0
        base = self.root.rstrip("/").count("/")
        for folder, folders, names in os.walk(self.root, onerror=self._note):
            if folder.rstrip("/").count("/") - base >= MAX_DEPTH and folders:
                self.complete = False
                folders.clear()
            folders.sort()
            for name in sorted(names):
                visited += 1
                if visited > _MAX_VISITED:
                    self.complete = False
                    return
                yield os.path.join(folder, name)

    def _note(self, problem: OSError) -> None:
        name = os.path.relpath(str(problem.filename or self.root), self.root)
        self.unread.append(UnreadFile(printable(name), type(problem).__name__))

    def _take(self, path: str, name: str) -> None:
        if self._context.cancelled():
            raise _Stopped(FailureReason.CANCELLED, "stopped on request")
        if time.monotonic() >= self._deadline:
            raise _Stopped(FailureReason.TIMED_OUT, f"after {len(self.files)} files")
        shown = printable(name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as problem:
            if not os.path.islink(path):
                self.unread.append(UnreadFile(shown, type(problem).__name__))
            return
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return
            data = file.read(MAX_FILE_BYTES + 1)
        if kind_of(name) is None and not any(word in data[:4096] for word in _WORDS):
            return
        if len(data) > MAX_FILE_BYTES:
            self.unread.append(UnreadFile(shown, f"more than {MAX_FILE_BYTES} bytes"))
            return
        self.files.append(ReadFile(shown, data, _open_to(status.st_mode)))


def _open_to(mode: int) -> tuple[str, ...]:
    return tuple(who for who, bit in (("group", stat.S_IRGRP), ("others", stat.S_IROTH)) if mode & bit)
