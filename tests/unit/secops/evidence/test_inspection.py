"""Traps of uploads, each with its written verdict, through the real child process."""

from __future__ import annotations

import gzip
import io
import random
import socket
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secops.evidence import inspecting
from secops.evidence.inspect_words import WORDS
from secops.evidence.inspecting import Inspection, spooled
from secops.evidence.inspection import FLAGGED, REFUSED

CONTENT_TYPES = "[Content_Types].xml"


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _office(**more: bytes) -> bytes:
    parts = {CONTENT_TYPES: b"<Types/>", "word/document.xml": b"<w:document/>"}
    return _zip(parts | {name.replace("__", "/"): content for name, content in more.items()})


def _attributes(mode: int, name: str = "a") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = mode << 16
        archive.writestr(info, "target")
    return out.getvalue()


def _twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "1")
        archive.writestr("A.txt", "2")
    return out.getvalue()


def _overlap() -> bytes:
    """Two directory entries for one and the same member."""
    raw = bytearray(_zip({"a.txt": random.Random(1).randbytes(2000), "b.txt": b"b"}))
    at = raw.rfind(b"PK\x01\x02")
    struct.pack_into("<I", raw, at + 42, 0)
    return bytes(raw)


def _lie() -> bytes:
    """The directory says one byte, the member has many."""
    raw = bytearray(_zip({"a.txt": random.Random(2).randbytes(5000)}))
    struct.pack_into("<I", raw, raw.rfind(b"PK\x01\x02") + 24, 1)
    return bytes(raw)


def _encrypted() -> bytes:
    raw = bytearray(_zip({"a.txt": b"secret"}))
    for at in (raw.find(b"PK\x03\x04") + 6, raw.rfind(b"PK\x01\x02") + 8):
        raw[at] |= 1
    return bytes(raw)


def _nested(deep: int) -> bytes:
    content = _zip({"a.txt": b"x"})
    for _ in range(deep):
        content = _zip({"inner.zip": content}, zipfile.ZIP_STORED)
    return content


def _tar(name: str = "a", kind: bytes = tarfile.REGTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type = kind
        member.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
        archive.addfile(member, io.BytesIO(b""))
    return out.getvalue()


def _png(width: int = 2, height: int = 2, behind: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"") + behind


def _jpeg(width: int = 9, height: int = 9, behind: bytes = b"") -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9" + behind


def _pdf(words: bytes = b"") -> bytes:
    return b"%PDF-1.7\n1 0 obj <<" + words + b">> endobj\n%%EOF\n"


RELATION = b'<Relationships><Relationship Id="1" Type="x/%s" Target="http://192.0.2.1/t" TargetMode="External"/></Relationships>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600

TRAPS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    # file name, maker, verdict: the code that must be among what is found; "" for nothing at all
    "plain text": ("a.txt", lambda: "口令不少于 12 位".encode(), ""),
    "empty": ("a.txt", lambda: b"", ""),
    "good zip": ("a.zip", lambda: _zip({"a.txt": b"x", "目录/乙.txt": b"y"}), ""),
    "good docx": ("a.docx", _office, ""),
    "good png": ("a.png", _png, ""),
    "good jpeg": ("a.jpg", _jpeg, ""),
    "good pdf": ("a.pdf", _pdf, ""),
    "good gzip": ("a.gz", lambda: gzip.compress(b"log\n" * 100), ""),
    "good tar": ("a.tgz", _tar, ""),
    "ratio 1000": ("a.zip", lambda: _zip({"a": b"\0" * 30_000_000}), "archive-ratio"),
    "ratio of gzip": ("a.gz", lambda: gzip.compress(b"\0" * 30_000_000), "archive-ratio"),
    "nested twice": ("a.zip", lambda: _nested(2), "archive-nested"),
    "nested ten deep": ("a.zip", lambda: _nested(10), "archive-nested"),
    "nested once": ("a.zip", lambda: _nested(1), "archive-nested-one"),
    "many members": ("a.zip", lambda: _zip({str(i): b"" for i in range(1001)}, zipfile.ZIP_STORED), "archive-members"),
    "overlapping members": ("a.zip", _overlap, "archive-overlap"),
    "size lies": ("a.zip", _lie, "archive"),
    "encrypted": ("a.zip", _encrypted, "archive-encrypted"),
    "cut off": ("a.zip", lambda: _zip({"a": b"x" * 100})[:-30], "archive-damaged"),
    "up and out": ("a.zip", lambda: _zip({"../../etc/cron.d/x": b"x"}), "archive-traversal"),
    "backslashes": ("a.zip", lambda: _zip({"..\\..\\x": b"x"}), "archive-traversal"),
    "absolute": ("a.zip", lambda: _zip({"/etc/passwd": b"x"}), "archive-traversal"),
    "drive": ("a.zip", lambda: _zip({"C:x": b"x"}), "archive-traversal"),
    "symbolic link": ("a.zip", lambda: _attributes(0o120777), "archive-symlink"),
    "device": ("a.zip", lambda: _attributes(0o060666), "archive-symlink"),
    "names alike": ("a.zip", _twice, "archive-duplicate"),
    "tar up and out": ("a.tgz", lambda: _tar("../x"), "archive-traversal"),
    "tar link": ("a.tgz", lambda: _tar("a", tarfile.SYMTYPE), "archive-symlink"),
    "tar hard link": ("a.tgz", lambda: _tar("a", tarfile.LNKTYPE), "archive-symlink"),
    "tar device": ("a.tgz", lambda: _tar("a", tarfile.CHRTYPE), "archive-symlink"),
    "gzip in gzip": ("a.gz", lambda: gzip.compress(gzip.compress(b"x" * 99)), "archive-nested"),
    "behind gzip": ("a.gz", lambda: gzip.compress(b"x") + b"more", "trailing-data"),
    "cut gzip": ("a.gz", lambda: gzip.compress(b"x" * 5000)[:-9], "archive-damaged"),
    "7z": ("a.7z", lambda: b"7z\xbc\xaf\x27\x1c" + b"\0" * 40, "archive-unreadable"),
    "rar": ("a.rar", lambda: b"Rar!\x1a\x07\x00" + b"\0" * 40, "archive-unreadable"),
    "macro": ("a.docm", lambda: _office(**{"word/vbaProject.bin": b"x"}), "office-macro"),
    "embedded object": ("a.docx", lambda: _office(**{"word/embeddings/oleObject1.bin": b"x"}), "office-object"),
    "attached template": (
        "a.docx", lambda: _office(**{"word/_rels/settings.xml.rels": RELATION % b"attachedTemplate"}), "office-external",
    ),
    "remote picture": ("a.docx", lambda: _office(**{"word/_rels/document.xml.rels": RELATION % b"image"}), "office-external"),
    "a link to click": ("a.docx", lambda: _office(**{"word/_rels/document.xml.rels": RELATION % b"hyperlink"}), ""),
    "external workbook": ("a.xlsx", lambda: _office(**{"xl/externalLinks/externalLink1.xml": b"<x/>"}), "office-external"),
    "dde": ("a.docx", lambda: _office(**{"word/x.xml": b"<w:instrText>DDEAUTO c:\\x</w:instrText>"}), "office-dde"),
    "xml bomb in docx": (
        "a.docx", lambda: _office(**{"word/x.xml": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'}), "xml-dtd",
    ),
    "1.5 M paragraphs": ("a.docx", lambda: _office(**{"word/x.xml": b"<w:p></w:p>" * 2_100_000}), "archive-ratio"),
    "10 M cells": ("a.xlsx", lambda: _office(**{"xl/sheet1.xml": b"<c r='A'>1</c>" * 3_000_000}), "archive-ratio"),
    "old Office with macro": ("a.doc", lambda: OLE + "VBA".encode("utf-16-le") + b"\0\0", "office-macro"),
    "old Office encrypted": ("a.doc", lambda: OLE + "EncryptedPackage".encode("utf-16-le"), "archive-encrypted"),
    "pixel flood": ("a.png", lambda: _png(50_000, 50_000), "image-pixels"),
    "pixel flood of jpeg": ("a.jpg", lambda: _jpeg(60_000, 60_000), "image-pixels"),
    "no pixels": ("a.png", lambda: _png(0, 5), "image-damaged"),
    "cut png": ("a.png", lambda: _png()[:20], "image-damaged"),
    "cut jpeg": ("a.jpg", lambda: _jpeg()[:6], "image-damaged"),
    "png and zip": ("a.png", lambda: _png(behind=_zip({"a": b"x"})), "polyglot"),
    "png and script": ("a.png", lambda: _png(behind=b"<script>alert(1)</script>"), "polyglot"),
    "jpeg and pdf": ("a.jpg", lambda: _jpeg(behind=_pdf()), "polyglot"),
    "gif and script": ("a.gif", lambda: b"GIF89a\x01\x00\x01\x00=1;<script>", "polyglot"),
    "pdf and zip": ("a.pdf", lambda: _pdf() + _zip({"a": b"x"}), "polyglot"),
    "pdf script": ("a.pdf", lambda: _pdf(b"/OpenAction << /JS (app.alert) >>"), "pdf-script"),
    "pdf script in codes": ("a.pdf", lambda: _pdf(b"/Java#53cript (x)"), "pdf-script"),
    "pdf launch": ("a.pdf", lambda: _pdf(b"/Launch /F (cmd)"), "pdf-launch"),
    "pdf with file": ("a.pdf", lambda: _pdf(b"/EmbeddedFile"), "pdf-embedded"),
    "pdf encrypted": ("a.pdf", lambda: _pdf(b"/Encrypt 5 0 R"), "pdf-encrypted"),
    "svg script": ("a.svg", lambda: b"<svg><script>alert(1)</script></svg>", "svg-script"),
    "svg handler": ("a.svg", lambda: b'<?xml version="1.0"?><svg onload="x()"/>', "svg-script"),
    "laughs": ("a.xml", lambda: b'<!DOCTYPE l [<!ENTITY a "b">]><l>&a;</l>', "xml-dtd"),
    "text called pdf": ("a.pdf", lambda: b"not a pdf", "type-differs"),
    "program called picture": ("a.png", lambda: b"MZ\x90\x00" + b"\0" * 64, "type-differs"),
    "one long line": ("a.txt", lambda: b"x" * 20_000_000, ""),
}  # fmt: skip


def _look(content: bytes, name: str, folder: Path, clamd: str = "") -> Inspection:
    stream = io.BytesIO(content)
    with spooled(stream, folder) as spool:
        while spool.read(65536):
            pass
        return spool.inspect(name, clamd)


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_gets_its_verdict(trap: str, tmp_path: Path) -> None:
    """What is written in the table is found, and nothing of the file is left in the folder."""
    name, make, code = TRAPS[trap]
    found = _look(make(), name, tmp_path)
    if code:
        assert any(one.startswith(code) for one in found.found), found
    else:
        assert found.found == ()
        assert found.verdict == "clean"
    assert list(tmp_path.iterdir()) == []


def test_every_code_has_words_and_one_meaning() -> None:
    """A finding is refused or flagged, never both, and a person is told in both languages."""
    assert not REFUSED & FLAGGED
    assert (REFUSED | FLAGGED | {"not-examined"}) == set(WORDS)


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_ends_in_a_verdict(seed: int, tmp_path: Path) -> None:
    """Flipped bytes in an archive or picture end in some verdict, never in a child that nobody understands."""
    chance = random.Random(seed)
    raw = bytearray(chance.choice([_office(), _png(), _jpeg(), _tar(), _nested(1)]))
    for _ in range(8):
        raw[chance.randrange(4, len(raw))] ^= 1 << chance.randrange(8)
    assert "not-examined" not in _look(bytes(raw), "a.bin", tmp_path).found


def test_a_child_that_takes_too_long_is_a_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of time ends it, and the file is refused."""
    monkeypatch.setattr(inspecting, "TIME_LIMIT_S", 0.001)
    assert _look(_office(), "a.docx", tmp_path).verdict == "refused"


def test_a_child_that_does_not_start_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looked: that is neither clean nor a trap."""
    monkeypatch.setattr(inspecting.sys, "executable", "/nonexistent/python")
    assert _look(_office(), "a.docx", tmp_path).verdict == "not-examined"


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[Callable[[bytes], str]]:
    """clamd(answer) → socket of a peer that speaks INSTREAM and answers so; EICAR is named when it comes."""
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> str:
        path = str(tmp_path / f"clamd{len(threads)}.sock")
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(path)
        server.listen(1)

        def serve() -> None:
            with server, server.accept()[0] as peer, peer.makefile("rb") as lines:
                assert lines.read(10) == b"zINSTREAM\0"
                got = b""
                while size := struct.unpack(">I", lines.read(4))[0]:
                    got += lines.read(size)
                peer.sendall((b"stream: Eicar-Test FOUND" if b"EICAR" in got else answer) + b"\0")

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return path

    yield start
    for thread in threads:
        thread.join(5)


def test_a_virus_scanner_is_asked(clamd: Callable[[bytes], str], tmp_path: Path) -> None:
    """Clean, found and trouble are told apart; without a scanner the row says that none looked."""
    folder = tmp_path / "spool"
    folder.mkdir()
    assert _look(b"hello", "a.txt", folder, clamd(b"stream: OK")).antivirus == "clean"
    found = _look(b"X5O!EICAR", "a.txt", folder, clamd(b"stream: OK"))
    assert (found.verdict, found.detail) == ("refused", "Eicar-Test")
    assert (
        _look(b"hello", "a.txt", folder, clamd(b"INSTREAM size limit exceeded. ERROR")).antivirus
        == "not-examined"
    )
    assert _look(b"hello", "a.txt", folder, str(tmp_path / "nobody")).antivirus == "not-examined"
    assert _look(b"hello", "a.txt", folder).antivirus == "absent"
