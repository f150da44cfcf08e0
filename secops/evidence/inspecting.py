"""Look into what was uploaded before it is kept: in a limited child process, and by a virus scanner where there is one.

What is a trap is refused and nothing of it stays; what a person may want all the same is kept with a flag. What
nobody looked at says so.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from secops.evidence.inspection import REFUSED

TIME_LIMIT_S = 30
_PIECE = 256 * 1024


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Inspection:
    """``verdict``: clean, flagged, refused or not-examined; ``antivirus``: clean, found, not-examined or absent."""

    found: tuple[str, ...]
    antivirus: str
    detail: str = ""

    @property
    def verdict(self) -> str:
        if any(code in REFUSED for code in self.found):
            return "refused"
        if "not-examined" in self.found:
            return "not-examined"
        return "flagged" if self.found else "clean"

    def row(self) -> dict[str, Any]:
        """As the row keeps it."""
        return {
            "verdict": self.verdict,
            "found": list(self.found),
            "antivirus": self.antivirus,
            "detail": self.detail,
        }


class Spool:
    """Reads a stream on and keeps a copy in a file without a name, which is gone with the process whatever happens."""

    def __init__(self, stream: Readable, file: BinaryIO) -> None:
        self._stream = stream
        self._file = file

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._file.write(data)
        return data

    def inspect(self, name: str, clamd: str) -> Inspection:
        """Look at what was read."""
        self._file.flush()
        found, detail = _in_child(self._file, name)
        antivirus, threat = _scan(self._file, clamd)
        if antivirus == "found":
            found = (*found, "malware")
        return Inspection(found, antivirus, threat or detail)


@contextmanager
def spooled(stream: Readable, folder: Path) -> Iterator[Spool]:
    """A spool over *stream* in *folder*."""
    with tempfile.TemporaryFile(dir=folder) as file:
        yield Spool(stream, file)


def _in_child(file: BinaryIO, name: str) -> tuple[tuple[str, ...], str]:
    file.seek(0)
    argv = [sys.executable, "-I", "-m", "secops.evidence.inspection", name[:255]]
    try:
        done = subprocess.run(
            argv, stdin=file, capture_output=True, timeout=TIME_LIMIT_S, env={"LC_ALL": "C.UTF-8"}, cwd="/", check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return ("resource-limit",), f"{TIME_LIMIT_S} s"
    except OSError as error:
        return ("not-examined",), f"no child: {error.strerror}"
    if done.returncode < 0 or b"MemoryError" in done.stderr:
        return ("resource-limit",), f"ended by {done.returncode}"
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        return ("not-examined",), last[:200]
    return tuple(json.loads(done.stdout)["found"]), ""


def _scan(file: BinaryIO, path: str) -> tuple[str, str]:
    """Ask clamd over its socket; ("absent", "") where none is set up.

    Source: clamd(8), INSTREAM.
    """
    if not path:
        return "absent", ""
    file.seek(0)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(TIME_LIMIT_S)
            peer.connect(path)
            peer.sendall(b"zINSTREAM\0")
            while piece := file.read(_PIECE):
                peer.sendall(struct.pack(">I", len(piece)) + piece)
            peer.sendall(struct.pack(">I", 0))
            answer = b""
            while not answer.endswith(b"\0") and (more := peer.recv(4096)) and len(answer) < 4096:
                answer += more
    except OSError as error:
        return "not-examined", f"clamd: {error}"[:200]
    text = answer.rstrip(b"\0").decode("utf-8", "replace").strip()
    if text.endswith("OK"):
        return "clean", ""
    if text.endswith("FOUND"):
        return "found", text.removeprefix("stream: ").removesuffix("FOUND").strip()[:200]
    return "not-examined", f"clamd: {text}"[:200]
