"""The collector pack: bytes to sections and blocks. Pure, bounded, never raises for what a host sent.

The format is fixed in ``docs/collector-pack.md``. A pack may be cut, forged or hostile; what is wrong
with it is listed in ``Pack.problems`` and the parts concerned count as missing or incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scanners.baseline.model import FactValue, Gap

FORMAT = 1

MAX_BYTES = 20_000_000
MAX_LINES = 200_000
MAX_LINE = 8_192
MAX_SECTIONS = 128
MAX_BLOCKS = 2_000
_MAX_PROBLEMS = 50

_NOTE_GAPS: Mapping[str, Gap] = {
    "missing-tool": Gap.MISSING_TOOL,
    "needs-root": Gap.NEEDS_ROOT,
    "unreadable": Gap.UNREADABLE,
    "timed-out": Gap.TIMED_OUT,
    "truncated": Gap.TRUNCATED,
    "no-systemd": Gap.NO_SYSTEMD,
    "skipped": Gap.SKIPPED,
}
_FILE_STATES = ("ok", "absent", "unreadable", "special")


@dataclass(frozen=True, slots=True)
class Note:
    """Something the collector said about a block or section."""

    gap: Gap
    detail: str


@dataclass(slots=True)
class Block:
    """Content of one file or output of one command.

    ``state`` is ``ok`` for commands; for files also ``absent``, ``unreadable``, ``special``.
    ``rc`` is ``None`` when the exit code is not known.
    """

    name: str
    is_file: bool
    state: str = "ok"
    lines: list[str] = field(default_factory=list)
    rc: int | None = None
    notes: list[Note] = field(default_factory=list)
    cut: bool = False

    def gap(self) -> Note | None:
        """Give the reason why there may be more than what is here, or ``None``."""
        if self.cut:
            return Note(Gap.TRUNCATED, self.name)
        return self.notes[0] if self.notes else None


@dataclass(slots=True)
class Section:
    """One section: its blocks in order, and notes about the whole."""

    name: str
    blocks: list[Block] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    closed: bool = False

    def block(self, name: str) -> Block | None:
        """Give the first block of that name."""
        return next((block for block in self.blocks if block.name == name), None)

    def files(self, prefix: str = "") -> Iterator[Block]:
        """Give the blocks that are files below *prefix*, in order."""
        return (block for block in self.blocks if block.is_file and block.name.startswith(prefix))


@dataclass(frozen=True, slots=True)
class Pack:
    """A parsed pack. ``finished`` says whether the collector came to its end."""

    sections: Mapping[str, Section]
    finished: bool
    problems: tuple[str, ...]


class _Reader:
    def __init__(self) -> None:
        self.sections: dict[str, Section] = {}
        self.problems: list[str] = []
        self.finished = False
        self._section: Section | None = None
        self._block: Block | None = None
        self._twice: set[str] = set()
        self._stray = 0

    def problem(self, text: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(text)

    def content(self, line: str, cut: bool) -> None:
        if self._block is None:
            self._stray += 1
        else:
            self._block.lines.append(line)
            self._block.cut = self._block.cut or cut

    def stray(self) -> None:
        self._stray += 1

    def marker(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "@@begin":
            self._begin(rest)
        elif word == "@@finish":
            self.finished = self._section is None
        elif self._section is None:
            self._stray += 1
        elif word == "@@end":
            self._end(self._section, rest)
        elif word == "@@file":
            state, _, path = rest.partition(" ")
            if state not in _FILE_STATES:
                self.problem(f"unknown file state {state[:20]!r}")
                state = "unreadable"
            self._open(self._section, Block(path, is_file=True, state=state))
        elif word == "@@cmd":
            self._open(self._section, Block(rest, is_file=False))
        elif word == "@@rc":
            self._rc(rest)
        elif word == "@@note":
            self._note(self._section, rest)
        else:
            self._stray += 1

    def _begin(self, name: str) -> None:
        if self._section is not None:
            self.problem(f"section {self._section.name} was not closed")
            self._close()
        if name in self.sections or name in self._twice:
            self.problem(f"section {name[:40]} comes twice and is not used")
            self.sections.pop(name, None)
            self._twice.add(name)
        elif len(self.sections) >= MAX_SECTIONS:
            self.problem("too many sections")
        self._section = Section(name)

    def _end(self, section: Section, name: str) -> None:
        if name != section.name:
            self.problem(f"section {section.name[:40]} ends as {name[:40]}")
        else:
            section.closed = True
        self._close()

    def _close(self) -> None:
        section = self._section
        if section is not None and section.name not in self._twice and len(self.sections) < MAX_SECTIONS:
            self.sections[section.name] = section
        if section is not None and not section.closed and section.blocks:
            section.blocks[-1].cut = True
        self._section = self._block = None

    def _open(self, section: Section, block: Block) -> None:
        if len(section.blocks) >= MAX_BLOCKS:
            section.notes.append(Note(Gap.TRUNCATED, "blocks"))
            self._block = None
            return
        section.blocks.append(block)
        self._block = block

    def _rc(self, text: str) -> None:
        if self._block is not None and text.isascii() and text.isdigit() and len(text) < 4:
            self._block.rc = int(text)

    def _note(self, section: Section, text: str) -> None:
        word, _, detail = text.partition(" ")
        gap = _NOTE_GAPS.get(word)
        if gap is None:
            self.problem(f"unknown note {word[:20]!r}")
            gap = Gap.MALFORMED
        target = self._block.notes if self._block is not None else section.notes
        if len(target) < _MAX_PROBLEMS:
            target.append(Note(gap, detail[:200]))

    def finish(self) -> Pack:
        if self._section is not None:
            self.problem(f"the pack ends inside section {self._section.name[:40]}")
            self._close()
        if not self.finished:
            self.problem("the pack has no last line, it was cut")
        if self._stray:
            self.problem(f"{self._stray} lines that belong nowhere")
        return Pack(self.sections, self.finished, tuple(self.problems))


def read_pack(raw: bytes) -> Pack:
    """Read a pack, whatever it is; rubbish gives a pack without sections and with problems."""
    if len(raw) > MAX_BYTES:
        return Pack({}, False, (f"larger than {MAX_BYTES} bytes",))
    reader = _Reader()
    lines = raw.split(b"\n")
    if len(lines) > MAX_LINES:
        return Pack({}, False, (f"more than {MAX_LINES} lines",))
    if not lines[0].startswith(b"@@pack "):
        return Pack({}, False, ("does not begin like a collector pack",))
    if lines[0].split()[1:2] != [str(FORMAT).encode()]:
        return Pack({}, False, ("has an unknown format number",))
    for line in lines[1:]:
        text = line[:MAX_LINE].rstrip(b"\r").decode("utf-8", "replace")
        if text.startswith(" "):
            reader.content(text[1:], len(line) > MAX_LINE)
        elif text.startswith("@@"):
            reader.marker(text)
        elif text:
            reader.stray()
    return reader.finish()


def compose_pack(sections: Mapping[str, Mapping[str, FactValue]]) -> bytes:
    """Write a pack from pieces, as samples in rules give them.

    A key of a section that begins with ``/`` is a file, ``note`` a list of notes about the section, any other
    the name of a command. A text is the content, ``None`` a file that is absent or a command without output;
    a mapping may give ``text``, ``state``, ``rc`` and ``note``.
    """
    out = [f"@@pack {FORMAT} sample 0"]
    for name, blocks in sections.items():
        out.append(f"@@begin {name}")
        out += [f"@@note {note}" for note in blocks.get("note", ())]
        for key, value in blocks.items():
            if key != "note":
                out += _compose_block(key, value)
        out.append(f"@@end {name}")
    out += ["@@finish 0", ""]
    return "\n".join(out).encode()


def _compose_block(key: str, value: FactValue) -> list[str]:
    parts = value if isinstance(value, dict) else {"text": value}
    text = parts.get("text")
    state = parts.get("state", "ok" if text is not None else "absent")
    out = [f"@@file {state} {key}" if key.startswith("/") else f"@@cmd {key}"]
    if text is not None:
        out += [f" {line}" for line in str(text).rstrip("\n").split("\n")]
    if "note" in parts:
        out.append(f"@@note {parts['note']}")
    if not key.startswith("/"):
        out.append(f"@@rc {parts.get('rc', 0)}")
    return out
