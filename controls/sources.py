"""Where the data of this package lies, and the compiled form of it.

``python -m controls.compile`` writes all parsed files into one marshal file beside the package.
It is used as long as the digest over the names, sizes and times of the sources is the same, and
passed over in silence when it is stale, absent or damaged: the sources always hold.
"""

from __future__ import annotations

import hashlib
import marshal
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from controls.reader import Document, read_csv, read_yaml

__all__ = ["COMPILED_FILE", "PACKAGE_ROOT", "Sources", "builtin_sources", "digest", "package_sources"]

PACKAGE_ROOT = Path(__file__).resolve().parent
COMPILED_FILE = PACKAGE_ROOT / "_compiled" / "sources.marshal"
_FOLDERS = ("frameworks", "crosswalks", "highrisk", "rulesets")
_FORMAT = f"1:{sys.version_info[0]}.{sys.version_info[1]}:{marshal.version}"


class Sources:
    """Data files under one root, by their name relative to it; each is parsed at most once."""

    def __init__(self, root: Path, compiled: dict[str, Any] | None = None) -> None:
        self.root = root
        self._compiled = compiled or {}
        self._documents: dict[str, Document] = {}

    def names(self, folder: str, suffix: str = ".yaml") -> tuple[str, ...]:
        """List the files directly in a folder, sorted by name; empty when there is no such folder."""
        place = self.root / folder
        if not place.is_dir():
            return ()
        found = sorted(path.name for path in place.iterdir() if path.suffix == suffix)
        return tuple(f"{folder}/{name}" if folder else name for name in found)

    def exists(self, name: str) -> bool:
        """Say whether a file is there."""
        return (self.root / name).is_file()

    def document(self, name: str) -> Document:
        """Give one parsed YAML file.

        Raises:
            DataError: the file cannot be used.
        """
        found = self._documents.get(name)
        if found is None:
            if name in self._compiled:
                found = Document(self.root / name, name, self._compiled[name])
            else:
                found = read_yaml(self.root / name, name)
            self._documents[name] = found
        return found

    def table(self, name: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """Read one CSV file with exactly these columns.

        Raises:
            DataError: the file cannot be used.
        """
        return read_csv(self.root / name, name, columns)


def _files(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder in _FOLDERS:
        found += (path for path in (root / folder).rglob("*.yaml"))
    return sorted(found)


def digest(root: Path = PACKAGE_ROOT) -> str:
    """Give a digest over the names, sizes and modification times of all sources."""
    state = hashlib.sha256(_FORMAT.encode())
    for path in _files(root):
        status = path.stat()
        state.update(
            f"{path.relative_to(root).as_posix()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode()
        )
    return state.hexdigest()


def parse_all(root: Path = PACKAGE_ROOT) -> dict[str, Any]:
    """Parse every source.

    Raises:
        DataError: one of them cannot be used.
    """
    names = (path.relative_to(root).as_posix() for path in _files(root))
    return {name: read_yaml(root / name, name).data for name in names}


def read_compiled(file: Path, root: Path = PACKAGE_ROOT) -> dict[str, Any] | None:
    """Read the compiled form; ``None`` when it is absent, stale or damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    head, _, body = content.partition(b"\n")
    expected = f"{digest(root)} {hashlib.sha256(body).hexdigest()}"
    if head != expected.encode():
        return None
    documents: dict[str, Any] = marshal.loads(body)
    return documents


def write_compiled(file: Path, root: Path = PACKAGE_ROOT) -> int:
    """Write the compiled form in one step and give its size in bytes.

    Raises:
        DataError: a source cannot be used.
        OSError: the folder cannot be written; what stood there before is unchanged.
    """
    before = digest(root)
    body = marshal.dumps(parse_all(root))
    file.parent.mkdir(parents=True, exist_ok=True)
    content = f"{before} {hashlib.sha256(body).hexdigest()}\n".encode() + body
    fresh = file.with_suffix(f".{hashlib.sha256(content).hexdigest()[:12]}")
    fresh.write_bytes(content)
    fresh.replace(file)
    return len(content)


def package_sources(compiled_file: Path | None = COMPILED_FILE) -> Sources:
    """Open the sources of this package, compiled when that is fresh and *compiled_file* is given."""
    compiled = read_compiled(compiled_file) if compiled_file else None
    return Sources(PACKAGE_ROOT, compiled)


@cache
def builtin_sources() -> Sources:
    """Open the sources of this package once per process."""
    return package_sources()
