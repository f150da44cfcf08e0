"""What a file is and what it hides, told from its bytes. Runs in a limited child process; see ``inspecting.py``.

Reads standard input, which must be a file one can seek in, and prints one JSON object. Nothing is unpacked to the
disk, no member name is used as a path, no document is rendered. Standard library only, so that the child starts
fast and holds little that could be attacked.

Two kinds of findings: what makes a file a trap is *refused*; what a person may want all the same but must know of
is *flagged*, kept, and never shown in the browser.
"""

from __future__ import annotations

import io
import json
import re
import resource
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

MAX_MEMBERS = 1000
MAX_MEMBER = 200 * 1024 * 1024
MAX_TOTAL = 500 * 1024 * 1024
MAX_RATIO = 100
# Below this an archive may be as dense as it likes: a page of blanks is no bomb.
RATIO_FROM = 1024 * 1024
MAX_PIXELS = 100_000_000
MAX_XML = 64 * 1024 * 1024
MAX_CELLS = 2_000_000
_PIECE = 64 * 1024

REFUSED = frozenset(
    {
        "archive-damaged", "archive-duplicate", "archive-members", "archive-member-size", "archive-nested",
        "archive-overlap", "archive-ratio", "archive-size-lie", "archive-symlink", "archive-total",
        "archive-traversal", "image-pixels", "image-damaged", "malware", "office-cells", "office-xml-size",
        "resource-limit", "xml-dtd",
    }
)  # fmt: skip
FLAGGED = frozenset(
    {
        "archive-encrypted", "archive-nested-one", "archive-unreadable", "office-dde", "office-external", "office-macro",
        "office-object", "pdf-embedded", "pdf-encrypted", "pdf-launch", "pdf-script", "polyglot", "svg-script",
        "trailing-data", "type-differs",
    }
)  # fmt: skip

_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ\x00")
_RELATION = re.compile(rb"<Relationship\b[^>]{0,2000}>")
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass
class Notes:
    """Findings in the order they were met, each once."""

    found: dict[str, None] = field(default_factory=dict)

    def add(self, code: str) -> None:
        self.found.setdefault(code)

    @property
    def refused(self) -> bool:
        return any(code in REFUSED for code in self.found)


def inspect(stream: BinaryIO, name: str) -> list[str]:
    """Look at one file; returns the codes of what was found, none when there is nothing to tell."""
    notes = Notes()
    head = stream.read(4096)
    stream.seek(0)
    for magic, look in _LOOKS:
        if head.startswith(magic):
            look(stream, name, notes)
            break
    else:
        _plain(stream, head, name, notes)
    return list(notes.found)


# ---- archives and Office -------------------------------------------------------------------------------------


def _zip(stream: BinaryIO, name: str, notes: Notes) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            _listing(members, notes)
            if not notes.refused:
                _contents(archive, members, stream, notes)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        EOFError,
        zlib.error,
        struct.error,
        ValueError,
        OverflowError,
    ):
        notes.add("archive-damaged")
    except (NotImplementedError, RuntimeError):
        # A method that is not known here, or a password: nobody looked inside.
        notes.add("archive-unreadable")


def _listing(members: list[zipfile.ZipInfo], notes: Notes) -> None:
    """What the directory says, before a byte is unpacked."""
    if len(members) > MAX_MEMBERS:
        notes.add("archive-members")
    if any(member.file_size > MAX_MEMBER for member in members):
        notes.add("archive-member-size")
    if sum(member.file_size for member in members) > MAX_TOTAL:
        notes.add("archive-total")
    names: set[str] = set()
    spans: list[tuple[int, int]] = []
    for member in members:
        if _leads_out(member.filename):
            notes.add("archive-traversal")
        if (member.external_attr >> 16) & 0o170000 in (0o120000, 0o020000, 0o060000, 0o010000):
            notes.add("archive-symlink")
        key = member.filename.casefold()
        if key in names:
            notes.add("archive-duplicate")
        names.add(key)
        if member.file_size > max(RATIO_FROM, member.compress_size * MAX_RATIO):
            notes.add("archive-ratio")
        spans.append((member.header_offset, member.header_offset + 30 + member.compress_size))
    spans.sort()
    if any(left[1] > right[0] for left, right in zip(spans, spans[1:], strict=False)):
        notes.add("archive-overlap")


def _leads_out(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or "\x00" in name or bool(_DRIVE.match(name))


def _contents(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], stream: BinaryIO, notes: Notes
) -> None:
    """Unpack in memory, counting: the directory may have lied."""
    office = "[Content_Types].xml" in {member.filename for member in members}
    total = cells = 0
    for member in members:
        if member.flag_bits & 0x1:
            notes.add("archive-encrypted")
            continue
        if member.is_dir():
            continue
        if office:
            _office_name(member.filename, notes)
        wanted = office and member.filename.endswith((".xml", ".rels"))
        if wanted and member.file_size > MAX_XML:
            notes.add("office-xml-size")
            return
        first, tail, size = True, b"", 0
        with archive.open(member) as content:
            while piece := content.read(_PIECE):
                size += len(piece)
                total += len(piece)
                if size > member.file_size:
                    notes.add("archive-size-lie")
                    return
                if total > MAX_TOTAL or size > MAX_MEMBER:
                    notes.add("archive-total")
                    return
                if first and piece.startswith(_ARCHIVES):
                    notes.add("archive-nested-one" if not office else "office-object")
                    if not office and _holds_archive(archive, member):
                        notes.add("archive-nested")
                        return
                first = False
                if wanted:
                    cells += _xml(member.filename, tail + piece, len(tail), notes)
                    tail = piece[-2048:]
        if cells > MAX_CELLS:
            notes.add("office-cells")
        if notes.refused:
            return


def _holds_archive(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether an archive in the archive holds yet another one, or is a trap by its own directory."""
    if member.file_size > 16 * 1024 * 1024:
        return True
    inner = Notes()
    try:
        with zipfile.ZipFile(io.BytesIO(archive.read(member))) as nested:
            members = nested.infolist()
            _listing(members, inner)
            named = (
                one.filename.casefold().endswith((".zip", ".gz", ".7z", ".rar", ".jar")) for one in members
            )
            return inner.refused or any(named)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, zlib.error):
        return False


def _office_name(name: str, notes: Notes) -> None:
    lower = name.casefold()
    if lower.endswith(("vbaproject.bin", "vbadata.xml")) or "/macrosheets/" in lower:
        notes.add("office-macro")
    if "/embeddings/" in lower or lower.endswith(".ole") or "/activex/" in lower:
        notes.add("office-object")
    if "/externallinks/" in lower:
        notes.add("office-external")


def _xml(name: str, text: bytes, seen: int, notes: Notes) -> int:
    """Look at one piece of XML with the end of the last one before it; returns the cells and paragraphs begun in it."""
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        notes.add("xml-dtd")
    for relation in _RELATION.findall(text):
        # A link that a person clicks is no trap; a template or picture that is fetched on opening is.
        if b'TargetMode="External"' in relation and b"/hyperlink" not in relation:
            notes.add("office-external")
    if b"DDEAUTO" in text or b"<ddeLink" in text or re.search(rb"instrText[^>]{0,40}>\s*DDE", text):
        notes.add("office-dde")
    fresh = text[max(0, seen - 4) :]
    return (
        fresh.count(b"<c ")
        + fresh.count(b"<c>")
        + fresh.count(b"<w:p>")
        + fresh.count(b"<w:p ")
        + fresh.count(b"<row")
    )


def _gzip(stream: BinaryIO, name: str, notes: Notes) -> None:
    """Unpack the first stream in memory, counting."""
    unpack = zlib.decompressobj(wbits=31)
    packed = size = 0
    head = b""
    try:
        while not unpack.eof and (piece := stream.read(_PIECE)):
            packed += len(piece)
            data = unpack.decompress(piece, 4 * 1024 * 1024)
            while data:
                head = head or data[:300]
                size += len(data)
                if size > MAX_TOTAL:
                    notes.add("archive-total")
                    return
                if size > max(RATIO_FROM, packed * MAX_RATIO):
                    notes.add("archive-ratio")
                    return
                data = (
                    unpack.decompress(unpack.unconsumed_tail, 4 * 1024 * 1024)
                    if unpack.unconsumed_tail
                    else b""
                )
    except zlib.error:
        notes.add("archive-damaged")
        return
    if not unpack.eof:
        notes.add("archive-damaged")
    elif unpack.unused_data.strip(b"\0"):
        notes.add("trailing-data")
    if head.startswith(_ARCHIVES):
        notes.add("archive-nested")
    elif head[257:262] == b"ustar":
        stream.seek(0)
        _tar(stream, notes)


def _tar(stream: BinaryIO, notes: Notes) -> None:
    """Names and kinds in a packed tape archive; no member is read."""
    import tarfile

    try:
        with tarfile.open(fileobj=stream, mode="r|gz") as archive:
            for count, member in enumerate(archive, 1):
                if count > MAX_MEMBERS:
                    notes.add("archive-members")
                    return
                if _leads_out(member.name):
                    notes.add("archive-traversal")
                if not (member.isfile() or member.isdir()):
                    notes.add("archive-symlink")
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError):
        notes.add("archive-damaged")


def _closed(stream: BinaryIO, name: str, notes: Notes) -> None:
    """7z and RAR: nothing here can look inside."""
    notes.add("archive-unreadable")


def _ole(stream: BinaryIO, name: str, notes: Notes) -> None:
    """Old Office: macros, objects and encryption show by the names of their streams, in UTF-16."""
    for piece in _windows(stream):
        if "VBA".encode("utf-16-le") + b"\0\0" in piece or "Macros".encode("utf-16-le") in piece:
            notes.add("office-macro")
        if "ObjectPool".encode("utf-16-le") in piece or "Ole10Native".encode("utf-16-le") in piece:
            notes.add("office-object")
        if "EncryptedPackage".encode("utf-16-le") in piece:
            notes.add("archive-encrypted")


# ---- images, PDF, text ---------------------------------------------------------------------------------------


def _png(stream: BinaryIO, name: str, notes: Notes) -> None:
    head = stream.read(33)
    if len(head) < 33 or head[12:16] != b"IHDR":
        notes.add("image-damaged")
        return
    _pixels(struct.unpack(">II", head[16:24]), notes)
    _behind(stream, b"IEND", 8, notes)


def _gif(stream: BinaryIO, name: str, notes: Notes) -> None:
    head = stream.read(10)
    if len(head) < 10:
        notes.add("image-damaged")
        return
    _pixels(struct.unpack("<HH", head[6:10]), notes)
    _polyglot(stream, notes)


def _jpeg(stream: BinaryIO, name: str, notes: Notes) -> None:
    stream.read(2)
    while True:
        mark = stream.read(2)
        if len(mark) < 2 or mark[0] != 0xFF:
            notes.add("image-damaged")
            return
        if mark[1] in (0xD9, 0xDA):
            break
        length = stream.read(2)
        if len(length) < 2 or (size := struct.unpack(">H", length)[0]) < 2:
            notes.add("image-damaged")
            return
        body = stream.read(size - 2)
        if mark[1] in (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)):
            if len(body) < 5:
                notes.add("image-damaged")
                return
            height, width = struct.unpack(">HH", body[1:5])
            _pixels((width, height), notes)
            _polyglot(stream, notes)
            return
    notes.add("image-damaged")


def _pixels(size: tuple[int, ...], notes: Notes) -> None:
    width, height = size
    if width == 0 or height == 0:
        notes.add("image-damaged")
    elif width * height > MAX_PIXELS:
        notes.add("image-pixels")


def _behind(stream: BinaryIO, mark: bytes, skip: int, notes: Notes) -> None:
    """Whether something follows the end mark of an image."""
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(max(0, size - 1024))
    tail = stream.read()
    at = tail.rfind(mark)
    if at < 0 or tail[at + skip :].strip(b"\0\r\n "):
        notes.add("trailing-data")
    _polyglot(stream, notes)


def _polyglot(stream: BinaryIO, notes: Notes) -> None:
    """A second format in the same file: an archive directory at the end, a PDF or a script inside."""
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(max(0, size - 65557))
    if b"PK\x05\x06" in stream.read():
        notes.add("polyglot")
    for piece in _windows(stream):
        if b"%PDF-" in piece or b"<script" in piece.lower():
            notes.add("polyglot")


_PDF_WORDS = (
    (re.compile(rb"/(JavaScript|JS)\b"), "pdf-script"),
    (re.compile(rb"/(Launch|GoToR|SubmitForm|ImportData)\b"), "pdf-launch"),
    (re.compile(rb"/(EmbeddedFile|EmbeddedFiles|RichMedia)\b"), "pdf-embedded"),
    (re.compile(rb"/Encrypt\b"), "pdf-encrypted"),
)


def _pdf(stream: BinaryIO, name: str, notes: Notes) -> None:
    """Words of the format; names written with ``#`` codes are put back first. Packed objects are not looked into."""
    for piece in _windows(stream):
        plain = re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), piece)
        for pattern, code in _PDF_WORDS:
            if pattern.search(plain):
                notes.add(code)
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(max(0, size - 65557))
    if b"PK\x05\x06" in stream.read():
        notes.add("polyglot")


def _plain(stream: BinaryIO, head: bytes, name: str, notes: Notes) -> None:
    lower = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if lower.startswith((b"<?xml", b"<svg", b"<!doctype")):
        for piece in _windows(stream):
            low = piece.lower()
            if b"<!entity" in low:
                notes.add("xml-dtd")
            if b"<script" in low or b"javascript:" in low or re.search(rb"\son[a-z]+\s*=", low):
                notes.add("svg-script")
    if name.casefold().endswith((".pdf", ".docx", ".xlsx", ".pptx", ".png", ".jpg", ".jpeg", ".zip")):
        notes.add("type-differs")


def _windows(stream: BinaryIO) -> Iterator[bytes]:
    """Pieces of a file, each with the end of the one before, from the start."""
    stream.seek(0)
    tail = b""
    while piece := stream.read(1024 * 1024):
        yield tail + piece
        tail = piece[-64:]


_LOOKS: tuple[tuple[bytes, Callable[[BinaryIO, str, Notes], None]], ...] = (
    (b"PK\x03\x04", _zip),
    (b"PK\x05\x06", _zip),
    (b"\x1f\x8b", _gzip),
    (b"7z\xbc\xaf\x27\x1c", _closed),
    (b"Rar!", _closed),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _ole),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"GIF8", _gif),
    (b"\xff\xd8\xff", _jpeg),
    (b"%PDF-", _pdf),
)


def main() -> None:
    """The child: file on standard input, its name as the only argument. It limits itself before it reads a byte."""
    for kind, value in (
        (resource.RLIMIT_AS, 512 << 20),
        (resource.RLIMIT_CPU, 20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    with open(0, "rb", closefd=False) as stream:
        print(json.dumps({"found": inspect(stream, sys.argv[1])}))


if __name__ == "__main__":
    main()
