"""Identifiers of the standards, parsed once at the edge and printed back unchanged.

Each id is a ``str`` of its own type: it compares, sorts, hashes and stores like the text the
standard prints, and the type checker keeps it apart from any other text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from controls.errors import InvalidClause, InvalidFrameworkId, InvalidItemId, InvalidUnitId
from controls.terms import Scope, SecurityClass

__all__ = ["ClauseRef", "FrameworkId", "ItemId", "UnitId"]

_FRAMEWORK_RE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
_MLPS_UNIT_RE = re.compile(r"L([1-5])-([A-Z]{3})([1-5])-(\d{2})")
_CRYPTO_UNIT_RE = re.compile(r"L([1-4])-([67]\.[1-4]\.[1-9])")
_OWN_UNIT_RE = re.compile(r"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)/([A-Za-z0-9]+(?:[.\-][A-Za-z0-9]+)*)")
_NUMBERED_ITEM_RE = re.compile(r"(\d{1,2}(?:\.\d{1,2})+)(?:\.([a-z]))?")
_OWN_ITEM_RE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[.\-][A-Za-z0-9]+)*")


class FrameworkId(str):
    """Id of a framework edition, equal to the name of its folder: ``gbt-22239-2019``."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a framework id.

        Raises:
            InvalidFrameworkId: anything but small letters, digits and single hyphens.
        """
        if _FRAMEWORK_RE.fullmatch(text) is None:
            raise InvalidFrameworkId(text)
        return cls(text)


class UnitId(str):
    """Number of one assessment unit, unique over all frameworks and levels.

    Three shapes: ``L3-CES1-01`` (GB/T 28448-2019), ``L3-6.1.1`` (GB/T 43206-2023 number with the
    level, because one number stands for four levels), ``own-framework/unit`` (any other framework).

    Source: GB/T 28448-2019, C.1.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the printed form; ``str()`` of the result gives *text* back.

        Raises:
            InvalidUnitId: another shape, or a class code the standard does not know.
        """
        match = _MLPS_UNIT_RE.fullmatch(text)
        if match is not None:
            if match[2] not in SecurityClass.__members__.values():
                raise InvalidUnitId(text)
            return cls(text)
        if _CRYPTO_UNIT_RE.fullmatch(text) or _OWN_UNIT_RE.fullmatch(text):
            return cls(text)
        raise InvalidUnitId(text)

    @property
    def level(self) -> int | None:
        """The level in the number; ``None`` for units of frameworks without levels."""
        return int(self[1]) if self[0] == "L" else None

    @property
    def security_class(self) -> SecurityClass | None:
        """The class of an MLPS unit, else ``None``."""
        match = _MLPS_UNIT_RE.fullmatch(self)
        return SecurityClass(match[2]) if match else None

    @property
    def scope(self) -> Scope | None:
        """The scene of an MLPS unit, from the digit behind the class; else ``None``."""
        match = _MLPS_UNIT_RE.fullmatch(self)
        return Scope.from_digit(int(match[3])) if match else None

    @property
    def number(self) -> str:
        """The number as the unit's own standard prints it: ``L3-CES1-01``, ``6.1.1``, ``unit``."""
        match = _CRYPTO_UNIT_RE.fullmatch(self)
        if match:
            return match[2]
        return self.rpartition("/")[2]


@dataclass(frozen=True, order=True, slots=True)
class ClauseRef:
    """A clause of a standard, with the letter of a list entry where there is one.

    ``parts`` are numbers, so 8.1.10 sorts behind 8.1.9; ``letter`` is ``""`` for a clause without list.
    """

    parts: tuple[int, ...]
    letter: str = ""

    @classmethod
    def parse(cls, clause: str, letter: str = "") -> ClauseRef:
        """Read ``"8.1.4.1"`` and an optional letter.

        Raises:
            InvalidClause: *clause* is not numbers joined by dots, or *letter* is not one small letter.
        """
        if _NUMBERED_ITEM_RE.fullmatch(clause) is None or clause[-1].isalpha():
            raise InvalidClause(clause)
        if letter and not re.fullmatch(r"[a-z]", letter):
            raise InvalidClause(f"{clause} {letter}")
        return cls(tuple(int(part) for part in clause.split(".")), letter)

    @property
    def clause(self) -> str:
        """The clause without the letter: ``8.1.4.1``."""
        return ".".join(map(str, self.parts))

    def __str__(self) -> str:
        return f"{self.clause}.{self.letter}" if self.letter else self.clause


class ItemId(str):
    """Id of one requirement item, unique inside its framework.

    Clause and letter in numbered standards (``8.1.4.1.a``, ``8.1.1.2``), words in other frameworks.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the printed form.

        Raises:
            InvalidItemId: neither a clause nor a word id.
        """
        if _NUMBERED_ITEM_RE.fullmatch(text) or _OWN_ITEM_RE.fullmatch(text):
            return cls(text)
        raise InvalidItemId(text)

    @classmethod
    def of(cls, clause: ClauseRef) -> Self:
        """Make the id that belongs to a clause."""
        return cls(str(clause))

    @property
    def clause(self) -> ClauseRef | None:
        """The clause in a numbered id, else ``None``."""
        match = _NUMBERED_ITEM_RE.fullmatch(self)
        return ClauseRef.parse(match[1], match[2] or "") if match else None
