"""How facts are made from a pack: declared once with name, shape and labels, each seen or honestly not seen.

A function that makes a fact raises ``NotSeen`` when its source is missing; what a host sent can never
make parsing fail as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from scanners.baseline.model import Bilingual, Fact, FactInfo, FactKind, FactState, FactValue, Gap
from scanners.ssh_baseline.pack import Block, Note, Pack, Section

FLAG, NUMBER, TEXT, TEXTS, RECORDS = (
    FactKind.FLAG,
    FactKind.NUMBER,
    FactKind.TEXT,
    FactKind.TEXTS,
    FactKind.RECORDS,
)


class NotSeen(Exception):
    """The source of a fact is not in the pack; ends the making of one fact, never leaves this package."""

    def __init__(self, gap: Gap, detail: str) -> None:
        super().__init__(gap, detail)
        self.gap = gap
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Seen:
    """A value with where it was read, and with the note that says why there may be more."""

    value: FactValue
    source: str = ""
    missing: Note | None = None


class Source:
    """Look things up in a pack; what is not there raises ``NotSeen`` with the reason."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack

    def section(self, name: str) -> Section:
        """Give a section."""
        section = self.pack.sections.get(name)
        if section is None:
            raise NotSeen(Gap.MISSING_SECTION, name)
        return section

    def cmd(self, section_name: str, name: str) -> Block:
        """Give the output of a command, complete or not; refuse one that could not be run."""
        section = self.section(section_name)
        block = section.block(name)
        if block is None:
            note = section.notes[0] if section.notes else None
            gap = Gap.MISSING_SECTION if section.closed else Gap.TRUNCATED
            raise NotSeen(note.gap, note.detail) if note else NotSeen(gap, f"{section_name}/{name}")
        for note in block.notes:
            if note.gap in (Gap.MISSING_TOOL, Gap.SKIPPED) or (
                note.gap is Gap.NEEDS_ROOT and not block.lines
            ):
                raise NotSeen(note.gap, note.detail)
            if note.gap is Gap.UNREADABLE and not block.lines:
                raise NotSeen(note.gap, note.detail)
        return block

    def file(self, section_name: str, path: str) -> Block | None:
        """Give a file, ``None`` when it does not exist on the host."""
        section = self.section(section_name)
        block = section.block(path)
        if block is None:
            if not section.closed:
                raise NotSeen(Gap.TRUNCATED, path)
            raise NotSeen(Gap.MISSING_SECTION, path)
        return readable(block)

    def file_if_listed(self, section_name: str, path: str) -> Block | None:
        """Give a file, ``None`` when it does not exist or the collector did not list it."""
        section = self.section(section_name)
        block = section.block(path)
        if block is None and not section.closed:
            raise NotSeen(Gap.TRUNCATED, path)
        return readable(block) if block is not None else None


def not_found(source: str, missing: Note | None) -> Seen:
    """Give "no" for something that was looked for and not found.

    Raises:
        NotSeen: there was more to look through than what is here, so its absence is not known.
    """
    if missing is not None:
        raise NotSeen(missing.gap, missing.detail)
    return Seen(False, source)


def readable(block: Block) -> Block | None:
    """Give *block* when it was read, ``None`` when the file does not exist.

    Raises:
        NotSeen: it exists and was not read.
    """
    if block.state == "absent":
        return None
    if block.state != "ok":
        raise NotSeen(Gap.UNREADABLE if block.state == "special" else Gap.NEEDS_ROOT, block.name)
    return block


def settings(block: Block | None, *, comment: str = "#") -> list[str]:
    """Give the lines of a file that are not empty and not comments; joined where they end in a backslash."""
    lines: list[str] = []
    pending = ""
    for raw in block.lines if block is not None else ():
        line = pending + raw.strip()
        pending = ""
        if line.endswith("\\"):
            pending = line[:-1].rstrip() + " "
            continue
        if line and not line.startswith(tuple(comment)):
            lines.append(line)
    return [*lines, pending.strip()] if pending.strip() else lines


def key_values(block: Block | None, *, separator: str | None = "=") -> dict[str, str]:
    """Give ``key = value`` lines as a mapping with lower-case keys; a later line wins; comments after # go."""
    found: dict[str, str] = {}
    for line in settings(block):
        key, *rest = line.split(separator, 1)
        value = rest[0] if rest else ""
        found[key.strip().lower()] = value.partition(" #")[0].strip().strip("\"'")
    return found


FactMaker: TypeAlias = Callable[..., FactValue]
"""Takes the host, gives a value or a ``Seen``, or raises ``NotSeen``."""


class FactTable:
    """All facts of a platform with the functions that make them."""

    def __init__(self) -> None:
        self.infos: dict[str, FactInfo] = {}
        self._makers: dict[str, tuple[FactMaker, str]] = {}

    def fact(
        self, fact_id: str, kind: FactKind, zh: str, en: str, source: str = ""
    ) -> Callable[[FactMaker], FactMaker]:
        """Declare a fact: its id, shape, labels in both languages, and the usual place where it is read."""

        def declare(maker: FactMaker) -> FactMaker:
            if fact_id in self.infos:
                raise ValueError(f"fact {fact_id} is declared twice")
            self.infos[fact_id] = FactInfo(fact_id, kind, Bilingual(zh, en))
            self._makers[fact_id] = (maker, source)
            return maker

        return declare

    def make_all(self, host: object) -> Mapping[str, Fact]:
        """Make every fact for one host."""
        return {fact_id: self._make(host, maker, source) for fact_id, (maker, source) in self._makers.items()}

    def _make(self, host: object, maker: FactMaker, source: str) -> Fact:
        try:
            value = maker(host)
        except NotSeen as missing:
            return Fact(FactState.NOT_COLLECTED, source=source, gap=missing.gap, detail=missing.detail)
        except (ValueError, LookupError, ArithmeticError) as error:
            # a border: whatever a host sent, one fact that makes no sense must not hide the others
            return Fact(
                FactState.NOT_COLLECTED, source=source, gap=Gap.MALFORMED, detail=type(error).__name__
            )
        seen = value if isinstance(value, Seen) else Seen(value)
        if seen.missing is not None:
            return Fact(
                FactState.INCOMPLETE, seen.value, seen.source or source, seen.missing.gap, seen.missing.detail
            )
        return Fact(FactState.SEEN, seen.value, seen.source or source)


TABLE = FactTable()
fact = TABLE.fact
